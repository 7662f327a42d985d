//! Taking over what somebody else made on the storage, and giving up what is there: for operators.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::text::{optional, pairs, text};
use crate::id::{PoolName, ProjectId, SnapshotId, SourceName, VolumeId};
use crate::refusal::Refusal;

/// Take over a volume (`volume.manage`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeManage {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<VolumeId>,
    /// The project that it shall belong to.
    pub project: ProjectId,
    /// Where it lies.
    pub pool: PoolName,
    /// What it is called there.
    pub source_name: SourceName,
    /// Its name; need not be unique.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The name or id of its type; the default type when absent.
    #[serde(default, rename = "type")]
    pub volume_type: Option<String>,
    /// Its zone; that of its backend when absent.
    #[serde(default)]
    pub availability_zone: Option<String>,
    /// Whether a server may boot from it.
    #[serde(default)]
    pub bootable: bool,
    /// The user's own keys and values.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Give a volume up (`volume.unmanage`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeUnmanage {
    /// The volume.
    pub id: VolumeId,
}

/// Take over a snapshot (`snapshot.manage`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotManage {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<SnapshotId>,
    /// The volume of which it is one.
    pub volume: VolumeId,
    /// What it is called on the volume's pool.
    pub source_name: SourceName,
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

/// Give a snapshot up (`snapshot.unmanage`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotUnmanage {
    /// The snapshot.
    pub id: SnapshotId,
}

impl VolumeManage {
    pub(super) fn check(self) -> Result<Self, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        pairs("metadata", &self.metadata, |value| Some(value.as_str()))?;
        optional(&[("type", &self.volume_type), ("availability_zone", &self.availability_zone)])?;
        Ok(self)
    }
}

impl SnapshotManage {
    pub(super) fn check(self) -> Result<Self, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        pairs("metadata", &self.metadata, |value| Some(value.as_str()))?;
        Ok(self)
    }
}
