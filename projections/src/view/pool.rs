use serde::{Deserialize, Serialize};
use stele_core::id::{BackendName, PoolName};
use stele_core::inventory::ForeignList;
use stele_core::schedule::PoolStats;
use stele_core::unit::Position;

use super::{ServiceState, ServiceStatus};

/// A pool, with what its backend said last and what was given away since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolView {
    /// Its name, `host@backend#pool`.
    pub name: PoolName,
    /// Its backend.
    pub backend: BackendName,
    /// Whether its backend still reports it.
    pub reported: bool,
    /// The zone of its backend.
    pub availability_zone: String,
    /// The driver of its backend.
    pub driver: String,
    /// Whether its backend takes new volumes.
    pub status: ServiceStatus,
    /// Whether its backend is alive.
    pub state: ServiceState,
    /// Whether its backend is frozen.
    pub frozen: bool,
    /// The claims that `stats` does not contain.
    pub claimed_gib: u64,
    /// The sum of the sizes of the volumes that are placed here.
    pub allocated_gib: u64,
    /// How many they are.
    pub volumes: u64,
    /// What can still be promised, by the books, claims taken off; absent when a capacity is no number.
    pub virtual_free_gib: Option<f64>,
    /// What its backend reported last; capacities are GiB.
    pub stats: PoolStats,
    /// Where that was recorded.
    pub stats_position: Position,
    /// What others have there, as its last inventory found it; of a pool that is asked for by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignList>,
}

/// `GET /v1/pools`: by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolList {
    /// The pools.
    pub pools: Vec<PoolView>,
}
