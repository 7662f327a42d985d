//! Pools as the scheduler sees them: what their backends reported, with the claims that came after.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::schedule::{Amount, Capability, Ratio};
use stele_core::state::{Backend, Pool};

use crate::v3::scalar::Moment;

/// A pool in the list of those that may take volumes.
#[derive(Debug, Serialize)]
pub(in crate::v3) struct PoolView<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<CapabilitiesView<'a>>,
}

impl<'a> PoolView<'a> {
    pub(in crate::v3) fn brief(pool: &'a Pool) -> Self {
        Self { name: pool.name.as_str(), capabilities: None }
    }

    pub(in crate::v3) fn detailed(pool: &'a Pool, backend: &Backend) -> Self {
        Self { name: pool.name.as_str(), capabilities: Some(CapabilitiesView::new(pool, backend)) }
    }
}

/// What Cinder's scheduler knows of a pool: the figures by which it computes, then all else that was reported.
#[derive(Debug, Serialize)]
struct CapabilitiesView<'a> {
    total_capacity_gb: Amount,
    free_capacity_gb: Option<Amount>,
    provisioned_capacity_gb: f64,
    allocated_capacity_gb: u64,
    max_over_subscription_ratio: Option<String>,
    reserved_percentage: u32,
    thin_provisioning_support: bool,
    thick_provisioning_support: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_volumes: Option<u64>,
    #[serde(flatten)]
    fills: BTreeMap<&'static str, Cow<'a, Capability>>,
    timestamp: Moment,
    filter_function: Option<&'a str>,
    goodness_function: Option<&'a str>,
    #[serde(flatten)]
    reported: BTreeMap<&'a str, &'a Capability>,
}

impl<'a> CapabilitiesView<'a> {
    fn new(pool: &'a Pool, backend: &Backend) -> Self {
        let stats = &*pool.stats;
        let claimed = claimed_gib(pool);
        Self {
            total_capacity_gb: stats.total_capacity_gb,
            free_capacity_gb: stats.free_capacity_gb.map(|free| less(free, claimed)),
            provisioned_capacity_gb: stats.provisioned_capacity_gb + claimed,
            allocated_capacity_gb: pool.allocated_gib,
            max_over_subscription_ratio: stats.max_over_subscription_ratio.map(ratio),
            reserved_percentage: stats.reserved_percentage,
            thin_provisioning_support: stats.thin_provisioning_support,
            thick_provisioning_support: stats.thick_provisioning_support,
            total_volumes: stats.total_volumes,
            fills: FILLS.into_iter().filter_map(|name| Some((name, stats.capabilities_view().get(name)?))).collect(),
            timestamp: Moment(backend.heartbeat_at),
            filter_function: None,
            goodness_function: None,
            reported: reported(pool),
        }
    }
}

/// A capability of a pool as one text. Where a backend reports several spellings, the first is the preferred one.
pub(in crate::v3) fn text<'a>(pool: &'a Pool, capability: &str) -> Option<&'a str> {
    match preferred(pool.stats.capabilities.get(capability)?) {
        Capability::Text(text) => Some(text),
        _ => None,
    }
}

/// The fields that the view has of its own would stand there twice.
const OWN: [&str; 3] = ["timestamp", "filter_function", "goodness_function"];

/// How full a thin pool is, and above what it takes nothing new.
const FILLS: [&str; 4] = ["data_percent", "data_percent_max", "metadata_percent", "metadata_percent_max"];

fn reported(pool: &Pool) -> BTreeMap<&str, &Capability> {
    let others = pool.stats.capabilities.iter().filter(|(name, _)| !OWN.iter().chain(&FILLS).any(|own| own == name));
    let shown = |name: &str, value| if name == "storage_protocol" { preferred(value) } else { value };
    others.map(|(name, value)| (name.as_str(), shown(name, value))).collect()
}

fn preferred(value: &Capability) -> &Capability {
    match value {
        Capability::List(values) => values.first().unwrap_or(&Capability::Null),
        value => value,
    }
}

fn less(free: Amount, claimed_gib: f64) -> Amount {
    match free {
        Amount::Number(gib) => Amount::Number((gib - claimed_gib).max(0.0)),
        other => other,
    }
}

/// Claims are whole GiB far below 2^53.
fn claimed_gib(pool: &Pool) -> f64 {
    pool.claimed_gib as f64
}

/// As Cinder's LVM driver reports it: a text.
fn ratio(ratio: Ratio) -> String {
    match ratio {
        Ratio::Number(number) => format!("{number:?}"),
        Ratio::Auto => "auto".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use stele_core::id::{BackendName, PoolName, WorkerName};
    use stele_core::schedule::PoolStats;
    use stele_core::unit::{Position, Timestamp};

    use super::*;

    #[test]
    fn a_pool_shows_what_is_left_after_the_claims() {
        let stats: PoolStats = serde_json::from_value(json!({
            "total_capacity_gb": 100.0, "free_capacity_gb": 40.5, "provisioned_capacity_gb": 60.0,
            "max_over_subscription_ratio": 20.0, "thin_provisioning_support": true, "total_volumes": 3,
            "data_percent": 59.5, "data_percent_max": 95,
            "capabilities": {"metadata_percent": 1.5, "storage_protocol": ["iSCSI", "iscsi"], "vendor_name": "Stele", "timestamp": "theirs"}
        }))
        .unwrap();
        let pool = Pool {
            name: PoolName::new("n1@lvm#vg").unwrap(),
            stats: Arc::new(stats),
            stats_position: Position(7),
            claimed_gib: 2,
            allocated_gib: 11,
            volumes: 3,
            removed_at: Position(0),
            inventory_asked: None,
            inventoried: None,
            foreign: Arc::default(),
        };
        let backend = Backend {
            name: BackendName::new("n1@lvm").unwrap(),
            availability_zone: "nova".to_owned(),
            driver: "lvm".to_owned(),
            worker: WorkerName::new("n1:w").unwrap(),
            heartbeat_at: Timestamp::from_micros(1_500_000),
            as_of: Position(7),
            disabled: None,
            frozen: None,
            pools: vec![pool.name.clone()],
        };
        let shown = serde_json::to_value(PoolView::detailed(&pool, &backend)).unwrap();
        let expected = json!({"name": "n1@lvm#vg", "capabilities": {
            "total_capacity_gb": 100.0, "free_capacity_gb": 38.5, "provisioned_capacity_gb": 62.0,
            "allocated_capacity_gb": 11, "max_over_subscription_ratio": "20.0", "reserved_percentage": 0,
            "thin_provisioning_support": true, "thick_provisioning_support": false, "total_volumes": 3,
            "data_percent": 59.5, "data_percent_max": 95, "metadata_percent": 1.5,
            "timestamp": "1970-01-01T00:00:01.500000", "filter_function": null, "goodness_function": null,
            "storage_protocol": "iSCSI", "vendor_name": "Stele"
        }});
        assert_eq!(shown, expected);
        assert_eq!(serde_json::to_value(PoolView::brief(&pool)).unwrap(), json!({"name": "n1@lvm#vg"}));
        assert_eq!((text(&pool, "storage_protocol"), text(&pool, "nothing")), (Some("iSCSI"), None));
    }
}
