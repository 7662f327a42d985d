use std::collections::BTreeMap;

use serde::Deserialize;

use super::Command;
use super::manage::SnapshotManage;
use super::parse::read;
use super::text::{PairsChange, changed, optional, pairs, text};
use crate::id::{SnapshotId, VolumeId};
use crate::refusal::Refusal;

/// Take a snapshot (`snapshot.create`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<SnapshotId>,
    /// The volume.
    pub volume: VolumeId,
    /// Also while the volume is in use.
    #[serde(default)]
    pub force: bool,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The user's own keys and values.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Remove a snapshot (`snapshot.delete`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotDelete {
    /// The snapshot.
    pub id: SnapshotId,
    /// In any status; only on the subjects of the project `admin`.
    #[serde(default)]
    pub force: bool,
}

/// Change what a snapshot is called (`snapshot.update`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotUpdate {
    /// The snapshot.
    pub id: SnapshotId,
    /// Its new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its new description.
    #[serde(default)]
    pub description: Option<String>,
    /// All of its metadata; keys that are not in it are removed.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// What of its metadata shall change; not together with `metadata`.
    #[serde(default)]
    pub metadata_change: Option<PairsChange>,
}

/// State a snapshot's status (`snapshot.reset_status`, an operator; `snapshot.set_status`, a client that takes part in
/// taking it).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotStatusSet {
    /// The snapshot.
    pub id: SnapshotId,
    /// Cinder's name of the status.
    pub status: String,
    /// How much of it is there, in per cent; only of `set_status`.
    #[serde(default)]
    pub progress: Option<u8>,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<SnapshotCreate>(json).and_then(SnapshotCreate::check).map(Command::SnapshotCreate),
        "delete" => read(json).map(Command::SnapshotDelete),
        "update" => read::<SnapshotUpdate>(json).and_then(SnapshotUpdate::check).map(Command::SnapshotUpdate),
        "manage" => read::<SnapshotManage>(json).and_then(SnapshotManage::check).map(Command::SnapshotManage),
        "unmanage" => read(json).map(Command::SnapshotUnmanage),
        "set_status" => read(json).map(Command::SnapshotSetStatus),
        "reset_status" => read(json).map(Command::SnapshotResetStatus),
        _ => return None,
    })
}

impl SnapshotCreate {
    fn check(self) -> Result<Self, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        pairs("metadata", &self.metadata, |value| Some(value.as_str()))?;
        Ok(self)
    }
}

impl SnapshotUpdate {
    fn check(self) -> Result<Self, Refusal> {
        optional(&[("name", &self.name), ("description", &self.description)])?;
        changed("metadata", self.metadata.as_ref(), self.metadata_change.as_ref())?;
        Ok(self)
    }
}
