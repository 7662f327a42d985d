use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stele_core::id::{FlowId, GroupSnapshotId, PoolName, ProjectId, SnapshotId, VolumeId};
use stele_core::unit::{Position, Timestamp};

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotView {
    /// Its id.
    pub id: SnapshotId,
    /// The volume.
    pub volume_id: VolumeId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The project that owns it.
    pub project: ProjectId,
    /// The user who asked for it.
    pub user: String,
    /// Cinder's status, such as `available`.
    pub status: String,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// The flow that is at work on it.
    pub flow_id: Option<FlowId>,
    /// The volume's size when it was taken.
    pub size_gib: u32,
    /// How much of it is there, in per cent.
    pub progress: u8,
    /// Where it lies, `host@backend#pool`.
    pub pool: PoolName,
    /// The group snapshot that it is a part of.
    pub group_snapshot_id: Option<GroupSnapshotId>,
    /// The user's own keys and values.
    pub metadata: BTreeMap<String, String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Where it was asked for.
    pub created_position: Position,
}

/// `GET /v1/snapshots`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotList {
    /// The snapshots of this page.
    pub snapshots: Vec<SnapshotView>,
    /// The marker that gives the next page; absent on the last one.
    pub next_marker: Option<SnapshotId>,
}
