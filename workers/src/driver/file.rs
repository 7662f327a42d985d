//! Volumes as sparse files, for development and tests: no root, no kernel modules, and still real bytes on a disk.
//!
//! ```text
//! <dir>/<pool>/volume-<uuid>        the data; that it exists means that the volume exists
//! <dir>/<pool>/volume-<uuid>.tags   JSON list of its tags; written before the data appears, removed after it
//! <dir>/<pool>/.*                   the pool's lock, and files that are not finished
//! ```
//!
//! A file comes to its name complete, by a rename, so a crash leaves either nothing or a whole volume. Data without
//! tags was put there by somebody else. Sizes count in full against the pool's capacity although the files are
//! sparse, so that a full pool refuses at once and not when somebody writes. Changes are made under a lock on the
//! pool's folder, so several workers may share it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;
use stele_core::id::{PoolName, VolumeId};
use stele_core::task::{Failure, FailureKind, PoolReport, Task, lv_name};
use stele_core::unit::Position;

use super::stats::{Bytes, Figures};
use super::{Applied, Driver, Item, Meter, failure, item, no_such_pool, tags};
use crate::config::{BackendConfig, FileConfig};
use crate::plan::{Found, Observed, Owner, Step};

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

    async fn observe(&self, volume: VolumeId, pool: &PoolName) -> Result<Observed, Failure> {
        let pool = self.pool("observe", pool)?;
        blocking("observe", move || pool.observe(volume)).await
    }

    async fn apply(&self, task: &Task, step: &Step, _meter: &Meter) -> Result<Applied, Failure> {
        let pool = self.pool(step.name(), &task.pool)?;
        let (volume, asked_at, name) = (task.operation.volume(), task.asked_at, step.name());
        match *step {
            Step::Create { size_bytes } => blocking(name, move || pool.create(volume, size_bytes, asked_at)).await?,
            Step::Extend { size_bytes } => blocking(name, move || pool.extend(volume, size_bytes)).await?,
            Step::Remove => blocking(name, move || pool.remove(volume)).await?,
            // A file system gives nobody the bytes of a removed file, and a file needs no activation.
            Step::Activate | Step::Wipe { .. } => {
                return Err(failure(FailureKind::Unsupported, name, "files need no such step"));
            }
        }
        Ok(Applied { step: name, exit_status: None })
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        let mut reports = Vec::with_capacity(self.0.pools.len());
        for pool in self.0.pools.clone() {
            let name = pool.name.clone();
            let usage = blocking("pools", move || pool.usage()).await?;
            let figures = Figures {
                total_bytes: Bytes::Number(usage.capacity_bytes),
                free_bytes: Bytes::Number(usage.free_bytes()),
                provisioned_bytes: usage.used_bytes,
                allocated_bytes: usage.items.iter().map(|item| item.size_bytes).sum(),
                volumes: usage.items.len(),
                thin: false,
                protocol: "file",
                more: Vec::new(),
            };
            reports.push(PoolReport { pool: name, stats: figures.into_stats(&self.0.backend) });
        }
        Ok(reports)
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Vec<Item>, Failure> {
        let pool = self.pool("inventory", pool)?;
        blocking("inventory", move || pool.usage().map(|usage| usage.items)).await
    }
}

/// What a pool holds.
struct Usage {
    items: Vec<Item>,
    /// The sum of the sizes of everything under a volume's name, ours or not.
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
    fn observe(&self, volume: VolumeId) -> io::Result<Observed> {
        let path = self.data(volume);
        let Some(metadata) = present(fs::symlink_metadata(&path))? else { return Ok(Observed::Absent) };
        let ours = self.item(&lv_name(volume), metadata.len())?.filter(|item| item.volume == volume);
        Ok(Observed::Present(Found {
            size_bytes: metadata.len(),
            owner: if ours.is_some() { Owner::Ours } else { Owner::Foreign },
            asked_at: ours.and_then(|item| item.asked_at),
            open: false,
            has_snapshots: false,
            active: true,
            wipe: None,
        }))
    }

    fn create(&self, volume: VolumeId, size_bytes: u64, asked_at: Position) -> io::Result<()> {
        let _lock = self.lock()?;
        let path = self.data(volume);
        if present(fs::symlink_metadata(&path))?.is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} exists", lv_name(volume))));
        }
        self.usage()?.check(size_bytes)?;
        let tags = serde_json::to_vec(&tags(volume, asked_at))?;
        self.appear(&self.tags(volume), |file| file.write_all(&tags))?;
        self.appear(&path, |file| file.set_len(size_bytes))
    }

    fn extend(&self, volume: VolumeId, size_bytes: u64) -> io::Result<()> {
        let _lock = self.lock()?;
        let file = fs::OpenOptions::new().write(true).open(self.data(volume))?;
        let more_bytes = size_bytes.saturating_sub(file.metadata()?.len());
        if more_bytes > 0 {
            self.usage()?.check(more_bytes)?;
            file.set_len(size_bytes)?;
        }
        file.sync_all()
    }

    fn remove(&self, volume: VolumeId) -> io::Result<()> {
        let _lock = self.lock()?;
        // The data first: tags without data mean nothing, data without tags would be somebody else's.
        for path in [self.data(volume), self.tags(volume)] {
            present(fs::remove_file(path))?;
        }
        self.sync()
    }

    fn usage(&self) -> io::Result<Usage> {
        let (mut items, mut used_bytes, mut stored_bytes) = (Vec::new(), 0_u64, 0_u64);
        let names: BTreeSet<_> =
            fs::read_dir(&self.dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
        for name in names {
            // Only what bears the name of a volume; what vanishes meanwhile is no longer there.
            let Some(name) = name.to_str().filter(|name| is_volume(name)) else { continue };
            let Some(metadata) = present(fs::symlink_metadata(self.dir.join(name)))? else { continue };
            used_bytes = used_bytes.saturating_add(metadata.len());
            stored_bytes = stored_bytes.saturating_add(metadata.blocks().saturating_mul(512));
            items.extend(self.item(name, metadata.len())?);
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

    fn item(&self, name: &str, size_bytes: u64) -> io::Result<Option<Item>> {
        let Some(bytes) = present(fs::read(self.dir.join(format!("{name}.tags"))))? else { return Ok(None) };
        let tags: Vec<String> = serde_json::from_slice(&bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("the tags of {name}: {error}")))?;
        Ok(item(name, size_bytes, &tags))
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

    fn data(&self, volume: VolumeId) -> PathBuf {
        self.dir.join(lv_name(volume))
    }

    fn tags(&self, volume: VolumeId) -> PathBuf {
        self.dir.join(format!("{}.tags", lv_name(volume)))
    }
}

fn is_volume(name: &str) -> bool {
    name.strip_prefix("volume-").is_some_and(|id| id.parse::<VolumeId>().is_ok())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FilePool;
    use crate::driver::contract::{Subject, run};
    use crate::testing::{GIB, config, create_task, pool, size, volume};

    async fn driver(dir: &Path, total_capacity_gib: Option<u32>) -> File {
        let pools = vec![FilePool { name: "pool".to_owned(), total_capacity_gib }];
        File::open(&config(), &FileConfig { dir: dir.to_owned(), pools }).await.unwrap()
    }

    async fn create(driver: &File, n: u128, gib: u64) -> Result<Applied, Failure> {
        driver.apply(&create_task(n, 1), &Step::Create { size_bytes: gib * GIB }, &Meter::default()).await
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let scratch = tempfile::tempdir().unwrap();
        let driver = driver(scratch.path(), Some(8)).await;
        let foreign = scratch.path().join("pool").join(lv_name(volume(9)));
        fs::write(&foreign, "precious").unwrap();
        run(&Subject { driver, pool: pool(), foreign: Some(volume(9)), too_large: Some(size(9)) }).await;
        assert_eq!(fs::read_to_string(foreign).unwrap(), "precious");
        let entries = fs::read_dir(scratch.path().join("pool")).unwrap();
        let left: BTreeSet<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(left, BTreeSet::from([".lock".to_owned(), lv_name(volume(9))]));
    }

    #[tokio::test]
    async fn a_crash_before_the_rename_leaves_nothing_to_see() {
        let scratch = tempfile::tempdir().unwrap();
        let driver = driver(scratch.path(), Some(8)).await;
        let dir = scratch.path().join("pool");
        let name = lv_name(volume(1));
        // The states that a crash can leave, one after the other.
        for left in [format!(".{name}.tags.unfinished"), format!("{name}.tags"), format!(".{name}.unfinished")] {
            fs::write(dir.join(left), "[\"stele.volu").unwrap();
            assert_eq!(driver.observe(volume(1), &pool()).await.unwrap(), Observed::Absent);
            assert_eq!(driver.inventory(&pool()).await.unwrap(), []);
            assert_eq!(driver.pools().await.unwrap()[0].stats.provisioned_capacity_gb, 0.0);
        }
        create(&driver, 1, 2).await.unwrap();
        let inventory = driver.inventory(&pool()).await.unwrap();
        assert_eq!((inventory[0].size_bytes, inventory[0].asked_at), (2 * GIB, Some(Position(42))));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 3, "the unfinished files were used up");
    }

    #[tokio::test]
    async fn a_remove_that_was_cut_short_is_finished() {
        let scratch = tempfile::tempdir().unwrap();
        let driver = driver(scratch.path(), None).await;
        create(&driver, 1, 1).await.unwrap();
        fs::remove_file(scratch.path().join("pool").join(lv_name(volume(1)))).unwrap();
        assert_eq!(driver.observe(volume(1), &pool()).await.unwrap(), Observed::Absent);
        create(&driver, 1, 1).await.unwrap();
        for _ in 0..2 {
            driver.apply(&create_task(1, 1), &Step::Remove, &Meter::default()).await.unwrap();
        }
        assert_eq!(fs::read_dir(scratch.path().join("pool")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn many_at_once_never_take_more_than_there_is() {
        let scratch = tempfile::tempdir().unwrap();
        let (one, two) = (driver(scratch.path(), Some(5)).await, driver(scratch.path(), Some(5)).await);
        let attempts = (0..12).map(|n| create(if n % 2 == 0 { &one } else { &two }, n, 1));
        let done = futures_util::future::join_all(attempts).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 5);
        for failure in done.into_iter().filter_map(Result::err) {
            assert_eq!(failure.kind, FailureKind::NoSpace, "{failure}");
        }
        assert_eq!(one.pools().await.unwrap()[0].stats.free_capacity_gb.unwrap().gib(), Some(0.0));
    }

    #[tokio::test]
    async fn tags_that_cannot_be_read_are_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let driver = driver(scratch.path(), None).await;
        create(&driver, 1, 1).await.unwrap();
        fs::write(scratch.path().join("pool").join(format!("{}.tags", lv_name(volume(1)))), "{").unwrap();
        assert_eq!(driver.observe(volume(1), &pool()).await.unwrap_err().kind, FailureKind::Unparsable);
        assert_eq!(driver.inventory(&pool()).await.unwrap_err().kind, FailureKind::Unparsable);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_told_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let pools = vec![FilePool { name: "pool".to_owned(), total_capacity_gib: None }];
        assert!(File::open(&config(), &FileConfig { dir: file, pools }).await.is_err());
    }
}
