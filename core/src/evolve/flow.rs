use std::sync::Arc;

use super::{Applied, Meta};
use crate::event::Event;
use crate::id::{FlowId, TaskId, WorkerName};
use crate::state::{Entity, Flow, OpenTask, State, TaskStatus};
use crate::task::{Failure, Task};
use crate::unit::Timestamp;

pub(super) fn started(state: &mut State, meta: Meta, event: &Event, touch: &mut dyn FnMut(Entity)) -> Applied {
    let Event::FlowStarted { flow: id, kind, volume, project, snapshot, attachment, request_id } = event else {
        return Err("no flow began".to_owned());
    };
    let id = *id;
    let flow = Flow {
        id,
        kind: *kind,
        volume: *volume,
        project: project.clone(),
        started_at: meta.at,
        started_position: meta.position,
        reservation: None,
        tried: Vec::new(),
        task: None,
        snapshot: *snapshot,
        attachment: *attachment,
        request_id: request_id.clone(),
        hints: None,
    };
    touch(Entity::Flow(id));
    match state.flows.insert(id, Arc::new(flow)) {
        None => Ok(()),
        Some(_) => Err(format!("flow {id} began twice")),
    }
}

pub(super) fn finished(state: &mut State, meta: Meta, id: FlowId, touch: &mut dyn FnMut(Entity)) -> Applied {
    let flow = state.flows.remove(&id).ok_or_else(|| format!("flow {id} ended and had not begun"))?;
    if let Some(open) = &flow.task {
        state.deadlines.remove(&(open.deadline, id));
        // A flow that is abandoned at work leaves its claim: what its worker makes of it is in a later report.
        let key = (open.task.pool.clone(), id);
        if let Some(claim) = state.claims.get_mut(&key).filter(|claim| claim.fulfilled_at.is_none()) {
            claim.fulfilled_at = Some(meta.position);
            touch(Entity::Claim(key.0, key.1));
        }
    }
    settle(state, meta, &flow, touch);
    touch(Entity::Flow(id));
    Ok(())
}

/// From here on the storage is as the flow left it. What is of no volume any more was removed from its pool.
fn settle(state: &mut State, meta: Meta, flow: &Flow, touch: &mut dyn FnMut(Entity)) {
    if let Some(volume) = state.volumes.get_mut(&flow.volume) {
        Arc::make_mut(volume).settled_at = meta.position;
        touch(Entity::Volume(flow.volume));
    } else if let Some(open) = &flow.task
        && let Some(pool) = state.pools.get_mut(&open.task.pool)
    {
        Arc::make_mut(pool).removed_at = meta.position;
        touch(Entity::Pool(open.task.pool.clone()));
    }
}

pub(super) fn task_pending(state: &mut State, task: &Task, touch: &mut dyn FnMut(Entity)) -> Applied {
    set_task(state, task, None, touch)
}

/// A retry or a revert: the task stays, its dispatch and deadline are new, and why is remembered.
pub(super) fn task_again(state: &mut State, task: &Task, touch: &mut dyn FnMut(Entity)) -> Applied {
    let flow = flow(state, task.flow)?;
    let before = flow.task.as_ref().ok_or_else(|| format!("flow {} has no task", task.flow))?;
    if before.task.id != task.id || task.dispatch != before.task.dispatch + 1 {
        return Err(format!("task {} dispatch {} does not follow what was dispatched", task.id, task.dispatch));
    }
    let failure = before.failure.clone();
    set_task(state, task, failure, touch)
}

pub(super) fn task_running(
    state: &mut State,
    id: FlowId,
    worker: &WorkerName,
    deadline: Timestamp,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    change_task(state, id, touch, |open| {
        open.status = TaskStatus::Running { worker: worker.clone() };
        open.deadline = deadline;
    })
}

pub(super) fn task_progressed(
    state: &mut State,
    id: FlowId,
    deadline: Timestamp,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    change_task(state, id, touch, |open| open.deadline = deadline)
}

/// The task stays open until an event of the same commit says how the flow goes on.
pub(super) fn task_ended(
    state: &mut State,
    id: FlowId,
    task: TaskId,
    failure: Option<&Failure>,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let mut other = None;
    change_task(state, id, touch, |open| {
        if open.task.id == task {
            open.failure = failure.cloned();
        } else {
            other = Some(open.task.id);
        }
    })?;
    other.map_or(Ok(()), |other| Err(format!("task {task} ended while the flow waits for {other}")))
}

/// The deadline becomes the moment at which the task is dispatched again.
pub(super) fn task_postponed(
    state: &mut State,
    id: FlowId,
    task: TaskId,
    until: Timestamp,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let mut other = None;
    change_task(state, id, touch, |open| {
        if open.task.id == task {
            open.status = TaskStatus::Postponed;
            open.deadline = until;
        } else {
            other = Some(open.task.id);
        }
    })?;
    other.map_or(Ok(()), |other| Err(format!("task {task} was postponed while the flow waits for {other}")))
}

pub(super) fn task_reverted(state: &mut State, id: FlowId, task: TaskId, touch: &mut dyn FnMut(Entity)) -> Applied {
    let arc = state.flows.get_mut(&id).ok_or_else(|| format!("there is no flow {id}"))?;
    let flow = Arc::make_mut(arc);
    let open = flow.task.take().filter(|open| open.task.id == task);
    let open = open.ok_or_else(|| format!("the flow does not wait for task {task}"))?;
    state.deadlines.remove(&(open.deadline, id));
    touch(Entity::Flow(id));
    Ok(())
}

fn flow(state: &State, id: FlowId) -> Result<&Arc<Flow>, String> {
    state.flows.get(&id).ok_or_else(|| format!("there is no flow {id}"))
}

fn set_task(state: &mut State, task: &Task, failure: Option<Failure>, touch: &mut dyn FnMut(Entity)) -> Applied {
    let id = task.flow;
    let arc = state.flows.get_mut(&id).ok_or_else(|| format!("there is no flow {id}"))?;
    let flow = Arc::make_mut(arc);
    if let Some(before) = &flow.task {
        state.deadlines.remove(&(before.deadline, id));
    }
    flow.task = Some(OpenTask { task: task.clone(), status: TaskStatus::Pending, deadline: task.deadline, failure });
    state.deadlines.insert((task.deadline, id));
    touch(Entity::Flow(id));
    Ok(())
}

fn change_task(
    state: &mut State,
    id: FlowId,
    touch: &mut dyn FnMut(Entity),
    change: impl FnOnce(&mut OpenTask),
) -> Applied {
    let arc = state.flows.get_mut(&id).ok_or_else(|| format!("there is no flow {id}"))?;
    let open = Arc::make_mut(arc).task.as_mut().ok_or_else(|| format!("flow {id} has no task"))?;
    let before = open.deadline;
    change(open);
    let after = open.deadline;
    if before != after {
        state.deadlines.remove(&(before, id));
        state.deadlines.insert((after, id));
    }
    touch(Entity::Flow(id));
    Ok(())
}
