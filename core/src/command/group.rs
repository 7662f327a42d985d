use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::{PairsChange, changed, count, name, optional, pairs, text};
use crate::id::{GroupId, GroupSnapshotId, GroupTypeId, VolumeId};
use crate::refusal::Refusal;

/// The most volumes of a group: their snapshots are asked for in one commit.
pub const GROUP_VOLUMES_MAX: usize = 64;

/// Make a group (`group.create`): empty, or like another group or a group snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<GroupId>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The group type's name or id; with a source the source's.
    #[serde(default)]
    pub group_type: Option<String>,
    /// The names or ids of the types that its volumes may have; with a source the source's.
    #[serde(default)]
    pub volume_types: Vec<String>,
    /// Where it shall be.
    #[serde(default)]
    pub availability_zone: Option<String>,
    /// The group whose volumes are copied.
    #[serde(default)]
    pub source_group: Option<GroupId>,
    /// The group snapshot whose snapshots are copied.
    #[serde(default)]
    pub source_group_snapshot: Option<GroupSnapshotId>,
}

/// Change a group (`group.update`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupUpdate {
    /// The group.
    pub id: GroupId,
    /// Its new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its new description.
    #[serde(default)]
    pub description: Option<String>,
    /// Volumes that shall belong to it.
    #[serde(default)]
    pub add_volumes: BTreeSet<VolumeId>,
    /// Volumes that shall belong to it no longer.
    #[serde(default)]
    pub remove_volumes: BTreeSet<VolumeId>,
}

/// Remove a group (`group.delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupDelete {
    /// The group.
    pub id: GroupId,
    /// With its volumes; without, it must have none.
    #[serde(default)]
    pub delete_volumes: bool,
}

/// State a group's status (`group.reset_status`, an operator).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupStatusSet {
    /// The group.
    pub id: GroupId,
    /// Cinder's name of the status.
    pub status: String,
}

/// Take a snapshot of all volumes of a group (`group_snapshot.create`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSnapshotCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<GroupSnapshotId>,
    /// The group.
    pub group: GroupId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// Remove a group snapshot with its snapshots (`group_snapshot.delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSnapshotDelete {
    /// The group snapshot.
    pub id: GroupSnapshotId,
}

/// State a group snapshot's status (`group_snapshot.reset_status`, an operator).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSnapshotStatusSet {
    /// The group snapshot.
    pub id: GroupSnapshotId,
    /// Cinder's name of the status.
    pub status: String,
}

/// Make a group type (`group_type.create`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTypeCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<GroupTypeId>,
    /// Its name; unique in the cell.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether every project may use it.
    #[serde(default = "super::volume_type::yes")]
    pub is_public: bool,
    /// Its specs.
    #[serde(default)]
    pub group_specs: BTreeMap<String, String>,
}

/// Change a group type (`group_type.update`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTypeUpdate {
    /// The group type.
    pub id: GroupTypeId,
    /// Its new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its new description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether every project may use it.
    #[serde(default)]
    pub is_public: Option<bool>,
    /// What of its specs shall change.
    #[serde(default)]
    pub group_specs_change: Option<PairsChange>,
}

/// Remove a group type (`group_type.delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTypeDelete {
    /// The group type.
    pub id: GroupTypeId,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<GroupCreate>(json).and_then(GroupCreate::check).map(Command::GroupCreate),
        "update" => read::<GroupUpdate>(json).and_then(GroupUpdate::check).map(Command::GroupUpdate),
        "delete" => read(json).map(Command::GroupDelete),
        "reset_status" => read(json).map(Command::GroupResetStatus),
        _ => return None,
    })
}

pub(super) fn snapshot_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => {
            read::<GroupSnapshotCreate>(json).and_then(GroupSnapshotCreate::check).map(Command::GroupSnapshotCreate)
        }
        "delete" => read(json).map(Command::GroupSnapshotDelete),
        "reset_status" => read(json).map(Command::GroupSnapshotResetStatus),
        _ => return None,
    })
}

pub(super) fn type_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<GroupTypeCreate>(json).and_then(GroupTypeCreate::check).map(Command::GroupTypeCreate),
        "update" => read::<GroupTypeUpdate>(json).and_then(GroupTypeUpdate::check).map(Command::GroupTypeUpdate),
        "delete" => read(json).map(Command::GroupTypeDelete),
        _ => return None,
    })
}

impl GroupCreate {
    fn check(self) -> Result<Self, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        optional(&[("group_type", &self.group_type), ("availability_zone", &self.availability_zone)])?;
        count("volume_types", self.volume_types.len(), 64)?;
        self.volume_types.iter().try_for_each(|volume_type| text("volume_types", volume_type))?;
        Ok(self)
    }
}

impl GroupUpdate {
    fn check(self) -> Result<Self, Refusal> {
        optional(&[("name", &self.name), ("description", &self.description)])?;
        count("add_volumes", self.add_volumes.len(), GROUP_VOLUMES_MAX)?;
        count("remove_volumes", self.remove_volumes.len(), GROUP_VOLUMES_MAX)?;
        Ok(self)
    }
}

impl GroupSnapshotCreate {
    fn check(self) -> Result<Self, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        Ok(self)
    }
}

impl GroupTypeCreate {
    fn check(self) -> Result<Self, Refusal> {
        name("group type", &self.name)?;
        text("description", &self.description)?;
        pairs("group_specs", &self.group_specs, |value| Some(value.as_str()))?;
        Ok(self)
    }
}

impl GroupTypeUpdate {
    fn check(self) -> Result<Self, Refusal> {
        self.name.as_deref().map_or(Ok(()), |new| name("group type", new))?;
        optional(&[("description", &self.description)])?;
        changed("group_specs", None, self.group_specs_change.as_ref())?;
        Ok(self)
    }
}
