//! Has an earlier attempt of this request failed there? (`cinder/scheduler/filters/ignore_attempted_hosts_filter.py`)

use crate::schedule::decision::{Check, CheckName};
use crate::schedule::place::{PlacementRequest, PoolView};

/// Passes every pool at the first attempt.
#[must_use]
pub fn check(request: &PlacementRequest<'_>, pool: &PoolView<'_>) -> Check {
    let tried = request.tried_pools.contains(pool.pool);
    let observed = if tried { "tried by an earlier attempt" } else { "not tried yet" };
    Check::new(CheckName::TriedPools, !tried, observed.into(), "a pool that was not tried yet".into())
}
