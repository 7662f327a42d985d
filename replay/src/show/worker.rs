//! Backends and workers: whether they were up, what they ran, how it ended and how long it took.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use stele_core::event::Event;
use stele_core::id::{BackendName, FlowId, TaskId, WorkerName};
use stele_core::state::{Backend, OpenTask, State, TaskStatus};
use stele_core::task::{BackendReport, Phase};
use stele_core::unit::Timestamp;

use super::words::took_words;
use crate::table::{NOTHING, Table};

/// Whose story is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// `host@backend`, whichever worker serves it.
    Backend(BackendName),
    /// `host:name`, whichever backends it serves.
    Worker(WorkerName),
    /// All backends and workers of a host.
    Host(String),
}

/// What an event has to do with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concerns {
    /// It is about the service itself.
    Service,
    /// It is about a task of the service.
    Task,
}

impl Service {
    /// The service of that name; `None` when nothing can be called so.
    pub(super) fn named(text: &str) -> Option<Self> {
        if text.contains('@') {
            // A pool's name begins with its backend's.
            let backend = text.split('#').next().unwrap_or_default();
            return BackendName::new(backend).ok().map(Self::Backend);
        }
        if text.contains(':') {
            return WorkerName::new(text).ok().map(Self::Worker);
        }
        // Whatever can stand before an `@` is a host.
        BackendName::new(&format!("{text}@x")).ok().map(|backend| Self::Host(backend.host().to_owned()))
    }

    /// Whether what a worker did counts; of a backend and a host everything does that was for them.
    fn counts(&self, worker: &WorkerName) -> bool {
        !self.is_worker() || self.is(worker)
    }

    pub(super) fn is_worker(&self) -> bool {
        matches!(self, Self::Worker(_))
    }

    pub(super) fn concerns(&self, event: &Event) -> Option<Concerns> {
        let by = |of: bool, what| of.then_some(what);
        match event {
            Event::BackendReported { report, worker } => {
                by(self.is_backend(&report.backend) || self.is(worker), Concerns::Service)
            }
            Event::ServiceChanged { backend, .. } => by(self.is_backend(backend), Concerns::Service),
            Event::TaskPending { task } | Event::TaskRetried { task } | Event::TaskReverting { task } => {
                by(self.is_backend(&task.pool.backend()), Concerns::Task)
            }
            Event::TaskRunning { worker, .. } | Event::TaskSucceeded { worker, .. } => {
                by(self.is(worker), Concerns::Task)
            }
            Event::TaskFailed { worker: Some(worker), .. } => by(self.is(worker), Concerns::Task),
            _ => None,
        }
    }

    fn is_backend(&self, backend: &BackendName) -> bool {
        match self {
            Self::Backend(of) => of == backend,
            Self::Worker(_) => false,
            Self::Host(host) => backend.host() == host,
        }
    }

    fn is(&self, worker: &WorkerName) -> bool {
        match self {
            Self::Backend(_) => false,
            Self::Worker(of) => of == worker,
            Self::Host(host) => worker.as_str().split(':').next() == Some(host),
        }
    }
}

/// Whether a report changes what is known of its backend besides figures; those are recorded every half minute.
pub(super) fn is_news(state: &State, report: &BackendReport, worker: &WorkerName, at: Timestamp) -> bool {
    let Some(before) = state.backends.get(&report.backend) else { return true };
    let pools = report.pools.iter().map(|pool| &pool.pool);
    before.worker != *worker
        || before.driver != report.driver
        || before.availability_zone != report.availability_zone
        || !before.pools.iter().eq(pools)
        || silence_ms(state, before, at).is_some()
}

/// How long a backend was silent before it reports at `at`; `None` when it never counted as down.
pub(super) fn silence_ms(state: &State, before: &Backend, at: Timestamp) -> Option<u64> {
    let silent_ms = at.ms_since(before.heartbeat_at);
    (silent_ms > state.config.scheduler.service_down_ms).then_some(silent_ms)
}

/// What a service is and did, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Work {
    /// The backends, as they are at the end.
    pub services: Vec<ServiceState>,
    /// The tasks, by operation.
    pub operations: BTreeMap<String, Tally>,
}

/// A backend at the end of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    /// Its name.
    pub backend: BackendName,
    /// The worker that reported last.
    pub worker: WorkerName,
    /// Whether its last report was recent enough when the log's last record was written.
    pub up: bool,
    /// When that report was recorded.
    pub heartbeat_at: Timestamp,
    /// Why it is disabled, when it is.
    pub disabled: Option<String>,
    /// Why it is frozen, when it is.
    pub frozen: Option<String>,
}

/// Tasks of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many were done.
    pub succeeded: u64,
    /// How often a worker said that one failed.
    pub failed: u64,
    /// How often one was given up because nobody said anything.
    pub silent: u64,
    /// The time that workers said they were at it, in microseconds, over those with a beginning and an end.
    pub total_us: u64,
    /// The longest of them.
    pub longest_us: u64,
    /// How many of them.
    pub timed: u64,
}

/// The figures so far.
#[derive(Debug, Default)]
pub(super) struct Counting {
    operations: BTreeMap<String, Tally>,
    /// Since when tasks run, by their workers' clocks.
    running: BTreeMap<TaskId, Timestamp>,
}

impl Counting {
    /// Takes an event of the story in; `state` is as it was before the event's record.
    pub(super) fn take(&mut self, service: &Service, state: &State, event: &Event) {
        match event {
            Event::TaskRunning { task, at, .. } => {
                self.running.insert(*task, *at);
            }
            Event::TaskSucceeded { flow, task, at, worker, .. } => {
                let since = self.running.remove(task);
                if service.counts(worker) {
                    let tally = self.operations.entry(operation(state, *flow)).or_default();
                    tally.succeeded += 1;
                    tally.time(since, *at);
                }
            }
            Event::TaskFailed { flow, task, at, worker: Some(worker), .. } => {
                let since = self.running.remove(task);
                if service.counts(worker) {
                    let tally = self.operations.entry(operation(state, *flow)).or_default();
                    tally.failed += 1;
                    tally.time(since, *at);
                }
            }
            Event::TaskFailed { flow, task, worker: None, .. } => {
                self.running.remove(task);
                let open = state.flows.get(flow).and_then(|flow| flow.task.as_ref());
                let was_its = open.is_some_and(|open| match &open.status {
                    TaskStatus::Running { worker } => service.counts(worker),
                    TaskStatus::Pending | TaskStatus::Postponed => !service.is_worker(),
                });
                if was_its {
                    self.operations.entry(operation(state, *flow)).or_default().silent += 1;
                }
            }
            _ => {}
        }
    }

    /// What it comes to; `now` is when the log's last record was written.
    pub(super) fn work(self, service: &Service, state: &State, now: Timestamp) -> Work {
        let of_service = state.backends.values().filter(|of| service.is_backend(&of.name) || service.is(&of.worker));
        let services = of_service.map(|backend| ServiceState {
            backend: backend.name.clone(),
            worker: backend.worker.clone(),
            up: silence_ms(state, backend, now).is_none(),
            heartbeat_at: backend.heartbeat_at,
            disabled: backend.disabled.as_ref().map(|set| set.reason.clone()),
            frozen: backend.frozen.as_ref().map(|set| set.reason.clone()),
        });
        Work { services: services.collect(), operations: self.operations }
    }
}

/// What the flow's open task does, or takes back.
fn operation(state: &State, flow: FlowId) -> String {
    let open = state.flows.get(&flow).and_then(|flow| flow.task.as_ref());
    let Some(OpenTask { task, .. }) = open else { return "unknown".to_owned() };
    match task.phase {
        Phase::Execute => task.operation.name().to_owned(),
        Phase::Revert => format!("{} reverted", task.operation.name()),
    }
}

impl Tally {
    fn time(&mut self, since: Option<Timestamp>, until: Timestamp) {
        let Some(since) = since else { return };
        let took = u64::try_from(until.micros().saturating_sub(since.micros())).unwrap_or(0);
        self.total_us = self.total_us.saturating_add(took);
        self.longest_us = self.longest_us.max(took);
        self.timed += 1;
    }
}

impl Work {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        let mut services = Table::new(&["backend", "worker", "state", "last report", "disabled", "frozen"]);
        for service in &self.services {
            let set = |reason: &Option<String>| match reason.as_deref() {
                None => NOTHING.to_owned(),
                Some("") => "yes".to_owned(),
                Some(reason) => format!("yes: {reason}"),
            };
            services.row([
                service.backend.to_string(),
                service.worker.to_string(),
                if service.up { "up" } else { "down" }.to_owned(),
                service.heartbeat_at.to_string(),
                set(&service.disabled),
                set(&service.frozen),
            ]);
        }
        services.render(out)?;
        let mut ran = Table::new(&["operation", "succeeded", "failed", "silent", "on average", "longest"]);
        for (operation, tally) in &self.operations {
            let average = tally.total_us.checked_div(tally.timed).map_or_else(String::new, took_words);
            let longest = if tally.timed == 0 { String::new() } else { took_words(tally.longest_us) };
            ran.row([
                operation.clone(),
                tally.succeeded.to_string(),
                tally.failed.to_string(),
                tally.silent.to_string(),
                average,
                longest,
            ]);
        }
        writeln!(out)?;
        if ran.is_empty() { writeln!(out, "it ran nothing") } else { ran.render(out) }
    }

    /// Writes it as a line of JSON.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &serde_json::json!({ "work": self }))?;
        out.write_all(b"\n")
    }
}
