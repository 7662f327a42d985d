use serde_json::{Value, json};

use crate::v3::testing::Api;

/// A cell with the volumes a to e of `p` (sizes 1 to 5, odd ones with `tier` hot) and one of `q`.
async fn cell() -> Api {
    let api = Api::start().await;
    for (index, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let tier = if index % 2 == 0 { "hot" } else { "cold" };
        let body = json!({"volume": {"size": index + 1, "name": name, "metadata": {"tier": tier}}});
        api.post("p/member", "/volumes", 0, body).await.with(202);
    }
    api.volume("q", "other").await;
    api
}

fn names(list: &Value) -> String {
    let volumes = list["volumes"].as_array().unwrap();
    volumes.iter().map(|volume| volume["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn lists_are_sorted_filtered_and_cut() {
    let api = cell().await;
    for (who, minor, query, expected) in [
        ("p/member", 0, "", "e d c b a"),
        ("p/reader", 0, "?sort=created_at:asc", "a b c d e"),
        ("p/member", 0, "?sort=name:asc", "a b c d e"),
        ("p/member", 0, "?sort_key=size&sort_dir=desc", "e d c b a"),
        ("p/member", 0, "?sort=status,size:asc", "a b c d e"),
        ("p/member", 0, "?limit=2", "e d"),
        ("p/member", 0, "?limit=2&offset=1", "d c"),
        ("p/member", 0, "?sort=size:asc&offset=3", "d e"),
        ("p/member", 0, "?limit=0", ""),
        ("p/member", 0, "?limit=100000", "e d c b a"),
        ("p/member", 0, "?name=c", "c"),
        ("p/member", 0, "?name=nope", ""),
        ("p/member", 0, "?status=available&limit=2&sort_key=name&sort_dir=asc", "a b"),
        ("p/member", 0, "?status=bogus", ""),
        ("p/member", 0, "?size=3", "c"),
        ("p/member", 0, "?size=x", ""),
        ("p/member", 0, "?availability_zone=nova&size=2", "b"),
        ("p/member", 0, "?bootable=false", "e d c b a"),
        ("p/member", 0, "?bootable=maybe", ""),
        ("p/member", 0, "?metadata=%7B%27tier%27%3A+%27hot%27%7D", "e c a"),
        ("p/member", 0, "?metadata=%7B%22tier%22%3A%22cold%22%7D", "d b"),
        ("p/member", 0, "?metadata=nonsense", ""),
        // What a member may not filter by is overlooked before 3.31.
        ("p/member", 0, "?host=n1@lvm&nonsense=1", "e d c b a"),
        ("p/member", 0, "?all_tenants=1&project_id=q", "e d c b a"),
        ("p/member", 0, "?all_tenants=maybe", "e d c b a"),
        ("p/admin", 0, "?all_tenants=0", "e d c b a"),
        ("p/admin", 0, "?all_tenants=True", "other e d c b a"),
        ("p/admin", 0, "?all_tenants=1&project_id=q", "other"),
        ("p/admin", 0, "?all_tenants=1&name=a", "a"),
        ("p/admin", 0, "?host=n1", "e d c b a"),
        ("p/admin", 0, "?host=n2", ""),
        ("p/admin", 71, "?nonsense=1", ""),
        ("p/admin", 71, "?size=2&status=%5B%27error%27%2C%27available%27%5D", "b"),
        ("p/admin", 71, "?name~=B", "b"),
        ("p/member", 71, "?created_at=gt:2016-01-01T00:00:00", "e d c b a"),
        ("p/member", 71, "?created_at=gt:2016-01-01T00:00:00,lt:2017-01-01", ""),
        ("p/member", 71, "?consumes_quota=true&size=1", "a"),
        ("p/member", 71, "?consumes_quota=false", ""),
        ("p/admin", 71, "?user_id=member-of-p&size=4", "d"),
        ("p/admin", 71, "?migration_status=None&size=4", "d"),
    ] {
        for path in ["/volumes", "/volumes/detail"] {
            let list = api.get(who, &format!("{path}{query}"), minor).await.with(200);
            assert_eq!(names(&list), expected, "{who} 3.{minor} {path}{query}");
        }
    }
}

#[tokio::test]
async fn lists_that_cannot_be_are_refused_as_in_cinder() {
    let api = cell().await;
    let input = "Invalid input received: ";
    for (who, minor, query, expected) in [
        ("p/member", 0, "limit=-1", (400, "limit param must be positive".to_owned())),
        ("p/member", 0, "sort=bogus", (400, format!("{input}Invalid sort key"))),
        ("p/member", 0, "marker=nope", (404, "Volume nope could not be found.".to_owned())),
        ("p/member", 2, "bootable=maybe", (400, format!("{input}'bootable = maybe'"))),
        ("p/member", 71, "with_count=maybe", (400, "Value 'maybe' for 'with_count' is not a boolean.".to_owned())),
        ("p/admin", 71, "all_tenants=maybe", (400, "Value 'maybe' for 'all_tenants' is not a boolean.".to_owned())),
        ("p/member", 71, "created_at=xx:2016-01-01", (400, "Invalid xx operator".to_owned())),
        ("p/member", 71, "created_at=gt:bogus", (400, "Invalid bogus value".to_owned())),
        ("p/member", 71, "host=x&b=y", (400, "Invalid filters host,b are found in query options.".to_owned())),
        ("p/member", 71, "name~=x", (400, "Invalid filters name~ are found in query options.".to_owned())),
    ] {
        let told = api.get(who, &format!("/volumes/detail?{query}"), minor).await.fault();
        assert_eq!(told, expected, "{who} 3.{minor} {query}");
    }
}

/// Following the links gives everything once, whatever the order; and each link is the request that it leads to.
#[tokio::test]
async fn pages_follow_each_other() {
    let api = cell().await;
    for (query, expected) in [
        ("limit=2", "e d|c b|a"),
        ("limit=2&sort=name%3Aasc", "a b|c d|e"),
        ("limit=1&status=available&sort_key=size&sort_dir=desc", "e|d|c|b|a|"),
        ("limit=2&metadata=%7B%27tier%27%3A+%27hot%27%7D", "e c|a"),
        ("limit=5", "e d c b a|"),
    ] {
        let mut pages = Vec::new();
        let mut path = format!("/volumes/detail?{query}");
        loop {
            let list = api.get("p/member", &path, 0).await.with(200);
            pages.push(names(&list));
            let Some(link) = list.get("volumes_links") else { break };
            assert_eq!(link[0]["rel"], "next");
            let href = link[0]["href"].as_str().unwrap();
            path = href.strip_prefix("http://cell:8776/v3/p").unwrap().to_owned();
            assert!(path.starts_with(&format!("/volumes/detail?{query}&marker=")), "{path}");
        }
        assert_eq!(pages.join("|"), expected, "{query}");
    }
}

#[tokio::test]
async fn lists_say_how_many_there_are_when_asked() {
    let api = cell().await;
    for (minor, query, expected) in [
        (44, "limit=2&with_count=true", json!(null)),
        (45, "limit=2", json!(null)),
        (45, "limit=2&with_count=true", json!(5)),
        (45, "limit=1&with_count=1&metadata=%7B%27tier%27%3A+%27hot%27%7D", json!(3)),
        (45, "with_count=no", json!(null)),
    ] {
        let list = api.get("p/member", &format!("/volumes?{query}"), minor).await.with(200);
        assert_eq!(list["count"], expected, "3.{minor} {query}");
    }
}

#[tokio::test]
async fn totals_are_those_of_the_project() {
    let api = cell().await;
    let plain = json!({"volume-summary": {"total_count": 5, "total_size": 15}});
    assert_eq!(api.get("p/reader", "/volumes/summary", 12).await.with(200), plain);
    let full = json!({"volume-summary": {"total_count": 5, "total_size": 15, "metadata": {"tier": ["cold", "hot"]}}});
    assert_eq!(api.get("p/reader", "/volumes/summary?all_tenants=1", 36).await.with(200), full);
    let all = api.get("p/admin", "/volumes/summary?all_tenants=1", 12).await.with(200);
    assert_eq!(all, json!({"volume-summary": {"total_count": 6, "total_size": 16}}));
}
