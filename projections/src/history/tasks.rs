use stele_core::event::Event;
use stele_core::id::{PoolName, TaskId, WorkerName};
use stele_core::state::FlowKind;
use stele_core::task::{Operation, Task};
use stele_core::unit::Timestamp;

use super::Place;
use crate::view::{FlowHistory, TaskHistory, TaskState, TaskTransition};

/// The task whose transitions a reservation is.
pub(super) const QUOTA_RESERVE: &str = "QuotaReserve";

/// Adds what an event says to the story of its flow.
pub(super) fn take_in(history: &mut FlowHistory, event: &Event, place: Place) {
    match event {
        Event::FlowFinished { failure, .. } => {
            history.finished_at = Some(place.at);
            history.finished_position = Some(place.position);
            history.failure.clone_from(failure);
        }
        Event::QuotaReserved { reservation, .. } => {
            history.reservation = Some(*reservation);
            control(history, place, QUOTA_RESERVE, None);
        }
        Event::QuotaRolledBack { .. } => {
            let reserve = history.tasks.iter_mut().rev().find(|task| task.name == QUOTA_RESERVE);
            if let Some(reserve) = reserve {
                advance(reserve, transition(TaskState::Reverted, place));
            }
        }
        Event::PlacementDecided { decision, .. } => {
            control(history, place, "ExtractSchedulerSpec", None);
            let name = match history.kind {
                FlowKind::VolumeExtend => "ScheduleExtendVolume",
                FlowKind::SnapshotCreate => "ScheduleCreateSnapshot",
                _ => "ScheduleCreateVolume",
            };
            let state = if decision.chosen.is_some() { TaskState::Success } else { TaskState::Failure };
            let mut task = task(name, transition(state, place));
            task.detail = Some(decision.refusal_text());
            task.pool.clone_from(&decision.chosen);
            history.tasks.push(task);
        }
        Event::PlacementReleased { pool, .. } => {
            control(history, place, "OnFailureReschedule", Some(format!("the attempt on {pool} is void")));
            on_pool(history, pool);
        }
        other => match control_step(history.kind, other) {
            Some((name, detail)) => control(history, place, name, detail),
            None => worker_step(history, other, place),
        },
    }
}

/// What control did with this event, by Cinder's name for it, with what tells it apart.
fn control_step(kind: FlowKind, event: &Event) -> Option<(&'static str, Option<String>)> {
    let detail = |text: &str| Some(text.to_owned());
    Some(match event {
        Event::FlowStarted { .. } if kind == FlowKind::VolumeCreate => ("ExtractVolumeRequest", None),
        Event::VolumeEntryCreated { volume } => ("EntryCreate", detail(volume.status.name())),
        Event::QuotaCommitted { .. } => ("QuotaCommit", None),
        Event::VolumeCreated { .. } => ("CreateVolumeOnFinish", detail("create.end")),
        Event::VolumeCreateFailed { .. } => ("OnFailureReschedule", detail("error")),
        Event::VolumeExtending { size_gib, .. } => ("EntryUpdate", Some(format!("extending to {size_gib}"))),
        Event::VolumeExtended { .. } => ("ExtendVolumeOnFinish", detail("resize.end")),
        Event::VolumeExtendFailed { .. } => ("EntryUpdate", detail("error_extending")),
        Event::VolumeReverting { snapshot, .. } => ("EntryUpdate", Some(format!("reverting to {snapshot}"))),
        Event::VolumeReverted { .. } => ("RevertVolumeOnFinish", detail("revert.end")),
        Event::VolumeRevertFailed { .. } => ("EntryUpdate", detail("error")),
        Event::VolumeManaged { size_gib, .. } => {
            ("ManageVolumeOnFinish", Some(format!("manage_existing.end, {size_gib}")))
        }
        Event::VolumeManageFailed { .. } => ("EntryUpdate", detail("error_managing")),
        Event::VolumeUnmanaging { .. } => ("EntryUpdate", detail("unmanaging")),
        Event::VolumeUnmanageFailed { .. } => ("EntryUpdate", detail("error_unmanaging")),
        Event::VolumeDeleted { .. } if kind == FlowKind::VolumeUnmanage => {
            ("UnmanageVolumeOnFinish", detail("unmanage.end"))
        }
        Event::VolumeDeleting { .. } => ("EntryUpdate", detail("deleting")),
        Event::VolumeDeleted { .. } => ("DeleteVolumeOnFinish", detail("delete.end")),
        Event::VolumeDeleteFailed { busy, .. } => {
            ("EntryUpdate", detail(if *busy { "available" } else { "error_deleting" }))
        }
        Event::SnapshotEntryCreated { .. } => ("EntryCreate", detail("creating")),
        Event::SnapshotCreated { .. } => ("CreateSnapshotOnFinish", detail("snapshot.create.end")),
        Event::SnapshotCreateFailed { .. } => ("EntryUpdate", detail("error")),
        Event::SnapshotManaged { .. } => ("ManageSnapshotOnFinish", detail("manage_existing_snapshot.end")),
        Event::SnapshotUnmanaging { .. } => ("EntryUpdate", detail("unmanaging")),
        Event::SnapshotDeleted { .. } if kind == FlowKind::SnapshotUnmanage => {
            ("UnmanageSnapshotOnFinish", detail("unmanage_snapshot.end"))
        }
        Event::SnapshotDeleting { snapshot, .. } if kind == FlowKind::VolumeDelete => {
            ("EntryUpdate", Some(format!("snapshot {snapshot}: deleting")))
        }
        Event::SnapshotDeleting { .. } => ("EntryUpdate", detail("deleting")),
        Event::SnapshotDeleted { snapshot } if kind == FlowKind::VolumeDelete => {
            ("DeleteSnapshotOnFinish", Some(format!("snapshot {snapshot}: snapshot.delete.end")))
        }
        Event::SnapshotDeleted { .. } => ("DeleteSnapshotOnFinish", detail("snapshot.delete.end")),
        Event::SnapshotDeleteFailed { busy, .. } => {
            ("EntryUpdate", detail(if *busy { "available" } else { "error_deleting" }))
        }
        Event::AttachmentConnecting { .. } => ("EntryUpdate", detail("attaching")),
        Event::AttachmentConnected { .. } => ("ConnectVolumeOnFinish", detail("attach.end")),
        Event::AttachmentConnectFailed { .. } => ("EntryUpdate", detail("error_attaching")),
        Event::AttachmentDisconnecting { .. } => ("EntryUpdate", detail("detaching")),
        Event::AttachmentDisconnected { .. } | Event::AttachmentDeleted { .. } => {
            ("DisconnectVolumeOnFinish", detail("detach.end"))
        }
        Event::AttachmentDisconnectFailed { .. } => ("EntryUpdate", detail("error_detaching")),
        _ => return None,
    })
}

/// The transitions of a worker's task.
fn worker_step(history: &mut FlowHistory, event: &Event, place: Place) {
    match event {
        Event::TaskPending { task: asked } => {
            let mut task = task(worker_task_name(&asked.operation), dispatched(TaskState::Pending, place, asked));
            task.task_id = Some(asked.id);
            task.pool = Some(asked.pool.clone());
            history.tasks.push(task);
        }
        Event::TaskRetried { task } => push(history, task.id, dispatched(TaskState::Pending, place, task)),
        Event::TaskReverting { task } => push(history, task.id, dispatched(TaskState::Reverting, place, task)),
        Event::TaskRunning { task, dispatch, worker, at, .. } => {
            notify_start(history, *task, place);
            let next = by_worker(TaskState::Running, place, *dispatch, Some(worker), *at);
            push(history, *task, next);
        }
        Event::TaskProgressed { task, step, percent, .. } => progress(history, *task, step, *percent, place),
        Event::TaskSucceeded { task, dispatch, worker, at, steps, .. } => {
            let mut next = by_worker(TaskState::Success, place, *dispatch, Some(worker), *at);
            next.steps.clone_from(steps);
            push(history, *task, next);
        }
        Event::TaskFailed { task, dispatch, worker, at, steps, failure, .. } => {
            let mut next = by_worker(TaskState::Failure, place, *dispatch, worker.as_ref(), *at);
            next.steps.clone_from(steps);
            next.failure = Some(failure.clone());
            push(history, *task, next);
        }
        // The worker's success at reverting says so already, with the steps that it ran.
        Event::TaskReverted { task, .. } if !is_reverted(history, *task) => {
            push(history, *task, transition(TaskState::Reverted, place));
        }
        _ => {}
    }
}

const DELETE_SNAPSHOT: &str = "DeleteSnapshot";

fn worker_task_name(operation: &Operation) -> &'static str {
    match operation {
        Operation::CreateVolume { .. } => "CreateVolumeFromSpec",
        Operation::DeleteVolume { .. } => "DeleteVolume",
        Operation::ExtendVolume { .. } => "ExtendVolume",
        Operation::RevertVolume { .. } => "RevertVolume",
        Operation::ManageVolume { .. } => "ManageVolume",
        Operation::UnmanageVolume { .. } => "UnmanageVolume",
        Operation::ManageSnapshot { .. } => "ManageSnapshot",
        Operation::UnmanageSnapshot { .. } => "UnmanageSnapshot",
        Operation::CreateSnapshot { .. } => "CreateSnapshot",
        Operation::DeleteSnapshot { .. } => DELETE_SNAPSHOT,
        Operation::ConnectVolume { .. } => "ConnectVolume",
        Operation::DisconnectVolume { .. } => "DisconnectVolume",
        Operation::WithdrawVolume { .. } => "WithdrawVolume",
    }
}

/// Cinder notifies before the work begins, so the notification stands before the task that runs from here on.
fn notify_start(history: &mut FlowHistory, id: TaskId, place: Place) {
    let Some(at) = history.tasks.iter().position(|task| task.task_id == Some(id)) else { return };
    let action = match history.kind {
        FlowKind::VolumeDelete if history.tasks[at].name == DELETE_SNAPSHOT => "snapshot.delete.start",
        FlowKind::VolumeCreate => "create.start",
        FlowKind::VolumeDelete => "delete.start",
        FlowKind::VolumeExtend => "resize.start",
        FlowKind::VolumeRevert => "revert.start",
        FlowKind::VolumeManage => "manage_existing.start",
        FlowKind::VolumeUnmanage => "unmanage.start",
        FlowKind::SnapshotManage => "manage_existing_snapshot.start",
        FlowKind::SnapshotUnmanage => "unmanage_snapshot.start",
        FlowKind::SnapshotCreate => "snapshot.create.start",
        FlowKind::SnapshotDelete => "snapshot.delete.start",
        FlowKind::AttachmentConnect => "attach.start",
        FlowKind::AttachmentDisconnect => "detach.start",
        FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup | FlowKind::DriftRepair => return,
    };
    let ran_before = history.tasks[at].transitions.iter().any(|before| before.state != TaskState::Pending);
    if ran_before {
        return;
    }
    let mut notify = task("NotifyVolumeAction", transition(TaskState::Success, place));
    notify.detail = Some(action.to_owned());
    history.tasks.insert(at, notify);
}

/// Progress within one step is one entry: a worker may report it every few seconds for hours.
fn progress(history: &mut FlowHistory, id: TaskId, step: &str, percent: u8, place: Place) {
    let Some(task) = find(history, id) else { return };
    let Some(last) = task.transitions.last_mut() else { return };
    if last.step.as_deref() == Some(step) {
        last.percent = Some(percent);
        last.at = place.at;
        last.position = place.position;
        return;
    }
    let mut next = transition(running_state(task), place);
    if let Some(last) = task.transitions.last() {
        next.dispatch = last.dispatch;
        next.worker.clone_from(&last.worker);
    }
    next.step = Some(step.to_owned());
    next.percent = Some(percent);
    advance(task, next);
}

/// Adds a transition to a worker's task; while it is reverted, running is REVERTING and success is REVERTED.
fn push(history: &mut FlowHistory, id: TaskId, mut next: TaskTransition) {
    let Some(task) = find(history, id) else { return };
    next.state = match (next.state, running_state(task)) {
        (TaskState::Running, running) => running,
        (TaskState::Success, TaskState::Reverting) => TaskState::Reverted,
        (state, _) => state,
    };
    advance(task, next);
}

fn running_state(task: &TaskHistory) -> TaskState {
    let reverting = task.transitions.iter().any(|before| before.state == TaskState::Reverting);
    if reverting { TaskState::Reverting } else { TaskState::Running }
}

fn find(history: &mut FlowHistory, id: TaskId) -> Option<&mut TaskHistory> {
    history.tasks.iter_mut().find(|task| task.task_id == Some(id))
}

fn is_reverted(history: &FlowHistory, id: TaskId) -> bool {
    history.tasks.iter().any(|task| task.task_id == Some(id) && task.state == TaskState::Reverted)
}

fn advance(task: &mut TaskHistory, next: TaskTransition) {
    task.state = next.state;
    task.transitions.push(next);
}

/// A task that control did by itself, at once.
fn control(history: &mut FlowHistory, place: Place, name: &'static str, detail: Option<String>) {
    let mut task = task(name, transition(TaskState::Success, place));
    task.detail = detail;
    history.tasks.push(task);
}

fn on_pool(history: &mut FlowHistory, pool: &PoolName) {
    if let Some(task) = history.tasks.last_mut() {
        task.pool = Some(pool.clone());
    }
}

fn task(name: &'static str, first: TaskTransition) -> TaskHistory {
    TaskHistory {
        name: name.to_owned(),
        detail: None,
        task_id: None,
        pool: None,
        state: first.state,
        transitions: vec![first],
    }
}

fn transition(state: TaskState, place: Place) -> TaskTransition {
    TaskTransition {
        state,
        at: place.at,
        position: place.position,
        dispatch: None,
        worker: None,
        worker_at: None,
        step: None,
        percent: None,
        steps: Vec::new(),
        failure: None,
    }
}

fn dispatched(state: TaskState, place: Place, task: &Task) -> TaskTransition {
    TaskTransition { dispatch: Some(task.dispatch), ..transition(state, place) }
}

fn by_worker(
    state: TaskState,
    place: Place,
    dispatch: u32,
    worker: Option<&WorkerName>,
    at: Timestamp,
) -> TaskTransition {
    TaskTransition {
        dispatch: Some(dispatch),
        worker: worker.cloned(),
        worker_at: Some(at),
        ..transition(state, place)
    }
}
