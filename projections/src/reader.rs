use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};
use serde::de::DeserializeOwned;
use stele_core::chain::Chain;
use stele_core::codec::decode;
use stele_core::digest::{StateDigest, TableHasher};
use stele_core::unit::{Position, Timestamp};

use crate::store::StoreError;
use crate::table::{self, Rows, chain_marks, meta};

/// Rows in key order.
pub(crate) type RowRange = redb::Range<'static, &'static [u8], &'static [u8]>;

/// A table that is open for reading.
pub(crate) type OpenTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

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
        let cursor = meta::read_cursor(&transaction.open_table(meta::TABLE)?)?.unwrap_or_default();
        Ok(Snapshot { transaction, cursor })
    }
}

/// The projection at one position.
pub struct Snapshot {
    transaction: ReadTransaction,
    cursor: meta::Cursor,
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
        tables.map(|table| Ok((table.name().to_owned(), self.transaction.open_table(table)?.len()?))).collect()
    }

    /// The newest place at or before `position` from which the log can be read on.
    pub(crate) fn chain_at_or_before(&self, position: Position) -> Result<Chain, StoreError> {
        let last = chain_marks::key(position);
        let marks = self.range(chain_marks::TABLE, Bound::Unbounded, Bound::Included(last.as_slice()));
        match marks?.next_back() {
            Some(row) => Ok(decode(row?.1.value())?),
            None => Ok(Chain::default()),
        }
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, table: Rows, key: &[u8]) -> Result<Option<T>, StoreError> {
        match self.transaction.open_table(table)?.get(key)? {
            Some(value) => Ok(Some(decode(value.value())?)),
            None => Ok(None),
        }
    }

    /// A table, opened once for many look-ups.
    pub(crate) fn open(&self, table: Rows) -> Result<OpenTable, StoreError> {
        Ok(self.transaction.open_table(table)?)
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
        Ok(self.transaction.open_table(table)?.range::<&[u8]>((from, to))?)
    }
}

/// The first key behind all that begin with `prefix`; `None` when there is none.
pub(crate) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
