//! What pools would have reported: the recorded figures, less what lies elsewhere in the other history, and more what
//! lies there only in it.
//!
//! A volume counts from the moment at which its data are there, as the claims of the state do; a snapshot counts with
//! its volume's size. In a thick pool a GiB that was promised is a GiB that is taken. In a thin one it takes what a GiB
//! of that pool took in the mean by the same report; where the pool had promised nothing, by the last reports of all
//! thin pools.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stele_core::id::{BackendName, PoolName, SnapshotId, VolumeId};
use stele_core::schedule::{Amount, PoolStats};
use stele_core::state::{Entity, State};
use stele_core::task::{BackendReport, PoolReport};
use stele_core::unit::{Position, Timestamp};

use super::changes::Changes;

/// How many moments are remembered of each pool: a report tells of one a few records ago.
const MOMENTS_MAX: usize = 512;

/// How old the last report of a pool may become that only the other history has, in milliseconds; less than half of
/// the time after which a backend counts as down.
const HEARTBEAT_MS: u64 = 20_000;

/// What one thing takes on one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Taken {
    pool: PoolName,
    gib: i64,
    volumes: i64,
}

/// A volume or a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Volume(VolumeId),
    Snapshot(SnapshotId),
}

/// How much more a pool holds in the other history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct More {
    pub(super) gib: i64,
    pub(super) volumes: i64,
}

#[derive(Debug, Default)]
struct PoolDelta {
    now: More,
    /// How many things lie there in one history only, or with another size.
    apart: u64,
    /// What it was from a position on; the newest last.
    moments: VecDeque<(Position, More)>,
}

/// What lies elsewhere, and what follows for reports.
#[derive(Debug, Default)]
pub(super) struct Capacity {
    apart: BTreeMap<Thing, (Option<Taken>, Option<Taken>)>,
    pools: BTreeMap<PoolName, PoolDelta>,
    /// Used and promised GiB of the thin pools, by their last recorded reports.
    thin: BTreeMap<PoolName, (f64, f64)>,
    /// The backends that reported in the log.
    backends: BTreeSet<BackendName>,
    /// Every pool that reported in the log.
    pub(super) seen: BTreeSet<PoolName>,
}

impl Capacity {
    /// Compares again what a commit has touched.
    pub(super) fn compare<'a>(
        &mut self,
        (recorded, other): (&State, &State),
        touched: impl IntoIterator<Item = &'a Entity>,
        position: Position,
    ) {
        let things: BTreeSet<Thing> = touched.into_iter().filter_map(Thing::of).collect();
        for thing in things {
            let (there, here) = (thing.taken(recorded), thing.taken(other));
            let now = (there != here).then_some((there, here));
            let before = match now.clone() {
                Some(now) => self.apart.insert(thing, now),
                None => self.apart.remove(&thing),
            };
            if before != now {
                self.add(before, position, -1);
                self.add(now, position, 1);
            }
        }
    }

    fn add(&mut self, pair: Option<(Option<Taken>, Option<Taken>)>, position: Position, sign: i64) {
        let Some((recorded, other)) = pair else { return };
        for (taken, sign_of_history) in [(recorded, -1), (other, 1)] {
            let Some(Taken { pool, gib, volumes }) = taken else { continue };
            let delta = self.pools.entry(pool).or_default();
            delta.now.gib += sign * sign_of_history * gib;
            delta.now.volumes += sign * sign_of_history * volumes;
            delta.apart = delta.apart.saturating_add_signed(sign);
            match delta.moments.back_mut() {
                Some((at, more)) if *at == position => *more = delta.now,
                _ => delta.moments.push_back((position, delta.now)),
            }
            if delta.moments.len() > MOMENTS_MAX {
                delta.moments.pop_front();
            }
        }
    }

    /// Whether everything of the pool is the same in both histories.
    pub(super) fn is_alike(&self, pool: &PoolName) -> bool {
        self.pools.get(pool).is_none_or(|delta| delta.apart == 0)
    }

    /// How much more the pool held at a position. What was before the remembered moments was as it is at the first of
    /// them.
    fn more_at(&self, pool: &PoolName, as_of: Position) -> More {
        let Some(delta) = self.pools.get(pool) else { return More::default() };
        let known = delta.moments.iter().rev().find(|(at, _)| *at <= as_of).map(|(_, more)| *more);
        let first_known = delta.moments.len() >= MOMENTS_MAX;
        known.or_else(|| delta.moments.front().filter(|_| first_known).map(|(_, more)| *more)).unwrap_or_default()
    }

    /// What a backend would have reported instead; `None` when it is what it did report.
    pub(super) fn report(&mut self, report: &BackendReport, changes: &Changes) -> Option<BackendReport> {
        self.backends.insert(report.backend.clone());
        for pool in &report.pools {
            self.seen.insert(pool.pool.clone());
            let Some((total, free)) = numbers(&pool.stats).filter(|_| pool.stats.thin_provisioning_support) else {
                continue;
            };
            self.thin.insert(pool.pool.clone(), (total - free, pool.stats.provisioned_capacity_gb));
        }
        let kept = report.pools.iter().filter(|pool| !changes.without.contains(&pool.pool));
        let mut pools: Vec<PoolReport> = kept
            .map(|PoolReport { pool, stats }| {
                let mut stats = self.moved(pool, stats.clone(), self.more_at(pool, report.as_of));
                if let Some(given) = changes.with.get(pool) {
                    stats = given.stats(pool, Some(stats), 0.0, 0);
                }
                PoolReport { pool: pool.clone(), stats }
            })
            .collect();
        pools.extend(
            self.given(&report.backend, report.as_of, changes)
                .filter(|given| !report.pools.iter().any(|reported| reported.pool == given.pool)),
        );
        (pools != report.pools).then(|| BackendReport { pools, ..report.clone() })
    }

    /// The figures of a pool that holds so much more.
    fn moved(&self, pool: &PoolName, mut stats: PoolStats, more: More) -> PoolStats {
        if more == More::default() {
            return stats;
        }
        let gib = whole(more.gib);
        let used = gib * self.used_of_promised(pool, &stats);
        if let Some((total, free)) = numbers(&stats) {
            stats.free_capacity_gb = Some(Amount::Number((free - used).clamp(0.0, total)));
            if let Some(percent) = stats.data_percent.filter(|_| total > 0.0) {
                stats.data_percent = Some((percent + used / total * 100.0).clamp(0.0, 100.0));
            }
        }
        stats.provisioned_capacity_gb = (stats.provisioned_capacity_gb + gib).max(0.0);
        stats.allocated_capacity_gb = stats.allocated_capacity_gb.map(|allocated| (allocated + gib).max(0.0));
        stats.total_volumes = stats.total_volumes.map(|volumes| volumes.saturating_add_signed(more.volumes));
        stats
    }

    /// How much of a promised GiB is really taken.
    fn used_of_promised(&self, pool: &PoolName, stats: &PoolStats) -> f64 {
        if !stats.thin_provisioning_support {
            return 1.0;
        }
        let own = self.thin.get(pool).filter(|(_, promised)| *promised > 0.0).copied();
        let all = || self.thin.values().fold((0.0, 0.0), |(used, promised), of| (used + of.0, promised + of.1));
        let (used, promised) = own.unwrap_or_else(all);
        if promised > 0.0 { (used / promised).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The pools of a backend that only the other history has, with what they hold there.
    fn given<'a>(
        &'a self,
        backend: &'a BackendName,
        as_of: Position,
        changes: &'a Changes,
    ) -> impl Iterator<Item = PoolReport> + 'a {
        let of_it = changes.with.iter().filter(move |(pool, _)| pool.backend() == *backend);
        of_it.filter(|(pool, _)| !self.seen.contains(*pool)).map(move |(pool, given)| {
            let more = self.more_at(pool, as_of);
            let empty = given.stats(pool, None, whole(more.gib), more.volumes.try_into().unwrap_or_default());
            // What a thin pool really holds is as above.
            let used = whole(more.gib) * self.used_of_promised(pool, &empty);
            let mut stats = empty;
            stats.free_capacity_gb = Some(Amount::Number((given.total_gib - used).max(0.0)));
            PoolReport { pool: pool.clone(), stats }
        })
    }

    /// The reports that are due of backends that no worker of the log spoke for.
    pub(super) fn heartbeats(
        &self,
        other: &State,
        changes: &Changes,
        (now, known): (Timestamp, Position),
    ) -> Vec<BackendReport> {
        let backends: BTreeSet<BackendName> = changes.with.keys().map(PoolName::backend).collect();
        let silent = |name: &BackendName| {
            let last = other.backends.get(name).map(|backend| backend.heartbeat_at);
            last.is_none_or(|at| now.ms_since(at) >= HEARTBEAT_MS)
        };
        let due = backends.into_iter().filter(|name| !self.backends.contains(name) && silent(name));
        due.map(|backend| {
            let pools: Vec<PoolReport> = self.given(&backend, known, changes).collect();
            let zone = changes.with.iter().filter(|(pool, _)| pool.backend() == backend);
            let zone = zone.filter_map(|(_, given)| given.zone.clone()).next();
            BackendReport {
                at: now,
                availability_zone: zone.unwrap_or_else(|| other.config.default_availability_zone.clone()),
                driver: "assumed".to_owned(),
                as_of: known,
                pools,
                backend,
            }
        })
        .collect()
    }
}

impl Thing {
    fn of(entity: &Entity) -> Option<Self> {
        match entity {
            Entity::Volume(id) => Some(Self::Volume(*id)),
            Entity::Snapshot(id) => Some(Self::Snapshot(*id)),
            _ => None,
        }
    }

    /// What it takes, once its data are there.
    fn taken(self, state: &State) -> Option<Taken> {
        match self {
            Self::Volume(id) => {
                let volume = state.volumes.get(&id)?;
                let pool = volume.pool.clone().filter(|_| volume.launched_at.is_some())?;
                Some(Taken { pool, gib: i64::from(volume.size_gib.gib()), volumes: 1 })
            }
            Self::Snapshot(id) => {
                let snapshot = state.snapshots.get(&id)?;
                let is_there = snapshot.progress == 100;
                let gib = i64::from(snapshot.size_gib.gib());
                is_there.then(|| Taken { pool: snapshot.pool.clone(), gib, volumes: 0 })
            }
        }
    }
}

/// The total and what is free, where both are numbers.
pub(super) fn numbers(stats: &PoolStats) -> Option<(f64, f64)> {
    Some((stats.total_capacity_gb.gib()?, stats.free_capacity_gb?.gib()?))
}

/// GiB are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53 GiB")]
pub(super) fn whole(gib: i64) -> f64 {
    gib as f64
}
