//! LVM: each volume is an LV in one volume group, thin or thick.
//!
//! Every LV carries its tags from the very command that makes it, so there is no moment in which an LV of ours has none.
//! The semantics are those of `cinder/volume/drivers/lvm.py`.
//!
//! Thin: snapshots and copies are thin volumes that share blocks; each stands for itself. Thick: a snapshot holds what
//! has changed in its volume since, and hangs on it; a copy is made byte by byte.
//!
//! | file      | holds                                                       |
//! | --------- | ----------------------------------------------------------- |
//! | argv      | every command line                                          |
//! | report    | the parser of what `lvs` and `vgs` print                    |
//! | classify  | what a failed command means                                 |
//! | copy      | copies from device to device                                |
//! | device    | the two devices of a copy, open for it alone                |
//! | changes   | who may change the group next                               |
//! | looks     | one `lvs` for all who wait for one                          |
//! | manage    | what is taken over from somebody else, and given up         |
//! | revert    | volumes that get the data of a snapshot back                |
//! | overwrite | the bytes of a snapshot over those of its volume            |
//! | slow      | copies and wipes: where they go on, what they tell          |
//! | pace      | how fast they go                                            |
//! | tools     | how LVM's tools are run                                     |
//! | figures   | how large the storage is, and how much of it is used        |

mod argv;
mod changes;
mod classify;
mod copy;
mod device;
mod figures;
mod hosts;
mod looks;
mod manage;
mod overwrite;
mod pace;
mod report;
mod revert;
mod slow;
#[cfg(test)]
mod tests;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use stele_core::id::PoolName;
use stele_core::inventory::ForeignList;
use stele_core::schedule::Capability;
use stele_core::task::{Connection, Failure, FailureKind, PoolReport, Task};

use super::stats::{Figures, volumes_of};
use super::{Applied, Driver, Inventory, Meter, connection, failure, no_such_pool};
use crate::config::{BackendConfig, LvmConfig, LvmType, WipePolicy};
use crate::object::{COPYING_TAG, Item, Object, Objects, is_unfinished};
use crate::plan::{Act, Found, Look, Observed, Owner, Step, removes};
use crate::runner::Runner;
use crate::target::{AnyTarget, ExportItem, Target as _};
use argv::Argv;
use changes::{Changes, PROCESSES_MAX};
use figures::{thick_figures, thin_figures};
use looks::Looks;
use pace::Pace;
use report::{Kind, LogicalVolume};

/// The most commands that only look, and of tgtadm, at once.
const READS_MAX: usize = 8;

/// See the module.
#[derive(Debug, Clone)]
pub struct Lvm(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: BackendConfig,
    pool: PoolName,
    /// The thin pool's LV; `None` when volumes are thick.
    thin_pool: Option<String>,
    wipe: WipePolicy,
    /// How fast copies and wipes go.
    pace: Pace,
    /// How often they lay a mark.
    mark_every: Duration,
    /// Above these the thin pool takes nothing new: of its data and of its metadata, in per cent.
    percent_max: (u32, u32),
    /// How hosts reach volumes; by their paths on this node without one.
    target: Option<AnyTarget>,
    argv: Argv,
    runner: Runner,
    changes: Changes,
    looks: Looks,
    removal_looks: Looks,
}

impl Lvm {
    /// Looks at the volume group, settles whether volumes are thin or thick, and makes the thin pool where it is
    /// wanted and missing.
    ///
    /// # Errors
    /// A [`Failure`] when LVM or the volume group is not there, or the thin pool's name is taken by something else.
    pub async fn open(backend: &BackendConfig, config: &LvmConfig) -> Result<Self, Failure> {
        // A slow step runs at most one command at a time, and must not keep the others from theirs.
        let processes = PROCESSES_MAX + READS_MAX + backend.concurrency_slow();
        Self::open_with(backend, config, Runner::new(processes)).await
    }

    async fn open_with(backend: &BackendConfig, config: &LvmConfig, runner: Runner) -> Result<Self, Failure> {
        let pool = backend.name.pool(&config.volume_group);
        let mut inner = Inner {
            backend: backend.clone(),
            pool: pool.map_err(|invalid| failure(FailureKind::Other, "open", invalid.to_string()))?,
            thin_pool: None,
            wipe: config.wipe,
            pace: Pace::new(config.copy_rate_mib_s),
            mark_every: slow::MARK_EVERY,
            percent_max: (config.thin_data_percent_max, config.thin_metadata_percent_max),
            target: None,
            argv: Argv {
                volume_group: config.volume_group.clone(),
                timeout: Duration::from_millis(config.command_timeout_ms),
            },
            runner,
            changes: Changes::default(),
            looks: Looks::default(),
            removal_looks: Looks::default(),
        };
        inner.thin_pool = inner.find_thin_pool(config).await?;
        if let Some(target) = &config.target {
            inner.target = Some(AnyTarget::open(target, &inner.runner).await?);
        }
        tracing::info!(pool = %inner.pool, thin_pool = inner.thin_pool.as_deref(), "opened the volume group");
        Ok(Self(Arc::new(inner)))
    }

    fn check(&self, step: &str, pool: &PoolName) -> Result<&Inner, Failure> {
        if self.0.pool == *pool { Ok(&self.0) } else { Err(no_such_pool(step, pool)) }
    }
}

impl Driver for Lvm {
    fn name(&self) -> &'static str {
        "lvm"
    }

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        let inner = self.check("observe", &task.pool)?;
        let objects = Objects::of(task);
        let source_name = task.operation.source_name().map(|name| name.as_str().to_owned());
        let names: Vec<String> = objects.all().map(Object::name).chain(source_name.clone()).collect();
        let _awaited = (!removes(task)).then(|| inner.changes.awaited());
        let mut volumes = inner.find_for(task, &names).await?;
        if volumes.iter().any(|lv| lv.open && names.contains(&lv.name)) {
            // It may be udev that holds it, only to look what is in it.
            inner.settle().await;
            volumes = inner.find_for(task, &names).await?;
        }
        let seen = |object: Option<Object>| object.map_or(Observed::Absent, |object| inner.seen(object, &volumes));
        Ok(Look {
            object: seen(Some(objects.object)),
            source: match source_name {
                Some(name) => inner.seen_named(task, objects.object, &name, &volumes)?,
                None => seen(objects.source),
            },
            still: seen(objects.still),
            successor: seen(objects.successor),
            export: inner.export(task).await?,
        })
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        let inner = self.check(step.name(), &task.pool)?;
        let (name, argv) = (step.on.name(), &inner.argv);
        let gives_way = removes(task) || step.act.gives_way().is_some();
        let _awaited = (!gives_way).then(|| inner.changes.awaited());
        let mut tags = step.on.tags(task.asked_at);
        let invocation = match step.act {
            Act::Create { size_bytes, unfinished } => {
                tags.extend(unfinished.then(|| COPYING_TAG.to_owned()));
                match &inner.thin_pool {
                    Some(pool) => argv.create_thin(pool, &name, size_bytes, &tags),
                    None => argv.create_thick(&name, size_bytes, &tags),
                }
            }
            Act::Clone { from } => argv.clone(&name, &from.name(), &tags),
            Act::Snapshot { of, joined: false } => argv.snapshot_thin(&name, &of.name(), &tags),
            Act::Snapshot { of, joined: true } => argv.snapshot_thick(&name, &of.name(), &tags),
            Act::Extend { size_bytes } => argv.extend(&name, size_bytes),
            Act::Activate => argv.activate(&name),
            Act::Deactivate => argv.deactivate(&name),
            Act::Split => argv.split(&name),
            Act::Adopt => return inner.adopt(task, step.on).await,
            Act::Release => return inner.release(task, step.on).await,
            Act::Copy { from } => return inner.copy(task, step.on, from, meter).await,
            Act::Replace { by, at } => return inner.replace(step.on, by, at).await,
            Act::Overwrite { from } => return inner.overwrite(task, step.on, from, meter).await,
            Act::Wipe { how } => return inner.wipe(task, &name, how, meter).await,
            Act::Remove => return inner.remove(&name).await,
            Act::Export | Act::Unexport | Act::Withdraw | Act::Resize => return inner.target(task, step).await,
        };
        inner.change(invocation).await
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        let inner = self.check("connect", &task.pool)?;
        let Some(target) = &inner.target else {
            let device = inner.argv.device(&Objects::of(task).object.name());
            return connection(task, "local", Some(device.as_ref()));
        };
        let access = target.way().access(task)?.ok_or_else(|| no_host("connect"))?;
        Ok(target.way().connection(task.operation.volume(), &access, target.lun(), inner.thin_pool.is_some()))
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        let inner = &self.0;
        let volumes = inner.volumes().await?;
        let figures = match &inner.thin_pool {
            Some(pool) => thin_figures(pool, &volumes, inner.percent_max)?,
            None => thick_figures(&inner.group().await?),
        };
        let (allocated_bytes, count) = volumes_of(&items(&volumes));
        let kind = if inner.thin_pool.is_some() { "thin" } else { "default" };
        let group = &inner.argv.volume_group;
        let place = format!("LVMVolumeDriver:{}:{group}:{kind}:0", inner.backend.name.host());
        let mut more = figures.more;
        more.push(("location_info", Capability::Text(place)));
        let figures = Figures { allocated_bytes, volumes: count, more, ..figures };
        Ok(vec![PoolReport { pool: inner.pool.clone(), stats: figures.into_stats(&inner.backend, &inner.pool) }])
    }

    fn keeps_data(&self) -> bool {
        true
    }

    /// `lvremove -f` removes a thick volume's snapshots with it; thin ones share blocks, and stand for themselves.
    fn removal_takes_along(&self) -> bool {
        self.0.thin_pool.is_none()
    }

    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        self.check("inventory", pool)?.exports().await
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        self.0.keeps_hosts_out().await
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        self.0.let_hosts_in().await
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        let volumes = self.check("inventory", pool)?.volumes().await?;
        let mut items = items(&volumes);
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let foreign = ForeignList::of(volumes.iter().filter_map(manage::foreign).collect());
        Ok(Inventory { items, foreign })
    }
}

impl Inner {
    async fn find_thin_pool(&self, config: &LvmConfig) -> Result<Option<String>, Failure> {
        let group = self.group().await?;
        let name = config.pool_lv();
        if config.lvm_type == LvmType::Thick {
            return Ok(None);
        }
        if self.has_thin_pool(&name).await? {
            return Ok(Some(name));
        }
        if config.lvm_type == LvmType::Auto && group.lv_count > 0 {
            return Ok(None);
        }
        if let Err(failure) = self.change(self.argv.create_pool(&name)).await
            && !self.has_thin_pool(&name).await?
        {
            return Err(failure);
        }
        Ok(Some(name))
    }

    async fn has_thin_pool(&self, name: &str) -> Result<bool, Failure> {
        match self.find_named(&[name.to_owned()]).await?.iter().find(|lv| lv.name == name) {
            None => Ok(false),
            Some(lv) if lv.kind == Kind::ThinPool && !lv.zeroes && self.wipe == WipePolicy::Zero => {
                let group = &self.argv.volume_group;
                let message = format!(
                    "the thin pool {name} gives blocks away as they were left: run `lvchange -Z y {group}/{name}`, or set \
                     wipe = \"none\" where volumes may read what others have written"
                );
                Err(failure(FailureKind::Unsupported, "open", message))
            }
            Some(lv) if lv.kind == Kind::ThinPool => Ok(true),
            Some(_) => {
                let message = format!("{name} in {} is not a thin pool", self.argv.volume_group);
                Err(failure(FailureKind::Conflict, "open", message))
            }
        }
    }

    fn seen(&self, object: Object, volumes: &[LogicalVolume]) -> Observed {
        let name = object.name();
        let found = volumes.iter().find(|lv| lv.name == name);
        found.map_or(Observed::Absent, |lv| self.found(object, lv, volumes))
    }

    fn found(&self, object: Object, lv: &LogicalVolume, volumes: &[LogicalVolume]) -> Observed {
        let ours = object.read(&lv.tags);
        let is_snapshot_of_it = |other: &LogicalVolume| {
            let item = Item::read(&other.name, other.size_bytes, &other.tags);
            matches!((object, item), (Object::Volume(volume), Some(item)) if item.is_snapshot_of(volume))
        };
        Observed::Present(Found {
            size_bytes: lv.size_bytes,
            owner: if ours.is_some() { Owner::Ours } else { Owner::Foreign },
            asked_at: ours.flatten(),
            open: lv.open,
            // Whatever hangs on a thick volume would go with it, ours or not.
            has_snapshots: lv.kind == Kind::Origin || volumes.iter().any(is_snapshot_of_it),
            joined: matches!(lv.kind, Kind::Origin | Kind::Cow),
            active: lv.active,
            unfinished: is_unfinished(&lv.tags),
            clones: lv.pool.is_some(),
            // A thin pool zeroes each block before it gives it to another volume; that was looked at.
            wipe: if lv.pool.is_some() { None } else { self.wipe.wipe() },
        })
    }

    async fn remove(&self, name: &str) -> Result<Applied, Failure> {
        match self.change_at(self.changes.removal().await, self.argv.remove(name, false)).await {
            Err(failure) if matches!(failure.kind, FailureKind::Busy | FailureKind::Other) => {
                tracing::info!(name, %failure, "lvremove failed; once more when udev has settled");
                self.settle().await;
                self.change_at(self.changes.removal().await, self.argv.remove(name, true)).await
            }
            done => done,
        }
    }
}

fn no_host(step: &str) -> Failure {
    failure(FailureKind::Unsupported, step, "the task has no host, or this backend exports nothing")
}

fn items(volumes: &[LogicalVolume]) -> Vec<Item> {
    volumes.iter().filter_map(|lv| Item::read(&lv.name, lv.size_bytes, &lv.tags)).collect()
}
