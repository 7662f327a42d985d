use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, PoolName, ProjectId, TypeId, VolumeId};
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
}

/// Cinder's volume statuses, as far as this cell's flows lead to them. One that passes carries its flow: there is no
/// way to be underway with nobody at work.
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
}

impl VolumeStatus {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating { .. } => "creating",
            Self::Available => "available",
            Self::Extending { .. } => "extending",
            Self::Deleting { .. } => "deleting",
            Self::Error => "error",
            Self::ErrorExtending => "error_extending",
            Self::ErrorDeleting => "error_deleting",
        }
    }

    /// The flow that is at work.
    #[must_use]
    pub fn flow(self) -> Option<FlowId> {
        match self {
            Self::Creating { flow } | Self::Extending { flow, .. } | Self::Deleting { flow } => Some(flow),
            Self::Available | Self::Error | Self::ErrorExtending | Self::ErrorDeleting => None,
        }
    }
}
