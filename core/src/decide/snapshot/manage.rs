//! `snapshot.manage` and `snapshot.unmanage`: what somebody else made on the storage becomes a snapshot of a volume, and the
//! other way round.

use super::super::{
    Context, Decided, Decision, new_flow, placement, quota, retry, volume, volume_cleanup,
    volume_manage::{is_final, is_untouched},
};
use super::create::{check_id, started};
use super::delete::{gone, not_being_given_back, not_deletable, not_with_its_volume};
use super::{invalid, own};
use crate::command::{SnapshotDelete, SnapshotManage, SnapshotUnmanage};
use crate::event::Event;
use crate::id::SnapshotId;
use crate::record::Subjects;
use crate::state::{Flow, FlowKind, Snapshot, SnapshotStatus, VolumeStatus};
use crate::task::{Failure, Operation, Task};

pub(in crate::decide) fn decide(cx: &Context<'_>, manage: &SnapshotManage) -> Decision {
    let volume = volume::own(cx, manage.volume)?;
    let id = manage.id.unwrap_or_else(|| SnapshotId(cx.id.derive(&format!("snapshot {}", volume.project))));
    check_id(cx, manage.id.is_some(), id)?;
    let pool = match (volume.status, &volume.pool) {
        (VolumeStatus::Available | VolumeStatus::InUse, Some(pool)) => pool,
        _ => {
            let status = volume.status.name();
            let message = format!("Volume {} status must be available or in-use, but is: {status}.", volume.id);
            return Err(volume::invalid(volume, message, "bring the volume to available first"));
        }
    };
    let flow = new_flow(cx)?;
    let want = quota::Want::snapshot(volume.volume_type, 1, i64::from(volume.size_gib.gib()));
    let (reservation, quota_reserved) = quota::reserve(cx, &volume.project, flow, want)?;
    let snapshot = Snapshot {
        id,
        volume: volume.id,
        project: volume.project.clone(),
        user: cx.user.to_owned(),
        name: manage.name.clone(),
        description: manage.description.clone(),
        metadata: manage.metadata.clone(),
        size_gib: volume.size_gib,
        status: SnapshotStatus::Creating { flow },
        reason: None,
        progress: 0,
        pool: pool.clone(),
        group_snapshot: None,
        created_at: cx.now,
        updated_at: None,
        created_position: cx.position,
    };
    let operation = Operation::ManageSnapshot {
        snapshot: id,
        volume: volume.id,
        size_gib: volume.size_gib,
        source_name: manage.source_name.clone(),
    };
    let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
    let events = vec![
        started(cx, flow, FlowKind::SnapshotManage, &snapshot),
        quota_reserved,
        Event::SnapshotEntryCreated { snapshot: Box::new(snapshot) },
        Event::QuotaCommitted { reservation },
        Event::TaskPending { task: Box::new(task) },
    ];
    let subjects = Subjects { volume: Some(volume.id), snapshot: Some(id), flow: Some(flow), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

/// It is the snapshot now.
pub(in crate::decide) fn managed(flow: &Flow) -> Vec<Event> {
    let managed = flow.snapshot.map(|snapshot| Event::SnapshotManaged { snapshot, flow: flow.id });
    managed.into_iter().chain([Event::FlowFinished { flow: flow.id, failure: None }]).collect()
}

/// Passing troubles are tried again up to the bound; then what was done to it is taken back.
pub(in crate::decide) fn manage_failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if !is_final(failure) && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let mut events = if is_untouched(task, failure) { Vec::new() } else { volume_cleanup::start(cx, flow, task) };
    let reason = format!("manage failed: {failure}");
    let failed =
        flow.snapshot.map(|snapshot| Event::SnapshotCreateFailed { snapshot, flow: flow.id, reason: reason.clone() });
    events.extend(failed);
    events.push(Event::FlowFinished { flow: flow.id, failure: Some(reason) });
    events
}

/// `snapshot.unmanage`.
pub(in crate::decide) fn give_up(cx: &Context<'_>, unmanage: SnapshotUnmanage) -> Decision {
    let snapshot = own(cx, unmanage.id)?;
    let as_deleted = SnapshotDelete { id: snapshot.id, force: false };
    if snapshot.group_snapshot.is_some() {
        return Err(not_deletable(snapshot, &as_deleted, "delete its group snapshot"));
    }
    if !matches!(snapshot.status, SnapshotStatus::Available | SnapshotStatus::Error) {
        return Err(not_deletable(snapshot, &as_deleted, "bring it to available or error first"));
    }
    not_with_its_volume(cx, snapshot)?;
    not_being_given_back(cx, snapshot)?;
    if let Some(copy) = volume::copy_of(cx, None, |id| id == snapshot.id) {
        let message = format!("Snapshot {} is being copied to volume {copy}.", snapshot.id);
        return Err(invalid(snapshot, message, format!("wait until volume {copy} is made")));
    }
    let flow = new_flow(cx)?;
    let operation = Operation::UnmanageSnapshot { snapshot: snapshot.id, volume: snapshot.volume, source_name: None };
    let task = placement::new_task(cx, flow, snapshot.pool.clone(), operation, 1);
    let events = vec![
        started(cx, flow, FlowKind::SnapshotUnmanage, snapshot),
        Event::SnapshotUnmanaging { snapshot: snapshot.id, flow },
        Event::TaskPending { task: Box::new(task) },
    ];
    let subjects = Subjects {
        volume: Some(snapshot.volume),
        snapshot: Some(snapshot.id),
        flow: Some(flow),
        ..Subjects::default()
    };
    Ok(Decided { subjects, events })
}

/// It is nobody's any more, and pays no quota.
pub(in crate::decide) fn given_up(cx: &Context<'_>, flow: &Flow) -> Vec<Event> {
    let mut events = flow.snapshot.map_or_else(Vec::new, |snapshot| gone(cx, snapshot));
    events.push(Event::FlowFinished { flow: flow.id, failure: None });
    events
}

/// It is tried again up to the bound; Cinder has no other status for it than that of a deletion that failed.
pub(in crate::decide) fn give_up_failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if !is_final(failure) && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let reason = format!("unmanage failed: {failure}");
    let failed =
        flow.snapshot.map(|snapshot| Event::SnapshotDeleteFailed { snapshot, busy: false, reason: reason.clone() });
    failed.into_iter().chain([Event::FlowFinished { flow: flow.id, failure: Some(reason) }]).collect()
}
