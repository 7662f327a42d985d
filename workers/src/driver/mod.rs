//! Drivers: the same five verbs for every kind of storage.
//!
//! A driver observes and runs single steps; what is missing is decided in [`crate::plan`], and reports are written in
//! [`crate::execute`]. A driver keeps nothing between two calls that the storage itself could not tell.
//!
//! Every driver passes the one contract suite in `contract`, and so does the honest fake in [`memory`].

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod file;
pub mod lvm;
pub mod memory;
pub mod null;
mod stats;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stele_core::id::{PoolName, VolumeId};
use stele_core::task::{Failure, FailureKind, PoolReport, Task};
use stele_core::unit::Position;

use crate::config::{BackendConfig, DriverConfig, InvalidConfig};
use crate::plan::{Observed, Step};
use file::File;
use lvm::Lvm;
use null::Null;

/// One kind of storage. The methods have no default bodies: a driver that forgets one does not compile.
pub trait Driver: Clone + Send + Sync + 'static {
    /// The driver's stable name, such as `lvm`.
    fn name(&self) -> &'static str;

    /// What stands under the volume's name in the pool.
    ///
    /// # Errors
    /// A [`Failure`] when that could not be found out; nothing was concluded, least of all that nothing is there.
    fn observe(&self, volume: VolumeId, pool: &PoolName) -> impl Future<Output = Result<Observed, Failure>> + Send;

    /// Does one step for the task's volume, and tells the meter how far it is when it takes long.
    ///
    /// # Errors
    /// A [`Failure`]; the step may have had its effect all the same, wholly or in part.
    fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> impl Future<Output = Result<Applied, Failure>> + Send;

    /// The backend's pools as they are now.
    ///
    /// # Errors
    /// A [`Failure`] when a pool could not be looked at: half a picture is not given.
    fn pools(&self) -> impl Future<Output = Result<Vec<PoolReport>, Failure>> + Send;

    /// Every object in the pool that carries the tag of a volume, in order of their names.
    ///
    /// # Errors
    /// A [`Failure`] when the pool could not be looked at.
    fn inventory(&self, pool: &PoolName) -> impl Future<Output = Result<Vec<Item>, Failure>> + Send;
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The name for the report: that of the tool when one was run, else that of the step.
    pub step: &'static str,
    /// The tool's exit status, when one was run.
    pub exit_status: Option<i32>,
}

/// One object of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name, such as `volume-<uuid>`.
    pub name: String,
    /// The volume in its tag.
    pub volume: VolumeId,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// All its tags.
    pub tags: Vec<String>,
    /// The position of the event that asked for it, from its tag.
    pub asked_at: Option<Position>,
}

/// How far the running step is, shared between the driver that knows and the one who reports it.
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<Reading>>);

/// What a [`Meter`] shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// The running step.
    pub step: &'static str,
    /// How much of it is done, 0 to 100.
    pub percent: u8,
    /// Grows with every sign of progress, also with one that is too small for a per cent.
    pub signs: u64,
}

impl Meter {
    /// A step begins.
    pub fn begin(&self, step: &'static str) {
        let mut reading = self.lock();
        *reading = Reading { step, percent: 0, signs: reading.signs + 1 };
    }

    /// The step moved on: so much of it is done.
    pub fn advance(&self, done: u64, total: u64) {
        let percent = done.min(total).saturating_mul(100).checked_div(total).unwrap_or(100);
        let mut reading = self.lock();
        reading.percent = u8::try_from(percent).unwrap_or(100);
        reading.signs += 1;
    }

    /// What it shows.
    #[must_use]
    pub fn read(&self) -> Reading {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        // A reading is whole after every statement, so a panic elsewhere leaves nothing half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.read()).finish()
    }
}

/// A driver of any kind, chosen by the configuration.
#[derive(Debug, Clone)]
pub enum AnyDriver {
    /// LVM volumes.
    Lvm(Lvm),
    /// Sparse files.
    File(File),
    /// Nothing at all.
    Null(Null),
}

/// Why a driver could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration contradicts itself.
    #[error("the configuration of the backend is not usable")]
    Config(#[from] InvalidConfig),
    /// The storage cannot be used as configured.
    #[error("the storage of backend {backend} cannot be used: {}", failure_text(failure))]
    Storage {
        /// The backend.
        backend: String,
        /// What was found.
        failure: Failure,
    },
}

fn failure_text(failure: &Failure) -> String {
    let stderr = failure.stderr.trim();
    if stderr.is_empty() { failure.to_string() } else { format!("{failure}: {stderr}") }
}

impl AnyDriver {
    /// Opens the storage that the configuration names, and looks at it once.
    ///
    /// # Errors
    /// [`OpenError`] says what to set right.
    pub async fn open(config: &BackendConfig) -> Result<Self, OpenError> {
        config.check()?;
        let opened = match &config.driver {
            DriverConfig::Lvm(lvm) => Lvm::open(config, lvm).await.map(Self::Lvm),
            DriverConfig::File(file) => File::open(config, file).await.map(Self::File),
            DriverConfig::Null(null) => Ok(Self::Null(Null::new(config, null)?)),
        };
        opened.map_err(|failure| OpenError::Storage { backend: config.name.to_string(), failure })
    }
}

macro_rules! dispatch {
    ($self:ident, $driver:ident => $call:expr) => {
        match $self {
            AnyDriver::Lvm($driver) => $call,
            AnyDriver::File($driver) => $call,
            AnyDriver::Null($driver) => $call,
        }
    };
}

impl Driver for AnyDriver {
    fn name(&self) -> &'static str {
        dispatch!(self, driver => driver.name())
    }

    async fn observe(&self, volume: VolumeId, pool: &PoolName) -> Result<Observed, Failure> {
        dispatch!(self, driver => driver.observe(volume, pool).await)
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        dispatch!(self, driver => driver.apply(task, step, meter).await)
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        dispatch!(self, driver => driver.pools().await)
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Vec<Item>, Failure> {
        dispatch!(self, driver => driver.inventory(pool).await)
    }
}

/// The tags of a volume's object: whose it is, and which event asked for it.
#[must_use]
pub fn tags(volume: VolumeId, asked_at: Position) -> [String; 2] {
    [volume_tag(volume), format!("{AT_TAG}{asked_at}")]
}

const VOLUME_TAG: &str = "stele.volume.";
const AT_TAG: &str = "stele.at.";

fn volume_tag(volume: VolumeId) -> String {
    format!("{VOLUME_TAG}{volume}")
}

/// Reads an object's tags; `None` when none of them names a volume.
fn item(name: &str, size_bytes: u64, tags: &[String]) -> Option<Item> {
    let volume = tags.iter().find_map(|tag| tag.strip_prefix(VOLUME_TAG)?.parse().ok())?;
    let asked_at = tags.iter().find_map(|tag| tag.strip_prefix(AT_TAG)?.parse().ok());
    Some(Item { name: name.to_owned(), volume, size_bytes, tags: tags.to_vec(), asked_at })
}

/// A failure without a tool behind it.
fn failure(kind: FailureKind, step: &str, message: impl Into<String>) -> Failure {
    Failure { kind, step: step.to_owned(), message: message.into(), exit_status: None, stderr: String::new() }
}

/// The failure for a pool that the backend does not have.
fn no_such_pool(step: &str, pool: &PoolName) -> Failure {
    failure(FailureKind::NotFound, step, format!("this backend has no pool {pool}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::volume;

    #[test]
    fn tags_are_read_back() {
        let written = tags(volume(5), Position(12));
        assert_eq!(written, ["stele.volume.00000000-0000-0000-0000-000000000005", "stele.at.12"]);
        let read = item("volume-x", 7, &written).unwrap();
        assert_eq!((read.volume, read.asked_at, read.size_bytes), (volume(5), Some(Position(12)), 7));
        assert_eq!(item("volume-x", 7, &["stele.at.12".to_owned(), "stele.volume.x".to_owned()]), None);
    }

    #[test]
    fn a_meter_never_shows_more_than_all() {
        let meter = Meter::default();
        meter.begin("wipe");
        for (done, total, percent) in [(0, 3, 0), (1, 3, 33), (3, 3, 100), (9, 3, 100), (0, 0, 100)] {
            meter.advance(done, total);
            assert_eq!(meter.read().percent, percent);
        }
        assert_eq!(meter.read().signs, 6);
    }
}
