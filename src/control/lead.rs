//! Leading: one record in flight, the next one forming, everything outside only after the acknowledgement.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stele_core::command::{Incoming, Source};
use stele_core::fold::Folded;
use stele_core::id::{CommandId, WriterId};
use stele_core::port::{AppendError, Inbox as _, Log as _};
use stele_core::record::Claim;
use stele_core::task::Task;
use stele_core::unit::{Position, Timestamp};
use stele_core::writer::{Answer, Append, Offered, Writer, open_tasks};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::arrivals::{ARRIVALS_KIB_MAX, ARRIVALS_MAX, Arrival};
use super::journal::Journal;
use super::reply::ReplyTo;
use super::{ControlFailed, ControlSettings, Doors, arrivals, effects};
use crate::clock::now;
use crate::logging;
use crate::nats::{Heartbeat, HeartbeatListener, HeartbeatSender, RequestListener};

/// Four heartbeats fit into the time after which a standby claims.
const BEAT_EVERY: Duration = Duration::from_millis(400);

/// How often deadlines are looked at and the inbox is purged.
const TICK_EVERY: Duration = Duration::from_millis(250);

/// How often it is looked whether the task queue is still the same.
const QUEUE_CHECK_EVERY: Duration = Duration::from_secs(3);

/// Deadlines that are dealt with at one tick; the others follow at the next.
const LATE_MAX: usize = 256;

/// How long a control that is to end waits for the append that is in flight.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How often the log may refuse a record, half a second apart, before the control ends with the reason.
const REFUSALS_MAX: u32 = 20;

/// Messages that are taken from the queue at once.
const TAKE_MAX: usize = 256;

/// Why leading ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The process stops.
    Stopped,
    /// Another writer leads.
    Deposed(String),
}

type InFlight = Pin<Box<dyn Future<Output = Result<Position, AppendError>> + Send>>;

struct Leader<'a> {
    doors: &'a Doors,
    host: &'a str,
    journal: &'a Journal,
    writer: Writer<ReplyTo>,
    append: Option<Append>,
    in_flight: Option<InFlight>,
    tasks: mpsc::Sender<Vec<Task>>,
    /// Tasks that the dispatcher's queue had no room for at once.
    held_back: Vec<Task>,
    purged: u64,
    /// Appends that the log refused since the last one that it took.
    refusals: u32,
    led: bool,
}

/// Claims leadership and leads until stopped or deposed. Gives back what the log is known to hold.
pub(super) async fn lead(
    doors: &Doors,
    settings: &ControlSettings,
    id: WriterId,
    folded: Folded,
    tail: Position,
    journal: &Journal,
    stop: &CancellationToken,
) -> Result<(Folded, Ended), ControlFailed> {
    let inbox_created = doors.inbox.created().await?;
    let queue_created = doors.dispatcher.stream_created().await?;
    // Listening starts before the claim: what is asked from the moment of the claim on is heard.
    let listener = RequestListener::listen(&doors.connection).await?;
    let heartbeats = HeartbeatListener::listen(&doors.connection, 0).await?;
    let claim = Claim { config: settings.config.clone(), host: settings.host.clone() };
    let (writer, append) = Writer::claim(folded, id, claim, tail, inbox_created, now());
    let (tasks, task_queue) = mpsc::channel(64);
    let (arrivals_in, arrivals_out) = mpsc::channel(ARRIVALS_MAX);
    let mut background = JoinSet::new();
    background.spawn(effects::dispatch(doors.clone(), task_queue));
    let room = Arc::new(Semaphore::new(ARRIVALS_KIB_MAX));
    background.spawn(arrivals::requests(listener, room.clone(), arrivals_in.clone()));
    let taken_over = writer.speculative().inbox.sequence;
    background.spawn(arrivals::inbox(doors.clone(), inbox_created, taken_over, room, arrivals_in));
    let mut leader = Leader {
        doors,
        host: &settings.host,
        journal,
        purged: 0,
        refusals: 0,
        in_flight: None,
        append: None,
        tasks,
        held_back: Vec::new(),
        led: false,
        writer,
    };
    leader.start(append);
    let ended = leader.run(arrivals_out, heartbeats, queue_created, stop).await;
    background.shutdown().await;
    let folded = leader.writer.into_folded();
    ended.map(|ended| (folded, ended))
}

impl Leader<'_> {
    async fn run(
        &mut self,
        mut arrivals: mpsc::Receiver<Arrival>,
        mut heartbeats: HeartbeatListener,
        mut queue_created: Timestamp,
        stop: &CancellationToken,
    ) -> Result<Ended, ControlFailed> {
        let sender = HeartbeatSender::new(&self.doors.connection, 0);
        let (mut beat, mut tick, mut check) = (every(BEAT_EVERY), every(TICK_EVERY), every(QUEUE_CHECK_EVERY));
        let mut taken = Vec::with_capacity(TAKE_MAX);
        let mut waiting = VecDeque::with_capacity(TAKE_MAX);
        // An append that cannot be finished must not keep the process: dropping it loses nothing that anybody was told.
        let give_up = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        tokio::pin!(give_up);
        loop {
            self.take_in(&mut waiting).await?;
            let open = !self.writer.is_full();
            tokio::select! {
                biased;
                done = landed(&mut self.in_flight) => {
                    if let Some(ended) = self.settle(done).await? {
                        return Ok(ended);
                    }
                }
                () = stop.cancelled(), if self.in_flight.is_none() => return Ok(Ended::Stopped),
                () = &mut give_up => return Ok(Ended::Stopped),
                _ = beat.tick() => if self.led {
                    let position = self.writer.acknowledged().chain.position;
                    sender.beat(&Heartbeat { epoch: self.writer.epoch(), writer: self.id(), position }).await.ok();
                },
                other = heartbeats.next() => {
                    let other = other.filter(|other| other.epoch > self.writer.epoch());
                    if let Some(other) = other {
                        return Ok(Ended::Deposed(format!("writer {} leads epoch {}", other.writer, other.epoch)));
                    }
                }
                _ = tick.tick(), if open => self.look_around()?,
                _ = check.tick(), if self.led => queue_created = self.check_queue(queue_created).await,
                count = arrivals.recv_many(&mut taken, TAKE_MAX), if waiting.is_empty() && !stop.is_cancelled() => {
                    if count == 0 {
                        return Ok(Ended::Deposed("the connection was closed".to_owned()));
                    }
                    waiting.extend(taken.drain(..));
                }
            }
        }
    }

    /// Decides what waits, as far as the forming record has room, and sends records off as long as none is in flight.
    async fn take_in(&mut self, waiting: &mut VecDeque<Arrival>) -> Result<(), ControlFailed> {
        loop {
            while !self.writer.is_full()
                && let Some(arrival) = waiting.pop_front()
            {
                let Arrival { incoming, reply, room } = arrival;
                self.offer(&incoming, reply).await?;
                drop(room);
            }
            if self.in_flight.is_some() {
                return Ok(());
            }
            match self.writer.take_append(now()) {
                Some(append) => self.start(append),
                None => return Ok(()),
            }
        }
    }

    fn id(&self) -> WriterId {
        self.writer.speculative().chain.writer
    }

    fn start(&mut self, append: Append) {
        let log = self.doors.log.clone();
        let (payload, expected) = (append.payload.clone(), append.expected);
        self.append = Some(append);
        self.in_flight = Some(Box::pin(async move { log.append(payload, expected).await }));
    }

    /// The append came back, one way or the other.
    async fn settle(&mut self, done: Result<Position, AppendError>) -> Result<Option<Ended>, ControlFailed> {
        self.in_flight = None;
        match done {
            Ok(_) => {
                if let Some(append) = self.append.take() {
                    self.journal.keep(append.expected.next(), append.payload).await?;
                }
                self.acknowledged().await;
                Ok(None)
            }
            Err(AppendError::Conflict(position)) => {
                Ok(Some(Ended::Deposed(format!("position {position} holds another writer's record"))))
            }
            Err(error) => {
                if matches!(error, AppendError::Refused(_)) {
                    self.look_at_refusal(&error).await?;
                }
                // The same bytes are offered again with the same expectation, until the log decides.
                warn!(%error, "the log did not take a record; trying again");
                if let Some(append) = self.append.take() {
                    let log = self.doors.log.clone();
                    let (payload, expected) = (append.payload.clone(), append.expected);
                    self.append = Some(append);
                    self.in_flight = Some(Box::pin(async move {
                        tokio::time::sleep(Duration::from_millis(500)).await;
                        log.append(payload, expected).await
                    }));
                }
                Ok(None)
            }
        }
    }

    /// A log that does not take a record may have lost some; else it is full, and somebody has to make room.
    async fn look_at_refusal(&mut self, error: &AppendError) -> Result<(), ControlFailed> {
        self.journal.check_against(&self.doors.log).await?;
        self.refusals += 1;
        if self.refusals >= REFUSALS_MAX { Err(ControlFailed::LogRefuses(error.to_string())) } else { Ok(()) }
    }

    async fn acknowledged(&mut self) {
        let Some(landed) = self.writer.appended() else { return };
        self.refusals = 0;
        if !self.led {
            self.led = true;
            info!(epoch = self.writer.epoch(), position = %landed.position, "leading");
        }
        self.hand_out(landed.tasks);
        // The answers leave while the next record is decided and appended: nobody waits for a slow reader.
        for answer in landed.answers {
            self.tell(answer).await;
        }
    }

    /// Gives tasks to the dispatcher without ever waiting for it.
    fn hand_out(&mut self, tasks: Vec<Task>) {
        self.held_back.extend(tasks);
        if self.held_back.is_empty() {
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(tasks)) = self.tasks.try_send(std::mem::take(&mut self.held_back)) {
            self.held_back = tasks;
        }
    }

    async fn offer(&mut self, incoming: &Incoming, reply: Option<ReplyTo>) -> Result<(), ControlFailed> {
        if let Offered::Answered(answer) = self.writer.offer(incoming, reply, now())? {
            self.tell(answer).await;
        }
        Ok(())
    }

    /// An outcome that has to be read back from the log is not waited for.
    async fn tell(&mut self, answer: Answer<ReplyTo>) {
        let told = effects::Told::of(&self.writer.acknowledged().state);
        if matches!(answer, Answer::Before(..)) {
            let doors = self.doors.clone();
            tokio::spawn(async move { effects::answer(&doors, answer, &told).await });
        } else {
            effects::answer(self.doors, answer, &told).await;
        }
    }

    /// Deadlines that have passed, tasks that were held back, the inbox.
    fn look_around(&mut self) -> Result<(), ControlFailed> {
        logging::follow(&self.writer.acknowledged().state.log_levels, logging::CONTROL, self.host);
        self.hand_out(Vec::new());
        for payload in self.writer.late(now(), LATE_MAX) {
            if self.writer.is_full() {
                break;
            }
            self.writer.offer(&timer(payload), None, now())?;
        }
        let sequence = self.writer.acknowledged().inbox.sequence;
        if sequence > self.purged {
            self.purged = sequence;
            tokio::spawn(effects::purge(self.doors.clone(), sequence));
        }
        Ok(())
    }

    /// A task queue that was made anew (its server lost its memory) holds none of the open tasks: all are given again.
    async fn check_queue(&mut self, before: Timestamp) -> Timestamp {
        match self.doors.dispatcher.stream_created().await {
            Ok(created) if created != before => {
                warn!("the task queue was lost; dispatching every open task again");
                let tasks = open_tasks(self.writer.acknowledged());
                self.hand_out(tasks);
                created
            }
            _ => before,
        }
    }
}

fn timer(payload: Bytes) -> Incoming {
    Incoming {
        subject: "stele.timer".to_owned(),
        payload,
        source: Source::Timer,
        fallback_id: CommandId(Uuid::now_v7()),
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// The append in flight; never, when there is none.
async fn landed(in_flight: &mut Option<InFlight>) -> Result<Position, AppendError> {
    match in_flight {
        Some(append) => append.await,
        None => std::future::pending().await,
    }
}
