//! Space that was given to flows and is not yet contained in a pool's reported figures.
//!
//! Key: the pool's name, a zero byte, the flow's id in 16 bytes. Value: [`stele_core::state::Claim`].

use stele_core::codec::{DecodeError, decode, encode};
use stele_core::digest::claim_key;
use stele_core::id::{FlowId, PoolName};
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(4, "claims");

pub(crate) fn key(pool: &PoolName, flow: FlowId) -> Vec<u8> {
    claim_key(pool.as_str(), flow.0)
}

pub(super) fn value(state: &State, pool: &PoolName, flow: FlowId) -> Option<Vec<u8>> {
    state.claims.get(&(pool.clone(), flow)).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let short = || DecodeError { what: "claim key", why: format!("{} bytes", key.len()) };
    let at = key.len().checked_sub(17).ok_or_else(short)?;
    let (pool, flow) = key.split_at(at);
    let flow = FlowId(super::uuid_key(&flow[1..])?);
    state.claims.insert((super::name_key(pool)?, flow), decode(value)?);
    Ok(())
}
