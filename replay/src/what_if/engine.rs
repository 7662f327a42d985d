//! Goes through the log commit by commit and decides each message upon the other history's state as well.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use stele_core::command::{DeadlinePassed, Incoming, Source};
use stele_core::event::Event;
use stele_core::fold::Step;
use stele_core::id::{CommandId, FlowId};
use stele_core::record::{Commit, Subjects};
use stele_core::state::{Config, Entity, State, TaskStatus};
use stele_core::task::{Report, ReportBody, TASK_VERSION, TaskReport};
use stele_core::unit::{Position, Timestamp};
use uuid::Uuid;

use super::WhatIfError;
use super::capacity::Capacity;
use super::changes::Changes;
use super::difference::{Difference, Ended, Sought, What, command, sought, why};
use super::other::{Decided, Other, assumed_report, in_full, incoming};
use super::series::{Both, Recorder};
use super::tasks::{Tasks, Told, assumed_id};

/// What was counted on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The commands of the log.
    pub commands: u64,
    /// Those that were accepted.
    pub accepted: Both<u64>,
    /// Those that were refused, by code.
    pub refused: Both<BTreeMap<&'static str, u64>>,
    /// Accepted as it was, refused in the other history.
    pub refused_there: u64,
    /// Refused as it was, accepted in the other history.
    pub accepted_there: u64,
    /// Of things that do not exist in the other history, because it refused to make them: skipped there.
    pub skipped: u64,
    /// How often a place was looked for, for new volumes.
    pub placements: Both<u64>,
    /// How often none was found.
    pub without_place: Both<u64>,
    /// How often another place was chosen at the same moment.
    pub placed_elsewhere: u64,
    /// Outcomes of tasks that only the other history has.
    pub assumed_outcomes: u64,
    /// Reports about tasks that only the recorded history has.
    pub reports_left_out: u64,
    /// Reports of pools whose figures are other there.
    pub figures_changed: u64,
    /// Inventories of pools in which something else lies there.
    pub inventories_left_out: u64,
}

/// The way through the log.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) changes: Changes,
    pub(super) other: Other,
    tasks: Tasks,
    pub(super) capacity: Capacity,
    pub(super) recorder: Recorder,
    counts: Counts,
    /// The recorded configuration that the other history's was made from.
    config: Option<Arc<Config>>,
    /// What the other history changed since the last comparison.
    touched: BTreeSet<Entity>,
    /// The last commit of the log.
    pub(super) last: Option<(Timestamp, Position)>,
    pub(super) first: Option<Timestamp>,
}

type Each<'a> = &'a mut dyn FnMut(Difference) -> io::Result<()>;

impl Engine {
    pub(super) fn new(changes: Changes) -> Self {
        Self {
            changes,
            other: Other::default(),
            tasks: Tasks::default(),
            capacity: Capacity::default(),
            recorder: Recorder::default(),
            counts: Counts::default(),
            config: None,
            touched: BTreeSet::new(),
            last: None,
            first: None,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { assumed_outcomes: self.tasks.assumed, ..self.counts.clone() }
    }

    /// Whether a flow of the other history waits for a word that will be assumed.
    #[cfg(test)]
    pub(super) fn is_waiting(&self, flow: FlowId) -> bool {
        !self.tasks.is_shared(flow)
    }

    /// The other history decides by the recorded configuration, but for what is to be other.
    pub(super) fn configure(&mut self, recorded: &State) -> Result<(), WhatIfError> {
        if self.config.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &recorded.config)) {
            let scheduler = self.changes.scheduler(&recorded.config.scheduler)?;
            self.other.state.config = Arc::new(Config { scheduler, ..Config::clone(&recorded.config) });
            self.config = Some(recorded.config.clone());
            self.changes.limit(&mut self.other.state);
        }
        Ok(())
    }

    /// Takes the next commit of the log.
    pub(super) fn take(&mut self, step: &Step<'_>, each: Each<'_>) -> Result<(), WhatIfError> {
        self.configure(step.before)?;
        let at = step.commit.at;
        self.first.get_or_insert(at);
        if let Some((last, _)) = self.last {
            self.recorder.pass(last, at, Both { recorded: step.before, other: &self.other.state });
        }
        self.catch_up(step.before, at)?;
        let (message, foreign) = self.message(step.commit);
        let decided = match message {
            Some(message) => self.other.offer(&message, at, step.position, step.index)?,
            None => None,
        };
        if incoming(step.commit).is_none() {
            self.other.repeat(step.commit, step.position, step.index);
        }
        let events = decided.as_ref().map_or(&[][..], |decided| &decided.commit.events);
        self.tasks.both(&step.commit.events, events, &self.other.state, at);
        if let Some(decided) = &decided {
            self.touched.extend(decided.touched.iter().cloned());
        }
        self.tell(step, decided.as_ref(), each)?;
        for twin in &foreign {
            if let Some(report) = self.tasks.by_twin(&self.other.state, twin) {
                self.assume(&report, &step.commit.events, (at, step.position))?;
            }
        }
        while let Some((_, flow)) = self.tasks.next_due(at) {
            self.resolve(flow, &step.commit.events, (at, step.position))?;
        }
        self.compare(step.after, step.touched, step.position);
        self.last = Some((at, step.position));
        Ok(())
    }

    /// What happens in the other history alone before `now`.
    fn catch_up(&mut self, recorded: &State, now: Timestamp) -> Result<(), WhatIfError> {
        let (last, known) = self.last.unwrap_or((now, Position(0)));
        for report in self.capacity.heartbeats(&self.other.state, &self.changes, (now, known)) {
            let id = CommandId(Uuid::nil()).derive(&format!("assumed {} {now}", report.backend));
            let worker = stele_core::id::WorkerName::new(&format!("{}:assumed", report.backend.host()))
                .map_err(|e| WhatIfError::Assumed(e.to_string()))?;
            let report = Report { v: TASK_VERSION, worker, body: ReportBody::Backend(report) };
            self.offer_assumed(&assumed_report(bytes(&report)?, CommandId(id)), &[], (now, known))?;
        }
        while let Some((due, flow)) = self.tasks.next_due(now) {
            self.resolve(flow, &[], (due.max(last), known))?;
        }
        if !self.touched.is_empty() {
            self.compare(recorded, &[], known);
        }
        Ok(())
    }

    /// What the other history is told in place of the recorded message, and what of it belongs to the recorded one
    /// alone.
    fn message(&mut self, commit: &Commit) -> (Option<Incoming>, Vec<TaskReport>) {
        let whole = incoming(commit);
        let Some(message) = &whole else { return (None, Vec::new()) };
        match commit.source {
            Source::Ask | Source::Inbox(_) => (whole, Vec::new()),
            Source::Timer => {
                let passed = serde_json::from_slice::<DeadlinePassed>(&message.payload);
                let shared = passed.map_or(true, |passed| self.tasks.is_shared(passed.flow));
                (whole.filter(|_| shared), Vec::new())
            }
            Source::Report => match serde_json::from_slice::<Report>(&message.payload) {
                Ok(report) => self.report(message, &report),
                Err(_) => (whole, Vec::new()),
            },
        }
    }

    fn report(&mut self, message: &Incoming, report: &Report) -> (Option<Incoming>, Vec<TaskReport>) {
        let instead = |body| {
            let payload = bytes(&Report { body, ..report.clone() }).ok()?;
            Some(Incoming { payload: payload.into(), ..message.clone() })
        };
        match &report.body {
            ReportBody::Tasks(reports) => {
                self.tasks.learn(reports);
                let (told, foreign) = self.tasks.split(reports);
                self.counts.reports_left_out += foreign.len() as u64;
                match told {
                    Told::Whole => (Some(message.clone()), foreign),
                    Told::Part(part) if part.is_empty() => (None, foreign),
                    Told::Part(part) => (instead(ReportBody::Tasks(part)), foreign),
                }
            }
            ReportBody::Backend(backend) => match self.capacity.report(backend, &self.changes) {
                Some(other) => {
                    self.counts.figures_changed += 1;
                    (instead(ReportBody::Backend(other)), Vec::new())
                }
                None => (Some(message.clone()), Vec::new()),
            },
            ReportBody::Inventory(inventory) => {
                let alike = self.capacity.is_alike(&inventory.pool) && !self.changes.without.contains(&inventory.pool);
                self.counts.inventories_left_out += u64::from(!alike);
                (alike.then(|| message.clone()), Vec::new())
            }
        }
    }

    /// The time of a flow has come that waits in the other history alone.
    fn resolve(
        &mut self,
        flow: FlowId,
        recorded: &[Event],
        (at, position): (Timestamp, Position),
    ) -> Result<(), WhatIfError> {
        if let Some(report) = self.tasks.by_time(&self.other.state, flow, at) {
            return self.assume(&report, recorded, (at, position));
        }
        let open = self.other.state.flows.get(&flow).and_then(|flow| flow.task.as_ref());
        let Some(open) = open.filter(|open| open.status == TaskStatus::Postponed) else { return Ok(()) };
        let passed = DeadlinePassed { flow, dispatch: open.task.dispatch };
        let timer = Incoming {
            subject: "stele.timer".to_owned(),
            payload: bytes(&passed)?.into(),
            source: Source::Timer,
            fallback_id: CommandId(CommandId(flow.0).derive(&format!("resumed {}", open.task.dispatch))),
        };
        self.offer_assumed(&timer, recorded, (at, position))
    }

    fn assume(&mut self, report: &Report, recorded: &[Event], when: (Timestamp, Position)) -> Result<(), WhatIfError> {
        self.offer_assumed(&assumed_report(bytes(report)?, assumed_id(report)), recorded, when)
    }

    fn offer_assumed(
        &mut self,
        message: &Incoming,
        recorded: &[Event],
        (at, position): (Timestamp, Position),
    ) -> Result<(), WhatIfError> {
        if let Some(decided) = self.other.offer(message, at, position, 0)? {
            self.tasks.alone(recorded, &decided.commit.events, &self.other.state, at);
            self.count_places(None, Some(&decided));
            self.touched.extend(decided.touched);
        }
        Ok(())
    }

    fn compare(&mut self, recorded: &State, touched: &[Entity], position: Position) {
        let ours = std::mem::take(&mut self.touched);
        let limits = |entity: &Entity| matches!(entity, Entity::Quota(_) | Entity::QuotaClass(_) | Entity::Type(_));
        if ours.iter().any(limits) {
            self.changes.limit(&mut self.other.state);
        }
        self.capacity.compare((recorded, &self.other.state), touched.iter().chain(&ours), position);
    }

    /// Tells what came out otherwise.
    fn tell(&mut self, step: &Step<'_>, decided: Option<&Decided>, each: Each<'_>) -> Result<(), WhatIfError> {
        self.count_places(Some(&step.commit.events), decided);
        let of = |what| Difference {
            position: step.position,
            at: step.commit.at,
            project: step.commit.project.clone(),
            command: command(step.commit),
            what,
        };
        if matches!(step.commit.source, Source::Ask | Source::Inbox(_))
            && let Some(what) = self.outcome(step, decided)
        {
            each(of(what))?;
        }
        for what in self.places(step, decided)? {
            each(of(what))?;
        }
        Ok(())
    }

    fn outcome(&mut self, step: &Step<'_>, decided: Option<&Decided>) -> Option<What> {
        let recorded = Ended::of(step.commit);
        let other = decided.map_or_else(|| recorded.clone(), |decided| Ended::of(&decided.commit));
        self.counts.commands += 1;
        count(&mut self.counts.accepted.recorded, &mut self.counts.refused.recorded, &recorded);
        count(&mut self.counts.accepted.other, &mut self.counts.refused.other, &other);
        let decided = decided?;
        match (recorded.is_accepted(), other.is_accepted()) {
            (true, false) if is_about_nothing(step, &decided.before.state) => {
                self.counts.skipped += 1;
                return None;
            }
            (true, false) => self.counts.refused_there += 1,
            (false, true) => self.counts.accepted_there += 1,
            (true, true) if recorded.is_well() != other.is_well() => {}
            _ => return None,
        }
        let accepted = if recorded.is_accepted() { step.commit } else { &decided.commit };
        let pool = sought(&accepted.events).first().and_then(|sought| sought.decision.chosen.clone());
        Some(What::Outcome { subject: named(&accepted.subjects), outcome: Both { recorded, other }, pool })
    }

    /// Places that differ, of volumes that both histories make.
    fn places(&mut self, step: &Step<'_>, decided: Option<&Decided>) -> Result<Vec<What>, WhatIfError> {
        let recorded = sought(&step.commit.events);
        let other = decided.map(|decided| sought(&decided.commit.events)).unwrap_or_default();
        let mut found = Vec::new();
        for then in &recorded {
            let twin = other.iter().find(|twin| twin.flow == then.flow);
            let pool = match twin {
                Some(now) => now.decision.chosen.clone(),
                // A later attempt which the other history did not need, or did not get to.
                None if then.decision.chosen.is_none() => lies(&self.other.state, then),
                None => continue,
            };
            if pool == then.decision.chosen {
                continue;
            }
            let reasons = match (twin, decided) {
                (Some(_), Some(decided)) => self.reasons(step, decided, then)?,
                _ => "the attempts that failed were not made there".to_owned(),
            };
            self.counts.placed_elsewhere += 1;
            let pool = Both { recorded: then.decision.chosen.clone(), other: pool };
            found.push(placement(step.after, then, pool, reasons));
        }
        for now in other.iter().filter(|now| !recorded.iter().any(|then| then.flow == now.flow)) {
            let then = lies(step.after, now);
            if now.decision.chosen.is_none() && then.is_some() {
                let reasons = format!("other: {}", now.decision.refusal_text());
                self.counts.placed_elsewhere += 1;
                found.push(placement(step.after, now, Both { recorded: then, other: None }, reasons));
            }
        }
        Ok(found)
    }

    fn reasons(&self, step: &Step<'_>, decided: &Decided, then: &Sought<'_>) -> Result<String, WhatIfError> {
        let recorded = in_full((step.before, step.seen), step.commit, step.position, then.volume)?;
        let before = (&decided.before.state, &decided.before.seen);
        let other = in_full(before, &decided.commit, decided.position, then.volume)?;
        Ok(recorded.zip(other).map(|(recorded, other)| why(&recorded, &other)).unwrap_or_default())
    }

    fn count_places(&mut self, recorded: Option<&[Event]>, decided: Option<&Decided>) {
        let Counts { placements, without_place, .. } = &mut self.counts;
        let add = |events: &[Event], all: &mut u64, none: &mut u64| {
            let sought = sought(events);
            *all += sought.len() as u64;
            *none += sought.iter().filter(|sought| sought.decision.chosen.is_none()).count() as u64;
        };
        add(recorded.unwrap_or_default(), &mut placements.recorded, &mut without_place.recorded);
        let events = decided.map_or(&[][..], |decided| &decided.commit.events);
        add(events, &mut placements.other, &mut without_place.other);
    }
}

fn count(accepted: &mut u64, refused: &mut BTreeMap<&'static str, u64>, ended: &Ended) {
    match ended {
        Ended::Refused { code, .. } => *refused.entry(code).or_default() += 1,
        Ended::Accepted | Ended::Failed { .. } => *accepted += 1,
    }
}

fn placement(state: &State, sought: &Sought<'_>, pool: Both<Option<stele_core::id::PoolName>>, why: String) -> What {
    let volume = state.volumes.get(&sought.volume);
    What::Placement {
        volume: sought.volume,
        name: volume.map(|volume| volume.name.clone()).unwrap_or_default(),
        size_gib: sought.decision.request.size_gib,
        attempt: sought.decision.attempt,
        pool,
        why,
    }
}

fn lies(state: &State, sought: &Sought<'_>) -> Option<stele_core::id::PoolName> {
    state.volumes.get(&sought.volume).and_then(|volume| volume.pool.clone())
}

/// Whether the command names something that was there as it was, and is not in the other history.
fn is_about_nothing(step: &Step<'_>, other: &State) -> bool {
    let Ok(body) = serde_json::from_str::<Value>(step.commit.command.text()) else { return false };
    let mut ids = Vec::new();
    collect_ids(&body, &mut ids);
    ids.into_iter().any(|id| exists(step.before, id) && !exists(other, id))
}

fn collect_ids(value: &Value, ids: &mut Vec<Uuid>) {
    match value {
        Value::String(text) => ids.extend(Uuid::parse_str(text).ok()),
        Value::Array(values) => values.iter().for_each(|value| collect_ids(value, ids)),
        Value::Object(fields) => fields.values().for_each(|value| collect_ids(value, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn exists(state: &State, id: Uuid) -> bool {
    use stele_core::id::{AttachmentId, GroupId, GroupSnapshotId, SnapshotId, TransferId, VolumeId};
    state.volumes.contains_key(&VolumeId(id))
        || state.snapshots.contains_key(&SnapshotId(id))
        || state.attachments.contains_key(&AttachmentId(id))
        || state.groups.contains_key(&GroupId(id))
        || state.group_snapshots.contains_key(&GroupSnapshotId(id))
        || state.transfers.contains_key(&TransferId(id))
}

/// What a command was about, in words.
fn named(subjects: &Subjects) -> Option<String> {
    let fields = serde_json::to_value(subjects).ok()?;
    let named = fields.as_object()?.iter().find(|(kind, _)| *kind != "flow")?;
    Some(format!("{} {}", named.0, named.1.as_str()?))
}

fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, WhatIfError> {
    serde_json::to_vec(value).map_err(|e| WhatIfError::Assumed(e.to_string()))
}
