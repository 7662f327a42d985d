//! Leading: the steps of the real commit loop, one at a time, so that anything can happen between any two.

use std::collections::VecDeque;
use std::fmt;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use stele_core::command::{Incoming, Source};
use stele_core::fold::Folded;
use stele_core::id::{CommandId, WriterId};
use stele_core::port::memory::MemoryInboxReader;
use stele_core::port::{AppendError, Dispatcher as _, Inbox as _, InboxReader as _, Log as _};
use stele_core::task::{ReportBody, ReportReply, Task};
use stele_core::unit::Position;
use stele_core::writer::{Answer, Append, Offered, Writer, open_tasks, outcome_in};
use stele_workers::clock::Clock as _;
use uuid::Uuid;

use crate::fault::Fault;
use crate::oracle::Oracle;
use crate::time::{SimClock, at_once};
use crate::wires::{Arrival, Beat, INBOX_CREATED, InFlight, Reply, Wires};

/// Why leading ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Another record stands there.
    Lost(Position),
    /// A higher epoch was heard of.
    Overheard(u64),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(position) => write!(f, "position {position} holds another record"),
            Self::Overheard(epoch) => write!(f, "another one leads epoch {epoch}"),
        }
    }
}

/// A control that leads, or has claimed to.
pub(crate) struct Leader {
    index: usize,
    name: String,
    pub(crate) id: WriterId,
    writer: Writer<Reply>,
    append: Option<Append>,
    in_flight: Option<InFlight>,
    /// Its claim is in the log.
    pub(crate) led: bool,
    to_tell: VecDeque<Answer<Reply>>,
    to_dispatch: Vec<Task>,
    dispatch_at: i64,
    inbox: Option<MemoryInboxReader>,
    inbox_read: u64,
    from_inbox: VecDeque<Arrival>,
    purged: u64,
    queue_lives: u64,
    beat_at: i64,
    tick_at: i64,
    check_at: i64,
}

impl Leader {
    pub(crate) fn new(
        index: usize,
        id: WriterId,
        writer: Writer<Reply>,
        append: Append,
        queue_lives: u64,
        wires: &Wires,
    ) -> Self {
        let now = wires.clock.since_start();
        Self {
            index,
            name: format!("control{index}"),
            id,
            in_flight: Some(wires.append(&append, 0)),
            append: Some(append),
            led: false,
            to_tell: VecDeque::new(),
            to_dispatch: Vec::new(),
            dispatch_at: now,
            inbox: None,
            inbox_read: writer.speculative().inbox.sequence,
            from_inbox: VecDeque::new(),
            purged: 0,
            queue_lives,
            beat_at: now,
            tick_at: now,
            check_at: now,
            writer,
        }
    }

    pub(crate) fn acknowledged(&self) -> &Folded {
        self.writer.acknowledged()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.led
            && self.in_flight.is_none()
            && self.to_tell.is_empty()
            && self.to_dispatch.is_empty()
            && self.from_inbox.is_empty()
    }

    /// One step: something that is due, or something that has come.
    pub(crate) fn turn(&mut self, clock: &SimClock, wires: &Wires, oracle: &mut Oracle) -> Option<Ended> {
        match wires.chance.below(9) {
            0 | 1 => return self.settle(wires),
            2 => self.offer_some(clock, wires, oracle),
            3 => self.start_append(clock, wires),
            4 => return self.listen(wires),
            5 => self.look_around(clock, wires, oracle),
            6 => self.dispatch(clock, wires),
            7 => self.tell_one(wires, oracle),
            _ => self.read_inbox(wires),
        }
        None
    }

    /// It is no longer there; what it has sent goes on without it, or is lost.
    pub(crate) fn leave(self, wires: &Wires, index: usize) -> Folded {
        if let Some(append) = self.in_flight
            && wires.chance.strikes(Fault::OrphanedAppend)
        {
            wires.orphans.borrow_mut().push(append);
        }
        wires.asks.borrow_mut()[index] = None;
        self.writer.into_folded()
    }

    fn settle(&mut self, wires: &Wires) -> Option<Ended> {
        let in_flight = self.in_flight.as_mut()?;
        let Poll::Ready(done) = in_flight.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { return None };
        self.in_flight = None;
        match done {
            Ok(position) => {
                self.landed(position, wires);
                None
            }
            Err(AppendError::Conflict(position)) => {
                wires.chance.count(Fault::Conflict);
                Some(Ended::Lost(position))
            }
            Err(error @ (AppendError::Unavailable(_) | AppendError::Refused(_))) => {
                wires.trace.note(&self.name, format_args!("appends again: {error}"));
                self.in_flight = self.append.as_ref().map(|append| wires.append(append, 500));
                None
            }
        }
    }

    fn landed(&mut self, position: Position, wires: &Wires) {
        self.append = None;
        let Some(landed) = self.writer.appended() else { return };
        assert_eq!(landed.position, position, "{}: the log and the writer disagree about a position", self.name);
        let (commits, answers, tasks) = (landed.commits, landed.answers.len(), landed.tasks.len());
        wires.trace.note(
            &self.name,
            format_args!("{position} is in the log: {commits} commits, {answers} answers, {tasks} tasks"),
        );
        self.led = true;
        self.to_tell.extend(landed.answers);
        self.to_dispatch.extend(landed.tasks);
    }

    fn start_append(&mut self, clock: &SimClock, wires: &Wires) {
        if self.in_flight.is_none()
            && let Some(append) = self.writer.take_append(clock.now())
        {
            wires
                .trace
                .note(&self.name, format_args!("appends {} bytes behind {}", append.payload.len(), append.expected));
            self.in_flight = Some(wires.append(&append, 0));
            self.append = Some(append);
        }
    }

    fn offer_some(&mut self, clock: &SimClock, wires: &Wires, oracle: &mut Oracle) {
        for _ in 0..=wires.chance.below(24) {
            if self.writer.is_full() {
                return;
            }
            let arrival = match wires.chance.below(3) {
                0 => wires.asks.borrow_mut()[self.index].as_mut().and_then(VecDeque::pop_front),
                1 => wires.reports.try_next().map(|report| self.of_report(report, wires)),
                _ => self.from_inbox.pop_front(),
            };
            if let Some(arrival) = arrival {
                self.offer(&arrival.incoming, arrival.reply, clock, wires, oracle);
            }
        }
    }

    fn offer(
        &mut self,
        incoming: &Incoming,
        reply: Option<Reply>,
        clock: &SimClock,
        wires: &Wires,
        oracle: &mut Oracle,
    ) {
        wires.trace.note(&self.name, format_args!("decides {}", incoming.subject));
        match self.writer.offer(incoming, reply, clock.now()) {
            Ok(Offered::Taken) => {}
            Ok(Offered::Answered(answer)) => self.to_tell.push_back(answer),
            Err(corrupt) => panic!("{}: {corrupt}", self.name),
        }
        oracle.audit(&self.name, &self.writer.speculative().state);
    }

    fn of_report(&self, report: stele_core::port::memory::PendingReport, wires: &Wires) -> Arrival {
        let backend = match &report.report.body {
            ReportBody::Backend(backend) => backend.backend.subject_token(),
            ReportBody::Inventory(part) => part.pool.backend().subject_token(),
            ReportBody::Tasks(tasks) => {
                tasks.first().map(|task| task.pool.backend().subject_token()).unwrap_or_default()
            }
        };
        let payload = serde_json::to_vec(&report.report).expect("a report is JSON");
        let incoming = Incoming {
            subject: format!("stele.report.{backend}"),
            payload: Bytes::from(payload),
            source: Source::Report,
            fallback_id: CommandId(wires.chance.uuid()),
        };
        Arrival { incoming, reply: Some(Reply::Report(report)) }
    }

    fn listen(&mut self, wires: &Wires) -> Option<Ended> {
        let now = wires.clock.since_start();
        if self.led && now >= self.beat_at {
            self.beat_at = now + 400_000;
            wires.beat(self.index, Beat { epoch: self.writer.epoch(), writer: self.id });
        }
        let other = wires.beats.borrow_mut()[self.index].pop_front()?;
        let higher = other.epoch > self.writer.epoch() && other.writer != self.id;
        higher.then(|| {
            wires.chance.count(Fault::Overheard);
            Ended::Overheard(other.epoch)
        })
    }

    /// Deadlines, the inbox's purge, the queue's health.
    fn look_around(&mut self, clock: &SimClock, wires: &Wires, oracle: &mut Oracle) {
        let now = wires.clock.since_start();
        if now >= self.tick_at && !self.writer.is_full() {
            self.tick_at = now + 250_000;
            for payload in self.writer.late(clock.now(), 256) {
                wires.chance.count(Fault::DeadlinePassed);
                let fallback_id = CommandId(wires.chance.uuid());
                let subject = "stele.timer".to_owned();
                let incoming = Incoming { subject, payload, source: Source::Timer, fallback_id };
                self.offer(&incoming, None, clock, wires, oracle);
            }
            let sequence = self.writer.acknowledged().inbox.sequence;
            if sequence > self.purged && matches!(at_once(wires.inbox.purge_through(sequence)), Some(Ok(()))) {
                self.purged = sequence;
            }
        }
        if self.led && now >= self.check_at {
            self.check_at = now + 3_000_000;
            let lives = wires.queue_lives.get();
            if lives != std::mem::replace(&mut self.queue_lives, lives) {
                wires.trace.note(&self.name, format_args!("the task queue was lost"));
                self.to_dispatch.extend(open_tasks(self.writer.acknowledged()));
            }
        }
    }

    fn dispatch(&mut self, clock: &SimClock, wires: &Wires) {
        let now = wires.clock.since_start();
        if self.to_dispatch.is_empty() || now < self.dispatch_at {
            return;
        }
        let sent = at_once(wires.tasks.dispatcher().dispatch(self.to_dispatch.clone()));
        wires.trace.note(
            &self.name,
            format_args!("dispatches {} tasks: {}", self.to_dispatch.len(), matches!(sent, Some(Ok(())))),
        );
        match sent {
            Some(Ok(())) => self.to_dispatch.clear(),
            Some(Err(_)) | None => {
                self.dispatch_at = now + 250_000;
                self.to_dispatch.retain(|task| task.deadline > clock.now());
            }
        }
    }

    fn tell_one(&mut self, wires: &Wires, oracle: &mut Oracle) {
        let Some(answer) = self.to_tell.pop_front() else { return };
        match answer {
            Answer::Recorded(Reply::Report(report), position) => {
                oracle.recorded(position);
                let inventories = self.writer.acknowledged().state.inventories_asked().collect();
                report.reply(ReportReply::Recorded { position, log_levels: Vec::new(), inventories });
            }
            Answer::Refused(Reply::Report(report), refusal) => {
                panic!("a worker's report was refused: {refusal}: {report:?}")
            }
            Answer::Outcome(reply, outcome) => self.tell(&reply, *outcome, wires, oracle),
            Answer::Before(reply, position, commit) => {
                // Without an answer the sender asks again.
                if let Some(Ok(Some(entry))) = at_once(wires.log.get(position)) {
                    let outcome = outcome_in(&entry, commit);
                    let outcome = outcome.unwrap_or_else(|| panic!("no outcome at {position}, commit {commit}"));
                    self.tell(&reply, outcome, wires, oracle);
                }
            }
            other => panic!("an answer for nobody: {other:?}"),
        }
    }

    fn tell(&self, reply: &Reply, outcome: stele_core::record::Outcome, wires: &Wires, oracle: &mut Oracle) {
        // Whether it arrives or not: it has left.
        oracle.told(&outcome);
        if let Reply::Ask(asker) = reply
            && !wires.chance.strikes(Fault::LostAnswer)
        {
            wires.trace.note(&self.name, format_args!("answers {asker}"));
            wires.answers.borrow_mut().push_back((*asker, outcome));
        }
    }

    fn read_inbox(&mut self, wires: &Wires) {
        if self.inbox.is_none() {
            self.inbox = at_once(wires.inbox.read_after(self.inbox_read)).and_then(Result::ok);
        }
        let Some(reader) = &mut self.inbox else { return };
        match at_once(reader.next_batch(wires.chance.below(8) + 1)) {
            None => {}
            Some(Err(_)) => self.inbox = None,
            Some(Ok(messages)) => {
                for message in messages {
                    self.inbox_read = message.sequence;
                    let place = format!("stele inbox {} {}", INBOX_CREATED * 1000, message.sequence);
                    let incoming = Incoming {
                        source: Source::Inbox(message.sequence),
                        subject: message.subject,
                        payload: message.payload,
                        fallback_id: CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, place.as_bytes())),
                    };
                    self.from_inbox.push_back(Arrival { incoming, reply: Some(Reply::Inbox) });
                }
            }
        }
    }
}
