use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::id::{GroupId, VolumeId};
use stele_core::state::{Group, GroupSnapshot};

use super::One;
use super::view::Summary;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule as Policy;
use crate::v3::python::{Repr, Str};
use crate::v3::schema::{DESCRIPTION, Kind, Rule, Schema, TEXT, TEXT_OR_NULL, UUID_OR_NULL, object, under};

const VOLUME_TYPES: Schema = Schema(&[
    Rule::Kind(&[Kind::Array]),
    Rule::ItemsMin(1),
    Rule::Items(Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMax(255)])),
    Rule::Unique,
]);

const CREATE: Schema = under!(
    "group",
    object!({
        "description" => DESCRIPTION,
        "group_type" => TEXT,
        "name" => TEXT_OR_NULL,
        "volume_types" => VOLUME_TYPES,
        "availability_zone" => TEXT_OR_NULL,
    } required ["group_type", "volume_types"])
);

const CREATE_FROM_SOURCE: Schema = under!(
    "create-from-src",
    object!({
        "description" => DESCRIPTION,
        "name" => TEXT_OR_NULL,
        "source_group_id" => UUID_OR_NULL,
        "group_snapshot_id" => UUID_OR_NULL,
    })
);

const UPDATE: Schema = under!(
    "group",
    Schema(&[
        Rule::Kind(&[Kind::Object]),
        Rule::Keys(&[
            ("description", DESCRIPTION),
            ("name", TEXT_OR_NULL),
            ("add_volumes", IDS),
            ("remove_volumes", IDS),
        ]),
        Rule::Any(&[
            Schema(&[Rule::Required(&["name"])]),
            Schema(&[Rule::Required(&["description"])]),
            Schema(&[Rule::Required(&["add_volumes"])]),
            Schema(&[Rule::Required(&["remove_volumes"])]),
        ]),
        Rule::Closed,
    ])
);

/// Ids, separated by commas. Cinder takes 255 characters, six of them; as many as a group has are more useful.
const IDS: Schema = Schema(&[Rule::Kind(&[Kind::Text, Kind::Null]), Rule::CharsMax(8192)]);

pub(super) async fn create(context: Context) -> Answered {
    context.allow(Policy::GroupCreate)?;
    let body = context.body_of(&CREATE, "group")?;
    let content = json!({
        "name": trimmed(body, "name").unwrap_or_default(),
        "description": trimmed(body, "description").unwrap_or_default(),
        "group_type": body.get("group_type"),
        "volume_types": body.get("volume_types"),
        "availability_zone": trimmed(body, "availability_zone"),
    });
    make(&context, content).await
}

pub(super) async fn create_from_source(context: Context) -> Answered {
    context.allow(Policy::GroupCreate)?;
    let body = context.body_of(&CREATE_FROM_SOURCE, "create-from-src")?;
    // Clients write null for the source that is not meant.
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let (group, snapshot) = (text("source_group_id"), text("group_snapshot_id"));
    if group.is_some() == snapshot.is_some() {
        return Err(one_source(body));
    }
    let (of_group, of_snapshot) = (group.clone(), snapshot.clone());
    let seen = context.read(move |context, found| {
        of_group.map(|id| context.owned::<Group>(found, &id)).transpose()?;
        of_snapshot.map(|id| context.owned::<GroupSnapshot>(found, &id)).transpose()?;
        Ok(())
    });
    seen.await?;
    let content = json!({
        "name": trimmed(body, "name").unwrap_or_default(),
        "description": trimmed(body, "description").unwrap_or_default(),
        "source_group": group,
        "source_group_snapshot": snapshot,
    });
    make(&context, content).await
}

pub(super) async fn update(context: Context) -> Answered {
    context.allow(Policy::GroupUpdate)?;
    let body = context.body_of(&UPDATE, "group")?;
    let group: Group = context.find("group").await?;
    let (add, remove) = (ids(body, "add_volumes"), ids(body, "remove_volumes"));
    let add =
        parsed(&add, |id| format!("Cannot add volume {id} to group {} because volume cannot be found.", group.id))?;
    let remove = parsed(&remove, |id| {
        format!("Cannot remove volume {id} from group {} because it is not in the group.", group.id)
    })?;
    let content = json!({
        "id": group.id,
        "name": trimmed(body, "name"),
        "description": trimmed(body, "description"),
        "add_volumes": add,
        "remove_volumes": remove,
    });
    context.command(&group.project, ("group", "update"), &content).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn make(context: &Context, content: Value) -> Answered {
    let done = context.command(&context.caller.project, ("group", "create"), &content).await?;
    let id: GroupId = done.subjects.group.ok_or_else(Fault::malformed)?;
    let made = context.read(move |context, snapshot| {
        let group: Group = context.owned(snapshot, &id.to_string())?;
        Ok(Answer::accepted(&One { group: Summary::of(&group) }))
    });
    made.await
}

/// What Cinder's checker says when not exactly one source is named.
fn one_source(body: &Map<String, Value>) -> Fault {
    let value = Value::Object(body.clone());
    let each = body.get("source_group_id").is_some_and(Value::is_string);
    let fault = if each { "valid under each of the given schemas" } else { "not valid under any of the given schemas" };
    Fault::bad_request(format!(
        "Invalid input for field/attribute create-from-src. Value: {}. {} is {fault}",
        Str(&value),
        Repr(&value)
    ))
}

fn trimmed<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str).map(str::trim)
}

fn ids(body: &Map<String, Value>, key: &str) -> Vec<String> {
    let text = trimmed(body, key).unwrap_or_default();
    text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(ToOwned::to_owned).collect()
}

fn parsed(ids: &[String], missing: impl Fn(&str) -> String) -> Result<BTreeSet<VolumeId>, Fault> {
    let parsed = ids.iter().map(|id| {
        let shown: String = id.chars().take(64).collect();
        id.parse().map_err(|_| Fault::bad_request(format!("Invalid volume: {}", missing(&shown))))
    });
    parsed.collect()
}
