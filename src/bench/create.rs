//! `stele bench create`: from the request to `available`, as a client sees it.
//!
//! The client sends commands by request and reply, and watches the log for the moment in which each volume is
//! available: the same moment at which every reader of the log can know it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use indicatif::ProgressBar;
use serde_json::json;
use stele_core::id::VolumeId;
use stele_core::port::{Log as _, LogReader as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::cell::Cell;
use super::cpu;
use super::report::{BenchReport, Percentiles, ProcessCpu};
use super::tail::{End, Ends};
use crate::args::BenchCreate;
use crate::client::{OUTCOME_WITHIN, command};
use crate::failure::Failure;
use crate::nats::{Connection, JetStreamLog, JetStreamLogReader, ask};
use crate::role::connect::connected;
use crate::settings::Settings;

/// A volume that is not available after so long makes the benchmark fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// Volumes that are made before anything is measured.
const WARM_UP: u32 = 500;

/// When each volume was asked for.
type Asked = Arc<Mutex<HashMap<VolumeId, (Instant, tokio::sync::oneshot::Sender<Result<Duration, String>>)>>>;

/// Measures.
///
/// # Errors
/// A [`Failure`] when the cell cannot be started or a volume does not become available.
pub async fn create(settings: &Settings, args: &BenchCreate, json: bool) -> Result<(), Failure> {
    if args.running_cell {
        let report = measure(settings, args, None).await?;
        return report.print(json);
    }
    let cell = Cell::start().await?;
    let mut own = settings.clone();
    own.nats.value = vec![cell.nats()];
    let report = measure(&own, args, Some(&cell)).await;
    cell.stop().await;
    report?.print(json)
}

async fn measure(settings: &Settings, args: &BenchCreate, cell: Option<&Cell>) -> Result<BenchReport, Failure> {
    let connection = connected(settings, "stele bench").await?;
    let log = JetStreamLog::new(&connection, 0);
    let project = "bench";
    wait_for_cell(&connection, project).await?;
    let asked: Asked = Arc::default();
    // Opened before anything is asked for, so that nothing is missed.
    let reader = log.read_from(log.tail().await?.next()).await?;
    let watcher = tokio::spawn(watch(reader, asked.clone()));
    let bar = crate::progress::bar("volumes", u64::from(WARM_UP + args.single + args.count));
    let run = |count, concurrency| burst(&connection, project, &asked, count, concurrency, &bar);
    run(WARM_UP, args.concurrency).await?;
    let single = run(args.single, 1).await?;
    let processes = cell.map(Cell::processes).unwrap_or_default();
    let own_pid = std::process::id();
    let cpu_now = || processes.iter().map(|(_, pid)| cpu::seconds(*pid)).collect::<Vec<_>>();
    let (cpu_before, own_before, bytes_before) = (cpu_now(), cpu::seconds(own_pid), log.state().await?.bytes);
    let began = Instant::now();
    let many = run(args.count, args.concurrency).await?;
    let took = began.elapsed();
    let (cpu_after, own_after, bytes_after) = (cpu_now(), cpu::seconds(own_pid), log.state().await?.bytes);
    bar.finish_and_clear();
    watcher.abort();
    let per_create = |seconds: f64| seconds * 1e6 / f64::from(args.count.max(1));
    let cpu = processes.iter().zip(cpu_before.iter().zip(cpu_after));
    let cpu = cpu.map(|((name, _), (before, after))| ProcessCpu {
        process: (*name).to_owned(),
        us_per_create: per_create(after - before),
    });
    Ok(BenchReport {
        server: cell.map_or_else(|| connection.server_version_text(), |cell| cell.server().0),
        server_syncs_each_write: cell.map(|cell| cell.server().1),
        creates: args.count,
        concurrency: args.concurrency,
        creates_per_second: f64::from(args.count) / took.as_secs_f64(),
        latency_ms: Percentiles::of(many),
        latency_alone_ms: Percentiles::of(single),
        cell_cpu: cpu.collect(),
        client_cpu_us_per_create: per_create(own_after - own_before),
        log_bytes_per_create: bytes_after.saturating_sub(bytes_before) as f64 / f64::from(args.count.max(1)),
    })
}

/// Waits until a volume can be made, and lifts the project's quota.
async fn wait_for_cell(connection: &Connection, project: &str) -> Result<(), Failure> {
    let limits = json!({"project": project, "volumes": -1, "gigabytes": -1});
    command(connection, stele_core::id::ADMIN_PROJECT, "quota", "set", limits).await?;
    let deadline = Instant::now() + PATIENCE;
    let log = JetStreamLog::new(connection, 0);
    let mut reader = log.read_from(stele_core::unit::Position(1)).await?;
    while Instant::now() < deadline {
        let entries = reader.next_batch(100).await?;
        let reported = |entry: &stele_core::port::LogEntry| {
            entry.payload.windows(18).any(|window| window == b"\"backend_reported\"")
        };
        if entries.iter().any(reported) {
            return Ok(());
        }
    }
    Err(Failure::new("NoBackend", "no backend has reported", "start a worker of the null driver"))
}

/// Makes `count` volumes, `concurrency` at a time; gives the time from each request to `available`.
async fn burst(
    connection: &Connection,
    project: &str,
    asked: &Asked,
    count: u32,
    concurrency: u32,
    bar: &ProgressBar,
) -> Result<Vec<Duration>, Failure> {
    let room = Arc::new(Semaphore::new(concurrency.max(1) as usize));
    let mut running = JoinSet::new();
    let mut took = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let permit = room.clone().acquire_owned().await;
        let (connection, asked, subject) =
            (connection.clone(), asked.clone(), format!("stele.ask.{project}.volume.create"));
        running.spawn(async move {
            let _permit = permit;
            one(&connection, &subject, &asked).await
        });
        while let Some(done) = running.try_join_next() {
            took.push(joined(done)?);
            bar.inc(1);
        }
    }
    while let Some(done) = running.join_next().await {
        took.push(joined(done)?);
        bar.inc(1);
    }
    Ok(took)
}

fn joined(done: Result<Result<Duration, Failure>, tokio::task::JoinError>) -> Result<Duration, Failure> {
    done.map_err(|e| Failure::new("BenchPanicked", e.to_string(), "this is a fault of the program"))?
}

async fn one(connection: &Connection, subject: &str, asked: &Asked) -> Result<Duration, Failure> {
    let id = VolumeId(Uuid::now_v7());
    let body = format!(r#"{{"v":1,"id":"{}","volume":{{"id":"{id}","size_gib":1,"name":"bench"}}}}"#, Uuid::now_v7());
    let (tell, told) = tokio::sync::oneshot::channel();
    if let Ok(mut asked) = asked.lock() {
        asked.insert(id, (Instant::now(), tell));
    }
    let reply = ask(connection, subject, Bytes::from(body), OUTCOME_WITHIN).await?;
    if !reply.windows(10).any(|window| window == b"\"accepted\"") {
        return Err(Failure::new("Refused", String::from_utf8_lossy(&reply).into_owned(), "see the refusal's remedy"));
    }
    let late = || Failure::new("NotAvailable", format!("volume {id} is not available"), "see the cell's log");
    let ended = tokio::time::timeout(PATIENCE, told).await.map_err(|_| late())?.map_err(|_| late())?;
    ended.map_err(|why| Failure::new("NotAvailable", why, "see `stele replay show volume`"))
}

/// Follows the log and tells everybody who waits for a volume.
async fn watch(mut reader: JetStreamLogReader, asked: Asked) -> Result<(), Failure> {
    loop {
        for entry in reader.next_batch(1000).await? {
            let now = Instant::now();
            let Ok(ends) = serde_json::from_slice::<Ends>(&entry.payload) else { continue };
            let Ok(mut asked) = asked.lock() else { return Ok(()) };
            for end in ends.iter() {
                let (id, result) = match end {
                    End::Created(id) => (id, Ok(())),
                    End::Failed(id) => (id, Err(format!("volume {id} went to error"))),
                    End::Other => continue,
                };
                if let Some((since, tell)) = asked.remove(&id) {
                    tell.send(result.map(|()| now - since)).ok();
                }
            }
        }
    }
}
