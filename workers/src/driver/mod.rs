//! Drivers: the same verbs for every kind of storage.
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

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stele_core::id::PoolName;
use stele_core::inventory::ForeignList;
use stele_core::task::{Connection, ConnectionValue, Failure, FailureKind, Operation, PoolReport, Task};

use crate::config::{BackendConfig, DriverConfig, InvalidConfig};
use crate::object::Item;
use crate::plan::{Look, Step};
use crate::target::ExportItem;
use file::File;
use lvm::Lvm;
use null::Null;

/// One kind of storage. The methods have no default bodies: a driver that forgets one does not compile.
pub trait Driver: Clone + Send + Sync + 'static {
    /// The driver's stable name, such as `lvm`.
    fn name(&self) -> &'static str;

    /// What stands in the task's pool under the names of its [`Objects`](crate::object::Objects).
    ///
    /// # Errors
    /// A [`Failure`] when that could not be found out; nothing was concluded, least of all that nothing is there.
    fn observe(&self, task: &Task) -> impl Future<Output = Result<Look, Failure>> + Send;

    /// Does one step of the task, and tells the meter how far it is when it takes long.
    ///
    /// # Errors
    /// A [`Failure`]; the step may have had its effect all the same, wholly or in part.
    fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> impl Future<Output = Result<Applied, Failure>> + Send;

    /// How a host reaches the task's volume, once the steps of [`Operation::ConnectVolume`] are done. The same each
    /// time, and without an effect.
    ///
    /// # Errors
    /// A [`Failure`] when no host can reach it.
    fn connection(&self, task: &Task) -> impl Future<Output = Result<Connection, Failure>> + Send;

    /// The backend's pools as they are now.
    ///
    /// # Errors
    /// A [`Failure`] when a pool could not be looked at: half a picture is not given.
    fn pools(&self) -> impl Future<Output = Result<Vec<PoolReport>, Failure>> + Send;

    /// Whether anything can be found again of what it made. Where not, there is nothing to compare with the log.
    fn keeps_data(&self) -> bool;

    /// Whether a removal takes along what hangs on the volume. Whoever waited for his turn looks again before, lest
    /// something hangs there by now.
    fn removal_takes_along(&self) -> bool {
        true
    }

    /// Every target of ours through which hosts reach the pool's volumes; `None` when they do so in another way.
    ///
    /// # Errors
    /// A [`Failure`] when they could not be looked at.
    fn exports(&self, pool: &PoolName) -> impl Future<Output = Result<Option<Vec<ExportItem>>, Failure>> + Send;

    /// Whether hosts are kept away from their volumes since the target was started, until everything that is promised is
    /// there; see [`crate::target::Target::keeps_hosts_out`].
    ///
    /// # Errors
    /// A [`Failure`] when that could not be found out.
    fn keeps_hosts_out(&self) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Lets hosts reach their volumes.
    ///
    /// # Errors
    /// A [`Failure`]; some may reach theirs.
    fn let_hosts_in(&self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Everything that lies in the pool.
    ///
    /// # Errors
    /// A [`Failure`] when the pool could not be looked at.
    fn inventory(&self, pool: &PoolName) -> impl Future<Output = Result<Inventory, Failure>> + Send;
}

/// What lies in a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Every object of ours, in order of their names.
    pub items: Vec<Item>,
    /// What others have there that could be taken over.
    pub foreign: ForeignList,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The name for the report: that of the tool when one was run, else that of the step.
    pub step: &'static str,
    /// The tool's exit status, when one was run.
    pub exit_status: Option<i32>,
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

    /// The step moved on, and nobody knows how far it is.
    pub fn sign(&self) {
        self.lock().signs += 1;
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

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        dispatch!(self, driver => driver.observe(task).await)
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        dispatch!(self, driver => driver.apply(task, step, meter).await)
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        dispatch!(self, driver => driver.connection(task).await)
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        dispatch!(self, driver => driver.pools().await)
    }

    fn keeps_data(&self) -> bool {
        dispatch!(self, driver => driver.keeps_data())
    }

    fn removal_takes_along(&self) -> bool {
        dispatch!(self, driver => driver.removal_takes_along())
    }

    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        dispatch!(self, driver => driver.exports(pool).await)
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        dispatch!(self, driver => driver.keeps_hosts_out().await)
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        dispatch!(self, driver => driver.let_hosts_in().await)
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        dispatch!(self, driver => driver.inventory(pool).await)
    }
}

/// The connection of a task that is one: `local` to a path of this host, or of the driver's own type without one.
fn connection(task: &Task, driver_volume_type: &str, path: Option<&Path>) -> Result<Connection, Failure> {
    let Operation::ConnectVolume { volume, mode, .. } = &task.operation else {
        return Err(failure(FailureKind::Unsupported, "connect", "only a task that connects has a connection"));
    };
    let text = |text: &str| ConnectionValue::Text(text.to_owned());
    let mut data = BTreeMap::from([
        ("volume_id".to_owned(), text(&volume.to_string())),
        ("access_mode".to_owned(), text(mode.name())),
        ("encrypted".to_owned(), ConnectionValue::Flag(false)),
    ]);
    if let Some(path) = path {
        let path = path.to_str().ok_or_else(|| {
            let why = format!("{} is not UTF-8, so no client can be told of it", path.display());
            failure(FailureKind::Unsupported, "connect", why)
        })?;
        data.insert("device_path".to_owned(), text(path));
    }
    Ok(Connection { driver_volume_type: driver_volume_type.to_owned(), data })
}

/// A failure without a tool behind it.
pub(crate) fn failure(kind: FailureKind, step: &str, message: impl Into<String>) -> Failure {
    Failure { kind, step: step.to_owned(), message: message.into(), exit_status: None, stderr: String::new() }
}

/// The failure for a pool that the backend does not have.
fn no_such_pool(step: &str, pool: &PoolName) -> Failure {
    failure(FailureKind::NotFound, step, format!("this backend has no pool {pool}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
