//! Standing by: folding the log as it grows, ready to lead within a moment.

use std::time::Duration;

use stele_core::fold::{Folded, Folding};
use stele_core::id::WriterId;
use stele_core::port::{Log as _, LogReader as _, Unavailable};
use stele_core::unit::Position;
use stele_replay::source::missing;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{ControlFailed, ControlSettings, Doors, JournalError};
use crate::logging;
use crate::nats::HeartbeatListener;

/// Messages that are folded between two looks at the heartbeat.
const BATCH: usize = 1000;

/// How long to wait before the log is asked again when it did not answer.
const RETRY: Duration = Duration::from_millis(200);

/// Follows the log until nobody leads. Gives the stream's tail up to which `folded` is complete; `None` to stop.
pub(super) async fn until_claim(
    doors: &Doors,
    settings: &ControlSettings,
    writer: WriterId,
    folded: &mut Folded,
    stop: &CancellationToken,
) -> Result<Option<Position>, ControlFailed> {
    let mut heartbeats = HeartbeatListener::listen(&doors.connection, 0).await?;
    // Two standbys do not claim at the same moment: not for safety, only to spare one of them the lost race.
    let spread = Duration::from_millis(u64::from(writer.0.as_bytes()[15]));
    let patience = settings.claim_after + if settings.claim_after.is_zero() { Duration::ZERO } else { spread };
    let mut silent_since = Instant::now();
    let mut seen = folded.chain.position;
    let mut reader = None;
    info!(position = %seen, "standing by");
    loop {
        let open = match reader.take() {
            Some(open) => Ok(open),
            None => doors.log.read_from(seen.next()).await,
        };
        let mut open = match open {
            Ok(open) => open,
            Err(error) => {
                not_archived(doors, seen).await?;
                pause(&error, stop).await;
                if stop.is_cancelled() {
                    return Ok(None);
                }
                continue;
            }
        };
        let claim_at = silent_since + patience;
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            beat = heartbeats.next() => {
                let Some(beat) = beat else { return Err(closed()) };
                if beat.epoch >= folded.chain.epoch {
                    silent_since = Instant::now();
                }
                reader = Some(open);
            }
            batch = open.next_batch(BATCH) => match batch {
                Ok(entries) => {
                    for entry in entries {
                        seen = entry.position;
                        if let Folding::Skipped(reason) = folded.fold(&entry)? {
                            warn!(position = %entry.position, %reason, "a message in the log's stream is no record; skipped");
                        }
                    }
                    logging::follow(&folded.state.log_levels, logging::CONTROL, &settings.host);
                    reader = Some(open);
                }
                Err(error) => {
                    not_archived(doors, seen).await?;
                    pause(&error, stop).await;
                }
            },
            () = tokio::time::sleep_until(claim_at) => reader = Some(open),
        }
        if Instant::now() >= claim_at && doors.connection.is_connected() {
            match doors.log.tail().await {
                Ok(tail) if tail < seen => return Err(JournalError::LogShorter { tail, acknowledged: seen }.into()),
                Ok(tail) if tail == seen => return Ok(Some(tail)),
                Ok(tail) => debug!(%tail, at = %seen, "catching up before claiming"),
                Err(error) => pause(&error, stop).await,
            }
        }
    }
}

/// The log does not give what comes next: whether it will ever be able to.
async fn not_archived(doors: &Doors, seen: Position) -> Result<(), ControlFailed> {
    match missing(&doors.log, seen.next()).await {
        Ok(Some(what)) => Err(ControlFailed::LogArchived { seen, what }),
        Ok(None) | Err(_) => Ok(()),
    }
}

async fn pause(error: &Unavailable, stop: &CancellationToken) {
    warn!(%error, "waiting for the log");
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(RETRY) => {}
    }
}

fn closed() -> ControlFailed {
    ControlFailed::Unavailable(Unavailable { what: "NATS".to_owned(), why: "the connection was closed".to_owned() })
}
