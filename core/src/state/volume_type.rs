use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ProjectId, QosId, TypeId};
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
    /// The projects that may use it when it is not public.
    #[serde(default)]
    pub access: BTreeSet<ProjectId>,
    /// The QoS specs that it is associated with.
    #[serde(default)]
    pub qos: Option<QosId>,
    /// How its volumes are to be encrypted.
    #[serde(default)]
    pub encryption: Option<Encryption>,
}

/// How volumes of a type are to be encrypted. It is kept and shown; a cell without a key manager makes no encrypted
/// volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Its id.
    pub id: Uuid,
    /// The provider, such as `luks`.
    pub provider: String,
    /// Who encrypts.
    pub control_location: ControlLocation,
    /// The cipher, such as `aes-xts-plain64`.
    pub cipher: Option<String>,
    /// The key's size, in bits.
    pub key_size: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// Who encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlLocation {
    /// The hypervisor.
    FrontEnd,
    /// The storage.
    BackEnd,
}

impl ControlLocation {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FrontEnd => "front-end",
            Self::BackEnd => "back-end",
        }
    }
}

impl VolumeType {
    /// Whether a project may use it.
    #[must_use]
    pub fn is_visible_to(&self, project: &ProjectId) -> bool {
        self.is_public || self.access.contains(project)
    }

    /// Whether its volumes may have several attachments: the extra spec `multiattach` is `<is> True`.
    #[must_use]
    pub fn multiattach(&self) -> bool {
        self.extra_specs.get("multiattach").and_then(Option::as_deref) == Some("<is> True")
    }

    pub(super) fn default_type() -> Self {
        Self {
            id: default_type_id(),
            name: DEFAULT_TYPE_NAME.to_owned(),
            description: "Default Volume Type".to_owned(),
            is_public: true,
            extra_specs: BTreeMap::new(),
            created_at: Timestamp::default(),
            updated_at: None,
            access: BTreeSet::new(),
            qos: None,
            encryption: None,
        }
    }
}
