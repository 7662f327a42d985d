//! The last record before a position, which a file of the messages from there on names in its header.
//!
//! Only who reads from the first message knows for sure which messages are records. But a record names the one before it
//! by position and hash, so the record that the messages from `from` on build on can be read from them: the first that
//! has the form of a record names it, it must have that hash, and nothing around may contradict:
//!
//! ```text
//! ...   named   | no record |   from ... first ... | all that have the form of a record continue it
//! ```
//!
//! Where anything does (a record of a deposed writer, a damaged one), or where too few messages follow to tell, the log
//! is read from its first message. Whoever reads the file meets the same chain: a wrong one would not go on.

use stele_core::chain::{Chain, Link};
use stele_core::port::{Log, LogEntry};
use stele_core::record::RecordHead;
use stele_core::unit::{Hash, Position};

use super::error::ExportError;
use crate::progress::Silent;
use crate::source::{Source, SourceError};

/// How many messages are looked at before and behind the position.
const LOOKED_AT: u64 = 64;

/// How many records must go on from the one that is found.
const WITNESSES: usize = 2;

/// The last record before `from`.
pub(super) async fn before<L: Log>(log: &L, from: Position) -> Result<Chain, ExportError> {
    if from <= Position(1) {
        return Ok(Chain::default());
    }
    match named(log, from).await? {
        Some(chain) => Ok(chain),
        None => followed(log, from).await,
    }
}

/// What the messages from `from` on build on, where they leave no doubt.
async fn named<L: Log>(log: &L, from: Position) -> Result<Option<Chain>, ExportError> {
    let tail = log.tail().await.map_err(SourceError::from)?;
    let behind = range(log, from, tail.min(Position(from.0 + LOOKED_AT))).await?;
    let Some(first) = behind.iter().find_map(head_of) else { return Ok(None) };
    if first.prev_seq == Position(0) || first.prev_seq >= from || from.0 - first.prev_seq.0 > LOOKED_AT {
        return Ok(None);
    }
    let entry = log.get(first.prev_seq).await.map_err(SourceError::from)?;
    let Some(entry) = entry.filter(|entry| Hash::of(&entry.payload) == first.prev_hash) else { return Ok(None) };
    let Some(head) = head_of(&entry) else { return Ok(None) };
    let mut chain = Chain::default();
    chain.advance(&head, entry.position, first.prev_hash);
    let between = range(log, entry.position.next(), Position(from.0 - 1)).await?;
    let is_clear = between.iter().all(|entry| head_of(entry).is_none()) && continues(chain, &behind);
    Ok(is_clear.then_some(chain))
}

/// Whether every message that has the form of a record continues the chain, and enough do.
fn continues(mut chain: Chain, entries: &[LogEntry]) -> bool {
    let mut records = 0;
    for entry in entries {
        match chain.link_head(entry) {
            Ok(Link::Record(head, hash)) => {
                chain.advance(&head, entry.position, hash);
                records += 1;
            }
            Ok(Link::Stray(_)) if head_of(entry).is_none() => {}
            Ok(Link::Stray(_)) | Err(_) => return false,
        }
    }
    records >= WITNESSES
}

fn head_of(entry: &LogEntry) -> Option<RecordHead> {
    serde_json::from_slice(&entry.payload).ok()
}

/// The messages of a short range.
async fn range<L: Log>(log: &L, from: Position, until: Position) -> Result<Vec<LogEntry>, ExportError> {
    let mut source = Source::open_from(log, from, Some(until), &mut Silent).await?;
    let mut all = Vec::new();
    loop {
        let entries = source.batch().await?;
        if entries.is_empty() {
            return Ok(all);
        }
        all.extend(entries);
    }
}

/// The same by following the log from its first message.
async fn followed<L: Log>(log: &L, from: Position) -> Result<Chain, ExportError> {
    let mut chain = Chain::default();
    let mut source = Source::open(log, Some(Position(from.0 - 1)), &mut Silent).await?;
    loop {
        let entries = source.batch().await?;
        if entries.is_empty() {
            return Ok(chain);
        }
        for entry in &entries {
            if let Link::Record(head, hash) = chain.link_head(entry)? {
                chain.advance(&head, entry.position, hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stele_core::port::memory::MemoryLog;

    use super::*;
    use crate::testing::{Cell, run};

    fn both(log: &MemoryLog, from: u64) -> (Option<Chain>, Chain) {
        (run(named(log, Position(from))).unwrap(), run(followed(log, Position(from))).unwrap())
    }

    #[test]
    fn what_is_found_is_what_following_from_the_first_record_finds() {
        let mut cell = Cell::busy_day();
        cell.stray(b"noise");
        cell.stray(b"");
        for number in 20..24 {
            cell.create(number, 1);
        }
        let tail = cell.tail().0;
        let mut found = 0;
        for from in 2..=tail {
            let (named, followed) = both(&cell.log, from);
            assert!(named.is_none_or(|named| named == followed), "at {from}");
            assert_eq!(named.is_some(), from < tail, "at {from}");
            found += u64::from(named.is_some());
        }
        assert!(found > 10);
        // Without what is before, which following needs.
        let purged = MemoryLog::new();
        for entry in cell.log.entries() {
            purged.inject(entry.payload);
        }
        purged.purge_through(Position(6));
        let expected = run(followed(&cell.log, Position(9))).unwrap();
        assert_eq!(run(before(&purged, Position(9))), Ok(expected));
        assert!(run(before(&purged, Position(7))).is_err(), "the record before is not there");
        assert!(run(before(&purged, Position(tail))).is_err(), "one record is no witness");
    }

    #[test]
    fn a_record_that_is_none_raises_doubt() {
        let mut cell = Cell::busy_day();
        let old = cell.log.entries()[5].payload.clone();
        cell.stray(&old);
        for number in 20..24 {
            cell.create(number, 1);
        }
        // A deposed writer's record stands at the place, behind it, and before it.
        let stray = cell.log.entries().iter().rposition(|entry| entry.payload == old).unwrap() as u64 + 1;
        for from in [stray, stray + 1, stray - 1] {
            let (named, followed) = both(&cell.log, from);
            assert_eq!(named, None, "at {from}");
            assert_eq!(run(before(&cell.log, Position(from))), Ok(followed));
        }
        assert!(both(&cell.log, stray + 2).0.is_some());
        // The record before has other bytes than it had.
        let changed = MemoryLog::new();
        for entry in cell.log.entries() {
            let bytes = if entry.position == Position(4) { Bytes::from_static(b"{}") } else { entry.payload };
            changed.inject(bytes);
        }
        assert_eq!(both(&changed, 5).0, None);
    }
}
