//! What a new volume begins with: a snapshot, another volume, or nothing.

use super::{Context, snapshot, volume};
use crate::command::VolumeCreate;
use crate::id::{PoolName, SnapshotId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{SnapshotStatus, Volume, VolumeStatus, VolumeType};
use crate::task::CopySource;
use crate::unit::SizeGib;

/// Where a volume's data comes from.
pub(super) struct Source<'a> {
    /// The source volume, or the snapshot's volume.
    pub(super) volume: &'a Volume,
    /// How large it is.
    size_gib: SizeGib,
    is_snapshot: bool,
}

/// The source that the command names, when it may be used.
pub(super) fn find<'a>(cx: &Context<'a>, create: &VolumeCreate) -> Result<Option<Source<'a>>, Refusal> {
    match (create.snapshot, create.source_volume) {
        (Some(id), _) => from_snapshot(cx, id).map(Some),
        (None, Some(id)) => from_volume(cx, id).map(Some),
        (None, None) => Ok(None),
    }
}

fn from_snapshot<'a>(cx: &Context<'a>, id: SnapshotId) -> Result<Source<'a>, Refusal> {
    let found = snapshot::own(cx, id)?;
    if found.status != SnapshotStatus::Available {
        let message = "Originating snapshot status must be one of 'available' values";
        return Err(snapshot::invalid(found, message, "bring the snapshot to available first"));
    }
    // A volume outlives its snapshots.
    let volume = cx.state.volumes.get(&found.volume).ok_or_else(|| snapshot::not_found(id))?;
    Ok(Source { volume, size_gib: found.size_gib, is_snapshot: true })
}

fn from_volume<'a>(cx: &Context<'a>, id: VolumeId) -> Result<Source<'a>, Refusal> {
    let found = volume::own(cx, id)?;
    if !matches!(found.status, VolumeStatus::Available | VolumeStatus::InUse) {
        let message = "Originating source volume status must be one of 'available, in-use' values";
        return Err(volume::invalid(found, message, "bring the source volume to available first"));
    }
    if found.pool.is_none() {
        let message = format!("Volume {id} lies on no pool.");
        return Err(volume::invalid(found, message, "delete it: it has no data"));
    }
    Ok(Source { volume: found, size_gib: found.size_gib, is_snapshot: false })
}

impl Source<'_> {
    /// The size asked for, which must not be smaller than the source, or else the source's.
    pub(super) fn size(&self, asked: Option<SizeGib>) -> Result<SizeGib, Refusal> {
        let (size, least) = (asked.unwrap_or(self.size_gib), self.size_gib);
        if size >= least {
            return Ok(size);
        }
        let (size, least) = (size.gib(), least.gib());
        let text = if self.is_snapshot {
            format!(
                "Volume size '{size}'GB cannot be smaller than the snapshot size {least}GB. \
                 They must be >= original snapshot size."
            )
        } else {
            // Cinder's text has two blanks there.
            format!(
                "Volume size '{size}'GB cannot be smaller than original volume size  {least}GB. \
                 They must be >= original volume size."
            )
        };
        Err(invalid_input(text, format!("ask for at least {least} GiB, or leave the size away")))
    }

    /// The data lies in its pool, so the volume comes to lie in its zone.
    pub(super) fn check_zone(&self, zone: &str) -> Result<(), Refusal> {
        if zone == self.volume.availability_zone {
            return Ok(());
        }
        let source = if self.is_snapshot { "snapshot" } else { "source volume" };
        Err(invalid_input(
            format!("Volume must be in the same availability zone as the {source}"),
            format!("ask for zone {}, or leave the zone away", self.volume.availability_zone),
        ))
    }

    /// A type that is asked for must be of the same backend, as far as the types tell (Cinder's
    /// `matching_backend_name`); the scheduler asks the source's pool for the rest.
    pub(super) fn check_type(&self, cx: &Context<'_>, asked: &VolumeType) -> Result<(), Refusal> {
        let backend = |of: &VolumeType| of.extra_specs.get("volume_backend_name").cloned();
        let before = cx.state.types.get(&self.volume.volume_type);
        if before.is_none_or(|before| before.id == asked.id || backend(before) == backend(asked)) {
            return Ok(());
        }
        let advice = if self.is_snapshot {
            "recommend omitting the type argument"
        } else {
            "either match source volume, or omit type argument"
        };
        let message =
            format!("Invalid volume_type provided: {} (requested type is not compatible; {advice}).", asked.id);
        Err(invalid_input(message, "leave the type away: the volume then has its source's"))
    }
}

/// Whose data the volume begins with, for the worker. `Err` when the source is gone, which only happens when an
/// operator abandoned the flow that needs it.
pub(super) fn copy_source(cx: &Context<'_>, volume: &Volume) -> Result<Option<CopySource>, String> {
    match (volume.source_snapshot, volume.source_volume) {
        (Some(id), _) => match cx.state.snapshots.get(&id) {
            Some(found) => Ok(Some(CopySource::Snapshot { snapshot: id, volume: found.volume })),
            None => Err(format!("the source snapshot {id} is gone")),
        },
        (None, Some(id)) if cx.state.volumes.contains_key(&id) => Ok(Some(CopySource::Volume(id))),
        (None, Some(id)) => Err(format!("the source volume {id} is gone")),
        (None, None) => Ok(None),
    }
}

/// The one pool on which a volume with a source can lie.
pub(super) fn only_pool<'a>(cx: &Context<'a>, volume: &Volume) -> Option<&'a PoolName> {
    match (volume.source_snapshot, volume.source_volume) {
        (Some(id), _) => cx.state.snapshots.get(&id).map(|found| &found.pool),
        (None, Some(id)) => cx.state.volumes.get(&id).and_then(|found| found.pool.as_ref()),
        (None, None) => None,
    }
}

/// A refusal of something well-formed that makes no sense, with Cinder's beginning.
pub(super) fn invalid_input(message: impl AsRef<str>, remedy: impl Into<String>) -> Refusal {
    let message = format!("Invalid input received: {}", message.as_ref());
    Refusal::new(RefusalCode::InvalidInput, message, remedy)
}
