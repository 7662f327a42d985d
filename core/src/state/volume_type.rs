use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::TypeId;
use crate::unit::Timestamp;

/// The name of the type that volumes have when they ask for none, as in Cinder since Train.
pub const DEFAULT_TYPE_NAME: &str = "__DEFAULT__";

/// The id of the default type; the same in every cell.
#[must_use]
pub fn default_type_id() -> TypeId {
    TypeId(Uuid::new_v5(&Uuid::NAMESPACE_OID, b"stele volume type __DEFAULT__"))
}

/// A volume type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeType {
    /// Its id.
    pub id: TypeId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether every project may use it.
    pub is_public: bool,
    /// What a pool must offer.
    pub extra_specs: BTreeMap<String, Option<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl VolumeType {
    pub(super) fn default_type() -> Self {
        Self {
            id: default_type_id(),
            name: DEFAULT_TYPE_NAME.to_owned(),
            description: "Default Volume Type".to_owned(),
            is_public: true,
            extra_specs: BTreeMap::new(),
            created_at: Timestamp::default(),
            updated_at: None,
        }
    }
}
