//! What operators do that is about no volume: messages, log levels, drifts.

use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::text;
use crate::id::{BackendName, MessageId, PoolName};
use crate::refusal::Refusal;
use crate::state::LogLevel;

/// Remove a message (`message.delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageDelete {
    /// The message.
    pub id: MessageId,
}

/// Change how much programs log (`log.set_level`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSetLevel {
    /// `stele-control`, `stele-api` or `stele-worker`; empty for all.
    #[serde(default)]
    pub binary: String,
    /// The host; empty for all.
    #[serde(default)]
    pub host: String,
    /// The module path that it begins with; empty for all.
    #[serde(default)]
    pub prefix: String,
    /// How much.
    pub level: LogLevel,
}

/// Have workers look at their storage now (`drift.scan`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftScan {
    /// The backend, `host@backend`; all without it.
    #[serde(default)]
    pub backend: Option<BackendName>,
}

/// Repair what is not as the log promises (`drift.repair`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftRepair {
    /// Only on this pool.
    #[serde(default)]
    pub pool: Option<PoolName>,
    /// Only what is called so, as the list of drifts calls it; everything without it.
    #[serde(default)]
    pub object: Option<String>,
    /// Also where the repair removes something with its data.
    #[serde(default)]
    pub remove: bool,
}

pub(super) fn message_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    (verb == "delete").then(|| read(json).map(Command::MessageDelete))
}

pub(super) fn drift_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    match verb {
        "scan" => Some(read(json).map(Command::DriftScan)),
        "repair" => Some(read::<DriftRepair>(json).and_then(|repair| {
            text("object", repair.object.as_deref().unwrap_or_default())?;
            Ok(Command::DriftRepair(repair))
        })),
        _ => None,
    }
}

pub(super) fn log_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    (verb == "set_level").then(|| {
        let set: LogSetLevel = read(json)?;
        for (field, value) in [("binary", &set.binary), ("host", &set.host), ("prefix", &set.prefix)] {
            text(field, value)?;
        }
        Ok(Command::LogSetLevel(set))
    })
}
