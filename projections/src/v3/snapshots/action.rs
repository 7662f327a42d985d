use axum::http::StatusCode;
use serde_json::{Value, json};
use stele_core::state::Snapshot;

use crate::v3::answer::{Answer, Answered};
use crate::v3::body::text;
use crate::v3::context::Context;
use crate::v3::policy::Rule;
use crate::v3::python::integer;
use crate::v3::schema::{ANYTHING, Kind, Misfit, Rule as Is, Schema, TEXT, object, stated, under};

const FORCE_DELETE: Schema = under!("os-force_delete", ANYTHING);
const RESET: Schema = under!(
    "os-reset_status",
    object!({ "status" => Schema(&[Is::Kind(&[Kind::Text]), Is::Format(status)]) } required ["status"])
);
const SET_STATUS: Schema = under!(
    "os-update_snapshot_status",
    object!({ "status" => TEXT, "progress" => Schema(&[Is::Format(progress)]) } required ["status"])
);

/// Cinder's statuses of snapshots, in its order (`cinder/objects/fields.py`).
const STATUSES: &[&str] = &[
    "error",
    "available",
    "creating",
    "deleting",
    "deleted",
    "updating",
    "error_deleting",
    "unmanaging",
    "backing-up",
    "restoring",
];

pub(super) async fn delete(context: Context) -> Answered {
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeDeleteSnapshot)?;
    context.command(&found.project, ("snapshot", "delete"), &json!({"id": found.id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

pub(super) async fn force_delete(context: Context) -> Answered {
    context.body(&FORCE_DELETE)?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::SnapshotAdminActionsForceDelete)?;
    context.operate(("snapshot", "delete"), &json!({"id": found.id, "force": true})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

pub(super) async fn reset_status(context: Context) -> Answered {
    let status = text(context.body_of(&RESET, "os-reset_status")?, "status").unwrap_or_default().to_lowercase();
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::SnapshotAdminActionsResetStatus)?;
    context.operate(("snapshot", "reset_status"), &json!({"id": found.id, "status": status})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// A client that takes part in taking or removing a snapshot says how far it is.
pub(super) async fn set_status(context: Context) -> Answered {
    let body = context.body_of(&SET_STATUS, "os-update_snapshot_status")?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::SnapshotActionsUpdateSnapshotStatus)?;
    let mut wanted = json!({"id": found.id, "status": text(body, "status")});
    if let Some(percent) = text(body, "progress").and_then(percent) {
        wanted["progress"] = json!(percent);
    }
    context.command(&found.project, ("snapshot", "set_status"), &wanted).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn status(value: &Value) -> Result<(), Misfit> {
    stated(value, "Snapshot status", STATUSES, ('(', ')'))
}

fn percent(text: &str) -> Option<u8> {
    let percent = text.strip_suffix('%').and_then(integer)?;
    u8::try_from(percent).ok().filter(|percent| *percent <= 100)
}

fn progress(value: &Value) -> Result<(), Misfit> {
    let says = |text: &str| Err(Misfit::Says(format!("Invalid input received: {text}")));
    match value {
        Value::Null | Value::Bool(false) => Ok(()),
        Value::String(text) if text.is_empty() || percent(text).is_some() => Ok(()),
        Value::String(text) => {
            // As Cinder: all but the last character is to be a number.
            let number = text.char_indices().next_back().and_then(|(end, _)| integer(&text[..end]));
            says(match number {
                Some(_) => "progress must be an integer percentage between 0 and 100",
                None => "progress must be an integer percentage",
            })
        }
        _ => says("progress must be an integer percentage"),
    }
}
