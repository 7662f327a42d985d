//! Snapshots.

use std::sync::Arc;

use super::volume::{drop_claim, fulfil};
use super::{Applied, Meta};
use crate::event::Event;
use crate::id::{FlowId, SnapshotId};
use crate::state::{Entity, Snapshot, SnapshotStatus, State};

type Touch<'a> = &'a mut dyn FnMut(Entity);

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, meta: Meta, event: &Event, touch: Touch<'_>) -> Option<Applied> {
    Some(match event {
        Event::SnapshotEntryCreated { snapshot } => entry_created(state, snapshot, touch),
        Event::SnapshotCreated { snapshot, flow } => created(state, meta, *snapshot, *flow, touch),
        Event::SnapshotCreateFailed { snapshot, flow, reason } => {
            create_failed(state, meta, *snapshot, *flow, reason, touch)
        }
        Event::SnapshotManaged { snapshot, .. } => change(state, meta, *snapshot, touch, |snapshot| {
            snapshot.status = SnapshotStatus::Available;
            snapshot.progress = 100;
        }),
        Event::SnapshotUnmanaging { snapshot, flow } => change(state, meta, *snapshot, touch, |snapshot| {
            snapshot.status = SnapshotStatus::Unmanaging { flow: *flow };
        }),
        Event::SnapshotDeleting { snapshot, flow } => change(state, meta, *snapshot, touch, |snapshot| {
            snapshot.status = SnapshotStatus::Deleting { flow: *flow };
        }),
        Event::SnapshotDeleted { snapshot } => deleted(state, *snapshot, touch),
        Event::SnapshotDeleteFailed { snapshot, busy, reason } => change(state, meta, *snapshot, touch, |snapshot| {
            snapshot.status = if *busy { SnapshotStatus::Available } else { SnapshotStatus::ErrorDeleting };
            snapshot.reason = Some(reason.clone());
        }),
        Event::SnapshotUpdated { snapshot, name, description, metadata } => {
            change(state, meta, *snapshot, touch, |snapshot| {
                snapshot.name = name.clone().unwrap_or_else(|| std::mem::take(&mut snapshot.name));
                snapshot.description = description.clone().unwrap_or_else(|| std::mem::take(&mut snapshot.description));
                snapshot.metadata = metadata.clone().unwrap_or_else(|| std::mem::take(&mut snapshot.metadata));
            })
        }
        Event::SnapshotStatusChanged { snapshot, status, progress } => {
            change(state, meta, *snapshot, touch, |snapshot| {
                snapshot.status = *status;
                snapshot.progress = progress.unwrap_or(snapshot.progress);
                snapshot.reason = None;
            })
        }
        _ => return None,
    })
}

fn entry_created(state: &mut State, snapshot: &Snapshot, touch: Touch<'_>) -> Applied {
    let id = snapshot.id;
    if !state.volumes.contains_key(&snapshot.volume) {
        return Err(format!("snapshot {id} is of volume {}, which does not exist", snapshot.volume));
    }
    touch(Entity::Snapshot(id));
    state.snapshots_of.insert((snapshot.volume, id));
    if let Some(group_snapshot) = snapshot.group_snapshot {
        state.snapshots_of_group.insert((group_snapshot, id));
    }
    match state.snapshots.insert(id, Arc::new(snapshot.clone())) {
        None => Ok(()),
        Some(_) => Err(format!("snapshot {id} came into being twice")),
    }
}

fn created(state: &mut State, meta: Meta, id: SnapshotId, flow: FlowId, touch: Touch<'_>) -> Applied {
    let mut pool = None;
    change(state, meta, id, touch, |snapshot| {
        snapshot.status = SnapshotStatus::Available;
        snapshot.progress = 100;
        pool = Some(snapshot.pool.clone());
    })?;
    fulfil(state, meta, pool.as_ref(), flow, touch)
}

/// Where no room was found there is no claim to drop.
fn create_failed(
    state: &mut State,
    meta: Meta,
    id: SnapshotId,
    flow: FlowId,
    reason: &str,
    touch: Touch<'_>,
) -> Applied {
    let mut pool = None;
    change(state, meta, id, touch, |snapshot| {
        snapshot.status = SnapshotStatus::Error;
        snapshot.reason = Some(reason.to_owned());
        pool = Some(snapshot.pool.clone());
    })?;
    match pool.filter(|pool| state.claims.contains_key(&(pool.clone(), flow))) {
        Some(pool) => drop_claim(state, &pool, flow, touch),
        None => Ok(()),
    }
}

fn deleted(state: &mut State, id: SnapshotId, touch: Touch<'_>) -> Applied {
    let removed = state.snapshots.remove(&id).ok_or_else(|| format!("there is no snapshot {id}"))?;
    touch(Entity::Snapshot(id));
    state.snapshots_of.remove(&(removed.volume, id));
    if let Some(group_snapshot) = removed.group_snapshot {
        state.snapshots_of_group.remove(&(group_snapshot, id));
    }
    Ok(())
}

pub(super) fn change(
    state: &mut State,
    meta: Meta,
    id: SnapshotId,
    touch: Touch<'_>,
    change: impl FnOnce(&mut Snapshot),
) -> Applied {
    let entry = state.snapshots.get_mut(&id).ok_or_else(|| format!("there is no snapshot {id}"))?;
    let snapshot = Arc::make_mut(entry);
    snapshot.updated_at = Some(meta.at);
    change(snapshot);
    touch(Entity::Snapshot(id));
    Ok(())
}
