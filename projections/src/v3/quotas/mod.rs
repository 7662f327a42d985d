//! Quotas: of projects, of classes, and a project's limits as its users see them.

mod classes;
mod limits;
mod sets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stele_core::state::QuotaResource;

use super::fault::Fault;
use super::routes::Routes;
use crate::query::Types;
use crate::view::QuotaLine;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/os-quota-sets/{project}", 0, sets::show)
        .put("/os-quota-sets/{project}", 0, sets::update)
        .delete("/os-quota-sets/{project}", 0, sets::delete)
        .get("/os-quota-sets/{project}/defaults", 0, sets::defaults)
        .get("/os-quota-class-sets/{class}", 0, classes::show)
        .put("/os-quota-class-sets/{class}", 0, classes::update)
        .get("/limits", 0, limits::show)
}

/// Limits by Cinder's names, with an id where one is shown.
fn limits_of(lines: &[QuotaLine], id: Option<&str>) -> Map<String, Value> {
    let limits = lines.iter().map(|line| (line.resource.clone(), json!(line.limit)));
    limits.chain(id.map(|id| ("id".to_owned(), json!(id)))).collect()
}

/// The same with what is in use and reserved.
fn usage_of(lines: &[QuotaLine], id: &str) -> Map<String, Value> {
    let line = |line: &QuotaLine| json!({"limit": line.limit, "in_use": line.in_use, "reserved": line.reserved});
    let lines = lines.iter().map(|found| (found.resource.clone(), line(found)));
    lines.chain([("id".to_owned(), json!(id))]).collect()
}

/// Cinder tells of every unknown key at once.
fn known_keys<'a>(types: &Types, keys: impl Iterator<Item = &'a String>, what: &str) -> Result<(), Fault> {
    let by_name: BTreeMap<&str, _> = types.iter().map(|found| (found.name.as_str(), found.id)).collect();
    let known = |key: &str| QuotaResource::from_name(key, |name| by_name.get(name).copied()).is_some();
    let unknown: Vec<String> =
        keys.filter(|key| !known(key)).map(|key| key.chars().take(255).collect()).take(32).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Fault::invalid_input(format!("Bad key(s) in {what}: {}", unknown.join(", "))))
}

/// The name of a project or a class, which is not too long.
fn short_name<'a>(name: &'a str, what: &str) -> Result<&'a str, Fault> {
    let chars = name.chars().count();
    if chars > 255 {
        return Err(Fault::invalid_input(format!("{what} has {chars} characters, more than 255.")));
    }
    Ok(name)
}
