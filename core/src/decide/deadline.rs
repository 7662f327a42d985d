//! A dispatch was silent for too long.

use super::{Context, Decided, task_report};
use crate::command::DeadlinePassed;
use crate::event::Event;
use crate::state::TaskStatus;
use crate::task::{Failure, FailureKind};

pub(super) fn decide(cx: &Context<'_>, passed: DeadlinePassed) -> Decided {
    let flow = cx.state.flows.get(&passed.flow);
    let late = flow.and_then(|flow| flow.task.as_ref().map(|open| (flow, open)));
    let Some((flow, open)) = late.filter(|(_, open)| open.task.dispatch == passed.dispatch && open.deadline <= cx.now)
    else {
        return Decided::default();
    };
    if open.status == TaskStatus::Postponed {
        return Decided::events(task_report::resume(cx, flow, &open.task));
    }
    let failure = Failure {
        kind: FailureKind::DeadlinePassed,
        step: open.task.operation.name().to_owned(),
        message: format!("no worker of {} reported by {}", open.task.pool.backend(), open.deadline),
        exit_status: None,
        stderr: String::new(),
    };
    let mut events = vec![Event::TaskFailed {
        flow: flow.id,
        task: open.task.id,
        dispatch: open.task.dispatch,
        worker: None,
        at: cx.now,
        steps: Vec::new(),
        failure: failure.clone(),
    }];
    events.extend(task_report::after_failure(cx, flow, &open.task, &failure));
    Decided::events(events)
}
