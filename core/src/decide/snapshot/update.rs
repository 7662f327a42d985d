//! `snapshot.update`: name, description, metadata, in every status.

use super::super::{Context, Decided, Decision, volume_update};
use super::own;
use crate::command::SnapshotUpdate;
use crate::event::Event;
use crate::record::Subjects;

pub(in crate::decide) fn decide(cx: &Context<'_>, update: &SnapshotUpdate) -> Decision {
    let snapshot = own(cx, update.id)?;
    let missing = |key: &str| format!("Snapshot {} has no metadata with key {key}.", snapshot.id);
    let metadata = volume_update::changed(
        "the metadata",
        &snapshot.metadata,
        update.metadata.as_ref(),
        update.metadata_change.as_ref(),
        missing,
    )?;
    let event = Event::SnapshotUpdated {
        snapshot: snapshot.id,
        name: update.name.clone(),
        description: update.description.clone(),
        metadata,
    };
    let subjects = Subjects { volume: Some(snapshot.volume), snapshot: Some(snapshot.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![event] })
}
