//! `snapshot.create`. The snapshot lies in its volume's pool, so there is one attempt only.

use super::super::{
    Context, Decided, Decision, flow_started, new_flow, placement, quota, volume, volume_cleanup, volume_create,
};
use crate::command::SnapshotCreate;
use crate::event::Event;
use crate::id::{FlowId, PoolName, SnapshotId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Flow, FlowKind, Snapshot, SnapshotStatus, StatedStatus, Volume, VolumeStatus};
use crate::task::{Failure, Operation, Phase, Task};

pub(in crate::decide) fn decide(cx: &Context<'_>, create: &SnapshotCreate) -> Decision {
    let volume = volume::own(cx, create.volume)?;
    let project = &volume.project;
    let id = create.id.unwrap_or_else(|| SnapshotId(cx.id.derive(&format!("snapshot {project}"))));
    check_id(cx, create.id.is_some(), id)?;
    let pool = pool_of(volume, create.force)?;
    let flow = new_flow(cx)?;
    let want = quota::Want::snapshot(volume.volume_type, 1, i64::from(volume.size_gib.gib()));
    let (reservation, quota_reserved) = quota::reserve(cx, project, flow, want)?;
    let snapshot = Snapshot {
        id,
        volume: volume.id,
        project: project.clone(),
        user: cx.user.to_owned(),
        name: create.name.clone(),
        description: create.description.clone(),
        metadata: create.metadata.clone(),
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
    let mut events = vec![
        started(cx, flow, FlowKind::SnapshotCreate, &snapshot),
        quota_reserved,
        Event::SnapshotEntryCreated { snapshot: Box::new(snapshot) },
        Event::QuotaCommitted { reservation },
    ];
    let decision = placement::for_snapshot(cx, flow, volume, pool);
    let refused = decision.chosen.is_none().then(|| decision.refusal_text());
    events.push(Event::PlacementDecided { flow, volume: volume.id, decision: Box::new(decision) });
    match refused {
        Some(reason) => events.extend(given_up(id, flow, reason)),
        None => {
            let operation = Operation::CreateSnapshot { snapshot: id, volume: volume.id, size_gib: volume.size_gib };
            let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
            events.push(Event::TaskPending { task: Box::new(task) });
        }
    }
    let subjects = Subjects { volume: Some(volume.id), snapshot: Some(id), flow: Some(flow), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

/// A cleanup removes what has that name: a new snapshot of the same id must not come under it.
pub(super) fn check_id(cx: &Context<'_>, given: bool, id: SnapshotId) -> Result<(), Refusal> {
    let may_come_again = given || cx.id_given;
    let being_cleaned = may_come_again && cx.state.flows.values().any(|flow| flow.snapshot == Some(id));
    if !being_cleaned && !cx.state.snapshots.contains_key(&id) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::SnapshotExists,
        format!("a snapshot {id} exists already or is still being removed"),
        "leave the id away, or give one that is new",
    ))
}

/// The fact that a flow about a snapshot began; it works for the snapshot's project.
pub(in crate::decide) fn started(cx: &Context<'_>, flow: FlowId, kind: FlowKind, of: &Snapshot) -> Event {
    let mut event = flow_started(cx, flow, kind, of.volume, &of.project);
    if let Event::FlowStarted { snapshot, .. } = &mut event {
        *snapshot = Some(of.id);
    }
    event
}

/// The snapshot can be used.
pub(in crate::decide) fn succeeded(flow: &Flow) -> Vec<Event> {
    let created = flow.snapshot.map(|snapshot| Event::SnapshotCreated { snapshot, flow: flow.id });
    created.into_iter().chain([Event::FlowFinished { flow: flow.id, failure: None }]).collect()
}

/// The attempt failed: what it may have left is removed, by a flow of its own when nobody answers for the backend or
/// the removal failed as well.
pub(in crate::decide) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if task.phase == Phase::Execute && !placement::is_down(cx, &task.pool) {
        return vec![volume_create::revert(cx, task)];
    }
    let first = volume_create::first_failure(flow, task, failure);
    let mut events = volume_cleanup::start(cx, flow, task);
    events.extend(error(flow, &first));
    events
}

/// Nothing of the attempt is left.
pub(in crate::decide) fn reverted(flow: &Flow, task: &Task) -> Vec<Event> {
    let mut events = vec![Event::TaskReverted { flow: flow.id, task: task.id }];
    events.extend(error(flow, &volume_create::remembered_failure(flow)));
    events
}

fn error(flow: &Flow, failure: &Failure) -> Vec<Event> {
    let reason = format!("snapshot failed: {failure}");
    match flow.snapshot {
        Some(snapshot) => given_up(snapshot, flow.id, reason),
        None => vec![Event::FlowFinished { flow: flow.id, failure: Some(reason) }],
    }
}

/// As in Cinder, a snapshot that could not be taken stays, in `error`, and counts until it is deleted.
fn given_up(snapshot: SnapshotId, flow: FlowId, reason: String) -> Vec<Event> {
    vec![
        Event::SnapshotCreateFailed { snapshot, flow, reason: reason.clone() },
        Event::FlowFinished { flow, failure: Some(reason) },
    ]
}

/// The volume's pool, when a snapshot of the volume may be taken.
fn pool_of(volume: &Volume, force: bool) -> Result<&PoolName, Refusal> {
    let invalid = |message: &str, remedy: &str| Err(volume::invalid(volume, message, remedy));
    let Some(pool) = &volume.pool else {
        let message = "The snapshot cannot be created because volume has not been scheduled to any host.";
        return invalid(message, "delete the volume: it has no data");
    };
    let allowed = if force { "available, in-use" } else { "available" };
    match volume.status {
        VolumeStatus::Stated(StatedStatus::Maintenance) => {
            let message = "The snapshot cannot be created when the volume is in maintenance mode.";
            invalid(message, "have its status reset first")
        }
        _ if volume::is_migrating(volume) => {
            let message = "Snapshot cannot be created while volume is migrating.";
            invalid(message, "have its migration status reset first")
        }
        VolumeStatus::Error => {
            let message = "The snapshot cannot be created when the volume is in error status.";
            invalid(message, "have its status reset first, if its data is whole")
        }
        VolumeStatus::Available => Ok(pool),
        VolumeStatus::InUse if force => Ok(pool),
        other => {
            let status = other.name();
            let message = format!("Volume {} status must be {allowed}, but current status is: {status}.", volume.id);
            let remedy = if other == VolumeStatus::InUse { "detach it, or ask with force" } else { "wait" };
            invalid(&message, remedy)
        }
    }
}
