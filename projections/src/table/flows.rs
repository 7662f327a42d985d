//! The flows that are not finished.
//!
//! Key: the flow's id, 16 bytes. Value: [`stele_core::state::Flow`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::FlowId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(10, "flows");

pub(crate) fn key(id: FlowId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: FlowId) -> Option<Vec<u8>> {
    state.flows.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let id = FlowId(super::uuid_key(key)?);
    let flow: std::sync::Arc<stele_core::state::Flow> = super::shared(value)?;
    if let Some(open) = &flow.task {
        state.deadlines.insert((open.deadline, id));
    }
    state.flows.insert(id, flow);
    Ok(())
}
