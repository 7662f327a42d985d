//! What can be wrong with a file, and with making one.

use std::path::{Path, PathBuf};

use stele_core::chain::Unreadable;
use stele_core::unit::Position;

use super::layout::Broken;
use crate::source::SourceError;

/// Why a file cannot be read as an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The file system says no.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        why: String,
    },
    /// It begins otherwise.
    #[error("{0} is no export of a log")]
    NotAnExport(PathBuf),
    /// A later release wrote it.
    #[error("{path} is of {what}, which this program does not know: read it with the release that wrote it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Such as `format version 2`.
        what: String,
    },
    /// The end is missing.
    #[error("{0} has no end: the export did not finish, or the file was cut short")]
    Cut(PathBuf),
    /// Bytes are not as they were written.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged part begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl FileError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), why: error.to_string() }
    }

    pub(super) fn damaged(path: &Path, broken: Broken) -> Self {
        match broken {
            Broken::Io(why) => Self::Io { path: path.to_owned(), why },
            Broken::Cut => Self::Cut(path.to_owned()),
            Broken::NotAnExport => Self::NotAnExport(path.to_owned()),
            Broken::Newer(what) => Self::Newer { path: path.to_owned(), what },
            Broken::At { offset, what } => Self::Damaged { path: path.to_owned(), offset, what },
        }
    }
}

/// Why a log was not exported. What lay at the path before is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A record continues the log and cannot be understood.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The file cannot be written, or what is there already cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The range ends before it begins.
    #[error("positions {from} to {to} are no range")]
    Range {
        /// The first.
        from: Position,
        /// The last.
        to: Position,
    },
    /// A message is larger than any stream of a cell takes.
    #[error("the message at position {position} has {bytes} bytes; an export takes {max} at most")]
    TooLarge {
        /// Where it stands.
        position: Position,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Something lies there already that cannot be extended to what was asked for.
    #[error("{path} exists and is left as it is: {why}")]
    Exists {
        /// The file.
        path: PathBuf,
        /// Why it is not extended.
        why: String,
    },
    /// Something lies there already that is of another history.
    #[error(
        "{path} and the log differ at position {position}: it is an export of another log, or one of the two was changed"
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// The first position that was seen to differ; an earlier one may.
        position: Position,
    },
    /// Another export writes the same file.
    #[error("{0} is being written by another export")]
    Busy(PathBuf),
}
