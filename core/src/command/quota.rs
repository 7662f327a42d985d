use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;

use crate::id::ProjectId;
use crate::refusal::{Refusal, RefusalCode};

/// Change a project's limits (`quota.set`). Limits that are not named stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaSet {
    /// The project whose limits change.
    pub project: ProjectId,
    /// Limit by Cinder's name for it (`volumes`, `gigabytes`, `volumes_<type>`, ...); -1 is unlimited.
    pub limits: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
pub(super) struct RawQuota {
    project: ProjectId,
    #[serde(flatten)]
    limits: BTreeMap<String, Number>,
}

impl RawQuota {
    pub(super) fn check(self) -> Result<QuotaSet, Refusal> {
        let mut limits = BTreeMap::new();
        if self.limits.len() > 1024 {
            return Err(invalid("too many limits in one command", "set at most 1024 at a time"));
        }
        for (name, number) in self.limits {
            let limit =
                number.as_i64().filter(|limit| (-1..=i64::from(i32::MAX)).contains(limit)).ok_or_else(|| {
                    invalid(&format!("{name} is {number}"), "give a whole number from -1 (unlimited) to 2147483647")
                })?;
            limits.insert(name, limit);
        }
        Ok(QuotaSet { project: self.project, limits })
    }
}

fn invalid(message: &str, remedy: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidQuota, message, remedy)
}
