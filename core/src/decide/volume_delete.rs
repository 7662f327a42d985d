//! `volume.delete`: alone, with its snapshots (cascade), or by force.
//!
//! A cascade is one flow with one task after the other: each snapshot, then the volume.

use super::snapshot::delete as snapshot_delete;
use super::{
    Context, Decided, Decision, attachment, flow_started, new_flow, placement, quota, retry, task_id, transfer, volume,
};
use crate::command::VolumeDelete;
use crate::event::Event;
use crate::id::{CommandId, FlowId, PoolName, TaskId};
use crate::record::Subjects;
use crate::refusal::Refusal;
use crate::state::{
    Flow, FlowKind, Snapshot, SnapshotStatus, StatedSnapshotStatus, StatedStatus, Volume, VolumeStatus,
};
use crate::task::{Failure, FailureKind, Operation, Task};

/// The most snapshots that go with their volume: what becomes of them has to fit into one record.
const CASCADE_SNAPSHOTS_MAX: usize = 512;

pub(super) fn decide(cx: &Context<'_>, delete: &VolumeDelete) -> Decision {
    let volume = volume::own(cx, delete.id)?;
    if volume.pool.is_some() && volume.group.is_some() {
        return Err(not_deletable(volume, delete, "take it out of its group, or delete the group with its volumes"));
    }
    removed(cx, volume, delete, delete.force && cx.is_admin())
}

/// The same for a member of a group that is deleted with its volumes; `force` takes it in every status.
pub(super) fn of_group(cx: &Context<'_>, delete: &VolumeDelete) -> Decision {
    removed(cx, volume::own(cx, delete.id)?, delete, delete.force)
}

fn removed(cx: &Context<'_>, volume: &Volume, delete: &VolumeDelete, any_status: bool) -> Decision {
    // By force neither: what is there may still be somebody else's.
    if matches!(volume.status, VolumeStatus::Managing { .. }) {
        return Err(not_deletable(volume, delete, "wait"));
    }
    let snapshots: Vec<&Snapshot> = cx.state.snapshots_of(volume.id).map(AsRef::as_ref).collect();
    // What lies nowhere is gone at once, from every status, as in Cinder.
    if volume.pool.is_some() {
        check(cx, volume, delete, any_status)?;
    }
    check_snapshots(cx, volume, &snapshots, delete, any_status)?;
    let snapshot_ids = |id| snapshots.iter().any(|snapshot| snapshot.id == id);
    if let Some(copy) = volume::copy_of(cx, Some(volume.id), snapshot_ids) {
        let message = format!("Volume {} is being copied to volume {copy}.", volume.id);
        return Err(volume::invalid(volume, message, format!("wait until volume {copy} is made")));
    }
    let flow = new_flow(cx)?;
    let subjects = Subjects { volume: Some(volume.id), flow: Some(flow), ..Subjects::default() };
    let mut events: Vec<Event> = transfer::given_up(volume).into_iter().collect();
    for at_work in snapshots.iter().filter_map(|of_it| of_it.status.flow()).chain(volume.status.flow()) {
        let known = events.iter().any(|event| matches!(event, Event::FlowFinished { flow, .. } if *flow == at_work));
        if !known {
            events.extend(volume::abandon(cx, at_work, &format!("volume {} is deleted", volume.id)));
        }
    }
    events.extend([
        flow_started(cx, flow, FlowKind::VolumeDelete, volume.id, &volume.project),
        Event::VolumeDeleting { volume: volume.id, flow },
    ]);
    let deleting = snapshots.iter().map(|of_it| Event::SnapshotDeleting { snapshot: of_it.id, flow });
    events.extend(deleting);
    match &volume.pool {
        Some(pool) => events.push(next(cx, flow, volume, pool, snapshots.first().copied())),
        None => events.extend(gone(cx, flow, volume)),
    }
    Ok(Decided { subjects, events })
}

/// Nothing of the snapshot, or of the volume, is left on its pool.
pub(super) fn succeeded(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    let Some(volume) = cx.state.volumes.get(&flow.volume) else {
        return vec![Event::FlowFinished { flow: flow.id, failure: None }];
    };
    let Operation::DeleteSnapshot { snapshot, .. } = task.operation else { return gone(cx, flow.id, volume) };
    let mut events = snapshot_delete::gone(cx, snapshot);
    let rest = in_cascade(cx, flow).find(|other| other.id != snapshot);
    events.push(next(cx, flow.id, volume, &task.pool, rest));
    events
}

/// What is in use stays as it was (Cinder: `VolumeIsBusy`); all else is tried again up to the bound.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let busy = failure.kind == FailureKind::Busy;
    if !busy && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let what = task.operation.snapshot().map_or_else(String::new, |snapshot| format!(" of snapshot {snapshot}"));
    let reason = format!("delete{what} failed: {failure}");
    let mut events: Vec<Event> = in_cascade(cx, flow)
        .map(|left| {
            let tried = task.operation.snapshot() == Some(left.id);
            // Those whose turn had not come, or that are in use, are as they were, if they were ever whole.
            let busy = (busy || !tried) && left.progress == 100;
            let reason = if tried { reason.clone() } else { "the deletion of its volume stopped".to_owned() };
            Event::SnapshotDeleteFailed { snapshot: left.id, busy, reason }
        })
        .collect();
    events.extend([
        Event::VolumeDeleteFailed { volume: flow.volume, busy, reason: reason.clone() },
        Event::FlowFinished { flow: flow.id, failure: Some(reason) },
    ]);
    events
}

/// The snapshots that the flow still has to remove.
fn in_cascade<'a>(cx: &Context<'a>, flow: &Flow) -> impl Iterator<Item = &'a Snapshot> {
    let deleting = SnapshotStatus::Deleting { flow: flow.id };
    cx.state.snapshots_of(flow.volume).map(AsRef::as_ref).filter(move |snapshot| snapshot.status == deleting)
}

fn next(cx: &Context<'_>, flow: FlowId, volume: &Volume, pool: &PoolName, snapshot: Option<&Snapshot>) -> Event {
    let task = match snapshot {
        Some(found) => {
            let operation = Operation::DeleteSnapshot { snapshot: found.id, volume: volume.id };
            // Each of a cascade's tasks is another one, however often the cascade began.
            let id = TaskId(CommandId(flow.0).derive(&format!("task of snapshot {}", found.id)));
            Task { id, ..placement::new_task(cx, flow, found.pool.clone(), operation, 1) }
        }
        None => {
            let operation = Operation::DeleteVolume { volume: volume.id };
            Task { id: task_id(flow, 1), ..placement::new_task(cx, flow, pool.clone(), operation, 1) }
        }
    };
    Event::TaskPending { task: Box::new(task) }
}

pub(super) fn check(cx: &Context<'_>, volume: &Volume, delete: &VolumeDelete, any_status: bool) -> Result<(), Refusal> {
    let in_use = matches!(volume.status, VolumeStatus::InUse | VolumeStatus::Detaching);
    if in_use || attachment::in_the_way(cx, volume) {
        return Err(not_deletable(volume, delete, "detach it first"));
    }
    if volume::is_migrating(volume) {
        return Err(not_deletable(volume, delete, "have its migration status reset first"));
    }
    let allowed = match volume.status {
        VolumeStatus::Available | VolumeStatus::Error | VolumeStatus::ErrorExtending => true,
        VolumeStatus::Stated(stated) => matches!(stated, StatedStatus::ErrorManaging | StatedStatus::ErrorRestoring),
        VolumeStatus::ErrorDeleting => delete.force,
        _ => false,
    };
    if allowed || any_status {
        return Ok(());
    }
    let remedy = match volume.status {
        VolumeStatus::ErrorDeleting => {
            let reason = volume.reason.as_deref().unwrap_or("the reason is in its last flow");
            format!("it could not be deleted before ({reason}); delete it with force")
        }
        _ => "bring it to available first".to_owned(),
    };
    Err(not_deletable(volume, delete, remedy))
}

fn check_snapshots(
    cx: &Context<'_>,
    volume: &Volume,
    snapshots: &[&Snapshot],
    delete: &VolumeDelete,
    any_status: bool,
) -> Result<(), Refusal> {
    if snapshots.is_empty() {
        return Ok(());
    }
    if !delete.cascade {
        return Err(not_deletable(volume, delete, "delete its snapshots first, or delete it with cascade"));
    }
    if snapshots.len() > CASCADE_SNAPSHOTS_MAX {
        let remedy = format!("delete some of its {} snapshots first", snapshots.len());
        return Err(not_deletable(volume, delete, remedy));
    }
    for found in snapshots {
        // What is there may still be somebody else's, or still has our name.
        snapshot_delete::not_being_given_back(cx, found)?;
        let at_work = found.status.flow().and_then(|flow| cx.state.flows.get(&flow));
        if at_work.is_some_and(|flow| flow.kind == FlowKind::SnapshotManage) {
            return Err(not_deletable(volume, delete, format!("snapshot {} is being taken over: wait", found.id)));
        }
        if found.group_snapshot.is_some() {
            return Err(not_deletable(
                volume,
                delete,
                format!("delete the group snapshot of snapshot {} first", found.id),
            ));
        }
        if !cx.is_admin() && found.project != volume.project {
            let remedy = format!("snapshot {} is another project's; it has to go first", found.id);
            return Err(not_deletable(volume, delete, remedy));
        }
        let allowed = match found.status {
            SnapshotStatus::Available | SnapshotStatus::Error | SnapshotStatus::Deleting { .. } => true,
            SnapshotStatus::Stated(stated) => stated == StatedSnapshotStatus::Deleting,
            SnapshotStatus::ErrorDeleting => delete.force,
            SnapshotStatus::Creating { .. } | SnapshotStatus::Restoring { .. } | SnapshotStatus::Unmanaging { .. } => {
                false
            }
        };
        if !allowed && !any_status {
            let status = found.status.name();
            return Err(not_deletable(volume, delete, format!("snapshot {} is {status}", found.id)));
        }
    }
    Ok(())
}

/// Cinder has one text for every reason; ours is in the remedy.
pub(super) fn not_deletable(of: &Volume, delete: &VolumeDelete, remedy: impl Into<String>) -> Refusal {
    const RULES: &str = "must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be \
                         disassociated from snapshots after volume transfer.";
    const STATUSES: &str = "available or error or error_restoring or error_extending or error_managing";
    let statuses = if delete.force { String::new() } else { format!("status must be {STATUSES} and ") };
    volume::invalid(of, format!("Volume {statuses}{RULES}"), remedy)
}

pub(super) fn gone(cx: &Context<'_>, flow: FlowId, volume: &Volume) -> Vec<Event> {
    let want = quota::Want::volume(volume.volume_type, -1, -i64::from(volume.size_gib.gib()));
    let (reservation, given_back) = quota::give_back(cx, &volume.project, flow, want);
    let mut events = attachment::gone_with(cx, volume);
    events.extend([
        given_back,
        Event::QuotaCommitted { reservation },
        Event::VolumeDeleted { volume: volume.id },
        Event::FlowFinished { flow, failure: None },
    ]);
    events
}
