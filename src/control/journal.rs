//! The writer's own copy of the newest records.
//!
//! JetStream acknowledges before it writes to disk, unless it is told otherwise (and a 2.9 server cannot be told). The
//! journal keeps what was acknowledged: a log that is shorter than the journal has lost records, and is not led.
//! Where the server does not sync, a record is on this disk before anybody outside learns of its outcome.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use redb::{Database, Durability, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use stele_core::port::{Log, LogEntry, Unavailable};
use stele_core::unit::{Hash, Position};

/// Its file in a control's data folder.
pub const JOURNAL_FILE: &str = "journal.redb";

/// Key: the record's position. Value: its bytes.
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

/// Older records are dropped when all together have more bytes. Far more than a server can lose within its longest
/// sync interval (two minutes) at a sustained 500 KiB/s.
const BYTES_MAX: u64 = 64 << 20;

/// Records are dropped in groups of this many, so that dropping costs little.
const DROP_EVERY: u64 = 64;

/// The journal. Records are written one after the other by one writer.
#[derive(Debug, Clone)]
pub struct Journal {
    database: Arc<Database>,
    sync: bool,
}

/// Why the journal stops a control.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be used.
    #[error("the journal {path} cannot be used: {why}")]
    Unusable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A record could not be kept.
    #[error("the journal could not keep a record: {0}")]
    Write(String),
    /// The log ends before a record that was acknowledged.
    #[error(
        "LogShorter: the log ends at position {tail}, but position {acknowledged} was acknowledged: the server lost \
         records. Nothing is served from such a log; keep this folder and run `stele replay heal` with it"
    )]
    LogShorter {
        /// Where the log ends.
        tail: Position,
        /// The newest position that was acknowledged.
        acknowledged: Position,
    },
    /// The log holds other bytes where a record was acknowledged.
    #[error(
        "LogDiffers: position {position} of the log holds other bytes ({found}) than were acknowledged ({expected}). \
         Nothing is served from such a log; keep this folder and run `stele replay verify`"
    )]
    LogDiffers {
        /// The position.
        position: Position,
        /// The hash of what was acknowledged.
        expected: Hash,
        /// The hash of what is there.
        found: Hash,
    },
    /// What was acknowledged is not in the log any more, and the log goes on behind it.
    #[error(
        "LogArchived: the newest record that this control knows is at position {position}, which the log does not hold any \
         more: it was archived, purged or deleted. Name the archive that holds it with --archive"
    )]
    LogArchived {
        /// The position.
        position: Position,
    },
    /// The log does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Journal {
    /// Opens the journal, or makes it. With `sync` every record is on disk when [`Journal::keep`] returns.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] names the file.
    pub fn open(path: &Path, sync: bool) -> Result<Self, JournalError> {
        let unusable = |why: String| JournalError::Unusable { path: path.display().to_string(), why };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| unusable(e.to_string()))?;
        }
        let database = Database::create(path).map_err(|e| unusable(e.to_string()))?;
        let journal = Self { database: Arc::new(database), sync };
        journal.make_table().map_err(|e| unusable(e.to_string()))?;
        Ok(journal)
    }

    /// The newest record that was acknowledged.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] when the file cannot be read.
    pub fn newest(&self) -> Result<Option<(Position, Hash)>, JournalError> {
        let read = || -> Result<_, redb::Error> {
            let transaction = self.database.begin_read()?;
            let table = transaction.open_table(RECORDS)?;
            let last = table.last()?;
            Ok(last.map(|(key, value)| (Position(key.value()), Hash::of(value.value()))))
        };
        read().map_err(|e| JournalError::Unusable { path: "journal".to_owned(), why: e.to_string() })
    }

    /// All records that are kept, in order: at most some 64 MiB of them.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] when the file cannot be read.
    pub fn records(&self) -> Result<Vec<LogEntry>, JournalError> {
        let read = || -> Result<Vec<LogEntry>, redb::Error> {
            let transaction = self.database.begin_read()?;
            let table = transaction.open_table(RECORDS)?;
            let mut records = Vec::new();
            for row in table.iter()? {
                let (key, value) = row?;
                let payload = Bytes::copy_from_slice(value.value());
                records.push(LogEntry { position: Position(key.value()), payload });
            }
            Ok(records)
        };
        read().map_err(|e| JournalError::Unusable { path: "journal".to_owned(), why: e.to_string() })
    }

    /// Makes sure that the log still holds what was acknowledged.
    ///
    /// # Errors
    /// [`JournalError::LogShorter`] and [`JournalError::LogDiffers`] say what was lost.
    pub async fn check_against(&self, log: &impl Log) -> Result<(), JournalError> {
        let Some((position, expected)) = self.newest()? else { return Ok(()) };
        let tail = log.tail().await?;
        if tail < position {
            return Err(JournalError::LogShorter { tail, acknowledged: position });
        }
        let Some(found) = log.get(position).await?.map(|entry| Hash::of(&entry.payload)) else {
            return Err(JournalError::LogArchived { position });
        };
        if found == expected { Ok(()) } else { Err(JournalError::LogDiffers { position, expected, found }) }
    }

    /// Keeps a record that the log acknowledged.
    ///
    /// # Errors
    /// [`JournalError::Write`]: the control must stop, it could not prove what it was told.
    pub async fn keep(&self, position: Position, payload: Bytes) -> Result<(), JournalError> {
        let journal = self.clone();
        let write = move || journal.write(position, &payload).map_err(|e| JournalError::Write(e.to_string()));
        if !self.sync {
            // A write to memory; redb brings it to disk with one of the later ones.
            return write();
        }
        tokio::task::spawn_blocking(write).await.map_err(|e| JournalError::Write(e.to_string()))?
    }

    fn write(&self, position: Position, payload: &[u8]) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        // Without `sync` the server has the record on its disk: now and then is often enough here.
        let now = self.sync || position.0.is_multiple_of(1024);
        transaction
            .set_durability(if now { Durability::Immediate } else { Durability::None })
            .map_err(redb::Error::from)?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            table.insert(position.0, payload)?;
            if position.0.is_multiple_of(DROP_EVERY) {
                drop_oldest(&mut table)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn make_table(&self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.commit()?;
        Ok(())
    }
}

fn drop_oldest(table: &mut redb::Table<'_, u64, &'static [u8]>) -> Result<(), redb::Error> {
    let mut kept = 0_u64;
    let mut drop_through = None;
    for row in table.iter()?.rev() {
        let (key, value) = row?;
        kept += value.value().len() as u64;
        if kept > BYTES_MAX {
            drop_through = Some(key.value());
            break;
        }
    }
    if let Some(through) = drop_through {
        table.retain_in(..=through, |_, _| false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_keeps_the_newest_and_drops_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("j.redb"), false).unwrap();
        assert_eq!(journal.newest().unwrap(), None);
        let record = Bytes::from(vec![7_u8; 1 << 20]);
        for position in 1..=128 {
            journal.keep(Position(position), record.clone()).await.unwrap();
        }
        assert_eq!(journal.newest().unwrap(), Some((Position(128), Hash::of(&record))));
        let records = journal.records().unwrap();
        assert!(records.windows(2).all(|two| two[0].position.next() == two[1].position));
        assert_eq!(records.last().map(|entry| (entry.position, entry.payload.len())), Some((Position(128), 1 << 20)));
        let transaction = journal.database.begin_read().unwrap();
        let first = transaction.open_table(RECORDS).unwrap().first().unwrap().unwrap().0.value();
        assert!((2..=128 - 60).contains(&first), "the oldest is {first}");
    }

    #[tokio::test]
    async fn a_log_that_lost_or_changed_what_was_acknowledged_is_refused_by_name() {
        use stele_core::port::memory::MemoryLog;

        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("j.redb"), true).unwrap();
        let log = MemoryLog::new();
        journal.check_against(&log).await.unwrap();
        for (position, text) in [(1, "one"), (2, "two")] {
            log.append(Bytes::from(text), Position(position - 1)).await.unwrap();
            journal.keep(Position(position), Bytes::from(text)).await.unwrap();
        }
        journal.check_against(&log).await.unwrap();

        let shorter = MemoryLog::new();
        shorter.append(Bytes::from("one"), Position(0)).await.unwrap();
        let error = journal.check_against(&shorter).await.unwrap_err();
        assert!(matches!(error, JournalError::LogShorter { tail: Position(1), acknowledged: Position(2) }), "{error}");

        shorter.append(Bytes::from("other"), Position(1)).await.unwrap();
        let error = journal.check_against(&shorter).await.unwrap_err();
        assert!(matches!(error, JournalError::LogDiffers { position: Position(2), .. }), "{error}");
    }
}
