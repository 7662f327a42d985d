//! `stele bench audit`: how fast a log is read, folded, verified, exported and made a projection of, one after the other in
//! one process, and what part that is of the rate at which it is only read; what it costs to keep the past, and how long
//! a query into it takes.

use std::path::Path;
use std::time::{Duration, Instant};

use stele_core::fold::{Folded, Folding};
use stele_core::moment::Moment;
use stele_core::port::Log;
use stele_core::unit::Position;
use stele_projections::projection::{HISTORY_DEFAULT, Projection};
use stele_projections::query::{VolumePageRequest, volumes};
use stele_projections::rebuild::rebuild;
use stele_replay::ahead::Ahead;
use stele_replay::export::{ExportOptions, FRAME_BYTES, export};
use stele_replay::progress::Silent;
use stele_replay::source::Source;
use stele_replay::verify::{VerifyOptions, verify};

use super::board::Board;
use super::cell::Cell;
use super::create::{burst, wait_for_cell};
use super::report::{AuditPhase, AuditReport, PastReport, Percentiles};
use crate::archive::joined;
use crate::args::BenchAudit;
use crate::failure::Failure;
use crate::nats::{Connection, JetStreamLog, LOG_STREAM};
use crate::role::connect::connected;
use crate::settings::Settings;

/// How many requests are under way while the log is made.
const CONCURRENCY: u32 = 256;

/// How many events back the past is asked, where the log is that long.
const BACK: u64 = 1_000_000;

/// How often each query is asked.
const ASKED: usize = 50;

/// Measures.
///
/// # Errors
/// A [`Failure`] when the cell cannot be started or its log cannot be read.
pub async fn audit(settings: &Settings, args: &BenchAudit, json: bool) -> Result<(), Failure> {
    if args.running_cell {
        let connection = connected(settings, "stele bench").await?;
        return measure(&connection, settings).await?.print(json);
    }
    let cell = Cell::start().await?;
    let mut own = settings.clone();
    own.nats.value = vec![cell.nats()];
    // Whatever archive is named is another cell's.
    own.archive = None;
    let report = async {
        let connection = connected(&own, "stele bench").await?;
        fill(&connection, args.volumes).await?;
        measure(&connection, &own).await
    }
    .await;
    cell.stop().await;
    report?.print(json)
}

/// A log of so many volumes: each is asked for, placed and made.
async fn fill(connection: &Connection, volumes: u32) -> Result<(), Failure> {
    let log = JetStreamLog::new(connection, 0);
    wait_for_cell(connection, "bench").await?;
    let board = Board::default();
    let reader = log.read_from(log.tail().await?.next()).await?;
    let watcher = tokio::spawn(board.clone().watch(reader));
    let bar = crate::progress::bar("volumes", u64::from(volumes));
    burst(connection, "bench", &board, volumes, CONCURRENCY, &bar).await?;
    bar.finish_and_clear();
    watcher.abort();
    Ok(())
}

async fn measure(connection: &Connection, settings: &Settings) -> Result<AuditReport, Failure> {
    let log = joined(connection, settings).await?;
    let folder = tempfile::Builder::new().prefix("stele-bench").tempdir()?;
    let until = log.tail().await?;
    let bar = crate::progress::bar("phases", 7);
    let mut phases: Vec<AuditPhase> = Vec::new();
    let (mut bytes, mut events) = (0, Events::default());
    // Only the first one may have to wait for the server's disk; with it the others would look better than they are.
    for name in ["first", "read", "fold", "verify", "export", "no past", "rebuild"] {
        forget_peak();
        let began = Instant::now();
        match name {
            "first" | "read" => bytes = read(&log).await?,
            "fold" => events = fold(&log).await?,
            "verify" => {
                let found = verify(&log, VerifyOptions::default(), &mut Silent).await?;
                if !found.ok {
                    return Err(Failure::new("LogNotSound", "the log is not sound", "see `stele replay verify`"));
                }
            }
            "export" => export(&log, &options(folder.path()), &mut Silent).await.map(drop)?,
            "no past" => rebuild(&log, &folder.path().join(name), 0, |_| ()).await.map(drop)?,
            _ => rebuild(&log, &folder.path().join(name), HISTORY_DEFAULT, |_| ()).await.map(drop)?,
        }
        let seconds = began.elapsed().as_secs_f64();
        let reading = phases.iter().find(|phase| phase.name == "read");
        let of_reading = reading.map(|reading| reading.seconds / seconds);
        phases.push(AuditPhase { name, seconds, of_reading, peak_mib: peak_mib() });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (without, with) = (folder.path().join("no past"), folder.path().join("rebuild"));
    let total = events.total();
    let past = tokio::task::spawn_blocking(move || past(&without, &with, &events)).await;
    let past = past.map_err(|e| Failure::new("Interrupted", e.to_string(), "try again"))??;
    Ok(AuditReport { server: connection.server_version_text(), messages: until.0, events: total, bytes, phases, past })
}

/// Compares the same query now and long ago, and the projection with its past and without.
fn past(without: &Path, with: &Path, events: &Events) -> Result<PastReport, Failure> {
    let (bytes_without, bytes_with) = (std::fs::metadata(without)?.len(), std::fs::metadata(with)?.len());
    let projection = Projection::open(with)?;
    let applied = projection.cursor().seen;
    let position = events.back(BACK).max(projection.first_kept());
    let reader = projection.reader();
    let ask = |moment: Moment| -> Result<Percentiles, Failure> {
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..ASKED {
            let began = Instant::now();
            let unreadable = |why: String| Failure::new("StoreUnreadable", why, "see whether the disk is sound");
            let snapshot = reader.snapshot_at(moment).map_err(|e| unreadable(e.to_string()))?;
            volumes(&snapshot, &VolumePageRequest::default()).map_err(|e| unreadable(e.to_string()))?;
            took.push(began.elapsed());
        }
        Ok(Percentiles::of(took))
    };
    let (page_now_ms, page_then_ms) = (ask(Moment::Head)?, ask(Moment::Position(position))?);
    let (positions_back, events_back) = (applied.0 - position.0, events.behind(position));
    Ok(PastReport { positions_back, events_back, bytes_without, bytes_with, page_now_ms, page_then_ms })
}

/// Only reads all of it, by the way of every tool that reads a log; how many bytes it has.
async fn read<L: Log>(log: &L) -> Result<u64, Failure> {
    let mut source = Source::open(log, None, &mut Silent).await?;
    let mut bytes = 0;
    loop {
        let entries = source.batch().await?;
        if entries.is_empty() {
            return Ok(bytes);
        }
        bytes += entries.iter().map(|entry| entry.payload.len() as u64).sum::<u64>();
    }
}

/// How many events the log has up to each position, from the first one.
#[derive(Debug, Default)]
struct Events(Vec<u64>);

impl Events {
    fn total(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }

    /// How many stand behind a position.
    fn behind(&self, position: Position) -> u64 {
        let before = usize::try_from(position.0).ok().and_then(|position| self.0.get(position.checked_sub(1)?));
        self.total() - before.copied().unwrap_or_default()
    }

    /// The last position behind which there are so many; 0 when there are not.
    fn back(&self, count: u64) -> Position {
        let up_to = self.total().checked_sub(count);
        Position(up_to.map_or(0, |up_to| self.0.partition_point(|events| *events <= up_to) as u64))
    }
}

/// Reads and folds all of it; how many events it has.
async fn fold<L: Log>(log: &L) -> Result<Events, Failure> {
    let mut source = Ahead::of(Source::open(log, None, &mut Silent).await?);
    let (mut folded, mut events, mut count) = (Folded::default(), Events::default(), 0);
    loop {
        let messages = source.batch().await?;
        if messages.is_empty() {
            return Ok(events);
        }
        for message in messages {
            match folded.fold_opened(message) {
                Ok(Folding::Applied(record, _)) => {
                    count += record.commits.iter().map(|commit| commit.events.len() as u64).sum::<u64>();
                }
                Ok(Folding::Skipped(_)) => {}
                Err(error) => {
                    return Err(Failure::new("LogUnreadable", error.to_string(), "see `stele replay verify`"));
                }
            }
            events.0.push(count);
        }
    }
}

fn options(folder: &Path) -> ExportOptions {
    ExportOptions {
        path: folder.join("log.stele"),
        from: Position(1),
        to: None,
        force: false,
        stream: LOG_STREAM.to_owned(),
        shard: 0,
        frame_bytes: FRAME_BYTES,
    }
}

/// The peak is counted from here on, where the system can do that (clear_refs in proc(5)).
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

/// The most memory of this process, in MiB; `None` where the system does not say.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib >> 10)
}
