//! Reports on their way to control: one message in flight, the next forms meanwhile.

use std::collections::VecDeque;
use std::io::{self, Write};

use stele_core::port::{Claimed, Reporter};
use stele_core::task::{
    Operation, Phase, REPORTS_PER_MESSAGE_MAX, Report, ReportBody, ReportReply, TaskReport, Transition,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{Job, Life, PAUSE_MS, longer};
use crate::clock::Clock;
use crate::driver::Driver;

/// The most bytes of JSON in one message. A message becomes one commit of one record, and records are bounded by
/// 256 KiB; 256 plain successes are about as much as this.
const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// A report that waits, and the task that may be let go when it is recorded; none with a report on the way.
pub(super) struct Outgoing<K> {
    pub(super) report: TaskReport,
    pub(super) job: Option<Job<K>>,
}

impl<K: Claimed, R: Reporter, D: Driver, C: Clock> Life<K, R, D, C> {
    pub(super) async fn report(&self, mut told: UnboundedReceiver<Outgoing<K>>, recorded: UnboundedSender<Job<K>>) {
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match told.recv().await {
                    Some(outgoing) => waiting.push_back(outgoing),
                    None => return,
                }
            }
            while let Ok(outgoing) = told.try_recv() {
                waiting.push_back(outgoing);
            }
            drop_outdated(&mut waiting);
            let (reports, jobs) = next_message(&mut waiting);
            let frees = reports.iter().any(frees_room);
            let message = self.message(ReportBody::Tasks(reports));
            match self.deliver(&message).await {
                ReportReply::Recorded { position, .. } => self.saw(position),
                // It would be refused again. What the tasks did stays done; control has its deadlines.
                ReportReply::Refused(why) => tracing::error!(why, "control refused reports"),
            }
            if frees {
                self.freed.notify_one();
            }
            for job in jobs {
                // The receiver lives as long as this worker does.
                let _ = recorded.send(job);
            }
        }
    }

    /// Sends it until it is answered.
    async fn deliver(&self, message: &Report) -> ReportReply {
        let mut pause_ms = PAUSE_MS.0;
        loop {
            match self.reporter.report(message).await {
                Ok(reply) => return reply,
                Err(unavailable) => {
                    tracing::warn!(%unavailable, pause_ms, "a report could not be delivered; it is sent again");
                    self.clock.sleep_ms(pause_ms).await;
                    pause_ms = longer(pause_ms);
                }
            }
        }
    }
}

/// Removes what a later report of the same dispatch makes pointless: all that is on the way when there is an end,
/// and older progress when there is newer.
fn drop_outdated<K>(waiting: &mut VecDeque<Outgoing<K>>) {
    let mut at = 0;
    while at < waiting.len() {
        let outdated = waiting[at].job.is_none() && {
            let report = &waiting[at].report;
            waiting.range(at + 1..).any(|later| {
                (later.report.task, later.report.dispatch) == (report.task, report.dispatch)
                    && (later.job.is_some() || is_progress(report) && is_progress(&later.report))
            })
        };
        if outdated {
            waiting.remove(at);
        } else {
            at += 1;
        }
    }
}

fn is_progress(report: &TaskReport) -> bool {
    matches!(report.transition, Transition::Progressed { .. })
}

/// Takes as many reports as one message may hold, at least one.
fn next_message<K>(waiting: &mut VecDeque<Outgoing<K>>) -> (Vec<TaskReport>, Vec<Job<K>>) {
    let (mut reports, mut jobs, mut bytes) = (Vec::new(), Vec::new(), 0);
    while reports.len() < REPORTS_PER_MESSAGE_MAX
        && let Some(next) = waiting.front()
    {
        bytes += json_bytes(&next.report);
        if bytes > MESSAGE_BYTES_MAX && !reports.is_empty() {
            break;
        }
        if let Some(Outgoing { report, job }) = waiting.pop_front() {
            reports.push(report);
            jobs.extend(job);
        }
    }
    (reports, jobs)
}

fn json_bytes(report: &TaskReport) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(1);
    match serde_json::to_writer(&mut count, report) {
        Ok(()) => count.0,
        // It cannot be written by the reporter either, who says so; it goes alone.
        Err(_) => MESSAGE_BYTES_MAX,
    }
}

/// True when room has become free by it.
fn frees_room(report: &TaskReport) -> bool {
    let removes = matches!(
        (&report.operation, report.phase),
        (Operation::DeleteVolume { .. }, Phase::Execute) | (Operation::CreateVolume { .. }, Phase::Revert)
    );
    removes && matches!(&report.transition, Transition::Succeeded { steps, .. } if !steps.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stele_core::id::TaskId;
    use stele_core::task::{Failure, FailureKind};
    use stele_core::unit::Timestamp;
    use tokio::sync::Semaphore;
    use uuid::Uuid;

    use super::*;
    use crate::testing::create_task;

    const AT: fn() -> Timestamp = || Timestamp::from_millis(0);

    fn outgoing(n: u128, transition: Transition) -> Outgoing<()> {
        let task = create_task(n, 1);
        let is_end = matches!(transition, Transition::Succeeded { .. } | Transition::Failed { .. });
        let held = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let job = is_end.then(|| Job { key: 0, claimed: Arc::new(()), held });
        let report = TaskReport {
            task: TaskId(Uuid::from_u128(n)),
            flow: task.flow,
            pool: task.pool,
            operation: task.operation,
            phase: task.phase,
            dispatch: 1,
            transition,
        };
        Outgoing { report, job }
    }

    fn started(n: u128) -> Outgoing<()> {
        outgoing(n, Transition::Started { at: AT() })
    }

    fn progressed(n: u128, percent: u8) -> Outgoing<()> {
        outgoing(n, Transition::Progressed { at: AT(), step: "wipe".to_owned(), percent })
    }

    fn succeeded(n: u128) -> Outgoing<()> {
        outgoing(
            n,
            Transition::Succeeded {
                started_at: AT(),
                finished_at: AT(),
                steps: Vec::new(),
                connection: None,
                size_bytes: None,
            },
        )
    }

    fn failed(n: u128, stderr: &str) -> Outgoing<()> {
        let failure = Failure {
            kind: FailureKind::Other,
            step: "lvcreate".to_owned(),
            message: String::new(),
            exit_status: Some(5),
            stderr: stderr.to_owned(),
        };
        outgoing(n, Transition::Failed { started_at: AT(), finished_at: AT(), steps: Vec::new(), failure })
    }

    #[test]
    fn what_a_later_report_contains_is_not_sent() {
        let mut waiting = VecDeque::from([
            started(1),
            progressed(1, 10),
            started(2),
            progressed(2, 10),
            progressed(1, 20),
            succeeded(2),
            succeeded(3),
            started(3),
        ]);
        drop_outdated(&mut waiting);
        let left: Vec<_> = waiting.iter().map(|o| (o.report.task.0.as_u128(), o.report.transition.clone())).collect();
        let expected = [started(1), progressed(1, 20), succeeded(2), succeeded(3), started(3)];
        assert_eq!(left, expected.map(|o| (o.report.task.0.as_u128(), o.report.transition)));
    }

    #[test]
    fn a_message_is_bounded_by_number_and_by_bytes() {
        let all = 2 * REPORTS_PER_MESSAGE_MAX + 7;
        let mut waiting: VecDeque<_> = (0..all as u128).map(succeeded).collect();
        let sizes: Vec<_> = std::iter::from_fn(|| {
            let (reports, jobs) = next_message(&mut waiting);
            assert_eq!(reports.len(), jobs.len());
            Some(reports.len()).filter(|len| *len > 0)
        })
        .collect();
        assert_eq!(sizes, [REPORTS_PER_MESSAGE_MAX, REPORTS_PER_MESSAGE_MAX, 7]);
        // Escapes count as what they become: 6 bytes for each of these.
        let mut waiting: VecDeque<_> = (0..20).map(|n| failed(n, &"\u{1}".repeat(4096))).collect();
        let (reports, _) = next_message(&mut waiting);
        let bytes = serde_json::to_vec(&reports).unwrap().len();
        assert!((100_000..=MESSAGE_BYTES_MAX).contains(&bytes), "{bytes}");
        let mut waiting = VecDeque::from([failed(1, &"\u{1}".repeat(MESSAGE_BYTES_MAX))]);
        assert_eq!(next_message(&mut waiting).0.len(), 1);
    }
}
