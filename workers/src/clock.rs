//! Time as an argument, so that the simulator runs the same worker with time of its own.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stele_core::unit::Timestamp;

/// What a worker knows of time.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The moment.
    fn now(&self) -> Timestamp;

    /// Returns after so many milliseconds, not before.
    fn sleep_ms(&self, millis: u64) -> impl Future<Output = ()> + Send;
}

/// The machine's clock and tokio's timers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 reads as 1970: every deadline is then far away, which is the harmless direction.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    async fn sleep_ms(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}
