use serde::{Deserialize, Serialize};
use stele_core::id::{FlowId, PoolName, VolumeId};
use stele_core::inventory::Repair;
use stele_core::unit::{Position, Timestamp};

/// Something on the storage that is not as the log promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftView {
    /// Where.
    pub pool: PoolName,
    /// What, by its name on the storage: `volume-<id>`, `_snapshot-<id>`, `clone-snap-<volume>`, `target-<volume>` or
    /// `host-<attachment>`.
    pub object: String,
    /// The volume that it is or belongs to.
    pub volume_id: VolumeId,
    /// In which way: `missing`, `unexpected`, `wrong_size` or `not_whole`.
    pub kind: String,
    /// In words.
    pub reason: String,
    /// What a repair does: `restore`, `withdraw`, `extend`, `remove`, or `by_hand` when only a person can.
    pub repair: Repair,
    /// When it was found.
    pub found_at: Timestamp,
    /// Where that was recorded.
    pub found_position: Position,
    /// How often its repair was tried.
    pub tries: u32,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
    /// The flow of the last try.
    pub flow_id: Option<FlowId>,
}

/// When a pool was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryView {
    /// The pool.
    pub pool: PoolName,
    /// When its last inventory was recorded; those without news are recorded every ten minutes.
    pub at: Option<Timestamp>,
    /// Where.
    pub position: Option<Position>,
    /// The position of which the worker knew before it looked.
    pub as_of: Option<Position>,
    /// Where an inventory was asked for that was not taken yet.
    pub asked: Option<Position>,
}

/// `GET /v1/drifts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftList {
    /// The drifts, by pool.
    pub drifts: Vec<DriftView>,
    /// The pools, by name.
    pub inventories: Vec<InventoryView>,
}
