//! The narrow doors between the pure core and the world, each with its contract.
//!
//! Every port has an in-memory version here ([`memory`]) and one on JetStream in the binary; the same contract suite
//! runs on both. The traits use plain futures, so core needs no runtime.

mod ask;
mod inbox;
mod log;
pub mod memory;
mod task_queue;

pub use ask::Ask;
pub use inbox::{Inbox, InboxMessage, InboxReader};
pub use log::{AppendError, Log, LogEntry, LogReader, first_after, goes_on_at};
pub use task_queue::{Claimed, Dispatcher, Reporter, TaskSource};

/// The far side cannot be reached or did not answer; the operation may or may not have happened.
///
/// Whoever gets this waits a little and asks again; nothing was concluded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is unavailable: {why}")]
pub struct Unavailable {
    /// What was asked, such as `stream STELE_LOG`.
    pub what: String,
    /// What the client library said.
    pub why: String,
}
