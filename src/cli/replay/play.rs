//! `stele replay play`: the commands of a workload into a cell, as its clients sent them.
//!
//! Each line is sent when its time has come, by request and reply, a bounded number at once. Commands about one thing
//! go in their order, one that concerns the whole cell behind all before it and before all behind it. Each waits until no
//! flow is at work on what it names, or on anything when it concerns the cell, as its sender waited when it happened: a
//! cell may be slower than the one before, and the clock faster. For that the log is followed and folded.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use indicatif::ProgressBar;
use serde::Serialize;
use stele_core::command::is_admin_only;
use stele_core::fold::Folded;
use stele_core::port::{Log as _, LogReader as _};
use stele_core::record::{Outcome, OutcomeResult};
use stele_core::state::{DEFAULT_TYPE_NAME, State};
use stele_core::unit::Position;
use stele_replay::workload::{ACCEPTED, Line, Prepared, Reader, Run};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::archive::CellLog;
use crate::args::{Play, Speed};
use crate::bench::Percentiles;
use crate::cli::Session;
use crate::cli::output::{json, stdout};
use crate::failure::Failure;
use crate::nats::{Connection, OUTCOME_WITHIN, ask};

/// How long a command waits for flows that are at work on what it names. Then it is sent, and the cell decides.
const AT_REST_WITHIN: Duration = Duration::from_secs(60);

/// How many things are remembered for the order of their commands; those at rest are forgotten then.
const THINGS_MAX: usize = 65_536;

/// What playing came to.
#[derive(Debug, Clone, Default, Serialize)]
struct Played {
    /// Names the run: its commands' ids are made of it.
    run: Uuid,
    commands: u64,
    accepted: u64,
    /// By code.
    refused: BTreeMap<String, u64>,
    /// Without an outcome: nobody answered in time.
    unanswered: u64,
    /// How many ended as the file says.
    as_recorded: u64,
    /// How many ended otherwise, by `recorded -> now`.
    otherwise: BTreeMap<String, u64>,
    took_ms: u64,
    /// How long a command was late when it was sent, at most: it waited for its turn or for its things to be at rest.
    late_ms_max: u64,
    /// From the request to its outcome.
    latency_ms: Percentiles,
}

/// Where the log is, and what is true there.
type Now = watch::Receiver<(Position, State)>;

/// What became of one command.
struct Done {
    recorded: Option<String>,
    ended: Option<String>,
    position: Position,
    took: Duration,
    late: Duration,
}

/// Tells the next commands of the same things where this one stands in the log.
type Turn = watch::Receiver<Option<Position>>;

pub(super) async fn run(
    session: &Session,
    (connection, log): (&Connection, &CellLog),
    args: &Play,
) -> Result<(), Failure> {
    let total = count(&args.path)?;
    let (mut lines, _) = Reader::open(opened(&args.path)?)?;
    let now = follow(log, args.force).await?;
    let run = Uuid::now_v7();
    let mut script = Run::new(run, args.new_ids);
    let bar = crate::progress::bar("playing", total);
    let mut playing = Playing::new(connection.clone(), now, args);
    let began = Instant::now();
    while let Some((number, line)) = lines.next_line()? {
        let prepared = script.prepare(number, &line);
        playing.send(prepared, line, began, &bar).await?;
    }
    let mut played = playing.finish(&bar).await?;
    bar.finish_and_clear();
    (played.run, played.took_ms) = (run, millis(began.elapsed()));
    if session.json {
        return json(&played);
    }
    played.render()
}

/// Counts the commands, so that every line is read once before anything is sent.
fn count(path: &Path) -> Result<u64, Failure> {
    let (mut lines, _) = Reader::open(opened(path)?)?;
    let mut count = 0;
    while lines.next_line()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn opened(path: &Path) -> Result<BufReader<File>, Failure> {
    let why =
        |error| Failure::new("InputOutput", format!("{} cannot be read: {error}", path.display()), "name another file");
    File::open(path).map(BufReader::new).map_err(why)
}

/// Follows the log from its first record; comes back when everything that is there was read.
async fn follow(log: &CellLog, force: bool) -> Result<Now, Failure> {
    let tail = log.tail().await?;
    let mut reader = log.read_from(Position(1)).await?;
    let mut folded = Folded::default();
    while folded.chain.position < tail {
        let entries = reader.next_batch(256).await?;
        let last = entries.last().map(|entry| entry.position);
        fold(&mut folded, &entries)?;
        // Strays may stand at the end.
        if last.is_some_and(|last| last >= tail) {
            break;
        }
    }
    if !force && !is_empty(&folded.state) {
        let why = "the cell is not empty: volumes, types, limits or the like are there already";
        let remedy = "play into a new one (`stele dev --data DIR`), or say --force, with --new-ids when the file was played here before";
        return Err(Failure::new("CellNotEmpty", why, remedy));
    }
    let (told, now) = watch::channel((folded.chain.position, folded.state.clone()));
    tokio::spawn(async move {
        while !told.is_closed() {
            let Ok(entries) = reader.next_batch(256).await else { continue };
            if let Err(error) = fold(&mut folded, &entries) {
                tracing::error!(%error, "the log cannot be followed any further");
                return;
            }
            if !entries.is_empty() {
                told.send_replace((folded.chain.position, folded.state.clone()));
            }
        }
    });
    Ok(now)
}

fn fold(folded: &mut Folded, entries: &[stele_core::port::LogEntry]) -> Result<(), Failure> {
    for entry in entries {
        folded.fold(entry).map_err(|error| {
            Failure::new("LogUnreadable", error.to_string(), "`stele replay verify` says what is wrong with the log")
        })?;
    }
    Ok(())
}

/// Whether nobody asked for anything that is still there.
fn is_empty(state: &State) -> bool {
    let types = state.type_names.keys().all(|name| name.as_ref() == DEFAULT_TYPE_NAME);
    let none = state.volumes.is_empty() && state.snapshots.is_empty() && state.attachments.is_empty();
    let groups = state.groups.is_empty() && state.group_types.is_empty() && state.group_snapshots.is_empty();
    let limits = state.quotas.is_empty() && state.quota_classes.is_empty() && state.qos.is_empty();
    types && none && groups && limits && state.transfers.is_empty() && state.flows.is_empty()
}

/// Commands under way.
struct Playing {
    connection: Connection,
    now: Now,
    speed: Speed,
    room: Arc<Semaphore>,
    running: JoinSet<Result<Done, Failure>>,
    /// The last command of each thing.
    turns: HashMap<Uuid, Turn>,
    played: Played,
    took: Vec<Duration>,
    /// The last position that an outcome named.
    last: Position,
}

impl Playing {
    fn new(connection: Connection, now: Now, args: &Play) -> Self {
        let room = Arc::new(Semaphore::new(args.concurrency as usize));
        let (speed, running) = (args.speed, JoinSet::new());
        let (turns, played, took) = (HashMap::new(), Played::default(), Vec::new());
        Self { connection, now, speed, room, running, turns, played, took, last: Position::default() }
    }

    /// Sends a command when its time has come and there is room; does not wait for its outcome.
    async fn send(&mut self, prepared: Prepared, line: Line, began: Instant, bar: &ProgressBar) -> Result<(), Failure> {
        let due = match self.speed {
            Speed::Times(times) => began + Duration::from_secs_f64(seconds(line.after_ms) / times),
            Speed::Max => Instant::now(),
        };
        tokio::time::sleep_until(due).await;
        let concerns_all = concerns_all(&prepared.subject);
        // Who was refused had not waited.
        let waited = line.outcome.as_deref().is_none_or(|outcome| outcome == ACCEPTED);
        if concerns_all {
            self.wait(bar).await?;
            if waited {
                at_rest(self.now.clone(), self.last, |_| true).await;
            }
        }
        let permit = self.room.clone().acquire_owned().await;
        while let Some(done) = self.running.try_join_next() {
            self.take(done, bar)?;
        }
        if self.turns.len() > THINGS_MAX {
            self.turns.retain(|_, turn| turn.borrow().is_none() && turn.has_changed().is_ok());
        }
        let (turn, next) = watch::channel(None);
        let before: Vec<Turn> = prepared.about.iter().filter_map(|id| self.turns.insert(*id, next.clone())).collect();
        let (connection, now) = (self.connection.clone(), self.now.clone());
        self.running.spawn(async move {
            let _permit = permit;
            let known = predecessors(before).await;
            if waited && !prepared.about.is_empty() {
                at_rest(now, known, |id| prepared.about.contains(&id)).await;
            }
            let late = due.elapsed();
            let (outcome, took) = one(&connection, &prepared).await?;
            let position = outcome.as_ref().and_then(|outcome| outcome.position).unwrap_or_default().max(known);
            turn.send_replace(Some(position));
            let ended = outcome.map(|outcome| match outcome.result {
                OutcomeResult::Accepted(_) => ACCEPTED.to_owned(),
                OutcomeResult::Refused(refusal) => refusal.code.as_str().to_owned(),
            });
            Ok(Done { recorded: line.outcome, ended, position, took, late })
        });
        if concerns_all { self.wait(bar).await } else { Ok(()) }
    }

    /// Waits for everything that is under way.
    async fn wait(&mut self, bar: &ProgressBar) -> Result<(), Failure> {
        while let Some(done) = self.running.join_next().await {
            self.take(done, bar)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        done: Result<Result<Done, Failure>, tokio::task::JoinError>,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let done =
            done.map_err(|e| Failure::new("PlayPanicked", e.to_string(), "this is a fault of the program"))??;
        bar.inc(1);
        self.took.push(done.took);
        self.last = self.last.max(done.position);
        let played = &mut self.played;
        played.commands += 1;
        played.late_ms_max = played.late_ms_max.max(millis(done.late));
        match &done.ended {
            None => played.unanswered += 1,
            Some(ended) if ended == ACCEPTED => played.accepted += 1,
            Some(code) => *played.refused.entry(code.clone()).or_default() += 1,
        }
        match (done.recorded, done.ended) {
            (Some(recorded), Some(ended)) if recorded == ended => played.as_recorded += 1,
            (Some(recorded), Some(ended)) => {
                *played.otherwise.entry(format!("{recorded} -> {ended}")).or_default() += 1;
            }
            _ => {}
        }
        Ok(())
    }

    async fn finish(mut self, bar: &ProgressBar) -> Result<Played, Failure> {
        self.wait(bar).await?;
        Ok(Played { latency_ms: Percentiles::of(self.took), ..self.played })
    }
}

/// Whether it is about the cell and nothing that belongs to a project: a limit, a type, a service.
fn concerns_all(subject: &str) -> bool {
    // What only operators may do to a volume is about that volume all the same.
    subject.split('.').nth(3).is_some_and(|resource| is_admin_only(resource, ""))
}

/// Waits for the commands before it about the same things; gives the last position of theirs.
async fn predecessors(before: Vec<Turn>) -> Position {
    let mut known = Position::default();
    for mut turn in before {
        // One that ended without a word is over as well.
        let position = turn.wait_for(Option::is_some).await.map_or(None, |position| *position);
        known = known.max(position.unwrap_or_default());
    }
    known
}

/// Waits until no flow is at work on what is meant, as far as that is bearable.
async fn at_rest(mut now: Now, known: Position, is_meant: impl Fn(Uuid) -> bool) {
    let is_at_rest = |(position, state): &(Position, State)| {
        let concerns = |flow: &stele_core::state::Flow| {
            let group = state.volumes.get(&flow.volume).and_then(|volume| volume.group);
            let ids = [
                Some(flow.volume.0),
                flow.snapshot.map(|id| id.0),
                flow.attachment.map(|id| id.0),
                group.map(|id| id.0),
            ];
            ids.into_iter().flatten().any(&is_meant)
        };
        *position >= known && !state.flows.values().any(|flow| concerns(flow))
    };
    let _ = tokio::time::timeout(AT_REST_WITHIN, now.wait_for(is_at_rest)).await;
}

/// Sends one; `None` when nobody answered in time.
async fn one(connection: &Connection, prepared: &Prepared) -> Result<(Option<Outcome>, Duration), Failure> {
    let since = Instant::now();
    let Ok(reply) = ask(connection, &prepared.subject, Bytes::from(prepared.body.clone()), OUTCOME_WITHIN).await else {
        return Ok((None, since.elapsed()));
    };
    let took = since.elapsed();
    let outcome = serde_json::from_slice(&reply)
        .map_err(|error| Failure::new("UnreadableOutcome", error.to_string(), "use a `stele` of the cell's release"))?;
    Ok((Some(outcome), took))
}

impl Played {
    fn render(&self) -> Result<(), Failure> {
        let mut out = stdout();
        let refused: u64 = self.refused.values().sum();
        writeln!(out, "run         {}", self.run)?;
        writeln!(out, "commands    {} in {:.3} s", self.commands, seconds(self.took_ms))?;
        writeln!(out, "accepted    {}", self.accepted)?;
        writeln!(out, "refused     {refused}")?;
        for (code, count) in &self.refused {
            writeln!(out, "            {count} {code}")?;
        }
        if self.unanswered > 0 {
            writeln!(out, "unanswered  {}", self.unanswered)?;
        }
        writeln!(out, "as recorded {}", self.as_recorded)?;
        for (what, count) in &self.otherwise {
            writeln!(out, "            {count} otherwise: {what}")?;
        }
        let Percentiles { p50, p90, p99, max } = self.latency_ms;
        writeln!(out, "latency     p50 {p50:.1}, p90 {p90:.1}, p99 {p99:.1}, max {max:.1} ms")?;
        Ok(writeln!(out, "late        at most {:.3} s", seconds(self.late_ms_max))?)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}
