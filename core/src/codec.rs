//! The one place that knows bincode: the form of derived state (projections, journals, digests).
//!
//! Derived state can always be made again from the log, so a change of this form is a new [`FORMAT`] and a rebuild,
//! never a migration. bincode 2.0.1 is the last release that works; replacing it is a change of this file.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The number of the form. Whoever opens derived state of another number throws it away and folds the log again.
pub const FORMAT: u32 = 4;

const CONFIG: bincode::config::Configuration = bincode::config::standard();

/// Most values are not longer: their bytes are written without being moved.
const USUAL_BYTES: usize = 256;

/// Bytes that are not what they should be: the store is damaged, or of another [`FORMAT`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored {what} cannot be read: {why}")]
pub struct DecodeError {
    /// The type that was expected.
    pub what: &'static str,
    /// What is wrong.
    pub why: String,
}

/// The bytes of a value. Equal values have equal bytes: all maps of the state are ordered.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    // The state's types hold no values that bincode cannot write (no unsized sequences, no untagged forms).
    bincode::serde::encode_into_std_write(value, &mut bytes, CONFIG).map(|_| bytes).unwrap_or_default()
}

/// The value of some bytes.
///
/// # Errors
/// [`DecodeError`] when they are not such a value, or when bytes are left over.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let error = |why: String| DecodeError { what: std::any::type_name::<T>(), why };
    let (value, used) = bincode::serde::decode_from_slice(bytes, CONFIG).map_err(|e| error(e.to_string()))?;
    if used == bytes.len() { Ok(value) } else { Err(error(format!("{} bytes are left over", bytes.len() - used))) }
}

#[cfg(test)]
mod tests;
