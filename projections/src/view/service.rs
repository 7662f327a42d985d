use serde::{Deserialize, Serialize};
use stele_core::id::{BackendName, PoolName, WorkerName};
use stele_core::unit::Timestamp;

/// A storage backend, as Cinder lists its services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Its name, `host@backend`.
    pub host: BackendName,
    /// The zone in which it serves.
    pub zone: String,
    /// Whether it takes new volumes.
    pub status: ServiceStatus,
    /// Whether it is alive: up when the last heartbeat is not older than the scheduler's bound.
    pub state: ServiceState,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Whether it is frozen.
    pub frozen: bool,
    /// Why it is frozen.
    pub frozen_reason: Option<String>,
    /// Since when it is frozen.
    pub frozen_at: Option<Timestamp>,
    /// Its driver.
    pub driver: String,
    /// The worker that reported last.
    pub worker: WorkerName,
    /// When the last report was recorded. A report without news is recorded only every so often.
    pub last_heartbeat_at: Timestamp,
    /// How long ago that was when this was answered.
    pub heartbeat_age_ms: u64,
    /// The pools in its last report.
    pub pools: Vec<PoolName>,
}

/// Whether a service takes new volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// Whether a service is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// It was heard of lately.
    Up,
    /// It was not.
    Down,
}

/// `GET /v1/services`: by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceList {
    /// The services.
    pub services: Vec<ServiceView>,
}
