//! What commands about one volume share.

use std::sync::Arc;

use super::Context;
use crate::event::Event;
use crate::id::{FlowId, SnapshotId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{FlowKind, SnapshotStatus, Volume};

/// The volume, if it exists and is the project's: another project's volume is as unknown as none. On the subjects of
/// the project `admin` every volume is known.
pub(super) fn own<'a>(cx: &Context<'a>, id: VolumeId) -> Result<&'a Arc<Volume>, Refusal> {
    let project = cx.project()?;
    cx.state.volumes.get(&id).filter(|volume| cx.may_touch(&volume.project)).ok_or_else(|| {
        Refusal::new(
            RefusalCode::VolumeNotFound,
            format!("Volume {id} could not be found."),
            format!("list the volumes of project {project}; ids of deleted volumes are only in the log"),
        )
    })
}

/// A refusal because of the volume's status; `allowed` is what it must be, in words.
pub(super) fn wrong_status(volume: &Volume, allowed: &str, action: &str) -> Refusal {
    let status = volume.status.name();
    invalid(
        volume,
        format!("Volume {} status must be {allowed} to {action}, currently {status}.", volume.id),
        format!("bring the volume to {allowed} first"),
    )
}

/// A refusal because of what the volume is or does. Where a flow is at work, waiting is what helps.
pub(super) fn invalid(volume: &Volume, message: impl AsRef<str>, remedy: impl Into<String>) -> Refusal {
    let remedy = match volume.status.flow() {
        Some(flow) => format!("wait: flow {flow} is at work and ends by itself, one way or the other"),
        None => remedy.into(),
    };
    Refusal::new(RefusalCode::InvalidVolumeStatus, format!("Invalid volume: {}", message.as_ref()), remedy)
}

/// Whether an operator stated that it is being migrated (Cinder's `AVAILABLE_MIGRATION_STATUS`).
pub(super) fn is_migrating(volume: &Volume) -> bool {
    !matches!(volume.migration_status.as_deref(), None | Some("deleting" | "error" | "success"))
}

/// The volume that an open flow makes from this one, or from one of these snapshots.
pub(super) fn copy_of(
    cx: &Context<'_>,
    source: Option<VolumeId>,
    is_source: impl Fn(SnapshotId) -> bool,
) -> Option<VolumeId> {
    let creates = cx.state.flows.values().filter(|flow| flow.kind == FlowKind::VolumeCreate);
    let made = creates.filter_map(|flow| cx.state.volumes.get(&flow.volume));
    let mut copies = made.filter(|made| {
        (source.is_some() && made.source_volume == source) || made.source_snapshot.is_some_and(&is_source)
    });
    copies.next().map(|copy| copy.id)
}

/// Ends a flow that is at work: its quota is given back, and what its worker still reports is outdated.
pub(super) fn abandon(cx: &Context<'_>, flow: FlowId, why: &str) -> Vec<Event> {
    let Some(found) = cx.state.flows.get(&flow) else { return Vec::new() };
    let rolled_back = found.reservation.map(|reservation| Event::QuotaRolledBack { reservation });
    let finished = Event::FlowFinished { flow, failure: Some(format!("abandoned: {why}")) };
    // Nothing was done to the snapshot that the volume was getting back.
    let of_revert = found.snapshot.filter(|_| found.kind == FlowKind::VolumeRevert);
    let snapshot = of_revert.map(|snapshot| Event::SnapshotStatusChanged {
        snapshot,
        status: SnapshotStatus::Available,
        progress: None,
    });
    rolled_back.into_iter().chain([finished]).chain(snapshot).collect()
}
