//! How volumes of a type are to be encrypted.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::state::VolumeType;

use super::view::EncryptionView;
use super::{find, named};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::python::integer;
use crate::v3::schema::{Constant, INTEGER_MAX, Kind, Misfit, Rule as Is, Schema, TEXT_OR_NULL, object, under};

const PROVIDER: Schema = Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMax(255)]);

const CONTROL_LOCATION: Schema = Schema(&[Is::OneOf(&[Constant::Text("front-end"), Constant::Text("back-end")])]);

const KEY_SIZE: Schema = Schema(&[
    Is::Kind(&[Kind::Text, Kind::Integer, Kind::Null]),
    Is::Min(0),
    Is::Max(INTEGER_MAX),
    Is::Format(key_size),
]);

const CREATE: Schema = under!(
    "encryption",
    object!({
        "provider" => PROVIDER,
        "control_location" => CONTROL_LOCATION,
        "cipher" => TEXT_OR_NULL,
        "key_size" => KEY_SIZE,
    } required ["provider", "control_location"])
);

const UPDATE: Schema = under!(
    "encryption",
    object!({
        "provider" => PROVIDER,
        "control_location" => CONTROL_LOCATION,
        "cipher" => TEXT_OR_NULL,
        "key_size" => KEY_SIZE,
    })
);

/// A type without encryption has nothing to show, which is no fault.
pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::VolumeTypeEncryptionGet)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        Ok(match &found.encryption {
            Some(encryption) => Answer::ok(&EncryptionView::new(found.id, encryption)),
            None => Answer::ok(&json!({})),
        })
    };
    context.read(answer).await
}

pub(super) async fn show(context: Context) -> Answered {
    context.allow(Rule::VolumeTypeEncryptionGet)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        let all = found.encryption.as_ref().map(|encryption| json!(EncryptionView::new(found.id, encryption)));
        let value = all.as_ref().and_then(|all| all.get(context.path("key"))).ok_or_else(|| missing(&found))?;
        Ok(Answer::ok(&Map::from_iter([(context.path("key").to_owned(), value.clone())])))
    };
    context.read(answer).await
}

pub(super) async fn create(context: Context) -> Answered {
    let mut given = numbered(context.body_of(&CREATE, "encryption")?);
    context.allow(Rule::VolumeTypeEncryptionCreate)?;
    let id = named(&context).await?.id;
    set(&context, json!({"type": id, "create": true}), &given).await?;
    let made = context.read(move |_, snapshot| Ok(snapshot.find::<VolumeType>(&id)?)).await?;
    let encryption = made.and_then(|made| made.encryption);
    given.insert("volume_type_id".to_owned(), json!(id));
    given.insert("encryption_id".to_owned(), json!(encryption.map(|encryption| encryption.id)));
    Ok(Answer::ok(&json!({"encryption": given})))
}

pub(super) async fn update(context: Context) -> Answered {
    let given = numbered(context.body_of(&UPDATE, "encryption")?);
    context.allow(Rule::VolumeTypeEncryptionUpdate)?;
    let id = named(&context).await?.id;
    set(&context, json!({"type": id, "create": false}), &given).await?;
    Ok(Answer::ok(&json!({"encryption": given})))
}

pub(super) async fn delete(context: Context) -> Answered {
    context.allow(Rule::VolumeTypeEncryptionDelete)?;
    let id = named(&context).await?.id;
    context.operate(("type", "unset_encryption"), &json!({"type": id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn set(context: &Context, mut content: Value, given: &Map<String, Value>) -> Result<(), Fault> {
    for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        content[key] = value.clone();
    }
    context.operate(("type", "set_encryption"), &content).await.map(drop)
}

/// The same with the key's size as a number: clients send texts as well.
fn numbered(given: &Map<String, Value>) -> Map<String, Value> {
    let mut given = given.clone();
    if let Some(size) = given.get_mut("key_size")
        && let Some(number) = size.as_str().and_then(integer).and_then(|number| i64::try_from(number).ok())
    {
        *size = number.into();
    }
    given
}

fn key_size(value: &Value) -> Result<(), Misfit> {
    match value.as_str().map(integer) {
        Some(None) => Err(Misfit::Says("Invalid input received: key_size must be an integer.".to_owned())),
        _ => Ok(()),
    }
}

fn missing(found: &VolumeType) -> Fault {
    Fault::not_found(format!("Volume type encryption for type {} does not exist.", found.id))
}
