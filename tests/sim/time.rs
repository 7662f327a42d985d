//! Simulated time: one true time that only the simulator moves, and clocks that show it more or less rightly.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use stele_core::unit::Timestamp;
use stele_workers::clock::Clock;

/// Where time begins, in microseconds.
const START: i64 = 1_800_000_000_000_000;

/// The clock of one machine.
#[derive(Debug, Clone)]
pub(crate) struct SimClock {
    true_time: Arc<AtomicI64>,
    offset: Arc<AtomicI64>,
}

impl SimClock {
    pub(crate) fn new() -> Self {
        Self { true_time: Arc::new(AtomicI64::new(START)), offset: Arc::default() }
    }

    /// The clock of another machine, in the same time.
    pub(crate) fn of_another(&self) -> Self {
        Self { true_time: self.true_time.clone(), offset: Arc::default() }
    }

    /// Microseconds since the start, the same for everybody; what timers go by.
    pub(crate) fn since_start(&self) -> i64 {
        self.true_time.load(Ordering::Relaxed) - START
    }

    pub(crate) fn advance_us(&self, micros: u64) {
        self.true_time.fetch_add(i64::try_from(micros).unwrap_or(0), Ordering::Relaxed);
    }

    /// This machine's clock shows so much more, or less, than the truth.
    pub(crate) fn set_wrong_by_ms(&self, millis: i64) {
        self.offset.store(millis * 1000, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.true_time.load(Ordering::Relaxed) + self.offset.load(Ordering::Relaxed))
    }

    async fn sleep_ms(&self, millis: u64) {
        let end = self.since_start() + i64::try_from(millis).unwrap_or(i64::MAX / 2000) * 1000;
        poll_fn(|context| {
            if self.since_start() >= end {
                return Poll::Ready(());
            }
            // Whoever waits is polled again at each turn: nobody else knows when time moves.
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Polls a future once; dropped when it waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
