//! Everything that talks to NATS; the only place that knows the client library.
//!
//! ```text
//! connect ---- Connection ----+-- streams     creates the streams, refuses settings that lose data
//!                             +-- log         port Log        stream STELE_LOG, compare-and-swap appends
//!                             +-- inbox       port Inbox      stream STELE_COMMANDS, read without acks
//!                             +-- tasks       ports Dispatcher and TaskSource, stream STELE_TASKS
//!                             +-- reports     port Reporter, and control's side of requests
//!                             +-- heartbeat   the writer tells standbys that it lives
//!                             +-- ask         command and outcome as request and reply
//!                             '-- commands    port Ask, on top of it
//! server_check     which server versions are fit for which use
//! server_process   a server of our own on loopback, for `stele dev` and tests
//! ```
//!
//! Three habits keep this honest. A timeout proves nothing: whatever was sent may still happen, so every operation is
//! safe to repeat and is repeated. Every wait has its own deadline: the library starts some of its clocks only when a
//! future is polled. A reader trusts sequences, never silence: whatever looks odd makes it start again right behind
//! the last message that it gave.

mod ask;
mod commands;
mod connect;
mod heartbeat;
mod inbox;
mod log;
mod patience;
mod reader;
mod reports;
mod server_check;
mod server_process;
mod stream_info;
mod stream_rules;
mod streams;
mod subject;
mod tasks;

pub use ask::ask;
pub use commands::{Commands, OUTCOME_WITHIN};
pub use connect::{ConnectFailed, Connection, ConnectionSettings, Identity, connect, without_password};
pub use heartbeat::{Heartbeat, HeartbeatListener, HeartbeatSender};
pub use inbox::{JetStreamInbox, JetStreamInboxReader};
pub use log::{JetStreamLog, JetStreamLogReader, LogState};
pub use reports::{IncomingRequest, NatsReporter, ReplyRefused, RequestListener};
pub use server_check::{ServerFacts, ServerFinding, ServerVersion, Severity, check_server};
pub use server_process::{ServerProcess, ServerProcessFailed, ServerProcessSettings};
pub use stream_rules::UnsafeSetting;
pub use streams::{COMMANDS_STREAM, LOG_STREAM, StreamSettings, StreamsFailed, TASKS_STREAM, ensure_streams};
pub use subject::{
    ASK_SUBJECTS, REPORT_SUBJECTS, leader_subject, log_subject, outcome_subject, report_subject, task_subject,
};
pub use tasks::{JetStreamClaimed, JetStreamDispatcher, JetStreamTaskSource, TaskSourceSettings};
