//! Snapshots of all volumes of a group.

#[cfg(test)]
mod tests;
mod view;

use std::borrow::Cow;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use stele_core::id::ProjectId;
use stele_core::state::{Group, GroupSnapshot, GroupStatus};
use stele_core::unit::Timestamp;

use super::answer::{Answer, Answered};
use super::context::{Context, Owned};
use super::fault::Fault;
use super::filter::{FilterValue, Filterable, Filters};
use super::page::{LIMIT_MAX, Page, Paging, SortValue, Sortable};
use super::policy::Rule as Policy;
use super::routes::Routes;
use super::schema::{DESCRIPTION, Schema, TEXT, TEXT_OR_NULL, UUID, object, under};
use super::short_list::ShortList;
use crate::query::Scope;
use crate::reader::Snapshot;
use view::{Created, Detail, Summary};

/// The version with group snapshots, the one with `reset_status`, and the one with pages.
const GROUP_SNAPSHOTS: u16 = 14;
const RESET_STATUS: u16 = 19;
const PAGES: u16 = 29;

/// By what group snapshots are found and sorted.
const KEYS: &[&str] = &["name", "status", "group_id", "group_type_id", "description", "id"];

const CREATE: Schema = under!(
    "group_snapshot",
    object!({ "group_id" => UUID, "name" => TEXT_OR_NULL, "description" => DESCRIPTION } required ["group_id"])
);
const RESET: Schema = under!("reset_status", object!({ "status" => TEXT } required ["status"]));

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/group_snapshots", GROUP_SNAPSHOTS, index)
        .get("/group_snapshots/detail", GROUP_SNAPSHOTS, detail)
        .post("/group_snapshots", GROUP_SNAPSHOTS, create)
        .get("/group_snapshots/{group_snapshot}", GROUP_SNAPSHOTS, show)
        .delete("/group_snapshots/{group_snapshot}", GROUP_SNAPSHOTS, delete)
        .action("/group_snapshots/{group_snapshot}/action", "reset_status", RESET_STATUS, reset_status)
}

impl Owned for GroupSnapshot {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        Fault::no_such("GroupSnapshot", id)
    }
}

#[derive(Serialize)]
struct One<T> {
    group_snapshot: T,
}

async fn index(context: Context) -> Answered {
    context.allow(Policy::GroupGetAllGroupSnapshots)?;
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let views = page.items.iter().map(Summary::of).collect();
            Ok(Answer::ok(&list(context, "group_snapshots", views, &page)))
        })
        .await
}

async fn detail(context: Context) -> Answered {
    context.allow(Policy::GroupGetAllGroupSnapshots)?;
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let views = page.items.iter().map(|item| detailed(context, item)).collect();
            Ok(Answer::ok(&list(context, "group_snapshots/detail", views, &page)))
        })
        .await
}

fn list<T: Serialize>(context: &Context, path: &str, views: Vec<T>, page: &Page<GroupSnapshot>) -> ShortList<T> {
    ShortList::new(context, ("group_snapshots", "group_snapshot_links"), path, views, page.next.as_deref())
}

async fn show(context: Context) -> Answered {
    context.allow(Policy::GroupGetGroupSnapshot)?;
    let found: GroupSnapshot = context.find("group_snapshot").await?;
    Ok(Answer::ok(&One { group_snapshot: detailed(&context, &found) }))
}

async fn create(context: Context) -> Answered {
    context.allow(Policy::GroupCreateGroupSnapshot)?;
    let body = context.body_of(&CREATE, "group_snapshot")?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (wanted, name, description) = (text("group_id"), text("name"), text("description"));
    let group: Group = context.read(move |context, snapshot| context.owned(snapshot, &wanted)).await?;
    let content = json!({"group": group.id, "name": name, "description": description});
    let done = context.command(&group.project, ("group_snapshot", "create"), &content).await?;
    let id = done.subjects.group_snapshot.ok_or_else(Fault::malformed)?;
    let made = context.read(move |context, snapshot| {
        let found: GroupSnapshot = context.owned(snapshot, &id.to_string())?;
        Ok(Answer::accepted(&One { group_snapshot: Created::of(&found) }))
    });
    made.await
}

async fn delete(context: Context) -> Answered {
    context.allow(Policy::GroupDeleteGroupSnapshot)?;
    let found: GroupSnapshot = context.find("group_snapshot").await?;
    context.command(&found.project, ("group_snapshot", "delete"), &json!({"id": found.id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn reset_status(context: Context) -> Answered {
    let body = context.body_of(&RESET, "reset_status")?;
    let status = body.get("status").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    context.allow(Policy::GroupResetGroupSnapshotStatus)?;
    // A group snapshot is not in use by anything, so nobody may say that it is.
    if status == "in-use" || GroupStatus::stated(&status).is_none() {
        let shown: String = status.chars().take(64).collect();
        return Err(Fault::bad_request(format!(
            "Invalid GroupSnapshot Status: Group snapshot status: {shown} is invalid, valid statuses are: ('error', \
             'available', 'creating', 'deleting', 'deleted', 'updating', 'error_deleting')."
        )));
    }
    let found: GroupSnapshot = context.find("group_snapshot").await?;
    context.operate(("group_snapshot", "reset_status"), &json!({"id": found.id, "status": status})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn page(context: &Context, snapshot: &Snapshot) -> Result<Page<GroupSnapshot>, Fault> {
    let mut paging = Paging::read_for::<GroupSnapshot>(&context.query)?;
    let mut filters = Filters::read::<GroupSnapshot>(context, &[])?;
    if !context.version.has(PAGES) {
        // Before there were pages every parameter was overlooked.
        paging = Paging { limit: LIMIT_MAX, marker: None, offset: 0, sort: vec![("created_at".to_owned(), false)] };
        filters = Filters::default();
    }
    let marker = paging.marker.as_deref().map(|id| context.owned::<GroupSnapshot>(snapshot, id)).transpose()?;
    let all = context.caller.is_admin && context.query.truth("all_tenants")?;
    let scope = if all { Scope::All } else { Scope::Project(&context.caller.project) };
    paging.page(snapshot, scope, marker.as_ref(), |found: &GroupSnapshot| filters.pass(found))
}

fn detailed<'a>(context: &Context, found: &'a GroupSnapshot) -> Detail<'a> {
    Detail::of(found, context.version, context.allows(Policy::GroupSnapshotProjectAttribute))
}

impl Filterable for GroupSnapshot {
    const RESOURCE: &'static str = "group_snapshot";
    const BEFORE: &'static [&'static str] = KEYS;
    const ADDED: &'static [(u16, &'static str)] = &[];

    fn filter_value(&self, key: &str) -> Option<FilterValue<'_>> {
        value(self, key).map(FilterValue::Text)
    }
}

fn value<'a>(found: &'a GroupSnapshot, key: &str) -> Option<Cow<'a, str>> {
    Some(match key {
        "id" => found.id.to_string().into(),
        "name" => found.name.as_str().into(),
        "description" => found.description.as_str().into(),
        "status" => found.status.name().into(),
        "group_id" => found.group.to_string().into(),
        "group_type_id" => found.group_type.to_string().into(),
        _ => return None,
    })
}

impl Sortable for GroupSnapshot {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        match key {
            "updated_at" => Some(SortValue::moment(self.updated_at)),
            key => value(self, key).map(|text| SortValue::text(Some(text))),
        }
    }

    fn sorts_by(key: &str) -> bool {
        KEYS.contains(&key) || key == "updated_at"
    }
}
