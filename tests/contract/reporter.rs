//! The contract of [`Reporter`], with control's side of it.

use stele_core::id::{BackendName, FlowId, TaskId, VolumeId, WorkerName};
use stele_core::port::Reporter;
use stele_core::task::{Operation, Phase, Report, ReportBody, ReportReply, TASK_VERSION, TaskReport, Transition};
use stele_core::unit::{Position, Timestamp};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Nudge, nudged, soon};

/// What control answers to a report.
pub(crate) type Answer = Box<dyn FnMut(&Report) -> ReportReply + Send>;

/// Runs every test of the contract. `serve` starts control's side, which answers every report until it is aborted.
pub(crate) async fn all<R: Reporter, F: Future<Output = JoinHandle<()>>>(
    reporter: R,
    serve: impl FnOnce(Answer) -> F,
    nudge: Nudge,
) {
    let silent = nudged(&nudge, reporter.report(&report(1))).await;
    assert!(silent.is_err(), "nobody answers: {silent:?}");
    let control = serve(Box::new(answer)).await;
    every_report_gets_its_own_reply(&reporter).await;
    control.abort();
}

fn number(report: &Report) -> u64 {
    match &report.body {
        ReportBody::Tasks(reports) => u64::try_from(reports[0].task.0.as_u128()).unwrap(),
        ReportBody::Backend(_) | ReportBody::Inventory(_) => 0,
    }
}

fn answer(report: &Report) -> ReportReply {
    match number(report) {
        n if n % 2 == 0 => ReportReply::recorded(Position(n)),
        n => ReportReply::Refused(format!("odd: {n}")),
    }
}

fn report(number: u64) -> Report {
    let backend = BackendName::new("node.rack@lvm").unwrap();
    let volume = VolumeId(Uuid::from_u128(9));
    let report = TaskReport {
        task: TaskId(Uuid::from_u128(u128::from(number))),
        flow: FlowId(Uuid::from_u128(8)),
        pool: backend.pool("vg").unwrap(),
        operation: Operation::DeleteVolume { volume },
        phase: Phase::Revert,
        dispatch: 3,
        transition: Transition::Progressed { at: Timestamp::from_micros(1), step: "wipe".to_owned(), percent: 40 },
    };
    Report { v: TASK_VERSION, worker: WorkerName::new("node:1").unwrap(), body: ReportBody::Tasks(vec![report]) }
}

async fn every_report_gets_its_own_reply<R: Reporter>(reporter: &R) {
    let senders: Vec<_> = (0..64)
        .map(|n| {
            let reporter = reporter.clone();
            tokio::spawn(async move { (n, reporter.report(&report(n)).await) })
        })
        .collect();
    for sender in senders {
        let (n, reply) = soon(sender).await.unwrap();
        assert_eq!(reply.unwrap(), answer(&report(n)));
    }
}
