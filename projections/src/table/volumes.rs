//! The volumes that exist.
//!
//! Key: the volume's id, 16 bytes. Value: [`stele_core::state::Volume`].

use stele_core::codec::{DecodeError, decode, encode};
use stele_core::id::VolumeId;
use stele_core::state::{State, Volume, in_one_copy};

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(28, "volumes");

pub(crate) fn key(id: VolumeId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: VolumeId) -> Option<Vec<u8>> {
    state.volumes.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let id = VolumeId(super::uuid_key(key)?);
    let mut found: Volume = decode(value)?;
    // Their tables are loaded before this one.
    found.project = in_one_copy(&state.usage, &found.project);
    found.pool = found.pool.map(|pool| in_one_copy(&state.pools, &pool));
    if let Some(group) = found.group {
        state.volumes_of_group.insert((group, id));
    }
    state.volumes.insert(id, std::sync::Arc::new(found));
    Ok(())
}
