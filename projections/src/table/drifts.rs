//! What on the storage is not as the log promises.
//!
//! Key: [`stele_core::digest::drift_key`]. Value: [`stele_core::inventory::Drift`], which names its place itself.

use std::sync::Arc;

use stele_core::codec::{DecodeError, encode};
use stele_core::id::PoolName;
use stele_core::inventory::{Drift, Stored};
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(8, "drifts");

pub(super) fn key(pool: &PoolName, what: &Stored) -> Vec<u8> {
    stele_core::digest::drift_key(pool.as_str(), what)
}

pub(super) fn value(state: &State, pool: &PoolName, what: &Stored) -> Option<Vec<u8>> {
    state.drifts.get(&(pool.clone(), what.clone())).map(encode)
}

pub(super) fn load(state: &mut State, _key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let found: Arc<Drift> = super::shared(value)?;
    state.drifts.insert(found.key(), found);
    Ok(())
}
