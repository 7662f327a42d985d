//! What a command that fails tells its user: a stable code, what is wrong, what to do.

use std::fmt;

use stele_replay::archive::ArchiveError;
use stele_replay::export::{ExportError, FileError};
use stele_replay::import::ImportError;
use stele_replay::workload::{ReadError, WriteError};

use crate::control::{ControlFailed, JournalError};

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// What is wrong, and where was looked.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Failure {
    /// A failure with its sentences.
    pub fn new(code: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), remedy: remedy.into() }
    }

    /// As JSON, for machines.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"error": {"code": self.code, "message": self.message, "remedy": self.remedy}})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  what to do: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

macro_rules! from_error {
    ($($error:ty => $code:literal, $remedy:literal;)+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new($code, with_causes(&error), $remedy)
            }
        }
    )+};
}

/// What an error says, and then what its causes say, unless it has said that itself.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

from_error! {
    crate::settings::SettingsError => "InvalidSettings", "correct the settings; `stele config check` shows them";
    crate::nats::ConnectFailed => "NatsUnreachable", "start nats-server, or name it with --nats or STELE_NATS";
    crate::nats::StreamsFailed => "UnsafeStreams", "correct the streams' settings, or use another account";
    crate::nats::ServerProcessFailed => "NatsServer", "see the log file of nats-server in the data folder";
    stele_workers::driver::OpenError => "StorageUnusable", "correct the backend's settings or its storage";
    stele_projections::projection::OpenError => "ProjectionUnusable", "make it anew with `stele replay rebuild`";
    stele_projections::follow::FollowError => "LogUnusable", "nothing is served from it; `stele replay verify` shows what is wrong";
    stele_projections::rebuild::RebuildError => "RebuildFailed", "the projection that was there is untouched";
    stele_replay::verify::VerifyError => "LogUnreadable", "see whether nats-server runs and holds the log";
    stele_replay::show::ShowError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::explain::ExplainError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::what_if::WhatIfError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::what_if::InvalidChange => "InvalidChange", "see `stele replay what-if --help`";
    stele_replay::show::InvalidSubject => "InvalidSubject", "give the id as `stele volume list` or the log shows it";
    stele_replay::source::SourceError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::at::AtError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::diff::DiffError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_core::port::Unavailable => "Unavailable", "see whether nats-server and a control run, and try again";
    std::io::Error => "InputOutput", "see the message";
}

impl From<ControlFailed> for Failure {
    fn from(error: ControlFailed) -> Self {
        let (code, remedy) = match error {
            ControlFailed::Archive(error) => return error.into(),
            ControlFailed::LogArchived { .. } | ControlFailed::Journal(JournalError::LogArchived { .. }) => {
                ("LogArchived", "name the archive with --archive, STELE_ARCHIVE or `archive` in the settings file")
            }
            _ => ("ControlFailed", "nothing was changed; `stele replay verify` shows what is wrong with the log"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let (code, remedy) = match error {
            ArchiveError::File(error) => return error.into(),
            ArchiveError::Export(error) => return error.into(),
            ArchiveError::Io { .. } => ("ArchiveUnusable", "name a folder that can be read, and written by `archive`"),
            ArchiveError::Misnamed { .. } | ArchiveError::Overlap { .. } | ArchiveError::Parted { .. } => {
                ("ArchiveUnusable", "leave the folder to `stele replay archive` alone: take out what else lies there")
            }
            ArchiveError::Gap { .. } => {
                ("ArchiveGap", "bring the file that holds them back, from a copy of the archive")
            }
            ArchiveError::Differs { .. } => {
                ("ArchiveDiffers", "name the archive of this cell; if it is, keep both as they are, and a copy of each")
            }
            ArchiveError::StreamShorter { .. } => (
                "LogShorter",
                "name the archive of this cell; if it is, restore what the server lost, or import the archive",
            ),
            ArchiveError::TooFewStay { .. } => {
                ("TooFewStay", "name an earlier position, or say with --keep how many stay")
            }
            ArchiveError::Busy(_) => ("ArchiveBusy", "wait for the other run"),
            ArchiveError::NotSound { .. } => ("LogNotSound", "`stele replay verify` says what is wrong with the log"),
            ArchiveError::NotAsVerified { .. } => ("LogChanged", "nothing was purged; `stele replay verify` says more"),
            ArchiveError::NotPurged { .. } => {
                ("NotPurged", "the files hold all of it; look at the stream with `nats stream info`, and say it again")
            }
            ArchiveError::Source(_) | ArchiveError::Unreadable(_) => {
                ("LogUnreadable", "`stele replay verify` says what is wrong with the log")
            }
            ArchiveError::Unavailable(_) => {
                ("Unavailable", "see whether nats-server runs, and say it again: it goes on")
            }
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let (code, remedy) = match &error {
            WriteError::Source(_) | WriteError::Fold(_) => {
                ("LogUnreadable", "`stele replay verify` says what is wrong with the log")
            }
            WriteError::Range { .. } => ("InvalidRange", "positions count from 1; --to is not before --from"),
            WriteError::Write(_) => ("InputOutput", "see whether the disk has room"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let (code, remedy) = match &error {
            ReadError::Read(_) => ("InputOutput", "see the message"),
            ReadError::NoWorkload(_) => ("NotAWorkload", "name a file of `stele replay what-if --workload`"),
            ReadError::Newer(_) => ("FileTooNew", "update this program"),
            ReadError::Line { .. } => ("InvalidWorkload", "correct the line; what stands before it was played"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let (code, remedy) = match &error {
            FileError::Io { .. } => ("InputOutput", "see the message"),
            FileError::NotAnExport(_) => ("NotAnExport", "name a file that `stele replay export` made"),
            FileError::Newer { .. } => ("FileTooNew", "update this program"),
            FileError::Cut(_) => ("FileCut", "export again; onto the same FILE it goes on from FILE.part"),
            FileError::Damaged { .. } => ("FileDamaged", "use another copy of the file, or export again"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<stele_replay::cinder::ReadError> for Failure {
    fn from(error: stele_replay::cinder::ReadError) -> Self {
        use stele_replay::cinder::ReadError as E;
        let (code, remedy) = match &error {
            E::Io(_) => ("InputOutput", "name a file that can be read"),
            E::NotADatabase(_) => ("NotADatabase", "give a SQLite database, or what mariadb-dump or mysqldump wrote"),
            E::Cut(_) => ("DatabaseCut", "dump it again, to its end"),
            E::NoTable(_) | E::NoColumn { .. } => {
                ("NotCinder", "dump the whole database of Cinder, with its structure, and that one alone")
            }
            E::Sqlite(_) | E::Syntax { .. } | E::Value { .. } => {
                ("DatabaseUnreadable", "nothing of it is used; look at the place that is named, or dump it again")
            }
            E::TooManyRows(_) => ("DatabaseTooLarge", "purge what Cinder has deleted (`cinder-manage db purge`)"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let (code, remedy) = match error {
            ExportError::File(error) => return error.into(),
            ExportError::Source(_) | ExportError::Unreadable(_) => {
                ("LogUnreadable", "`stele replay verify` says what is wrong with the log; the next try goes on")
            }
            ExportError::Range { .. } => ("InvalidRange", "positions count from 1; --to is not before --from"),
            ExportError::TooLarge { .. } => ("MessageTooLarge", "look at the message with `nats stream get`"),
            ExportError::Exists { .. } => ("FileExists", "name another file, or replace it with --force"),
            ExportError::Differs { .. } => {
                ("FileDiffers", "keep it and `stele replay verify` both; export to another file")
            }
            ExportError::Busy(_) => ("FileBusy", "wait for the other export"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let (code, remedy) = match error {
            ImportError::File(error) => return error.into(),
            ImportError::Source(_) | ImportError::Unavailable(_) => {
                ("Unavailable", "see whether nats-server runs, and import again: it goes on")
            }
            ImportError::CutShort { .. } => {
                ("ImportCutShort", "see whether nats-server runs, and import again: it goes on")
            }
            ImportError::Unreadable(_) => ("FileTooNew", "update this program"),
            ImportError::Gap { .. } => ("FileBeginsLater", "import the export that ends before this one begins first"),
            ImportError::Diverged(_) => {
                ("LogDiverged", "nothing was changed; import into an empty cell, or verify both to see which is right")
            }
            ImportError::Taken(_) => {
                ("LogTaken", "stop every control of the cell; its log has diverged: empty it before the next import")
            }
            ImportError::Refused { .. } => ("LogRefused", "see whether the stream has room, and import again"),
            ImportError::HeadDiffers { .. } => ("FileDamaged", "report this, and export again"),
        };
        Self::new(code, error.to_string(), remedy)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use stele_projections::rebuild::RebuildError;
    use stele_projections::store::StoreError;

    use super::*;

    #[test]
    fn a_failure_says_what_caused_it_and_nothing_twice() {
        let full = StoreError::Sorting(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        let said = Failure::from(RebuildError::Store(full)).to_string();
        let parts = ["the rows could not be written: ", "sorted in files beside the projection", ": no space left"];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        assert_eq!(with_causes(&io::Error::other(io::Error::other("once"))), "once");
    }
}
