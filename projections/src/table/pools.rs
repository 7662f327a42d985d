//! The pools that were reported.
//!
//! Key: the pool's name, `host@backend#pool`, UTF-8. Value: [`stele_core::state::Pool`].

use stele_core::codec::{DecodeError, encode};
use stele_core::digest::text_key;
use stele_core::id::PoolName;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(19, "pools");

pub(crate) fn key(name: &PoolName) -> Vec<u8> {
    text_key(name.as_str())
}

pub(super) fn value(state: &State, name: &PoolName) -> Option<Vec<u8>> {
    state.pools.get(name).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.pools.insert(super::name_key::<PoolName>(key)?, super::shared(value)?);
    Ok(())
}
