//! What comes in while leading: requests, the inbox; each becomes an [`Arrival`] in one bounded queue.

use std::time::Duration;

use stele_core::command::{Incoming, Source};
use stele_core::id::{CommandId, ProjectId};
use stele_core::port::{Inbox as _, InboxMessage, InboxReader as _};
use stele_core::record::Outcome;
use stele_core::refusal::{Refusal, RefusalCode};
use stele_core::unit::Timestamp;
use tokio::sync::mpsc;
use tracing::warn;
use uuid::Uuid;

use super::Doors;
use super::reply::ReplyTo;
use crate::nats::{IncomingRequest, RequestListener};

/// Messages that may wait to be decided. At the rates of a busy cell this is less than a second's worth: whoever
/// comes later is told so at once instead of waiting in the dark.
pub(super) const ARRIVALS_MAX: usize = 8192;

/// Inbox messages that are read at once.
const INBOX_BATCH: usize = 512;

/// A message and the way of its answer.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) incoming: Incoming,
    pub(super) reply: Option<ReplyTo>,
}

/// Takes requests in for as long as somebody listens to the queue.
pub(super) async fn requests(mut listener: RequestListener, queue: mpsc::Sender<Arrival>) {
    while let Some(request) = listener.next().await {
        if let Err(mpsc::error::TrySendError::Full(refused)) = queue.try_send(of_request(request)) {
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
    Arrival { incoming, reply }
}

/// A command that finds the queue full is told so; a report is sent again by its worker anyway.
async fn refuse(arrival: &Arrival) {
    let Some(ReplyTo::Request(request)) = &arrival.reply else { return };
    if arrival.incoming.source != Source::Ask {
        return;
    }
    let refusal = Refusal::new(
        RefusalCode::Overloaded,
        format!("{ARRIVALS_MAX} messages are waiting to be decided"),
        "send the command again after a moment; nothing of it was recorded",
    );
    let outcome = Outcome::unrecorded(arrival.incoming.fallback_id, refusal);
    request.respond(outcome.to_json().into()).await.ok();
}

/// Reads the inbox from behind `sequence` for as long as somebody listens to the queue.
pub(super) async fn inbox(doors: Doors, created: Timestamp, mut sequence: u64, queue: mpsc::Sender<Arrival>) {
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
                        if queue.send(of_inbox(message, created)).await.is_err() {
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
fn of_inbox(message: InboxMessage, created: Timestamp) -> Arrival {
    let place = format!("stele inbox {} {}", created.micros(), message.sequence);
    let reply = message.subject.split('.').nth(2).and_then(|token| ProjectId::new(token).ok()).map(ReplyTo::Outcomes);
    let incoming = Incoming {
        source: Source::Inbox(message.sequence),
        subject: message.subject,
        payload: message.payload,
        fallback_id: CommandId(Uuid::new_v5(&Uuid::NAMESPACE_OID, place.as_bytes())),
    };
    Arrival { incoming, reply }
}
