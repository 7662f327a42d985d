//! The backends that have reported.
//!
//! Key: the backend's name, `host@backend`, UTF-8. Value: [`stele_core::state::Backend`].

use stele_core::codec::{DecodeError, encode};
use stele_core::digest::text_key;
use stele_core::id::BackendName;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(2, "backends");

pub(crate) fn key(name: &BackendName) -> Vec<u8> {
    text_key(name.as_str())
}

pub(super) fn value(state: &State, name: &BackendName) -> Option<Vec<u8>> {
    state.backends.get(name).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.backends.insert(super::name_key::<BackendName>(key)?, super::shared(value)?);
    Ok(())
}
