//! The group snapshots that exist.
//!
//! Key: the group snapshot's id, 16 bytes. Value: [`stele_core::state::GroupSnapshot`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::GroupSnapshotId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(12, "group_snapshots");

pub(crate) fn key(id: GroupSnapshotId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: GroupSnapshotId) -> Option<Vec<u8>> {
    state.group_snapshots.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.group_snapshots.insert(GroupSnapshotId(super::uuid_key(key)?), super::shared(value)?);
    Ok(())
}
