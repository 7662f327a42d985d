//! The log levels that operators chose.
//!
//! Key: program, host and module path with zero bytes between them. Value: [`stele_core::state::LogLevel`].

use stele_core::codec::{DecodeError, decode, encode};
use stele_core::digest::log_level_key;
use stele_core::state::{LogTarget, State};

use super::Rows;

pub(crate) const TABLE: Rows = Rows::new(16, "log_levels");

pub(crate) fn key(target: &LogTarget) -> Vec<u8> {
    log_level_key(target)
}

pub(super) fn value(state: &State, target: &LogTarget) -> Option<Vec<u8>> {
    state.log_levels.get(target).map(encode)
}

/// The target that a key names.
pub(crate) fn target_of(key: &[u8]) -> Result<LogTarget, DecodeError> {
    let text: String = super::name_key(key)?;
    match text.split('\0').collect::<Vec<&str>>().as_slice() {
        [binary, host, prefix] => {
            Ok(LogTarget { binary: (*binary).into(), host: (*host).into(), prefix: (*prefix).into() })
        }
        parts => Err(DecodeError { what: "log level key", why: format!("{} parts", parts.len()) }),
    }
}

pub(super) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
    state.log_levels.insert(target_of(key)?, decode(value)?);
    Ok(())
}
