//! Placement, value in and value out: the tables of Cinder's behaviour, and what Stele adds.

mod conformance;
mod explaining;
mod hinting;
mod placing;
mod watermarks;

use std::collections::BTreeMap;

use super::{Amount, Decision, PlacementRequest, PoolStats, PoolView, Purpose, SchedulerConfig, place};
use crate::id::PoolName;
use crate::unit::Position;

/// The extra specs of a type, as stored.
type Specs = BTreeMap<String, Option<String>>;

/// A pool that a test describes by what differs from an idle, healthy one.
struct Pool {
    name: PoolName,
    zone: &'static str,
    disabled: Option<&'static str>,
    frozen: Option<&'static str>,
    heartbeat_age_ms: Option<u64>,
    stats: Option<PoolStats>,
    claimed_gib: u64,
}

impl Pool {
    fn new(name: &str, total_gib: f64, free_gib: f64) -> Self {
        let mut stats = PoolStats::new(Amount::Number(total_gib), Some(Amount::Number(free_gib)));
        stats.provisioned_capacity_gb = total_gib - free_gib;
        Self::with_stats(name, stats)
    }

    fn with_stats(name: &str, stats: PoolStats) -> Self {
        Self {
            name: PoolName::new(name).unwrap(),
            zone: "nova",
            disabled: None,
            frozen: None,
            heartbeat_age_ms: Some(5_000),
            stats: Some(stats),
            claimed_gib: 0,
        }
    }

    fn view(&self) -> PoolView<'_> {
        PoolView {
            pool: &self.name,
            availability_zone: self.zone,
            disabled_reason: self.disabled,
            frozen_reason: self.frozen,
            heartbeat_age_ms: self.heartbeat_age_ms,
            stats: self.stats.as_ref(),
            stats_position: Position(41),
            claimed_gib: self.claimed_gib,
            allocated_gib: 0,
        }
    }
}

fn create(size_gib: u32, extra_specs: &Specs) -> PlacementRequest<'_> {
    PlacementRequest {
        size_gib,
        current_size_gib: 0,
        purpose: Purpose::Create,
        extra_specs,
        availability_zones: vec![],
        tried_pools: &[],
        only_pool: None,
        vol_exists_on: None,
        attempt: 1,
        hints: None,
    }
}

fn decide(request: &PlacementRequest<'_>, pools: &[Pool]) -> Decision {
    decide_with(request, pools, &SchedulerConfig::default(), 7)
}

fn decide_with(request: &PlacementRequest<'_>, pools: &[Pool], config: &SchedulerConfig, seed: u64) -> Decision {
    place(request, pools.iter().map(Pool::view), config, seed)
}

fn chosen(decision: &Decision) -> Option<&str> {
    decision.chosen.as_ref().map(PoolName::as_str)
}
