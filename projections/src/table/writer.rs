//! The one way in which rows change while the log is applied, so that none changes without its past being kept.

use redb::{AccessGuard, ReadableTable as _, Table, WriteTransaction};
use serde::de::DeserializeOwned;
use stele_core::codec::decode;
use stele_core::unit::Position;

use super::past::{self, Kept};
use super::{DERIVED, Rows, STATE};
use crate::store::StoreError;

type OpenRows<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// The tables of one transaction; each is opened once, when it is first needed.
pub(crate) struct Writer<'t> {
    transaction: &'t WriteTransaction,
    /// By their numbers.
    tables: Vec<Option<OpenRows<'t>>>,
    past: Table<'t, past::Key, past::Value>,
    /// The message that is applied, when what it changes is kept as it was before.
    keeping: Option<Position>,
    added: usize,
}

impl<'t> Writer<'t> {
    pub(crate) fn new(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let count = STATE.iter().chain(&DERIVED).map(|table| usize::from(table.number) + 1).max().unwrap_or_default();
        let tables = std::iter::repeat_with(|| None).take(count).collect();
        let past = transaction.open_table(past::TABLE)?;
        Ok(Self { transaction, tables, past, keeping: None, added: 0 })
    }

    /// From here on rows are kept as they were before the message at this position; with `None` they are not.
    pub(crate) fn keep_before(&mut self, position: Option<Position>) {
        self.keeping = position;
    }

    /// Writes a row, or removes it. Between two calls of [`Writer::keep_before`] each row is written once at most.
    pub(crate) fn put(&mut self, rows: Rows, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
        let table = opened(&mut self.tables, self.transaction, rows)?;
        let before = match value {
            Some(value) => table.insert(key, value)?,
            None => table.remove(key)?,
        };
        let Some(position) = self.keeping else { return Ok(()) };
        let before = before.as_ref().map(AccessGuard::value);
        if before != value {
            self.past.insert((rows.number, key, position.0), before)?;
            self.added += 1;
        }
        Ok(())
    }

    /// Writes a row that will never be changed, and that nobody asks the past for.
    pub(crate) fn put_for_ever(&mut self, rows: Rows, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        opened(&mut self.tables, self.transaction, rows)?.insert(key, value)?;
        Ok(())
    }

    pub(crate) fn get<T: DeserializeOwned>(&mut self, rows: Rows, key: &[u8]) -> Result<Option<T>, StoreError> {
        match opened(&mut self.tables, self.transaction, rows)?.get(key)? {
            Some(value) => Ok(Some(decode(value.value())?)),
            None => Ok(None),
        }
    }

    /// Removes a piece of the past that is not kept any more; more of it when more was added.
    pub(crate) fn sweep(&mut self, kept: &mut Kept) -> Result<(), StoreError> {
        past::sweep(&mut self.past, kept, self.added)
    }
}

fn opened<'a, 't>(
    tables: &'a mut [Option<OpenRows<'t>>],
    transaction: &'t WriteTransaction,
    rows: Rows,
) -> Result<&'a mut OpenRows<'t>, StoreError> {
    let place = &mut tables[usize::from(rows.number)];
    match place {
        Some(open) => Ok(open),
        None => Ok(place.insert(transaction.open_table(rows.definition())?)),
    }
}
