//! What it comes to in the end.

use std::collections::BTreeSet;

use serde::Serialize;
use stele_core::id::PoolName;
use stele_core::state::State;
use stele_core::unit::{Hash, Position, Timestamp};

use super::engine::{Counts, Engine};
use super::series::{Both, Fill, MEASURE, Series};
use crate::verify::Bad;
use crate::walk::Walk;

/// Both histories at their end, and how they came there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Whether both states are the same, to the last byte of their digests.
    pub identical: bool,
    /// The digests of the states.
    pub digest: Both<Hash>,
    /// The tables in which they differ.
    pub differing_tables: Vec<String>,
    /// Up to where the log was read.
    pub position: Position,
    /// The first and the last commit's time.
    pub from: Option<Timestamp>,
    /// See `from`.
    pub to: Option<Timestamp>,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// The volumes at the end.
    pub volumes: Holdings,
    /// The pools at the end.
    pub pools: Vec<PoolEnd>,
    /// How uneven the pools are full, and by what measure.
    pub imbalance: Imbalance,
    /// Changes that name what the log does not know.
    pub unmet: Vec<String>,
    /// What shows that the log was damaged.
    pub damage: Vec<Bad>,
    /// How many messages of it were no records.
    pub strays: u64,
    /// The fill levels over time.
    pub series: Series,
}

/// The volumes of both histories at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// How many there are.
    pub count: Both<u64>,
    /// Their sizes.
    pub gib: Both<u64>,
    /// In both, on different pools.
    pub elsewhere: u64,
    /// As it was only.
    pub only_recorded: u64,
    /// In the other history only.
    pub only_other: u64,
}

/// A pool at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolEnd {
    /// Its name.
    pub pool: PoolName,
    /// How full it is; `null` where it is not.
    pub fill: Both<Option<Fill>>,
    /// The most at the end of any interval, in GiB: of what is taken, in a thin pool of what was promised.
    pub held_gib_max: Both<f64>,
}

/// How uneven the pools were full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imbalance {
    /// In words.
    pub measure: &'static str,
    /// The mean over all intervals.
    pub mean: Both<Option<f64>>,
    /// The largest at the end of any interval.
    pub max: Both<Option<f64>>,
    /// At the end.
    pub end: Both<Option<f64>>,
    /// The fullest less the emptiest pool at the end, in percentage points.
    pub spread_end: Both<Option<f64>>,
}

impl Summary {
    pub(super) fn of(mut engine: Engine, walk: Walk, position: Position) -> Self {
        let digests = super::digests(&walk, &engine);
        let (recorded, other) = (&walk.folded.state, &engine.other.state);
        if let Some((at, _)) = engine.last {
            engine.recorder.keep(at, Both { recorded, other });
        }
        let tables = digests.recorded.tables.iter();
        let differs = |(name, digest): &(&String, &_)| digests.other.tables.get(*name) != Some(*digest);
        let (volumes, unmet) = (Holdings::of(recorded, other), engine.changes.unmet(other, &engine.capacity.seen));
        let counts = engine.counts();
        let series = std::mem::take(&mut engine.recorder).finish();
        Self {
            identical: digests.recorded.digest == digests.other.digest,
            differing_tables: tables.filter(differs).map(|(name, _)| name.clone()).collect(),
            digest: digests.map(|of| of.digest),
            position,
            from: engine.first,
            to: engine.last.map(|(at, _)| at),
            counts,
            volumes,
            pools: PoolEnd::all(&series),
            imbalance: Imbalance::of(&series),
            unmet,
            damage: walk.damage,
            strays: walk.folded.strays,
            series,
        }
    }
}

impl Holdings {
    fn of(recorded: &State, other: &State) -> Self {
        let mut found = Self::default();
        for (of, count, gib) in [
            (recorded, &mut found.count.recorded, &mut found.gib.recorded),
            (other, &mut found.count.other, &mut found.gib.other),
        ] {
            *count = of.volumes.len() as u64;
            *gib = of.volumes.values().map(|volume| u64::from(volume.size_gib.gib())).sum();
        }
        for (id, volume) in &recorded.volumes {
            match other.volumes.get(id) {
                Some(twin) => found.elsewhere += u64::from(twin.pool != volume.pool),
                None => found.only_recorded += 1,
            }
        }
        found.only_other = other.volumes.keys().filter(|id| !recorded.volumes.contains_key(*id)).count() as u64;
        found
    }
}

impl PoolEnd {
    fn all(series: &Series) -> Vec<Self> {
        let Some(last) = series.points.last() else { return Vec::new() };
        let names: BTreeSet<PoolName> = series.pools();
        let end = |pool: PoolName| {
            let most = series.of(&pool, Fill::held_gib);
            let most = most.map(|values| values.iter().flatten().copied().fold(0.0, f64::max));
            let fill = last.samples.map(|sample| sample.pools.get(&pool).copied());
            Self { fill, held_gib_max: most, pool }
        };
        names.into_iter().map(end).collect()
    }
}

impl Imbalance {
    fn of(series: &Series) -> Self {
        let over_time = series.imbalance();
        let last = series.points.last();
        let at_end = |look: fn(&super::Sample) -> Option<f64>| Both {
            recorded: last.and_then(|point| look(&point.samples.recorded)),
            other: last.and_then(|point| look(&point.samples.other)),
        };
        Self {
            measure: MEASURE,
            mean: over_time.map(|values| mean(values)),
            max: over_time.map(|values| values.iter().flatten().copied().reduce(f64::max)),
            end: at_end(|sample| sample.imbalance),
            spread_end: at_end(|sample| sample.spread),
        }
    }
}

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let count = super::capacity::whole(i64::try_from(known.len()).unwrap_or(i64::MAX));
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / count)
}
