use axum::http::StatusCode;
use serde_json::{Value, json};
use stele_core::id::SnapshotId;
use stele_core::state::{Snapshot, Volume, VolumeStatus};

use crate::query::{Order, Scope};
use crate::reader::Snapshot as Stored;
use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{number, text};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::python::truth_of;
use crate::v3::schema::{
    ANYTHING, BOOLEAN, Constant, Kind, Misfit, Rule as Is, SIZE, Schema, TEXT, object, stated, under,
};

const EXTEND: Schema = under!("os-extend", object!({ "new_size" => SIZE } required ["new_size"]));
const BOOTABLE: Schema = under!("os-set_bootable", object!({ "bootable" => BOOLEAN } required ["bootable"]));
const READONLY: Schema = under!("os-update_readonly_flag", object!({ "readonly" => BOOLEAN } required ["readonly"]));
const FORCE_DELETE: Schema = under!("os-force_delete", ANYTHING);
const RETYPE: Schema = under!(
    "os-retype",
    object!({
        "new_type" => TEXT,
        "migration_policy" => Schema(&[
            Is::Kind(&[Kind::Text, Kind::Null]),
            Is::OneOf(&[Constant::Text("on-demand"), Constant::Text("never")]),
        ]),
    } required ["new_type"])
);
const REVERT: Schema = under!(
    "revert",
    Schema(&[Is::Kind(&[Kind::Object]), Is::Keys(&[("snapshot_id", Schema(&[Is::Kind(&[Kind::Text, Kind::Null])]))])])
);
const RESET: Schema = under!(
    "os-reset_status",
    Schema(&[
        Is::Kind(&[Kind::Object]),
        Is::Format(something_to_reset),
        Is::Keys(&[
            ("status", Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::Format(status)])),
            ("attach_status", Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::Format(attach_status)])),
            ("migration_status", Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::Format(migration_status)])),
        ]),
        Is::Closed,
    ])
);

/// Cinder's statuses of volumes, in its order (`cinder/objects/fields.py`).
const STATUSES: &[&str] = &[
    "creating",
    "available",
    "deleting",
    "error",
    "error_deleting",
    "error_managing",
    "managing",
    "attaching",
    "in-use",
    "detaching",
    "maintenance",
    "restoring-backup",
    "error_restoring",
    "reserved",
    "awaiting-transfer",
    "backing-up",
    "error_backing-up",
    "error_extending",
    "downloading",
    "uploading",
    "retyping",
    "extending",
];

const MIGRATION_STATUSES: &[&str] = &["migrating", "error", "success", "completing", "none", "starting"];

pub(super) async fn extend(context: Context) -> Answered {
    let size = number(context.body_of(&EXTEND, "os-extend")?, "new_size");
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeExtend)?;
    if volume.status == VolumeStatus::InUse {
        // Clients of before 3.42 do not expect that their servers have to be told.
        if !context.version.has(42) {
            let expected = "{'status': 'available'}";
            return Err(Fault::bad_request(format!(
                "Invalid volume: Volume {} status must be '{expected}' to extend, currently in-use.",
                volume.id
            )));
        }
        context.allow(Rule::VolumeExtendAttachedVolume)?;
    }
    change(&context, &volume, "extend", json!({"id": volume.id, "size_gib": size})).await
}

pub(super) async fn set_bootable(context: Context) -> Answered {
    let bootable = context.body_of(&BOOTABLE, "os-set_bootable")?.get("bootable").and_then(truth_of);
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeUpdate)?;
    change(&context, &volume, "update", json!({"id": volume.id, "bootable": bootable})).await?;
    Ok(Answer::empty(StatusCode::OK))
}

pub(super) async fn set_readonly(context: Context) -> Answered {
    let readonly = context.body_of(&READONLY, "os-update_readonly_flag")?.get("readonly").and_then(truth_of);
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeUpdateReadonlyFlag)?;
    change(&context, &volume, "update", json!({"id": volume.id, "readonly": readonly})).await
}

/// Gives a volume another type. A migration that the policy would allow does not exist here: the volume stays.
pub(super) async fn retype(context: Context) -> Answered {
    let wanted = text(context.body_of(&RETYPE, "os-retype")?, "new_type");
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeRetype)?;
    change(&context, &volume, "retype", json!({"id": volume.id, "type": wanted})).await
}

/// Gives the volume the data of its latest snapshot back. Cinder looks at the snapshot first, and says 409 and not 400
/// when a status does not allow it.
pub(super) async fn revert(context: Context) -> Answered {
    let wanted = text(context.body_of(&REVERT, "revert")?, "snapshot_id").map(ToOwned::to_owned);
    let (volume, snapshot) = context.read(move |context, stored| latest(context, stored, wanted.as_deref())).await?;
    let wanted = json!({"id": volume.id, "snapshot": snapshot});
    let sent = context.command(&volume.project, ("volume", "revert"), &wanted).await;
    sent.map_err(Fault::conflict_of_status)?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// The volume with its latest snapshot, if that is the one that is wanted.
fn latest(context: &Context, stored: &Stored, wanted: Option<&str>) -> Result<(Volume, SnapshotId), Fault> {
    let volume: Volume = context.owned(stored, context.path("volume"))?;
    context.allow(Rule::VolumeRevertToSnapshot)?;
    let scope = Scope::Volume(volume.id);
    let Some(latest) = stored.list::<Snapshot>(scope, Order::NewestFirst, None)?.next().transpose()? else {
        return Err(Fault::bad_request(format!("Volume {} doesn't have any snapshots.", volume.id)));
    };
    if wanted.is_none_or(|wanted| wanted.parse() != Ok(latest.id)) {
        let shown: String = wanted.unwrap_or("None").chars().take(255).collect();
        let text = "is None or not the latest one of volume";
        return Err(Fault::bad_request(format!("Specified snapshot {shown} {text} {}.", volume.id)));
    }
    Ok((volume, latest.id))
}

pub(super) async fn reset_status(context: Context) -> Answered {
    let body = context.body_of(&RESET, "os-reset_status")?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeAdminActionsResetStatus)?;
    let mut wanted = json!({"id": volume.id});
    for key in ["status", "attach_status", "migration_status"] {
        if let Some(stated) = text(body, key).filter(|stated| !stated.is_empty()) {
            wanted[key] = Value::String(stated.to_lowercase());
        }
    }
    context.operate(("volume", "reset_status"), &wanted).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

pub(super) async fn force_delete(context: Context) -> Answered {
    context.body(&FORCE_DELETE)?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeAdminActionsForceDelete)?;
    context.operate(("volume", "delete"), &json!({"id": volume.id, "force": true})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn change(context: &Context, volume: &Volume, verb: &'static str, wanted: Value) -> Answered {
    context.command(&volume.project, ("volume", verb), &wanted).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn something_to_reset(value: &Value) -> Result<(), Misfit> {
    let is_given = |key: &str| value.get(key).is_some_and(|given| !given.is_null() && *given != "" && *given != false);
    if ["status", "attach_status", "migration_status"].into_iter().any(is_given) {
        return Ok(());
    }
    let text = "Must specify 'status', 'attach_status' or 'migration_status' for update.";
    Err(Misfit::Says(text.to_owned()))
}

fn status(value: &Value) -> Result<(), Misfit> {
    stated(value, "Volume status", STATUSES, ('(', ')'))
}

fn attach_status(value: &Value) -> Result<(), Misfit> {
    stated(value, "Volume attach status", &["attached", "detached"], ('[', ']'))
}

fn migration_status(value: &Value) -> Result<(), Misfit> {
    stated(value, "Volume migration status", MIGRATION_STATUSES, ('(', ')'))
}
