//! By what lists may be filtered: Cinder's `resource_filters.json` as it is shipped.

use serde::Serialize;
use serde_json::json;

use super::answer::{Answer, Answered};
use super::context::Context;
use super::routes::Routes;

/// What callers who are no admins may filter by, by resource.
const FILTERS: &[(&str, &[&str])] = &[
    (
        "volume",
        &[
            "name",
            "status",
            "metadata",
            "bootable",
            "migration_status",
            "availability_zone",
            "group_id",
            "size",
            "created_at",
            "updated_at",
            "consumes_quota",
        ],
    ),
    ("backup", &["name", "status", "volume_id"]),
    ("snapshot", &["name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota"]),
    ("group", &["name"]),
    ("group_snapshot", &["name", "status", "group_id"]),
    ("attachment", &["volume_id", "status", "instance_id", "attach_status"]),
    ("message", &["resource_uuid", "resource_type", "event_id", "request_id", "message_level"]),
    ("pool", &["name", "volume_type"]),
    ("volume_type", &["is_public", "extra_specs"]),
];

/// The version in which this route came.
const SINCE: u16 = 33;

#[derive(Debug, Serialize)]
struct ResourceFilters {
    resource: &'static str,
    filters: &'static [&'static str],
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/resource_filters", SINCE, list)
}

async fn list(context: Context) -> Answered {
    let asked = context.query.get("resource").filter(|resource| !resource.is_empty());
    let wanted = FILTERS.iter().filter(|(resource, _)| asked.is_none_or(|asked| asked == *resource));
    let views: Vec<_> = wanted.map(|(resource, filters)| ResourceFilters { resource, filters }).collect();
    Ok(Answer::ok(&json!({"resource_filters": views})))
}

/// What callers who are no admins may filter the lists of a resource by.
pub(super) fn allowed(resource: &str) -> &'static [&'static str] {
    FILTERS.iter().find(|(known, _)| *known == resource).map_or(&[], |(_, keys)| keys)
}
