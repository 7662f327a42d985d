//! Removing what a given-up attempt may have left on a pool: a flow of its own, so that nothing waits for it.

use super::{Context, placement};
use crate::event::Event;
use crate::id::{CommandId, FlowId, PoolName, ProjectId, VolumeId};
use crate::state::{Flow, FlowKind};
use crate::task::{Operation, Task};

/// The longest that a dispatch of a cleanup waits for its backend, in milliseconds: one hour.
const DELAY_MS_MAX: u64 = 3_600_000;

/// Starts a cleanup for a flow's given-up task.
pub(super) fn start(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    start_on(cx, flow.volume, &flow.project, &task.pool, task.dispatch, task.id.0)
}

/// Starts a cleanup of `volume` on `pool`; `seed` and `dispatch` name the attempt that made it necessary.
pub(super) fn start_on(
    cx: &Context<'_>,
    volume: VolumeId,
    project: &ProjectId,
    pool: &PoolName,
    dispatch: u32,
    seed: uuid::Uuid,
) -> Vec<Event> {
    let id = FlowId(CommandId(seed).derive(&format!("cleanup {dispatch}")));
    if cx.state.flows.contains_key(&id) {
        return Vec::new();
    }
    let task = placement::new_task(cx, id, pool.clone(), Operation::DeleteVolume { volume }, 1);
    vec![
        Event::FlowStarted { flow: id, kind: FlowKind::VolumeCleanup, volume, project: project.clone() },
        Event::TaskPending { task: Box::new(task) },
    ]
}

/// Nothing is left.
pub(super) fn succeeded(flow: &Flow) -> Vec<Event> {
    vec![Event::FlowFinished { flow: flow.id, failure: None }]
}

/// It is tried again, with twice the patience each time, until the bound.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, reason: String) -> Vec<Event> {
    let config = &cx.state.config;
    if task.dispatch >= config.cleanup_dispatches_max {
        return vec![Event::FlowFinished { flow: flow.id, failure: Some(reason) }];
    }
    let doublings = task.dispatch.min(16);
    let delay_ms =
        config.task_deadline_ms.saturating_mul(1 << doublings).min(DELAY_MS_MAX.max(config.task_deadline_ms));
    let task = Task { dispatch: task.dispatch + 1, deadline: cx.now.plus_ms(delay_ms), ..task.clone() };
    vec![Event::TaskRetried { task: Box::new(task) }]
}
