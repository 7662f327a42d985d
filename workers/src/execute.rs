//! One task from end to end: observe, plan, run the missing steps, tell what happened.
//!
//! Nothing is kept between tasks, and nothing is believed of an earlier attempt: each execution starts with a look
//! at the storage, except the first of a new volume, which can only fail where something is ([`guess`]). When a step fails there is one more look. The step may have had its effect all the same (a tool
//! that was killed after it had done its work), or another worker with the same task may have been quicker; where
//! what the step was to do is not missing any more, the work goes on with what still is.

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, select};
use stele_core::task::{Connection, Failure, FailureKind, Operation, Phase, StepDone, Task, TaskReport, Transition};
use stele_core::unit::Timestamp;

use crate::clock::Clock;
use crate::driver::{Applied, Driver, Meter};
use crate::plan::{Act, Observed, Step, guess, plan, removes};
use crate::turn::{Came, Turn};

/// Work that takes longer than this is announced, in milliseconds. Most LVM commands take less, and every
/// announcement is a commit in the log.
pub const STARTED_AFTER_MS: u64 = 200;

/// Progress is told at most this often, in milliseconds.
pub const PROGRESS_EVERY_MS: u64 = 1000;

/// The most steps of one attempt: two workers that undo each other's work must not go on for ever. The longest plan has
/// ten.
const STEPS_MAX: usize = 32;

/// Executes a task. `None` when its deadline had passed before anything was done that matters: control has given this dispatch
/// up, so nothing is done and nothing is told.
///
/// `interim` gets the reports on the way, [`Transition::Started`] and [`Transition::Progressed`]. Progress is told
/// only when the driver showed a sign of it, so a tool that hangs does not move its own deadline. Before a slow step
/// the task waits until it is its turn.
pub async fn execute<D: Driver, C: Clock>(
    driver: &D,
    clock: &C,
    task: &Task,
    turn: &mut Turn,
    mut interim: impl FnMut(TaskReport) + Send,
) -> Option<TaskReport> {
    let started_at = clock.now();
    let meter = Meter::default();
    // Before it looks: of a hundred deletes the looks alone would keep everybody out.
    if removes(task) {
        turn.give_way();
    }
    let mut work = pin!(attempt(driver, clock, task, &meter, turn));
    if let Some(done) = race(work.as_mut(), clock.sleep_ms(STARTED_AFTER_MS)).await {
        return done.report(task, started_at, clock.now());
    }
    interim(TaskReport::of(task, Transition::Started { at: started_at }));
    let mut signs = meter.read().signs;
    loop {
        if let Some(done) = race(work.as_mut(), clock.sleep_ms(PROGRESS_EVERY_MS)).await {
            return done.report(task, started_at, clock.now());
        }
        let reading = meter.read();
        if reading.signs != signs {
            signs = reading.signs;
            let (step, percent) = (reading.step.to_owned(), reading.percent);
            interim(TaskReport::of(task, Transition::Progressed { at: clock.now(), step, percent }));
        }
    }
}

/// How an attempt ended.
enum Done {
    /// The deadline had passed, and nothing was done that matters; or it passed while a slow step waited for its turn.
    TooLate,
    True(Vec<StepDone>, Told),
    Failed(Vec<StepDone>, Failure),
}

/// What a success tells besides its steps.
#[derive(Default)]
struct Told {
    connection: Option<Connection>,
    size_bytes: Option<u64>,
}

impl Done {
    fn report(self, task: &Task, started_at: Timestamp, finished_at: Timestamp) -> Option<TaskReport> {
        let transition = match self {
            Self::TooLate => return None,
            Self::True(steps, Told { connection, size_bytes }) => {
                Transition::Succeeded { started_at, finished_at, steps, connection, size_bytes }
            }
            Self::Failed(steps, failure) => Transition::Failed { started_at, finished_at, steps, failure },
        };
        Some(TaskReport::of(task, transition))
    }
}

async fn attempt<D: Driver, C: Clock>(driver: &D, clock: &C, task: &Task, meter: &Meter, turn: &mut Turn) -> Done {
    let mut done = Vec::new();
    if clock.now() >= task.deadline {
        return Done::TooLate;
    }
    let mut guessed = guess(task);
    let mut steps = match guessed {
        Some(step) => vec![step],
        None => match missing(driver, task, meter).await {
            Ok(steps) => steps,
            Err(failure) => return Done::Failed(done, failure),
        },
    };
    // The look may have waited long for LVM's lock.
    if !steps.is_empty() && clock.now() >= task.deadline {
        return Done::TooLate;
    }
    steps.reverse();
    while let Some(step) = steps.pop() {
        let came = match step.act.gives_way() {
            Some(lane) => turn.aside(lane, clock, task.deadline, meter).await,
            None => turn.back().await,
        };
        match came {
            Came::AtOnce => {}
            Came::Never => return Done::TooLate,
            Came::Late if is_safe_late(driver, task, &step) => {}
            // What was seen may be long ago.
            Came::Late => match missing(driver, task, meter).await {
                Ok(rest) => {
                    steps = rest;
                    steps.reverse();
                    continue;
                }
                Err(failure) => return Done::Failed(done, failure),
            },
        }
        let began = clock.now();
        // Control may have given the dispatch up, and somebody may write again to what this would take away.
        if step.takes_data_away() && began >= task.deadline {
            return Done::TooLate;
        }
        meter.begin(step.name());
        let applied = driver.apply(task, &step, meter).await;
        let took_us = micros_between(began, clock.now());
        let Err(failure) = applied.map(|Applied { step, exit_status }| {
            done.push(StepDone { step: step.to_owned(), took_us, exit_status });
        }) else {
            continue;
        };
        match missing(driver, task, meter).await {
            Ok(rest) if !rest.contains(&step) && done.len() < STEPS_MAX => {
                tracing::info!(task = %task.id, %failure, "a step failed, but what it was to do is done");
                // A wrong guess did nothing: it is there already.
                if guessed.take().is_none() || failure.kind != FailureKind::Conflict {
                    done.push(StepDone { step: failure.step, took_us, exit_status: failure.exit_status });
                }
                steps = rest;
                steps.reverse();
            }
            // Nobody had looked before.
            Err(why) if guessed.take().is_some() => return Done::Failed(done, why),
            // The first failure is the reason; what the second look says is only its consequence.
            Ok(_) | Err(_) => return Done::Failed(done, failure),
        }
    }
    succeed(driver, task, done).await
}

/// Whether a step does no harm, though what was seen was seen before it waited for its turn. The volume's lane was
/// held since, and what is to be deleted for good is given to nobody else; when it is gone the removal fails, and there is a look.
/// A hundred deletes would look at a hundred volumes each, and all others would wait for that.
fn is_safe_late<D: Driver>(driver: &D, task: &Task, step: &Step) -> bool {
    removes(task) && step.act == Act::Remove && !driver.removal_takes_along()
}

async fn missing<D: Driver>(driver: &D, task: &Task, meter: &Meter) -> Result<Vec<Step>, Failure> {
    meter.begin("observe");
    let look = driver.observe(task).await?;
    plan(task, &look)
}

/// The task's words are true; a host that was to be connected is told how, and control how large is what was taken over.
async fn succeed<D: Driver>(driver: &D, task: &Task, done: Vec<StepDone>) -> Done {
    let told = match (&task.operation, task.phase) {
        (Operation::ConnectVolume { .. }, Phase::Execute) => {
            driver.connection(task).await.map(|connection| Told { connection: Some(connection), ..Told::default() })
        }
        (Operation::ManageVolume { .. }, Phase::Execute) => driver.observe(task).await.map(|look| match look.object {
            Observed::Present(found) => Told { size_bytes: Some(found.size_bytes), ..Told::default() },
            // Where nothing is kept everything has the least size that there is.
            Observed::Unknown => Told { size_bytes: Some(0), ..Told::default() },
            Observed::Absent => Told::default(),
        }),
        _ => Ok(Told::default()),
    };
    match told {
        Ok(told) => Done::True(done, told),
        Err(failure) => Done::Failed(done, failure),
    }
}

/// `None` when the pause was over first; the work goes on when it is polled again.
async fn race<T>(work: impl Future<Output = T> + Unpin, pause: impl Future<Output = ()>) -> Option<T> {
    match select(work, pin!(pause)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

fn micros_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.micros().saturating_sub(from.micros())).unwrap_or(0)
}

#[cfg(test)]
mod tests;
