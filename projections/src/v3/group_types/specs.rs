//! What a group type asks for, key by key.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{find, named};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{KEY_WITHOUT_SPACES, Kind, Rule as Is, Schema, under};

const VALUE: Schema = Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMax(255)]);

const CREATE: Schema =
    under!("group_specs", Schema(&[Is::Kind(&[Kind::Object]), Is::Pattern(KEY_WITHOUT_SPACES, VALUE), Is::Closed]));

const UPDATE: Schema = Schema(&[
    Is::Kind(&[Kind::Object]),
    Is::Pattern(KEY_WITHOUT_SPACES, VALUE),
    Is::Closed,
    Is::KeysMin(1),
    Is::KeysMax(1),
]);

pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::GroupTypesSpecsGetAll)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        Ok(Answer::ok(&json!({"group_specs": found.group_specs})))
    };
    context.read(answer).await
}

pub(super) async fn show(context: Context) -> Answered {
    context.allow(Rule::GroupTypesSpecsGet)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        let key = context.path("key");
        let shown = || key.chars().take(255).collect::<String>();
        let missing = || Fault::not_found(format!("Group Type {} has no extra spec with key {}.", found.id, shown()));
        let value = found.group_specs.get(key).ok_or_else(missing)?;
        Ok(Answer::ok(&BTreeMap::from([(key, value)])))
    };
    context.read(answer).await
}

pub(super) async fn create(context: Context) -> Answered {
    let given = context.body_of(&CREATE, "group_specs")?;
    context.allow(Rule::GroupTypesSpecsCreate)?;
    change(&context, given).await?;
    Ok(Answer::accepted(&json!({"group_specs": given})))
}

pub(super) async fn update(context: Context) -> Answered {
    let given = context.body(&UPDATE)?;
    context.allow(Rule::GroupTypesSpecsUpdate)?;
    if !given.contains_key(context.path("key")) {
        return Err(Fault::bad_request("Request body and URI mismatch"));
    }
    change(&context, given).await?;
    Ok(Answer::ok(given))
}

pub(super) async fn delete(context: Context) -> Answered {
    context.allow(Rule::GroupTypesSpecsDelete)?;
    let id = named(&context).await?.id;
    let change = json!({"id": id, "group_specs_change": {"unset": [context.path("key")]}});
    context.operate(("group_type", "update"), &change).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn change(context: &Context, given: &Map<String, Value>) -> Result<(), Fault> {
    let id = named(context).await?.id;
    let change = json!({"id": id, "group_specs_change": {"set": given}});
    context.operate(("group_type", "update"), &change).await.map(drop)
}
