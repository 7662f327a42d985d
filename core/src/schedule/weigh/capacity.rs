//! Weighs pools by their virtual free capacity in GiB. (`cinder/scheduler/weights/capacity.py`)

use std::collections::BTreeMap;

use super::Passed;
use crate::schedule::free_space::{Space, is_thin};

/// What an unmeasured pool gets above the fullest one, in spans of the others' weights (Cinder's `OFFSET_MULT`).
const OFFSET_SPANS: f64 = 100.0;
/// The same in GiB when the others' weights are all equal (Cinder's `OFFSET_MIN`).
const OFFSET_MIN: f64 = 10_000.0;

/// The raw weights in the order of `pools`, all finite.
///
/// A pool whose capacity is infinite, unknown or missing never comes first: it weighs −1 when much room is good, and
/// far more than every other when little room is good.
#[must_use]
pub fn raw_weights(
    pools: &[Passed<'_>],
    extra_specs: &BTreeMap<String, Option<String>>,
    multiplier: f64,
    ratio_default: f64,
) -> Vec<f64> {
    let measured = |pool: &Passed<'_>| {
        let thin = is_thin(pool.stats, extra_specs);
        Some(Space::of(pool.stats, pool.claimed_gib, thin, ratio_default)?.virtual_free())
    };
    let weights: Vec<Option<f64>> = pools.iter().map(measured).collect();
    let unmeasured = if multiplier > 0.0 { -1.0 } else { beyond(weights.iter().copied().flatten()) };
    weights.into_iter().map(|weight| weight.unwrap_or(unmeasured)).collect()
}

/// A weight above all of these by 100 times their span.
fn beyond(weights: impl Iterator<Item = f64>) -> f64 {
    let range = weights.fold(None, |range, w| match range {
        None => Some((w, w)),
        Some((min, max)) => Some((f64::min(min, w), f64::max(max, w))),
    });
    match range {
        None => OFFSET_MIN,
        Some((min, max)) if min < max => max + (max - min) * OFFSET_SPANS,
        Some((_, max)) => max + OFFSET_MIN,
    }
}
