//! Which messages of the stream are the log: the rule that every reader follows alike.
//!
//! A message is a record when it continues the last accepted one: its `prev_seq` and `prev_hash` name it, its index
//! follows, and it is of the same epoch and writer, or claims a higher epoch. Anything else (a stray publish, a late
//! record of a deposed writer) is skipped by everybody, and counted.

use serde::{Deserialize, Serialize};

use crate::id::WriterId;
use crate::port::LogEntry;
use crate::record::{RECORD_VERSION, Record, RecordHead};
use crate::unit::{Hash, Position, Timestamp};

/// The last accepted record, as far as the next one needs it. The default is the place before the first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Where it stands.
    pub position: Position,
    /// Its hash.
    pub hash: Hash,
    /// Its index; 0 before the first.
    pub index: u64,
    /// Its epoch; 0 before the first.
    pub epoch: u64,
    /// Its writer.
    pub writer: WriterId,
    /// Its time.
    pub at: Timestamp,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            position: Position(0),
            hash: Hash::default(),
            index: 0,
            epoch: 0,
            writer: WriterId(uuid::Uuid::nil()),
            at: Timestamp::default(),
        }
    }
}

/// What a message of the stream is; `R` is as much of a record as was read.
#[derive(Debug, Clone)]
pub enum Link<R = Record> {
    /// It continues the chain; its hash comes with it.
    Record(Box<R>, Hash),
    /// It is not part of the log.
    Stray(StrayReason),
}

/// A message with all that can be read of it by itself. That is the greater part of the work of reading a log, and needs
/// nothing of what stands before: it can be done ahead, of many messages at once.
#[derive(Debug)]
pub struct Opened {
    /// The message.
    pub entry: LogEntry,
    hash: Hash,
    record: Result<Box<Record>, NoRecord>,
}

/// What has not the form of a record of this version.
#[derive(Debug)]
struct NoRecord {
    why: String,
    /// What it continues, when it says so in the way that every version of the format has.
    continues: Option<(Position, Hash)>,
}

impl Opened {
    /// Reads a message.
    #[must_use]
    pub fn of(entry: LogEntry) -> Self {
        // Text that is known to be UTF-8 as a whole is read faster than string by string.
        let record = match std::str::from_utf8(&entry.payload) {
            Ok(text) => serde_json::from_str(text).map_err(|error| NoRecord::of(&entry, error.to_string())),
            Err(error) => Err(NoRecord::of(&entry, error.to_string())),
        };
        Self { hash: Hash::of(&entry.payload), entry, record }
    }
}

impl NoRecord {
    fn of(entry: &LogEntry, why: String) -> Self {
        // Only what every version of the format has; all else may be unknown.
        #[derive(Deserialize)]
        struct Core {
            prev_seq: Position,
            prev_hash: Hash,
        }
        let core: Option<Core> = serde_json::from_slice(&entry.payload).ok();
        Self { why, continues: core.map(|core| (core.prev_seq, core.prev_hash)) }
    }
}

/// Why a message is not part of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrayReason {
    /// It has not the form of a record.
    #[error("it is not a record: {0}")]
    NotARecord(String),
    /// It continues another record than the last accepted one.
    #[error("it continues position {prev_seq}, not {expected}")]
    OtherPredecessor {
        /// What it names.
        prev_seq: Position,
        /// What it would have to name.
        expected: Position,
    },
    /// It names the right position with another hash: its writer saw other bytes there.
    #[error("it continues other bytes at position {0}")]
    OtherHash(Position),
    /// Its writer is deposed, or never led.
    #[error("epoch {epoch} of writer {writer} does not lead")]
    NotLeading {
        /// Its epoch.
        epoch: u64,
        /// Its writer.
        writer: WriterId,
    },
    /// Its index does not follow.
    #[error("its index {0} does not follow")]
    OtherIndex(u64),
}

/// A record that continues the chain and cannot be read: nothing behind it can be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record at position {position} cannot be read ({why}); it may be of a newer release: update this program")]
pub struct Unreadable {
    /// Where it stands.
    pub position: Position,
    /// What is wrong.
    pub why: String,
}

impl Chain {
    /// Tells whether a message continues the log.
    ///
    /// # Errors
    /// [`Unreadable`] when it does and cannot be understood.
    pub fn link(&self, entry: &LogEntry) -> Result<Link, Unreadable> {
        self.link_opened(Opened::of(entry.clone()))
    }

    /// The same of a message that was read ahead.
    ///
    /// # Errors
    /// [`Unreadable`] when it continues the log and cannot be understood.
    pub fn link_opened(&self, opened: Opened) -> Result<Link, Unreadable> {
        let record = match opened.record {
            Ok(record) => record,
            Err(no_record) => return self.link_unread(opened.entry.position, no_record),
        };
        match self.examine(&record.head, opened.entry.position)? {
            Some(reason) => Ok(Link::Stray(reason)),
            None => Ok(Link::Record(record, opened.hash)),
        }
    }

    /// The same by the head alone, for who only hands records on: most of a record is commits, and they are not looked
    /// at. A record whose commits were damaged is one here, until the next record names another hash.
    ///
    /// # Errors
    /// [`Unreadable`] when it continues the log and its head cannot be understood.
    pub fn link_head(&self, entry: &LogEntry) -> Result<Link<RecordHead>, Unreadable> {
        // Within a string a quote has a backslash before it, so these bytes are nothing but the key. Writers put it last.
        const COMMITS: &[u8] = b",\"commits\":[";
        let payload = &entry.payload;
        let cut = payload.windows(COMMITS.len()).position(|window| window == COMMITS);
        let head: Option<RecordHead> =
            cut.and_then(|cut| serde_json::from_slice(&[&payload[..cut], b"}"].concat()).ok());
        let head = match head.map_or_else(|| serde_json::from_slice(payload), Ok) {
            Ok(head) => head,
            Err(error) => return self.link_unread(entry.position, NoRecord::of(entry, error.to_string())),
        };
        match self.examine(&head, entry.position)? {
            Some(reason) => Ok(Link::Stray(reason)),
            None => Ok(Link::Record(Box::new(head), Hash::of(payload))),
        }
    }

    /// Goes on to a record that was accepted.
    pub fn advance(&mut self, head: &RecordHead, position: Position, hash: Hash) {
        *self = Self { position, hash, index: head.index, epoch: head.epoch, writer: head.writer, at: head.at };
    }

    /// Why it is a stray; `None` when it continues the log.
    fn examine(&self, head: &RecordHead, position: Position) -> Result<Option<StrayReason>, Unreadable> {
        if let Some(reason) = self.stray(head) {
            return Ok(Some(reason));
        }
        if head.v != RECORD_VERSION {
            return Err(Unreadable { position, why: format!("format version {}", head.v) });
        }
        Ok(None)
    }

    fn link_unread<R>(&self, position: Position, NoRecord { why, continues }: NoRecord) -> Result<Link<R>, Unreadable> {
        match continues {
            Some((seq, hash)) if seq == self.position && hash == self.hash => Err(Unreadable { position, why }),
            Some((prev_seq, _)) => Ok(Link::Stray(StrayReason::OtherPredecessor { prev_seq, expected: self.position })),
            None => Ok(Link::Stray(StrayReason::NotARecord(why))),
        }
    }

    fn stray(&self, head: &RecordHead) -> Option<StrayReason> {
        if head.prev_seq != self.position {
            return Some(StrayReason::OtherPredecessor { prev_seq: head.prev_seq, expected: self.position });
        }
        if head.prev_hash != self.hash {
            return Some(StrayReason::OtherHash(self.position));
        }
        if head.index != self.index + 1 {
            return Some(StrayReason::OtherIndex(head.index));
        }
        // The first record is a claim: nobody leads before it.
        let continues =
            self.index > 0 && head.claim.is_none() && head.epoch == self.epoch && head.writer == self.writer;
        let claims = head.claim.is_some() && head.epoch > self.epoch;
        (!continues && !claims).then_some(StrayReason::NotLeading { epoch: head.epoch, writer: head.writer })
    }
}

#[cfg(test)]
mod tests;
