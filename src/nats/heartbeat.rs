//! The writer tells standbys that it lives. Safety never depends on it: it only keeps standbys from claiming too early.

use std::fmt;

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use stele_core::id::WriterId;
use stele_core::port::Unavailable;
use stele_core::unit::Position;
use tracing::warn;

use super::connect::Connection;
use super::patience::unavailable;
use super::subject::leader_subject;

/// What the writer says, on `stele.leader.<shard>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Its epoch.
    pub epoch: u64,
    /// Who it is.
    pub writer: WriterId,
    /// The last position that it appended.
    pub position: Position,
}

/// The writer's side.
#[derive(Clone)]
pub struct HeartbeatSender {
    client: Client,
    subject: String,
}

impl fmt::Debug for HeartbeatSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatSender").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl HeartbeatSender {
    /// The sender for a shard.
    #[must_use]
    pub fn new(connection: &Connection, shard: u32) -> Self {
        Self { client: connection.client().clone(), subject: leader_subject(shard) }
    }

    /// Sends one heartbeat.
    ///
    /// # Errors
    /// [`Unavailable`] when the client is closed.
    pub async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), Unavailable> {
        let payload = serde_json::to_vec(heartbeat).map_err(|e| unavailable(self.subject.clone(), e))?;
        let sent = self.client.publish(self.subject.clone(), payload.into()).await;
        sent.map_err(|e| unavailable(self.subject.clone(), e))
    }
}

/// A standby's side.
pub struct HeartbeatListener {
    arrivals: Subscriber,
}

impl fmt::Debug for HeartbeatListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeartbeatListener")
    }
}

impl HeartbeatListener {
    /// Listens to the writer of a shard; when this returns, the server knows.
    ///
    /// # Errors
    /// [`Unavailable`] when the server cannot be told.
    pub async fn listen(connection: &Connection, shard: u32) -> Result<Self, Unavailable> {
        let subject = leader_subject(shard);
        let subscribed = connection.client().subscribe(subject.clone()).await;
        let arrivals = subscribed.map_err(|e| unavailable(subject, e))?;
        connection.flush().await?;
        Ok(Self { arrivals })
    }

    /// The next heartbeat; what cannot be read as one is skipped. `None` when the connection is closed for good.
    pub async fn next(&mut self) -> Option<Heartbeat> {
        loop {
            let message = self.arrivals.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(heartbeat) => return Some(heartbeat),
                Err(error) => warn!(subject = %message.subject, %error, "something that is no heartbeat was skipped"),
            }
        }
    }
}
