//! Volumes as sparse files, for development and tests: no root, no kernel modules, and still real bytes on a disk.
//!
//! ```text
//! <dir>/<pool>/volume-<uuid>        the data; that it exists means that the volume exists
//! <dir>/<pool>/volume-<uuid>.tags   JSON list of its tags; written before the data appears, removed after it
//! <dir>/<pool>/_snapshot-<uuid>     a snapshot, the same way
//! <dir>/<pool>/.*                   the pool's lock, and files that are not finished
//! ```
//!
//! A file comes to its name complete, by a rename, so a crash leaves either nothing or a whole volume; a snapshot and a
//! volume with the data of another are copies of its file, made the same way. Where the file system shares blocks
//! (XFS, Btrfs) a copy is of one moment. Elsewhere it takes its time, and what is written into a volume meanwhile may
//! or may not be in it: snapshots of volumes in use are for LVM. Data without tags was put there by somebody else. Sizes count in full against the pool's capacity although the files are
//! sparse, so that a full pool refuses at once and not when somebody writes. Changes are made under a lock on the
//! pool's folder, so several workers may share it.

mod copy;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;
use stele_core::id::{PoolName, SourceName};
use stele_core::inventory::{Foreign, ForeignList};
use stele_core::task::{Connection, Failure, FailureKind, Operation, PoolReport, Task};
use stele_core::unit::Position;

use super::stats::{Bytes, Figures, volumes_of};
use super::{Applied, Driver, Inventory, Meter, connection, failure, no_such_pool};
use crate::config::{BackendConfig, FileConfig};
use crate::object::{Item, Object, Objects};
use crate::plan::{Act, Export, Found, Look, Observed, Owner, Step};
use crate::target::ExportItem;
use copy::Copying;

/// See the module.
#[derive(Debug, Clone)]
pub struct File(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: BackendConfig,
    pools: Vec<Pool>,
}

#[derive(Debug, Clone)]
struct Pool {
    name: PoolName,
    dir: PathBuf,
    limit_bytes: Option<u64>,
}

impl File {
    /// A file driver; makes the folders of its pools when they are missing.
    ///
    /// # Errors
    /// A [`Failure`] when a folder cannot be made or written to.
    pub async fn open(backend: &BackendConfig, config: &FileConfig) -> Result<Self, Failure> {
        let pool = |pool: &crate::config::FilePool| {
            let name = backend.name.pool(&pool.name);
            Ok(Pool {
                name: name.map_err(|invalid| failure(FailureKind::Other, "open", invalid.to_string()))?,
                dir: config.dir.join(&pool.name),
                limit_bytes: pool.total_capacity_gib.map(|gib| u64::from(gib) << 30),
            })
        };
        let pools: Vec<Pool> = config.pools.iter().map(pool).collect::<Result<_, Failure>>()?;
        for pool in pools.clone() {
            blocking("open", move || {
                fs::create_dir_all(&pool.dir)?;
                pool.lock().map(drop)
            })
            .await?;
        }
        Ok(Self(Arc::new(Inner { backend: backend.clone(), pools })))
    }

    fn pool(&self, step: &str, name: &PoolName) -> Result<Pool, Failure> {
        let pool = self.0.pools.iter().find(|pool| pool.name == *name);
        pool.cloned().ok_or_else(|| no_such_pool(step, name))
    }
}

impl Driver for File {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        let pool = self.pool("observe", &task.pool)?;
        let objects = Objects::of(task);
        let takes = matches!(task.operation, Operation::ManageVolume { .. } | Operation::ManageSnapshot { .. });
        let source_name = task.operation.source_name().cloned();
        blocking("observe", move || {
            let seen = |object: Option<Object>| object.map_or(Ok(Observed::Absent), |object| pool.observe(object));
            Ok(Look {
                object: seen(Some(objects.object))?,
                source: match &source_name {
                    Some(name) => pool.observe_source(objects.object, name, takes)?,
                    None => seen(objects.source)?,
                },
                still: seen(objects.still)?,
                successor: seen(objects.successor)?,
                export: Export::Direct,
            })
        })
        .await
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        let pool = self.pool(step.name(), &task.pool)?;
        let (on, asked_at, name) = (step.on, task.asked_at, step.name());
        match step.act {
            Act::Create { size_bytes, unfinished: false } => {
                blocking(name, move || pool.create(on, size_bytes, asked_at)).await?;
            }
            Act::Clone { from } | Act::Snapshot { of: from, .. } => {
                // Gives the copy up when nobody waits for it any more.
                let (_waiting, copying) = Copying::watched(meter);
                blocking(name, move || pool.copy(on, from, asked_at, &copying)).await?;
            }
            Act::Adopt => {
                let source = task.operation.source_name().cloned();
                blocking(name, move || pool.adopt(on, source.as_ref(), asked_at)).await?;
            }
            Act::Release => {
                let source = task.operation.source_name().cloned();
                blocking(name, move || pool.release(on, source.as_ref())).await?;
            }
            Act::Replace { by, at } => blocking(name, move || pool.replace(on, by, at)).await?,
            Act::Extend { size_bytes } => blocking(name, move || pool.extend(on, size_bytes)).await?,
            Act::Remove => blocking(name, move || pool.remove(on)).await?,
            // A file system gives nobody the bytes of a removed file, and a file needs no activation.
            Act::Create { unfinished: true, .. }
            | Act::Copy { .. }
            | Act::Overwrite { .. }
            | Act::Activate
            | Act::Deactivate
            | Act::Split
            | Act::Wipe { .. }
            | Act::Export
            | Act::Unexport
            | Act::Withdraw
            | Act::Resize => return Err(failure(FailureKind::Unsupported, name, "files need no such step")),
        }
        Ok(Applied { step: name, exit_status: None })
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        let path = self.pool("connect", &task.pool)?.data(Objects::of(task).object);
        let path =
            std::path::absolute(&path).map_err(|error| failure(kind_of(&error), "connect", error.to_string()))?;
        connection(task, "local", Some(&path))
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        let mut reports = Vec::with_capacity(self.0.pools.len());
        for pool in self.0.pools.clone() {
            let name = pool.name.clone();
            let usage = blocking("pools", move || pool.usage()).await?;
            let (allocated_bytes, volumes) = volumes_of(&usage.items);
            let figures = Figures {
                total_bytes: Bytes::Number(usage.capacity_bytes),
                free_bytes: Bytes::Number(usage.free_bytes()),
                provisioned_bytes: usage.used_bytes,
                allocated_bytes,
                volumes,
                thin: false,
                fill: None,
                protocol: "file",
                more: Vec::new(),
            };
            let stats = figures.into_stats(&self.0.backend, &name);
            reports.push(PoolReport { pool: name, stats });
        }
        Ok(reports)
    }

    fn keeps_data(&self) -> bool {
        true
    }

    fn removal_takes_along(&self) -> bool {
        false
    }

    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        self.pool("inventory", pool).map(|_| None)
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        let pool = self.pool("inventory", pool)?;
        blocking("inventory", move || Ok(Inventory { items: pool.usage()?.items, foreign: pool.foreign()? })).await
    }
}

/// What a pool holds.
struct Usage {
    items: Vec<Item>,
    /// The sum of the sizes of everything under a name that an object could have, ours or not.
    used_bytes: u64,
    capacity_bytes: u64,
}

impl Usage {
    fn free_bytes(&self) -> u64 {
        self.capacity_bytes.saturating_sub(self.used_bytes)
    }

    fn check(&self, more_bytes: u64) -> io::Result<()> {
        if more_bytes <= self.free_bytes() {
            return Ok(());
        }
        let message = format!("{more_bytes} bytes more are needed, {} are free", self.free_bytes());
        Err(io::Error::new(io::ErrorKind::StorageFull, message))
    }
}

impl Pool {
    fn observe(&self, object: Object) -> io::Result<Observed> {
        self.observe_named(object, &object.name())
    }

    /// What somebody else put there, or is to have back.
    fn observe_source(&self, object: Object, name: &SourceName, takes: bool) -> io::Result<Observed> {
        let (name, tags) = (name.as_str(), self.read_tags(name.as_str())?.unwrap_or_default());
        let is_file = present(fs::symlink_metadata(self.dir.join(name)))?.is_none_or(|found| found.is_file());
        if takes && (!is_file || name.ends_with(".tags") || object.is_anothers(&tags)) {
            let message = format!("{name} is no file that could be a volume, or is managed already");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        self.observe_named(object, name)
    }

    fn observe_named(&self, object: Object, name: &str) -> io::Result<Observed> {
        let Some(metadata) = present(fs::symlink_metadata(self.dir.join(name)))? else { return Ok(Observed::Absent) };
        let tags = self.read_tags(name)?.unwrap_or_default();
        let ours = object.read(&tags);
        let has_snapshots = match object {
            Object::Volume(volume) => self.usage()?.items.iter().any(|item| item.is_snapshot_of(volume)),
            Object::Snapshot { .. } | Object::Still(_) | Object::Successor(_) => false,
        };
        Ok(Observed::Present(Found {
            size_bytes: metadata.len(),
            owner: if ours.is_some() { Owner::Ours } else { Owner::Foreign },
            asked_at: ours.flatten(),
            open: false,
            has_snapshots,
            joined: false,
            active: true,
            unfinished: false,
            clones: true,
            wipe: None,
        }))
    }

    fn create(&self, object: Object, size_bytes: u64, asked_at: Position) -> io::Result<()> {
        let _lock = self.lock()?;
        self.make(object, size_bytes, asked_at, |file| file.set_len(size_bytes))
    }

    /// Changes to the pool wait for the copy: what is copied stays as it is, and the room for it is not given away.
    fn copy(&self, object: Object, from: Object, asked_at: Position, copying: &Copying) -> io::Result<()> {
        let _lock = self.lock()?;
        let from = fs::File::open(self.data(from))?;
        let size_bytes = from.metadata()?.len();
        self.make(object, size_bytes, asked_at, |file| copying.copy(&from, file))
    }

    fn make(
        &self,
        object: Object,
        size_bytes: u64,
        asked_at: Position,
        fill: impl FnOnce(&mut fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        let path = self.data(object);
        if present(fs::symlink_metadata(&path))?.is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} exists", object.name())));
        }
        self.usage()?.check(size_bytes)?;
        let tags = serde_json::to_vec(&object.tags(asked_at))?;
        self.appear(&self.tags(object), |file| file.write_all(&tags))?;
        self.appear(&path, fill)
    }

    fn extend(&self, object: Object, size_bytes: u64) -> io::Result<()> {
        let _lock = self.lock()?;
        let file = fs::OpenOptions::new().write(true).open(self.data(object))?;
        let more_bytes = size_bytes.saturating_sub(file.metadata()?.len());
        if more_bytes > 0 {
            self.usage()?.check(more_bytes)?;
            file.set_len(size_bytes)?;
        }
        file.sync_all()
    }

    fn remove(&self, object: Object) -> io::Result<()> {
        let _lock = self.lock()?;
        // The data first: tags without data mean nothing, data without tags would be somebody else's.
        for path in [self.data(object), self.tags(object)] {
            present(fs::remove_file(path))?;
        }
        self.sync()
    }

    /// The tags first: without data they mean nothing.
    fn adopt(&self, object: Object, source: Option<&SourceName>, asked_at: Position) -> io::Result<()> {
        let _lock = self.lock()?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, "nothing is named that could be taken over");
        let (source, path) = (self.dir.join(source.ok_or_else(missing)?.as_str()), self.data(object));
        if source != path && present(fs::symlink_metadata(&path))?.is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} exists", object.name())));
        }
        fs::symlink_metadata(&source)?;
        let tags = serde_json::to_vec(&object.tags(asked_at))?;
        self.appear(&self.tags(object), |file| file.write_all(&tags))?;
        fs::rename(&source, &path)?;
        self.sync()
    }

    /// The data first, so that they are ours until they have their name. A name that somebody else has meanwhile is his.
    fn release(&self, object: Object, source: Option<&SourceName>) -> io::Result<()> {
        let _lock = self.lock()?;
        let target = source.map_or_else(|| self.data(object), |source| self.dir.join(source.as_str()));
        if present(fs::symlink_metadata(&target))?.is_none() {
            fs::rename(self.data(object), &target)?;
            self.sync()?;
        }
        present(fs::remove_file(self.tags(object)))?;
        self.sync()
    }

    /// The data first: a crash in between leaves data that are right under tags that do not say so yet, and the next
    /// attempt puts the same data there once more.
    fn replace(&self, object: Object, by: Object, at: Option<Position>) -> io::Result<()> {
        let _lock = self.lock()?;
        let tags = self.read_tags(&object.name())?;
        let found = tags.as_deref().and_then(|tags| object.read(tags)).flatten();
        if found != at && present(fs::symlink_metadata(self.data(object)))?.is_some() {
            let message = format!("{} is not the one that is to be replaced", object.name());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        fs::rename(self.data(by), self.data(object))?;
        self.sync()?;
        fs::rename(self.tags(by), self.tags(object))?;
        self.sync()
    }

    fn usage(&self) -> io::Result<Usage> {
        let (mut items, mut used_bytes, mut stored_bytes) = (Vec::new(), 0_u64, 0_u64);
        let names: BTreeSet<_> =
            fs::read_dir(&self.dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
        for name in names {
            // Only what bears the name of an object; what vanishes meanwhile is no longer there.
            let Some(name) = name.to_str().filter(|name| Object::is_name(name)) else { continue };
            let Some(metadata) = present(fs::symlink_metadata(self.dir.join(name)))? else { continue };
            used_bytes = used_bytes.saturating_add(metadata.len());
            stored_bytes = stored_bytes.saturating_add(metadata.blocks().saturating_mul(512));
            let tags = self.read_tags(name)?.unwrap_or_default();
            items.extend(Item::read(name, metadata.len(), &tags));
        }
        let capacity_bytes = match self.limit_bytes {
            Some(limit_bytes) => limit_bytes,
            None => {
                let system = statvfs(&self.dir)?;
                system.f_bavail.saturating_mul(system.f_frsize).saturating_add(stored_bytes)
            }
        };
        Ok(Usage { items, used_bytes, capacity_bytes })
    }

    /// Files without tags, whatever they are called.
    fn foreign(&self) -> io::Result<ForeignList> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().and_then(|name| SourceName::new(name).ok()) else { continue };
            let Some(metadata) = present(fs::symlink_metadata(self.dir.join(name.as_str())))? else { continue };
            let is_own = name.as_str().ends_with(".tags") || self.read_tags(name.as_str())?.is_some();
            if metadata.is_file() && !is_own {
                found.push(Foreign { name, size_bytes: metadata.len(), origin: None, open: false });
            }
        }
        Ok(ForeignList::of(found))
    }

    fn read_tags(&self, name: &str) -> io::Result<Option<Vec<String>>> {
        let Some(bytes) = present(fs::read(self.dir.join(format!("{name}.tags"))))? else { return Ok(None) };
        let unreadable = |error| io::Error::new(io::ErrorKind::InvalidData, format!("the tags of {name}: {error}"));
        serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
    }

    /// A file comes to its name with all its content, and stays after a power cut.
    fn appear(&self, path: &Path, fill: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Always the same, so what a crash left is overwritten by the next attempt.
        let unfinished = self.dir.join(format!(".{name}.unfinished"));
        let mut file = fs::File::create(&unfinished)?;
        let filled = fill(&mut file).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&unfinished, path));
        if filled.is_err() {
            // Nobody looks at it; it is removed only to give its room back.
            let _ = fs::remove_file(&unfinished);
        }
        filled.and_then(|()| self.sync())
    }

    /// Makes the names in the folder last.
    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.dir)?.sync_all()
    }

    /// Held until it is dropped; other workers' changes to this pool wait.
    fn lock(&self) -> io::Result<fs::File> {
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(self.dir.join(".lock"))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }

    fn data(&self, object: Object) -> PathBuf {
        self.dir.join(object.name())
    }

    fn tags(&self, object: Object) -> PathBuf {
        self.dir.join(format!("{}.tags", object.name()))
    }
}

/// Absence is an answer; every other error stays one.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    step: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| failure(kind_of(&error), step, error.to_string()))
}

fn kind_of(error: &io::Error) -> FailureKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => FailureKind::NoSpace,
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::AlreadyExists => FailureKind::Conflict,
        io::ErrorKind::ResourceBusy => FailureKind::Busy,
        io::ErrorKind::InvalidData => FailureKind::Unparsable,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => FailureKind::ToolUnavailable,
        _ if error.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) => FailureKind::NoSpace,
        _ => FailureKind::Other,
    }
}
