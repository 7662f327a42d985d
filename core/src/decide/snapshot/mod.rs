//! Snapshots.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod manage;
pub(super) mod status;
pub(super) mod update;

use std::sync::Arc;

use super::Context;
use crate::id::SnapshotId;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::Snapshot;

/// The snapshot, if it exists and is the project's; on the subjects of the project `admin` every snapshot is known.
pub(super) fn own<'a>(cx: &Context<'a>, id: SnapshotId) -> Result<&'a Arc<Snapshot>, Refusal> {
    cx.project()?;
    cx.state.snapshots.get(&id).filter(|snapshot| cx.may_touch(&snapshot.project)).ok_or_else(|| not_found(id))
}

pub(super) fn not_found(id: SnapshotId) -> Refusal {
    Refusal::new(
        RefusalCode::SnapshotNotFound,
        format!("Snapshot {id} could not be found."),
        "list the snapshots of the project; ids of deleted snapshots are only in the log",
    )
}

/// A refusal because of what the snapshot is or does. Where a flow is at work, waiting is what helps.
pub(super) fn invalid(snapshot: &Snapshot, message: impl AsRef<str>, remedy: impl Into<String>) -> Refusal {
    let remedy = match snapshot.status.flow() {
        Some(flow) => format!("wait: flow {flow} is at work and ends by itself, one way or the other"),
        None => remedy.into(),
    };
    Refusal::new(RefusalCode::InvalidSnapshotStatus, format!("Invalid snapshot: {}", message.as_ref()), remedy)
}
