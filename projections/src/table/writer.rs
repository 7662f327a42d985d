//! The one way in which rows of a projection at hand change, so that none changes without its past being kept.
//!
//! What changes is held back until the end of its transaction, and goes into the tables in the order of the keys. Most
//! rows of a batch change several times in it, and those of a flow that begins and ends there come and go.

use redb::{ReadableTable as _, Table, WriteTransaction};
use stele_core::codec::{decode, encode};
use stele_core::id::FlowId;
use stele_core::unit::Position;

use super::past::{self, Kept};
use super::sink::{Changes, Quick, Sink, Touched, Value};
use super::{DERIVED, Rows, STATE, flow_history};
use crate::step::{Known, change_rows};
use crate::store::StoreError;
use crate::view::FlowHistory;

/// A table that is open for writing.
pub(crate) type OpenRows<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// A row's table and its key there.
type Key = (Rows, Vec<u8>);

/// The tables of one transaction; each is opened once, when it is first needed.
pub(crate) struct Writer<'t> {
    transaction: &'t WriteTransaction,
    /// By their numbers.
    tables: Vec<Option<OpenRows<'t>>>,
    past: Table<'t, past::Key, past::Value>,
    keeping: Option<Position>,
    /// The rows as they will be.
    rows: Quick<Key, Row>,
    /// What rows were before they were changed, each with the position of the message that changed it.
    images: Vec<(Key, Position, Value)>,
}

struct Row {
    value: Value,
    /// Whether the table has a row under this key, where that is known.
    is_stored: Option<bool>,
}

impl<'t> Writer<'t> {
    pub(crate) fn new(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let count = STATE.iter().chain(&DERIVED).map(|table| usize::from(table.number) + 1).max().unwrap_or_default();
        let tables = std::iter::repeat_with(|| None).take(count).collect();
        let past = transaction.open_table(past::TABLE)?;
        Ok(Self { transaction, tables, past, keeping: None, rows: Quick::default(), images: Vec::new() })
    }

    /// From here on rows are kept as they were before the message at this position; with `None` they are not.
    pub(crate) fn keep_before(&mut self, position: Option<Position>) {
        self.keeping = position;
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

    fn hold(&mut self, key: Key, value: Value, is_stored: Option<bool>) {
        match self.rows.get_mut(&key) {
            Some(row) => row.value = value,
            None => drop(self.rows.insert(key, Row { value, is_stored })),
        }
    }
}

impl Sink for Writer<'_> {
    fn keeping(&self) -> Option<Position> {
        self.keeping
    }

    fn follows_state(&self) -> bool {
        true
    }

    fn changed(&mut self, before: Known, after: &Known, touched: Touched) -> Result<(), StoreError> {
        change_rows(self, &before, after, &touched)
    }

    fn put(&mut self, rows: Rows, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        self.hold((rows, key), Some(value), None);
        Ok(())
    }

    fn tell(&mut self, story: FlowHistory) -> Result<(), StoreError> {
        self.put(flow_history::TABLE, flow_history::key(story.id), encode(&story))
    }

    fn keep(&mut self, story: &FlowHistory) -> Result<(), StoreError> {
        if let Some(position) = self.keeping {
            let key = (flow_history::TABLE, flow_history::key(story.id));
            self.images.push((key, position, Some(encode(story))));
        }
        Ok(())
    }

    fn told(&mut self, flow: FlowId) -> Result<Option<FlowHistory>, StoreError> {
        let key = (flow_history::TABLE, flow_history::key(flow));
        if let Some(row) = self.rows.get(&key) {
            return Ok(row.value.as_deref().map(decode).transpose()?);
        }
        let stored = opened(&mut self.tables, self.transaction, key.0)?.get(key.1.as_slice())?;
        Ok(stored.map(|stored| decode(stored.value())).transpose()?)
    }
}

impl Changes for Writer<'_> {
    fn change(
        &mut self,
        rows: Rows,
        key: Vec<u8>,
        before: impl FnOnce() -> Value,
        after: impl FnOnce() -> Value,
    ) -> Result<(), StoreError> {
        let (key, after) = ((rows, key), after());
        let Some(position) = self.keeping else {
            self.hold(key, after, None);
            return Ok(());
        };
        let before = before();
        if before != after {
            self.hold(key.clone(), after, Some(before.is_some()));
            self.images.push((key, position, before));
        }
        Ok(())
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
