//! `stele worker`.

use std::path::PathBuf;
use std::time::Duration;

use stele_core::id::{BackendName, WorkerName};
use stele_core::port::{Reporter, Unavailable};
use stele_core::task::{Report, ReportReply};
use stele_workers::clock::SystemClock;
use stele_workers::config::{BackendConfig, DriverConfig, FileConfig, LvmConfig, NullConfig};
use stele_workers::driver::AnyDriver;
use stele_workers::target::{TargetConfig, TargetKind};
use stele_workers::worker::Worker;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::connect::{checked, connected};
use super::control::host_name;
use super::stop;
use crate::args::{self, DriverKind, Exporter};
use crate::failure::Failure;
use crate::logging;
use crate::nats::{Connection, JetStreamTaskSource, NatsReporter, TaskSourceSettings};
use crate::settings::Settings;

/// Runs the workers of this node until the process is asked to end.
///
/// # Errors
/// A [`Failure`] that says what to do.
pub async fn main(settings: &Settings, args: &args::Worker) -> Result<(), Failure> {
    let backends = backends(settings, args)?;
    let connection = connected(settings, "stele worker").await?;
    checked(&connection, 1, None, true)?;
    let stop = stop::on_signals();
    let ack_wait = Duration::from_millis(args.ack_wait_ms);
    let mut workers = JoinSet::new();
    for backend in backends {
        let (connection, stop) = (connection.clone(), stop.clone());
        workers.spawn(async move { run(connection, backend, ack_wait, stop).await });
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|e| {
            Failure::new("WorkerPanicked", e.to_string(), "start it again; this is a fault of the program")
        })??;
    }
    connection.flush().await.ok();
    Ok(())
}

/// Runs one backend's worker until `stop`.
///
/// # Errors
/// A [`Failure`] when its storage cannot be used.
pub async fn run(
    connection: Connection,
    config: BackendConfig,
    ack_wait: Duration,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let driver = AnyDriver::open(&config).await?;
    let name = WorkerName::new(&format!("{}:{}", host_name(), uuid::Uuid::now_v7()))
        .map_err(|e| Failure::new("InvalidName", e.to_string(), "give this machine a plain host name"))?;
    let source_settings = TaskSourceSettings { ack_wait, ..TaskSourceSettings::default() };
    let source = JetStreamTaskSource::new(&connection, config.name.clone(), source_settings);
    let reporter = Obedient { reporter: NatsReporter::new(&connection, &config.name), host: host_name() };
    info!(backend = %config.name, worker = %name, "worker runs");
    let worker = Worker { name, config, source, reporter, driver, clock: SystemClock };
    let ended = worker.run(async move { stop.cancelled().await }).await;
    if ended.abandoned > 0 {
        warn!(abandoned = ended.abandoned, "tasks were left to another worker");
    }
    Ok(())
}

/// A reporter that makes the process log as the answers to its reports say.
#[derive(Debug, Clone)]
struct Obedient {
    reporter: NatsReporter,
    host: String,
}

impl Reporter for Obedient {
    async fn report(&self, report: &Report) -> Result<ReportReply, Unavailable> {
        let reply = self.reporter.report(report).await?;
        if let ReportReply::Recorded { log_levels, .. } = &reply {
            let levels = log_levels.iter().map(|(target, level)| (target, level));
            logging::follow(levels, logging::WORKER, &self.host);
        }
        Ok(reply)
    }
}

fn backends(settings: &Settings, args: &args::Worker) -> Result<Vec<BackendConfig>, Failure> {
    let in_file = &settings.from_file.backends;
    if let Some(name) = &args.backend {
        if let Some(found) = in_file.iter().find(|backend| backend.name == *name) {
            return Ok(vec![found.clone()]);
        }
        return Ok(vec![backend(name.clone(), driver(args)?)]);
    }
    if in_file.is_empty() {
        let name = BackendName::new(&format!("{}@{}", host_name(), kind_name(args.driver)));
        let name = name.map_err(|e| Failure::new("InvalidName", e.to_string(), "name the backend with --backend"))?;
        return Ok(vec![backend(name, driver(args)?)]);
    }
    Ok(in_file.clone())
}

/// A backend with the defaults for everything but its name and driver.
#[must_use]
pub fn backend(name: BackendName, driver: DriverConfig) -> BackendConfig {
    BackendConfig {
        name,
        driver,
        availability_zone: "nova".to_owned(),
        report_interval_ms: 10_000,
        inventory_interval_ms: 60_000,
        concurrency: None,
        drain_ms: 10_000,
        reserved_percentage: 0,
        max_over_subscription_ratio: None,
        volume_backend_name: None,
    }
}

/// What a kind of driver is called in the name of a backend.
#[must_use]
pub fn kind_name(kind: DriverKind) -> &'static str {
    match kind {
        DriverKind::File => "file",
        DriverKind::Null => "null",
        DriverKind::Lvm => "lvm",
    }
}

fn driver(args: &args::Worker) -> Result<DriverConfig, Failure> {
    Ok(match args.driver {
        DriverKind::File => file_driver(args.dir.clone()),
        DriverKind::Null => DriverConfig::Null(NullConfig {
            delay_ms: args.delay_ms,
            fail_every: u32::try_from(args.fail_every).unwrap_or(u32::MAX),
            ..NullConfig::default()
        }),
        DriverKind::Lvm => lvm_driver(args.volume_group.clone(), target(&args.export)?),
    })
}

/// The target that the arguments name, if they do.
///
/// # Errors
/// A [`Failure`] when its key is not named.
pub fn target(args: &args::Exporting) -> Result<Option<TargetConfig>, Failure> {
    let Some(kind) = args.target else { return Ok(None) };
    let kind = match kind {
        Exporter::Lio => TargetKind::Lio,
        Exporter::Tgt => TargetKind::Tgt,
    };
    let file = args.chap_key_file.clone().ok_or_else(|| {
        let why = "a target needs the key of the CHAP secrets";
        Failure::new("ChapKeyMissing", why, "give --chap-key-file, the same to the workers and the APIs")
    })?;
    Ok(Some(TargetConfig { portals: args.portals.clone(), ..TargetConfig::new(kind, file) }))
}

/// The file driver with one pool in a folder.
#[must_use]
pub fn file_driver(dir: PathBuf) -> DriverConfig {
    let pools = vec![stele_workers::config::FilePool { name: "pool".to_owned(), total_capacity_gib: None }];
    DriverConfig::File(FileConfig { dir, pools })
}

/// The lvm driver on a volume group.
#[must_use]
pub fn lvm_driver(volume_group: String, target: Option<TargetConfig>) -> DriverConfig {
    DriverConfig::Lvm(LvmConfig { target, command_timeout_ms: 60_000, ..LvmConfig::new(volume_group) })
}
