//! Who knows what is right: folds the bytes of the log by itself and judges everybody by that.

use std::collections::{BTreeMap, BTreeSet};

use stele_core::audit::audit;
use stele_core::chain::{Chain, StrayReason};
use stele_core::command::Source;
use stele_core::digest::StateDigest;
use stele_core::event::{Event, StatusChange};
use stele_core::fold::{Folded, Folding};
use stele_core::id::{CommandId, FlowId, ProjectId, VolumeId};
use stele_core::port::LogEntry;
use stele_core::port::memory::MemoryLog;
use stele_core::record::{Commit, InboxMark, Outcome, OutcomeResult, Record};
use stele_core::refusal::RefusalCode;
use stele_core::state::State;
use stele_core::unit::{Hash, Position};

use crate::fault::{Chance, Fault};
use crate::trace::Trace;

/// The judge.
pub(crate) struct Oracle {
    log: MemoryLog,
    chance: Chance,
    trace: Trace,
    pub(crate) folded: Folded,
    /// What was read, byte for byte, as a hash.
    pub(crate) bytes: Hash,
    read: usize,
    known: BTreeMap<Position, Known>,
    /// Outcomes by record.
    outcomes: BTreeMap<Position, Vec<Outcome>>,
    /// Commands that were decided under the id of their sender.
    decided: BTreeMap<(ProjectId, CommandId), Position>,
    /// Inbox messages that have a commit.
    pub(crate) from_inbox: BTreeSet<u64>,
    told: u64,
    /// The volumes of flows.
    flows: BTreeMap<FlowId, VolumeId>,
    /// What was compared last, by whom.
    compared: BTreeMap<String, Position>,
    pub(crate) events: BTreeMap<&'static str, u64>,
    pub(crate) refusals: BTreeMap<&'static str, u64>,
    /// For a message of why an operator could not reach what he wanted.
    pub(crate) last_refusal: String,
    /// Volumes of which a flow was abandoned, by force: nobody knows what its worker did.
    pub(crate) abandoned: BTreeSet<VolumeId>,
    /// Volumes whose status an operator stated.
    pub(crate) stated: BTreeSet<VolumeId>,
}

struct Known {
    digest: StateDigest,
    chain: Chain,
    inbox: InboxMark,
    seen: usize,
}

impl Oracle {
    pub(crate) fn new(log: &MemoryLog, chance: &Chance, trace: &Trace) -> Self {
        Self {
            log: log.clone(),
            chance: chance.clone(),
            trace: trace.clone(),
            folded: Folded::default(),
            bytes: Hash::default(),
            read: 0,
            known: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            decided: BTreeMap::new(),
            from_inbox: BTreeSet::new(),
            told: 0,
            flows: BTreeMap::new(),
            compared: BTreeMap::new(),
            events: BTreeMap::new(),
            refusals: BTreeMap::new(),
            last_refusal: String::new(),
            abandoned: BTreeSet::new(),
            stated: BTreeSet::new(),
        }
    }

    /// Reads what has come into the log since the last time.
    pub(crate) fn observe(&mut self) {
        let entries = self.log.entries();
        for entry in &entries[self.read..] {
            self.take(entry);
        }
        self.read = entries.len();
    }

    fn take(&mut self, entry: &LogEntry) {
        let position = entry.position;
        self.bytes = Hash::of(&[&self.bytes.0[..], &Hash::of(&entry.payload).0[..]].concat());
        match self.folded.fold(entry) {
            Err(error) => panic!("the log cannot be folded at {position}: {error}"),
            Ok(Folding::Skipped(reason)) => {
                self.trace.note("log", format_args!("{position} is no record: {reason}"));
                if !matches!(reason, StrayReason::NotARecord(_)) {
                    self.chance.count(Fault::DeposedRecord);
                }
            }
            Ok(Folding::Applied(record, _)) => {
                self.trace.note("log", format_args!("{position} {}", summary(&record)));
                let state = self.folded.state.clone();
                self.audit("the log", &state);
                let digest = StateDigest::of(&self.folded.state);
                let (chain, inbox, seen) = (self.folded.chain, self.folded.inbox, self.folded.seen.len());
                self.known.insert(position, Known { digest, chain, inbox, seen });
                let outcomes = record.commits.iter().map(|commit| Outcome::of(commit, position)).collect();
                self.outcomes.insert(position, outcomes);
                for commit in &record.commits {
                    self.take_commit(commit, position);
                }
            }
        }
    }

    fn take_commit(&mut self, commit: &Commit, position: Position) {
        for event in &commit.events {
            *self.events.entry(event.name()).or_default() += 1;
            match event {
                Event::RequestRefused(refusal) => {
                    *self.refusals.entry(refusal.code.as_str()).or_default() += 1;
                    self.last_refusal = refusal.to_string();
                }
                Event::VolumeStatusChanged { volume, by: StatusChange::Reset, .. } => drop(self.stated.insert(*volume)),
                // Of unknown size, if its source is.
                Event::VolumeEntryCreated { volume } => {
                    let of_snapshot = volume.source_snapshot.and_then(|id| self.folded.state.snapshots.get(&id));
                    let source = volume.source_volume.or_else(|| of_snapshot.map(|snapshot| snapshot.volume));
                    if source.is_some_and(|source| self.abandoned.contains(&source) || self.stated.contains(&source)) {
                        self.abandoned.insert(volume.id);
                    }
                }
                Event::FlowStarted { flow, volume, .. } => drop(self.flows.insert(*flow, *volume)),
                Event::FlowFinished { flow, failure: Some(why) } if why.starts_with("abandoned") => {
                    self.abandoned.extend(self.flows.get(flow));
                }
                _ => {}
            }
        }
        if let Source::Inbox(sequence) = commit.source {
            assert!(
                self.from_inbox.insert(sequence),
                "inbox message {sequence} was decided twice, again at {position}"
            );
        }
        // Another command under a used id is refused each time that it comes.
        let reuse = is_reuse(&Outcome::of(commit, position));
        if let Some(project) = commit.project.as_ref().filter(|_| commit.id_given && !reuse) {
            let before = self.decided.insert((project.clone(), commit.id), position);
            assert!(before.is_none(), "command {} was decided at {before:?} and at {position}", commit.id);
        }
    }

    /// Where a command was decided.
    pub(crate) fn decided(&self, project: &ProjectId, id: CommandId) -> Option<Position> {
        self.decided.get(&(project.clone(), id)).copied()
    }

    pub(crate) fn audit(&self, whose: &str, state: &State) {
        let found = audit(state);
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "the state of {whose} is wrong: {}", text.join("; "));
    }

    /// A control's state is that of the log at the same position.
    pub(crate) fn compare(&mut self, name: &str, folded: &Folded) {
        let position = folded.chain.position;
        if position == Position(0) || self.compared.get(name) == Some(&position) {
            return;
        }
        if position > self.folded.chain.position {
            self.observe();
        }
        self.compared.insert(name.to_owned(), position);
        let Some(known) = self.known.get(&position) else { panic!("{name} took {position} for a record, it is none") };
        let digest = StateDigest::of(&folded.state);
        assert!(digest == known.digest, "{name} differs at {position}: {:?}", digest.differences(&known.digest));
        assert_eq!((folded.chain, folded.inbox), (known.chain, known.inbox), "{name} differs at {position}");
        assert_eq!(folded.seen.len(), known.seen, "{name} remembers other commands at {position}");
    }

    /// A worker was told that its report is in the log.
    pub(crate) fn recorded(&mut self, position: Position) {
        self.observe();
        assert!(position <= self.folded.chain.position, "a report was acknowledged before {position} was in the log");
    }

    /// An outcome has left: it must be in the log, once, and stay there.
    pub(crate) fn told(&mut self, outcome: &Outcome) {
        self.observe();
        self.told += 1;
        let position = outcome.position.unwrap_or_else(|| panic!("an outcome without a position: {outcome:?}"));
        let same = self.outcomes.get(&position).map_or(0, |all| all.iter().filter(|one| *one == outcome).count());
        // The refusals of two other commands under one used id may stand in one record, and look alike.
        let right = if is_reuse(outcome) { same >= 1 } else { same == 1 };
        assert!(right, "what was told is in the log {same} times: {outcome:?}");
    }

    /// How many outcomes were told.
    pub(crate) fn told_count(&self) -> u64 {
        self.told
    }
}

/// Another command under a used id was refused; that is no outcome of the command that used the id first.
pub(crate) fn is_reuse(outcome: &Outcome) -> bool {
    matches!(&outcome.result, OutcomeResult::Refused(refusal) if refusal.code == RefusalCode::CommandIdReused)
}

fn summary(record: &Record) -> String {
    let mut text = format!("epoch {} index {}", record.head.epoch, record.head.index);
    if record.head.claim.is_some() {
        text.push_str(" claim");
    }
    for commit in &record.commits {
        let events: Vec<String> = commit.events.iter().map(short).collect();
        text.push_str(&format!(" [{}]", events.join(" ")));
    }
    text
}

/// An event in a few words, for the trace.
fn short(event: &Event) -> String {
    let of = match event {
        Event::RequestRefused(refusal) => refusal.code.as_str().to_owned(),
        Event::VolumeEntryCreated { volume } => head(volume.id.0),
        Event::VolumeCreated { volume, .. }
        | Event::VolumeDeleted { volume }
        | Event::VolumeStatusChanged { volume, .. }
        | Event::VolumeDeleteFailed { volume, .. }
        | Event::VolumeDeleting { volume, .. } => head(volume.0),
        Event::SnapshotEntryCreated { snapshot } => head(snapshot.id.0),
        Event::SnapshotCreated { snapshot, .. }
        | Event::SnapshotDeleting { snapshot, .. }
        | Event::SnapshotDeleteFailed { snapshot, .. }
        | Event::SnapshotDeleted { snapshot } => head(snapshot.0),
        Event::FlowStarted { flow, kind, volume, .. } => {
            format!("{} {} {}", kind.name(), head(volume.0), head(flow.0))
        }
        Event::TaskPending { task } | Event::TaskRetried { task } | Event::TaskReverting { task } => {
            let of = task.operation.snapshot().map_or(task.operation.volume().0, |snapshot| snapshot.0);
            format!("{} {} {} #{}", task.operation.name(), head(of), task.pool, task.dispatch)
        }
        Event::TaskReverted { flow, .. } | Event::TaskSucceeded { flow, .. } | Event::FlowFinished { flow, .. } => {
            head(flow.0)
        }
        Event::PlacementReleased { volume, pool, .. } => format!("{} {pool}", head(volume.0)),
        Event::TaskFailed { failure, .. } => failure.kind.to_string(),
        _ => String::new(),
    };
    if of.is_empty() { event.name().to_owned() } else { format!("{}({of})", event.name()) }
}

/// The first characters of an id, which are enough for people.
pub(crate) fn head(id: uuid::Uuid) -> String {
    id.to_string().chars().take(8).collect()
}
