use std::collections::BTreeMap;

use serde::Deserialize;

use super::text::{pairs, text};
use crate::id::TypeId;
use crate::refusal::{Refusal, RefusalCode};

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
}

/// Remove a volume type (`type.delete`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDelete {
    /// The type's name or id.
    #[serde(rename = "type")]
    pub volume_type: String,
}

fn yes() -> bool {
    true
}

impl TypeCreate {
    pub(super) fn check(self) -> Result<Self, Refusal> {
        type_name(&self.name)?;
        text("description", &self.description)?;
        pairs("extra_specs", &self.extra_specs, Option::as_deref)?;
        Ok(self)
    }
}

impl TypeUpdate {
    pub(super) fn check(self) -> Result<Self, Refusal> {
        if let Some(name) = &self.name {
            type_name(name)?;
        }
        if let Some(description) = &self.description {
            text("description", description)?;
        }
        if let Some(extra_specs) = &self.extra_specs {
            pairs("extra_specs", extra_specs, Option::as_deref)?;
        }
        Ok(self)
    }
}

fn type_name(name: &str) -> Result<(), Refusal> {
    text("name", name)?;
    if name.trim().is_empty() {
        return Err(Refusal::new(RefusalCode::InvalidName, "the type's name is empty", "give the type a name"));
    }
    Ok(())
}
