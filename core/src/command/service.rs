use serde::{Deserialize, Serialize};

use super::Command;
use super::parse::read;
use super::text::text;
use crate::id::BackendName;
use crate::refusal::Refusal;

/// Change whether a backend takes new volumes (`service.enable`, `.disable`, `.freeze`, `.thaw`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSet {
    /// The backend, `host@backend`.
    pub backend: BackendName,
    /// What shall change.
    pub change: ServiceChange,
}

/// What shall change. Both of these keep the scheduler from choosing the backend; they are told apart because Cinder's
/// operators do: disabled is for maintenance of a service, frozen is set while a backend is failed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceChange {
    /// Takes new volumes again.
    Enable,
    /// Takes no new volumes, for this reason.
    Disable(String),
    /// Takes no new volumes while its state is not to be changed, for this reason.
    Freeze(String),
    /// No longer frozen.
    Thaw,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    let change: fn(String) -> ServiceChange = match verb {
        "enable" => |_| ServiceChange::Enable,
        "disable" => ServiceChange::Disable,
        "freeze" => ServiceChange::Freeze,
        "thaw" => |_| ServiceChange::Thaw,
        _ => return None,
    };
    Some(read::<RawService>(json).and_then(|raw| raw.check(change)).map(Command::ServiceSet))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawService {
    backend: BackendName,
    #[serde(default)]
    reason: String,
}

impl RawService {
    fn check(self, change: fn(String) -> ServiceChange) -> Result<ServiceSet, Refusal> {
        text("reason", &self.reason)?;
        Ok(ServiceSet { backend: self.backend, change: change(self.reason) })
    }
}
