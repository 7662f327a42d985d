use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{AttachmentId, FlowId, GroupId, PoolName, ProjectId, SnapshotId, TransferId, TypeId, VolumeId};
use crate::unit::{Position, SizeGib, Timestamp};

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// The project that owns it.
    pub project: ProjectId,
    /// The user who asked for it.
    pub user: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The user's own keys and values.
    pub metadata: BTreeMap<String, String>,
    /// Its size.
    pub size_gib: SizeGib,
    /// Its type.
    pub volume_type: TypeId,
    /// Its availability zone.
    pub availability_zone: String,
    /// What it is doing.
    pub status: VolumeStatus,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// Where it lies; absent before it was placed and after a placement was given up.
    pub pool: Option<PoolName>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it first could be used.
    pub launched_at: Option<Timestamp>,
    /// The position of the event that brought it into being.
    pub created_position: Position,
    /// The snapshot that it was made from.
    #[serde(default)]
    pub source_snapshot: Option<SnapshotId>,
    /// The volume that it was made from.
    #[serde(default)]
    pub source_volume: Option<VolumeId>,
    /// The group that it belongs to.
    #[serde(default)]
    pub group: Option<GroupId>,
    /// Whether a server may boot from it.
    #[serde(default)]
    pub bootable: bool,
    /// Whether clients may only read it; `None` until somebody said.
    #[serde(default)]
    pub readonly: Option<bool>,
    /// Whether it may have several attachments; its type says so when it is made.
    #[serde(default)]
    pub multiattach: bool,
    /// Keys and values of the image that it was made from (`volume_image_metadata`).
    #[serde(default)]
    pub image_metadata: BTreeMap<String, String>,
    /// What an operator said of its migration; this cell migrates nothing.
    #[serde(default)]
    pub migration_status: Option<Box<str>>,
    /// Its attachments, also those that nobody uses yet.
    #[serde(default)]
    pub attachments: BTreeSet<AttachmentId>,
    /// Where the last flow ended that was at work on it, its snapshots or its attachments: what a worker saw before is
    /// not compared with what is promised since.
    #[serde(default)]
    pub settled_at: Position,
}

// There are millions of them in memory: with the two counts before it one fits into 448 bytes, where an allocator's next
// size is 512.
const _: () = assert!(size_of::<Volume>() <= 432);

/// Cinder's volume statuses. One that passes because a storage node is at work carries its flow: there is no way to be
/// underway with nobody at work. Where a client is at work (it reserved the volume, or is attaching it) the status
/// lasts until the client goes on. What an operator stated without anybody at work is [`VolumeStatus::Stated`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeStatus {
    /// It is being made.
    Creating {
        /// By this flow.
        flow: FlowId,
    },
    /// It can be used.
    Available,
    /// It is being grown.
    Extending {
        /// By this flow.
        flow: FlowId,
        /// To this size.
        size_gib: SizeGib,
    },
    /// It is getting the data of its latest snapshot back.
    Reverting {
        /// By this flow.
        flow: FlowId,
    },
    /// It is being taken over from somebody else.
    Managing {
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
        /// By this flow.
        flow: FlowId,
    },
    /// It could not be made.
    Error,
    /// It could not be grown; its data is as it was.
    ErrorExtending,
    /// It could not be removed.
    ErrorDeleting,
    /// It is kept for an attachment.
    Reserved,
    /// A client is attaching it.
    Attaching,
    /// A client uses it.
    InUse,
    /// A client is detaching it.
    Detaching,
    /// Another project may take it.
    AwaitingTransfer {
        /// By this transfer.
        transfer: TransferId,
    },
    /// Somebody said so; nobody is at work.
    Stated(StatedStatus),
}

/// Statuses that only `volume.reset_status` leads to (`cinder/objects/fields.py`, `VolumeStatus`); `error_managing` and
/// `error_unmanaging` also when that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedStatus {
    Creating,
    Extending,
    Maintenance,
    Managing,
    ErrorManaging,
    RestoringBackup,
    ErrorRestoring,
    BackingUp,
    ErrorBackingUp,
    Downloading,
    Uploading,
    Retyping,
    AwaitingTransfer,
    Reverting,
    Unmanaging,
    ErrorUnmanaging,
}

impl StatedStatus {
    /// Every one with Cinder's name for it.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Creating, "creating"),
        (Self::Extending, "extending"),
        (Self::Maintenance, "maintenance"),
        (Self::Managing, "managing"),
        (Self::ErrorManaging, "error_managing"),
        (Self::RestoringBackup, "restoring-backup"),
        (Self::ErrorRestoring, "error_restoring"),
        (Self::BackingUp, "backing-up"),
        (Self::ErrorBackingUp, "error_backing-up"),
        (Self::Downloading, "downloading"),
        (Self::Uploading, "uploading"),
        (Self::Retyping, "retyping"),
        (Self::AwaitingTransfer, "awaiting-transfer"),
        (Self::Reverting, "reverting"),
        (Self::Unmanaging, "unmanaging"),
        (Self::ErrorUnmanaging, "error_unmanaging"),
    ];

    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }
}

impl VolumeStatus {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating { .. } => "creating",
            Self::Available => "available",
            Self::Extending { .. } => "extending",
            Self::Reverting { .. } => "reverting",
            Self::Managing { .. } => "managing",
            Self::Unmanaging { .. } => "unmanaging",
            Self::Deleting { .. } => "deleting",
            Self::Error => "error",
            Self::ErrorExtending => "error_extending",
            Self::ErrorDeleting => "error_deleting",
            Self::Reserved => "reserved",
            Self::Attaching => "attaching",
            Self::InUse => "in-use",
            Self::Detaching => "detaching",
            Self::AwaitingTransfer { .. } => "awaiting-transfer",
            Self::Stated(stated) => stated.name(),
        }
    }

    /// The status that an operator states by Cinder's name; `deleting`, `error_deleting` and `detaching` cannot be
    /// stated (in Cinder a missing comma lets the latter two pass).
    #[must_use]
    pub fn stated(name: &str) -> Option<Self> {
        Some(match name {
            "available" => Self::Available,
            "error" => Self::Error,
            "error_extending" => Self::ErrorExtending,
            "reserved" => Self::Reserved,
            "attaching" => Self::Attaching,
            "in-use" => Self::InUse,
            other => Self::Stated(StatedStatus::ALL.iter().find(|(_, name)| *name == other)?.0),
        })
    }

    /// The flow that is at work.
    #[must_use]
    pub fn flow(self) -> Option<FlowId> {
        match self {
            Self::Creating { flow }
            | Self::Extending { flow, .. }
            | Self::Reverting { flow }
            | Self::Managing { flow }
            | Self::Unmanaging { flow }
            | Self::Deleting { flow } => Some(flow),
            Self::Available
            | Self::Error
            | Self::ErrorExtending
            | Self::ErrorDeleting
            | Self::Reserved
            | Self::Attaching
            | Self::InUse
            | Self::Detaching
            | Self::AwaitingTransfer { .. }
            | Self::Stated(_) => None,
        }
    }
}
