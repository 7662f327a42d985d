//! The filters: each one pure question about one pool, answered with what was seen and what was needed.

pub mod availability_zone;
pub mod capabilities;
pub mod capacity;
pub mod hinted_volumes;
pub mod query;
pub mod service;
pub mod tried_pools;
pub mod watermark;

use super::config::{FilterName, SchedulerConfig};
use super::decision::Check;
use super::place::{PlacementRequest, PoolView};
use super::stats::PoolStats;

/// Asks one configured filter about a pool that has reported.
#[must_use]
pub fn check(
    filter: FilterName,
    request: &PlacementRequest<'_>,
    pool: &PoolView<'_>,
    stats: &PoolStats,
    config: &SchedulerConfig,
) -> Check {
    match filter {
        FilterName::AvailabilityZone => availability_zone::check(request, pool),
        FilterName::Capacity => capacity::check(request, pool, stats, config),
        FilterName::Capabilities => capabilities::check(request, pool, stats),
        FilterName::TriedPools => tried_pools::check(request, pool),
    }
}
