use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{Database, Durability, WriteTransaction};
use stele_core::chain::Opened;
use stele_core::digest::StateDigest;
use stele_core::fold::FoldError;
use stele_core::port::LogEntry;
use stele_core::state::State;
use stele_core::unit::Position;

use crate::history::HistoryBatch;
use crate::reader::Reader;
use crate::step::{Known, step};
use crate::store::StoreError;
use crate::table::past::Kept;
use crate::table::sink::Quick;
use crate::table::writer::Writer;
use crate::table::{self, meta};

pub use crate::table::meta::{Cursor, Leader};

/// What redb may keep of the file in memory. Its default of 1 GiB is more than a cell's whole projection.
pub(crate) const CACHE_BYTES: usize = 128 * 1024 * 1024;

/// How long applied records may be only in memory.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// How many applied records may be only in memory. Pages that they free cannot be used again before they are synced,
/// so this also bounds how much the file grows while the log is read from the start.
const SYNC_AFTER_RECORDS: u64 = 8192;

/// How many positions back the past can be asked for when nobody says.
pub const HISTORY_DEFAULT: u64 = 2_000_000;

/// The state and its histories in a redb file, folded from the log, and the same state in memory.
///
/// Within the last `history` positions each message is applied by itself, in the transaction of its batch, and every
/// row that it changes is kept as it was before, unless the row tells its past itself: so the past can be asked at every
/// position, and not only where a batch happened to end. What is older is applied in one piece, without a past.
#[derive(Debug)]
pub struct Projection {
    database: Arc<Database>,
    path: PathBuf,
    known: Known,
    history: u64,
    kept: Kept,
    /// Up to here messages are so old that their past is not kept.
    old_until: Position,
    unsynced: u64,
    synced_at: Instant,
}

/// Why a projection cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the projection {path} is open in another process; stop that one, or choose another data directory")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It was written by another release.
    #[error(
        "the projection {path} has format {found:?} and this program reads {expected:?}; \
         run `stele replay rebuild` to make it anew from the log"
    )]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// Its formats: the codec's and the layout's.
        found: (u32, u32),
        /// Those of this program.
        expected: (u32, u32),
    },
    /// It is no projection, or damaged.
    #[error("the projection {path} is damaged; run `stele replay rebuild` to make it anew from the log")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: StoreError,
    },
    /// The file system does not let it be read or written.
    #[error("the projection {path} cannot be opened; check that its directory exists and can be written to")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: StoreError,
    },
}

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The log cannot be understood from here on; whoever serves from it stops.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The store did not take it.
    #[error("what the log says could not be stored")]
    Store(#[from] StoreError),
    /// The batch does not begin behind the last one: a fault of the caller.
    #[error("position {found} was given where {expected} is next")]
    NotNext {
        /// The position that is next.
        expected: Position,
        /// The position that was given.
        found: Position,
    },
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Up to where the stream was looked at.
    pub position: Position,
    /// How many records the batch had.
    pub records: u64,
    /// How many of its messages were none.
    pub strays: u64,
}

impl Projection {
    /// Opens the file as [`Projection::open_keeping`] does, with [`HISTORY_DEFAULT`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_keeping(path, HISTORY_DEFAULT)
    }

    /// Opens the file, or makes it, and loads the state into memory. The past of the last `history` positions is kept from
    /// here on: a larger number than before does not bring back what was removed.
    ///
    /// # Errors
    /// [`OpenError`] says what to do; nothing is ever converted or repaired silently.
    pub fn open_keeping(path: &Path, history: u64) -> Result<Self, OpenError> {
        // redb trusts a file that was closed in good order, and panics at some kinds of damage in it.
        let opened = std::panic::catch_unwind(|| {
            let database = Database::builder().set_cache_size(CACHE_BYTES).create(path);
            let database = database.map_err(|error| open_error(path, error.into()))?;
            let loaded = load(&database, path)?;
            Ok((database, loaded))
        });
        let panicked = |_| Err(OpenError::Damaged { path: path.to_owned(), source: StoreError::Inconsistent });
        let (database, (known, kept)) = opened.unwrap_or_else(panicked)?;
        let (database, path) = (Arc::new(database), path.to_owned());
        let (old_until, unsynced, synced_at) = (Position(0), 0, Instant::now());
        Ok(Self { database, path, known, history, kept, old_until, unsynced, synced_at })
    }

    /// A handle for queries; any number of them, also while batches are applied.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.database))
    }

    /// The state in memory, up to [`Projection::cursor`].
    #[must_use]
    pub fn state(&self) -> &State {
        &self.known.state
    }

    /// Up to where the log is applied.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.known.cursor
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first position whose past can be asked for.
    #[must_use]
    pub fn first_kept(&self) -> Position {
        self.kept.first
    }

    /// Says where the log ends, so that what is more than the history before it is applied without a past, which is faster.
    pub fn expect_tail(&mut self, tail: Position) {
        self.old_until = Position(tail.0.saturating_sub(self.history));
    }

    /// Applies the next messages of the stream in one transaction: rows, indexes, histories, their past and the cursor
    /// together.
    ///
    /// # Errors
    /// [`ApplyError`]; neither the file nor the memory has changed then.
    pub fn apply(&mut self, entries: &[LogEntry]) -> Result<Applied, ApplyError> {
        self.apply_opened(entries.iter().cloned().map(Opened::of).collect())
    }

    /// The same with messages that were read ahead.
    ///
    /// # Errors
    /// [`ApplyError`]; neither the file nor the memory has changed then.
    pub fn apply_opened(&mut self, mut messages: Vec<Opened>) -> Result<Applied, ApplyError> {
        let count = messages.len() as u64;
        let (mut known, mut kept) = (self.known.clone(), self.kept.clone());
        let durability = self.durability(count);
        let mut transaction = self.database.begin_write().map_err(StoreError::from)?;
        transaction.set_durability(durability).map_err(StoreError::from)?;
        let mut writer = Writer::new(&transaction)?;
        let mut histories = HistoryBatch::new(&self.known.state, Quick::default());
        let is_old = |message: &Opened| self.history == 0 || message.entry.position <= self.old_until;
        let recent = messages.split_off(messages.partition_point(is_old));
        let old = messages;
        if !old.is_empty() {
            step(old, &mut known, &mut histories, &mut writer)?;
            kept.first = known.cursor.seen;
        }
        for message in recent {
            writer.keep_before(Some(message.entry.position));
            step([message], &mut known, &mut histories, &mut writer)?;
        }
        let seen = known.cursor.seen;
        kept.first = kept.first.max(Position(seen.0.saturating_sub(self.history)));
        writer.keep_before(None);
        histories.write(&mut writer)?;
        writer.finish(&mut kept)?;
        meta::write(&transaction, meta::PAST, &kept)?;
        transaction.commit().map_err(StoreError::from)?;
        let strays = known.cursor.strays - self.known.cursor.strays;
        (self.known, self.kept) = (known, kept);
        match durability {
            Durability::Immediate => self.synced(),
            _ => self.unsynced += count,
        }
        Ok(Applied { position: seen, records: count - strays, strays })
    }

    /// Brings everything that was applied to the disk.
    ///
    /// # Errors
    /// [`StoreError`] when the disk does not take it.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if self.unsynced == 0 {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        meta::write(&transaction, meta::CURSOR, &self.known.cursor)?;
        transaction.commit()?;
        self.synced();
        Ok(())
    }

    /// Brings everything to the disk and closes the file, as far as no [`Reader`] holds it open.
    ///
    /// # Errors
    /// [`StoreError`] when the disk does not take it.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.flush()
    }

    /// The position of the last record and the digest of the rows as they are stored.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn digest(&self) -> Result<(Position, StateDigest), StoreError> {
        self.reader().snapshot()?.digest()
    }

    /// Brings everything to the disk if it has waited long enough: for a log to which nothing is appended.
    pub(crate) fn flush_when_due(&mut self) -> Result<Applied, ApplyError> {
        if self.synced_at.elapsed() >= SYNC_AFTER {
            self.flush()?;
        }
        Ok(Applied { position: self.known.cursor.seen, records: 0, strays: 0 })
    }

    /// How a batch is committed.
    ///
    /// All of this is derived from the log: what a crash loses is folded again from the cursor that survived, which is
    /// in the same transaction as the rows. So a batch is not worth an fsync of its own; now and then one is, to keep
    /// that second fold short.
    fn durability(&self, entries: u64) -> Durability {
        let due = self.unsynced + entries >= SYNC_AFTER_RECORDS || self.synced_at.elapsed() >= SYNC_AFTER;
        if due { Durability::Immediate } else { Durability::None }
    }

    fn synced(&mut self) {
        self.unsynced = 0;
        self.synced_at = Instant::now();
    }
}

/// What a file holds that is needed in memory.
fn load(database: &Database, path: &Path) -> Result<(Known, Kept), OpenError> {
    let read = || -> Result<_, StoreError> {
        let transaction = database.begin_write()?;
        if transaction.list_tables()?.next().is_none() {
            found(&transaction)?;
        }
        let table = transaction.open_table(meta::TABLE.definition())?;
        let formats = meta::read_formats(&table)?;
        if formats != Some(meta::FORMATS) {
            return Ok(Err(formats));
        }
        let cursor: Option<Cursor> = meta::read(&table, meta::CURSOR)?;
        let leader = meta::read(&table, meta::LEADER)?;
        let kept: Option<Kept> = meta::read(&table, meta::PAST)?;
        drop(table);
        let state = table::load_state(&transaction)?;
        transaction.commit()?;
        Ok(Ok((Known { state, cursor: cursor.unwrap_or_default(), leader }, kept.unwrap_or_default())))
    };
    match read().map_err(|error| open_error(path, error))? {
        Ok(loaded) => Ok(loaded),
        Err(found) => Err(OpenError::OtherFormat {
            path: path.to_owned(),
            found: found.unwrap_or_default(),
            expected: meta::FORMATS,
        }),
    }
}

/// Makes the tables of a new file, with the rows of the state before the first record.
fn found(transaction: &WriteTransaction) -> Result<(), StoreError> {
    table::create_all(transaction)?;
    meta::write_formats(transaction)?;
    meta::write(transaction, meta::CURSOR, &Cursor::default())?;
    table::each_row(&State::default(), |rows, key, value| {
        transaction.open_table(rows.definition())?.insert(key.as_slice(), value.as_slice())?;
        Ok(())
    })
}

pub(crate) fn open_error(path: &Path, source: StoreError) -> OpenError {
    let path = path.to_owned();
    match &source {
        StoreError::Database(error) => match error.as_ref() {
            redb::Error::DatabaseAlreadyOpen => OpenError::Busy { path },
            redb::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
                OpenError::Unusable { path, source }
            }
            _ => OpenError::Damaged { path, source },
        },
        // Nobody sorts to open a file.
        StoreError::Sorting(_) | StoreError::Abandoned => OpenError::Unusable { path, source },
        StoreError::Row(_) | StoreError::Inconsistent => OpenError::Damaged { path, source },
    }
}

#[cfg(test)]
mod tests;
