//! The simulator polls a worker by hand, with time of its own: nothing in the loop may need tokio's runtime.

use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use stele_core::task::{ReportReply, Task};
use stele_core::unit::Timestamp;

use super::*;

/// Time that the test moves.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep_ms(&self, millis: u64) {
        let end = self.now().plus_ms(millis);
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if self.now() >= end { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Gives its tasks once, and then nothing more.
struct Once(Vec<Task>);

struct Given(Result<Task, String>);

impl TaskSource for Once {
    type Claimed = Given;

    async fn claim(&mut self, max: usize) -> Result<Vec<Given>, Unavailable> {
        if self.0.is_empty() {
            std::future::pending::<()>().await;
        }
        let count = max.min(self.0.len());
        Ok(self.0.drain(..count).map(|task| Given(Ok(task))).collect())
    }
}

impl Claimed for Given {
    fn task(&self) -> &Result<Task, String> {
        &self.0
    }

    async fn in_progress(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn done(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    fn patience_ms(&self) -> u64 {
        3000
    }
}

#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<Report>>>);

impl Reporter for Noted {
    async fn report(&self, report: &Report) -> Result<ReportReply, Unavailable> {
        let mut noted = self.0.lock().unwrap();
        noted.push(report.clone());
        Ok(ReportReply::recorded(Position(noted.len() as u64)))
    }
}

/// Polls a worker to its end, a millisecond after the other; everything that was reported, as text.
fn simulate() -> String {
    let (clock, reporter, host) = (Moved::default(), Noted::default(), host());
    let worker = Worker {
        name: WorkerName::new("n1:simulated").unwrap(),
        config: config(),
        source: Once((0..10).map(|n| create_task(n, 1)).collect()),
        reporter: reporter.clone(),
        driver: host.driver(),
        clock: clock.clone(),
    };
    let end = clock.clone();
    let mut run = Box::pin(worker.run(async move { end.sleep_ms(15_000).await }));
    let mut context = Context::from_waker(Waker::noop());
    let ended = loop {
        if let Poll::Ready(ended) = run.as_mut().poll(&mut context) {
            break ended;
        }
        clock.0.fetch_add(1, Ordering::Relaxed);
    };
    // The last claim is waited for.
    assert_eq!((ended, clock.now()), (Ended { abandoned: 0 }, Timestamp::from_millis(17_000)));
    assert_eq!(host.objects(&pool()).len(), 8);
    format!("{:?}", reporter.0.lock().unwrap())
}

#[test]
fn a_worker_runs_without_a_runtime_and_twice_the_same() {
    let first = simulate();
    assert_eq!(first.matches("Succeeded").count(), 8);
    assert_eq!(first.matches("NoSpace").count(), 2);
    // One at the start, which knows a position from the tasks, and one ten seconds later.
    assert_eq!(first.matches("BackendReport").count(), 2);
    assert_eq!(simulate(), first);
}
