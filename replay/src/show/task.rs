//! What workers did, in words.

use stele_core::event::Event;
use stele_core::record::Commit;
use stele_core::state::State;
use stele_core::task::{Failure, StepDone, Task};
use stele_core::unit::Timestamp;

use super::words::{Teller, Words, took_words};

/// How many lines of a tool's stderr are shown; the event holds all of them.
const STDERR_LINES_MAX: usize = 8;

pub(super) fn words(teller: &mut Teller, state: &State, commit: &Commit, event: &Event) -> Words {
    match event {
        Event::TaskPending { task } => Words::control(format!("PENDING  {}", dispatch(commit, task))),
        Event::TaskPostponed { until, .. } => Words::control(format!("PENDING  again after a pause, at {until}")),
        Event::TaskRetried { task } => Words::control(format!("PENDING  again: {}", dispatch(commit, task))),
        Event::TaskReverting { task } => {
            Words::control(format!("REVERTING  remove what is left of {}", dispatch(commit, task)))
        }
        Event::TaskRunning { task, dispatch, worker, at, .. } => {
            teller.running.insert(*task, *at);
            Words::by(worker.as_str(), format!("RUNNING  dispatch {dispatch} by {worker} since {at}"))
        }
        Event::TaskProgressed { step, percent, .. } => Words::by("worker", format!("RUNNING  {step}: {percent} %")),
        Event::TaskSucceeded { task, worker, at, steps, .. } => {
            let took = took(teller.running.remove(task), *at);
            Words::by(worker.as_str(), format!("SUCCESS  by {worker}{took}")).with(step_lines(steps, None))
        }
        Event::TaskFailed { task, worker, at, steps, failure, .. } => {
            let took = took(teller.running.remove(task), *at);
            let (actor, by) = match worker {
                Some(worker) => (worker.as_str(), format!("by {worker}{took}")),
                None => ("control", "by silence".to_owned()),
            };
            Words::by(actor, format!("FAILURE  {by}: {failure}")).with(step_lines(steps, Some(failure)))
        }
        Event::TaskReverted { flow, .. } => {
            let task = state.flows.get(flow).and_then(|flow| flow.task.as_ref());
            let pool = task.map(|open| format!(" on {}", open.task.pool)).unwrap_or_default();
            Words::control(format!("REVERTED  nothing of the attempt is left{pool}"))
        }
        other => Words::control(other.name()),
    }
}

fn dispatch(commit: &Commit, task: &Task) -> String {
    let within = task.deadline.ms_since(commit.at) / 1000;
    let (operation, pool, number) = (task.operation.name(), &task.pool, task.dispatch);
    format!("{operation} on {pool}, dispatch {number}, to be reported within {within} s")
}

/// ` after 80 ms`, by the worker's clock.
fn took(since: Option<Timestamp>, until: Timestamp) -> String {
    let micros = since.map(|since| u64::try_from(until.micros().saturating_sub(since.micros())).unwrap_or(0));
    micros.map(|micros| format!(" after {}", took_words(micros))).unwrap_or_default()
}

fn step_lines(steps: &[StepDone], failure: Option<&Failure>) -> Vec<String> {
    let names = steps.iter().map(|step| step.step.chars().count()).max().unwrap_or(0);
    let step = |step: &StepDone| {
        let exit = step.exit_status.map_or_else(|| "no tool".to_owned(), |status| format!("exit {status}"));
        format!("{:<names$}  {exit:<7}  {}", step.step, took_words(step.took_us))
    };
    let stderr = failure.map_or("", |failure| failure.stderr.as_str()).lines();
    steps.iter().map(step).chain(stderr.take(STDERR_LINES_MAX).map(|line| format!("stderr: {line}"))).collect()
}
