use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, GroupSnapshotId, PoolName, ProjectId, SnapshotId, VolumeId};
use crate::unit::{Position, SizeGib, Timestamp};

/// A snapshot of a volume. Its type, for quota, is its volume's: a volume outlives its snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The volume.
    pub volume: VolumeId,
    /// The project that owns it; after a transfer without snapshots another one than the volume's.
    pub project: ProjectId,
    /// The user who asked for it.
    pub user: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The user's own keys and values.
    pub metadata: BTreeMap<String, String>,
    /// The volume's size when it was taken.
    pub size_gib: SizeGib,
    /// What it is doing.
    pub status: SnapshotStatus,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// How much of it is there, in per cent: 0 or 100, or what a client said with `snapshot.set_status`.
    pub progress: u8,
    /// Where it lies: on its volume's pool.
    pub pool: PoolName,
    /// The group snapshot that it is a part of.
    pub group_snapshot: Option<GroupSnapshotId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The position of the event that brought it into being.
    pub created_position: Position,
}

/// Cinder's snapshot statuses. One that passes carries its flow; one that an operator or a client stated without
/// anybody at work is [`SnapshotStatus::Stated`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotStatus {
    /// It is being taken.
    Creating {
        /// By this flow.
        flow: FlowId,
    },
    /// It can be used.
    Available,
    /// Its volume is getting its data back.
    Restoring {
        /// By this flow.
        flow: FlowId,
    },
    /// It is being given up.
    Unmanaging {
        /// By this flow.
        flow: FlowId,
    },
    /// It is being removed.
    Deleting {
        /// By this flow; that of its volume when the volume is deleted with its snapshots.
        flow: FlowId,
    },
    /// It could not be taken.
    Error,
    /// It could not be removed.
    ErrorDeleting,
    /// Somebody said so; nobody is at work.
    Stated(StatedSnapshotStatus),
}

/// Statuses that only `snapshot.reset_status` and `snapshot.set_status` lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedSnapshotStatus {
    Creating,
    Deleting,
    Deleted,
    Updating,
    Unmanaging,
    BackingUp,
    Restoring,
}

impl SnapshotStatus {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating { .. } | Self::Stated(StatedSnapshotStatus::Creating) => "creating",
            Self::Available => "available",
            Self::Deleting { .. } | Self::Stated(StatedSnapshotStatus::Deleting) => "deleting",
            Self::Error => "error",
            Self::ErrorDeleting => "error_deleting",
            Self::Stated(StatedSnapshotStatus::Deleted) => "deleted",
            Self::Stated(StatedSnapshotStatus::Updating) => "updating",
            Self::Unmanaging { .. } | Self::Stated(StatedSnapshotStatus::Unmanaging) => "unmanaging",
            Self::Stated(StatedSnapshotStatus::BackingUp) => "backing-up",
            Self::Restoring { .. } | Self::Stated(StatedSnapshotStatus::Restoring) => "restoring",
        }
    }

    /// The status that an operator states by Cinder's name (`cinder/objects/fields.py`, `SnapshotStatus`).
    #[must_use]
    pub fn stated(name: &str) -> Option<Self> {
        Some(match name {
            "available" => Self::Available,
            "error" => Self::Error,
            "error_deleting" => Self::ErrorDeleting,
            "creating" => Self::Stated(StatedSnapshotStatus::Creating),
            "deleting" => Self::Stated(StatedSnapshotStatus::Deleting),
            "deleted" => Self::Stated(StatedSnapshotStatus::Deleted),
            "updating" => Self::Stated(StatedSnapshotStatus::Updating),
            "unmanaging" => Self::Stated(StatedSnapshotStatus::Unmanaging),
            "backing-up" => Self::Stated(StatedSnapshotStatus::BackingUp),
            "restoring" => Self::Stated(StatedSnapshotStatus::Restoring),
            _ => return None,
        })
    }

    /// The flow that is at work.
    #[must_use]
    pub fn flow(self) -> Option<FlowId> {
        match self {
            Self::Creating { flow }
            | Self::Restoring { flow }
            | Self::Unmanaging { flow }
            | Self::Deleting { flow } => Some(flow),
            Self::Available | Self::Error | Self::ErrorDeleting | Self::Stated(_) => None,
        }
    }
}
