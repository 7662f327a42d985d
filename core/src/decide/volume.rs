//! Guards that commands about one volume share.

use std::sync::Arc;

use super::Context;
use crate::id::VolumeId;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::Volume;

/// The volume, if it exists and is the project's: another project's volume is as unknown as none.
pub(super) fn own<'a>(cx: &Context<'a>, id: VolumeId) -> Result<&'a Arc<Volume>, Refusal> {
    let project = cx.project()?;
    cx.state.volumes.get(&id).filter(|volume| volume.project == *project).ok_or_else(|| {
        Refusal::new(
            RefusalCode::VolumeNotFound,
            format!("Volume {id} could not be found."),
            format!("list the volumes of project {project}; ids of deleted volumes are only in the log"),
        )
    })
}

/// A refusal because of the volume's status; `allowed` is what it must be, in words.
pub(super) fn wrong_status(volume: &Volume, allowed: &str, action: &str) -> Refusal {
    let remedy = match volume.status.flow() {
        Some(flow) => format!("wait: flow {flow} is at work and ends by itself, one way or the other"),
        None => format!("bring the volume to {allowed} first"),
    };
    Refusal::new(
        RefusalCode::InvalidVolumeStatus,
        format!(
            "Invalid volume: Volume {} status must be {allowed} to {action}, currently {}.",
            volume.id,
            volume.status.name()
        ),
        remedy,
    )
}
