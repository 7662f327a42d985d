use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::id::GroupTypeId;
use stele_core::state::GroupType;

use crate::v3::auth::Caller;
use crate::v3::policy::{Rule, allows};
use crate::v3::scalar::unless_empty;

/// A group type as Cinder shows it; its specs are for operators.
#[derive(Debug, Serialize)]
pub(super) struct GroupTypeView<'a> {
    id: GroupTypeId,
    name: &'a str,
    description: Option<&'a str>,
    is_public: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_specs: Option<&'a BTreeMap<String, String>>,
}

impl<'a> GroupTypeView<'a> {
    pub(super) fn new(found: &'a GroupType, caller: &Caller) -> Self {
        Self {
            id: found.id,
            name: &found.name,
            description: unless_empty(&found.description),
            is_public: found.is_public,
            group_specs: allows(caller, Rule::GroupAccessGroupTypesSpecs).then_some(&found.group_specs),
        }
    }
}
