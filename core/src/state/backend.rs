use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{BackendName, PoolName, VolumeId, WorkerName};
use crate::inventory::{ForeignList, Inventoried};
use crate::schedule::PoolStats;
use crate::unit::{Position, Timestamp};

/// A storage backend: the service that Cinder calls `cinder-volume` on `host@backend`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Its name.
    pub name: BackendName,
    /// The zone in which it serves.
    pub availability_zone: String,
    /// Its driver.
    pub driver: String,
    /// The worker that reported last.
    pub worker: WorkerName,
    /// When the last report was recorded, by control's clock.
    pub heartbeat_at: Timestamp,
    /// The newest position that its pools' figures contain. Several workers may report out of order: figures of an
    /// older one are not taken, they might lack what was already counted as contained.
    pub as_of: Position,
    /// Set when it takes no new volumes.
    pub disabled: Option<Set>,
    /// Set when its state is not to be changed.
    pub frozen: Option<Set>,
    /// The pools in its last report.
    pub pools: Vec<PoolName>,
}

/// Since when and why something was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A pool of a backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: PoolName,
    /// What its backend reported last.
    pub stats: Arc<PoolStats>,
    /// Where that was recorded.
    pub stats_position: Position,
    /// The sum of the claims that are not contained in `stats`, in GiB.
    pub claimed_gib: u64,
    /// The sum of the sizes of the volumes that are placed here, in GiB (Cinder's `allocated_capacity_gb`).
    pub allocated_gib: u64,
    /// How many volumes are placed here.
    pub volumes: u64,
    /// Where something of volumes that exist no longer was last removed from it.
    #[serde(default)]
    pub removed_at: Position,
    /// Where an inventory was asked for that was not taken yet.
    #[serde(default)]
    pub inventory_asked: Option<Position>,
    /// Its last inventory, as far as that was news.
    #[serde(default)]
    pub inventoried: Option<Inventoried>,
    /// What others have there, as its last inventory found it.
    #[serde(default)]
    pub foreign: Arc<ForeignList>,
}

/// Space that was given to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// For this volume.
    pub volume: VolumeId,
    /// So much.
    pub size_gib: u32,
    /// Where it was given.
    pub made_at: Position,
    /// Where it was recorded that the space is taken. A report whose `as_of` is not before it contains the claim.
    pub fulfilled_at: Option<Position>,
}
