//! `stele bench cinder`: Cinder's API as a client sees it: creates to `available`, and detailed pages of 100 volumes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::Value;
use stele_core::id::VolumeId;
use stele_core::port::Log as _;
use stele_core::unit::Position;
use tokio::task::JoinSet;

use super::board::Board;
use super::cell::Cell;
use super::create::{burst, joined, wait_for_cell};
use super::http::Client;
use super::report::{CinderReport, Percentiles};
use crate::args::BenchCinder;
use crate::failure::Failure;
use crate::nats::JetStreamLog;
use crate::role::connect::connected;
use crate::settings::Settings;

/// The project of the benchmark.
const PROJECT: &str = "bench";

/// The volumes of one page.
const PAGE: usize = 100;

/// How often the API is asked whether it has caught up, before that is given up.
const CATCH_UP_TRIES: u32 = 12;

/// How many volumes are made over NATS at once to fill the cell.
const FILL_CONCURRENCY: u32 = 64;

/// Measures.
///
/// # Errors
/// A [`Failure`] when the cell cannot be started, or an answer is not what it must be.
pub async fn cinder(settings: &Settings, args: &BenchCinder, json: bool) -> Result<(), Failure> {
    let cell = Cell::start().await?;
    let mut own = settings.clone();
    own.nats.value = vec![cell.nats()];
    let report = measure(&own, args, &cell).await;
    cell.stop().await;
    report?.print(json)
}

async fn measure(settings: &Settings, args: &BenchCinder, cell: &Cell) -> Result<CinderReport, Failure> {
    let connection = connected(settings, "stele bench").await?;
    let log = JetStreamLog::new(&connection, 0);
    wait_for_cell(&connection, PROJECT).await?;
    let url = Arc::new(cell.url().await?);
    let board = Board::default();
    let watcher = tokio::spawn(board.clone().watch(log.read_from(log.tail().await?.next()).await?));
    let bar = crate::progress::bar("volumes", u64::from(args.warm_up + args.count) + u64::from(args.volumes));
    create_many(&url, &board, args.warm_up, args.concurrency, &bar).await?;
    let began = Instant::now();
    let took = create_many(&url, &board, args.count, args.concurrency, &bar).await?;
    let creating = began.elapsed();
    let there = args.warm_up + args.count;
    burst(&connection, PROJECT, &board, args.volumes.saturating_sub(there), FILL_CONCURRENCY, &bar).await?;
    bar.finish_and_clear();
    watcher.abort();
    caught_up(&url, log.tail().await?).await?;
    let pages = read_pages(&url, args).await?;
    Ok(CinderReport {
        server: cell.server().0,
        server_syncs_each_write: cell.server().1,
        concurrency: args.concurrency,
        creates: args.count,
        creates_per_second: f64::from(args.count) / creating.as_secs_f64(),
        create_latency_ms: Percentiles::of(took),
        volumes: args.volumes.max(there),
        page_concurrency: args.page_concurrency,
        pages_per_second: pages.took.len() as f64 / pages.elapsed.as_secs_f64(),
        page_latency_ms: Percentiles::of(pages.took),
        page_bytes: pages.bytes,
    })
}

/// Creates volumes over HTTP from so many clients, each with a connection of its own and one request at a time, and
/// waits until all are available; gives the time from each request to `available`.
async fn create_many(
    url: &Arc<String>,
    board: &Board,
    count: u32,
    clients: u32,
    bar: &ProgressBar,
) -> Result<Vec<Duration>, Failure> {
    let left = Arc::new(AtomicU32::new(count));
    let mut running = JoinSet::new();
    for _ in 0..clients.max(1) {
        let (url, left, bar) = (url.clone(), left.clone(), bar.clone());
        running.spawn(async move {
            let mut client = client(&url).await?;
            let mut made = Vec::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                made.push((Instant::now(), create_one(&mut client).await?));
                bar.inc(1);
            }
            Ok(made)
        });
    }
    let mut took = Vec::with_capacity(count as usize);
    while let Some(made) = running.join_next().await {
        for (since, id) in joined(made)? {
            took.push(board.available(id).await? - since);
        }
    }
    Ok(took)
}

async fn create_one(client: &mut Client) -> Result<VolumeId, Failure> {
    let path = format!("/v3/{PROJECT}/volumes");
    let answer = client.ask("POST", &path, r#"{"volume":{"size":1,"name":"bench"}}"#).await?;
    let made: Made = serde_json::from_slice(&answer)
        .map_err(|e| Failure::new("UnreadableAnswer", e.to_string(), "use a cell of this release"))?;
    Ok(made.volume.id)
}

/// What is read of an answer.
#[derive(Deserialize)]
struct Made {
    volume: MadeVolume,
}

#[derive(Deserialize)]
struct MadeVolume {
    id: VolumeId,
}

/// Waits until the API's projection is where the log is: pages are to be of volumes at rest.
async fn caught_up(url: &str, tail: Position) -> Result<(), Failure> {
    let mut client = client(url).await?.with_header("stele-min-position", &tail.to_string());
    let mut asked = client.ask("GET", "/v1/services", "").await;
    // Each waits some seconds for the position by itself.
    for _ in 1..CATCH_UP_TRIES {
        if asked.is_ok() {
            break;
        }
        asked = client.ask("GET", "/v1/services", "").await;
    }
    asked.map(drop)
}

/// What was read.
struct Pages {
    took: Vec<Duration>,
    elapsed: Duration,
    bytes: usize,
}

/// Reads the same page again and again from so many clients.
async fn read_pages(url: &Arc<String>, args: &BenchCinder) -> Result<Pages, Failure> {
    let path = format!("/v3/{PROJECT}/volumes/detail?limit={PAGE}");
    let page = client(url).await?.ask("GET", &path, "").await?;
    check(&page)?;
    let began = Instant::now();
    let until = began + Duration::from_secs(args.page_seconds);
    let mut running = JoinSet::new();
    for _ in 0..args.page_concurrency.max(1) {
        let (url, path) = (url.clone(), path.clone());
        running.spawn(async move {
            let mut client = client(&url).await?;
            let mut took = Vec::new();
            while Instant::now() < until {
                let since = Instant::now();
                client.ask("GET", &path, "").await?;
                took.push(since.elapsed());
            }
            Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(done) = running.join_next().await {
        took.extend(joined(done)?);
    }
    Ok(Pages { took, elapsed: began.elapsed(), bytes: page.len() })
}

fn check(page: &[u8]) -> Result<(), Failure> {
    let page: Value = serde_json::from_slice(page).map_err(|e| Failure::new("UnreadableAnswer", e.to_string(), ""))?;
    let volumes = page["volumes"].as_array().map_or(0, Vec::len);
    if volumes == PAGE && page["volumes"][0]["status"] == "available" {
        return Ok(());
    }
    Err(Failure::new("WrongAnswer", format!("the page has {volumes} volumes, not {PAGE} available ones"), ""))
}

async fn client(url: &str) -> Result<Client, Failure> {
    // With noauth every caller is an administrator.
    Client::connect(url, &format!("bench:{PROJECT}")).await
}
