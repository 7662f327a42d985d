//! What can be wrong with an archive, and with making one.

use std::path::{Path, PathBuf};

use stele_core::chain::Unreadable;
use stele_core::port::Unavailable;
use stele_core::unit::Position;

use crate::export::{ExportError, FileError};
use crate::source::SourceError;

/// Why an archive cannot be used, or be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The file system says no.
    #[error("the archive {path}: {why}")]
    Io {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What the file system says.
        why: String,
    },
    /// A file in it cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file says by its name that it holds something else than it does.
    #[error("{path} holds positions {first} to {last}, and its name says otherwise")]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// The first position that it holds.
        first: Position,
        /// The last one.
        last: Position,
    },
    /// Two files hold the same positions.
    #[error("{path} begins with position {first}, and another file of the archive holds positions up to {last}")]
    Overlap {
        /// The later file.
        path: PathBuf,
        /// Its first position.
        first: Position,
        /// The last position of the file before.
        last: Position,
    },
    /// Between two files, or between the files and the stream, positions are missing.
    #[error("positions {from} to {to} are missing: they are neither in the archive {folder} nor in the stream")]
    Gap {
        /// The archive.
        folder: PathBuf,
        /// The first that is missing.
        from: Position,
        /// The last that is missing.
        to: Position,
    },
    /// A file does not build on the record that the one before it ends with.
    #[error("{path} does not go on where the file before it ends: they are of different histories")]
    Parted {
        /// The later file.
        path: PathBuf,
    },
    /// Files and stream hold different things.
    #[error("the archive {folder} and the stream differ at position {position}: they are of different histories")]
    Differs {
        /// The archive.
        folder: PathBuf,
        /// The first position that was seen to differ.
        position: Position,
    },
    /// The stream ends before the files do.
    #[error(
        "the stream ends at position {tail}, and the archive {folder} holds positions up to {last}: the stream has lost \
         messages, or is of another cell"
    )]
    StreamShorter {
        /// The archive.
        folder: PathBuf,
        /// Where the stream ends.
        tail: Position,
        /// Where the archive ends.
        last: Position,
    },
    /// Fewer positions would stay in the stream than are to.
    #[error("behind position {through} the log has {left} positions, and {keep} are to stay in the stream")]
    TooFewStay {
        /// What was to be archived.
        through: Position,
        /// What would stay.
        left: u64,
        /// What is to stay.
        keep: u64,
    },
    /// Another run writes into the same folder.
    #[error("another run writes into the archive {0}")]
    Busy(PathBuf),
    /// Something is wrong with what was to be archived.
    #[error("the log is not sound: {what} at position {position}; nothing was written")]
    NotSound {
        /// Where.
        position: Position,
        /// What is wrong.
        what: String,
    },
    /// What was written is not what was verified.
    #[error(
        "{path} ends with the record at position {found}, and position {verified} was verified as the last one: the log was changed meanwhile"
    )]
    NotAsVerified {
        /// The file.
        path: PathBuf,
        /// Its last record.
        found: Position,
        /// The last record that was verified.
        verified: Position,
    },
    /// The stream does not begin where it must after a purge.
    #[error("the stream was to begin with position {expected} after the purge, and {what}")]
    NotPurged {
        /// Where it must begin.
        expected: Position,
        /// What is there instead.
        what: String,
    },
    /// The part of the log cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A record continues the log and cannot be understood.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The log does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ArchiveError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), why: error.to_string() }
    }
}
