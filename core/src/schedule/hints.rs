//! What the user wants of the place: Cinder's scheduler hints.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::filter::query::Query;
use crate::id::{PoolName, VolumeId};

/// Scheduler hints (Cinder's `OS-SCH-HNT:scheduler_hints`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hints {
    /// On a pool that holds one of these volumes.
    pub same_host: BTreeSet<VolumeId>,
    /// On a pool that holds none of these volumes.
    pub different_host: BTreeSet<VolumeId>,
    /// A JSON list that the pool must fulfil, as text: Cinder's JsonFilter.
    pub query: Option<String>,
}

impl Hints {
    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.same_host.is_empty() && self.different_host.is_empty() && self.query.is_none()
    }
}

/// Hints with what is known about the volumes that they name.
#[derive(Debug, Clone)]
pub struct HintsInForce<'a> {
    /// What is wanted.
    pub hints: &'a Hints,
    /// Where the volumes lie that the hints name and that the user may see.
    pub pools: BTreeMap<VolumeId, PoolName>,
    /// The query, read.
    pub query: Option<Query>,
}
