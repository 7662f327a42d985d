//! What a type asks of a pool, key by key.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::state::VolumeType;

use super::{find, named, view};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{KEY_WITHOUT_SPACES, Kind, Rule as Is, Schema, under};

const VALUE: Schema = Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::CharsMax(255)]);

const CREATE: Schema =
    under!("extra_specs", Schema(&[Is::Kind(&[Kind::Object]), Is::Pattern(KEY_WITHOUT_SPACES, VALUE), Is::Closed]));

/// One key with its value.
pub(in crate::v3) const ITEM: Schema = Schema(&[
    Is::Kind(&[Kind::Object]),
    Is::Pattern(KEY_WITHOUT_SPACES, VALUE),
    Is::Closed,
    Is::KeysMin(1),
    Is::KeysMax(1),
]);

pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::TypesExtraSpecsIndex)?;
    let answer = |context: &Context, snapshot: &crate::reader::Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        Ok(Answer::ok(&json!({"extra_specs": view::extra_specs(&found, &context.caller)})))
    };
    context.read(answer).await
}

pub(super) async fn show(context: Context) -> Answered {
    context.allow(Rule::TypesExtraSpecsShow)?;
    let answer = |context: &Context, snapshot: &crate::reader::Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        let key = context.path("key");
        let specs = view::extra_specs(&found, &context.caller);
        let value = specs.get(key).ok_or_else(|| missing(&found, key))?;
        Ok(Answer::ok(&BTreeMap::from([(key, value)])))
    };
    context.read(answer).await
}

pub(super) async fn create(context: Context) -> Answered {
    let given = context.body_of(&CREATE, "extra_specs")?;
    context.allow(Rule::TypesExtraSpecsCreate)?;
    change(&context, given).await?;
    Ok(Answer::ok(&json!({"extra_specs": given})))
}

pub(super) async fn update(context: Context) -> Answered {
    let given = context.body(&ITEM)?;
    context.allow(Rule::TypesExtraSpecsUpdate)?;
    if !given.contains_key(context.path("key")) {
        return Err(Fault::bad_request("Request body and URI mismatch"));
    }
    change(&context, given).await?;
    Ok(Answer::ok(given))
}

pub(super) async fn delete(context: Context) -> Answered {
    context.allow(Rule::TypesExtraSpecsDelete)?;
    let id = named(&context).await?.id;
    let change = json!({"type": id, "extra_specs_change": {"unset": [context.path("key")]}});
    context.operate(("type", "update"), &change).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// Sets keys. A key without a value is not among what a change can set: then all specs are replaced.
async fn change(context: &Context, given: &Map<String, Value>) -> Result<(), Fault> {
    let found = named(context).await?;
    let content = if given.values().any(Value::is_null) {
        let mut all: Map<String, Value> =
            found.extra_specs.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        all.extend(given.clone());
        json!({"type": found.id, "extra_specs": all})
    } else {
        json!({"type": found.id, "extra_specs_change": {"set": given}})
    };
    context.operate(("type", "update"), &content).await.map(drop)
}

fn missing(found: &VolumeType, key: &str) -> Fault {
    let shown: String = key.chars().take(255).collect();
    Fault::not_found(format!("Volume Type {} has no extra specs with key {shown}.", found.id))
}
