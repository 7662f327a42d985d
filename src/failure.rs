//! What a command that fails tells its user: a stable code, what is wrong, what to do.

use std::fmt;

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
                Self::new($code, error.to_string(), $remedy)
            }
        }
    )+};
}

from_error! {
    crate::settings::SettingsError => "InvalidSettings", "correct the settings; `stele config check` shows them";
    crate::nats::ConnectFailed => "NatsUnreachable", "start nats-server, or name it with --nats or STELE_NATS";
    crate::nats::StreamsFailed => "UnsafeStreams", "correct the streams' settings, or use another account";
    crate::nats::ServerProcessFailed => "NatsServer", "see the log file of nats-server in the data folder";
    crate::control::ControlFailed => "ControlFailed", "nothing was changed; `stele replay verify` shows what is wrong with the log";
    stele_workers::driver::OpenError => "StorageUnusable", "correct the backend's settings or its storage";
    stele_projections::projection::OpenError => "ProjectionUnusable", "make it anew with `stele replay rebuild`";
    stele_projections::follow::FollowError => "LogUnusable", "nothing is served from it; `stele replay verify` shows what is wrong";
    stele_projections::rebuild::RebuildError => "RebuildFailed", "the projection that was there is untouched";
    stele_replay::verify::VerifyError => "LogUnreadable", "see whether nats-server runs and holds the log";
    stele_replay::show::ShowError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::explain::ExplainError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::show::InvalidSubject => "InvalidSubject", "give the id as `stele volume list` or the log shows it";
    stele_replay::at::AtError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::diff::DiffError => "LogUnreadable", "`stele replay verify` says what is wrong with the log";
    stele_replay::moment::InvalidMoment => "InvalidMoment", "give a position, a time in RFC 3339, or `head`";
    stele_core::port::Unavailable => "Unavailable", "see whether nats-server and a control run, and try again";
    std::io::Error => "InputOutput", "see the message";
}
