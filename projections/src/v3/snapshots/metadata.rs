use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use stele_core::state::Snapshot;

use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::pairs::{self, Change};
use crate::v3::policy::Rule;

pub(super) async fn list(context: Context) -> Answered {
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeGetSnapshotMetadata)?;
    Ok(pairs::shown(&found.metadata))
}

pub(super) async fn show(context: Context) -> Answered {
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeGetSnapshotMetadata)?;
    pairs::found(&context, &found.metadata, |key| {
        let shown: String = key.chars().take(255).collect();
        Fault::not_found(format!("Snapshot {} has no metadata with key {shown}.", found.id))
    })
}

/// Adds pairs to those that there are.
pub(super) async fn create(context: Context) -> Answered {
    let set = pairs::all(&context)?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeUpdateSnapshotMetadata)?;
    let change = Change { set, ..Change::default() };
    change_to(&context, &found, json!({"id": found.id, "metadata_change": change})).await
}

/// Replaces all pairs.
pub(super) async fn replace(context: Context) -> Answered {
    let all = pairs::all(&context)?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeUpdateSnapshotMetadata)?;
    change_to(&context, &found, json!({"id": found.id, "metadata": all})).await
}

pub(super) async fn update(context: Context) -> Answered {
    let pair = pairs::one(&context)?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeUpdateSnapshotMetadata)?;
    let answer = pairs::found(&context, &pair, |_| Fault::malformed())?;
    let change = Change { set: pair, ..Change::default() };
    change_to(&context, &found, json!({"id": found.id, "metadata_change": change})).await?;
    Ok(answer)
}

pub(super) async fn delete(context: Context) -> Answered {
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeDeleteSnapshotMetadata)?;
    let change = Change { unset: BTreeSet::from([context.path("key").to_owned()]), ..Change::default() };
    change_to(&context, &found, json!({"id": found.id, "metadata_change": change})).await?;
    Ok(Answer::empty(StatusCode::OK))
}

/// Sends the change, and answers with what the metadata is then.
async fn change_to(context: &Context, found: &Snapshot, wanted: Value) -> Answered {
    context.command(&found.project, ("snapshot", "update"), &wanted).await?;
    let found: Snapshot = context.find("snapshot").await?;
    Ok(pairs::shown(&found.metadata))
}
