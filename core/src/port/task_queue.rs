use std::future::Future;

use super::Unavailable;
use crate::task::{Report, ReportReply, Task};

/// The side of the task queue that control holds.
pub trait Dispatcher: Clone + Send + Sync + 'static {
    /// Puts the tasks into the queue of their backend; returns when the queue has acknowledged all of them.
    ///
    /// At least once: after an error some may be queued, and the caller gives all of them again.
    fn dispatch(&self, tasks: Vec<Task>) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The side of the task queue that a worker of one backend holds.
pub trait TaskSource: Send + 'static {
    /// The handle on a task that was taken.
    type Claimed: Claimed;

    /// Takes at most `max` tasks; waits for the first one, at most about a second, and is empty when none came.
    fn claim(&mut self, max: usize) -> impl Future<Output = Result<Vec<Self::Claimed>, Unavailable>> + Send;
}

/// A task in a worker's hands. When it is dropped or the worker dies, the queue gives it to another worker.
pub trait Claimed: Send + Sync + 'static {
    /// The task, or why its bytes are not one.
    fn task(&self) -> &Result<Task, String>;

    /// Tells the queue that the work goes on; must be called more often than [`Claimed::patience_ms`].
    fn in_progress(&self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Takes the task out of the queue. Called when its report is in the log.
    fn done(&self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// How long the queue waits for a sign before it gives the task to another worker, in milliseconds.
    fn patience_ms(&self) -> u64;
}

/// The way of reports to control.
pub trait Reporter: Clone + Send + Sync + 'static {
    /// Sends a report and waits until control has it in the log (or has refused it for good).
    ///
    /// At least once: after an error the report may be in the log, and the caller sends it again.
    fn report(&self, report: &Report) -> impl Future<Output = Result<ReportReply, Unavailable>> + Send;
}
