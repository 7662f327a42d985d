//! The types that projects use when they ask for none, where they chose one.
//!
//! Key: the project, UTF-8. Value: [`stele_core::id::TypeId`].

use stele_core::codec::{DecodeError, decode, encode};
use stele_core::digest::text_key;
use stele_core::id::ProjectId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(7, "default_types");

pub(crate) fn key(project: &ProjectId) -> Vec<u8> {
    text_key(project.as_str())
}

pub(super) fn value(state: &State, project: &ProjectId) -> Option<Vec<u8>> {
    state.default_types.get(project).map(encode)
}

/// The project that a key names.
pub(crate) fn project_of(key: &[u8]) -> Result<ProjectId, DecodeError> {
    super::name_key(key)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.default_types.insert(project_of(key)?, decode(value)?);
    Ok(())
}
