//! The honest fake: a storage node in memory that keeps its state when a worker dies, has only so much room, and
//! fails or crashes exactly where it is told to.
//!
//! A [`MemoryHost`] is the node and a [`Memory`] is the driver of one worker on it. The driver needs no runtime and no
//! clock: every call gives way to others once and then happens at one instant, so a simulator decides the order.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use stele_core::id::{PoolName, VolumeId};
use stele_core::task::{Failure, FailureKind, PoolReport, Task, lv_name};
use stele_core::unit::Position;

use super::stats::{Bytes, Figures};
use super::{Applied, Driver, Item, Meter, failure, item, no_such_pool, tags};
use crate::config::BackendConfig;
use crate::plan::{Found, Observed, Owner, Step, Wipe};

/// What goes wrong at one call of [`Driver::apply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The step fails and nothing has happened.
    FailBefore,
    /// The step fails, but it did happen.
    FailAfter,
    /// The call never returns and nothing has happened; [`MemoryHost::crashes`] grows. Drop the worker then.
    CrashBefore,
    /// The call never returns, but the step did happen; [`MemoryHost::crashes`] grows. Drop the worker then.
    CrashAfter,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FailBefore, Self::FailAfter, Self::CrashBefore, Self::CrashAfter];
}

/// A volume on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryVolume {
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its tags; without that of its volume it is not ours.
    pub tags: Vec<String>,
    /// Something holds it open.
    pub open: bool,
    /// Snapshots hang on it.
    pub has_snapshots: bool,
    /// It can be read and written.
    pub active: bool,
    /// Its data was wiped since it was written.
    pub wiped: bool,
}

/// A storage node that outlives the workers on it.
#[derive(Clone)]
pub struct MemoryHost {
    config: Arc<BackendConfig>,
    wipe: Option<Wipe>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    pools: BTreeMap<PoolName, Pool>,
    applies: u64,
    faults: BTreeMap<u64, Fault>,
    crashes: u64,
}

#[derive(Debug, Default)]
struct Pool {
    capacity_bytes: u64,
    volumes: BTreeMap<VolumeId, MemoryVolume>,
}

impl MemoryHost {
    /// A node with pools of the given capacities, in bytes. Of `config` the name, the reserve and the ratio are used;
    /// its driver is not. `wipe` is what has to happen to data before a volume is removed.
    #[must_use]
    pub fn new(
        config: BackendConfig,
        wipe: Option<Wipe>,
        capacities: impl IntoIterator<Item = (PoolName, u64)>,
    ) -> Self {
        let pool = |(name, capacity_bytes)| (name, Pool { capacity_bytes, ..Pool::default() });
        let state = State { pools: capacities.into_iter().map(pool).collect(), ..State::default() };
        Self { config: Arc::new(config), wipe, state: Arc::new(Mutex::new(state)) }
    }

    /// The driver of a worker on this node.
    #[must_use]
    pub fn driver(&self) -> Memory {
        Memory { host: self.clone() }
    }

    /// The `nth` call of apply from now on (1 is the next) meets this fault.
    pub fn plan_fault(&self, nth: u64, fault: Fault) {
        let mut state = self.lock();
        let at = state.applies.saturating_add(nth);
        state.faults.insert(at, fault);
    }

    /// Forgets the faults that have not happened.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many calls of apply there were.
    #[must_use]
    pub fn applies(&self) -> u64 {
        self.lock().applies
    }

    /// How many calls of apply ended in a crash and never returned.
    #[must_use]
    pub fn crashes(&self) -> u64 {
        self.lock().crashes
    }

    /// Puts a volume there, or changes it, as somebody outside of Stele could; false when there is no such pool.
    pub fn put(&self, pool: &PoolName, volume: VolumeId, what: MemoryVolume) -> bool {
        self.lock().pools.get_mut(pool).map(|pool| pool.volumes.insert(volume, what)).is_some()
    }

    /// The volumes of a pool; empty when there is no such pool.
    #[must_use]
    pub fn volumes(&self, pool: &PoolName) -> BTreeMap<VolumeId, MemoryVolume> {
        self.lock().pools.get(pool).map(|pool| pool.volumes.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one statement, so a test that panicked left the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHost").field("name", &self.config.name).field("state", &*self.lock()).finish()
    }
}

impl MemoryVolume {
    /// A volume as the driver makes it.
    #[must_use]
    pub fn ours(volume: VolumeId, size_bytes: u64, asked_at: Position) -> Self {
        Self { tags: tags(volume, asked_at).to_vec(), ..Self::foreign(size_bytes) }
    }

    /// A volume that somebody else made.
    #[must_use]
    pub fn foreign(size_bytes: u64) -> Self {
        Self { size_bytes, tags: Vec::new(), open: false, has_snapshots: false, active: true, wiped: false }
    }
}

/// The driver of one worker on a [`MemoryHost`].
#[derive(Debug, Clone)]
pub struct Memory {
    host: MemoryHost,
}

impl Driver for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn observe(&self, volume: VolumeId, pool: &PoolName) -> Result<Observed, Failure> {
        give_way().await;
        let state = self.host.lock();
        let pool = state.pools.get(pool).ok_or_else(|| no_such_pool("observe", pool))?;
        Ok(pool.volumes.get(&volume).map_or(Observed::Absent, |found| {
            let ours = item("", 0, &found.tags).filter(|item| item.volume == volume);
            Observed::Present(Found {
                size_bytes: found.size_bytes,
                owner: if ours.is_some() { Owner::Ours } else { Owner::Foreign },
                asked_at: ours.and_then(|item| item.asked_at),
                open: found.open,
                has_snapshots: found.has_snapshots,
                active: found.active,
                wipe: self.host.wipe,
            })
        }))
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        give_way().await;
        let fault = {
            let mut state = self.host.lock();
            state.applies += 1;
            let at = state.applies;
            state.faults.remove(&at)
        };
        let done = match fault {
            Some(Fault::FailBefore | Fault::CrashBefore) => Ok(()),
            Some(Fault::FailAfter | Fault::CrashAfter) | None => self.change(task, step),
        };
        meter.advance(1, 1);
        match fault {
            Some(Fault::FailBefore | Fault::FailAfter) => {
                Err(failure(FailureKind::Other, step.name(), format!("injected: {fault:?}")))
            }
            Some(Fault::CrashBefore | Fault::CrashAfter) => {
                self.host.lock().crashes += 1;
                std::future::pending().await
            }
            None => done.map(|()| Applied { step: step.name(), exit_status: None }),
        }
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        give_way().await;
        let state = self.host.lock();
        let report = |(name, pool): (&PoolName, &Pool)| PoolReport {
            pool: name.clone(),
            stats: Figures {
                total_bytes: Bytes::Number(pool.capacity_bytes),
                free_bytes: Bytes::Number(pool.free_bytes()),
                provisioned_bytes: pool.used_bytes(),
                allocated_bytes: pool.items().iter().map(|item| item.size_bytes).sum(),
                volumes: pool.items().len(),
                thin: false,
                protocol: "memory",
                more: Vec::new(),
            }
            .into_stats(&self.host.config),
        };
        Ok(state.pools.iter().map(report).collect())
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Vec<Item>, Failure> {
        give_way().await;
        let state = self.host.lock();
        state.pools.get(pool).map(Pool::items).ok_or_else(|| no_such_pool("inventory", pool))
    }
}

impl Memory {
    fn change(&self, task: &Task, step: &Step) -> Result<(), Failure> {
        let id = task.operation.volume();
        let mut state = self.host.lock();
        let pool = state.pools.get_mut(&task.pool).ok_or_else(|| no_such_pool(step.name(), &task.pool))?;
        let free_bytes = pool.free_bytes();
        let no_space = |more_bytes: u64| {
            let message = format!("{} needs {more_bytes} bytes more, {free_bytes} are free", lv_name(id));
            failure(FailureKind::NoSpace, step.name(), message)
        };
        if let Step::Create { size_bytes } = *step {
            if pool.volumes.contains_key(&id) {
                return Err(failure(FailureKind::Conflict, step.name(), format!("{} exists", lv_name(id))));
            }
            if size_bytes > free_bytes {
                return Err(no_space(size_bytes));
            }
            pool.volumes.insert(id, MemoryVolume::ours(id, size_bytes, task.asked_at));
            return Ok(());
        }
        let Some(volume) = pool.volumes.get_mut(&id) else {
            return Err(failure(FailureKind::NotFound, step.name(), format!("{} does not exist", lv_name(id))));
        };
        match *step {
            Step::Create { .. } => {}
            Step::Extend { size_bytes } => {
                let more_bytes = size_bytes.saturating_sub(volume.size_bytes);
                if more_bytes > free_bytes {
                    return Err(no_space(more_bytes));
                }
                volume.size_bytes = volume.size_bytes.max(size_bytes);
                volume.wiped = false;
            }
            Step::Activate => volume.active = true,
            Step::Wipe { .. } if !volume.active || volume.open => {
                return Err(failure(FailureKind::Busy, step.name(), "not active, or open"));
            }
            Step::Wipe { .. } => volume.wiped = true,
            Step::Remove if volume.open || volume.has_snapshots => {
                return Err(failure(FailureKind::Busy, step.name(), "open, or with snapshots"));
            }
            Step::Remove => {
                pool.volumes.remove(&id);
            }
        }
        Ok(())
    }
}

impl Pool {
    fn used_bytes(&self) -> u64 {
        self.volumes.values().map(|volume| volume.size_bytes).sum()
    }

    fn free_bytes(&self) -> u64 {
        self.capacity_bytes.saturating_sub(self.used_bytes())
    }

    fn items(&self) -> Vec<Item> {
        self.volumes.iter().filter_map(|(id, found)| item(&lv_name(*id), found.size_bytes, &found.tags)).collect()
    }
}

/// Lets everything else that can run, run once.
fn give_way() -> impl Future<Output = ()> + Send {
    struct GiveWay(bool);
    impl Future for GiveWay {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
    GiveWay(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::contract::{Subject, run};
    use crate::testing::{GIB, config, pool, size, volume};

    fn host(wipe: Option<Wipe>) -> MemoryHost {
        MemoryHost::new(config(), wipe, [(pool(), 8 * GIB)])
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        for wipe in [None, Some(Wipe::Zero), Some(Wipe::Discard)] {
            let host = host(wipe);
            host.put(&pool(), volume(9), MemoryVolume::foreign(GIB));
            let subject =
                Subject { driver: host.driver(), pool: pool(), foreign: Some(volume(9)), too_large: Some(size(9)) };
            run(&subject).await;
            assert_eq!(host.volumes(&pool()).len(), 1);
        }
    }

    #[tokio::test]
    async fn the_node_outlives_its_workers() {
        let host = host(None);
        host.plan_fault(1, Fault::CrashAfter);
        let task = crate::testing::create_task(1, 2);
        let step = Step::Create { size_bytes: 2 * GIB };
        let meter = Meter::default();
        let worker = host.driver();
        tokio::select! {
            biased;
            done = worker.apply(&task, &step, &meter) => panic!("{done:?}"),
            () = async { while host.crashes() == 0 { tokio::task::yield_now().await } } => {}
        }
        let found = host.driver().inventory(&pool()).await.unwrap();
        assert_eq!((found.len(), found[0].volume, found[0].asked_at), (1, volume(1), Some(Position(42))));
        let pools = host.driver().pools().await.unwrap();
        assert_eq!(pools[0].stats.provisioned_capacity_gb, 2.0);
    }
}
