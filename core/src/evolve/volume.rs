use std::sync::Arc;

use super::{Applied, Meta};
use crate::event::{Event, StatusChange};
use crate::id::{FlowId, GroupId, PoolName, SnapshotId, VolumeId};
use crate::schedule::Decision;
use crate::state::{Claim, Entity, Pool, SnapshotStatus, State, StatedStatus, Volume, VolumeStatus, in_one_copy};
use crate::unit::{SizeGib, Timestamp};

type Touch<'a> = &'a mut dyn FnMut(Entity);

pub(super) fn entry_created(state: &mut State, volume: &Volume, touch: Touch<'_>) -> Applied {
    touch(Entity::Volume(volume.id));
    if let Some(group) = volume.group {
        state.volumes_of_group.insert((group, volume.id));
    }
    let mut entry = volume.clone();
    entry.project = in_one_copy(&state.usage, &volume.project);
    if state.volumes.insert(volume.id, Arc::new(entry)).is_some() {
        return Err(format!("volume {} came into being twice", volume.id));
    }
    // One that is taken over lies there already.
    match &volume.pool {
        Some(pool) => with_pool(state, pool, touch, |entry| {
            entry.allocated_gib += u64::from(volume.size_gib.gib());
            entry.volumes += 1;
        }),
        None => Ok(()),
    }
}

/// For a create the volume goes to the pool; for an extend or a snapshot, which only ask its own pool, the growth or the
/// snapshot's size is claimed.
pub(super) fn placement_decided(
    state: &mut State,
    meta: Meta,
    flow: FlowId,
    volume: VolumeId,
    decision: &Decision,
    touch: Touch<'_>,
) -> Applied {
    let Some(pool) = &decision.chosen else { return Ok(()) };
    let claim = Claim { volume, size_gib: decision.request.size_gib, made_at: meta.position, fulfilled_at: None };
    let pool = &in_one_copy(&state.pools, pool);
    let placed = with_volume(state, volume, |volume| {
        let placed = volume.pool.is_none();
        volume.pool = Some(pool.clone());
        placed
    })?;
    touch(Entity::Volume(volume));
    if let (Some(hints), Some(entry)) = (&decision.request.hints, state.flows.get_mut(&flow)) {
        Arc::make_mut(entry).hints = Some(hints.clone());
        touch(Entity::Flow(flow));
    }
    if state.claims.insert((pool.clone(), flow), claim).is_some() {
        return Err(format!("flow {flow} claimed on {pool} twice"));
    }
    touch(Entity::Claim(pool.clone(), flow));
    with_pool(state, pool, touch, |entry| {
        entry.claimed_gib += u64::from(claim.size_gib);
        if placed {
            entry.allocated_gib += u64::from(claim.size_gib);
            entry.volumes += 1;
        }
    })
}

pub(super) fn placement_released(
    state: &mut State,
    meta: Meta,
    flow: FlowId,
    volume: VolumeId,
    pool: &PoolName,
    touch: Touch<'_>,
) -> Applied {
    let size_gib = change(state, meta, volume, touch, |volume| {
        volume.pool = None;
        volume.size_gib
    })?;
    drop_claim(state, pool, flow, touch)?;
    leave_pool(state, pool, size_gib, touch)?;
    let entry = state.flows.get_mut(&flow).ok_or_else(|| format!("there is no flow {flow}"))?;
    let entry = Arc::make_mut(entry);
    entry.tried.push(pool.clone());
    if let Some(open) = entry.task.take() {
        state.deadlines.remove(&(open.deadline, flow));
    }
    touch(Entity::Flow(flow));
    Ok(())
}

pub(super) fn created(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    flow: FlowId,
    launched_at: Timestamp,
    touch: Touch<'_>,
) -> Applied {
    let pool = change(state, meta, volume, touch, |volume| {
        volume.status = VolumeStatus::Available;
        volume.launched_at = Some(launched_at);
        volume.pool.clone()
    })?;
    fulfil(state, meta, pool.as_ref(), flow, touch)
}

pub(super) fn create_failed(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    reason: &str,
    touch: Touch<'_>,
) -> Applied {
    change(state, meta, volume, touch, |volume| {
        volume.status = VolumeStatus::Error;
        volume.reason = Some(reason.to_owned());
    })
}

pub(super) fn extending(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    flow: FlowId,
    size_gib: SizeGib,
    touch: Touch<'_>,
) -> Applied {
    change(state, meta, volume, touch, |volume| volume.status = VolumeStatus::Extending { flow, size_gib })
}

pub(super) fn extended(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    flow: FlowId,
    size_gib: SizeGib,
    touch: Touch<'_>,
) -> Applied {
    let status = by_attachments(state, volume)?;
    let (pool, grown_gib) = change(state, meta, volume, touch, |volume| {
        let grown_gib = size_gib.gib() - volume.size_gib.gib();
        volume.status = status;
        volume.reason = None;
        volume.size_gib = size_gib;
        (volume.pool.clone(), grown_gib)
    })?;
    fulfil(state, meta, pool.as_ref(), flow, touch)?;
    match &pool {
        Some(pool) => with_pool(state, pool, touch, |entry| entry.allocated_gib += u64::from(grown_gib)),
        None => Err(format!("volume {volume} was extended and lies nowhere")),
    }
}

pub(super) fn extend_failed(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    flow: FlowId,
    reason: &str,
    touch: Touch<'_>,
) -> Applied {
    let pool = change(state, meta, volume, touch, |volume| {
        volume.status = VolumeStatus::ErrorExtending;
        volume.reason = Some(reason.to_owned());
        volume.pool.clone()
    })?;
    match pool {
        Some(pool) => drop_claim(state, &pool, flow, touch),
        None => Ok(()),
    }
}

pub(super) fn deleting(state: &mut State, meta: Meta, volume: VolumeId, flow: FlowId, touch: Touch<'_>) -> Applied {
    change(state, meta, volume, touch, |volume| volume.status = VolumeStatus::Deleting { flow })
}

pub(super) fn deleted(state: &mut State, volume: VolumeId, touch: Touch<'_>) -> Applied {
    let removed = state.volumes.remove(&volume).ok_or_else(|| format!("there is no volume {volume}"))?;
    touch(Entity::Volume(volume));
    if let Some(group) = removed.group {
        state.volumes_of_group.remove(&(group, volume));
    }
    match &removed.pool {
        Some(pool) => leave_pool(state, pool, removed.size_gib, touch),
        None => Ok(()),
    }
}

pub(super) fn delete_failed(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    busy: bool,
    reason: &str,
    touch: Touch<'_>,
) -> Applied {
    let status = if busy { by_attachments(state, volume)? } else { VolumeStatus::ErrorDeleting };
    change(state, meta, volume, touch, |volume| {
        volume.status = status;
        volume.reason = Some(reason.to_owned());
    })
}

/// What somebody's word changed about a volume; `None` when the event is of another kind.
pub(super) fn changed(state: &mut State, meta: Meta, event: &Event, touch: Touch<'_>) -> Option<Applied> {
    Some(match event {
        Event::VolumeUpdated { volume, name, description, metadata, image_metadata, bootable, readonly } => {
            change(state, meta, *volume, touch, |volume| {
                set(&mut volume.name, name.as_ref());
                set(&mut volume.description, description.as_ref());
                set(&mut volume.metadata, metadata.as_ref());
                set(&mut volume.image_metadata, image_metadata.as_ref());
                set(&mut volume.bootable, bootable.as_ref());
                volume.readonly = readonly.or(volume.readonly);
            })
        }
        Event::VolumeStatusChanged { volume, status, by } => change(state, meta, *volume, touch, |volume| {
            volume.status = *status;
            if *by == StatusChange::Reset {
                volume.reason = None;
            }
        }),
        Event::VolumeReverting { volume, flow, snapshot } => {
            let status = VolumeStatus::Reverting { flow: *flow };
            reverts(state, meta, (*volume, status, None), (*snapshot, SnapshotStatus::Restoring { flow: *flow }), touch)
        }
        Event::VolumeReverted { volume, snapshot, .. } => by_attachments(state, *volume).and_then(|status| {
            reverts(state, meta, (*volume, status, None), (*snapshot, SnapshotStatus::Available), touch)
        }),
        Event::VolumeRevertFailed { volume, snapshot, reason, .. } => {
            let volume = (*volume, VolumeStatus::Error, Some(reason));
            reverts(state, meta, volume, (*snapshot, SnapshotStatus::Available), touch)
        }
        Event::VolumeManaged { volume, size_gib, launched_at, .. } => {
            managed(state, meta, *volume, *size_gib, *launched_at, touch)
        }
        Event::VolumeManageFailed { volume, reason, .. } => manage_failed(state, meta, *volume, reason, touch),
        Event::VolumeUnmanaging { volume, flow } => {
            change(state, meta, *volume, touch, |volume| volume.status = VolumeStatus::Unmanaging { flow: *flow })
        }
        Event::VolumeUnmanageFailed { volume, reason, .. } => change(state, meta, *volume, touch, |volume| {
            volume.status = VolumeStatus::Stated(StatedStatus::ErrorUnmanaging);
            volume.reason = Some(reason.clone());
        }),
        Event::VolumeMigrationStated { volume, migration_status } => change(state, meta, *volume, touch, |volume| {
            volume.migration_status = migration_status.as_deref().map(Box::from);
        }),
        Event::VolumeRetyped { volume, volume_type, multiattach } => change(state, meta, *volume, touch, |volume| {
            volume.volume_type = *volume_type;
            volume.multiattach = *multiattach;
        }),
        Event::VolumeGrouped { volume, group } => grouped(state, meta, *volume, *group, touch),
        _ => return None,
    })
}

/// It is as large as it was found.
fn managed(
    state: &mut State,
    meta: Meta,
    volume: VolumeId,
    size_gib: SizeGib,
    launched_at: Timestamp,
    touch: Touch<'_>,
) -> Applied {
    let (pool, before) = change(state, meta, volume, touch, |volume| {
        volume.status = VolumeStatus::Available;
        volume.launched_at = Some(launched_at);
        (volume.pool.clone(), std::mem::replace(&mut volume.size_gib, size_gib))
    })?;
    let pool = pool.ok_or_else(|| format!("volume {volume} was taken over and lies nowhere"))?;
    let grown_gib = u64::from(size_gib.gib().saturating_sub(before.gib()));
    with_pool(state, &pool, touch, |entry| entry.allocated_gib += grown_gib)
}

/// What could not be taken over is somebody else's: the volume lies nowhere.
fn manage_failed(state: &mut State, meta: Meta, volume: VolumeId, reason: &str, touch: Touch<'_>) -> Applied {
    let (pool, size_gib) = change(state, meta, volume, touch, |volume| {
        volume.status = VolumeStatus::Stated(StatedStatus::ErrorManaging);
        volume.reason = Some(reason.to_owned());
        (volume.pool.take(), volume.size_gib)
    })?;
    match pool {
        Some(pool) => leave_pool(state, &pool, size_gib, touch),
        None => Ok(()),
    }
}

/// A volume on its way back to its snapshot, or there, or not.
fn reverts(
    state: &mut State,
    meta: Meta,
    (volume, status, reason): (VolumeId, VolumeStatus, Option<&String>),
    (snapshot, of_snapshot): (SnapshotId, SnapshotStatus),
    touch: Touch<'_>,
) -> Applied {
    change(state, meta, volume, touch, |volume| {
        volume.status = status;
        volume.reason = reason.cloned();
    })?;
    super::snapshot::change(state, meta, snapshot, touch, |snapshot| snapshot.status = of_snapshot)
}

/// What the status is when nothing is at work on the volume.
fn by_attachments(state: &State, id: VolumeId) -> Result<VolumeStatus, String> {
    let volume = state.volumes.get(&id).ok_or_else(|| format!("there is no volume {id}"))?;
    Ok(state.status_by_attachments(volume))
}

fn set<T: Clone>(field: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        field.clone_from(new);
    }
}

fn grouped(state: &mut State, meta: Meta, id: VolumeId, group: Option<GroupId>, touch: Touch<'_>) -> Applied {
    let before = change(state, meta, id, touch, |volume| std::mem::replace(&mut volume.group, group))?;
    if let Some(before) = before {
        state.volumes_of_group.remove(&(before, id));
    }
    if let Some(group) = group {
        state.volumes_of_group.insert((group, id));
    }
    Ok(())
}

fn with_volume<T>(state: &mut State, id: VolumeId, change: impl FnOnce(&mut Volume) -> T) -> Result<T, String> {
    let volume = state.volumes.get_mut(&id).ok_or_else(|| format!("there is no volume {id}"))?;
    Ok(change(Arc::make_mut(volume)))
}

fn change<T>(
    state: &mut State,
    meta: Meta,
    id: VolumeId,
    touch: Touch<'_>,
    change: impl FnOnce(&mut Volume) -> T,
) -> Result<T, String> {
    touch(Entity::Volume(id));
    with_volume(state, id, |volume| {
        volume.updated_at = Some(meta.at);
        change(volume)
    })
}

fn with_pool(state: &mut State, name: &PoolName, touch: Touch<'_>, change: impl FnOnce(&mut Pool)) -> Applied {
    let pool = state.pools.get_mut(name).ok_or_else(|| format!("there is no pool {name}"))?;
    change(Arc::make_mut(pool));
    touch(Entity::Pool(name.clone()));
    Ok(())
}

/// The claim stays until a report contains it; from here on such a report is possible.
pub(super) fn fulfil(
    state: &mut State,
    meta: Meta,
    pool: Option<&PoolName>,
    flow: FlowId,
    touch: Touch<'_>,
) -> Applied {
    let Some(pool) = pool else { return Err(format!("flow {flow} filled a claim on no pool")) };
    let key = (pool.clone(), flow);
    let claim = state.claims.get_mut(&key).ok_or_else(|| format!("flow {flow} has no claim on {pool}"))?;
    claim.fulfilled_at = Some(meta.position);
    touch(Entity::Claim(key.0, key.1));
    Ok(())
}

pub(super) fn drop_claim(state: &mut State, pool: &PoolName, flow: FlowId, touch: Touch<'_>) -> Applied {
    let claim = state.claims.remove(&(pool.clone(), flow));
    let claim = claim.ok_or_else(|| format!("flow {flow} has no claim on {pool}"))?;
    touch(Entity::Claim(pool.clone(), flow));
    with_pool(state, pool, touch, |entry| {
        entry.claimed_gib = entry.claimed_gib.saturating_sub(u64::from(claim.size_gib))
    })
}

fn leave_pool(state: &mut State, pool: &PoolName, size_gib: SizeGib, touch: Touch<'_>) -> Applied {
    with_pool(state, pool, touch, |entry| {
        entry.allocated_gib = entry.allocated_gib.saturating_sub(u64::from(size_gib.gib()));
        entry.volumes = entry.volumes.saturating_sub(1);
    })
}
