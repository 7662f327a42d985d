//! Workers as they are, polled by hand, on storage that outlives them.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use stele_core::id::{BackendName, PoolName, WorkerName};
use stele_core::state::State;
use stele_core::task::{Operation, Phase, Task};
use stele_workers::config::{BackendConfig, DriverConfig, NullConfig};
use stele_workers::driver::memory::{Fault as DriverFault, MemoryHost};
use stele_workers::object::Objects;
use stele_workers::plan::Wipe;
use stele_workers::worker::{Ended, Worker};

use crate::fault::Fault;
use crate::time::SimClock;
use crate::wires::Wires;

/// What lies in the pools: names and sizes in GiB.
type Inventory = BTreeSet<(PoolName, String, u64)>;

/// The storage of one backend.
pub(crate) struct Node {
    pub(crate) backend: BackendName,
    pub(crate) pools: Vec<PoolName>,
    pub(crate) host: MemoryHost,
    /// Whether hosts reach its volumes by targets.
    pub(crate) exports: bool,
    config: BackendConfig,
    /// Faults of the driver, by the call that will meet them.
    planned: BTreeMap<u64, Fault>,
    /// What workers made for tasks that the log did not wait for any more: nobody may ever hear of it.
    pub(crate) made_too_late: BTreeSet<(PoolName, String)>,
}

impl Node {
    pub(crate) fn new(name: &str, pools: &[(&str, u64)], wires: &Wires) -> Self {
        let backend = BackendName::new(name).expect("a backend's name");
        let config = BackendConfig {
            name: backend.clone(),
            // The memory driver takes only the common part.
            driver: DriverConfig::Null(NullConfig::default()),
            availability_zone: "nova".to_owned(),
            report_interval_ms: 2000,
            inventory_interval_ms: 5000,
            concurrency: Some(wires.chance.below(4) + 1),
            drain_ms: 3000,
            reserved_percentage: 0,
            max_over_subscription_ratio: None,
            volume_backend_name: None,
        };
        let wipe = [None, Some(Wipe::Zero), Some(Wipe::Discard)][wires.chance.below(3)];
        let sizes: Vec<(PoolName, u64)> =
            pools.iter().map(|(pool, gib)| (backend.pool(pool).expect("a pool's name"), gib << 30)).collect();
        let pools = sizes.iter().map(|(pool, _)| pool.clone()).collect();
        let host = MemoryHost::new(config.clone(), wipe, sizes);
        // Snapshots that hang on their volumes, as on thick LVM, or that stand for themselves.
        let host = if wires.chance.percent(50) { host.with_joined_snapshots() } else { host };
        let exports = wires.chance.percent(60);
        let host = if exports { host.with_targets() } else { host };
        Self { backend, pools, host, exports, config, planned: BTreeMap::new(), made_too_late: BTreeSet::new() }
    }

    /// What lies there, in short.
    fn inventory(&self) -> Inventory {
        let mut all = BTreeSet::new();
        for pool in &self.pools {
            let objects = self.host.objects(pool).into_iter();
            all.extend(objects.map(|(name, object)| (pool.clone(), name, object.size_bytes >> 30)));
        }
        all
    }

    /// Notes what was just made though no flow waits for it.
    fn judge(&mut self, before: &Inventory, made: &[(PoolName, String, u64)], state: &State, wires: &Wires) {
        let grown = |pool: &PoolName, name: &str| before.iter().any(|(p, n, _)| (p, n.as_str()) == (pool, name));
        for (pool, name, _) in made.iter().filter(|(pool, name, _)| !grown(pool, name)) {
            let awaited =
                state.flows.values().filter_map(|flow| flow.task.as_ref()).any(|open| {
                    open.task.phase == Phase::Execute && open.task.pool == *pool && makes(&open.task, name)
                });
            if awaited {
                self.made_too_late.remove(&(pool.clone(), name.clone()));
            } else if self.made_too_late.insert((pool.clone(), name.clone())) {
                wires.chance.count(Fault::MadeTooLate);
            }
        }
    }

    /// An operator removes what was made too late, as far as it is in nobody's way to be wanted.
    pub(crate) fn sweep(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.made_too_late.retain(|(pool, name)| {
            if !is_wanted(name) {
                self.host.take(pool, name);
            }
            is_wanted(name)
        });
    }

    /// Plans a fault for one of the next calls of the driver.
    fn plan(&mut self, wires: &Wires) {
        let kinds = [
            (Fault::DriverFailBefore, DriverFault::FailBefore),
            (Fault::DriverFailAfter, DriverFault::FailAfter),
            (Fault::DriverCrashBefore, DriverFault::CrashBefore),
            (Fault::DriverCrashAfter, DriverFault::CrashAfter),
        ];
        for (fault, of_driver) in kinds {
            let nth = wires.chance.between(1, 3);
            let at = self.host.applies() + nth;
            if wires.chance.happens(fault) && !self.planned.contains_key(&at) {
                self.host.plan_fault(nth, of_driver);
                self.planned.insert(at, fault);
            }
        }
    }

    /// What happens to the node behind everybody's back.
    fn trouble(&self, wires: &Wires) {
        let exports = self.pools.iter().any(|pool| !self.host.targets(pool).is_empty());
        if exports && wires.chance.strikes(Fault::TargetRestart) {
            wires.trace.note(self.backend.as_str(), format_args!("its target forgets everything"));
            self.host.forget_targets();
        }
    }

    /// Counts the planned faults that were met.
    fn settle(&mut self, wires: &Wires) {
        let left = self.planned.split_off(&(self.host.applies() + 1));
        for fault in std::mem::replace(&mut self.planned, left).into_values() {
            wires.chance.count(fault);
        }
    }

    pub(crate) fn calm_down(&mut self) {
        self.host.clear_faults();
        self.planned.clear();
    }
}

type Life = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A worker process.
pub(crate) struct WorkerProcess {
    node: usize,
    name: String,
    clock: SimClock,
    lives: u32,
    life: Option<Life>,
    end: Arc<AtomicBool>,
    back_at: i64,
    stalled_until: i64,
}

impl WorkerProcess {
    pub(crate) fn new(index: usize, node: usize, wires: &Wires) -> Self {
        Self {
            node,
            name: format!("worker{index}"),
            clock: wires.clock.of_another(),
            lives: 0,
            life: None,
            end: Arc::default(),
            back_at: 0,
            stalled_until: 0,
        }
    }

    pub(crate) fn turn(&mut self, nodes: &mut [Node], state: &State, wires: &Wires) {
        let now = wires.clock.since_start();
        let calm = wires.chance.is_calm();
        if self.stalled_until > now && !calm {
            return;
        }
        let node = &mut nodes[self.node];
        self.trouble(wires);
        node.trouble(wires);
        if self.life.is_none() && (self.back_at <= now || calm) {
            self.start(node, wires);
        }
        let Some(life) = &mut self.life else { return };
        node.plan(wires);
        let (crashes, applies) = (node.host.crashes(), node.host.applies());
        let before = node.inventory();
        let polled = life.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        node.settle(wires);
        if node.host.applies() > applies {
            let after = node.inventory();
            let made: Vec<_> = after.difference(&before).cloned().collect();
            let shown = |(pool, name, gib): &(PoolName, String, u64)| format!("{} {name:.19} {gib} GiB", pool.pool());
            let removed: Vec<_> = before.difference(&after).map(shown).collect();
            let shown: Vec<_> = made.iter().map(shown).collect();
            wires.trace.note(&self.name, format_args!("works: {shown:?} instead of {removed:?}"));
            node.judge(&before, &made, state, wires);
        }
        if node.host.crashes() > crashes {
            self.die("dies at work", wires);
        } else if let Poll::Ready(ended) = polled {
            self.die(&format!("ends with {} tasks abandoned", ended.abandoned), wires);
        }
    }

    pub(crate) fn set_clock_right(&self) {
        self.clock.set_wrong_by_ms(0);
    }

    fn trouble(&mut self, wires: &Wires) {
        let now = wires.clock.since_start();
        if self.life.is_some() && wires.chance.strikes(Fault::WorkerCrash) {
            self.die("dies", wires);
        } else if self.life.is_some() && wires.chance.strikes(Fault::WorkerEnd) {
            wires.trace.note(&self.name, format_args!("is asked to end"));
            self.end.store(true, Ordering::Relaxed);
        } else if wires.chance.strikes(Fault::WorkerStall) {
            let millis = wires.chance.between(100, 6000);
            wires.trace.note(&self.name, format_args!("stands still for {millis} ms"));
            self.stalled_until = now + i64::try_from(millis).unwrap_or(0) * 1000;
        } else if wires.chance.strikes(Fault::WorkerClock) {
            let millis = i64::try_from(wires.chance.between(0, 4000)).unwrap_or(0) - 2000;
            wires.trace.note(&self.name, format_args!("its clock is wrong by {millis} ms"));
            self.clock.set_wrong_by_ms(millis);
        }
    }

    fn die(&mut self, how: &str, wires: &Wires) {
        let millis = wires.chance.between(10, 4000);
        wires.trace.note(&self.name, format_args!("{how}, for {millis} ms"));
        self.life = None;
        self.back_at = wires.clock.since_start() + i64::try_from(millis).unwrap_or(0) * 1000;
    }

    fn start(&mut self, node: &Node, wires: &Wires) {
        self.lives += 1;
        self.end = Arc::default();
        let worker = Worker {
            name: WorkerName::new(&format!("{}:{}", self.name, self.lives)).expect("a worker's name"),
            config: node.config.clone(),
            source: wires.tasks.source(node.backend.clone()),
            reporter: wires.reporter.clone(),
            driver: node.host.driver(),
            clock: self.clock.clone(),
        };
        let end = self.end.clone();
        let shutdown = poll_fn(move |context| {
            if end.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        });
        wires.trace.note(&self.name, format_args!("starts its life {}", self.lives));
        self.life = Some(Box::pin(worker.run(shutdown)));
    }
}

/// Whether a task makes what has this name.
fn makes(task: &Task, name: &str) -> bool {
    let objects = Objects::of(task);
    let made = [Some(objects.object), objects.still].into_iter().flatten();
    matches!(task.operation, Operation::CreateVolume { .. } | Operation::CreateSnapshot { .. })
        && made.into_iter().any(|object| object.name() == name)
}
