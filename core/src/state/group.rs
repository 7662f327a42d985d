use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{GroupId, GroupSnapshotId, GroupTypeId, ProjectId, TypeId};
use crate::unit::{Position, Timestamp};

/// A group of volumes. Which volumes belong to it stands in the volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// The project that owns it.
    pub project: ProjectId,
    /// The user who asked for it.
    pub user: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its type.
    pub group_type: GroupTypeId,
    /// The types that its volumes may have.
    pub volume_types: Vec<TypeId>,
    /// Its availability zone.
    pub availability_zone: String,
    /// What it is doing.
    pub status: GroupStatus,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// The group that it was made from.
    pub source_group: Option<GroupId>,
    /// The group snapshot that it was made from.
    pub source_group_snapshot: Option<GroupSnapshotId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The position of the event that brought it into being.
    pub created_position: Position,
}

/// A snapshot of all volumes of a group. Which snapshots belong to it stands in the snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSnapshot {
    /// Its id.
    pub id: GroupSnapshotId,
    /// The group.
    pub group: GroupId,
    /// The group's type.
    pub group_type: GroupTypeId,
    /// The project that owns it.
    pub project: ProjectId,
    /// The user who asked for it.
    pub user: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it is doing.
    pub status: GroupStatus,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The position of the event that brought it into being.
    pub created_position: Position,
}

/// What a group or a group snapshot is doing. While it is creating or deleting, flows of its members are open: the last
/// of them to end moves it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupStatus {
    /// Its members are being made.
    Creating,
    /// It can be used.
    Available,
    /// Its members are being removed.
    Deleting,
    /// A member could not be made or removed.
    Error,
    /// Somebody said so; nobody is at work.
    Stated(StatedGroupStatus),
}

/// Statuses that only `reset_status` leads to (`cinder/objects/fields.py`, `GroupStatus`, `GroupSnapshotStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedGroupStatus {
    Creating,
    Deleting,
    Deleted,
    Updating,
    InUse,
    ErrorDeleting,
}

impl GroupStatus {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating | Self::Stated(StatedGroupStatus::Creating) => "creating",
            Self::Available => "available",
            Self::Deleting | Self::Stated(StatedGroupStatus::Deleting) => "deleting",
            Self::Error => "error",
            Self::Stated(StatedGroupStatus::Deleted) => "deleted",
            Self::Stated(StatedGroupStatus::Updating) => "updating",
            Self::Stated(StatedGroupStatus::InUse) => "in-use",
            Self::Stated(StatedGroupStatus::ErrorDeleting) => "error_deleting",
        }
    }

    /// The status that an operator states by Cinder's name.
    #[must_use]
    pub fn stated(name: &str) -> Option<Self> {
        Some(match name {
            "available" => Self::Available,
            "error" => Self::Error,
            "creating" => Self::Stated(StatedGroupStatus::Creating),
            "deleting" => Self::Stated(StatedGroupStatus::Deleting),
            "deleted" => Self::Stated(StatedGroupStatus::Deleted),
            "updating" => Self::Stated(StatedGroupStatus::Updating),
            "in-use" => Self::Stated(StatedGroupStatus::InUse),
            "error_deleting" => Self::Stated(StatedGroupStatus::ErrorDeleting),
            _ => return None,
        })
    }
}

/// A group type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupType {
    /// Its id.
    pub id: GroupTypeId,
    /// Its name; unique in the cell.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether every project may use it.
    pub is_public: bool,
    /// Its specs.
    pub group_specs: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}
