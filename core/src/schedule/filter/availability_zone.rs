//! Is the pool in one of the zones that the request names? (`cinder/scheduler/filters/availability_zone_filter.py`)

use crate::schedule::decision::{Check, CheckName};
use crate::schedule::place::{PlacementRequest, PoolView};

/// Passes every pool when the request names no zone.
#[must_use]
pub fn check(request: &PlacementRequest<'_>, pool: &PoolView<'_>) -> Check {
    let zones = &request.availability_zones;
    let required = if zones.is_empty() { "any zone".to_owned() } else { zones.join(" or ") };
    let passed = zones.is_empty() || zones.iter().any(|zone| zone == pool.availability_zone);
    Check::new(CheckName::AvailabilityZone, passed, format!("zone {}", pool.availability_zone), required)
}
