//! Removing what a given-up attempt may have left on a pool, of a volume or of a snapshot: a flow of its own, so that
//! nothing waits for it.

use super::{Context, flow_started, placement, retry};
use crate::event::Event;
use crate::id::{CommandId, FlowId, PoolName, ProjectId};
use crate::state::{Flow, FlowKind};
use crate::task::{Failure, Operation, Task};

/// Starts a cleanup for a flow's given-up task.
pub(super) fn start(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    start_on(cx, &task.operation, &flow.project, &task.pool, task.dispatch, task.id.0)
}

/// Starts a cleanup of what `made` may have made on `pool`; `seed` and `dispatch` name the attempt that made it
/// necessary.
pub(super) fn start_on(
    cx: &Context<'_>,
    made: &Operation,
    project: &ProjectId,
    pool: &PoolName,
    dispatch: u32,
    seed: uuid::Uuid,
) -> Vec<Event> {
    let id = FlowId(CommandId(seed).derive(&format!("cleanup {dispatch}")));
    if cx.state.flows.contains_key(&id) {
        return Vec::new();
    }
    let volume = made.volume();
    let (kind, operation) = match (made, made.snapshot()) {
        // What was somebody else's is not removed: it gets its name back.
        (Operation::ManageSnapshot { snapshot, source_name, .. }, _) => {
            let (snapshot, source_name) = (*snapshot, Some(source_name.clone()));
            (FlowKind::SnapshotCleanup, Operation::UnmanageSnapshot { snapshot, volume, source_name })
        }
        (Operation::ManageVolume { source_name, .. }, _) => {
            let source_name = Some(source_name.clone());
            (FlowKind::VolumeCleanup, Operation::UnmanageVolume { volume, source_name })
        }
        (_, Some(snapshot)) => (FlowKind::SnapshotCleanup, Operation::DeleteSnapshot { snapshot, volume }),
        (_, None) => (FlowKind::VolumeCleanup, Operation::DeleteVolume { volume }),
    };
    let mut started = flow_started(cx, id, kind, volume, project);
    if let Event::FlowStarted { snapshot, .. } = &mut started {
        *snapshot = made.snapshot();
    }
    let task = placement::new_task(cx, id, pool.clone(), operation, 1);
    vec![started, Event::TaskPending { task: Box::new(task) }]
}

/// Nothing is left.
pub(super) fn succeeded(flow: &Flow) -> Vec<Event> {
    vec![Event::FlowFinished { flow: flow.id, failure: None }]
}

/// It is tried again, with twice the patience each time, until the bound.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if task.dispatch >= cx.state.config.cleanup_dispatches_max {
        return vec![Event::FlowFinished { flow: flow.id, failure: Some(failure.to_string()) }];
    }
    retry::again(cx, task, failure, patience_ms(cx, task))
}

/// How long the next dispatch of a cleanup waits for its backend, which may be away for long.
pub(super) fn patience_ms(cx: &Context<'_>, task: &Task) -> u64 {
    retry::doubled(cx.state.config.task_deadline_ms, task.dispatch)
}
