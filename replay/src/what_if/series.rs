//! How full the pools were over time, in both histories, at a bounded number of moments.
//!
//! Time is cut into intervals of equal length; of each the last state is kept. When there are too many, two neighbours
//! become one of twice the length. Where nothing happened in an interval, it is as it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use stele_core::id::PoolName;
use stele_core::state::State;
use stele_core::unit::Timestamp;

use super::capacity::{numbers, whole};

/// The most intervals that are kept.
const INTERVALS_MAX: usize = 240;

/// The first length of an interval, in milliseconds.
const WIDTH_MS_FIRST: u64 = 1000;

/// What the imbalance is, in words.
pub const MEASURE: &str = "imbalance is the standard deviation of claimed / total GiB (of thin pools promised / total); \
                           over the pools whose backends are enabled and up, in percentage points";

/// Something in both histories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    /// As it was.
    pub recorded: T,
    /// As it would have been.
    pub other: T,
}

impl<T> Both<T> {
    /// Looks at both alike.
    pub fn map<'a, U>(&'a self, look: impl Fn(&'a T) -> U) -> Both<U> {
        Both { recorded: look(&self.recorded), other: look(&self.other) }
    }
}

/// How full one pool is, in GiB, with what was given away since its last report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fill {
    /// All that it can hold.
    pub total_gib: f64,
    /// What is taken.
    pub claimed_gib: f64,
    /// The sum of the sizes that were promised; of a thin pool it may be more than the total.
    pub provisioned_gib: f64,
    /// Whether space is taken only as it is written.
    pub thin: bool,
}

impl Fill {
    fn of(pool: &stele_core::state::Pool) -> Option<Self> {
        let (total_gib, free) = numbers(&pool.stats)?;
        let claimed = whole(i64::try_from(pool.claimed_gib).unwrap_or(i64::MAX));
        Some(Self {
            total_gib,
            claimed_gib: total_gib - free + claimed,
            provisioned_gib: pool.stats.provisioned_capacity_gb + claimed,
            thin: pool.stats.thin_provisioning_support,
        })
    }

    /// What counts: of a thin pool what was promised, of another one what is taken.
    #[must_use]
    pub fn held_gib(&self) -> f64 {
        if self.thin { self.provisioned_gib } else { self.claimed_gib }
    }

    /// That of the total, 1 for all of it.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.total_gib > 0.0 { self.held_gib() / self.total_gib } else { 0.0 }
    }
}

/// All pools at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sample {
    /// By name; those whose capacity is no number are left out.
    pub pools: BTreeMap<PoolName, Fill>,
    /// See [`MEASURE`]; `None` with fewer than two pools.
    pub imbalance: Option<f64>,
    /// The fullest less the emptiest pool, in percentage points.
    pub spread: Option<f64>,
}

impl Sample {
    pub(super) fn of(state: &State, now: Timestamp) -> Self {
        let (mut pools, mut shares) = (BTreeMap::new(), Vec::new());
        let down_ms = state.config.scheduler.service_down_ms;
        for backend in state.backends.values() {
            let is_up = backend.disabled.is_none() && now.ms_since(backend.heartbeat_at) <= down_ms;
            for name in &backend.pools {
                let Some(fill) = state.pools.get(name).and_then(|pool| Fill::of(pool)) else { continue };
                if is_up {
                    shares.push(fill.share() * 100.0);
                }
                pools.insert(name.clone(), fill);
            }
        }
        let (imbalance, spread) = unevenness(&shares).unzip();
        Self { pools, imbalance, spread }
    }
}

/// The standard deviation, and the largest less the smallest.
fn unevenness(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let count = whole(i64::try_from(values.len()).unwrap_or(i64::MAX));
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some((variance.sqrt(), most - least))
}

/// One interval's end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// When the interval ends.
    pub at: Timestamp,
    /// What was true then.
    #[serde(flatten)]
    pub samples: Both<Arc<Sample>>,
}

/// The samples so far.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    start: Option<Timestamp>,
    width_ms: u64,
    /// By the number of their interval; in order.
    points: Vec<(u64, Both<Arc<Sample>>)>,
}

impl Recorder {
    /// Keeps what was true until now, when `next` falls into another interval than `last` did.
    pub(super) fn pass(&mut self, last: Timestamp, next: Timestamp, states: Both<&State>) {
        let start = *self.start.get_or_insert(last);
        self.width_ms = self.width_ms.max(WIDTH_MS_FIRST);
        if last.ms_since(start) / self.width_ms != next.ms_since(start) / self.width_ms {
            self.keep(last, states);
        }
    }

    /// Keeps what is true now.
    pub(super) fn keep(&mut self, now: Timestamp, states: Both<&State>) {
        let start = *self.start.get_or_insert(now);
        self.width_ms = self.width_ms.max(WIDTH_MS_FIRST);
        let samples = states.map(|state| Arc::new(Sample::of(state, now)));
        self.put(now.ms_since(start) / self.width_ms, samples);
        while self.points.last().is_some_and(|(last, _)| *last >= INTERVALS_MAX as u64) {
            self.width_ms *= 2;
            for (number, samples) in std::mem::take(&mut self.points) {
                self.put(number / 2, samples);
            }
        }
    }

    fn put(&mut self, number: u64, samples: Both<Arc<Sample>>) {
        match self.points.last_mut() {
            Some((last, kept)) if *last == number => *kept = samples,
            _ => self.points.push((number, samples)),
        }
    }

    /// Every interval from the first to the last, also those in which nothing happened.
    pub(super) fn finish(self) -> Series {
        let Some(start) = self.start else { return Series::default() };
        let mut points: Vec<Point> = Vec::new();
        let mut kept = self.points.into_iter().peekable();
        let mut number = 0;
        while let Some((next, samples)) = kept.peek() {
            let samples = if *next == number {
                let samples = samples.clone();
                kept.next();
                Some(samples)
            } else {
                points.last().map(|point: &Point| point.samples.clone())
            };
            let at = start.plus_ms((number + 1).saturating_mul(self.width_ms));
            points.extend(samples.map(|samples| Point { at, samples }));
            number += 1;
        }
        Series { start: Some(start), interval_ms: self.width_ms, points }
    }
}

/// How full the pools were over time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// The first moment.
    pub start: Option<Timestamp>,
    /// How long an interval is, in milliseconds.
    pub interval_ms: u64,
    /// The intervals' ends.
    pub points: Vec<Point>,
}

impl Series {
    /// Every pool of either history.
    #[must_use]
    pub fn pools(&self) -> BTreeSet<PoolName> {
        let samples = self.points.iter().flat_map(|point| [&point.samples.recorded, &point.samples.other]);
        samples.flat_map(|sample| sample.pools.keys().cloned()).collect()
    }

    /// A figure of one pool over time; `None` where the pool is not.
    pub fn of<'a>(&'a self, pool: &'a PoolName, look: impl Fn(&Fill) -> f64 + Copy + 'a) -> Both<Vec<Option<f64>>> {
        let one = |sample: &Sample| sample.pools.get(pool).map(look);
        Both {
            recorded: self.points.iter().map(|point| one(&point.samples.recorded)).collect(),
            other: self.points.iter().map(|point| one(&point.samples.other)).collect(),
        }
    }

    /// The imbalance over time.
    #[must_use]
    pub fn imbalance(&self) -> Both<Vec<Option<f64>>> {
        Both {
            recorded: self.points.iter().map(|point| point.samples.recorded.imbalance).collect(),
            other: self.points.iter().map(|point| point.samples.other.imbalance).collect(),
        }
    }
}
