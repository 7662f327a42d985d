//! The file with the key of the CHAP secrets.

use std::path::Path;

use stele_core::chap::{ChapKey, KEY_BYTES_MIN};

use crate::failure::Failure;
use crate::key_file::warn_if_shared;

/// Reads a key.
///
/// # Errors
/// A [`Failure`] when the file cannot be read, or holds no key.
pub fn read(path: &Path) -> Result<ChapKey, Failure> {
    let shown = path.display();
    let make = format!("make one: head -c {KEY_BYTES_MIN} /dev/urandom | base64 > {shown}; chmod 600 {shown}");
    let bytes = std::fs::read(path);
    let bytes = bytes.map_err(|e| Failure::new("ChapKeyUnreadable", format!("{shown}: {e}"), make.clone()))?;
    warn_if_shared(path);
    ChapKey::new(&bytes).map_err(|e| Failure::new("ChapKeyInvalid", format!("{shown}: {e}"), make))
}
