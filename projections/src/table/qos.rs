//! The QoS specs.
//!
//! Key: the specs' id, 16 bytes. Value: [`stele_core::state::Qos`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::QosId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(20, "qos");

pub(crate) fn key(id: QosId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: QosId) -> Option<Vec<u8>> {
    state.qos.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.qos.insert(QosId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
