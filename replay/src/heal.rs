//! A log that has lost acknowledged records gets them back from the writer's journal, byte for byte.
//!
//! ```text
//! log      1 2 3 4 5                      lost: the server forgot its newest records
//! journal      3 4 5 6 7 8                6, 7 and 8 are appended again, each where it stood
//! ```
//!
//! Only what is missing is added: nothing in the log is changed or removed. When the log holds anything else where the
//! journal has a record, somebody led after the loss, and there are two histories. Which of them is the true one is for
//! people to say; both are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use bytes::Bytes;
use serde::Serialize;
use stele_core::port::{AppendError, Log, LogEntry, Unavailable};
use stele_core::record::Record;
use stele_core::unit::{Hash, Position, Timestamp};

use crate::progress::Progress;
use crate::source::{Source, SourceError};

/// What stands in the log where a message was lost that was no record. Every reader skips it, as it skipped the other.
const PLACEHOLDER: &[u8] = br#"{"stele":"placeholder","why":"a message that was no record was lost here"}"#;

/// Why nothing can be healed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealError {
    /// The journal is empty.
    #[error("the journal holds no record")]
    NothingKept,
    /// A message of the journal is no record.
    #[error("the journal holds something at position {position} that is no record: {why}")]
    NoRecord {
        /// Where.
        position: Position,
        /// Why it is none.
        why: String,
    },
    /// Between the log's end and the journal's first record others are missing.
    #[error(
        "position {position} of the journal continues position {before}, which neither the journal nor the log holds: \
         records between them are lost for good"
    )]
    Gap {
        /// The record of the journal.
        position: Position,
        /// What it continues.
        before: Position,
    },
    /// The histories have parted.
    #[error("the log and the journal hold different records at position {}: there are two histories", .0.position)]
    Diverged(Box<Divergence>),
    /// Somebody else writes.
    #[error("somebody else appended at position {0} meanwhile: stop all controls of the cell, then look again")]
    Conflict(Position),
    /// The log does not take it.
    #[error("the log refuses position {position}: {why}")]
    Refused {
        /// Where.
        position: Position,
        /// Why.
        why: String,
    },
    /// The log cannot be read where the journal has records.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Two records at one position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// Where they stand: the first position that differs.
    pub position: Position,
    /// What the log has; nothing when it is no record.
    pub log: Option<Described>,
    /// What the journal has.
    pub journal: Described,
}

/// What a record is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Described {
    /// Where it stands.
    pub position: Position,
    /// When it was written.
    pub at: Timestamp,
    /// The epoch of its writer.
    pub epoch: u64,
    /// Which record it is, counted from 1.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
    /// How many commits it holds.
    pub commits: usize,
    /// The kinds of the events in them.
    pub events: Vec<&'static str>,
}

/// What a log has lost of what the journal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Where the log ends.
    pub tail: Position,
    /// The newest record of the journal.
    pub newest: Position,
    /// The records that are missing, in order; none when the log is whole.
    pub missing: Vec<Described>,
    /// Where messages are missing that were no records.
    pub strays: Vec<Position>,
    #[serde(skip)]
    payloads: BTreeMap<Position, Bytes>,
}

/// Compares the log with the journal's records, which are in order.
///
/// # Errors
/// [`HealError`] when the histories have parted, or when the journal does not reach back to the log's end.
pub async fn assess<L: Log>(log: &L, journal: &[LogEntry], progress: &mut dyn Progress) -> Result<Loss, HealError> {
    let (Some(oldest), Some(newest)) = (journal.first(), journal.last()) else { return Err(HealError::NothingKept) };
    let tail = log.tail().await?;
    let overlap = journal.iter().take_while(|entry| entry.position <= tail);
    compare(log, overlap, oldest.position, tail, progress).await?;
    let mut loss =
        Loss { tail, newest: newest.position, missing: Vec::new(), strays: Vec::new(), payloads: BTreeMap::new() };
    for entry in journal.iter().filter(|entry| entry.position > tail) {
        let (described, record) = describe(entry)?;
        let (before, hash) = (record.head.prev_seq, record.head.prev_hash);
        let found = match loss.payloads.get(&before) {
            Some(payload) => Some(Hash::of(payload)),
            None if before == Position(0) => Some(Hash::default()),
            None if before <= tail => log.get(before).await?.map(|entry| Hash::of(&entry.payload)),
            None => None,
        };
        match found {
            Some(found) if found == hash => {}
            Some(_) => return Err(diverged(log.get(before).await?, described, before)),
            None => return Err(HealError::Gap { position: entry.position, before }),
        }
        loss.missing.push(described);
        loss.payloads.insert(entry.position, entry.payload.clone());
    }
    let there: BTreeSet<u64> = loss.payloads.keys().map(|position| position.0).collect();
    loss.strays =
        (tail.next().0..newest.position.0).filter(|position| !there.contains(position)).map(Position).collect();
    progress.finish();
    Ok(loss)
}

/// Finds the first record of the journal where the log holds something else.
async fn compare<'a, L: Log>(
    log: &L,
    kept: impl Iterator<Item = &'a LogEntry>,
    from: Position,
    tail: Position,
    progress: &mut dyn Progress,
) -> Result<(), HealError> {
    if from > tail {
        return Ok(());
    }
    let mut kept = kept.peekable();
    let mut source = Source::open_from(log, from, Some(tail), progress).await?;
    while kept.peek().is_some() {
        let batch = source.batch().await?;
        if batch.is_empty() {
            break;
        }
        progress.advance(batch.len() as u64);
        for found in batch {
            // What the journal has not is no record.
            let Some(own) = kept.next_if(|own| own.position == found.position) else { continue };
            if own.payload != found.payload {
                return Err(diverged(Some(found), describe(own)?.0, own.position));
            }
        }
    }
    Ok(())
}

fn diverged(theirs: Option<LogEntry>, journal: Described, position: Position) -> HealError {
    let log = theirs.and_then(|entry| describe(&entry).ok()).map(|(described, _)| described);
    HealError::Diverged(Box::new(Divergence { position, log, journal }))
}

fn describe(entry: &LogEntry) -> Result<(Described, Record), HealError> {
    let record: Record = serde_json::from_slice(&entry.payload)
        .map_err(|error| HealError::NoRecord { position: entry.position, why: error.to_string() })?;
    let names: BTreeSet<&'static str> =
        record.commits.iter().flat_map(|commit| &commit.events).map(stele_core::event::Event::name).collect();
    let described = Described {
        position: entry.position,
        at: record.head.at,
        epoch: record.head.epoch,
        index: record.head.index,
        hash: Hash::of(&entry.payload),
        commits: record.commits.len(),
        events: names.into_iter().collect(),
    };
    Ok((described, record))
}

/// Appends what is missing, each record where it stood; gives the log's new end. It may be cut short and said again.
///
/// # Errors
/// [`HealError::Conflict`] when somebody else writes; what was appended before stays, and is right.
pub async fn heal<L: Log>(log: &L, loss: &Loss, progress: &mut dyn Progress) -> Result<Position, HealError> {
    progress.set_total(loss.newest.0.saturating_sub(loss.tail.0));
    let mut end = loss.tail;
    while end < loss.newest {
        let position = end.next();
        let payload = loss.payloads.get(&position).cloned().unwrap_or(Bytes::from_static(PLACEHOLDER));
        end = log.append(payload, end).await.map_err(|error| match error {
            AppendError::Conflict(position) => HealError::Conflict(position),
            AppendError::Refused(why) => HealError::Refused { position, why },
            AppendError::Unavailable(unavailable) => unavailable.into(),
        })?;
        progress.advance(1);
    }
    progress.finish();
    Ok(end)
}

impl Loss {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.tail >= self.newest
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_none() {
            return writeln!(out, "the log ends at position {} and holds all that the journal has", self.tail);
        }
        writeln!(out, "the log ends at position {}; the journal's newest record is at {}", self.tail, self.newest)?;
        writeln!(out, "missing records: {}", self.missing.len())?;
        for record in &self.missing {
            writeln!(out, "  {record}")?;
        }
        for position in &self.strays {
            writeln!(out, "  {position}  no record; a placeholder takes its place")?;
        }
        Ok(())
    }
}

impl Divergence {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.log {
            Some(record) => writeln!(out, "the log has      {record}")?,
            None => writeln!(out, "the log has      something that is no record")?,
        }
        writeln!(out, "the journal has  {}", self.journal)
    }
}

impl std::fmt::Display for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, at, epoch, index, commits, hash, events } = self;
        let events = if events.is_empty() { "a claim".to_owned() } else { events.join(", ") };
        write!(f, "{position}  {at}  epoch {epoch}, record {index}, {commits} commits: {events}; sha256 {hash}")
    }
}

#[cfg(test)]
mod tests {
    use stele_core::port::memory::MemoryLog;

    use super::*;
    use crate::progress::Silent;
    use crate::testing::{Cell, run, text};
    use crate::verify::{VerifyOptions, verify};

    fn entries() -> Vec<LogEntry> {
        let mut cell = Cell::with_pools();
        cell.create(1, 5);
        cell.stray(b"noise");
        cell.create(2, 5);
        cell.log.entries()
    }

    fn log_of(entries: &[LogEntry]) -> MemoryLog {
        let log = MemoryLog::new();
        for entry in entries {
            log.inject(entry.payload.clone());
        }
        log
    }

    /// What a journal keeps of them: the records.
    fn journal(entries: &[LogEntry]) -> Vec<LogEntry> {
        entries.iter().filter(|entry| entry.payload != b"noise".as_slice()).cloned().collect()
    }

    fn look(log: &MemoryLog, journal: &[LogEntry]) -> Result<Loss, HealError> {
        run(assess(log, journal, &mut Silent))
    }

    /// Wherever the log was cut, it is whole again, and verifies as before.
    #[test]
    fn every_tail_that_was_lost_comes_back_as_it_was() {
        let all = entries();
        let digest = |log: &MemoryLog| run(verify(log, VerifyOptions::default(), &mut Silent)).unwrap();
        let before = digest(&log_of(&all));
        for kept in 0..=all.len() {
            let log = log_of(&all[..kept]);
            let loss = look(&log, &journal(&all)).unwrap();
            assert_eq!(loss.missing.len() + loss.strays.len(), all.len() - kept);
            assert_eq!(loss.is_none(), kept == all.len());
            assert_eq!(run(heal(&log, &loss, &mut Silent)).unwrap().0 as usize, all.len());
            let after = digest(&log);
            assert!(after.ok, "{:?}", after.first_bad);
            assert_eq!((&after.head, &after.digest), (&before.head, &before.digest), "cut behind {kept}");
            assert!(look(&log, &journal(&all)).unwrap().is_none(), "it may be said again");
        }
    }

    #[test]
    fn a_journal_that_begins_later_heals_what_it_reaches() {
        let all = entries();
        // The noise stands at position 6, and the next two are records.
        let late = journal(&all[6..]);
        for (kept, missing) in [(8, 0), (7, 1), (6, 2), (5, 2)] {
            assert_eq!(look(&log_of(&all[..kept]), &late).unwrap().missing.len(), missing, "{kept}");
        }
        let gone = look(&log_of(&all[..3]), &late).unwrap_err();
        assert_eq!(gone, HealError::Gap { position: Position(7), before: Position(5) });
        assert_eq!(look(&log_of(&all), &[]), Err(HealError::NothingKept));
    }

    #[test]
    fn two_histories_are_told_apart_and_neither_is_touched() {
        let all = entries();
        let mut other = Cell::with_pools();
        other.create(9, 7);
        let log = other.log.clone();
        let entries = log.entries();
        let error = look(&log, &journal(&all)).unwrap_err();
        let HealError::Diverged(parted) = error else { panic!("{error}") };
        let first = entries.iter().zip(&all).find(|(a, b)| a != b).unwrap().0.position;
        assert_eq!(parted.position, first);
        let shown = text(|out| parted.render(out));
        assert!(shown.contains("the log has") && shown.contains("the journal has"), "{shown}");
        assert_eq!(log.entries(), entries);
    }

    #[test]
    fn somebody_who_writes_meanwhile_is_noticed() {
        let all = entries();
        let log = log_of(&all[..5]);
        let loss = look(&log, &journal(&all)).unwrap();
        log.inject(Bytes::from_static(b"another"));
        assert_eq!(run(heal(&log, &loss, &mut Silent)), Err(HealError::Conflict(Position(6))));
    }
}
