use std::future::Future;
use std::time::Duration;

use stele_core::chain::Opened;
use stele_core::port::{Log, LogEntry, LogReader, Unavailable};
use stele_core::unit::Position;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::check::{CheckError, LogError, check};
use crate::projection::{Applied, ApplyError, Projection};

/// How many messages one transaction takes. With records of at most 256 KiB they stay below 64 MiB.
const BATCH: usize = 256;

/// The pauses between two tries to reach the log.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Tells a long-running part to come to its end: true, or a sender that is gone.
pub type Stop = watch::Receiver<bool>;

/// How far a projection is; what the HTTP side waits on.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Up to where the stream was looked at and applied.
    pub position: Position,
    /// The log's tail when following began; the projection is ready when it has reached it.
    pub target: Option<Position>,
    /// When it last knew that nothing newer was waiting.
    pub current_at: Option<Instant>,
    /// Why following has stopped for good: nothing is to be served any more.
    pub failure: Option<String>,
}

impl Progress {
    /// The progress of a projection that nobody follows yet.
    #[must_use]
    pub fn of(projection: &Projection) -> Self {
        Self { position: projection.cursor().seen, ..Self::default() }
    }

    /// True when everything that was in the log when following began is applied.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.failure.is_none() && self.target.is_some_and(|target| self.position >= target)
    }
}

/// Why following stopped.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log is not the one that was applied.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A batch could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Applies what the log holds and what is appended to it, until `stop`.
///
/// The log is checked against what was applied before the first message and after every lost connection. When it
/// cannot be reached it is tried again for ever; queries go on with what is there.
///
/// # Errors
/// [`FollowError`] when going on would serve something else than the log; it is in `progress` as well.
pub async fn follow<L: Log>(
    projection: Projection,
    log: L,
    mut stop: Stop,
    progress: watch::Sender<Progress>,
) -> Result<(), FollowError> {
    let result = run(projection, &log, &mut stop, &progress).await;
    if let Err(error) = &result {
        progress.send_modify(|progress| progress.failure = Some(error.to_string()));
    }
    result
}

async fn run<L: Log>(
    mut projection: Projection,
    log: &L,
    stop: &mut Stop,
    progress: &watch::Sender<Progress>,
) -> Result<(), FollowError> {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let Some(connected) = unless_stopped(stop, connect(&mut projection, log, progress)).await else { break };
        match connected {
            Ok(mut reader) => {
                let from = projection.cursor().seen;
                info!(from = from.next().0, "following the log");
                let (kept, ended) = follow_reader(projection, &mut reader, stop, progress).await?;
                projection = kept;
                // A log that lets itself be opened and not read is not to be asked twenty times a second.
                if projection.cursor().seen > from {
                    backoff = BACKOFF_FIRST;
                }
                match ended {
                    Ended::Stopped => break,
                    Ended::Lost(trouble) => warn!(%trouble, "the log does not answer; reading on where it stopped"),
                }
            }
            Err(CheckError::Log(error)) => return Err(error.into()),
            Err(CheckError::Unavailable(trouble)) => debug!(%trouble, "the log does not answer yet"),
        }
        if unless_stopped(stop, tokio::time::sleep(backoff)).await.is_none() {
            break;
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
    Ok(projection.close().map_err(ApplyError::from)?)
}

/// Checks the log and opens it behind what was applied.
async fn connect<L: Log>(
    projection: &mut Projection,
    log: &L,
    progress: &watch::Sender<Progress>,
) -> Result<L::Reader, CheckError> {
    check(*projection.cursor(), log).await?;
    let tail = log.tail().await?;
    projection.expect_tail(tail);
    let reader = log.read_from(projection.cursor().seen.next()).await?;
    progress.send_modify(|progress| {
        progress.position = projection.cursor().seen;
        progress.target.get_or_insert(tail);
        if progress.position >= tail {
            progress.current_at = Some(Instant::now());
        }
    });
    Ok(reader)
}

enum Ended {
    Stopped,
    Lost(Unavailable),
}

async fn follow_reader<R: LogReader>(
    mut projection: Projection,
    reader: &mut R,
    stop: &mut Stop,
    progress: &watch::Sender<Progress>,
) -> Result<(Projection, Ended), FollowError> {
    loop {
        let batch = match unless_stopped(stop, reader.next_batch(BATCH)).await {
            None => return Ok((projection, Ended::Stopped)),
            Some(Err(trouble)) => return Ok((projection, Ended::Lost(trouble))),
            Some(Ok(batch)) => batch,
        };
        let short = batch.len() < BATCH;
        let opened = open_in_background(batch).await;
        let (kept, applied) = apply_in_background(projection, opened).await;
        projection = kept;
        let position = applied?.position;
        progress.send_modify(|progress| {
            progress.position = position;
            // Far behind, a batch may be short because not more of it has arrived yet.
            if short && progress.target.is_some_and(|target| position >= target) {
                progress.current_at = Some(Instant::now());
            }
        });
    }
}

/// Applies a batch where blocking hurts nobody; an empty one only brings to the disk what is due.
async fn apply_in_background(
    mut projection: Projection,
    batch: Vec<Opened>,
) -> (Projection, Result<Applied, ApplyError>) {
    in_background(move || {
        let result = if batch.is_empty() { projection.flush_when_due() } else { projection.apply_opened(batch) };
        (projection, result)
    })
    .await
}

/// Reads messages as far as they can be read by themselves, while something else is applied.
async fn open_in_background(batch: Vec<LogEntry>) -> Vec<Opened> {
    in_background(move || batch.into_iter().map(Opened::of).collect()).await
}

pub(crate) async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    finished(spawn_blocking(work)).await
}

/// What became of work in the background.
pub(crate) async fn finished<T>(work: JoinHandle<T>) -> T {
    match work.await {
        Ok(done) => done,
        // The only way to get here is a panic in there, which is a fault of this code and stays one.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// What the future gives, or `None` when `stop` came first.
async fn unless_stopped<T>(stop: &mut Stop, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => None,
        output = future => Some(output),
    }
}

#[cfg(test)]
mod tests;
