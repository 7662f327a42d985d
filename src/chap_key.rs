//! The file with the key of the CHAP secrets.

use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use stele_core::chap::{ChapKey, KEY_BYTES_MIN};
use tracing::warn;
use uuid::Uuid;

use crate::failure::Failure;

/// Reads a key.
///
/// # Errors
/// A [`Failure`] when the file cannot be read, or holds no key.
pub fn read(path: &Path) -> Result<ChapKey, Failure> {
    let shown = path.display();
    let make = format!("make one: head -c {KEY_BYTES_MIN} /dev/urandom | base64 > {shown}; chmod 600 {shown}");
    let bytes = std::fs::read(path);
    let bytes = bytes.map_err(|e| Failure::new("ChapKeyUnreadable", format!("{shown}: {e}"), make.clone()))?;
    if std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        warn!(file = %shown, "others may read the CHAP key: chmod 600");
    }
    ChapKey::new(&bytes).map_err(|e| Failure::new("ChapKeyInvalid", format!("{shown}: {e}"), make))
}

/// Makes a key where there is none: for a cell that is all in one process.
///
/// # Errors
/// What the file system says.
pub fn make(path: &Path) -> io::Result<()> {
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Two random UUIDs have 244 random bits.
        Ok(mut file) => writeln!(file, "{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        Err(error) => Err(error),
    }
}
