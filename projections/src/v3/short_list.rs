//! Lists of what operators offer: short enough to be read whole, and each with a name of its own for its links.

use std::cmp::Ordering;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::context::Context;
use super::fault::Fault;
use super::links::Link;
use super::page::{Page, Paging, SortValue, Sortable};

/// The page of items that are all at hand. `missing` is the answer to an unknown marker; without one such a marker is
/// overlooked, as Cinder does for types.
pub(super) fn page<T: Sortable>(
    paging: &Paging,
    mut items: Vec<T>,
    missing: Option<fn(&str) -> Fault>,
) -> Result<Page<T>, Fault> {
    items.sort_by(|a, b| compare(paging, a, b));
    let mut paging = paging.clone();
    let known = |marker: &String| items.iter().any(|item| item.id() == *marker);
    if missing.is_none() && !paging.marker.as_ref().is_some_and(known) {
        paging.marker = None;
    }
    paging.cut(items, Sortable::id, |marker| missing.map_or_else(Fault::nothing_here, |missing| missing(marker)))
}

/// By every key, then by the moment and the id, in the direction of the first key.
fn compare<T: Sortable>(paging: &Paging, a: &T, b: &T) -> Ordering {
    let ascends = paging.sort.first().is_none_or(|(_, ascends)| *ascends);
    let ends = [("created_at".to_owned(), ascends), ("id".to_owned(), ascends)];
    let orders = paging.sort.iter().chain(&ends).map(|(key, ascends)| {
        let order = value(a, key).cmp(&value(b, key));
        if *ascends { order } else { order.reverse() }
    });
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn value<T: Sortable>(item: &T, key: &str) -> SortValue {
    match key {
        "id" => SortValue::Text(item.id()),
        "created_at" => SortValue::moment(Some(item.created_at())),
        key => item.sort_value(key).unwrap_or(SortValue::Nothing),
    }
}

/// A list as it is answered: `{"volume_types": [...], "volume_type_links": [...]}`.
#[derive(Debug)]
pub(super) struct ShortList<T> {
    name: &'static str,
    items: Vec<T>,
    links_name: &'static str,
    next: Option<Link>,
}

impl<T: Serialize> ShortList<T> {
    /// `path` is the list's own; `next` the marker of the next page.
    pub(super) fn new(
        context: &Context,
        (name, links_name): (&'static str, &'static str),
        path: &str,
        items: Vec<T>,
        next: Option<&str>,
    ) -> Self {
        let link = |marker: &str| {
            let query = context.query.with("marker", marker);
            Link { rel: "next", href: format!("{}/{path}?{query}", context.links.base) }
        };
        Self { name, items, links_name, next: next.map(link) }
    }
}

impl<T: Serialize> Serialize for ShortList<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.name, &self.items)?;
        if let Some(next) = &self.next {
            map.serialize_entry(self.links_name, &[next])?;
        }
        map.end()
    }
}
