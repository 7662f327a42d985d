//! `/group_types`: what kinds of groups there are.

mod specs;
#[cfg(test)]
mod tests;
mod view;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use stele_core::id::GroupTypeId;
use stele_core::state::GroupType;
use stele_core::unit::Timestamp;

use super::answer::{Answer, Answered};
use super::context::Context;
use super::fault::Fault;
use super::page::{Paging, SortValue, Sortable};
use super::policy::Rule;
use super::python::truth_of;
use super::routes::Routes;
use super::scalar::unless_empty;
use super::schema::{BOOLEAN, DESCRIPTION, NAME, PAIRS_OR_NULL, Schema, TEXT_OR_NULL, object, under};
use super::short_list::{self, ShortList};
use super::types::{changes, is_public};
use crate::reader::Snapshot;
use view::GroupTypeView;

/// The version in which group types came.
const SINCE: u16 = 11;

const CREATE: Schema = under!(
    "group_type",
    object!({
        "name" => NAME,
        "description" => DESCRIPTION,
        "is_public" => BOOLEAN,
        "group_specs" => PAIRS_OR_NULL,
    } required ["name"])
);

const UPDATE: Schema =
    under!("group_type", object!({ "name" => TEXT_OR_NULL, "description" => DESCRIPTION, "is_public" => BOOLEAN }));

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/group_types", SINCE, list)
        .post("/group_types", SINCE, create)
        .get("/group_types/{id}", SINCE, show)
        .put("/group_types/{id}", SINCE, update)
        .delete("/group_types/{id}", SINCE, delete)
        .get("/group_types/{id}/group_specs", SINCE, specs::list)
        .post("/group_types/{id}/group_specs", SINCE, specs::create)
        .get("/group_types/{id}/group_specs/{key}", SINCE, specs::show)
        .put("/group_types/{id}/group_specs/{key}", SINCE, specs::update)
        .delete("/group_types/{id}/group_specs/{key}", SINCE, specs::delete)
}

#[derive(Serialize)]
struct Body<'a> {
    group_type: GroupTypeView<'a>,
}

async fn list(context: Context) -> Answered {
    let answer = |context: &Context, snapshot: &Snapshot| {
        let paging = Paging::read_for::<GroupType>(&context.query)?;
        // Only admins see private ones.
        let asked = context.query.get("is_public").filter(|_| context.caller.is_admin);
        let public = asked.map_or(Ok(Some(true)), is_public)?;
        let all: Vec<GroupType> = snapshot.entities::<GroupType>()?.iter()?.collect::<Result<_, _>>()?;
        let kept = all.into_iter().filter(|found| public.is_none_or(|wanted| found.is_public == wanted)).collect();
        let page = short_list::page(&paging, kept, None)?;
        let views = page.items.iter().map(|found| GroupTypeView::new(found, &context.caller)).collect();
        let names = ("group_types", "group_type_links");
        Ok(Answer::ok(&ShortList::new(context, names, "group_types", views, page.next.as_deref())))
    };
    context.read(answer).await
}

/// This cell has no default group type, as Cinder without the option `default_group_type`.
async fn show(context: Context) -> Answered {
    if context.path("id") == "default" {
        return Err(Fault::not_found("Default group type can not be found."));
    }
    shown(&context, None, StatusCode::OK).await
}

/// The group type of an id, or the one that the path names.
async fn shown(context: &Context, id: Option<GroupTypeId>, status: StatusCode) -> Answered {
    let answer = move |context: &Context, snapshot: &Snapshot| {
        let id = id.map_or_else(|| context.path("id").to_owned(), |id| id.to_string());
        let found = find(context, snapshot, &id)?;
        Ok(Answer::json(status, &Body { group_type: GroupTypeView::new(&found, &context.caller) }))
    };
    context.read(answer).await
}

async fn create(context: Context) -> Answered {
    let given = context.body_of(&CREATE, "group_type")?;
    context.allow(Rule::GroupTypesCreate)?;
    let keys = ["name", "description", "group_specs"].into_iter();
    let there = keys.filter_map(|key| Some((key.to_owned(), given.get(key).filter(|value| !value.is_null())?.clone())));
    let mut content: Map<String, Value> = there.collect();
    if let Some(is_public) = given.get("is_public").and_then(truth_of) {
        content.insert("is_public".to_owned(), is_public.into());
    }
    let accepted = context.operate(("group_type", "create"), &content).await?;
    shown(&context, accepted.subjects.group_type, StatusCode::ACCEPTED).await
}

async fn update(context: Context) -> Answered {
    let given = context.body_of(&UPDATE, "group_type")?;
    context.allow(Rule::GroupTypesUpdate)?;
    let mut content = changes(given, "Group type", "group type name, description or a combination thereof")?;
    let id = named(&context).await?.id;
    content.insert("id".to_owned(), json!(id));
    context.operate(("group_type", "update"), &content).await?;
    shown(&context, Some(id), StatusCode::OK).await
}

async fn delete(context: Context) -> Answered {
    context.allow(Rule::GroupTypesDelete)?;
    let id = named(&context).await?.id;
    context.operate(("group_type", "delete"), &json!({"id": id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn find(context: &Context, snapshot: &Snapshot, id: &str) -> Result<GroupType, Fault> {
    let parsed: Option<GroupTypeId> = id.parse().ok();
    let found = parsed.map(|id| snapshot.find::<GroupType>(&id)).transpose()?.flatten();
    let visible = |found: &GroupType| found.is_public || context.caller.is_admin;
    found.filter(visible).ok_or_else(|| Fault::no_such("Group type", id))
}

/// [`find`] on its own, for the group type that the path names.
async fn named(context: &Context) -> Result<GroupType, Fault> {
    context.read(|context, snapshot| find(context, snapshot, context.path("id"))).await
}

impl Sortable for GroupType {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        Some(match key {
            "name" => SortValue::text(Some(&self.name)),
            "description" => SortValue::text(unless_empty(&self.description)),
            "is_public" => SortValue::Number(self.is_public.into()),
            "updated_at" => SortValue::moment(self.updated_at),
            _ => return None,
        })
    }

    fn sorts_by(key: &str) -> bool {
        matches!(key, "name" | "description" | "is_public" | "updated_at")
    }
}
