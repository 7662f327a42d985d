//! The group types.
//!
//! Key: the group type's id, 16 bytes. Value: [`stele_core::state::GroupType`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::GroupTypeId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(13, "group_types");

pub(crate) fn key(id: GroupTypeId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: GroupTypeId) -> Option<Vec<u8>> {
    state.group_types.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.group_types.insert(GroupTypeId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
