//! Places in the log from which reading can begin anew: which messages are records is known only to whoever knows the
//! record before them, and a follower of old events must not have to read from the first one.
//!
//! Key: the position in 8 bytes. Value: [`stele_core::chain::Chain`] after the record there.

use stele_core::chain::Chain;
use stele_core::codec::encode;
use stele_core::unit::Position;

use super::sink::Sink;
use super::{PastIn, Rows};
use crate::store::StoreError;

pub(crate) const TABLE: Rows = Rows::new(3, "chain_marks").with_past_in(PastIn::Key(0));

/// A mark is kept at least every so many records: few enough to read through at once, and about 2 bytes per record.
pub(crate) const RECORDS_PER_MARK: u64 = 64;

pub(crate) fn key(position: Position) -> Vec<u8> {
    position.0.to_be_bytes().to_vec()
}

pub(crate) fn write<S: Sink>(sink: &mut S, mark: &Chain) -> Result<(), StoreError> {
    sink.put(TABLE, key(mark.position), encode(mark))
}
