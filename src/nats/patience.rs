//! How long to wait, and how often to try again.

use std::future::Future;
use std::time::Duration;

use stele_core::port::Unavailable;
use tokio::time::{Instant, sleep_until};

/// The first pause between two attempts: a leader election in a healthy cluster is over within some of these.
const PAUSE_FIRST: Duration = Duration::from_millis(20);

/// The longest pause: a server that comes back is noticed within half a second.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Growing pauses between attempts. Without them a missing leader turns into a busy loop of "no responders".
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: PAUSE_FIRST }
    }

    /// Waits for the next pause, but not past `deadline`.
    pub(super) async fn pause(&mut self, deadline: Instant) {
        sleep_until((Instant::now() + self.next).min(deadline)).await;
        self.next = (self.next * 2).min(PAUSE_MAX);
    }
}

/// Repeats an operation that is safe to repeat until it gives an answer or `within` has passed.
pub(super) async fn patiently<T, F, Fut>(within: Duration, mut operation: F) -> Result<T, Unavailable>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Unavailable>>,
{
    let deadline = Instant::now() + within;
    let mut backoff = Backoff::new();
    loop {
        match operation().await {
            Err(_) if Instant::now() < deadline => backoff.pause(deadline).await,
            answer => return answer,
        }
    }
}

/// Puts a client library's error into the port's words.
pub(super) fn unavailable(what: impl Into<String>, why: impl std::fmt::Display) -> Unavailable {
    Unavailable { what: what.into(), why: why.to_string() }
}
