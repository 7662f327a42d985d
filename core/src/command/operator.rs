//! What operators do that is about no volume: messages and log levels.

use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::text;
use crate::id::MessageId;
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

pub(super) fn message_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    (verb == "delete").then(|| read(json).map(Command::MessageDelete))
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
