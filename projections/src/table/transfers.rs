//! The transfers that nobody accepted yet.
//!
//! Key: the transfer's id, 16 bytes. Value: [`stele_core::state::Transfer`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::TransferId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(25, "transfers");

pub(crate) fn key(id: TransferId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: TransferId) -> Option<Vec<u8>> {
    state.transfers.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.transfers.insert(TransferId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
