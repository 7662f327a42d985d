//! A worker's word on a task: the transition, and how the flow goes on.

use super::{
    Context, Decided, attachment, drift, retry, snapshot, volume_cleanup, volume_create, volume_delete, volume_extend,
    volume_manage, volume_revert,
};
use crate::event::Event;
use crate::id::{ADMIN_PROJECT, ProjectId, WorkerName};
use crate::state::{Flow, FlowKind, OpenTask, Snapshot, SnapshotStatus, TaskStatus, Volume, VolumeStatus};
use crate::task::{Connection, Failure, Operation, Phase, STDERR_BYTES_MAX, StepDone, Task, TaskReport, Transition};
use crate::unit::Timestamp;

pub(super) fn decide(cx: &Context<'_>, worker: &WorkerName, report: &TaskReport) -> Decided {
    let current = cx.state.flows.get(&report.flow).and_then(|flow| {
        let open = flow.task.as_ref()?;
        let same =
            open.task.id == report.task && open.task.dispatch == report.dispatch && open.task.phase == report.phase;
        same.then_some((flow.as_ref(), open))
    });
    match current {
        Some((flow, open)) => Decided::events(transition(cx, worker, flow, open, &report.transition)),
        None => Decided::events(outdated(cx, report)),
    }
}

fn transition(
    cx: &Context<'_>,
    worker: &WorkerName,
    flow: &Flow,
    open: &OpenTask,
    transition: &Transition,
) -> Vec<Event> {
    let task = &open.task;
    // Its failure is recorded already; only that it was done after all, by somebody else, would be news.
    if open.status == TaskStatus::Postponed && !matches!(transition, Transition::Succeeded { .. }) {
        return Vec::new();
    }
    let running = |at: Timestamp| Event::TaskRunning {
        flow: flow.id,
        task: task.id,
        dispatch: task.dispatch,
        worker: worker.clone(),
        at,
        deadline: cx.deadline(),
    };
    let is_running = matches!(&open.status, TaskStatus::Running { worker: by } if by == worker);
    match transition {
        Transition::Started { at } => vec![running(*at)],
        Transition::Progressed { step, percent, .. } => vec![Event::TaskProgressed {
            flow: flow.id,
            task: task.id,
            step: bounded(step),
            percent: (*percent).min(100),
            deadline: cx.deadline(),
        }],
        Transition::Succeeded { started_at, finished_at, steps, connection, size_bytes } => {
            let mut events: Vec<Event> = (!is_running).then(|| running(*started_at)).into_iter().collect();
            events.push(Event::TaskSucceeded {
                flow: flow.id,
                task: task.id,
                dispatch: task.dispatch,
                worker: worker.clone(),
                at: *finished_at,
                steps: bounded_steps(steps),
            });
            let told = (connection.as_ref(), *size_bytes);
            events.extend(after_success(cx, flow, task, *finished_at, told));
            events
        }
        Transition::Failed { started_at, finished_at, steps, failure } => {
            let failure = bounded_failure(failure);
            let mut events: Vec<Event> = (!is_running).then(|| running(*started_at)).into_iter().collect();
            events.push(Event::TaskFailed {
                flow: flow.id,
                task: task.id,
                dispatch: task.dispatch,
                worker: Some(worker.clone()),
                at: *finished_at,
                steps: bounded_steps(steps),
                failure: failure.clone(),
            });
            events.extend(after_failure(cx, flow, task, &failure));
            events
        }
    }
}

fn after_success(
    cx: &Context<'_>,
    flow: &Flow,
    task: &Task,
    finished_at: Timestamp,
    (connection, size_bytes): (Option<&Connection>, Option<u64>),
) -> Vec<Event> {
    match (flow.kind, task.phase) {
        (FlowKind::VolumeCreate, Phase::Execute) => volume_create::succeeded(flow, finished_at),
        (FlowKind::VolumeCreate, Phase::Revert) => volume_create::reverted(cx, flow, task),
        (FlowKind::VolumeDelete, _) => volume_delete::succeeded(cx, flow, task),
        (FlowKind::VolumeExtend, _) => volume_extend::succeeded(flow, task),
        (FlowKind::VolumeRevert, Phase::Execute) => volume_revert::succeeded(flow),
        (FlowKind::VolumeRevert, Phase::Revert) => volume_revert::reverted(flow, task),
        (FlowKind::VolumeManage, _) => volume_manage::managed(cx, flow, task, finished_at, size_bytes),
        (FlowKind::VolumeUnmanage, _) => volume_manage::given_up(cx, flow),
        (FlowKind::SnapshotManage, _) => snapshot::manage::managed(flow),
        (FlowKind::SnapshotUnmanage, _) => snapshot::manage::given_up(cx, flow),
        (FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup, _) => volume_cleanup::succeeded(flow),
        (FlowKind::SnapshotCreate, Phase::Execute) => snapshot::create::succeeded(flow),
        (FlowKind::SnapshotCreate, Phase::Revert) => snapshot::create::reverted(flow, task),
        (FlowKind::SnapshotDelete, _) => snapshot::delete::succeeded(cx, flow),
        (FlowKind::AttachmentConnect, _) => attachment::connected(cx, flow, connection),
        (FlowKind::AttachmentDisconnect, _) => attachment::disconnected(cx, flow),
        (FlowKind::DriftRepair, _) => drift::succeeded(cx, flow, task),
    }
}

/// How a flow goes on when its task failed, by a worker's word or by silence.
pub(super) fn after_failure(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    match flow.kind {
        FlowKind::VolumeCreate => volume_create::failed(cx, flow, task, failure),
        FlowKind::VolumeDelete => volume_delete::failed(cx, flow, task, failure),
        FlowKind::VolumeExtend => volume_extend::failed(cx, flow, task, failure),
        FlowKind::VolumeRevert => volume_revert::failed(cx, flow, task, failure),
        FlowKind::VolumeManage => volume_manage::manage_failed(cx, flow, task, failure),
        FlowKind::VolumeUnmanage => volume_manage::give_up_failed(cx, flow, task, failure),
        FlowKind::SnapshotManage => snapshot::manage::manage_failed(cx, flow, task, failure),
        FlowKind::SnapshotUnmanage => snapshot::manage::give_up_failed(cx, flow, task, failure),
        FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup => volume_cleanup::failed(cx, flow, task, failure),
        FlowKind::SnapshotCreate => snapshot::create::failed(cx, flow, task, failure),
        FlowKind::SnapshotDelete => snapshot::delete::failed(cx, flow, task, failure),
        FlowKind::AttachmentConnect => attachment::connect_failed(cx, flow, task, failure),
        FlowKind::AttachmentDisconnect => attachment::disconnect_failed(cx, flow, task, failure),
        FlowKind::DriftRepair => drift::failed(cx, flow, task, failure),
    }
}

/// A task that was postponed is dispatched again.
pub(super) fn resume(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    let patience_ms = match flow.kind {
        FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup => volume_cleanup::patience_ms(cx, task),
        _ => cx.state.config.task_deadline_ms,
    };
    vec![retry::dispatch(cx, task, patience_ms)]
}

/// An outdated dispatch changes nothing. But if it made something on a pool where nothing of that name belongs any more
/// (its worker was slow, and the attempt was given up meanwhile), that is removed.
fn outdated(cx: &Context<'_>, report: &TaskReport) -> Vec<Event> {
    // A copy has many steps, and so has taking something over: one that failed may have left what it had made until then.
    let copies = matches!(
        report.operation,
        Operation::CreateVolume { source: Some(_), .. }
            | Operation::ManageVolume { .. }
            | Operation::ManageSnapshot { .. }
    );
    let made = match report.transition {
        Transition::Succeeded { .. } => true,
        Transition::Failed { .. } => copies,
        Transition::Started { .. } | Transition::Progressed { .. } => false,
    };
    if !made || report.phase != Phase::Execute {
        return Vec::new();
    }
    // While the attempt is being reverted its subject still names the pool: a late success came behind the removal.
    let open = cx.state.flows.get(&report.flow).and_then(|flow| flow.task.as_ref());
    let reverting = open.is_some_and(|open| open.task.id == report.task && open.task.phase == Phase::Revert);
    let owner = match &report.operation {
        Operation::CreateVolume { volume, .. } | Operation::ManageVolume { volume, .. } => {
            match cx.state.volumes.get(volume) {
                Some(found) if found.pool.as_ref() == Some(&report.pool) && !reverting && !may_be_gone(found) => {
                    return Vec::new();
                }
                found => found.map(|found| found.project.clone()),
            }
        }
        Operation::CreateSnapshot { snapshot, .. } | Operation::ManageSnapshot { snapshot, .. } => {
            match cx.state.snapshots.get(snapshot) {
                Some(found) if !reverting && is_kept(found) => return Vec::new(),
                found => found.map(|found| found.project.clone()),
            }
        }
        Operation::ConnectVolume { .. } => return attachment::late_connect(cx, report),
        _ => return Vec::new(),
    };
    let Some(project) = owner.or_else(|| ProjectId::new(ADMIN_PROJECT).ok()) else { return Vec::new() };
    let seed = cx.id.derive(&report.task.to_string());
    volume_cleanup::start_on(cx, &report.operation, &project, &report.pool, report.dispatch, seed)
}

/// Its creation was abandoned and it is being deleted: the removal may have come before what was made so late.
fn may_be_gone(volume: &Volume) -> bool {
    matches!(volume.status, VolumeStatus::Deleting { .. }) && volume.launched_at.is_none()
}

/// A snapshot that could not be taken has a reason; one whose status was only stated has none, and what was made late
/// is its data.
fn is_kept(snapshot: &Snapshot) -> bool {
    match snapshot.status {
        SnapshotStatus::Error => snapshot.reason.is_none(),
        SnapshotStatus::Deleting { .. } => snapshot.progress == 100,
        _ => true,
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The message goes into several events and the volume's reason; of a tool's stderr the end tells most.
fn bounded_failure(failure: &Failure) -> Failure {
    const MESSAGE_CHARS_MAX: usize = 512;
    let stderr = &failure.stderr;
    let start = (stderr.len().saturating_sub(STDERR_BYTES_MAX)..=stderr.len()).find(|at| stderr.is_char_boundary(*at));
    Failure {
        kind: failure.kind,
        step: bounded(&failure.step),
        message: failure.message.chars().take(MESSAGE_CHARS_MAX).collect(),
        exit_status: failure.exit_status,
        stderr: stderr[start.unwrap_or_default()..].to_owned(),
    }
}

/// A worker says what it ran; a broken one must not fill the log.
fn bounded_steps(steps: &[StepDone]) -> Vec<StepDone> {
    steps.iter().take(64).map(|step| StepDone { step: bounded(&step.step), ..step.clone() }).collect()
}
