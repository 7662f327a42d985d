//! The volume types.
//!
//! Key: the type's id, 16 bytes. Value: [`stele_core::state::VolumeType`].

use stele_core::codec::{DecodeError, encode};
use stele_core::id::TypeId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(26, "types");

pub(crate) fn key(id: TypeId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(super) fn value(state: &State, id: TypeId) -> Option<Vec<u8>> {
    state.types.get(&id).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    let id = TypeId(super::uuid_key(key)?);
    let found: std::sync::Arc<stele_core::state::VolumeType> = super::shared(value)?;
    state.type_names.insert(std::sync::Arc::from(found.name.as_str()), id);
    state.types.insert(id, found);
    Ok(())
}
