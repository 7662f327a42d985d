//! Trying a task again: at once after silence, after a growing pause when a worker said quickly that it failed.

use super::Context;
use crate::event::Event;
use crate::task::{Failure, FailureKind, Task};

/// The first pause, in milliseconds: what passes (a lock, a device that is still busy) has passed by then.
const PAUSE_MS_FIRST: u64 = 2000;

/// The longest pause and the longest patience, in milliseconds: one hour.
const PAUSE_MS_MAX: u64 = 3_600_000;

/// Tries the task again. `patience_ms` is how long its next dispatch may be silent.
pub(super) fn again(cx: &Context<'_>, task: &Task, failure: &Failure, patience_ms: u64) -> Vec<Event> {
    // Silence has lasted for a whole deadline already.
    if failure.kind == FailureKind::DeadlinePassed {
        return vec![dispatch(cx, task, patience_ms)];
    }
    let pause_ms = doubled(PAUSE_MS_FIRST, task.dispatch.saturating_sub(1));
    vec![Event::TaskPostponed { flow: task.flow, task: task.id, until: cx.now.plus_ms(pause_ms) }]
}

/// Dispatches the task once more, now.
pub(super) fn dispatch(cx: &Context<'_>, task: &Task, patience_ms: u64) -> Event {
    let task = Task { dispatch: task.dispatch + 1, deadline: cx.now.plus_ms(patience_ms), ..task.clone() };
    Event::TaskRetried { task: Box::new(task) }
}

/// A time that doubles with each dispatch, up to an hour.
pub(super) fn doubled(first_ms: u64, times: u32) -> u64 {
    first_ms.saturating_mul(1 << times.min(16)).min(PAUSE_MS_MAX.max(first_ms))
}
