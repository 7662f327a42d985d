//! `stele bench create`: from the request to `available`, as a client sees it.
//!
//! The client sends commands by request and reply, and watches the log for the moment in which each volume is
//! available: the same moment at which every reader of the log can know it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use indicatif::ProgressBar;
use serde_json::json;
use stele_core::id::VolumeId;
use stele_core::port::{Log as _, LogReader as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::board::{Board, PATIENCE};
use super::cell::Cell;
use super::cpu;
use super::report::{BenchReport, Percentiles, ProcessCpu};
use crate::args::BenchCreate;
use crate::client::{OUTCOME_WITHIN, command};
use crate::failure::Failure;
use crate::nats::{Connection, JetStreamLog, ask};
use crate::role::connect::connected;
use crate::settings::Settings;

/// Volumes that are made before anything is measured.
const WARM_UP: u32 = 500;

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
    let board = Board::default();
    // Opened before anything is asked for, so that nothing is missed.
    let reader = log.read_from(log.tail().await?.next()).await?;
    let watcher = tokio::spawn(board.clone().watch(reader));
    let bar = crate::progress::bar("volumes", u64::from(WARM_UP + args.single + args.count));
    let run = |count, concurrency| burst(&connection, project, &board, count, concurrency, &bar);
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
pub(super) async fn wait_for_cell(connection: &Connection, project: &str) -> Result<(), Failure> {
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
pub(super) async fn burst(
    connection: &Connection,
    project: &str,
    board: &Board,
    count: u32,
    concurrency: u32,
    bar: &ProgressBar,
) -> Result<Vec<Duration>, Failure> {
    let room = Arc::new(Semaphore::new(concurrency.max(1) as usize));
    let mut running = JoinSet::new();
    let mut took = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let permit = room.clone().acquire_owned().await;
        let (connection, board, subject) =
            (connection.clone(), board.clone(), format!("stele.ask.{project}.volume.create"));
        running.spawn(async move {
            let _permit = permit;
            one(&connection, &subject, &board).await
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

pub(super) fn joined<T>(done: Result<Result<T, Failure>, tokio::task::JoinError>) -> Result<T, Failure> {
    done.map_err(|e| Failure::new("BenchPanicked", e.to_string(), "this is a fault of the program"))?
}

async fn one(connection: &Connection, subject: &str, board: &Board) -> Result<Duration, Failure> {
    let id = VolumeId(Uuid::now_v7());
    let body = format!(r#"{{"v":1,"id":"{}","volume":{{"id":"{id}","size_gib":1,"name":"bench"}}}}"#, Uuid::now_v7());
    let since = Instant::now();
    let reply = ask(connection, subject, Bytes::from(body), OUTCOME_WITHIN).await?;
    if !reply.windows(10).any(|window| window == b"\"accepted\"") {
        return Err(Failure::new("Refused", String::from_utf8_lossy(&reply).into_owned(), "see the refusal's remedy"));
    }
    Ok(board.available(id).await? - since)
}
