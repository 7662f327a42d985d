//! The loop of a worker: claim, execute, report, let go.
//!
//! ```text
//! TaskSource --claim--> execute, a bounded number at once --reports--> outbox --one message--> control
//!     ^                     |  heartbeats                                            |
//!     '---- in_progress ----'                                                        v
//!     '---- done, only when the report is in the log <--------------------------- Recorded
//! ```
//!
//! Copies and wipes may take hours. They have room of their own ([`crate::turn`]), and what waits for its turn there waits
//! in our hands, so that whatever comes behind it is taken, up to a bound. Deletes give their places away before they even
//! look: a create behind a hundred of them begins at once.
//!
//! A worker may die at any moment: what it held is given to another one by the queue, and executed again. It may be
//! cut off from control for long: it goes on trying to report, tells the queue meanwhile that it still holds the
//! tasks, and takes no new ones when too many wait.
//!
//! All of it runs inside one future and takes its time from [`Clock`], so that the simulator can run it as it is.

mod heart;
mod hold;
mod inventory;
mod outbox;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::{Either, FutureExt as _, Shared, select};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use stele_core::id::{VolumeId, WorkerName};
use stele_core::port::{Claimed, Reporter, TaskSource, Unavailable};
use stele_core::task::{REPORTS_PER_MESSAGE_MAX, Report, ReportBody, TASK_VERSION};
use stele_core::unit::Position;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::config::BackendConfig;
use crate::driver::Driver;
use crate::execute::execute;
use crate::turn::{Room, Turn};
use hold::{Holding, Lane, Lanes};
use outbox::Outgoing;

/// How many reports may wait for control before no new tasks are taken: two full messages.
const WAITING_MAX: usize = 2 * REPORTS_PER_MESSAGE_MAX;

/// How long a claim that is under way may go on after the end was asked for, in milliseconds. Cutting it off could
/// leave tasks unclaimed in the queue until its patience ends; a source answers within about a second.
const LAST_CLAIM_MS: u64 = 2000;

/// The pauses between attempts, in milliseconds: doubled from the first to the last.
const PAUSE_MS: (u64, u64) = (50, 2000);

/// A worker of one backend, ready to run.
#[derive(Debug)]
pub struct Worker<S, R, D, C> {
    /// This life of the worker.
    pub name: WorkerName,
    /// Its backend.
    pub config: BackendConfig,
    /// Where tasks come from.
    pub source: S,
    /// Where reports go.
    pub reporter: R,
    /// What does the work.
    pub driver: D,
    /// The time.
    pub clock: C,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Tasks that were not finished, or whose reports were not in the log, when the time to end was up. The queue
    /// gives them to another worker.
    pub abandoned: usize,
}

impl<S: TaskSource, R: Reporter, D: Driver, C: Clock> Worker<S, R, D, C> {
    /// Works until `shutdown`; then takes no more tasks, finishes the running ones, has their reports recorded, and
    /// ends, at the latest after `drain_ms`.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Ended {
        let backend = self.config.name.clone();
        let span = tracing::info_span!("worker", worker = %self.name, %backend);
        self.run_inside(shutdown).instrument(span).await
    }

    async fn run_inside(self, shutdown: impl Future<Output = ()> + Send) -> Ended {
        let Self { name, config, mut source, reporter, driver, clock } = self;
        let concurrency = config.concurrency();
        tracing::info!(driver = driver.name(), concurrency, "the worker starts");
        let life = Life::<S::Claimed, R, D, C> {
            name,
            reporter,
            driver,
            clock,
            seen: AtomicU64::new(0),
            freed: Notify::new(),
            room: Room::new(concurrency, config.concurrency_slow(), concurrency + WAITING_MAX),
            holding: Holding::default(),
            lanes: Lanes::default(),
            config,
        };
        let stop: Stop<'_> = (Box::pin(shutdown) as Pin<Box<dyn Future<Output = ()> + Send>>).shared();
        let (claimed, to_execute) = unbounded_channel();
        let (told, to_report) = unbounded_channel();
        let (recorded, to_close) = unbounded_channel();
        let work = async {
            tokio::join!(
                life.claim(&mut source, &stop, claimed),
                life.execute(to_execute, told),
                life.report(to_report, recorded),
                life.close(to_close),
            );
        };
        let aside = async { tokio::join!(life.keep(), life.beat()) };
        let time_is_up = async {
            stop.clone().await;
            tracing::info!("the worker is to end: no more tasks are taken");
            life.clock.sleep_ms(life.config.drain_ms).await;
        };
        tokio::select! {
            biased;
            () = work => {}
            _ = aside => {}
            () = time_is_up => {}
        }
        let abandoned = life.holding.len();
        tracing::info!(abandoned, "the worker ends");
        Ended { abandoned }
    }
}

type Stop<'a> = Shared<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>;

/// What the parts of a running worker share.
struct Life<K, R, D, C> {
    name: WorkerName,
    config: BackendConfig,
    reporter: R,
    driver: D,
    clock: C,
    /// The newest position of which this worker knows, see [`stele_core::task::BackendReport::as_of`].
    seen: AtomicU64,
    /// Room has become free, which a heartbeat should tell soon.
    freed: Notify,
    /// Room for tasks that run, wait for their turn, or wait to be reported.
    room: Room,
    holding: Holding<K>,
    lanes: Lanes,
}

/// A task in our hands, with the room that it takes.
struct Job<K> {
    key: u64,
    claimed: Arc<K>,
    held: OwnedSemaphorePermit,
}

impl<K: Claimed, R: Reporter, D: Driver, C: Clock> Life<K, R, D, C> {
    async fn claim<S: TaskSource<Claimed = K>>(
        &self,
        source: &mut S,
        stop: &Stop<'_>,
        claimed: UnboundedSender<(Job<K>, Turn)>,
    ) {
        let mut pause_ms = PAUSE_MS.0;
        loop {
            let room = pin!(self.room.free());
            let Either::Right((max, _)) = select(stop.clone(), room).await else { return };
            match self.claim_once(source, stop, max).await {
                Some(Ok(tasks)) => {
                    pause_ms = PAUSE_MS.0;
                    for task in tasks {
                        let Some(job) = self.take(task).await else { return };
                        // The receiver lives as long as this worker does.
                        let _ = claimed.send(job);
                    }
                }
                Some(Err(unavailable)) => {
                    tracing::warn!(%unavailable, "no tasks can be taken");
                    select(stop.clone(), pin!(self.clock.sleep_ms(pause_ms))).await;
                    pause_ms = longer(pause_ms);
                }
                None => return,
            }
        }
    }

    /// `None` when the end was asked for and nothing came any more.
    async fn claim_once<S: TaskSource<Claimed = K>>(
        &self,
        source: &mut S,
        stop: &Stop<'_>,
        max: usize,
    ) -> Option<Result<Vec<K>, Unavailable>> {
        let claim = pin!(source.claim(max));
        match select(claim, stop.clone()).await {
            Either::Left((tasks, _)) => Some(tasks),
            Either::Right(((), claim)) => match select(claim, pin!(self.clock.sleep_ms(LAST_CLAIM_MS))).await {
                Either::Left((tasks, _)) => Some(tasks),
                Either::Right(_) => None,
            },
        }
    }

    async fn take(&self, task: K) -> Option<(Job<K>, Turn)> {
        if let Ok(task) = task.task() {
            self.saw(task.asked_at);
            tracing::debug!(task = %task.id, operation = task.operation.name(), dispatch = task.dispatch, "taken");
        }
        let held = self.room.hold().await?;
        let claimed = Arc::new(task);
        let key = self.holding.add(claimed.clone());
        // One that is delivered twice may have taken the place that was free.
        let turn = self.room.enter().await;
        Some((Job { key, claimed, held }, turn))
    }

    async fn execute(&self, mut claimed: UnboundedReceiver<(Job<K>, Turn)>, told: UnboundedSender<Outgoing<K>>) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(()) = running.next() => {}
                job = claimed.recv() => match job {
                    Some((job, turn)) => running.push(self.execute_one(job, turn, told.clone())),
                    None => break,
                },
            }
        }
        while running.next().await.is_some() {}
    }

    async fn execute_one(&self, job: Job<K>, mut turn: Turn, told: UnboundedSender<Outgoing<K>>) {
        let claimed = job.claimed.clone();
        let task = match claimed.task() {
            Ok(task) => task,
            Err(why) => {
                // It will never be a task. Control waits for the task that it meant only until its deadline.
                tracing::error!(why, "a message in the task queue is no task; it is dropped");
                return self.let_go(job).await;
            }
        };
        let volume = task.operation.volume();
        let span = tracing::info_span!(
            "task", id = %task.id, flow = %task.flow, dispatch = task.dispatch, operation = task.operation.name(),
            phase = ?task.phase, %volume, pool = %task.pool,
        );
        let report = async {
            let _lane = self.lane(volume, &mut turn).await;
            let interim = |report| {
                // As above: the receiver lives as long as this worker does.
                let _ = told.send(Outgoing { report, job: None });
            };
            execute(&self.driver, &self.clock, task, &mut turn, interim).await
        };
        let report = report.instrument(span.clone()).await;
        turn.leave().await;
        match report {
            Some(report) => {
                span.in_scope(|| tracing::debug!(transition = ?report.transition, "executed"));
                let _ = told.send(Outgoing { report, job: Some(job) });
            }
            None => {
                span.in_scope(|| tracing::info!(deadline = %task.deadline, "dropped: the deadline has passed"));
                self.let_go(job).await;
            }
        }
    }

    /// The volume's lane. A task that was delivered twice waits there as long as it runs, and takes no place meanwhile.
    async fn lane(&self, volume: VolumeId, turn: &mut Turn) -> Lane {
        if let Some(lane) = self.lanes.try_enter(volume) {
            return lane;
        }
        turn.leave().await;
        let lane = self.lanes.enter(volume).await;
        turn.enter().await;
        lane
    }

    /// Takes tasks out of the queue whose reports are in the log.
    async fn close(&self, mut recorded: UnboundedReceiver<Job<K>>) {
        let mut closing = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(()) = closing.next() => {}
                job = recorded.recv() => match job {
                    Some(job) => closing.push(self.let_go(job)),
                    None => break,
                },
            }
        }
        while closing.next().await.is_some() {}
    }

    /// A few attempts only: when they all fail the task comes again, is found to be done, and reported once more.
    async fn let_go(&self, job: Job<K>) {
        let mut pause_ms = PAUSE_MS.0;
        for _ in 0..3 {
            match job.claimed.done().await {
                Ok(()) => break,
                Err(unavailable) => {
                    tracing::debug!(%unavailable, "a finished task could not be taken out of the queue");
                    self.clock.sleep_ms(pause_ms).await;
                    pause_ms = longer(pause_ms);
                }
            }
        }
        self.holding.remove(job.key);
        drop(job.held);
    }

    fn message(&self, body: ReportBody) -> Report {
        Report { v: TASK_VERSION, worker: self.name.clone(), body }
    }

    fn saw(&self, position: Position) {
        self.seen.fetch_max(position.0, Ordering::Relaxed);
    }

    fn seen(&self) -> Position {
        Position(self.seen.load(Ordering::Relaxed))
    }
}

fn longer(pause_ms: u64) -> u64 {
    (pause_ms * 2).min(PAUSE_MS.1)
}
