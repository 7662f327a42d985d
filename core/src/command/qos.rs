use std::collections::BTreeMap;

use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::{PairsChange, changed, name, pairs};
use crate::id::QosId;
use crate::refusal::Refusal;
use crate::state::QosConsumer;

/// Make QoS specs (`qos.create`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QosCreate {
    /// The id that they shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<QosId>,
    /// Their name; unique in the cell.
    pub name: String,
    /// Who keeps to them.
    #[serde(default = "back_end")]
    pub consumer: QosConsumer,
    /// Keys and values.
    #[serde(default)]
    pub specs: BTreeMap<String, String>,
}

/// Change QoS specs (`qos.update`). Absent fields stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QosUpdate {
    /// The specs.
    pub id: QosId,
    /// Who keeps to them.
    #[serde(default)]
    pub consumer: Option<QosConsumer>,
    /// Which keys and values shall change.
    #[serde(default)]
    pub specs_change: Option<PairsChange>,
}

/// Remove QoS specs (`qos.delete`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QosDelete {
    /// The specs.
    pub id: QosId,
    /// Also when volume types use them, which then use none.
    #[serde(default)]
    pub force: bool,
}

/// Let a volume type use QoS specs, or no longer (`qos.associate`, `qos.disassociate`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QosAssociation {
    /// The specs.
    pub id: QosId,
    /// The volume type's name or id; without one `disassociate` takes them from every type.
    #[serde(default, rename = "type")]
    pub volume_type: Option<String>,
}

fn back_end() -> QosConsumer {
    QosConsumer::BackEnd
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<QosCreate>(json).and_then(QosCreate::check).map(Command::QosCreate),
        "update" => read::<QosUpdate>(json).and_then(QosUpdate::check).map(Command::QosUpdate),
        "delete" => read(json).map(Command::QosDelete),
        "associate" => read(json).map(Command::QosAssociate),
        "disassociate" => read(json).map(Command::QosDisassociate),
        _ => return None,
    })
}

impl QosCreate {
    fn check(self) -> Result<Self, Refusal> {
        name("qos specs", &self.name)?;
        pairs("specs", &self.specs, |value| Some(value.as_str()))?;
        Ok(self)
    }
}

impl QosUpdate {
    fn check(self) -> Result<Self, Refusal> {
        changed("specs", None, self.specs_change.as_ref())?;
        Ok(self)
    }
}
