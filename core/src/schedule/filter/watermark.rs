//! Is a thin pool too full for more, in truth and not by the books?
//!
//! A thin pool promises more than it has, so the capacity filter lets it promise on when it is nearly full. One that runs
//! full stops the writes of all its volumes, and one whose metadata run full may be lost: long before, it takes nothing
//! new.

use crate::schedule::decision::{Check, CheckName};
use crate::schedule::place::{PlacementRequest, PoolView};
use crate::schedule::stats::PoolStats;

/// Compares what is used of the pool's data and metadata with the most that its backend allows for anything new. `None`
/// for a pool without marks and a request that needs no room.
#[must_use]
pub fn check(request: &PlacementRequest<'_>, pool: &PoolView<'_>, stats: &PoolStats) -> Option<Check> {
    if request.vol_exists_on == Some(pool.pool) || request.size_gib == 0 {
        return None;
    }
    let marks = [
        ("data", stats.data_percent, stats.data_percent_max),
        ("metadata", stats.metadata_percent, stats.metadata_percent_max),
    ];
    let marks: Vec<_> = marks.into_iter().filter_map(|(of, percent, max)| Some((of, percent?, max?))).collect();
    if marks.is_empty() {
        return None;
    }
    let joined = |parts: Vec<String>| parts.join(", ");
    let observed = joined(marks.iter().map(|(of, percent, _)| format!("{of} {percent:.2} % used")).collect());
    let required = joined(marks.iter().map(|(of, _, max)| format!("{of} at most {max} %")).collect());
    let passed = marks.iter().all(|(_, percent, max)| *percent <= f64::from(*max));
    Some(Check::new(CheckName::Watermark, passed, observed, required))
}
