use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stele_core::id::{ProjectId, QosId, TypeId};
use stele_core::state::Encryption;
use stele_core::unit::Timestamp;

/// A volume type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeView {
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
    pub access: Vec<ProjectId>,
    /// The QoS specs that it uses.
    pub qos_id: Option<QosId>,
    /// How its volumes are to be encrypted.
    pub encryption: Option<Encryption>,
}

/// `GET /v1/types`: by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeList {
    /// The types.
    pub types: Vec<TypeView>,
}
