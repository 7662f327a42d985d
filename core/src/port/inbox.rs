use std::future::Future;

use bytes::Bytes;

use super::Unavailable;
use crate::unit::Timestamp;

/// A command that somebody published and forgot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Its sequence in the inbox, from 1.
    pub sequence: u64,
    /// The subject, `stele.cmd.<project>.<resource>.<verb>`.
    pub subject: String,
    /// The bytes as published.
    pub payload: Bytes,
}

/// The durable inbox: messages stay until the log holds their outcome, then they are purged.
pub trait Inbox: Clone + Send + Sync + 'static {
    /// What [`Inbox::read_after`] gives.
    type Reader: InboxReader;

    /// When this inbox was created. Another value than before means that sequences start again.
    fn created(&self) -> impl Future<Output = Result<Timestamp, Unavailable>> + Send;

    /// Reads everything behind `sequence`, in order, without acknowledgements: the place is kept in the log.
    fn read_after(&self, sequence: u64) -> impl Future<Output = Result<Self::Reader, Unavailable>> + Send;

    /// Drops every message up to and including `sequence`. Safe to repeat.
    fn purge_through(&self, sequence: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// A place in the inbox that moves forward.
pub trait InboxReader: Send + 'static {
    /// The next messages, at most `max`; waits for the first one, at most about a second, and is empty when none came.
    fn next_batch(&mut self, max: usize) -> impl Future<Output = Result<Vec<InboxMessage>, Unavailable>> + Send;
}
