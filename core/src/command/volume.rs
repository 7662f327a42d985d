use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use super::Command;
use super::manage::VolumeManage;
use super::parse::read;
use super::text::{PairsChange, changed, count, optional, pairs, text};
use crate::id::{GroupId, SnapshotId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::schedule::Hints;
use crate::unit::SizeGib;

/// The most volumes that a scheduler hint names.
const HINTS_MAX: usize = 64;
/// The longest query of a scheduler hint, in bytes.
const QUERY_BYTES_MAX: usize = 4096;

/// Make a volume (`volume.create`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeCreate {
    /// The id that it shall have; made from the command's id when absent.
    pub id: Option<VolumeId>,
    /// Its size; that of its source when absent.
    pub size_gib: Option<SizeGib>,
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
    /// The snapshot whose data it begins with; or
    pub snapshot: Option<SnapshotId>,
    /// the volume whose data it begins with.
    pub source_volume: Option<VolumeId>,
    /// The group that it shall belong to.
    pub group: Option<GroupId>,
    /// Where it shall be, as the user wants it.
    pub hints: Hints,
}

/// Remove a volume (`volume.delete`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeDelete {
    /// The volume.
    pub id: VolumeId,
    /// Also when it could not be deleted before (`error_deleting`); on the subjects of the project `admin` in every
    /// status.
    #[serde(default)]
    pub force: bool,
    /// With its snapshots.
    #[serde(default)]
    pub cascade: bool,
}

/// Grow a volume (`volume.extend`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeExtend {
    /// The volume.
    pub id: VolumeId,
    /// The size that it shall have.
    pub size_gib: SizeGib,
}

/// Give a volume the data of its latest snapshot back (`volume.revert`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeRevert {
    /// The volume.
    pub id: VolumeId,
    /// Its latest snapshot.
    pub snapshot: SnapshotId,
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
    /// What of its metadata shall change; not together with `metadata`.
    #[serde(default)]
    pub metadata_change: Option<PairsChange>,
    /// What of its image metadata shall change.
    #[serde(default)]
    pub image_metadata_change: Option<PairsChange>,
    /// Whether a server may boot from it.
    #[serde(default)]
    pub bootable: Option<bool>,
    /// Whether clients may only read it; only while it is available.
    #[serde(default)]
    pub readonly: Option<bool>,
}

/// State a volume's status (`volume.reset_status`, an operator). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeResetStatus {
    /// The volume.
    pub id: VolumeId,
    /// Cinder's name of the status.
    #[serde(default)]
    pub status: Option<String>,
    /// `attached` or `detached`; `detached` ends every attachment.
    #[serde(default)]
    pub attach_status: Option<String>,
    /// Cinder's name of the migration status; `none` for none.
    #[serde(default)]
    pub migration_status: Option<String>,
}

/// Give a volume another type (`volume.retype`); it stays on its backend.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeRetype {
    /// The volume.
    pub id: VolumeId,
    /// The new type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<RawCreate>(json).and_then(RawCreate::check).map(Command::VolumeCreate),
        "delete" => read(json).map(Command::VolumeDelete),
        "extend" => read::<RawExtend>(json).and_then(RawExtend::check).map(Command::VolumeExtend),
        "manage" => read::<VolumeManage>(json).and_then(VolumeManage::check).map(Command::VolumeManage),
        "unmanage" => read(json).map(Command::VolumeUnmanage),
        "revert" => read(json).map(Command::VolumeRevert),
        "update" => read::<VolumeUpdate>(json).and_then(VolumeUpdate::check).map(Command::VolumeUpdate),
        "reset_status" => read(json).map(Command::VolumeResetStatus),
        "retype" => read(json).map(Command::VolumeRetype),
        _ => return super::attachment::volume_command(verb, json),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCreate {
    #[serde(default)]
    id: Option<VolumeId>,
    #[serde(default)]
    size_gib: Option<Number>,
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
    #[serde(default)]
    snapshot: Option<SnapshotId>,
    #[serde(default)]
    source_volume: Option<VolumeId>,
    #[serde(default)]
    group: Option<GroupId>,
    #[serde(default)]
    hints: Hints,
}

impl RawCreate {
    fn check(self) -> Result<VolumeCreate, Refusal> {
        text("name", &self.name)?;
        text("description", &self.description)?;
        pairs("metadata", &self.metadata, |value| Some(value.as_str()))?;
        optional(&[("type", &self.volume_type), ("availability_zone", &self.availability_zone)])?;
        let sources = usize::from(self.snapshot.is_some()) + usize::from(self.source_volume.is_some());
        let malformed = |message: &str, remedy: &str| Err(Refusal::new(RefusalCode::MalformedBody, message, remedy));
        if sources == 2 {
            return malformed("the volume has two sources", "name either a snapshot or a source_volume");
        }
        if sources == 0 && self.size_gib.is_none() {
            return malformed("missing field `size_gib`", "give a size, or a source that has one");
        }
        count("hints.same_host", self.hints.same_host.len(), HINTS_MAX)?;
        count("hints.different_host", self.hints.different_host.len(), HINTS_MAX)?;
        if self.hints.query.as_ref().is_some_and(|query| query.len() > QUERY_BYTES_MAX) {
            return malformed("hints.query is too long", "use at most 4096 bytes");
        }
        Ok(VolumeCreate {
            id: self.id,
            size_gib: self.size_gib.as_ref().map(size).transpose()?,
            name: self.name,
            description: self.description,
            volume_type: self.volume_type,
            availability_zone: self.availability_zone,
            metadata: self.metadata,
            snapshot: self.snapshot,
            source_volume: self.source_volume,
            group: self.group,
            hints: self.hints,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExtend {
    id: VolumeId,
    size_gib: Number,
}

impl RawExtend {
    fn check(self) -> Result<VolumeExtend, Refusal> {
        Ok(VolumeExtend { id: self.id, size_gib: size(&self.size_gib)? })
    }
}

impl VolumeUpdate {
    fn check(self) -> Result<Self, Refusal> {
        optional(&[("name", &self.name), ("description", &self.description)])?;
        changed("metadata", self.metadata.as_ref(), self.metadata_change.as_ref())?;
        changed("image_metadata", None, self.image_metadata_change.as_ref())?;
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
