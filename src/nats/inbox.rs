//! The durable inbox on JetStream: read without acks, purged behind the log.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::Context;
use serde_json::json;
use stele_core::port::{Inbox, InboxMessage, InboxReader, Unavailable};
use stele_core::unit::Timestamp;

use super::connect::Connection;
use super::patience::{patiently, unavailable};
use super::reader::{Gaps, OrderedReader};
use super::stream_info::{api, existing_stream_info};
use super::streams::COMMANDS_STREAM;

/// For how long questions to the leader are repeated.
const ASK_WITHIN: Duration = Duration::from_secs(5);

/// The inbox's stream on NATS.
#[derive(Clone)]
pub struct JetStreamInbox {
    context: Context,
}

impl fmt::Debug for JetStreamInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JetStreamInbox")
    }
}

impl JetStreamInbox {
    /// The inbox of the cell. Its stream must exist ([`ensure_streams`](super::ensure_streams)).
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self { context: connection.context().clone() }
    }
}

impl Inbox for JetStreamInbox {
    type Reader = JetStreamInboxReader;

    async fn created(&self) -> Result<Timestamp, Unavailable> {
        patiently(ASK_WITHIN, || existing_stream_info(&self.context, COMMANDS_STREAM)).await?.created()
    }

    async fn read_after(&self, sequence: u64) -> Result<Self::Reader, Unavailable> {
        let from = sequence.saturating_add(1);
        let reader = OrderedReader::open(self.context.clone(), COMMANDS_STREAM, from, Gaps::AreSkipped).await?;
        Ok(JetStreamInboxReader(reader))
    }

    async fn purge_through(&self, sequence: u64) -> Result<(), Unavailable> {
        purge(&self.context, COMMANDS_STREAM, sequence).await
    }
}

/// Drops everything up to and including `sequence`. The server's purge is exclusive, hence the one more.
pub(super) async fn purge(context: &Context, stream: &str, sequence: u64) -> Result<(), Unavailable> {
    if sequence == 0 {
        return Ok(());
    }
    let request = format!("STREAM.PURGE.{stream}");
    let body = json!({ "seq": sequence.saturating_add(1) });
    match patiently(ASK_WITHIN, || api(context, &request, &body)).await? {
        Ok(_) => Ok(()),
        Err(error) => Err(unavailable(format!("purge of stream {stream}"), error)),
    }
}

/// A place in the inbox that moves forward.
#[derive(Debug)]
pub struct JetStreamInboxReader(OrderedReader);

impl InboxReader for JetStreamInboxReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<InboxMessage>, Unavailable> {
        let batch = self.0.next_batch(max).await?;
        let entry = |(sequence, message): (u64, async_nats::Message)| InboxMessage {
            sequence,
            subject: message.subject.into_string(),
            payload: message.payload,
        };
        Ok(batch.into_iter().map(entry).collect())
    }
}
