//! Which word of a worker holds in the other history, and what is assumed where nobody could say one.
//!
//! A dispatch that both histories make by the same commit, of the same task on the same pool, is *shared*: what the log
//! has about it holds in both. All others are either the recorded history's alone (*foreign*: their reports are left
//! out) or the other one's alone (*own*). An own dispatch ends
//!
//! | when | how |
//! | --- | --- |
//! | the recorded history dispatched the same task by the same commit, on the same pool | as that one |
//! | the same on another pool | well, when that one ended, however it ended: a failure belongs to its pool |
//! | the recorded history has no such task | well, after the mean time that its kind of task took so far |

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stele_core::event::Event;
use stele_core::id::{CommandId, FlowId, TaskId, WorkerName};
use stele_core::state::{Flow, State, TaskStatus};
use stele_core::task::{Connection, Operation, Phase, Report, ReportBody, TASK_VERSION, Task, TaskReport, Transition};
use stele_core::unit::Timestamp;

/// How many foreign dispatches are remembered. A report comes within hours of its dispatch.
const FOREIGN_MAX: usize = 1 << 18;

/// Who says what nobody said.
const ASSUMED: &str = "assumed:assumed";

/// One dispatch of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    task: TaskId,
    revert: bool,
    dispatch: u32,
}

impl Key {
    fn of(task: &Task) -> Self {
        Self { task: task.id, revert: task.phase == Phase::Revert, dispatch: task.dispatch }
    }

    fn reported(report: &TaskReport) -> Self {
        Self { task: report.task, revert: report.phase == Phase::Revert, dispatch: report.dispatch }
    }
}

/// A dispatch that only the other history has.
#[derive(Debug)]
struct Own {
    /// The recorded dispatch that it ends with.
    waits_for: Option<Key>,
    /// When it ends, or is dispatched again after a pause.
    due: Option<Timestamp>,
}

/// What is known about the dispatches that the histories do not share.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    foreign: BTreeSet<Key>,
    /// The oldest first.
    foreign_order: VecDeque<Key>,
    own: BTreeMap<FlowId, Own>,
    due: BTreeSet<(Timestamp, FlowId)>,
    /// How many of each kind of task ended well, and how long they took together, in microseconds.
    took: BTreeMap<&'static str, (u64, u64)>,
    /// How many outcomes were assumed.
    pub(super) assumed: u64,
}

/// What is to be told to the other history in place of a report.
#[derive(Debug)]
pub(super) enum Told {
    /// The report as it is.
    Whole,
    /// So much of it; nothing when the vector is empty.
    Part(Vec<TaskReport>),
}

impl Tasks {
    /// Splits a worker's message: what holds in both histories, and what belongs to the recorded one alone.
    pub(super) fn split(&self, reports: &[TaskReport]) -> (Told, Vec<TaskReport>) {
        let is_foreign = |report: &&TaskReport| self.foreign.contains(&Key::reported(report));
        let foreign: Vec<TaskReport> = reports.iter().filter(is_foreign).cloned().collect();
        if foreign.is_empty() {
            return (Told::Whole, foreign);
        }
        let shared = reports.iter().filter(|report| !self.foreign.contains(&Key::reported(report)));
        (Told::Part(shared.cloned().collect()), foreign)
    }

    /// Whether a flow's clock is that of the recorded history.
    pub(super) fn is_shared(&self, flow: FlowId) -> bool {
        !self.own.contains_key(&flow)
    }

    /// Learns from what the log says how long work takes.
    pub(super) fn learn(&mut self, reports: &[TaskReport]) {
        for report in reports {
            if let Transition::Succeeded { started_at, finished_at, .. } = report.transition {
                let took = finished_at.micros().saturating_sub(started_at.micros());
                let (count, total) = self.took.entry(report.operation.name()).or_default();
                *count += 1;
                *total = total.saturating_add(u64::try_from(took).unwrap_or_default());
            }
        }
    }

    fn usual_end(&self, now: Timestamp, operation: &Operation) -> Timestamp {
        let (count, total) = self.took.get(operation.name()).copied().unwrap_or((0, 0));
        let mean = total.checked_div(count).unwrap_or_default();
        Timestamp::from_micros(now.micros().saturating_add(i64::try_from(mean).unwrap_or_default()))
    }

    /// Takes in what one commit of the log did in both histories; `state` is what the other one came to.
    pub(super) fn both(&mut self, recorded: &[Event], other: &[Event], state: &State, now: Timestamp) {
        let there: Vec<&Task> = recorded.iter().filter_map(Event::dispatches).collect();
        let is_shared = |task: &Task, by: &[&Task]| by.iter().any(|twin| same_work(task, twin));
        let mut ours = Vec::new();
        for task in other.iter().filter_map(Event::dispatches) {
            self.forget(task.flow);
            if !is_shared(task, &there) {
                self.take_over(task, &there, now);
            }
            ours.push(task);
        }
        for task in &there {
            if !is_shared(task, &ours) {
                self.leave_out(Key::of(task));
                self.orphan(state, task.flow, &there, now);
            }
        }
        for event in recorded {
            match event {
                Event::TaskSucceeded { task, dispatch, flow, .. } | Event::TaskFailed { task, dispatch, flow, .. } => {
                    self.ended(*flow, Some((*task, *dispatch)), now);
                }
                Event::FlowFinished { flow, .. } => {
                    self.ended(*flow, None, now);
                    self.orphan(state, *flow, &there, now);
                }
                _ => {}
            }
        }
        self.paused_or_gone(other, Some(recorded), state);
    }

    /// Takes in what an assumed word led to, at a moment in which the log has `recorded`.
    pub(super) fn alone(&mut self, recorded: &[Event], other: &[Event], state: &State, now: Timestamp) {
        let there: Vec<&Task> = recorded.iter().filter_map(Event::dispatches).collect();
        for task in other.iter().filter_map(Event::dispatches) {
            self.forget(task.flow);
            self.take_over(task, &there, now);
        }
        self.paused_or_gone(other, None, state);
    }

    /// A dispatch of the other history alone, beside the recorded ones of the same moment.
    fn take_over(&mut self, task: &Task, there: &[&Task], now: Timestamp) {
        let twin = there.iter().find(|twin| twin.id == task.id && twin.phase == task.phase);
        let due = twin.is_none().then(|| self.usual_end(now, &task.operation));
        self.insert(task.flow, Own { waits_for: twin.map(|twin| Key::of(twin)), due });
    }

    /// A flow that both had in common goes on in the recorded history alone: nobody will report here any more.
    fn orphan(&mut self, state: &State, flow: FlowId, there: &[&Task], now: Timestamp) {
        let open = state.flows.get(&flow).and_then(|flow| flow.task.as_ref());
        if let Some(open) = open.filter(|_| !self.own.contains_key(&flow)) {
            self.take_over(&open.task, there, now);
        }
    }

    /// A recorded dispatch, or all of a recorded flow, came to its end: who waited for it waits no longer.
    fn ended(&mut self, flow: FlowId, which: Option<(TaskId, u32)>, now: Timestamp) {
        let waits = self.own.get(&flow).and_then(|own| own.waits_for);
        let is_it = |key: Key| which.is_none_or(|(task, dispatch)| key.task == task && key.dispatch == dispatch);
        if waits.is_some_and(is_it) {
            self.insert(flow, Own { waits_for: waits, due: Some(now) });
        }
    }

    fn paused_or_gone(&mut self, other: &[Event], recorded: Option<&[Event]>, state: &State) {
        for event in other {
            match event {
                Event::TaskPostponed { flow, until, .. } if recorded.is_none_or(|events| !events.contains(event)) => {
                    self.insert(*flow, Own { waits_for: None, due: Some(*until) });
                }
                Event::FlowFinished { flow, .. } if !state.flows.contains_key(flow) => self.forget(*flow),
                _ => {}
            }
        }
    }

    /// The next own dispatch that is due.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<(Timestamp, FlowId)> {
        let (due, flow) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.forget(flow);
        Some((due, flow))
    }

    /// The word that is assumed because the recorded history has this one, about a dispatch that is not shared.
    pub(super) fn by_twin(&mut self, state: &State, twin: &TaskReport) -> Option<Report> {
        let ends = matches!(twin.transition, Transition::Succeeded { .. } | Transition::Failed { .. });
        let waits = self.own.get(&twin.flow).and_then(|own| own.waits_for);
        if !ends || waits != Some(Key::reported(twin)) {
            return None;
        }
        let flow = state.flows.get(&twin.flow)?;
        let task = &flow.task.as_ref()?.task;
        self.forget(twin.flow);
        let transition = match &twin.transition {
            recorded if task.pool == twin.pool => recorded.clone(),
            Transition::Failed { started_at, finished_at, .. } => {
                self.success(state, flow, task, (*started_at, *finished_at))
            }
            recorded => recorded.clone(),
        };
        self.assumed += 1;
        report(state, task, transition)
    }

    /// The word that is assumed about a flow whose time has come: `None` when it was dispatched again by the clock.
    pub(super) fn by_time(&mut self, state: &State, flow: FlowId, now: Timestamp) -> Option<Report> {
        let flow = state.flows.get(&flow)?;
        let open = flow.task.as_ref().filter(|open| open.status != TaskStatus::Postponed)?;
        let transition = self.success(state, flow, &open.task, (now, now));
        self.assumed += 1;
        report(state, &open.task, transition)
    }

    fn success(
        &self,
        state: &State,
        flow: &Flow,
        task: &Task,
        (started_at, finished_at): (Timestamp, Timestamp),
    ) -> Transition {
        // How large what is taken over is, nobody knows: as large as the log believes until then.
        let volume = state.volumes.get(&flow.volume);
        let size_bytes = match task.operation {
            Operation::ManageVolume { .. } => volume.map(|volume| volume.size_gib.bytes()),
            _ => None,
        };
        let connection = match task.operation {
            Operation::ConnectVolume { .. } => {
                Some(Connection { driver_volume_type: "assumed".to_owned(), data: BTreeMap::new() })
            }
            _ => None,
        };
        Transition::Succeeded { started_at, finished_at, steps: Vec::new(), connection, size_bytes }
    }

    fn insert(&mut self, flow: FlowId, own: Own) {
        self.forget(flow);
        self.due.extend(own.due.map(|due| (due, flow)));
        self.own.insert(flow, own);
    }

    fn forget(&mut self, flow: FlowId) {
        if let Some(due) = self.own.remove(&flow).and_then(|own| own.due) {
            self.due.remove(&(due, flow));
        }
    }

    fn leave_out(&mut self, key: Key) {
        if self.foreign.insert(key) {
            self.foreign_order.push_back(key);
        }
        if self.foreign_order.len() > FOREIGN_MAX
            && let Some(oldest) = self.foreign_order.pop_front()
        {
            self.foreign.remove(&oldest);
        }
    }
}

fn same_work(one: &Task, two: &Task) -> bool {
    Key::of(one) == Key::of(two) && one.pool == two.pool && one.operation == two.operation
}

fn report(state: &State, task: &Task, transition: Transition) -> Option<Report> {
    let worker = state.backends.get(&task.pool.backend()).map(|backend| backend.worker.clone());
    let worker = worker.or_else(|| WorkerName::new(ASSUMED).ok())?;
    let report = TaskReport::of(task, transition);
    Some(Report { v: TASK_VERSION, worker, body: ReportBody::Tasks(vec![report]) })
}

/// The id under which an assumed word about a dispatch is decided: the same whenever it is asked again.
pub(super) fn assumed_id(report: &Report) -> CommandId {
    let ReportBody::Tasks(reports) = &report.body else { return CommandId(uuid::Uuid::nil()) };
    let of = |report: &TaskReport| {
        let revert = report.phase == Phase::Revert;
        CommandId(CommandId(report.task.0).derive(&format!("assumed {revert} {}", report.dispatch)))
    };
    reports.first().map_or(CommandId(uuid::Uuid::nil()), of)
}
