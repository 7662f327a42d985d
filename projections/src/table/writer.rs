//! The one way in which rows change while the log is applied, so that none changes without its past being kept.
//!
//! What changes is held back until the end of its transaction, and goes into the tables in the order of the keys. Most
//! rows of a batch change several times in it, and those of a flow that begins and ends there come and go.

use std::collections::HashMap;

use redb::{ReadableTable as _, Table, WriteTransaction};
use serde::de::DeserializeOwned;
use stele_core::codec::decode;
use stele_core::unit::Position;

use super::past::{self, Kept};
use super::{DERIVED, Rows, STATE};
use crate::store::StoreError;

type OpenRows<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// A row's table and its key there.
type Key = (Rows, Vec<u8>);

type Value = Option<Vec<u8>>;

/// The tables of one transaction; each is opened once, when it is first needed.
pub(crate) struct Writer<'t> {
    transaction: &'t WriteTransaction,
    /// By their numbers.
    tables: Vec<Option<OpenRows<'t>>>,
    past: Table<'t, past::Key, past::Value>,
    /// The message that is applied, when what it changes is kept as it was before.
    keeping: Option<Position>,
    /// The rows as they will be.
    rows: HashMap<Key, Row>,
    /// What rows were before they were changed, each with the position of the message that changed it.
    images: Vec<(Key, Position, Value)>,
}

struct Row {
    value: Value,
    /// Whether the table has a row under this key, where somebody has looked.
    is_stored: Option<bool>,
}

impl<'t> Writer<'t> {
    pub(crate) fn new(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let count = STATE.iter().chain(&DERIVED).map(|table| usize::from(table.number) + 1).max().unwrap_or_default();
        let tables = std::iter::repeat_with(|| None).take(count).collect();
        let past = transaction.open_table(past::TABLE)?;
        Ok(Self { transaction, tables, past, keeping: None, rows: HashMap::new(), images: Vec::new() })
    }

    /// From here on rows are kept as they were before the message at this position; with `None` they are not.
    pub(crate) fn keep_before(&mut self, position: Option<Position>) {
        self.keeping = position;
    }

    /// Writes a row, or removes it. Between two calls of [`Writer::keep_before`] each row is written once at most.
    pub(crate) fn put(&mut self, rows: Rows, key: Vec<u8>, value: Value) -> Result<(), StoreError> {
        let key = (rows, key);
        let held = self.rows.get_mut(&key);
        let Some(position) = self.keeping else {
            match held {
                Some(row) => row.value = value,
                None => drop(self.rows.insert(key, Row { value, is_stored: None })),
            }
            return Ok(());
        };
        if let Some(row) = held {
            if row.value != value {
                self.images.push((key, position, std::mem::replace(&mut row.value, value)));
            }
            return Ok(());
        }
        let stored = opened(&mut self.tables, self.transaction, rows)?.get(key.1.as_slice())?;
        let before = stored.map(|stored| stored.value().to_vec());
        if before != value {
            self.rows.insert(key.clone(), Row { value, is_stored: Some(before.is_some()) });
            self.images.push((key, position, before));
        }
        Ok(())
    }

    /// Writes a row that will never be changed, and that nobody asks the past for.
    pub(crate) fn put_for_ever(&mut self, rows: Rows, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        opened(&mut self.tables, self.transaction, rows)?.insert(key, value)?;
        Ok(())
    }

    pub(crate) fn get<T: DeserializeOwned>(&mut self, rows: Rows, key: Vec<u8>) -> Result<Option<T>, StoreError> {
        let key = (rows, key);
        if let Some(row) = self.rows.get(&key) {
            return Ok(row.value.as_deref().map(decode).transpose()?);
        }
        let stored = opened(&mut self.tables, self.transaction, rows)?.get(key.1.as_slice())?;
        Ok(stored.map(|stored| decode(stored.value())).transpose()?)
    }

    /// Brings everything into the tables, and removes a piece of the past that is not kept any more; more of it when
    /// more was added.
    pub(crate) fn finish(mut self, kept: &mut Kept) -> Result<(), StoreError> {
        let mut rows: Vec<(Key, Row)> = self.rows.drain().collect();
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for ((rows, key), row) in rows {
            let table = opened(&mut self.tables, self.transaction, rows)?;
            match row.value {
                Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                None if row.is_stored == Some(false) => {}
                None => drop(table.remove(key.as_slice())?),
            }
        }
        let added = self.images.len();
        self.images.sort_unstable_by(|(a, at, _), (b, bt, _)| (a, at).cmp(&(b, bt)));
        for ((rows, key), at, before) in &self.images {
            self.past.insert((rows.number, key.as_slice(), at.0), before.as_deref())?;
        }
        past::sweep(&mut self.past, kept, added)
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
