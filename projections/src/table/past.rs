//! What rows were before they were changed, for as many positions back as are kept: the past of every other table, but
//! where rows tell it themselves ([`super::PastIn`]).
//!
//! Key: the number of the row's table, the row's key, the position of the message that changed the row. Value: the row
//! as it was before; absent when there was none.
//!
//! A row as it was at a position is the first of these behind that position, and the row as it is now when there is
//! none. What stands at or before the first position that is kept answers nothing any more; a sweep that goes round the
//! table, a piece with each batch, removes it. So there is never much more than twice of what is needed, and no second
//! index by positions has to be written.

use std::ops::Bound;

use redb::{ReadableTable as _, Table, TableDefinition};
use serde::{Deserialize, Serialize};
use stele_core::unit::Position;

use crate::store::StoreError;

pub(crate) type Key = (u8, &'static [u8], u64);
pub(crate) type Value = Option<&'static [u8]>;

pub(crate) const TABLE: TableDefinition<'static, Key, Value> = TableDefinition::new("past");

/// How many entries the sweep looks at for each that was added: with two it has gone round before the table has doubled.
const SWEPT_PER_ADDED: usize = 2;

/// How many entries the sweep looks at in any case.
const SWEPT_MIN: usize = 256;

/// Which part of the past is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The first position that can be asked for.
    pub(crate) first: Position,
    /// Where the sweep goes on; `None` for the beginning.
    swept: Option<(u8, Vec<u8>, u64)>,
}

impl From<Position> for Kept {
    fn from(first: Position) -> Self {
        Self { first, swept: None }
    }
}

/// Removes a piece of what answers nothing any more.
pub(crate) fn sweep(table: &mut Table<'_, Key, Value>, kept: &mut Kept, added: usize) -> Result<(), StoreError> {
    // As long as everything is kept there is nothing to be removed.
    if kept.first == Position(0) {
        return Ok(());
    }
    let from =
        kept.swept.as_ref().map_or(Bound::Unbounded, |(number, key, at)| Bound::Excluded((*number, &**key, *at)));
    let wanted = SWEPT_MIN + SWEPT_PER_ADDED * added;
    let (mut seen, mut last, mut gone) = (0, None, Vec::new());
    for entry in table.range::<(u8, &[u8], u64)>((from, Bound::Unbounded))?.take(wanted) {
        let (entry, _) = entry?;
        seen += 1;
        let (number, key, at) = entry.value();
        if at <= kept.first.0 {
            gone.push((number, key.to_vec(), at));
        }
        last = Some(entry);
    }
    let last = last.filter(|_| seen == wanted);
    kept.swept = last.map(|entry| {
        let (number, key, at) = entry.value();
        (number, key.to_vec(), at)
    });
    for (number, key, at) in gone {
        table.remove((number, key.as_slice(), at))?;
    }
    Ok(())
}
