//! Places in the log from which reading can begin anew: which messages are records is known only to whoever knows the
//! record before them, and a follower of old events must not have to read from the first one.
//!
//! Key: the position in 8 bytes. Value: [`stele_core::chain::Chain`] after the record there.

use stele_core::chain::Chain;
use stele_core::codec::encode;
use stele_core::unit::Position;

use super::Rows;
use super::writer::Writer;
use crate::store::StoreError;

pub(crate) const TABLE: Rows = Rows::new(3, "chain_marks");

/// A mark is kept at least every so many records: few enough to read through at once, and about 2 bytes per record.
pub(crate) const RECORDS_PER_MARK: u64 = 64;

pub(crate) fn key(position: Position) -> Vec<u8> {
    position.0.to_be_bytes().to_vec()
}

pub(crate) fn write(writer: &mut Writer<'_>, mark: &Chain) -> Result<(), StoreError> {
    // A mark is never changed, and its key says from when on it stands: the past needs no more.
    writer.put_for_ever(TABLE, &key(mark.position), &encode(mark))
}
