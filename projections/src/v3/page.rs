use std::cmp::Ordering;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use stele_core::unit::Timestamp;

use super::context::Context;
use super::fault::Fault;
use super::filter::FilterValue;
use super::links::Link;
use super::python::integer;
use super::query::Query;
use super::schema::INTEGER_MAX;
use crate::query::{Listed, Order, Scope, Stored};
use crate::reader::Snapshot;
use crate::store::StoreError;

/// Cinder's `osapi_max_limit`: the most items of a page, and how many there are when nothing is said.
pub(crate) const LIMIT_MAX: usize = 1000;

/// Parameters that say which part of a list is wanted; all others are filters.
pub(crate) const PAGING: &[&str] = &["limit", "marker", "offset", "sort", "sort_key", "sort_dir"];

/// Which part of a list is wanted, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// The most items.
    pub(crate) limit: usize,
    /// The id of the last item of the page before.
    pub(crate) marker: Option<String>,
    /// How many items to leave out.
    pub(crate) offset: usize,
    /// Keys, the most important one first, and whether they ascend.
    pub(crate) sort: Vec<(String, bool)>,
}

/// What items are sorted by. Nothing comes before everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortValue {
    Nothing,
    Number(i64),
    Text(String),
}

impl SortValue {
    /// Of a text that may be missing.
    pub(crate) fn text(text: Option<impl ToString>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_string()))
    }

    /// Of what filters compare with.
    pub(crate) fn of(value: &FilterValue<'_>) -> Self {
        match value {
            FilterValue::Text(text) => Self::Text(text.to_string()),
            FilterValue::Name(text) | FilterValue::Host(text) => Self::Text((*text).to_owned()),
            FilterValue::Number(number) => Self::Number(*number),
            FilterValue::Truth(truth) => Self::Number(i64::from(*truth)),
            FilterValue::Moment(moment) => Self::moment(Some(*moment)),
            FilterValue::Nothing | FilterValue::Pairs(_) => Self::Nothing,
        }
    }

    /// Of a moment that may be missing.
    pub(crate) fn moment(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Nothing, |moment| Self::Number(moment.micros()))
    }
}

/// What can be listed in pages.
pub(crate) trait Sortable {
    /// Its id.
    fn id(&self) -> String;

    /// When it was asked for.
    fn created_at(&self) -> Timestamp;

    /// What it has under a key other than `id` and `created_at`; `None` when it has no such key.
    fn sort_value(&self, key: &str) -> Option<SortValue>;

    /// Whether lists can be sorted by a key.
    fn sorts_by(key: &str) -> bool;
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// The marker of the next page, when this one is full.
    pub(crate) next: Option<String>,
}

impl Paging {
    /// Reads the parameters.
    ///
    /// # Errors
    /// 400 with Cinder's texts.
    pub(crate) fn read(query: &Query) -> Result<Self, Fault> {
        let limit = match query.get("limit").map(|text| integer(text).ok_or(())) {
            None => LIMIT_MAX,
            Some(Err(())) => return Err(Fault::bad_request("limit param must be an integer")),
            Some(Ok(negative)) if negative < 0 => return Err(Fault::bad_request("limit param must be positive")),
            Some(Ok(limit)) => usize::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX),
        };
        let offset = match query.get("offset").map(|text| integer(text).ok_or(())) {
            None => 0,
            Some(Err(())) => return Err(Fault::bad_request("offset must be an integer")),
            Some(Ok(negative)) if negative < 0 => return Err(Fault::bad_request("offset must be >= 0")),
            Some(Ok(large)) if large > i128::from(INTEGER_MAX) => {
                return Err(Fault::bad_request(format!("offset must be <= {INTEGER_MAX}")));
            }
            Some(Ok(offset)) => usize::try_from(offset).unwrap_or(usize::MAX),
        };
        Ok(Self { limit, marker: query.get("marker").map(ToOwned::to_owned), offset, sort: sort(query)? })
    }

    /// The same, sorted only by keys that a kind has.
    ///
    /// # Errors
    /// 400 with Cinder's texts.
    pub(crate) fn read_for<T: Sortable>(query: &Query) -> Result<Self, Fault> {
        let paging = Self::read(query)?;
        let known = |key: &str| matches!(key, "id" | "created_at") || T::sorts_by(key);
        if paging.sort.iter().any(|(key, _)| !known(key)) {
            return Err(Fault::invalid_input("Invalid sort key"));
        }
        Ok(paging)
    }

    /// The page of a scope's items that `keep` keeps. `marker` is what [`Self::marker`] names.
    ///
    /// # Errors
    /// What `keep` gives, and 500 when the store cannot be read.
    pub(crate) fn page<T: Stored + Listed + Sortable>(
        &self,
        snapshot: &Snapshot,
        scope: Scope<'_>,
        marker: Option<&T>,
        mut keep: impl FnMut(&T) -> Result<bool, Fault>,
    ) -> Result<Page<T>, Fault> {
        if self.limit == 0 {
            return Ok(Page { items: Vec::new(), next: None });
        }
        // The index has the order in which nearly everybody asks: then only what is shown is read.
        if let Some(order) = self.order() {
            let listed = snapshot.list::<T>(scope, order, marker)?;
            return Ok(self.full(take(listed, self.offset, self.limit, keep)?));
        }
        let mut items = take(snapshot.list::<T>(scope, Order::NewestFirst, None)?, 0, usize::MAX, &mut keep)?;
        items.sort_by(|a, b| self.compare(a, b));
        if let Some(marker) = marker {
            items.retain(|item| self.compare(item, marker) == Ordering::Greater);
        }
        Ok(self.full(items.into_iter().skip(self.offset).take(self.limit).collect()))
    }

    /// The page of items that are all at hand and in order; the marker must be among them.
    ///
    /// # Errors
    /// What `missing` says to a marker that is not.
    pub(crate) fn cut<T>(
        &self,
        items: Vec<T>,
        id: impl Fn(&T) -> String,
        missing: impl FnOnce(&str) -> Fault,
    ) -> Result<Page<T>, Fault> {
        let behind = match &self.marker {
            None => 0,
            Some(marker) => 1 + items.iter().position(|item| id(item) == *marker).ok_or_else(|| missing(marker))?,
        };
        let items: Vec<T> = items.into_iter().skip(behind).skip(self.offset).take(self.limit).collect();
        let next = items.last().filter(|_| items.len() == self.limit).map(id);
        Ok(Page { items, next })
    }

    fn full<T: Sortable>(&self, items: Vec<T>) -> Page<T> {
        let next = items.last().filter(|_| items.len() == self.limit).map(Sortable::id);
        Page { items, next }
    }

    /// The index's order, when it is what is wanted.
    fn order(&self) -> Option<Order> {
        let (key, ascends) = self.sort.first()?;
        let rest = self.sort.get(1..).unwrap_or_default();
        let same = rest.iter().all(|(key, way)| key == "created_at" || (key == "id" && way == ascends));
        let order = if *ascends { Order::OldestFirst } else { Order::NewestFirst };
        (key == "created_at" && same).then_some(order)
    }

    /// Compares by every key, and then as Cinder does by the moment and the id, in the first key's direction.
    fn compare<T: Sortable>(&self, a: &T, b: &T) -> Ordering {
        let ascends = self.sort.first().is_none_or(|(_, ascends)| *ascends);
        let ends = [("created_at".to_owned(), ascends), ("id".to_owned(), ascends)];
        let keys = self.sort.iter().chain(&ends);
        keys.map(|(key, ascends)| {
            let order = value(a, key).cmp(&value(b, key));
            if *ascends { order } else { order.reverse() }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
    }
}

fn value<T: Sortable>(item: &T, key: &str) -> SortValue {
    match key {
        "id" => SortValue::Text(item.id()),
        "created_at" => SortValue::moment(Some(item.created_at())),
        key => item.sort_value(key).unwrap_or(SortValue::Nothing),
    }
}

fn take<T>(
    listed: impl Iterator<Item = Result<T, StoreError>>,
    offset: usize,
    limit: usize,
    mut keep: impl FnMut(&T) -> Result<bool, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut items = Vec::new();
    let mut left_out = 0;
    for item in listed {
        let item = item?;
        if !keep(&item)? {
            continue;
        }
        if left_out < offset {
            left_out += 1;
            continue;
        }
        items.push(item);
        if items.len() == limit {
            break;
        }
    }
    Ok(items)
}

fn sort(query: &Query) -> Result<Vec<(String, bool)>, Fault> {
    let direction = |text: &str| match text.trim() {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err(Fault::invalid_input("Unknown sort direction, must be 'desc' or 'asc'.")),
    };
    let Some(sort) = query.get("sort") else {
        let key = query.get("sort_key").unwrap_or("created_at").trim().to_owned();
        return Ok(vec![(key, direction(query.get("sort_dir").unwrap_or("desc"))?)]);
    };
    if query.get("sort_key").or_else(|| query.get("sort_dir")).is_some() {
        let text = "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' \
                    parameter.";
        return Err(Fault::bad_request(text));
    }
    let keys = sort.trim().split(',').take(32).map(|part| {
        let (key, way) = part.split_once(':').unwrap_or((part, ""));
        Ok((key.trim().to_owned(), direction(if way.is_empty() { "desc" } else { way })?))
    });
    keys.collect()
}

/// A list as it is answered: `{"volumes": [...], "volumes_links": [...], "count": 1}`.
#[derive(Debug)]
pub(crate) struct Collection<T> {
    name: &'static str,
    items: Vec<T>,
    next: Option<Link>,
    count: Option<u64>,
}

impl<T: Serialize> Collection<T> {
    /// Items under a name, which is the list's path as well; `next` is the marker of the next page.
    pub(crate) fn new(context: &Context, name: &'static str, items: Vec<T>, next: Option<&str>) -> Self {
        Self::at(context, name, name, items, next)
    }

    /// The same where the path is another one, such as `volumes/detail`.
    pub(crate) fn at(context: &Context, name: &'static str, path: &str, items: Vec<T>, next: Option<&str>) -> Self {
        let link = |marker: &str| {
            let query = context.query.with("marker", marker);
            Link { rel: "next", href: format!("{}/{path}?{query}", context.links.base) }
        };
        Self { name, items, next: next.map(link), count: None }
    }

    /// The same with how many there are in all.
    pub(crate) fn with_count(mut self, count: Option<u64>) -> Self {
        self.count = count;
        self
    }
}

impl<T: Serialize> Serialize for Collection<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.name, &self.items)?;
        if let Some(next) = &self.next {
            map.serialize_entry(&format!("{}_links", self.name), &[next])?;
        }
        if let Some(count) = self.count {
            map.serialize_entry("count", &count)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
