//! What Cinder calls services: the control that leads is its `cinder-scheduler`, each backend a `cinder-volume`.

use stele_core::id::BackendName;
use stele_core::state::{Backend, Config};
use stele_core::unit::Timestamp;

use crate::reader::Snapshot;
use crate::store::StoreError;

/// Cinder's name for what decides.
pub(in crate::v3) const SCHEDULER: &str = "cinder-scheduler";

/// Cinder's name for what serves a backend.
pub(in crate::v3) const VOLUME: &str = "cinder-volume";

/// Why a frozen backend takes no new volumes, in the words of Cinder's volume manager.
const FROZEN: &str = "frozen";

/// A service, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::v3) struct Service {
    /// [`SCHEDULER`] or [`VOLUME`].
    pub(in crate::v3) binary: &'static str,
    /// `host` of a scheduler, `host@backend` of a volume service.
    pub(in crate::v3) host: String,
    /// Where it is.
    pub(in crate::v3) zone: String,
    /// Whether it was heard of lately.
    pub(in crate::v3) up: bool,
    /// `Some` when it takes no new volumes; the text is the reason, possibly empty.
    pub(in crate::v3) disabled: Option<String>,
    /// Whether its state is not to be changed. Cinder disables what it freezes.
    pub(in crate::v3) frozen: bool,
    /// When it was last heard of, or changed by an operator.
    pub(in crate::v3) updated_at: Timestamp,
}

impl Service {
    /// Whether the scheduler looks at it.
    pub(in crate::v3) fn takes_volumes(&self) -> bool {
        self.up && self.disabled.is_none()
    }
}

/// Every service, as Cinder lists them: the scheduler first, then the backends by name.
pub(in crate::v3) fn all(snapshot: &Snapshot, now: Timestamp) -> Result<Vec<Service>, StoreError> {
    let config = snapshot.configuration()?;
    let mut services: Vec<Service> = scheduler(snapshot, &config, now)?.into_iter().collect();
    for backend in snapshot.entities::<Backend>()?.iter()? {
        services.push(of_backend(&backend?, &config, now));
    }
    Ok(services)
}

/// The backends whose name is `host`, or that are on the host of that name.
pub(in crate::v3) fn backends_on(snapshot: &Snapshot, host: &str) -> Result<Vec<BackendName>, StoreError> {
    let mut found = Vec::new();
    for backend in snapshot.entities::<Backend>()?.iter()? {
        let name = backend?.name;
        if is_on(host, name.as_str()) {
            found.push(name);
        }
    }
    Ok(found)
}

/// Whether a service's host is the one that is asked for: itself, or a backend on it.
pub(in crate::v3) fn is_on(asked: &str, host: &str) -> bool {
    host.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

fn scheduler(snapshot: &Snapshot, config: &Config, now: Timestamp) -> Result<Option<Service>, StoreError> {
    let Some(leader) = snapshot.leader()? else { return Ok(None) };
    // It has no heartbeat of its own: what it writes shows that it lives, at the least the heartbeats of backends.
    let moved_at = snapshot.moved_at();
    Ok(Some(Service {
        binary: SCHEDULER,
        host: leader.host,
        zone: config.default_availability_zone.clone(),
        up: now.ms_since(moved_at) <= config.scheduler.service_down_ms,
        disabled: None,
        frozen: false,
        updated_at: moved_at,
    }))
}

fn of_backend(backend: &Backend, config: &Config, now: Timestamp) -> Service {
    let up = now.ms_since(backend.heartbeat_at) <= config.scheduler.service_down_ms;
    let (disabled, frozen) = (backend.disabled.as_ref(), backend.frozen.as_ref());
    let changes = [disabled, frozen].into_iter().flatten().map(|set| set.at);
    Service {
        binary: VOLUME,
        host: backend.name.to_string(),
        zone: backend.availability_zone.clone(),
        up,
        disabled: disabled.map(|set| set.reason.clone()).or_else(|| frozen.map(|_| FROZEN.to_owned())),
        frozen: frozen.is_some(),
        updated_at: changes.fold(backend.heartbeat_at, Timestamp::max),
    }
}
