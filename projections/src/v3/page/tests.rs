use super::*;

fn paging(query: &str) -> Result<Paging, String> {
    Paging::read(&Query::parse(Some(query)).unwrap()).map_err(|fault| fault.message().to_owned())
}

#[test]
fn paging_is_read_as_cinder_reads_it() {
    let input = "Invalid input received: ";
    let both = "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.";
    for (query, expected) in [
        ("limit=-1", "limit param must be positive".to_owned()),
        ("limit=abc", "limit param must be an integer".to_owned()),
        ("limit=", "limit param must be an integer".to_owned()),
        ("offset=abc", "offset must be an integer".to_owned()),
        ("offset=-1", "offset must be >= 0".to_owned()),
        ("offset=99999999999999", "offset must be <= 2147483647".to_owned()),
        ("sort=id:sideways", format!("{input}Unknown sort direction, must be 'desc' or 'asc'.")),
        ("sort_dir=up", format!("{input}Unknown sort direction, must be 'desc' or 'asc'.")),
        ("sort=id&sort_key=id", both.to_owned()),
        ("sort=id&sort_dir=asc", both.to_owned()),
    ] {
        assert_eq!(paging(query), Err(expected), "{query}");
    }
    for (query, limit, offset, sort) in [
        ("", 1000, 0, vec![("created_at", false)]),
        ("limit=0&offset=7", 0, 7, vec![("created_at", false)]),
        ("limit=100000", 1000, 0, vec![("created_at", false)]),
        ("limit=99999999999999999999999", 1000, 0, vec![("created_at", false)]),
        ("sort=id:asc,name", 1000, 0, vec![("id", true), ("name", false)]),
        ("sort_key=size&sort_dir=asc", 1000, 0, vec![("size", true)]),
        ("sort_dir=asc", 1000, 0, vec![("created_at", true)]),
    ] {
        let sort = sort.into_iter().map(|(key, ascends)| (key.to_owned(), ascends)).collect();
        assert_eq!(paging(query), Ok(Paging { limit, marker: None, offset, sort }), "{query}");
    }
}

#[test]
fn the_index_is_used_where_it_has_the_order() {
    for (query, expected) in [
        ("", Some(Order::NewestFirst)),
        ("sort=created_at:asc", Some(Order::OldestFirst)),
        ("sort=created_at,id", Some(Order::NewestFirst)),
        ("sort=created_at:asc,id:desc", None),
        ("sort=created_at,name", None),
        ("sort=id", None),
    ] {
        assert_eq!(paging(query).unwrap().order(), expected, "{query}");
    }
}

#[test]
fn short_lists_are_cut() {
    for (query, expected, next) in [
        ("", vec![1, 2, 3, 4], None),
        ("limit=2", vec![1, 2], Some("2")),
        ("limit=2&marker=2", vec![3, 4], Some("4")),
        ("limit=2&marker=4", vec![], None),
        ("limit=2&marker=1&offset=1", vec![3, 4], Some("4")),
        ("limit=0", vec![], None),
        ("offset=9", vec![], None),
    ] {
        let page =
            paging(query).unwrap().cut(vec![1, 2, 3, 4], ToString::to_string, |id| Fault::no_such("Type", id)).unwrap();
        assert_eq!((page.items, page.next.as_deref()), (expected, next), "{query}");
    }
    let unknown = paging("marker=9").unwrap().cut(vec![1], ToString::to_string, |id| Fault::no_such("Type", id));
    assert_eq!(unknown.unwrap_err().message(), "Type 9 could not be found.");
}
