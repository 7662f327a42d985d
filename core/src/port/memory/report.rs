use std::collections::VecDeque;
use std::fmt;

use super::shared::Shared;
use crate::port::{Reporter, Unavailable};
use crate::task::{Report, ReportReply};

/// What happens to one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFault {
    /// It arrives and its reply comes back.
    None,
    /// It arrives twice; the first reply counts.
    Duplicate,
    /// It arrives, and the reply is lost: the sender gets `Unavailable`.
    LostAnswer,
    /// It never arrives: the sender gets `Unavailable`.
    LostRequest,
}

struct Channel {
    waiting: VecDeque<PendingReport>,
    /// The replies that senders wait for.
    open: Vec<Slot>,
    plan: Box<dyn FnMut(&Report) -> ReportFault + Send>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// The way of reports in memory: the workers' side and control's side. The plan is asked about every report.
#[must_use]
pub fn report_channel(plan: impl FnMut(&Report) -> ReportFault + Send + 'static) -> (MemoryReporter, MemoryReports) {
    let shared = Shared::new(Channel { waiting: VecDeque::new(), open: Vec::new(), plan: Box::new(plan) });
    (MemoryReporter { shared: shared.clone() }, MemoryReports { shared })
}

/// The workers' side.
#[derive(Debug, Clone)]
pub struct MemoryReporter {
    shared: Shared<Channel>,
}

/// The state of one reply.
type Slot = Shared<Option<Result<ReportReply, Unavailable>>>;

impl MemoryReporter {
    fn send(&self, report: &Report) -> Slot {
        let slot = Slot::new(None);
        self.shared.change(|channel| {
            channel.open.push(slot.clone());
            let pending = |slot: &Slot| PendingReport { report: report.clone(), slot: slot.clone() };
            match (channel.plan)(report) {
                ReportFault::None => channel.waiting.push_back(pending(&slot)),
                ReportFault::Duplicate => channel.waiting.extend([pending(&slot), pending(&slot)]),
                ReportFault::LostAnswer => {
                    channel.waiting.push_back(pending(&Slot::new(None)));
                    slot.change(|reply| *reply = Some(Err(trouble("the answer was lost"))));
                }
                ReportFault::LostRequest => slot.change(|reply| *reply = Some(Err(trouble("the request was lost")))),
            }
        });
        slot
    }

    /// Lets every sender that waits give up, as if its time had passed. What it sent stays on its way.
    pub fn tick(&self) {
        let open = self.shared.change(|channel| std::mem::take(&mut channel.open));
        for slot in open {
            slot.tick();
        }
    }
}

impl Reporter for MemoryReporter {
    async fn report(&self, report: &Report) -> Result<ReportReply, Unavailable> {
        let slot = self.send(report);
        let reply = slot.wait(Option::take).await;
        self.shared.change(|channel| channel.open.retain(|open| !open.is(&slot)));
        reply.unwrap_or_else(|| Err(trouble("no reply in time")))
    }
}

/// Control's side.
#[derive(Debug, Clone)]
pub struct MemoryReports {
    shared: Shared<Channel>,
}

impl MemoryReports {
    /// The next report; `None` after a tick.
    pub async fn next(&self) -> Option<PendingReport> {
        self.shared.wait(|channel: &mut Channel| channel.waiting.pop_front()).await
    }

    /// The next report, if one is waiting.
    #[must_use]
    pub fn try_next(&self) -> Option<PendingReport> {
        self.shared.change(|channel| channel.waiting.pop_front())
    }

    /// Lets every waiting `next` return empty-handed.
    pub fn tick(&self) {
        self.shared.tick();
    }
}

/// A report whose sender waits. Dropped without a reply, it tells the sender that none comes.
#[derive(Debug)]
pub struct PendingReport {
    /// The report.
    pub report: Report,
    slot: Slot,
}

impl PendingReport {
    /// Answers the sender.
    pub fn reply(self, reply: ReportReply) {
        self.settle(Ok(reply));
    }

    /// The first answer counts.
    fn settle(&self, answer: Result<ReportReply, Unavailable>) {
        self.slot.change(|reply| {
            reply.get_or_insert(answer);
        });
    }
}

impl Drop for PendingReport {
    fn drop(&mut self) {
        self.settle(Err(trouble("control went away")));
    }
}

fn trouble(why: &str) -> Unavailable {
    Unavailable { what: "control in memory".to_owned(), why: why.to_owned() }
}
