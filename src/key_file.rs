//! Files that hold a secret key as hexadecimal digits.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use tracing::warn;
use uuid::Uuid;

/// Makes a key of 32 bytes where there is none, for nobody but its owner.
///
/// # Errors
/// What the file system says.
pub fn make(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Two random UUIDs have 244 random bits.
        Ok(mut file) => writeln!(file, "{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        Err(error) => Err(error),
    }
}

/// Warns when others may read it.
pub fn warn_if_shared(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        warn!(file = %path.display(), "others may read this key: chmod 600");
    }
}
