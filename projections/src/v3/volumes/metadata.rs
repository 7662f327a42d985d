use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::json;
use stele_core::state::Volume;

use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::pairs::{self, Change};
use crate::v3::policy::Rule;

pub(super) async fn list(context: Context) -> Answered {
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeGetVolumeMetadata)?;
    Ok(if context.version.has(15) { pairs::tagged(&volume.metadata) } else { pairs::shown(&volume.metadata) })
}

pub(super) async fn show(context: Context) -> Answered {
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeGetVolumeMetadata)?;
    pairs::found(&context, &volume.metadata, |key| no_such_key(&volume, key))
}

/// Adds pairs to those that there are.
pub(super) async fn create(context: Context) -> Answered {
    let set = pairs::all(&context)?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeCreateVolumeMetadata)?;
    change(&context, &volume, Change { set, ..Change::default() }).await?;
    now(&context).await
}

/// Replaces all pairs.
pub(super) async fn replace(context: Context) -> Answered {
    let all = pairs::all(&context)?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeUpdateVolumeMetadata)?;
    let was = match pairs::demanded(&context, &volume.metadata) {
        Ok(was) => was,
        Err(answer) => return Ok(answer),
    };
    let mut wanted = json!({"id": volume.id, "metadata": all});
    if let Some(was) = was {
        wanted["metadata_change"] = json!({"was": was});
    }
    let sent = context.command(&volume.project, ("volume", "update"), &wanted).await.map(|_| ());
    match pairs::without_text(sent)? {
        Some(answer) => Ok(answer),
        None => now(&context).await,
    }
}

pub(super) async fn update(context: Context) -> Answered {
    let pair = pairs::one(&context)?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeUpdateVolumeMetadata)?;
    let was = match pairs::demanded(&context, &volume.metadata) {
        Ok(was) => was,
        Err(answer) => return Ok(answer),
    };
    let answer = pairs::found(&context, &pair, |key| no_such_key(&volume, key))?;
    let sent = change(&context, &volume, Change { set: pair, was, ..Change::default() }).await;
    Ok(pairs::without_text(sent)?.unwrap_or(answer))
}

pub(super) async fn delete(context: Context) -> Answered {
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeDeleteVolumeMetadata)?;
    let unset = BTreeSet::from([context.path("key").to_owned()]);
    change(&context, &volume, Change { unset, ..Change::default() }).await?;
    Ok(Answer::empty(StatusCode::OK))
}

async fn change(context: &Context, volume: &Volume, change: Change) -> Result<(), Fault> {
    let wanted = json!({"id": volume.id, "metadata_change": change});
    context.command(&volume.project, ("volume", "update"), &wanted).await.map(|_| ())
}

/// What the metadata is now.
async fn now(context: &Context) -> Answered {
    let volume: Volume = context.find("volume").await?;
    Ok(pairs::shown(&volume.metadata))
}

fn no_such_key(volume: &Volume, key: &str) -> Fault {
    let shown: String = key.chars().take(255).collect();
    Fault::not_found(format!("Volume {} has no metadata with key {shown}.", volume.id))
}
