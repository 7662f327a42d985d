use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::QosId;
use crate::unit::Timestamp;

/// A set of QoS specs. Which volume types use it stands in the types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qos {
    /// Its id.
    pub id: QosId,
    /// Its name; unique in the cell.
    pub name: String,
    /// Who keeps to them.
    pub consumer: QosConsumer,
    /// Keys and values for whoever keeps to them.
    pub specs: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// Who keeps to QoS specs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QosConsumer {
    /// The hypervisor.
    FrontEnd,
    /// The storage.
    BackEnd,
    /// Both.
    Both,
}

impl QosConsumer {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FrontEnd => "front-end",
            Self::BackEnd => "back-end",
            Self::Both => "both",
        }
    }
}
