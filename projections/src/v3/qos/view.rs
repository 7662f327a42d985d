use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::id::{QosId, TypeId};
use stele_core::state::{Qos, VolumeType};

/// QoS specs as Cinder shows them.
#[derive(Debug, Serialize)]
pub(super) struct QosView<'a> {
    id: QosId,
    name: &'a str,
    consumer: &'static str,
    specs: &'a BTreeMap<String, String>,
}

impl<'a> QosView<'a> {
    pub(super) fn new(found: &'a Qos) -> Self {
        Self { id: found.id, name: &found.name, consumer: found.consumer.name(), specs: &found.specs }
    }
}

/// What uses QoS specs.
#[derive(Debug, Serialize)]
pub(super) struct AssociationView<'a> {
    association_type: &'static str,
    name: &'a str,
    id: TypeId,
}

impl<'a> AssociationView<'a> {
    pub(super) fn new(found: &'a VolumeType) -> Self {
        Self { association_type: "volume_type", name: &found.name, id: found.id }
    }
}
