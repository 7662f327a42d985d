//! The control role: one leads and writes the log, the others stand by, warm.
//!
//! ```text
//! standby --(no heartbeat, caught up)--> claim --(append wins)--> lead --(append loses, higher epoch)--> standby
//! ```
//!
//! Safety is the log's compare-and-swap alone; heartbeats only keep standbys from claiming too early.

mod arrivals;
mod effects;
mod journal;
mod lead;
mod reply;
mod standby;

use std::path::PathBuf;
use std::time::Duration;

use stele_core::fold::{FoldError, Folded};
use stele_core::id::WriterId;
use stele_core::port::Unavailable;
use stele_core::state::Config;
use stele_core::unit::Position;
use stele_replay::archive::{Archive, ArchiveError};
use stele_replay::source::SourceError;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use journal::{JOURNAL_FILE, Journal, JournalError};

use crate::archive::{CellLog, cell_log};
use crate::nats::{Connection, JetStreamDispatcher, JetStreamInbox, StreamSettings};

/// How a control runs.
#[derive(Debug, Clone)]
pub struct ControlSettings {
    /// What it decides by when it leads.
    pub config: Config,
    /// Its own folder, for the journal.
    pub data: PathBuf,
    /// Whether the server writes every record to disk before it acknowledges; else the journal does.
    pub server_syncs: bool,
    /// How long the leader may be silent before this one claims.
    pub claim_after: Duration,
    /// Where it runs; only for people.
    pub host: String,
    /// How the streams are made when the task queue was lost.
    pub streams: StreamSettings,
    /// Where the log's beginning is when the stream does not hold it any more.
    pub archive: Option<Archive>,
}

/// Why a control stopped.
#[derive(Debug, thiserror::Error)]
pub enum ControlFailed {
    /// The log cannot be understood.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The log has lost records that this control knows were acknowledged, or holds other ones.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The archive cannot be read, or is not the beginning of this log.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The log does not hold what has to be folded next.
    #[error("LogArchived: this control has folded the log up to position {}; {what}", seen.0)]
    LogArchived {
        /// Up to where it was folded.
        seen: Position,
        /// What is missing.
        what: SourceError,
    },
    /// A decision did not fit the state: a fault of this program.
    #[error(transparent)]
    Corrupt(#[from] stele_core::evolve::Corrupt),
    /// The log does not take records.
    #[error("the log does not take records: {0}. If it is full, raise max_bytes of stream STELE_LOG")]
    LogRefuses(String),
    /// NATS went away for good.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The doors that a control uses.
#[derive(Debug, Clone)]
struct Doors {
    connection: Connection,
    log: CellLog,
    inbox: JetStreamInbox,
    dispatcher: JetStreamDispatcher,
}

/// Runs a control until `stop`.
///
/// # Errors
/// [`ControlFailed`]: the process must end, and says what to do.
pub async fn run(
    connection: Connection,
    settings: ControlSettings,
    stop: CancellationToken,
) -> Result<(), ControlFailed> {
    let doors = Doors {
        log: cell_log(&connection, settings.archive.clone()),
        inbox: JetStreamInbox::new(&connection),
        dispatcher: JetStreamDispatcher::new(&connection, settings.streams.clone()),
        connection,
    };
    doors.log.join().await?;
    let journal = Journal::open(&settings.data.join(JOURNAL_FILE), !settings.server_syncs)?;
    journal.check_against(&doors.log).await?;
    let writer = WriterId(uuid::Uuid::now_v7());
    let mut folded = Folded::default();
    loop {
        let caught_up = standby::until_claim(&doors, &settings, writer, &mut folded, &stop).await?;
        let Some(tail) = caught_up else { return Ok(()) };
        let (back, why) = lead::lead(&doors, &settings, writer, folded, tail, &journal, &stop).await?;
        folded = back;
        match why {
            lead::Ended::Stopped => return Ok(()),
            lead::Ended::Deposed(why) => warn!(%why, "no longer leading; standing by"),
        }
    }
}

/// Runs a control and reports why it ended, for callers that have nothing else to do with the error.
pub async fn run_logged(connection: Connection, settings: ControlSettings, stop: CancellationToken) -> bool {
    match run(connection, settings, stop).await {
        Ok(()) => {
            info!("control stopped");
            true
        }
        Err(failed) => {
            error!("control stopped: {failed}");
            false
        }
    }
}
