//! What is known about the state at the end of an archive, beside the projection that holds it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stele_core::unit::{Hash, Position, Timestamp};

use super::error::ArchiveError;
use super::folder::padded;
use crate::verify::Verification;

/// The file of signed checkpoints in an archive, one JSON object a line.
pub const CHECKPOINTS_FILE: &str = "checkpoints";

/// The version of the file.
const VERSION: u32 = 1;

/// It has some 400 bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The head and the state up to a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The version of the file.
    pub v: u32,
    /// The last position that was folded.
    pub through: Position,
    /// The last record up to there.
    pub position: Position,
    /// Its hash.
    pub hash: Hash,
    /// When it was written.
    pub at: Timestamp,
    /// The digest of the state that it leads to.
    pub digest: Hash,
}

impl Described {
    /// What a verification up to `through` found; `None` when it found no sound state.
    #[must_use]
    pub fn of(verified: &Verification, through: Position) -> Option<Self> {
        let (head, digest) = (&verified.head, verified.digest.as_ref().filter(|_| verified.ok)?.digest);
        Some(Self { v: VERSION, through, position: head.position, hash: head.hash, at: head.at, digest })
    }

    /// Its file in an archive.
    #[must_use]
    pub fn file(folder: &Path, through: Position) -> PathBuf {
        folder.join(format!("state-{}.json", padded(through)))
    }

    /// Writes it into an archive, and brings it to the disk.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn write(&self, folder: &Path) -> Result<(), ArchiveError> {
        let path = Self::file(folder, self.through);
        let written = path.with_extension("json.part");
        let write = || {
            let mut file = File::create(&written)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            writeln!(file)?;
            file.sync_all()?;
            std::fs::rename(&written, &path)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(|e| ArchiveError::io(&path, &e))
    }

    /// Reads it from an archive; `None` when there is none.
    ///
    /// # Errors
    /// [`ArchiveError::Io`] when it cannot be read or says something else than its name.
    pub fn read(folder: &Path, through: Position) -> Result<Option<Self>, ArchiveError> {
        let path = Self::file(folder, through);
        let odd = |why: &str| ArchiveError::Io { path: path.clone(), why: why.to_owned() };
        let bytes = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ArchiveError::io(&path, &error)),
            Ok(metadata) => metadata.len(),
        };
        if bytes > FILE_BYTES_MAX {
            return Err(odd("it is larger than such a file can be"));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| ArchiveError::io(&path, &e))?;
        let read: Self = serde_json::from_str(&text).map_err(|e| odd(&e.to_string()))?;
        if read.v != VERSION {
            return Err(odd("it is of a later release: update this program"));
        }
        if read.through != through { Err(odd("it is of another position than its name")) } else { Ok(Some(read)) }
    }
}
