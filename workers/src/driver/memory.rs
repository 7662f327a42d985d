//! The honest fake: a storage node in memory that keeps its state when a worker dies, has only so much room, and
//! fails or crashes exactly where it is told to.
//!
//! A [`MemoryHost`] is the node and a [`Memory`] is the driver of one worker on it. The driver needs no runtime and no
//! clock: every call gives way to others once and then happens at one instant, so a simulator decides the order.

mod owners;
mod portals;
mod reverts;
mod slow;
mod stock;
mod targets;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use stele_core::id::{PoolName, VolumeId};
use stele_core::task::{Connection, Failure, FailureKind, PoolReport, Task};
use stele_core::unit::Position;

use super::stats::{Bytes, Figures, volumes_of};
use super::{Applied, Driver, Inventory, Meter, connection, failure, no_such_pool};
use crate::config::BackendConfig;
use crate::object::{COPYING_TAG, Object, Objects, is_unfinished};
use crate::plan::{Act, Export, Found, Look, Observed, Owner, Step, Wipe};
use crate::target::ExportItem;
use portals::Portals;
use targets::Host;

/// What goes wrong at one call of [`Driver::apply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The step fails and nothing has happened.
    FailBefore,
    /// The step fails, but it did happen.
    FailAfter,
    /// The call never returns and nothing has happened; [`MemoryHost::crashes`] grows. Drop the worker then.
    CrashBefore,
    /// The call never returns and a slow step has been done by half, any other not; [`MemoryHost::crashes`] grows. Drop the
    /// worker then.
    CrashMidway,
    /// The call never returns, but the step did happen; [`MemoryHost::crashes`] grows. Drop the worker then.
    CrashAfter,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::FailBefore, Self::FailAfter, Self::CrashBefore, Self::CrashMidway, Self::CrashAfter];
}

/// A volume or a snapshot on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryObject {
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its tags; without those of its volume or snapshot it is not ours.
    pub tags: Vec<String>,
    /// Something holds it open.
    pub open: bool,
    /// It can be read and written.
    pub active: bool,
    /// Its data was wiped since it was written.
    pub wiped: bool,
    /// What is written in it, all of it.
    pub data: u64,
    /// The name of the volume on which it hangs, on a node where snapshots do.
    pub joined_to: Option<String>,
}

/// A storage node that outlives the workers on it.
#[derive(Clone)]
pub struct MemoryHost {
    config: Arc<BackendConfig>,
    wipe: Option<Wipe>,
    joins: bool,
    exports: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    pools: BTreeMap<PoolName, Pool>,
    applies: u64,
    faults: BTreeMap<u64, Fault>,
    crashes: u64,
    portals: Portals,
}

#[derive(Debug, Default)]
struct Pool {
    capacity_bytes: u64,
    objects: BTreeMap<String, MemoryObject>,
    /// Which of all objects that were ever made here the one of that name is.
    born: BTreeMap<String, u64>,
    births: u64,
    /// The volumes that are exported, each with its hosts by their initiators.
    targets: BTreeMap<VolumeId, BTreeMap<String, Host>>,
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
        Self { config: Arc::new(config), wipe, joins: false, exports: false, state: Arc::new(Mutex::new(state)) }
    }

    /// The same node, on which snapshots hang on their volumes and copies are made byte by byte, as on thick LVM.
    #[must_use]
    pub fn with_joined_snapshots(self) -> Self {
        Self { joins: true, ..self }
    }

    /// The same node, on which hosts reach volumes by targets.
    #[must_use]
    pub fn with_targets(self) -> Self {
        Self { exports: true, ..self }
    }

    /// The volumes of a pool that are exported, each with the initiators that may log in.
    #[must_use]
    pub fn targets(&self, pool: &PoolName) -> BTreeMap<VolumeId, Vec<String>> {
        let state = self.lock();
        let targets = state.pools.get(pool).into_iter().flat_map(|pool| &pool.targets);
        targets.map(|(volume, hosts)| (*volume, hosts.keys().cloned().collect())).collect()
    }

    /// Every target is gone, as after a restart of the node.
    pub fn forget_targets(&self) {
        self.lock().pools.values_mut().for_each(|pool| pool.targets.clear());
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

    /// Puts an object there, or changes it, as somebody outside of Stele could; false when there is no such pool.
    pub fn put(&self, pool: &PoolName, object: Object, what: MemoryObject) -> bool {
        self.lock().pools.get_mut(pool).map(|pool| pool.objects.insert(object.name(), what)).is_some()
    }

    /// Takes an object away, as somebody outside of Stele could; `None` when it is not there.
    pub fn take(&self, pool: &PoolName, name: &str) -> Option<MemoryObject> {
        self.lock().pools.get_mut(pool)?.objects.remove(name)
    }

    /// What lies in a pool, by name; empty when there is no such pool.
    #[must_use]
    pub fn objects(&self, pool: &PoolName) -> BTreeMap<String, MemoryObject> {
        self.lock().pools.get(pool).map(|pool| pool.objects.clone()).unwrap_or_default()
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

impl MemoryObject {
    /// An object as the driver makes it.
    #[must_use]
    pub fn ours(object: Object, size_bytes: u64, asked_at: Position) -> Self {
        Self { tags: object.tags(asked_at), ..Self::foreign(size_bytes) }
    }

    /// An object that somebody else made.
    #[must_use]
    pub fn foreign(size_bytes: u64) -> Self {
        let tags = Vec::new();
        Self { size_bytes, tags, open: false, active: true, wiped: false, data: 0, joined_to: None }
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

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        give_way().await;
        let state = self.host.lock();
        let pool = state.pools.get(&task.pool).ok_or_else(|| no_such_pool("observe", &task.pool))?;
        let objects = Objects::of(task);
        let seen = |object: Option<Object>| object.map_or(Observed::Absent, |object| self.seen(pool, object));
        Ok(Look {
            object: seen(Some(objects.object)),
            source: match task.operation.source_name() {
                Some(name) => self.seen_source(pool, task, name.as_str())?,
                None => seen(objects.source),
            },
            still: seen(objects.still),
            successor: seen(objects.successor),
            export: if self.host.exports { pool.export(task) } else { Export::Direct },
        })
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
            Some(Fault::CrashMidway) => self.first_half(task, step),
            Some(Fault::FailAfter | Fault::CrashAfter) | None => self.whole(task, step, meter).await,
        };
        meter.advance(1, 1);
        match fault {
            Some(Fault::FailBefore | Fault::FailAfter) => {
                Err(failure(FailureKind::Other, step.name(), format!("injected: {fault:?}")))
            }
            Some(Fault::CrashBefore | Fault::CrashMidway | Fault::CrashAfter) => {
                self.host.lock().crashes += 1;
                std::future::pending().await
            }
            None => done.map(|()| Applied { step: step.name(), exit_status: None }),
        }
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        give_way().await;
        connection(task, if self.host.exports { "iscsi" } else { "null" }, None)
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        give_way().await;
        let state = self.host.lock();
        let report = |(name, pool): (&PoolName, &Pool)| {
            let (allocated_bytes, volumes) = volumes_of(&pool.items());
            let figures = Figures {
                total_bytes: Bytes::Number(pool.capacity_bytes),
                free_bytes: Bytes::Number(pool.free_bytes()),
                provisioned_bytes: pool.used_bytes(),
                allocated_bytes,
                volumes,
                thin: false,
                fill: None,
                protocol: "memory",
                more: Vec::new(),
            };
            PoolReport { pool: name.clone(), stats: figures.into_stats(&self.host.config, name) }
        };
        Ok(state.pools.iter().map(report).collect())
    }

    fn keeps_data(&self) -> bool {
        true
    }

    fn removal_takes_along(&self) -> bool {
        self.host.joins
    }

    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        give_way().await;
        let state = self.host.lock();
        let pool = state.pools.get(pool).ok_or_else(|| no_such_pool("inventory", pool))?;
        Ok(self.host.exports.then(|| pool.exports()))
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        give_way().await;
        Ok(self.host.keeps_hosts_out())
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        give_way().await;
        self.host.lock().portals.open()
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        give_way().await;
        let state = self.host.lock();
        let pool = state.pools.get(pool).ok_or_else(|| no_such_pool("inventory", pool))?;
        Ok(pool.inventory())
    }
}

impl Memory {
    fn seen(&self, pool: &Pool, object: Object) -> Observed {
        self.seen_named(pool, object, &object.name())
    }

    fn seen_named(&self, pool: &Pool, object: Object, name: &str) -> Observed {
        let Some(found) = pool.objects.get(name) else { return Observed::Absent };
        let ours = object.read(&found.tags);
        let hangs = pool.hang_on(name);
        Observed::Present(Found {
            size_bytes: found.size_bytes,
            owner: if ours.is_some() { Owner::Ours } else { Owner::Foreign },
            asked_at: ours.flatten(),
            open: found.open,
            has_snapshots: hangs || pool.has_snapshots(object),
            joined: hangs || found.joined_to.is_some(),
            active: found.active,
            unfinished: is_unfinished(&found.tags),
            clones: !self.host.joins,
            wipe: self.host.wipe,
        })
    }

    fn change(&self, task: &Task, step: &Step) -> Result<(), Failure> {
        let mut state = self.host.lock();
        let pool = state.pools.get_mut(&task.pool).ok_or_else(|| no_such_pool(step.name(), &task.pool))?;
        let mut blank = MemoryObject::ours(step.on, 0, task.asked_at);
        match step.act {
            Act::Create { size_bytes, unfinished } => {
                blank.tags.extend(unfinished.then(|| COPYING_TAG.to_owned()));
                pool.add(step, MemoryObject { size_bytes, ..blank })
            }
            Act::Clone { from } | Act::Snapshot { of: from, .. } => {
                let MemoryObject { size_bytes, data, .. } = *pool.get(step, from)?;
                let joins = self.host.joins && matches!(step.act, Act::Snapshot { .. });
                pool.add(step, MemoryObject { size_bytes, data, joined_to: joins.then(|| from.name()), ..blank })
            }
            Act::Copy { from } => pool.copy(task, step, from),
            Act::Adopt => pool.adopt(task, step),
            Act::Release => pool.release(task, step),
            Act::Replace { by, at } => pool.replace(step, by, at),
            Act::Overwrite { from } => pool.overwrite(task, step, from),
            Act::Extend { size_bytes } => pool.extend(step, size_bytes),
            Act::Remove => {
                let name = step.on.name();
                if pool.is_used(step)? || pool.hang_on(&name) {
                    return Err(failure(FailureKind::Busy, step.name(), "open, or with snapshots"));
                }
                pool.objects.remove(&name);
                Ok(())
            }
            Act::Activate | Act::Deactivate | Act::Split | Act::Wipe { .. } => pool.get(step, step.on)?.act(step),
            Act::Export | Act::Unexport | Act::Withdraw | Act::Resize => pool.target(task, step),
        }
    }
}

impl MemoryObject {
    fn act(&mut self, step: &Step) -> Result<(), Failure> {
        match step.act {
            Act::Activate => self.active = true,
            Act::Deactivate if self.open => return Err(failure(FailureKind::Busy, step.name(), "open")),
            Act::Deactivate => self.active = false,
            Act::Split => self.joined_to = None,
            _ => return self.wipe(step),
        }
        Ok(())
    }
}

impl Pool {
    fn get(&mut self, step: &Step, object: Object) -> Result<&mut MemoryObject, Failure> {
        let name = object.name();
        let missing = || failure(FailureKind::NotFound, step.name(), format!("{name} does not exist"));
        self.objects.get_mut(&name).ok_or_else(missing)
    }

    fn add(&mut self, step: &Step, what: MemoryObject) -> Result<(), Failure> {
        let name = step.on.name();
        if self.objects.contains_key(&name) {
            return Err(failure(FailureKind::Conflict, step.name(), format!("{name} exists")));
        }
        self.fits(step, what.size_bytes)?;
        self.births += 1;
        self.born.insert(name.clone(), self.births);
        self.objects.insert(name, what);
        Ok(())
    }

    fn extend(&mut self, step: &Step, size_bytes: u64) -> Result<(), Failure> {
        let joined = self.hang_on(&step.on.name());
        let volume = self.get(step, step.on)?;
        if joined && volume.active {
            return Err(failure(FailureKind::Busy, step.name(), "active, with snapshots"));
        }
        let more_bytes = size_bytes.saturating_sub(volume.size_bytes);
        self.fits(step, more_bytes)?;
        let volume = self.get(step, step.on)?;
        volume.size_bytes = volume.size_bytes.max(size_bytes);
        volume.wiped = false;
        Ok(())
    }

    fn fits(&self, step: &Step, more_bytes: u64) -> Result<(), Failure> {
        let free_bytes = self.free_bytes();
        if more_bytes <= free_bytes {
            return Ok(());
        }
        let message = format!("{} needs {more_bytes} bytes more, {free_bytes} are free", step.on.name());
        Err(failure(FailureKind::NoSpace, step.name(), message))
    }

    /// Something hangs on this object.
    fn hang_on(&self, name: &str) -> bool {
        self.objects.values().any(|other| other.joined_to.as_deref() == Some(name))
    }

    fn has_snapshots(&self, object: Object) -> bool {
        let Object::Volume(volume) = object else { return false };
        self.items().iter().any(|item| item.is_snapshot_of(volume))
    }

    fn used_bytes(&self) -> u64 {
        self.objects.values().map(|object| object.size_bytes).sum()
    }

    fn free_bytes(&self) -> u64 {
        self.capacity_bytes.saturating_sub(self.used_bytes())
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
mod tests;
