//! Places in the log from which reading can begin anew: which messages are records is known only to whoever knows the
//! record before them, and a follower of old events must not have to read from the first one.
//!
//! Key: the position in 8 bytes. Value: [`stele_core::chain::Chain`] after the record there.

use redb::WriteTransaction;
use stele_core::chain::Chain;
use stele_core::codec::encode;
use stele_core::unit::Position;

use super::Rows;
use crate::store::StoreError;

pub(crate) const TABLE: Rows = Rows::new("chain_marks");

/// A mark is kept at least every so many records: few enough to read through at once, and about 2 bytes per record.
pub(crate) const RECORDS_PER_MARK: u64 = 64;

pub(crate) fn key(position: Position) -> Vec<u8> {
    position.0.to_be_bytes().to_vec()
}

pub(crate) fn write(transaction: &WriteTransaction, marks: &[Chain]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(TABLE)?;
    for mark in marks {
        table.insert(key(mark.position).as_slice(), encode(mark).as_slice())?;
    }
    Ok(())
}
