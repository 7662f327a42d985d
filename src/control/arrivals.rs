//! What comes in while leading: requests, the inbox; each becomes an [`Arrival`] in one bounded queue.

use std::sync::Arc;
use std::time::Duration;

use stele_core::command::{Incoming, Source, parse};
use stele_core::id::{CommandId, ProjectId};
use stele_core::port::{Inbox as _, InboxMessage, InboxReader as _};
use stele_core::record::Outcome;
use stele_core::refusal::{Refusal, RefusalCode};
use stele_core::unit::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::warn;
use uuid::Uuid;

use super::Doors;
use super::reply::ReplyTo;
use crate::nats::{IncomingRequest, RequestListener};

/// Messages that may wait to be decided. At the rates of a busy cell this is less than a second's worth: whoever
/// comes later is told so at once instead of waiting in the dark.
pub(super) const ARRIVALS_MAX: usize = 8192;

/// What they may have together, in KiB: messages can be large, and memory is not.
pub(super) const ARRIVALS_KIB_MAX: usize = 64 * 1024;

/// Inbox messages that are read at once.
const INBOX_BATCH: usize = 512;

/// A message and the way of its answer.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) incoming: Incoming,
    pub(super) reply: Option<ReplyTo>,
    /// Its part of [`ARRIVALS_KIB_MAX`], given back when it was decided.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

fn kib(payload: &[u8]) -> u32 {
    u32::try_from(payload.len() / 1024 + 1).unwrap_or(u32::MAX)
}

/// Takes requests in for as long as somebody listens to the queue.
pub(super) async fn requests(mut listener: RequestListener, room: Arc<Semaphore>, queue: mpsc::Sender<Arrival>) {
    while let Some(request) = listener.next().await {
        let mut arrival = of_request(request);
        arrival.room = room.clone().try_acquire_many_owned(kib(&arrival.incoming.payload)).ok();
        if arrival.room.is_none() {
            refuse(&arrival).await;
        } else if let Err(mpsc::error::TrySendError::Full(refused)) = queue.try_send(arrival) {
            refuse(&refused).await;
        }
        if queue.is_closed() {
            return;
        }
    }
}

fn of_request(request: IncomingRequest) -> Arrival {
    let source = if request.subject.starts_with("stele.report.") { Source::Report } else { Source::Ask };
    let incoming = Incoming {
        subject: request.subject.clone(),
        payload: request.payload.clone(),
        source,
        fallback_id: CommandId(Uuid::now_v7()),
    };
    let reply = request.reply_subject().is_some().then(|| ReplyTo::Request(Box::new(request)));
    Arrival { incoming, reply, room: None }
}

/// A command that finds the queue full is told so; a report is sent again by its worker anyway.
async fn refuse(arrival: &Arrival) {
    let Some(ReplyTo::Request(request)) = &arrival.reply else { return };
    if arrival.incoming.source != Source::Ask {
        return;
    }
    let refusal = Refusal::new(
        RefusalCode::Overloaded,
        format!("{ARRIVALS_MAX} messages or {ARRIVALS_KIB_MAX} KiB are waiting to be decided"),
        "send the same command again, with the same id, after a moment",
    );
    let outcome = Outcome::unrecorded(parse(&arrival.incoming).id, refusal);
    request.respond(outcome.to_json().into()).await.ok();
}

/// Reads the inbox from behind `sequence` for as long as somebody listens to the queue.
pub(super) async fn inbox(
    doors: Doors,
    created: Timestamp,
    mut sequence: u64,
    room: Arc<Semaphore>,
    queue: mpsc::Sender<Arrival>,
) {
    loop {
        let mut reader = match doors.inbox.read_after(sequence).await {
            Ok(reader) => reader,
            Err(error) => {
                warn!(%error, "waiting for the inbox");
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
        };
        loop {
            if queue.is_closed() {
                return;
            }
            match reader.next_batch(INBOX_BATCH).await {
                Ok(messages) => {
                    for message in messages {
                        sequence = message.sequence;
                        let taken = room.clone().acquire_many_owned(kib(&message.payload)).await.ok();
                        if queue.send(of_inbox(message, created, taken)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    warn!(%error, "reading the inbox anew");
                    break;
                }
            }
        }
    }
}

/// A command without an id gets one from its place in the inbox, so that reading it twice is reading it once.
fn of_inbox(message: InboxMessage, created: Timestamp, room: Option<OwnedSemaphorePermit>) -> Arrival {
    let place = format!("stele inbox {} {}", created.micros(), message.sequence);
    let reply = message.subject.split('.').nth(2).and_then(|token| ProjectId::new(token).ok()).map(ReplyTo::Outcomes);
    let incoming = Incoming {
        source: Source::Inbox(message.sequence),
        subject: message.subject,
        payload: message.payload,
        fallback_id: CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, place.as_bytes())),
    };
    Arrival { incoming, reply, room }
}
