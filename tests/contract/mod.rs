//! The contracts of core's ports as tests that run on every implementation: in memory, and on each NATS server.
//!
//! A test takes the port and a [`Nudge`]. The ports in memory have no clock, so a call that waits in vain returns only
//! when it is nudged; the real ones return by themselves.

#![allow(clippy::unwrap_used, reason = "these are tests, though the lint does not see it in shared functions")]

pub(crate) mod cluster;
pub(crate) mod duel;
pub(crate) mod inbox;
pub(crate) mod log;
pub(crate) mod reporter;
pub(crate) mod task_queue;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Lets waiting calls return as if about a second had passed; does nothing where time passes by itself.
pub(crate) type Nudge = Arc<dyn Fn() + Send + Sync>;

/// A nudge for implementations with a clock.
pub(crate) fn no_nudge() -> Nudge {
    Arc::new(|| ())
}

/// How long a real implementation may take for what should take a second at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a call that may wait in vain, nudging it.
pub(crate) async fn nudged<T>(nudge: &Nudge, call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match tokio::time::timeout(Duration::from_millis(50), &mut call).await {
            Ok(value) => return value,
            Err(_) => {
                assert!(tokio::time::Instant::now() < deadline, "a call that waits about a second took {PATIENCE:?}")
            }
        }
        nudge();
    }
}

/// Waits for a call that must not wait in vain.
pub(crate) async fn soon<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, call).await.expect("it happens within the patience")
}
