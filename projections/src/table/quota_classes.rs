//! The limits of quota classes.
//!
//! Key: the class, UTF-8. Value: [`stele_core::state::QuotaLimits`].

use stele_core::codec::{DecodeError, encode};
use stele_core::digest::text_key;
use stele_core::state::State;

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(21, "quota_classes");

pub(crate) fn key(class: &str) -> Vec<u8> {
    text_key(class)
}

pub(super) fn value(state: &State, class: &str) -> Option<Vec<u8>> {
    state.quota_classes.get(class).map(encode)
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.quota_classes.insert(super::name_key(key)?, super::shared(value)?);
    Ok(())
}
