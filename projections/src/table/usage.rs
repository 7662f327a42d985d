//! What projects use and have reserved.
//!
//! Key: the project, UTF-8. Value: [`stele_core::state::Usage`].

use stele_core::codec::{DecodeError, encode};
use stele_core::digest::text_key;
use stele_core::id::ProjectId;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(27, "usage");

pub(crate) fn key(project: &ProjectId) -> Vec<u8> {
    text_key(project.as_str())
}

pub(super) fn value(state: &State, project: &ProjectId) -> Option<Vec<u8>> {
    state.usage.get(project).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.usage.insert(super::name_key::<ProjectId>(key)?, super::shared(value)?);
    Ok(())
}
