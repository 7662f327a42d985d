//! `snapshot.set_status`, by a client that takes part in taking or removing it; `snapshot.reset_status`, by an operator.

use super::super::{Context, Decided, Decision, volume};
use super::delete::not_with_its_volume;
use super::own;
use crate::command::SnapshotStatusSet;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Snapshot, SnapshotStatus};

/// What `set_status` leads to, by the status before (`cinder/api/contrib/snapshot_actions.py`).
const SETTABLE: &[(&str, &[&str])] =
    &[("creating", &["creating", "available", "error"]), ("deleting", &["deleting", "error_deleting"])];

/// What `reset_status` can state (`cinder/objects/fields.py`, `SnapshotStatus`).
const STATABLE: &[&str] = &[
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

pub(in crate::decide) fn set(cx: &Context<'_>, set: &SnapshotStatusSet) -> Decision {
    let snapshot = own(cx, set.id)?;
    let current = snapshot.status.name();
    let refused = |message: String, remedy: String| Refusal::new(RefusalCode::InvalidSnapshotStatus, message, remedy);
    let Some((_, allowed)) = SETTABLE.iter().find(|(from, _)| *from == current) else {
        let message = format!("Snapshot status {current} not allowed for update_snapshot_status");
        return Err(refused(message, "only while it is being taken or removed".to_owned()));
    };
    if !allowed.contains(&set.status.as_str()) {
        let provided: String = set.status.chars().take(64).collect();
        let message = format!("Provided snapshot status {provided} not allowed for snapshot with status {current}.");
        return Err(refused(message, format!("state one of {}", allowed.join(", "))));
    }
    // Who says what it is already does not disturb whoever is at work on it.
    if set.status == current {
        return Ok(decided(snapshot, Vec::new(), snapshot.status, set.progress));
    }
    stated(cx, snapshot, set)
}

pub(in crate::decide) fn reset(cx: &Context<'_>, set: &SnapshotStatusSet) -> Decision {
    stated(cx, own(cx, set.id)?, set)
}

/// The status from here on. A flow that was at work on the snapshot is abandoned.
fn stated(cx: &Context<'_>, snapshot: &Snapshot, set: &SnapshotStatusSet) -> Decision {
    let name = set.status.to_lowercase();
    let status = SnapshotStatus::stated(&name).ok_or_else(|| {
        let shown: String = set.status.chars().take(64).collect();
        let valid: Vec<String> = STATABLE.iter().map(|name| format!("'{name}'")).collect();
        let message = format!("Snapshot status: {shown} is invalid, valid statuses are: ({}).", valid.join(", "));
        Refusal::new(RefusalCode::InvalidStatus, message, "state one of the statuses that the message lists")
    })?;
    not_with_its_volume(cx, snapshot)?;
    let why = format!("the status of snapshot {} was stated", snapshot.id);
    let events = snapshot.status.flow().map_or_else(Vec::new, |at_work| volume::abandon(cx, at_work, &why));
    Ok(decided(snapshot, events, status, set.progress))
}

fn decided(snapshot: &Snapshot, mut events: Vec<Event>, status: SnapshotStatus, progress: Option<u8>) -> Decided {
    let progress = progress.map(|progress| progress.min(100));
    events.push(Event::SnapshotStatusChanged { snapshot: snapshot.id, status, progress });
    let subjects = Subjects { volume: Some(snapshot.volume), snapshot: Some(snapshot.id), ..Subjects::default() };
    Decided { subjects, events }
}
