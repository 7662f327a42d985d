//! Transfers.

use std::sync::Arc;

use super::{Applied, Meta};
use crate::event::Event;
use crate::id::{ProjectId, SnapshotId, TransferId, VolumeId};
use crate::state::{Entity, State, Transfer, Volume, VolumeStatus, in_one_copy};

type Touch<'a> = &'a mut dyn FnMut(Entity);

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, meta: Meta, event: &Event, touch: Touch<'_>) -> Option<Applied> {
    Some(match event {
        Event::TransferCreated { transfer } => created(state, meta, transfer, touch),
        Event::TransferDeleted { transfer } => removed(state, *transfer, touch).and_then(|removed| {
            change(state, meta, removed.volume, touch, |volume| volume.status = VolumeStatus::Available)
        }),
        Event::TransferAccepted { transfer, project, user, snapshots } => {
            accepted(state, meta, *transfer, (project, user), snapshots, touch)
        }
        _ => return None,
    })
}

fn created(state: &mut State, meta: Meta, transfer: &Transfer, touch: Touch<'_>) -> Applied {
    let id = transfer.id;
    if state.transfers.insert(id, Arc::new(transfer.clone())).is_some() {
        return Err(format!("transfer {id} came into being twice"));
    }
    touch(Entity::Transfer(id));
    change(state, meta, transfer.volume, touch, |volume| {
        volume.status = VolumeStatus::AwaitingTransfer { transfer: id };
    })
}

/// The volume goes to its new owner, and with it its attachments, which nobody uses.
fn accepted(
    state: &mut State,
    meta: Meta,
    id: TransferId,
    (project, user): (&ProjectId, &str),
    snapshots: &[SnapshotId],
    touch: Touch<'_>,
) -> Applied {
    let removed = removed(state, id, touch)?;
    let project = &in_one_copy(&state.usage, project);
    change(state, meta, removed.volume, touch, |volume| {
        volume.status = VolumeStatus::Available;
        volume.project = project.clone();
        user.clone_into(&mut volume.user);
    })?;
    let attachments = state.volumes.get(&removed.volume).map(|volume| volume.attachments.clone()).unwrap_or_default();
    for attachment in attachments {
        let entry =
            state.attachments.get_mut(&attachment).ok_or_else(|| format!("there is no attachment {attachment}"))?;
        Arc::make_mut(entry).project = project.clone();
        touch(Entity::Attachment(attachment));
    }
    for snapshot in snapshots {
        let entry = state.snapshots.get_mut(snapshot).ok_or_else(|| format!("there is no snapshot {snapshot}"))?;
        let entry = Arc::make_mut(entry);
        entry.project = project.clone();
        user.clone_into(&mut entry.user);
        entry.updated_at = Some(meta.at);
        touch(Entity::Snapshot(*snapshot));
    }
    Ok(())
}

fn removed(state: &mut State, id: TransferId, touch: Touch<'_>) -> Result<Arc<Transfer>, String> {
    touch(Entity::Transfer(id));
    state.transfers.remove(&id).ok_or_else(|| format!("there is no transfer {id}"))
}

fn change(state: &mut State, meta: Meta, id: VolumeId, touch: Touch<'_>, change: impl FnOnce(&mut Volume)) -> Applied {
    let entry = state.volumes.get_mut(&id).ok_or_else(|| format!("there is no volume {id}"))?;
    let volume = Arc::make_mut(entry);
    volume.updated_at = Some(meta.at);
    change(volume);
    touch(Entity::Volume(id));
    Ok(())
}
