//! The weighers: how good is each pool that passed, compared with the others?
//!
//! Every weigher gives raw weights, which are brought to 0..1 over the pools at hand and multiplied; the sum decides.
//! Source: `cinder/scheduler/base_weight.py`, `normalize` and `BaseWeightHandler.get_weighed_objects`.

pub mod capacity;

use std::collections::BTreeMap;

use super::config::{SchedulerConfig, WeigherName};
use super::decision::Weight;
use super::stats::PoolStats;

/// A pool that passed every check, as weighers see it.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    /// Its last report.
    pub stats: &'a PoolStats,
    /// The claims newer than the report, in GiB.
    pub claimed_gib: u64,
}

/// The weights of every pool, in the order of `pools`: one per configured weigher.
#[must_use]
pub fn weigh(
    pools: &[Passed<'_>],
    extra_specs: &BTreeMap<String, Option<String>>,
    config: &SchedulerConfig,
) -> Vec<Vec<Weight>> {
    let mut weights: Vec<Vec<Weight>> = pools.iter().map(|_| Vec::with_capacity(config.weighers.len())).collect();
    for &(weigher, multiplier) in &config.weighers {
        let raws = match weigher {
            WeigherName::Capacity => {
                capacity::raw_weights(pools, extra_specs, multiplier, config.max_over_subscription_ratio_default)
            }
        };
        for ((of_pool, raw), normalised) in weights.iter_mut().zip(&raws).zip(normalised(&raws)) {
            of_pool.push(Weight { weigher, raw: *raw, normalised, multiplier });
        }
    }
    weights
}

/// The sum of multiplier × normalised weight.
#[must_use]
pub fn total(weights: &[Weight]) -> f64 {
    // From 0.0 and not from the first: -1 × 0 is -0.0, which would be shown.
    weights.iter().fold(0.0, |sum, weight| sum + weight.multiplier * weight.normalised)
}

/// (w − min) / (max − min), all 0 when the weights are equal.
fn normalised(raws: &[f64]) -> impl Iterator<Item = f64> {
    let min = raws.iter().copied().fold(f64::INFINITY, f64::min);
    let max = raws.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    raws.iter().map(move |raw| if max > min { (raw - min) / (max - min) } else { 0.0 })
}
