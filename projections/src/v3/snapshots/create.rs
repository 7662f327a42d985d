use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::id::{SnapshotId, VolumeId};
use stele_core::state::{Snapshot, Volume};

use super::view::Body;
use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{pairs, text, trimmed};
use crate::v3::context::{Context, Owned as _};
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::python::truth_of;
use crate::v3::schema::{
    BOOLEAN, DESCRIPTION, Kind, PAIRS_OR_NULL, Rule as Is, Schema, TEXT_OR_NULL, UUID_OR_NULL, object, under,
};

/// From here on, a volume that is in use needs no `force`.
const IN_USE: u16 = 66;

const CREATE: Schema = under!(
    "snapshot",
    object!({
        "name" => TEXT_OR_NULL,
        "display_name" => TEXT_OR_NULL,
        "description" => DESCRIPTION,
        "volume_id" => UUID_OR_NULL,
        "force" => BOOLEAN,
        "metadata" => PAIRS_OR_NULL,
    } required ["volume_id"])
);

const UPDATE: Schema = under!(
    "snapshot",
    Schema(&[
        Is::Kind(&[Kind::Object]),
        Is::Keys(&[
            ("name", TEXT_OR_NULL),
            ("description", DESCRIPTION),
            ("display_name", TEXT_OR_NULL),
            ("display_description", DESCRIPTION),
        ]),
        Is::Closed,
        Is::Any(&[
            Schema(&[Is::Required(&["name"])]),
            Schema(&[Is::Required(&["description"])]),
            Schema(&[Is::Required(&["display_name"])]),
            Schema(&[Is::Required(&["display_description"])]),
        ]),
    ])
);

/// `snapshot.create`.
#[derive(Serialize)]
struct Wanted {
    volume: VolumeId,
    force: bool,
    name: String,
    description: String,
    metadata: BTreeMap<String, String>,
}

pub(super) async fn create(context: Context) -> Answered {
    let body = context.body_of(&CREATE, "snapshot")?;
    let id = text(body, "volume_id").unwrap_or("None").to_owned();
    let volume: Volume = context.read(move |context, snapshot| context.owned(snapshot, &id)).await?;
    context.allow(Rule::VolumeCreateSnapshot)?;
    let forced = body.get("force").and_then(truth_of);
    let in_use = context.version.has(IN_USE);
    if in_use && forced == Some(false) {
        return Err(Fault::bad_request(
            "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, \
             however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.",
        ));
    }
    let wanted = Wanted {
        volume: volume.id,
        force: in_use || forced == Some(true),
        name: trimmed(body, &["name", "display_name"]).unwrap_or_default(),
        description: trimmed(body, &["description"]).unwrap_or_default(),
        metadata: pairs(body, "metadata").unwrap_or_default(),
    };
    let made = context.command(&volume.project, ("snapshot", "create"), &wanted).await?;
    context
        .read(move |context, snapshot| {
            let id = made.subjects.snapshot.ok_or_else(Fault::malformed)?;
            let found: Snapshot = snapshot.find(&id)?.ok_or_else(|| Snapshot::missing(&id.to_string()))?;
            Ok(Answer::accepted(&Body::made(context, found)))
        })
        .await
}

/// `snapshot.update`.
#[derive(Serialize)]
struct Update {
    id: SnapshotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

pub(super) async fn update(context: Context) -> Answered {
    let body = context.body_of(&UPDATE, "snapshot")?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeUpdateSnapshot)?;
    let wanted = Update {
        id: found.id,
        name: trimmed(body, &["name", "display_name"]),
        description: trimmed(body, &["description", "display_description"]),
    };
    context.command(&found.project, ("snapshot", "update"), &wanted).await?;
    let found: Snapshot = context.find("snapshot").await?;
    Ok(Answer::ok(&Body::changed(&context, found)))
}
