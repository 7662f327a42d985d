//! Types are made, changed and removed.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::id::TypeId;
use stele_core::state::VolumeType;

use super::view::{Shown, TypeView};
use super::{Body, named};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::python::truth_of;
use crate::v3::schema::{BOOLEAN, DESCRIPTION, KEY, Kind, NAME, Rule as Is, Schema, object, under};

const EXTRA_SPECS: Schema = Schema(&[
    Is::Kind(&[Kind::Object]),
    Is::Pattern(KEY, Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::CharsMax(255)])),
    Is::Closed,
]);

const CREATE: Schema = under!(
    "volume_type",
    object!({
        "name" => NAME,
        "description" => DESCRIPTION,
        "extra_specs" => EXTRA_SPECS,
        "os-volume-type-access:is_public" => BOOLEAN,
    } required ["name"])
);

const UPDATE: Schema = under!(
    "volume_type",
    object!({
        "name" => Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::CharsMin(1), Is::CharsMax(255)]),
        "description" => DESCRIPTION,
        "is_public" => BOOLEAN,
    })
);

pub(super) async fn create(context: Context) -> Answered {
    let given = context.body_of(&CREATE, "volume_type")?;
    context.allow(Rule::TypeCreate)?;
    let mut content = Map::from_iter([("name".to_owned(), given.get("name").cloned().unwrap_or_default())]);
    for key in ["description", "extra_specs"] {
        if let Some(value) = given.get(key).filter(|value| !value.is_null()) {
            content.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(is_public) = given.get("os-volume-type-access:is_public").and_then(truth_of) {
        content.insert("is_public".to_owned(), is_public.into());
    }
    let accepted = context.operate(("type", "create"), &content).await?;
    shown(&context, accepted.subjects.volume_type, Shown::Created).await
}

pub(super) async fn update(context: Context) -> Answered {
    let given = context.body_of(&UPDATE, "volume_type")?;
    context.allow(Rule::TypeUpdate)?;
    let content = changes(given, "Volume type", "volume type name, description, is_public or a combination thereof")?;
    let id = named(&context).await?.id;
    let mut content = content;
    content.insert("type".to_owned(), json!(id));
    context.operate(("type", "update"), &content).await?;
    shown(&context, Some(id), Shown::Updated).await
}

/// What an update of a volume or group type changes.
///
/// # Errors
/// 400 when the name is blank, and when nothing is to be changed.
pub(in crate::v3) fn changes(
    given: &Map<String, Value>,
    what: &str,
    wanted: &str,
) -> Result<Map<String, Value>, Fault> {
    let mut content = Map::new();
    for key in ["name", "description"] {
        if let Some(Value::String(text)) = given.get(key) {
            content.insert(key.to_owned(), text.as_str().into());
        }
    }
    if content.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty() && name.trim().is_empty()) {
        return Err(Fault::bad_request(format!("{what} name can not be empty.")));
    }
    if let Some(is_public) = given.get("is_public").and_then(truth_of) {
        content.insert("is_public".to_owned(), is_public.into());
    }
    if content.is_empty() {
        return Err(Fault::bad_request(format!("Specify {wanted}.")));
    }
    Ok(content)
}

pub(super) async fn delete(context: Context) -> Answered {
    context.allow(Rule::TypeDelete)?;
    let id = named(&context).await?.id;
    context.operate(("type", "delete"), &json!({"type": id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// In Cinder a type cannot be removed by an action, although its router leads there.
pub(super) async fn delete_as_action(context: Context) -> Answered {
    context.allow(Rule::TypeDelete)?;
    Err(Fault::malformed())
}

async fn shown(context: &Context, id: Option<TypeId>, shown: Shown) -> Answered {
    let answer = move |context: &Context, snapshot: &crate::reader::Snapshot| {
        let found = id.map(|id| snapshot.find::<VolumeType>(&id)).transpose()?.flatten();
        let gone = || Fault::not_found("The volume type was removed by somebody else.");
        let found = found.ok_or_else(gone)?;
        Ok(Answer::ok(&Body { volume_type: TypeView::new(&found, &context.caller, shown) }))
    };
    context.read(answer).await
}
