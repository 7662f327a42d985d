//! Has the pool room? (`cinder/scheduler/filters/capacity_filter.py`)

use std::fmt::Write as _;

use crate::schedule::capability::Amount;
use crate::schedule::config::SchedulerConfig;
use crate::schedule::decision::{Check, CheckName};
use crate::schedule::free_space::{Space, is_thin, round2};
use crate::schedule::place::{PlacementRequest, PoolView, Purpose};
use crate::schedule::stats::PoolStats;

/// Compares the size, for an extension the growth, with the room that the books leave.
///
/// A thin pool is judged by what it may promise, so it passes with no physical space left, as in Cinder.
#[must_use]
pub fn check(
    request: &PlacementRequest<'_>,
    pool: &PoolView<'_>,
    stats: &PoolStats,
    config: &SchedulerConfig,
) -> Check {
    let size_gib = request.size_gib;
    let needs = match request.purpose {
        Purpose::Create => format!("{size_gib} GiB"),
        Purpose::Extend { .. } => format!("{size_gib} GiB more"),
        Purpose::Snapshot => format!("{size_gib} GiB for a snapshot"),
        Purpose::Retype => "no more space".to_owned(),
    };
    let answer = |passed, observed: &str, required| Check::new(CheckName::Capacity, passed, observed.into(), required);
    if request.vol_exists_on == Some(pool.pool) {
        return answer(true, "the volume is there already", needs);
    }
    if size_gib == 0 {
        return answer(true, "nothing to allocate", needs);
    }
    match stats.free_capacity_gb {
        None => return answer(false, "free capacity not reported", "a report of the free capacity".into()),
        Some(Amount::Infinite) => return answer(true, "free infinite", needs),
        Some(Amount::Unknown) => return answer(true, "free unknown", needs),
        Some(Amount::Number(_)) => {}
    }
    let thin = is_thin(stats, request.extra_specs);
    let ratio_default = config.max_over_subscription_ratio_default;
    let Some(space) = Space::of(stats, pool.claimed_gib, thin, ratio_default) else {
        // A share of an amount that is no number cannot be kept free.
        let total = if stats.total_capacity_gb == Amount::Infinite { "infinite" } else { "unknown" };
        let reserved = stats.reserved_percentage;
        let observed = format!("total {total}, reserved {reserved} %");
        return if reserved == 0 {
            answer(true, &observed, needs)
        } else {
            answer(false, &observed, "a total in numbers, or nothing reserved".into())
        };
    };
    if space.total <= 0.0 {
        return answer(false, &format!("total {} GiB", round2(space.total)), "a total above 0 GiB".into());
    }
    if thin && space.ratio < 1.0 {
        return answer(false, &format!("over-subscription ratio {}", space.ratio), "a ratio of at least 1".into());
    }
    // What is available holds the ratio already, so this refuses only what rounding would let through below.
    let (promised, available) = (space.provisioned + f64::from(size_gib), space.available_rounded());
    if thin && available > 0.0 && promised / available > space.ratio {
        let observed = format!("{promised} GiB promised of {available} GiB available at ratio {}", space.ratio);
        return answer(false, &observed, "promises within the ratio".into());
    }
    let virtual_free = space.virtual_free();
    let observed = room(&space, virtual_free, stats, pool.claimed_gib);
    Check::new(CheckName::Capacity, virtual_free >= f64::from(size_gib), observed, needs)
}

/// The room in words with the numbers that it follows from.
fn room(space: &Space, virtual_free: f64, stats: &PoolStats, claimed_gib: u64) -> String {
    let kind = if space.thin { "virtual free" } else { "free" };
    let mut text = String::with_capacity(96);
    // Writing to a String cannot fail.
    let _ = write!(text, "{kind} {virtual_free:.2} GiB");
    if space.is_short_of_free() {
        if claimed_gib > 0 {
            let reported = stats.free_capacity_gb.and_then(Amount::gib).unwrap_or_default();
            let _ = write!(text, " (reported {} − claimed {claimed_gib})", round2(reported));
        }
        return text;
    }
    let _ = write!(text, " (total {}", round2(space.total));
    if space.thin {
        let _ = write!(text, " × ratio {}", round2(space.ratio));
    }
    if space.reserved_percentage > 0 {
        let _ = write!(text, " − reserved {} %", space.reserved_percentage);
    }
    let _ = write!(text, " − provisioned {}", round2(stats.provisioned_capacity_gb));
    if claimed_gib > 0 {
        let _ = write!(text, " − claimed {claimed_gib}");
    }
    text.push(')');
    text
}
