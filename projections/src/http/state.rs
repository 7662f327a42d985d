use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stele_core::chap::ChapKey;
use stele_core::unit::Timestamp;
use tokio::sync::watch;

use super::metrics::Counters;
use crate::follow::{Progress, Stop};
use crate::reader::Reader;
use crate::v3::auth::Authenticator;

/// Tells the time; an argument, so that tests decide it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What can be chosen about the HTTP side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiOptions {
    /// How long a request waits at most for the position that it demands.
    pub min_position_wait: Duration,
    /// How often a stream of events without events sends a comment, so that proxies keep the connection.
    pub heartbeat: Duration,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self { min_position_wait: Duration::from_secs(5), heartbeat: Duration::from_secs(15) }
    }
}

/// What the routes answer from; a clone costs a few reference counts.
pub struct ApiState<L> {
    pub(super) reader: Reader,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) log: L,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    pub(super) options: ApiOptions,
    pub(super) authenticator: Authenticator,
    pub(super) chap_key: Option<ChapKey>,
    pub(super) counters: Counters,
}

impl<L> ApiState<L> {
    /// `progress` is that of the [`crate::follow::follow`] of the reader's projection; `log` is read for live events,
    /// which end with `stop`. Who is answered, `authenticator` finds out.
    pub fn new(
        reader: Reader,
        progress: watch::Receiver<Progress>,
        log: L,
        clock: Clock,
        stop: Stop,
        options: ApiOptions,
        authenticator: Authenticator,
    ) -> Self {
        let (chap_key, counters) = (None, Counters::default());
        Self { reader, progress, log, clock, stop, options, authenticator, chap_key, counters }
    }

    /// Shows connections with the passwords that this key leads to.
    #[must_use]
    pub fn with_chap_key(self, chap_key: Option<ChapKey>) -> Self {
        Self { chap_key, ..self }
    }
}

impl<L: Clone> Clone for ApiState<L> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            progress: self.progress.clone(),
            log: self.log.clone(),
            clock: Arc::clone(&self.clock),
            stop: self.stop.clone(),
            options: self.options,
            authenticator: self.authenticator.clone(),
            chap_key: self.chap_key.clone(),
            counters: self.counters.clone(),
        }
    }
}

impl<L> fmt::Debug for ApiState<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState").field("options", &self.options).finish_non_exhaustive()
    }
}
