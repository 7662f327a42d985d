use std::collections::BTreeMap;

use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::{PairsChange, changed, name, optional, pairs, text};
use crate::id::{ProjectId, TypeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::ControlLocation;

/// Make a volume type (`type.create`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<TypeId>,
    /// Its name; unique in the cell.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether every project may use it.
    #[serde(default = "yes")]
    pub is_public: bool,
    /// What a pool must offer, in the scheduler's extra spec language.
    #[serde(default)]
    pub extra_specs: BTreeMap<String, Option<String>>,
}

/// Change a volume type (`type.update`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeUpdate {
    /// The type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
    /// Its new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its new description.
    #[serde(default)]
    pub description: Option<String>,
    /// All of its extra specs; keys that are not in it are removed.
    #[serde(default)]
    pub extra_specs: Option<BTreeMap<String, Option<String>>>,
    /// What of its extra specs shall change; not together with `extra_specs`.
    #[serde(default)]
    pub extra_specs_change: Option<PairsChange>,
    /// Whether every project may use it.
    #[serde(default)]
    pub is_public: Option<bool>,
}

/// Let a project use a type that is not public, or no longer (`type.grant`, `type.revoke`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeAccess {
    /// The type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
    /// The project.
    pub project: ProjectId,
}

/// Say how volumes of a type are to be encrypted, or change it (`type.set_encryption`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeSetEncryption {
    /// The type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
    /// Only when there is none yet (true), or only when there is one (false).
    pub create: bool,
    /// The provider; needed to create.
    #[serde(default)]
    pub provider: Option<String>,
    /// Who encrypts; needed to create.
    #[serde(default)]
    pub control_location: Option<ControlLocation>,
    /// The cipher.
    #[serde(default)]
    pub cipher: Option<String>,
    /// The key's size, in bits.
    #[serde(default)]
    pub key_size: Option<u32>,
}

/// Volumes of a type are not to be encrypted (`type.unset_encryption`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeUnsetEncryption {
    /// The type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
}

/// Choose the type of a project's volumes that ask for none, or give the choice up (`type.set_default`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeSetDefault {
    /// The project.
    pub project: ProjectId,
    /// The type's name or id; `null` gives the choice up.
    #[serde(rename = "type")]
    pub volume_type: Option<String>,
}

/// Remove a volume type (`type.delete`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDelete {
    /// The type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<TypeCreate>(json).and_then(TypeCreate::check).map(Command::TypeCreate),
        "update" => read::<TypeUpdate>(json).and_then(TypeUpdate::check).map(Command::TypeUpdate),
        "delete" => read(json).map(Command::TypeDelete),
        "grant" => read(json).map(Command::TypeGrant),
        "revoke" => read(json).map(Command::TypeRevoke),
        "set_encryption" => {
            read::<TypeSetEncryption>(json).and_then(TypeSetEncryption::check).map(Command::TypeSetEncryption)
        }
        "unset_encryption" => read(json).map(Command::TypeUnsetEncryption),
        "set_default" => read(json).map(Command::TypeSetDefault),
        _ => return None,
    })
}

impl TypeCreate {
    fn check(self) -> Result<Self, Refusal> {
        name("volume type", &self.name)?;
        text("description", &self.description)?;
        pairs("extra_specs", &self.extra_specs, Option::as_deref)?;
        Ok(self)
    }
}

impl TypeUpdate {
    fn check(self) -> Result<Self, Refusal> {
        self.name.as_deref().map_or(Ok(()), |new| name("volume type", new))?;
        optional(&[("description", &self.description)])?;
        if let Some(extra_specs) = &self.extra_specs {
            pairs("extra_specs", extra_specs, Option::as_deref)?;
        }
        changed("extra_specs", None, self.extra_specs_change.as_ref())?;
        if self.extra_specs.is_some() && self.extra_specs_change.is_some() {
            return Err(Refusal::new(
                RefusalCode::MalformedBody,
                "extra_specs are to be replaced and changed at once",
                "give either extra_specs or extra_specs_change",
            ));
        }
        Ok(self)
    }
}

impl TypeSetEncryption {
    fn check(self) -> Result<Self, Refusal> {
        optional(&[("provider", &self.provider), ("cipher", &self.cipher)])?;
        if self.create && (self.provider.is_none() || self.control_location.is_none()) {
            return Err(Refusal::new(
                RefusalCode::MalformedBody,
                "provider or control_location is missing",
                "give both to begin with encryption",
            ));
        }
        Ok(self)
    }
}
