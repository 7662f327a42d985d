use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use super::text::{pairs, text};
use crate::id::VolumeId;
use crate::refusal::{Refusal, RefusalCode};
use crate::unit::SizeGib;

/// Make a volume (`volume.create`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeCreate {
    /// The id that it shall have; made from the command's id when absent.
    pub id: Option<VolumeId>,
    /// Its size.
    pub size_gib: SizeGib,
    /// Its name; need not be unique.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The name or id of its type; the default type when absent.
    pub volume_type: Option<String>,
    /// Where it shall be; the cell's default zone when absent.
    pub availability_zone: Option<String>,
    /// The user's own keys and values.
    pub metadata: BTreeMap<String, String>,
}

/// Remove a volume (`volume.delete`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeDelete {
    /// The volume.
    pub id: VolumeId,
    /// Also when it could not be deleted before (`error_deleting`).
    #[serde(default)]
    pub force: bool,
}

/// Grow a volume (`volume.extend`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeExtend {
    /// The volume.
    pub id: VolumeId,
    /// The size that it shall have.
    pub size_gib: SizeGib,
}

/// Change what a volume is called (`volume.update`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeUpdate {
    /// The volume.
    pub id: VolumeId,
    /// Its new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its new description.
    #[serde(default)]
    pub description: Option<String>,
    /// All of its metadata; keys that are not in it are removed.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCreate {
    #[serde(default)]
    id: Option<VolumeId>,
    size_gib: Number,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default, rename = "type")]
    volume_type: Option<String>,
    #[serde(default)]
    availability_zone: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl RawCreate {
    pub(super) fn check(self) -> Result<VolumeCreate, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        pairs("metadata", &self.metadata, |value| Some(value.as_str()))?;
        for (field, value) in [("type", &self.volume_type), ("availability_zone", &self.availability_zone)] {
            if let Some(value) = value {
                text(field, value)?;
            }
        }
        Ok(VolumeCreate {
            id: self.id,
            size_gib: size(&self.size_gib)?,
            name: self.name,
            description: self.description,
            volume_type: self.volume_type,
            availability_zone: self.availability_zone,
            metadata: self.metadata,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExtend {
    id: VolumeId,
    size_gib: Number,
}

impl RawExtend {
    pub(super) fn check(self) -> Result<VolumeExtend, Refusal> {
        Ok(VolumeExtend { id: self.id, size_gib: size(&self.size_gib)? })
    }
}

impl VolumeUpdate {
    pub(super) fn check(self) -> Result<Self, Refusal> {
        for (field, value) in [("name", &self.name), ("description", &self.description)] {
            if let Some(value) = value {
                text(field, value)?;
            }
        }
        if let Some(metadata) = &self.metadata {
            pairs("metadata", metadata, |value| Some(value.as_str()))?;
        }
        Ok(self)
    }
}

fn size(number: &Number) -> Result<SizeGib, Refusal> {
    number.as_i128().and_then(|size| SizeGib::new(size).ok()).ok_or_else(|| {
        Refusal::new(
            RefusalCode::InvalidSize,
            format!("size_gib is {number}"),
            format!("give a whole number from 1 to {}", crate::unit::SIZE_GIB_MAX),
        )
    })
}
