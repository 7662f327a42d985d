//! What tasks ask for.

use serde::{Deserialize, Serialize};

use super::{AttachMode, Connector};
use crate::id::{AttachmentId, SnapshotId, SourceName, VolumeId};
use crate::unit::SizeGib;

/// What a task shall make true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A volume of this size exists in the pool.
    CreateVolume {
        /// The volume to make.
        volume: VolumeId,
        /// Its size.
        size_gib: SizeGib,
        /// Whose data it begins with; blank without one. The source is in the same pool.
        #[serde(default)]
        source: Option<CopySource>,
    },
    /// The volume does not exist in the pool; its data was wiped by the backend's policy.
    DeleteVolume {
        /// The volume to remove.
        volume: VolumeId,
    },
    /// The volume has at least this size.
    ExtendVolume {
        /// The volume to grow.
        volume: VolumeId,
        /// The size that it shall have.
        size_gib: SizeGib,
    },
    /// The volume has the data of its snapshot, which stays as it is. What is written afterwards stays, however often
    /// the task comes: the volume's tag tells for which event it has them.
    RevertVolume {
        /// The volume.
        volume: VolumeId,
        /// Its snapshot.
        snapshot: SnapshotId,
        /// The size of both.
        size_gib: SizeGib,
    },
    /// What has that name in the pool, and is nobody's, is the volume. The report says how large it is.
    ManageVolume {
        /// The volume that it becomes.
        volume: VolumeId,
        /// Its name until then.
        source_name: SourceName,
    },
    /// The volume is nobody's any more; its data stay.
    UnmanageVolume {
        /// The volume.
        volume: VolumeId,
        /// The name that it gets back; absent when it keeps the one that it has.
        #[serde(default)]
        source_name: Option<SourceName>,
    },
    /// What has that name in the pool, and is nobody's, is a snapshot of the volume.
    ManageSnapshot {
        /// The snapshot that it becomes.
        snapshot: SnapshotId,
        /// The volume.
        volume: VolumeId,
        /// The volume's size, which must be its own.
        size_gib: SizeGib,
        /// Its name until then.
        source_name: SourceName,
    },
    /// The snapshot is nobody's any more; its data stay.
    UnmanageSnapshot {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Its volume.
        volume: VolumeId,
        /// The name that it gets back; absent when it keeps the one that it has.
        #[serde(default)]
        source_name: Option<SourceName>,
    },
    /// A snapshot of the volume exists in its pool.
    CreateSnapshot {
        /// The snapshot to take.
        snapshot: SnapshotId,
        /// The volume.
        volume: VolumeId,
        /// The volume's size.
        size_gib: SizeGib,
    },
    /// The snapshot does not exist in the pool.
    DeleteSnapshot {
        /// The snapshot to remove.
        snapshot: SnapshotId,
        /// Its volume.
        volume: VolumeId,
    },
    /// The host can reach the volume; the report says how ([`Connection`]).
    ConnectVolume {
        /// For this attachment.
        attachment: AttachmentId,
        /// The volume.
        volume: VolumeId,
        /// The host.
        connector: Connector,
        /// What it may do.
        mode: AttachMode,
        /// Whose secrets the host logs in with: another attachment's when the host has one of this volume already, for
        /// a host has one session with a volume's target. Absent for its own.
        #[serde(default)]
        chap_of: Option<AttachmentId>,
    },
    /// The attachment's host cannot reach the volume any more.
    DisconnectVolume {
        /// The attachment.
        attachment: AttachmentId,
        /// The volume.
        volume: VolumeId,
        /// The host.
        connector: Connector,
        /// Whose secrets the host logs in with, see [`Operation::ConnectVolume`].
        #[serde(default)]
        chap_of: Option<AttachmentId>,
        /// The host has another attachment of the volume: it goes on reaching it.
        #[serde(default)]
        shared: bool,
    },
    /// The volume has no target: no host can reach it.
    WithdrawVolume {
        /// The volume.
        volume: VolumeId,
    },
}

/// Whose data a new volume begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopySource {
    /// A snapshot.
    Snapshot {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Its volume.
        volume: VolumeId,
    },
    /// Another volume, as it is now.
    Volume(VolumeId),
}

impl Operation {
    /// The volume that the operation is about; of a snapshot's operation the snapshot's volume.
    #[must_use]
    pub fn volume(&self) -> VolumeId {
        match self {
            Self::CreateVolume { volume, .. }
            | Self::DeleteVolume { volume }
            | Self::ExtendVolume { volume, .. }
            | Self::RevertVolume { volume, .. }
            | Self::ManageVolume { volume, .. }
            | Self::UnmanageVolume { volume, .. }
            | Self::ManageSnapshot { volume, .. }
            | Self::UnmanageSnapshot { volume, .. }
            | Self::CreateSnapshot { volume, .. }
            | Self::DeleteSnapshot { volume, .. }
            | Self::ConnectVolume { volume, .. }
            | Self::DisconnectVolume { volume, .. }
            | Self::WithdrawVolume { volume } => *volume,
        }
    }

    /// The name on the storage under which somebody else's thing is, or is to be again.
    #[must_use]
    pub fn source_name(&self) -> Option<&SourceName> {
        match self {
            Self::ManageVolume { source_name, .. } | Self::ManageSnapshot { source_name, .. } => Some(source_name),
            Self::UnmanageVolume { source_name, .. } | Self::UnmanageSnapshot { source_name, .. } => {
                source_name.as_ref()
            }
            _ => None,
        }
    }

    /// The snapshot that the operation makes, removes, takes over or gives up.
    #[must_use]
    pub fn snapshot(&self) -> Option<SnapshotId> {
        match self {
            Self::CreateSnapshot { snapshot, .. }
            | Self::DeleteSnapshot { snapshot, .. }
            | Self::ManageSnapshot { snapshot, .. }
            | Self::UnmanageSnapshot { snapshot, .. } => Some(*snapshot),
            _ => None,
        }
    }

    /// The stable name of the operation, as in the JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateVolume { .. } => "create_volume",
            Self::DeleteVolume { .. } => "delete_volume",
            Self::ExtendVolume { .. } => "extend_volume",
            Self::RevertVolume { .. } => "revert_volume",
            Self::ManageVolume { .. } => "manage_volume",
            Self::UnmanageVolume { .. } => "unmanage_volume",
            Self::ManageSnapshot { .. } => "manage_snapshot",
            Self::UnmanageSnapshot { .. } => "unmanage_snapshot",
            Self::CreateSnapshot { .. } => "create_snapshot",
            Self::DeleteSnapshot { .. } => "delete_snapshot",
            Self::ConnectVolume { .. } => "connect_volume",
            Self::DisconnectVolume { .. } => "disconnect_volume",
            Self::WithdrawVolume { .. } => "withdraw_volume",
        }
    }
}
