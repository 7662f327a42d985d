//! Asking the projection, as it is now or as it was at any position that is kept.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use redb::{Database, ReadTransaction, ReadableDatabase as _};
use serde::de::DeserializeOwned;
use stele_core::chain::Chain;
use stele_core::codec::decode;
use stele_core::digest::{StateDigest, TableHasher};
use stele_core::moment::Moment;
use stele_core::unit::{Position, Timestamp};

use crate::store::StoreError;
use crate::table::past::{self, Kept};
use crate::table::{self, Rows, chain_marks, meta};
use rows::Past;
pub(crate) use rows::{OpenTable, RowRange};

/// A handle for queries on a projection; a clone costs a reference count.
#[derive(Clone)]
pub struct Reader {
    database: Arc<Database>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// What is applied now; it stays the same while further batches are applied.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let transaction = self.database.begin_read()?;
        // In the same transaction as the rows, so that an answer's position is exactly that of its rows.
        let cursor = meta::read(&transaction.open_table(meta::TABLE.definition())?, meta::CURSOR)?.unwrap_or_default();
        Ok(Snapshot { transaction, cursor, past: None })
    }

    /// What was applied at a moment: every answer is the one that was given then.
    ///
    /// # Errors
    /// [`PastError`] when the moment is not kept any more, or not applied yet.
    pub fn snapshot_at(&self, moment: Moment) -> Result<Snapshot, PastError> {
        let mut snapshot = self.snapshot()?;
        let applied = snapshot.cursor.seen;
        let kept: Option<Kept> = snapshot.get(meta::TABLE, meta::PAST)?;
        let first = kept.unwrap_or_default().first;
        let position = match moment {
            Moment::Head => return Ok(snapshot),
            Moment::Position(position) => position,
            Moment::Time(time) => snapshot.position_at(time, first)?.ok_or(PastError::NotKept { first })?,
        };
        if position < first {
            return Err(PastError::NotKept { first });
        }
        match position.cmp(&applied) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Ok(snapshot),
            std::cmp::Ordering::Greater => return Err(PastError::NotApplied { applied }),
        }
        snapshot.past = Some(snapshot.past_at(position)?);
        snapshot.cursor = snapshot.get(meta::TABLE, meta::CURSOR)?.unwrap_or_default();
        Ok(snapshot)
    }
}

/// Why the past cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It lies before what is kept.
    #[error("the past is kept from position {first} on")]
    NotKept {
        /// The first position that can be asked for.
        first: Position,
    },
    /// It is not past yet.
    #[error("the log is applied up to position {applied}")]
    NotApplied {
        /// Up to where the log is applied.
        applied: Position,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The projection at one position.
pub struct Snapshot {
    transaction: ReadTransaction,
    cursor: meta::Cursor,
    /// Absent: as it is now.
    past: Option<Past>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Up to where the log is in it.
    #[must_use]
    pub fn cursor(&self) -> &meta::Cursor {
        &self.cursor
    }

    /// The last position of the stream that it contains.
    #[must_use]
    pub fn position(&self) -> Position {
        self.cursor.seen
    }

    /// When the last record in it was written; the beginning of time when there is none.
    #[must_use]
    pub fn moved_at(&self) -> Timestamp {
        self.cursor.chain.at
    }

    /// Who writes the log; `None` before the first claim.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn leader(&self) -> Result<Option<meta::Leader>, StoreError> {
        self.get(meta::TABLE, meta::LEADER)
    }

    /// The position of the last record and the digest of the rows as they are stored.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn digest(&self) -> Result<(Position, StateDigest), StoreError> {
        let mut tables = BTreeMap::new();
        for table in table::STATE {
            let mut hasher = TableHasher::default();
            for row in self.rows(table)? {
                let (key, value) = row?;
                hasher.row(key.value(), value.value());
            }
            tables.insert(table.name().to_owned(), hasher.finish());
        }
        Ok((self.cursor.chain.position, StateDigest::of_tables(tables)))
    }

    /// How many rows each table has.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn row_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let tables = table::STATE.into_iter().chain(table::DERIVED);
        tables.map(|table| Ok((table.name().to_owned(), self.open(table)?.count()?))).collect()
    }

    /// Up to when anything can have been asked for that stands in it; `None` when that is no help.
    pub(crate) fn asked_until(&self) -> Option<Timestamp> {
        self.past.as_ref().map(|_| self.cursor.chain.at)
    }

    /// The newest place at or before `position` from which the log can be read on.
    pub(crate) fn chain_at_or_before(&self, position: Position) -> Result<Chain, StoreError> {
        if position >= self.cursor.chain.position {
            return Ok(self.cursor.chain);
        }
        let last = chain_marks::key(position);
        match self.marks()?.range(Bound::Unbounded, Bound::Included(last.as_slice()))?.next_back() {
            Some(row) => Ok(decode(row?.1.value())?),
            None => Ok(Chain::default()),
        }
    }

    /// The first place at or behind `position` from which the log can be read on; the last one that is known when there
    /// is none.
    pub(crate) fn chain_at_or_after(&self, position: Position) -> Result<Chain, StoreError> {
        let first = chain_marks::key(position);
        match self.marks()?.range(Bound::Included(first.as_slice()), Bound::Unbounded)?.next() {
            Some(row) => Ok(decode(row?.1.value())?),
            None => Ok(self.cursor.chain),
        }
    }

    /// Marks are never changed: those up to a position are the same at every later one.
    fn marks(&self) -> Result<OpenTable, StoreError> {
        Ok(OpenTable::new(chain_marks::TABLE, self.now(chain_marks::TABLE)?, None))
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, table: Rows, key: &[u8]) -> Result<Option<T>, StoreError> {
        match self.open(table)?.get(key)? {
            Some(value) => Ok(Some(decode(value.value())?)),
            None => Ok(None),
        }
    }

    /// A table, opened once for many look-ups.
    pub(crate) fn open(&self, table: Rows) -> Result<OpenTable, StoreError> {
        Ok(OpenTable::new(table, self.now(table)?, self.past.clone()))
    }

    pub(crate) fn rows(&self, table: Rows) -> Result<RowRange, StoreError> {
        self.range(table, Bound::Unbounded, Bound::Unbounded)
    }

    /// The rows whose keys begin with `prefix`.
    pub(crate) fn rows_under(&self, table: Rows, prefix: &[u8]) -> Result<RowRange, StoreError> {
        let end = behind(prefix);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.range(table, Bound::Included(prefix), end)
    }

    pub(crate) fn range(&self, table: Rows, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<RowRange, StoreError> {
        self.open(table)?.range(from, to)
    }

    fn now(&self, table: Rows) -> Result<redb::ReadOnlyTable<&'static [u8], &'static [u8]>, StoreError> {
        Ok(self.transaction.open_table(table.definition())?)
    }

    fn past_at(&self, position: Position) -> Result<Past, StoreError> {
        Ok(Past::new(self.transaction.open_table(past::TABLE)?, position))
    }

    /// The position of the last record that was written at or before `time`; of those from `first` on, or `None`.
    ///
    /// The cursor is a row like any other, so its past tells the time at each position. Times do not go back from one
    /// record to the next (a writer whose clock does goes on with the last time), so the place is found by halving.
    fn position_at(&self, time: Timestamp, first: Position) -> Result<Option<Position>, StoreError> {
        let cursor = |position: u64| -> Result<meta::Cursor, StoreError> {
            let table = OpenTable::new(meta::TABLE, self.now(meta::TABLE)?, Some(self.past_at(Position(position))?));
            let found = table.get(meta::CURSOR)?;
            Ok(found.map(|found| decode(found.value())).transpose()?.unwrap_or_default())
        };
        let (mut below, mut above) = (first.0, self.cursor.seen.0.saturating_add(1));
        // Before the first record there is nothing that could be too late.
        if first > Position(0) && cursor(below)?.chain.at > time {
            return Ok(None);
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if cursor(middle)?.chain.at > time { above = middle } else { below = middle }
        }
        Ok(Some(cursor(below)?.chain.position.max(first)))
    }
}

/// The first key behind all that begin with `prefix`; `None` when there is none.
pub(crate) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
