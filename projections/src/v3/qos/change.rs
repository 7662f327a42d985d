//! QoS specs are made, changed and removed, and types come to use them.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::id::{QosId, TypeId};

use super::{find, shown};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{KEY, Kind, Misfit, Rule as Is, Schema, object, under};

const CREATE: Schema = under!(
    "qos_specs",
    Schema(&[
        Is::Kind(&[Kind::Object]),
        Is::Keys(&[("name", Schema(&[Is::Kind(&[Kind::Text]), Is::Format(name)]))]),
        Is::Required(&["name"]),
    ])
);

const UPDATE: Schema = under!(
    "qos_specs",
    Schema(&[
        Is::Kind(&[Kind::Object]),
        Is::Pattern(KEY, Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::CharsMax(255)])),
        Is::Closed,
    ])
);

const DELETE_KEYS: Schema = object!({
    "keys" => Schema(&[
        Is::Kind(&[Kind::Array]),
        Is::Items(Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1), Is::CharsMax(255)])),
        Is::Unique,
    ]),
} required ["keys"]);

pub(super) async fn create(context: Context) -> Answered {
    let given = context.body_of(&CREATE, "qos_specs")?;
    context.allow(Rule::QosSpecsManageCreate)?;
    let name = given.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    let others = given.iter().filter(|(key, _)| *key != "name");
    let (consumer, specs) = split(others)?;
    let mut content = json!({"name": name, "specs": specs});
    if let Some(consumer) = consumer {
        content["consumer"] = consumer.into();
    }
    let accepted = context.operate(("qos", "create"), &content).await?;
    shown(&context, accepted.subjects.qos).await
}

/// As in Cinder the name cannot be changed: `name` is a key like any other.
pub(super) async fn update(context: Context) -> Answered {
    let given = context.body_of(&UPDATE, "qos_specs")?;
    context.allow(Rule::QosSpecsManageUpdate)?;
    let (consumer, specs) = split(given.iter())?;
    let mut content = json!({"id": named(&context).await?, "specs_change": {"set": specs}});
    if let Some(consumer) = consumer {
        content["consumer"] = consumer.into();
    }
    context.operate(("qos", "update"), &content).await?;
    Ok(Answer::ok(&json!({"qos_specs": given})))
}

/// Who keeps to the specs, and the specs. A key without a value is left out, as in Cinder.
fn split<'a>(
    given: impl Iterator<Item = (&'a String, &'a Value)>,
) -> Result<(Option<String>, Map<String, Value>), Fault> {
    let (mut consumer, mut specs) = (None, Map::new());
    for (key, value) in given {
        match value {
            Value::Null => {}
            Value::String(text) if key == "consumer" => consumer = Some(known_consumer(text)?),
            Value::String(text) => {
                specs.insert(key.clone(), text.as_str().into());
            }
            _ => {
                let shown: String = key.chars().take(255).collect();
                return Err(Fault::invalid_input(format!("Value for key \"{shown}\" is not a string or unicode")));
            }
        }
    }
    Ok((consumer, specs))
}

fn known_consumer(text: &str) -> Result<String, Fault> {
    if !["back-end", "front-end", "both"].contains(&text) {
        let message = "Invalid qos specs: Valid consumer of QoS specs are: ['back-end', 'front-end', 'both']";
        return Err(Fault::bad_request(message));
    }
    Ok(text.to_owned())
}

pub(super) async fn delete(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageDelete)?;
    let force = context.query.truth("force")?;
    let id = named(&context).await?;
    context.operate(("qos", "delete"), &json!({"id": id, "force": force})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

pub(super) async fn delete_keys(context: Context) -> Answered {
    let keys = context.body(&DELETE_KEYS)?.get("keys").cloned().unwrap_or_default();
    context.allow(Rule::QosSpecsManageDelete)?;
    let id = named(&context).await?;
    context.operate(("qos", "update"), &json!({"id": id, "specs_change": {"unset": keys}})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

pub(super) async fn associate(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageUpdate)?;
    with_type(&context, "associate").await
}

pub(super) async fn disassociate(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageUpdate)?;
    with_type(&context, "disassociate").await
}

pub(super) async fn disassociate_all(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageUpdate)?;
    let id = named(&context).await?;
    context.operate(("qos", "disassociate"), &json!({"id": id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn with_type(context: &Context, verb: &'static str) -> Answered {
    let Some(volume_type) = context.query.get("vol_type_id").filter(|id| !id.is_empty()) else {
        return Err(Fault::bad_request("Volume Type id must not be None."));
    };
    let id = named(context).await?;
    let volume_type: TypeId = volume_type.parse().map_err(|_| Fault::no_such("Volume type", volume_type))?;
    context.operate(("qos", verb), &json!({"id": id, "type": volume_type})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// The specs that the path names.
async fn named(context: &Context) -> Result<QosId, Fault> {
    context.read(|context, snapshot| Ok(find(snapshot, context.path("id"))?.id)).await
}

fn name(value: &Value) -> Result<(), Misfit> {
    let says = |what: &str| {
        let text = format!("An invalid 'name' value was provided. The 'name' can not be {what}.");
        Err(Misfit::Says(text))
    };
    match value.as_str().map(|text| (text, text.trim().chars().count())) {
        Some(("", _)) => says("None"),
        Some((_, 0)) => says("empty"),
        Some((_, chars)) if chars > 255 => says("greater than 255 characters"),
        _ => Ok(()),
    }
}
