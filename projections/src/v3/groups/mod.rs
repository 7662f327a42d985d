//! Groups of volumes.

mod change;
#[cfg(test)]
mod tests;
mod view;

use std::borrow::Cow;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use stele_core::id::{GroupId, ProjectId, VolumeId};
use stele_core::state::{Group, GroupStatus, Volume};
use stele_core::unit::Timestamp;

use super::answer::{Answer, Answered};
use super::context::{Context, Owned};
use super::fault::Fault;
use super::filter::{FilterValue, Filterable, Filters};
use super::page::{Page, Paging, SortValue, Sortable};
use super::policy::Rule as Policy;
use super::python::truth_of;
use super::routes::Routes;
use super::schema::{BOOLEAN, Schema, TEXT, object, under};
use super::short_list::ShortList;
use crate::query::{Order, Scope};
use crate::reader::Snapshot;
use view::{Detail, Summary};

/// The version with groups, the one with group snapshots, and the one with `reset_status`.
const GROUPS: u16 = 13;
const GROUP_SNAPSHOTS: u16 = 14;
const RESET_STATUS: u16 = 20;

/// By what groups are found and sorted.
const KEYS: &[&str] = &["name", "status", "availability_zone", "group_type_id", "description", "id"];

const ACTIONS: &str = "/groups/{group}/action";

const DELETE: Schema = under!("delete", object!({ "delete-volumes" => BOOLEAN }));
const RESET: Schema = under!("reset_status", object!({ "status" => TEXT } required ["status"]));

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/groups", GROUPS, index)
        .get("/groups/detail", GROUPS, detail)
        .post("/groups", GROUPS, change::create)
        .action("/groups/action", "create-from-src", GROUP_SNAPSHOTS, change::create_from_source)
        .get("/groups/{group}", GROUPS, show)
        .put("/groups/{group}", GROUPS, change::update)
        .action(ACTIONS, "delete", GROUPS, delete)
        .action(ACTIONS, "reset_status", RESET_STATUS, reset_status)
}

impl Owned for Group {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        Fault::no_such("Group", id)
    }
}

#[derive(Serialize)]
struct One<T> {
    group: T,
}

async fn index(context: Context) -> Answered {
    context.allow(Policy::GroupGetAll)?;
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let views = page.items.iter().map(Summary::of).collect();
            let names = ("groups", "group_links");
            Ok(Answer::ok(&ShortList::new(context, names, "groups", views, page.next.as_deref())))
        })
        .await
}

async fn detail(context: Context) -> Answered {
    context.allow(Policy::GroupGetAll)?;
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let views = page.items.iter().map(|group| detailed(context, snapshot, group));
            let views = views.collect::<Result<Vec<_>, Fault>>()?;
            let names = ("groups", "group_links");
            Ok(Answer::ok(&ShortList::new(context, names, "groups/detail", views, page.next.as_deref())))
        })
        .await
}

async fn show(context: Context) -> Answered {
    context.allow(Policy::GroupGet)?;
    context
        .read(|context, snapshot| {
            let group: Group = context.owned(snapshot, context.path("group"))?;
            Ok(Answer::ok(&One { group: detailed(context, snapshot, &group)? }))
        })
        .await
}

async fn delete(context: Context) -> Answered {
    context.allow(Policy::GroupDelete)?;
    let body = context.body_of(&DELETE, "delete")?;
    let with_volumes = body.get("delete-volumes").and_then(truth_of).unwrap_or(false);
    let group: Group = context.find("group").await?;
    let content = json!({"id": group.id, "delete_volumes": with_volumes});
    context.command(&group.project, ("group", "delete"), &content).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn reset_status(context: Context) -> Answered {
    let body = context.body_of(&RESET, "reset_status")?;
    let status = body.get("status").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    context.allow(Policy::GroupResetStatus)?;
    if GroupStatus::stated(&status).is_none() {
        let shown: String = status.chars().take(64).collect();
        return Err(Fault::bad_request(format!(
            "Invalid Group Status: Group status: {shown} is invalid, valid status are: ('error', 'available', \
             'creating', 'deleting', 'deleted', 'updating', 'in-use', 'error_deleting')."
        )));
    }
    let group: Group = context.find("group").await?;
    context.operate(("group", "reset_status"), &json!({"id": group.id, "status": status})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn page(context: &Context, snapshot: &Snapshot) -> Result<Page<Group>, Fault> {
    let paging = Paging::read_for::<Group>(&context.query)?;
    let filters = Filters::read::<Group>(context, &["list_volume"])?;
    let marker = paging.marker.as_deref().map(|id| context.owned::<Group>(snapshot, id)).transpose()?;
    let all = context.caller.is_admin && context.query.truth("all_tenants")?;
    let scope = if all { Scope::All } else { Scope::Project(&context.caller.project) };
    paging.page(snapshot, scope, marker.as_ref(), |group: &Group| filters.pass(group))
}

fn detailed<'a>(context: &Context, snapshot: &Snapshot, group: &'a Group) -> Result<Detail<'a>, Fault> {
    let wanted = context.version.has(25) && context.query.truth("list_volume")?;
    let volumes = wanted.then(|| volumes_of(snapshot, group.id)).transpose()?;
    Ok(Detail::of(group, context.version, volumes, context.allows(Policy::GroupProjectAttribute)))
}

fn volumes_of(snapshot: &Snapshot, group: GroupId) -> Result<Vec<VolumeId>, Fault> {
    let volumes = snapshot.list::<Volume>(Scope::Group(group), Order::OldestFirst, None)?;
    Ok(volumes.map(|volume| volume.map(|volume| volume.id)).collect::<Result<_, _>>()?)
}

impl Filterable for Group {
    const RESOURCE: &'static str = "group";
    const BEFORE: &'static [&'static str] = KEYS;
    const ADDED: &'static [(u16, &'static str)] = &[];

    fn filter_value(&self, key: &str) -> Option<FilterValue<'_>> {
        value(self, key).map(FilterValue::Text)
    }
}

fn value<'a>(group: &'a Group, key: &str) -> Option<Cow<'a, str>> {
    Some(match key {
        "id" => group.id.to_string().into(),
        "name" => group.name.as_str().into(),
        "description" => group.description.as_str().into(),
        "status" => group.status.name().into(),
        "availability_zone" => group.availability_zone.as_str().into(),
        "group_type_id" => group.group_type.to_string().into(),
        _ => return None,
    })
}

impl Sortable for Group {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        match key {
            "updated_at" => Some(SortValue::moment(self.updated_at)),
            "host" => Some(SortValue::Nothing),
            key => value(self, key).map(|text| SortValue::text(Some(text))),
        }
    }

    fn sorts_by(key: &str) -> bool {
        KEYS.contains(&key) || matches!(key, "updated_at" | "host")
    }
}
