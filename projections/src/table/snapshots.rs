//! The snapshots that exist.
//!
//! Key: the snapshot's id, 16 bytes. Value: [`stele_core::state::Snapshot`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::SnapshotId;
use stele_core::state::{Snapshot, State};

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(24, "snapshots");

pub(crate) fn key(id: SnapshotId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: SnapshotId) -> Option<Vec<u8>> {
    state.snapshots.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let id = SnapshotId(super::uuid_key(key)?);
    let found: std::sync::Arc<Snapshot> = super::shared(value)?;
    state.snapshots_of.insert((found.volume, id));
    if let Some(group) = found.group_snapshot {
        state.snapshots_of_group.insert((group, id));
    }
    state.snapshots.insert(id, found);
    Ok(())
}
