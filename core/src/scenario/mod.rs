//! A whole cell in memory, for tests: messages in, events out, everything checked at every record.
//!
//! [`Cell`] drives the writer as a control process does, and folds the bytes of every record as a standby does. After
//! each record it asks what must always hold ([`Cell::land`]). [`script`] drives a cell by short lines and [`render`]
//! shows events as short lines, so that a test is a table: given, when, then.

pub(crate) mod everything;
mod random;
pub(crate) mod render;
pub(crate) mod script;

use bytes::Bytes;
use uuid::Uuid;

use crate::audit::audit;
use crate::codec::{decode, encode};
use crate::command::{Incoming, Source};
use crate::digest::StateDigest;
use crate::event::Event;
use crate::fold::{Folded, Folding};
use crate::id::{CommandId, WriterId};
use crate::port::LogEntry;
use crate::record::{Claim, Record, assemble};
use crate::state::{Config, State};
use crate::task::Task;
use crate::unit::{Position, Timestamp};
use crate::writer::{Answer, Append, Offered, Writer};

/// When the inbox of every test was created.
pub(crate) const INBOX_CREATED: i64 = 1_700_000_000_000;

/// A writer, its log, and a standby that folds the log's bytes.
pub(crate) struct Cell {
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) standby: Folded,
    pub(crate) writer: Writer<u32>,
    pub(crate) in_flight: Option<Append>,
    /// Every task that was ever dispatched, once for each dispatch.
    pub(crate) dispatched: Vec<Task>,
    pub(crate) answers: Vec<Answer<u32>>,
    /// How many messages were offered; also the reply of the last one.
    pub(crate) asked: u32,
    pub(crate) inbox_sequence: u64,
    writers: u128,
    config: Config,
}

impl Cell {
    pub(crate) fn new() -> Self {
        Self::with_config(Config::default())
    }

    /// A cell whose first claim is in the log.
    pub(crate) fn with_config(config: Config) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (writer, append) = claim(&Folded::default(), &config, 1, Position(0), now);
        let mut cell = Self {
            now,
            log: Vec::new(),
            standby: Folded::default(),
            writer,
            in_flight: Some(append),
            dispatched: Vec::new(),
            answers: Vec::new(),
            asked: 0,
            inbox_sequence: 0,
            writers: 1,
            config,
        };
        cell.land();
        cell
    }

    pub(crate) fn state(&self) -> &State {
        &self.writer.acknowledged().state
    }

    pub(crate) fn tail(&self) -> Position {
        self.log.last().map_or(Position(0), |entry| entry.position)
    }

    /// Puts foreign bytes into the stream.
    pub(crate) fn stray(&mut self, payload: &[u8]) {
        let entry = LogEntry { position: self.tail().next(), payload: Bytes::copy_from_slice(payload) };
        assert!(matches!(self.standby.fold(&entry).unwrap(), Folding::Skipped(_)));
        self.log.push(entry);
    }

    pub(crate) fn offer(&mut self, subject: &str, payload: impl Into<Bytes>, source: Source) -> Offered<u32> {
        self.asked += 1;
        let incoming = Incoming {
            subject: subject.to_owned(),
            payload: payload.into(),
            source,
            fallback_id: CommandId(Uuid::from_u128(0xf_0000_0000 + u128::from(self.asked))),
        };
        let offered = self.writer.offer(&incoming, Some(self.asked), self.now).unwrap();
        let found = audit(&self.writer.speculative().state);
        assert!(found.is_empty(), "after {subject} {:?}: {found:#?}", incoming.payload);
        offered
    }

    pub(crate) fn offer_inbox(&mut self, subject: &str, payload: impl Into<Bytes>) -> Offered<u32> {
        self.inbox_sequence += 1;
        self.offer(subject, payload, Source::Inbox(self.inbox_sequence))
    }

    /// Takes the forming record as the one in flight, when that may be.
    pub(crate) fn append(&mut self) -> bool {
        let Some(append) = self.writer.take_append(self.now) else { return false };
        assert!(self.in_flight.is_none(), "two records are in flight");
        assert_eq!(append.expected, self.tail());
        self.in_flight = Some(append);
        true
    }

    /// The record in flight is in the log and acknowledged; everything that must hold is checked.
    pub(crate) fn land(&mut self) -> Option<Record> {
        let append = self.in_flight.take()?;
        let entry = LogEntry { position: append.expected.next(), payload: append.payload };
        let acknowledged = self.writer.appended().unwrap();
        assert_eq!(acknowledged.position, entry.position);
        let record = self.follow(entry);
        assert_eq!(acknowledged.commits, record.commits.len());
        same(self.writer.acknowledged(), &self.standby);
        for task in acknowledged.tasks {
            if !self.dispatched.contains(&task) {
                self.dispatched.push(task);
            }
        }
        self.answers.extend(acknowledged.answers);
        Some(record)
    }

    /// Appends and acknowledges until nothing is left; gives the records.
    pub(crate) fn flush(&mut self) -> Vec<Record> {
        let mut records: Vec<Record> = self.land().into_iter().collect();
        while self.append() {
            records.extend(self.land());
        }
        records
    }

    /// The control process dies; a record in flight may be in the log nevertheless. Another one claims.
    pub(crate) fn crash(&mut self, landed: bool) {
        if let Some(append) = self.in_flight.take().filter(|_| landed) {
            self.follow(LogEntry { position: append.expected.next(), payload: append.payload });
        }
        self.lead();
    }

    /// A new control claims the log as the standby knows it.
    pub(crate) fn lead(&mut self) {
        self.writers += 1;
        let (writer, append) = claim(&self.standby, &self.config, self.writers, self.tail(), self.now);
        self.writer = writer;
        self.in_flight = Some(append);
        self.land();
    }

    fn follow(&mut self, entry: LogEntry) -> Record {
        let Folding::Applied(record, _) = self.standby.fold(&entry).unwrap() else { panic!("{entry:?} is a stray") };
        let commits: Vec<Vec<u8>> = record.commits.iter().map(|commit| serde_json::to_vec(commit).unwrap()).collect();
        assert_eq!(Bytes::from(assemble(&record.head, &commits)), entry.payload, "a record reads back byte for byte");
        record.commits.iter().flat_map(|commit| &commit.events).for_each(survives_json);
        survives_codec(&self.standby.state);
        let found = audit(&self.standby.state);
        assert!(found.is_empty(), "after position {}: {found:#?}", entry.position);
        self.log.push(entry);
        *record
    }
}

fn claim(folded: &Folded, config: &Config, writer: u128, tail: Position, now: Timestamp) -> (Writer<u32>, Append) {
    let claim = Claim { config: config.clone(), host: "test".to_owned() };
    let id = WriterId(Uuid::from_u128(writer));
    Writer::claim(folded.clone(), id, claim, tail, Timestamp::from_millis(INBOX_CREATED), now)
}

/// Folding the log from its first byte gives what `folded` is.
pub(crate) fn refolded(log: &[LogEntry]) -> Folded {
    let mut folded = Folded::default();
    for entry in log {
        folded.fold(entry).unwrap();
    }
    folded
}

/// Two ways to know the same log know the same.
pub(crate) fn same(a: &Folded, b: &Folded) {
    let (of_a, of_b) = (StateDigest::of(&a.state), StateDigest::of(&b.state));
    assert_eq!(of_a.digest, of_b.digest, "the states differ in {:?}", of_a.differences(&of_b));
    assert_eq!((a.chain, a.inbox, a.seen.len()), (b.chain, b.inbox, b.seen.len()));
    assert_eq!((&a.state.deadlines, &a.state.type_names), (&b.state.deadlines, &b.state.type_names));
    assert_eq!((&a.state.snapshots_of, &a.state.message_ages), (&b.state.snapshots_of, &b.state.message_ages));
    let of_groups = |of: &State| (of.volumes_of_group.clone(), of.snapshots_of_group.clone());
    assert_eq!(of_groups(&a.state), of_groups(&b.state));
}

fn survives_json(event: &Event) {
    let json = serde_json::to_string(event).unwrap();
    let back: Event = serde_json::from_str(&json).unwrap();
    assert_eq!(&back, event, "{json}");
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    assert!(json.starts_with(&format!("{{\"{}\":", event.name())), "{json}");
}

fn survives_codec(state: &State) {
    fn check<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
        let bytes = encode(value);
        assert!(!bytes.is_empty(), "{value:?}");
        let back: T = decode(&bytes).unwrap();
        assert_eq!(&back, value);
        assert_eq!(encode(&back), bytes);
    }
    check(state.config.as_ref());
    state.volumes.values().for_each(|value| check(value.as_ref()));
    state.flows.values().for_each(|value| check(value.as_ref()));
    state.usage.values().for_each(|value| check(value.as_ref()));
    state.reservations.values().for_each(|value| check(value.as_ref()));
    state.quotas.values().for_each(|value| check(value.as_ref()));
    state.backends.values().for_each(|value| check(value.as_ref()));
    state.pools.values().for_each(|value| check(value.as_ref()));
    state.claims.values().for_each(check);
    state.types.values().for_each(|value| check(value.as_ref()));
    state.snapshots.values().for_each(|value| check(value.as_ref()));
    state.attachments.values().for_each(|value| check(value.as_ref()));
    state.groups.values().for_each(|value| check(value.as_ref()));
    state.group_snapshots.values().for_each(|value| check(value.as_ref()));
    state.group_types.values().for_each(|value| check(value.as_ref()));
    state.transfers.values().for_each(|value| check(value.as_ref()));
    state.qos.values().for_each(|value| check(value.as_ref()));
    state.default_types.values().for_each(check);
    state.quota_classes.values().for_each(|value| check(value.as_ref()));
    state.messages.values().for_each(|value| check(value.as_ref()));
    state.drifts.values().for_each(|value| check(value.as_ref()));
    state.log_levels.iter().for_each(|(target, level)| check(&(target.clone(), *level)));
}

/// Every event's name, taken from the source, so that a new event is not forgotten.
pub(crate) fn event_names() -> Vec<&'static str> {
    let source = include_str!("../event/name.rs");
    let pairs = source.lines().filter_map(|line| line.trim().strip_suffix('"')?.split_once(" \""));
    let names: Vec<&str> = pairs.map(|(_, name)| name).collect();
    assert!(names.len() >= 32 && names.contains(&"type_deleted"), "{names:?}");
    names
}
