//! The port [`Ask`] on request and reply.

use std::time::Duration;

use bytes::Bytes;
use stele_core::id::ProjectId;
use stele_core::port::{Ask, Unavailable};
use stele_core::record::Outcome;
use tokio::time::{Instant, sleep};

use super::ask::ask;
use super::connect::Connection;
use super::patience::unavailable;

/// How long a command waits for its outcome: long enough for a control to take over from another.
pub const OUTCOME_WITHIN: Duration = Duration::from_secs(15);

/// How long to wait before a command that was not recorded is sent again.
const UNRECORDED_PAUSE: Duration = Duration::from_millis(100);

/// Commands over a connection, each sent until its outcome is known.
#[derive(Debug, Clone)]
pub struct Commands {
    connection: Connection,
}

impl Commands {
    /// Sends over `connection`.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }
}

impl Ask for Commands {
    async fn ask(&self, project: &ProjectId, resource: &str, verb: &str, body: Bytes) -> Result<Outcome, Unavailable> {
        let subject = format!("stele.ask.{project}.{resource}.{verb}");
        let deadline = Instant::now() + OUTCOME_WITHIN;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let reply = ask(&self.connection, &subject, body.clone(), left).await?;
            let outcome: Outcome = serde_json::from_slice(&reply)
                .map_err(|error| unavailable(format!("control ({subject})"), format!("its reply is none: {error}")))?;
            // Not recorded: an earlier copy of it may still be waiting, so it is sent again under the same id.
            if outcome.position.is_some() || Instant::now() >= deadline {
                return Ok(outcome);
            }
            sleep(UNRECORDED_PAUSE).await;
        }
    }
}
