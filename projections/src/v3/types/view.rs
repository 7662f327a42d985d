use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::id::{ProjectId, QosId, TypeId};
use stele_core::state::{Encryption, VolumeType};
use uuid::Uuid;

use crate::v3::auth::Caller;
use crate::v3::policy::{Rule, allows};
use crate::v3::scalar::{Moment, unless_empty};

/// The extra specs that say something to those who use a type; all others are between operators and the scheduler.
const VISIBLE_TO_USERS: [&str; 3] = ["RESKEY:availability_zones", "multiattach", "replication_enabled"];

/// A volume type as Cinder shows it.
#[derive(Debug, Serialize)]
pub(super) struct TypeView<'a> {
    id: TypeId,
    name: &'a str,
    is_public: bool,
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_specs: Option<BTreeMap<&'a str, Option<&'a str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qos_specs_id: Option<Option<QosId>>,
    #[serde(rename = "os-volume-type-access:is_public", skip_serializing_if = "Option::is_none")]
    access_is_public: Option<bool>,
}

/// Which of Cinder's answers it is; each has its own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Of a list or of one that was asked for.
    Read,
    /// `types/default`.
    Default,
    /// Of a create.
    Created,
    /// Of an update.
    Updated,
}

impl<'a> TypeView<'a> {
    pub(super) fn new(found: &'a VolumeType, caller: &Caller, shown: Shown) -> Self {
        let reads = matches!(shown, Shown::Read | Shown::Default);
        let qos = reads && allows(caller, Rule::AccessTypesQosSpecsId);
        let access = matches!(shown, Shown::Read | Shown::Created) && allows(caller, Rule::VolumeTypeAccess);
        Self {
            id: found.id,
            name: &found.name,
            is_public: found.is_public,
            description: unless_empty(&found.description),
            extra_specs: allows(caller, Rule::AccessTypesExtraSpecs).then(|| extra_specs(found, caller)),
            qos_specs_id: qos.then_some(found.qos),
            access_is_public: access.then_some(found.is_public),
        }
    }
}

/// The extra specs that a caller may see.
pub(super) fn extra_specs<'a>(found: &'a VolumeType, caller: &Caller) -> BTreeMap<&'a str, Option<&'a str>> {
    let all = allows(caller, Rule::TypesExtraSpecsReadSensitive);
    let visible = |key: &str| all || VISIBLE_TO_USERS.contains(&key);
    let specs = found.extra_specs.iter().filter(|(key, _)| visible(key));
    specs.map(|(key, value)| (key.as_str(), value.as_deref())).collect()
}

/// Whether a caller may look for types by this extra spec.
pub(super) fn may_filter_by(key: &str, caller: &Caller) -> bool {
    VISIBLE_TO_USERS.contains(&key) || allows(caller, Rule::TypesExtraSpecsReadSensitive)
}

/// A project that may use a type.
#[derive(Debug, Serialize)]
pub(super) struct AccessView<'a> {
    volume_type_id: TypeId,
    project_id: &'a ProjectId,
}

/// The projects that may use a type that is not public.
pub(super) fn access(found: &VolumeType) -> Vec<AccessView<'_>> {
    found.access.iter().map(|project_id| AccessView { volume_type_id: found.id, project_id }).collect()
}

/// How a type's volumes are to be encrypted, with everything that Cinder keeps of it.
#[derive(Debug, Serialize)]
pub(super) struct EncryptionView<'a> {
    volume_type_id: TypeId,
    encryption_id: Uuid,
    provider: &'a str,
    control_location: &'static str,
    cipher: Option<&'a str>,
    key_size: Option<u32>,
    created_at: Moment,
    updated_at: Option<Moment>,
    deleted: bool,
    deleted_at: Option<Moment>,
}

impl<'a> EncryptionView<'a> {
    pub(super) fn new(volume_type_id: TypeId, encryption: &'a Encryption) -> Self {
        Self {
            volume_type_id,
            encryption_id: encryption.id,
            provider: &encryption.provider,
            control_location: encryption.control_location.name(),
            cipher: encryption.cipher.as_deref(),
            key_size: encryption.key_size,
            created_at: Moment(encryption.created_at),
            updated_at: encryption.updated_at.map(Moment),
            deleted: false,
            deleted_at: None,
        }
    }
}
