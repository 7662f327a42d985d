use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use stele_core::id::{GroupId, SnapshotId, VolumeId};
use stele_core::state::Volume;

use super::view::Viewer;
use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{number, pairs, text, trimmed};
use crate::v3::context::{Context, Owned as _};
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::python::truth_of;
use crate::v3::schema::{
    BOOLEAN_OR_NULL, Kind, PAIRS_OR_NULL, Rule as Is, SIZE_OR_NULL, Schema, TEXT_OR_NULL, TRIMMED_DESCRIPTION,
    TRIMMED_NAME, UUID, UUID_OR_NULL, ZONE, is_uuid,
};

const HINTS: &str = "OS-SCH-HNT:scheduler_hints";

/// The fields of a volume by version: those that came later stand at the end.
macro_rules! fields {
    ($($key:literal => $schema:expr),* $(,)?) => {
        Is::Keys(&[
            ("name", TRIMMED_NAME),
            ("description", TRIMMED_DESCRIPTION),
            ("display_name", TRIMMED_NAME),
            ("display_description", TRIMMED_DESCRIPTION),
            ("volume_type", TEXT_OR_NULL),
            ("metadata", PAIRS_OR_NULL),
            ("snapshot_id", UUID_OR_NULL),
            ("source_volid", UUID_OR_NULL),
            ("consistencygroup_id", UUID_OR_NULL),
            ("size", SIZE_OR_NULL),
            ("availability_zone", ZONE),
            ("multiattach", BOOLEAN_OR_NULL),
            ("image_id", TEXT_OR_NULL),
            ("imageRef", TEXT_OR_NULL),
            $(($key, $schema)),*
        ])
    };
}

/// A body with a volume of such fields, and hints.
macro_rules! volume {
    ($($rule:expr),*) => {
        Schema(&[
            Is::Kind(&[Kind::Object]),
            Is::Keys(&[
                ("volume", Schema(&[Is::Kind(&[Kind::Object]), $($rule),*])),
                (HINTS, Schema(&[Is::Kind(&[Kind::Object, Kind::Null])])),
            ]),
            Is::Required(&["volume"]),
            Is::Closed,
        ])
    };
}

const CREATE: Schema = volume!(fields!());
const CREATE_13: Schema = volume!(fields!("group_id" => TEXT_OR_NULL));
const CREATE_47: Schema = volume!(fields!("group_id" => TEXT_OR_NULL, "backup_id" => UUID_OR_NULL));
const CREATE_53: Schema = volume!(fields!("group_id" => TEXT_OR_NULL, "backup_id" => UUID_OR_NULL), Is::Closed);

/// One volume, or several.
const VOLUMES: Schema = Schema(&[Is::One(&[UUID, Schema(&[Is::Kind(&[Kind::Array]), Is::Items(UUID), Is::Unique])])]);

const HINTS_GIVEN: Schema = Schema(&[Is::Keys(&[(
    HINTS,
    Schema(&[
        Is::Kind(&[Kind::Object, Kind::Null]),
        Is::Keys(&[
            ("local_to_instance", UUID_OR_NULL),
            ("different_host", VOLUMES),
            ("same_host", VOLUMES),
            ("query", Schema(&[Is::Kind(&[Kind::Text, Kind::Object, Kind::Array])])),
        ]),
    ]),
)])]);

/// `volume.create`.
#[derive(Serialize)]
struct Wanted {
    #[serde(skip_serializing_if = "Option::is_none")]
    size_gib: Option<i64>,
    name: String,
    description: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    volume_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone: Option<String>,
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<SnapshotId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_volume: Option<VolumeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    hints: Hints,
}

#[derive(Default, Serialize)]
struct Hints {
    same_host: BTreeSet<VolumeId>,
    different_host: BTreeSet<VolumeId>,
    query: Option<String>,
}

pub(super) async fn create(context: Context) -> Answered {
    let schema = match context.version.0 {
        0..13 => &CREATE,
        13..47 => &CREATE_13,
        47..53 => &CREATE_47,
        _ => &CREATE_53,
    };
    let body = context.body_of(schema, "volume")?;
    HINTS_GIVEN.check(&context.body)?;
    context.allow(Rule::VolumeCreate)?;
    let hints = hints(context.body.get(HINTS))?;
    let wanted = wanted(body, hints)?;
    let made = context.command(&context.caller.project, ("volume", "create"), &wanted).await?;
    context
        .read(move |context, snapshot| {
            let id = made.subjects.volume.ok_or_else(Fault::malformed)?;
            let volume: Volume = snapshot.find(&id)?.ok_or_else(|| Volume::missing(&id.to_string()))?;
            Ok(Answer::accepted(&Viewer::new(context, snapshot)?.made(volume)?))
        })
        .await
}

fn wanted(body: &Map<String, Value>, hints: Hints) -> Result<Wanted, Fault> {
    if body.get("multiattach").and_then(truth_of) == Some(true) {
        return Err(Fault::bad_request(
            "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. \
             Contact your administrator to create a multiattach enabled volume type and use it to create multiattach \
             volumes.",
        ));
    }
    if text(body, "imageRef").or_else(|| text(body, "image_id")).is_some() {
        // There is no image service in this cell that could know it.
        return Err(Fault::bad_request("Invalid image identifier or unable to access requested image."));
    }
    if let Some(backup) = text(body, "backup_id") {
        return Err(Fault::no_such("Backup", backup));
    }
    let (snapshot, source_volume) = (text(body, "snapshot_id"), text(body, "source_volid"));
    let size_gib = number(body, "size");
    if size_gib.is_none() && snapshot.is_none() && source_volume.is_none() {
        return Err(Fault::malformed());
    }
    let group = text(body, "group_id").or_else(|| text(body, "consistencygroup_id"));
    Ok(Wanted {
        size_gib,
        name: trimmed(body, &["name", "display_name"]).unwrap_or_default(),
        description: trimmed(body, &["description", "display_description"]).unwrap_or_default(),
        volume_type: text(body, "volume_type").filter(|name| !name.is_empty()).map(ToOwned::to_owned),
        availability_zone: text(body, "availability_zone").map(ToOwned::to_owned),
        metadata: pairs(body, "metadata").unwrap_or_default(),
        snapshot: id(snapshot, |id| Fault::no_such("Snapshot", id))?,
        source_volume: id(source_volume, Volume::missing)?,
        group: id(group, |id| Fault::no_such("Group", id))?,
        hints,
    })
}

fn id<T: std::str::FromStr>(text: Option<&str>, missing: impl Fn(&str) -> Fault) -> Result<Option<T>, Fault> {
    text.map(|text| text.trim().parse().map_err(|_| missing(text))).transpose()
}

/// What the scheduler is asked to heed. Hints that it does not know are overlooked, as Cinder's does.
fn hints(given: Option<&Value>) -> Result<Hints, Fault> {
    let Some(given) = given.and_then(Value::as_object) else { return Ok(Hints::default()) };
    let volumes = |key: &str| -> BTreeSet<VolumeId> {
        let texts = match given.get(key) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        texts.into_iter().filter(|text| is_uuid(text)).filter_map(|text| text.trim().parse().ok()).collect()
    };
    let query = match given.get("query") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(value) if !value.is_null() => Some(value.to_string()),
        _ => None,
    };
    Ok(Hints { same_host: volumes("same_host"), different_host: volumes("different_host"), query })
}
