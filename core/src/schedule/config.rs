//! What an operator can choose about placement. A decision keeps the hash of the configuration it was made under.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::unit::Hash;

/// A filter that the configuration can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterName {
    /// The pool's availability zone is one of those asked for.
    AvailabilityZone,
    /// The pool has room.
    Capacity,
    /// The pool has what the type's extra specs ask for.
    Capabilities,
    /// No earlier attempt of the same request failed there.
    TriedPools,
}

impl FilterName {
    /// The name as in JSON and in texts for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "availability_zone",
            Self::Capacity => "capacity",
            Self::Capabilities => "capabilities",
            Self::TriedPools => "tried_pools",
        }
    }
}

impl fmt::Display for FilterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A weigher that the configuration can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeigherName {
    /// Virtual free capacity: a positive multiplier spreads volumes, a negative one stacks them.
    Capacity,
}

/// The scheduler's settings; the defaults are those of Cinder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    /// The filters, in the order in which they are asked. A pool's first refusal is its last check.
    pub filters: Vec<FilterName>,
    /// The weighers with their multipliers; weights add up.
    pub weighers: Vec<(WeigherName, f64)>,
    /// A service is down when its last heartbeat is older than this (Cinder's `service_down_time`).
    pub service_down_ms: u64,
    /// How many pools a request may try (Cinder's `scheduler_max_attempts`).
    pub attempts_max: u32,
    /// The ratio of thin pools that report none (Cinder's `max_over_subscription_ratio`).
    pub max_over_subscription_ratio_default: f64,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            filters: vec![
                FilterName::AvailabilityZone,
                FilterName::Capacity,
                FilterName::Capabilities,
                FilterName::TriedPools,
            ],
            weighers: vec![(WeigherName::Capacity, 1.0)],
            service_down_ms: 60_000,
            attempts_max: 3,
            max_over_subscription_ratio_default: 20.0,
        }
    }
}

impl SchedulerConfig {
    /// The SHA-256 of the settings as compact JSON, fields in the order of their declaration.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&serde_json::to_vec(self).expect("names and numbers are always JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_json_is_fixed() {
        let config = SchedulerConfig::default();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"filters":["availability_zone","capacity","capabilities","tried_pools"],"weighers":[["capacity",1.0]],"#,
                r#""service_down_ms":60000,"attempts_max":3,"max_over_subscription_ratio_default":20.0}"#
            )
        );
        assert_eq!(config.hash(), Hash::of(text.as_bytes()));
        assert_eq!(serde_json::from_str::<SchedulerConfig>("{}").unwrap(), config);
        assert!(serde_json::from_str::<SchedulerConfig>(r#"{"filter":[]}"#).is_err());
        let stack = SchedulerConfig { weighers: vec![(WeigherName::Capacity, -1.0)], ..SchedulerConfig::default() };
        assert_ne!(stack.hash(), config.hash());
    }
}
