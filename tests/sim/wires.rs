//! What lies between the actors: the in-memory ports with their faults, and the ways of requests and heartbeats.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use bytes::Bytes;
use stele_core::command::Incoming;
use stele_core::id::WriterId;
use stele_core::port::memory::{
    AppendFault, DispatchFault, MemoryInbox, MemoryLog, MemoryReporter, MemoryReports, MemoryTasks, PendingReport,
    ReportFault, report_channel,
};
use stele_core::port::{AppendError, Log as _};
use stele_core::record::Outcome;
use stele_core::unit::{Position, Timestamp};
use stele_core::writer::Append;
use stele_workers::clock::Clock as _;

use crate::fault::{Chance, Fault};
use crate::time::SimClock;
use crate::trace::Trace;
use crate::wish::Known;

/// When the inbox was made.
pub(crate) const INBOX_CREATED: i64 = 1_700_000_000_000;

/// How an answer finds its way back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// To the asker of this number.
    Ask(u64),
    /// To whoever listens for outcomes of the inbox.
    Inbox,
    /// To a worker.
    Report(PendingReport),
}

/// A message on its way to a leader.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) incoming: Incoming,
    pub(crate) reply: Option<Reply>,
}

/// A leader's sign of life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    pub(crate) epoch: u64,
    pub(crate) writer: WriterId,
}

/// An append that takes its time; it goes on when its sender is gone.
pub(crate) type InFlight = Pin<Box<dyn Future<Output = Result<Position, AppendError>>>>;

/// Everything that is shared.
pub(crate) struct Wires {
    pub(crate) chance: Chance,
    pub(crate) clock: SimClock,
    pub(crate) trace: Trace,
    pub(crate) log: MemoryLog,
    pub(crate) inbox: MemoryInbox,
    pub(crate) tasks: MemoryTasks,
    pub(crate) reports: MemoryReports,
    pub(crate) reporter: MemoryReporter,
    /// Grows when the task queue loses everything; stands for the time at which the stream was made.
    pub(crate) queue_lives: Cell<u64>,
    /// What each control hears while it listens.
    pub(crate) asks: RefCell<Vec<Option<VecDeque<Arrival>>>>,
    pub(crate) beats: RefCell<Vec<VecDeque<Beat>>>,
    /// Answers on their way to askers.
    pub(crate) answers: RefCell<VecDeque<(u64, Outcome)>>,
    /// What exists or existed, of all projects: for the operator, and for whoever takes what another one offers.
    pub(crate) known: RefCell<Known>,
    /// Appends whose sender is gone.
    pub(crate) orphans: RefCell<Vec<InFlight>>,
    /// The stream may have grown.
    pub(crate) log_touched: Arc<AtomicBool>,
}

impl Wires {
    pub(crate) fn new(chance: &Chance, clock: &SimClock, trace: &Trace, controls: usize) -> Self {
        let (for_log, for_tasks, for_reports) = (chance.clone(), chance.clone(), chance.clone());
        let (reporter, reports) = report_channel(move |_| report_fault(&for_reports));
        Self {
            chance: chance.clone(),
            clock: clock.clone(),
            trace: trace.clone(),
            log: MemoryLog::with_faults(move |attempt| append_fault(&for_log, attempt.payload)),
            inbox: MemoryInbox::new(Timestamp::from_millis(INBOX_CREATED)),
            tasks: MemoryTasks::with_faults(move |_| dispatch_fault(&for_tasks)),
            reports,
            reporter,
            queue_lives: Cell::new(1),
            asks: RefCell::new((0..controls).map(|_| None).collect()),
            beats: RefCell::new(vec![VecDeque::new(); controls]),
            answers: RefCell::default(),
            known: RefCell::default(),
            orphans: RefCell::default(),
            log_touched: Arc::default(),
        }
    }

    /// Starts an append that is under way for a while before and after it is decided.
    pub(crate) fn append(&self, append: &Append, pause_ms: u64) -> InFlight {
        let (log, clock, touched) = (self.log.clone(), self.clock.clone(), self.log_touched.clone());
        let (payload, expected) = (append.payload.clone(), append.expected);
        let slow = if self.chance.percent(5) { 400 } else { 20 };
        let (there, back) = (self.chance.between(0, slow), self.chance.between(0, slow));
        Box::pin(async move {
            clock.sleep_ms(pause_ms + there).await;
            let done = log.append(payload, expected).await;
            touched.store(true, Ordering::Relaxed);
            clock.sleep_ms(back).await;
            done
        })
    }

    /// Lets appends go on whose senders are gone.
    pub(crate) fn poll_orphans(&self) {
        let mut context = Context::from_waker(Waker::noop());
        self.orphans.borrow_mut().retain_mut(|append| append.as_mut().poll(&mut context).is_pending());
    }

    pub(crate) fn touch_log(&self) {
        self.log_touched.store(true, Ordering::Relaxed);
    }

    /// Sends a sign of life to every other control.
    pub(crate) fn beat(&self, from: usize, beat: Beat) {
        for (to, heard) in self.beats.borrow_mut().iter_mut().enumerate() {
            if to != from && !self.chance.strikes(Fault::LostHeartbeat) {
                heard.push_back(beat);
            }
        }
    }

    /// Asks whoever listens; the same question may reach two that believe they lead.
    pub(crate) fn ask(&self, asker: u64, incoming: &Incoming) {
        for heard in self.asks.borrow_mut().iter_mut().flatten() {
            if !self.chance.strikes(Fault::LostAsk) {
                let incoming =
                    Incoming { fallback_id: stele_core::id::CommandId(self.chance.uuid()), ..incoming.clone() };
                heard.push_back(Arrival { incoming, reply: Some(Reply::Ask(asker)) });
            }
        }
    }
}

fn append_fault(chance: &Chance, payload: &Bytes) -> AppendFault {
    use Fault::{ForeignRecord, LateAppend, LogFull, LostAck, LostAppend, TwinRecord};
    match chance.one_of(&[ForeignRecord, TwinRecord, LostAck, LostAppend, LateAppend, LogFull]) {
        Some(ForeignRecord) => AppendFault::Foreign(stray_bytes(chance, payload)),
        Some(TwinRecord) => AppendFault::Foreign(payload.clone()),
        Some(LostAck) => AppendFault::LostAnswer,
        Some(LostAppend) => AppendFault::LostRequest,
        Some(LateAppend) => AppendFault::LateRequest,
        Some(LogFull) => AppendFault::Refused("maximum bytes exceeded".to_owned()),
        _ => AppendFault::None,
    }
}

/// Bytes that nobody who leads has written.
pub(crate) fn stray_bytes(chance: &Chance, like: &Bytes) -> Bytes {
    match chance.below(4) {
        0 => Bytes::from("hello"),
        1 => Bytes::new(),
        2 => Bytes::from(r#"{"v":1,"commits":[]}"#),
        // A record that was cut off.
        _ => like.slice(..like.len() / 2),
    }
}

fn dispatch_fault(chance: &Chance) -> DispatchFault {
    match chance.one_of(&[Fault::TaskTwice, Fault::LostDispatch, Fault::LostDispatchAck]) {
        Some(Fault::TaskTwice) => DispatchFault::Duplicate,
        Some(Fault::LostDispatch) => DispatchFault::LostRequest,
        Some(Fault::LostDispatchAck) => DispatchFault::LostAnswer,
        _ => DispatchFault::None,
    }
}

fn report_fault(chance: &Chance) -> ReportFault {
    match chance.one_of(&[Fault::ReportTwice, Fault::LostReport, Fault::LostReportReply]) {
        Some(Fault::ReportTwice) => ReportFault::Duplicate,
        Some(Fault::LostReport) => ReportFault::LostRequest,
        Some(Fault::LostReportReply) => ReportFault::LostAnswer,
        _ => ReportFault::None,
    }
}
