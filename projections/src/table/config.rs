//! What decisions are made by.
//!
//! Key: empty; there is one row. Value: [`stele_core::state::Config`].

use stele_core::codec::{DecodeError, encode};
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(5, "config");

pub(crate) fn key() -> Vec<u8> {
    Vec::new()
}

pub(super) fn value(state: &State) -> Vec<u8> {
    encode(&state.config)
}

pub(super) fn load(state: &mut State, _key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.config = super::shared(value)?;
    Ok(())
}
