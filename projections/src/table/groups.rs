//! The groups that exist.
//!
//! Key: the group's id, 16 bytes. Value: [`stele_core::state::Group`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::GroupId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(14, "groups");

pub(crate) fn key(id: GroupId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: GroupId) -> Option<Vec<u8>> {
    state.groups.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.groups.insert(GroupId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
