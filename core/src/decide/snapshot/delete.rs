//! `snapshot.delete`.

use super::super::{Context, Decided, Decision, new_flow, placement, quota, retry, volume};
use super::create::started;
use super::{invalid, own};
use crate::command::SnapshotDelete;
use crate::event::Event;
use crate::id::SnapshotId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Flow, FlowKind, Snapshot, SnapshotStatus};
use crate::task::{Failure, FailureKind, Operation, Task};

pub(in crate::decide) fn decide(cx: &Context<'_>, delete: &SnapshotDelete) -> Decision {
    let snapshot = own(cx, delete.id)?;
    if delete.force && !cx.is_admin() {
        return Err(Refusal::new(
            RefusalCode::AdminOnly,
            "deleting a snapshot by force is for operators",
            format!("send it on ...{}.snapshot.delete", crate::id::ADMIN_PROJECT),
        ));
    }
    if snapshot.group_snapshot.is_some() {
        return Err(not_deletable(snapshot, delete, "delete its group snapshot"));
    }
    removed(cx, snapshot, delete)
}

/// The same for a part of a group snapshot that is deleted; `force` takes it in every status.
pub(in crate::decide) fn of_group(cx: &Context<'_>, delete: &SnapshotDelete) -> Decision {
    removed(cx, own(cx, delete.id)?, delete)
}

fn removed(cx: &Context<'_>, snapshot: &Snapshot, delete: &SnapshotDelete) -> Decision {
    if !delete.force && !matches!(snapshot.status, SnapshotStatus::Available | SnapshotStatus::Error) {
        return Err(not_deletable(snapshot, delete, "bring it to available or error first"));
    }
    not_with_its_volume(cx, snapshot)?;
    not_being_given_back(cx, snapshot)?;
    if let Some(copy) = volume::copy_of(cx, None, |id| id == snapshot.id) {
        let message = format!("Snapshot {} is being copied to volume {copy}.", snapshot.id);
        return Err(invalid(snapshot, message, format!("wait until volume {copy} is made")));
    }
    let flow = new_flow(cx)?;
    let why = format!("snapshot {} is deleted", snapshot.id);
    let mut events = snapshot.status.flow().map_or_else(Vec::new, |at_work| volume::abandon(cx, at_work, &why));
    let operation = Operation::DeleteSnapshot { snapshot: snapshot.id, volume: snapshot.volume };
    let task = placement::new_task(cx, flow, snapshot.pool.clone(), operation, 1);
    events.extend([
        started(cx, flow, FlowKind::SnapshotDelete, snapshot),
        Event::SnapshotDeleting { snapshot: snapshot.id, flow },
        Event::TaskPending { task: Box::new(task) },
    ]);
    let subjects = Subjects {
        volume: Some(snapshot.volume),
        snapshot: Some(snapshot.id),
        flow: Some(flow),
        ..Subjects::default()
    };
    Ok(Decided { subjects, events })
}

/// What goes with its volume, or is what its volume goes back to, in that one's flow, has no flow of its own that could
/// be abandoned; and what is being taken over may still be somebody else's.
pub(super) fn not_with_its_volume(cx: &Context<'_>, snapshot: &Snapshot) -> Result<(), Refusal> {
    let at_work = snapshot.status.flow().and_then(|flow| cx.state.flows.get(&flow));
    let message = match at_work.map(|flow| flow.kind) {
        Some(FlowKind::VolumeDelete) => {
            format!("Snapshot {} is being deleted with its volume {}.", snapshot.id, snapshot.volume)
        }
        Some(FlowKind::SnapshotManage) => format!("Snapshot {} is being taken over.", snapshot.id),
        Some(FlowKind::VolumeRevert) => {
            format!("Volume {} is being reverted to its snapshot {}.", snapshot.volume, snapshot.id)
        }
        _ => return Ok(()),
    };
    Err(invalid(snapshot, message, "wait"))
}

/// What could not be taken over is somebody else's, and still has our name until that is taken back.
pub(in crate::decide) fn not_being_given_back(cx: &Context<'_>, snapshot: &Snapshot) -> Result<(), Refusal> {
    let gives_back =
        |task: &Task| matches!(task.operation, Operation::UnmanageSnapshot { snapshot: id, .. } if id == snapshot.id);
    let mut at_work = cx.state.flows.values().filter_map(|flow| flow.task.as_ref());
    if at_work.any(|open| gives_back(&open.task)) {
        let message = format!("Snapshot {} is being given back to whom it was taken over from.", snapshot.id);
        return Err(invalid(snapshot, message, "wait"));
    }
    Ok(())
}

/// Nothing of it is left on its pool.
pub(in crate::decide) fn succeeded(cx: &Context<'_>, flow: &Flow) -> Vec<Event> {
    let mut events = flow.snapshot.map_or_else(Vec::new, |snapshot| gone(cx, snapshot));
    events.push(Event::FlowFinished { flow: flow.id, failure: None });
    events
}

/// A snapshot that is in use stays as it was (Cinder: `SnapshotIsBusy`); all else is tried again up to the bound.
pub(in crate::decide) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let busy = failure.kind == FailureKind::Busy;
    if !busy && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let reason = format!("delete failed: {failure}");
    let failed = flow.snapshot.map(|snapshot| Event::SnapshotDeleteFailed { snapshot, busy, reason: reason.clone() });
    failed.into_iter().chain([Event::FlowFinished { flow: flow.id, failure: Some(reason) }]).collect()
}

/// The snapshot does not exist any more and pays no quota. On its volume's type's account, which is also its own.
pub(in crate::decide) fn gone(cx: &Context<'_>, id: SnapshotId) -> Vec<Event> {
    let found = cx.state.snapshots.get(&id);
    let Some((found, volume)) = found.and_then(|found| Some((found, cx.state.volumes.get(&found.volume)?))) else {
        return Vec::new();
    };
    let want = quota::Want::snapshot(volume.volume_type, 1, i64::from(found.size_gib.gib()));
    vec![quota::given_back(cx, &found.project, &[want]), Event::SnapshotDeleted { snapshot: id }]
}

pub(super) fn not_deletable(snapshot: &Snapshot, delete: &SnapshotDelete, remedy: &str) -> Refusal {
    let statuses = if delete.force { "" } else { "status must be available or error and " };
    invalid(snapshot, format!("Snapshot {statuses}must not be part of a group."), remedy)
}
