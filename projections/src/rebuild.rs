//! A projection from nothing.
//!
//! ```text
//! log --> [Bulk]: the state in memory, and in sorted runs on the disk all else --in the order of the keys--> the file
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `ahead.rs` | reading, parsing and hashing, while what stands before is folded |
//! | `bulk.rs` | the fold |
//! | `rows.rs` | the thread that makes rows of what was folded |
//! | `runs.rs` | sorting more than fits into memory |
//! | `write.rs` | the file |
//!
//! Row by row it takes two to three times as long: rows of the state change many times, and keys come in no order.

mod ahead;
mod bulk;
mod rows;
mod runs;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::Database;
use stele_core::port::{Log, Unavailable};
use stele_core::unit::Position;
use tracing::warn;

use crate::check::{CheckError, LogError, goes_on};
use crate::follow::in_background;
use crate::projection::{ApplyError, OpenError};
use crate::store::StoreError;
use ahead::Ahead;
use bulk::Bulk;

/// How often in a row the log may fail to answer before a rebuild gives up.
const TRIES_MAX: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    /// Up to where the log is folded.
    pub position: Position,
    /// Up to where it will be: the log's tail when the rebuild began.
    pub tail: Position,
    /// How many of the messages were no records.
    pub strays: u64,
    /// Once the log is folded: how many rows are written, and of how many.
    pub rows: Option<(u64, u64)>,
}

/// Why a projection was not made anew. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The new file could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log could not be folded.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The rows could not be written.
    #[error("the rows could not be written")]
    Store(#[from] StoreError),
    /// The log became shorter meanwhile, or does not hold its beginning.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log does not answer.
    #[error("the log could not be read to its end")]
    Unavailable(#[from] Unavailable),
    /// The new file could not be put in its place.
    #[error("{from} could not be renamed to {to}")]
    Rename {
        /// The new file.
        from: PathBuf,
        /// Its place.
        to: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
}

/// Folds the log from its first message up to its present tail into a new file beside `path`, and puts that in its
/// place at once. A process that has the old file open keeps it until it opens `path` again.
///
/// The past of the last `history` positions is made with it. Beside the state, the memory that it takes does not grow with
/// the log: what is sorted, read ahead and written holds some hundred MiB. On the disk it needs the room of the file
/// twice, for a while.
///
/// # Errors
/// [`RebuildError`]; `path` is untouched then.
pub async fn rebuild<L: Log>(
    log: &L,
    path: &Path,
    history: u64,
    on_progress: impl FnMut(RebuildProgress) + Send,
) -> Result<RebuildProgress, RebuildError> {
    let tail = log.tail().await?;
    rebuild_through(log, path, tail, history, on_progress).await
}

/// The same up to a position that the log holds, and not one message further.
///
/// # Errors
/// As [`rebuild`].
pub async fn rebuild_through<L: Log>(
    log: &L,
    path: &Path,
    tail: Position,
    history: u64,
    mut on_progress: impl FnMut(RebuildProgress) + Send,
) -> Result<RebuildProgress, RebuildError> {
    let beside = beside(path);
    remove_leftover(&beside)?;
    match goes_on(Position(1), log).await {
        Ok(()) => {}
        Err(CheckError::Log(error)) => return Err(error.into()),
        Err(CheckError::Unavailable(trouble)) => return Err(trouble.into()),
    }
    let made = make(log, &beside, tail, history, &mut on_progress).await;
    let placed = made.and_then(|done| put_in_place(&beside, path).map(|()| done));
    if placed.is_err() {
        // It may be as large as the disk is full.
        std::fs::remove_file(&beside).ok();
    }
    placed
}

async fn make<L: Log>(
    log: &L,
    path: &Path,
    tail: Position,
    history: u64,
    on_progress: &mut (impl FnMut(RebuildProgress) + Send),
) -> Result<RebuildProgress, RebuildError> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let database = write::create(path)?;
    let mut bulk = Bulk::new(folder, history, tail);
    let mut tries = 0;
    while bulk.known().cursor.seen < tail {
        let from = bulk.known().cursor.seen;
        let (back, result) = read_on(bulk, log, tail, on_progress).await;
        bulk = back;
        tries = if bulk.known().cursor.seen > from { 0 } else { tries + 1 };
        match result {
            Ok(()) => {}
            Err(RebuildError::Unavailable(trouble)) if tries < TRIES_MAX => {
                warn!(%trouble, "the log does not answer; reading on where it stopped");
                still_reaches(log, tail).await?;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
    let done = progress_of(&bulk, tail);
    let rows = write_rows(bulk, database, |rows| on_progress(RebuildProgress { rows: Some(rows), ..done })).await?;
    Ok(RebuildProgress { rows: Some(rows), ..done })
}

async fn read_on<L: Log>(
    mut bulk: Bulk,
    log: &L,
    tail: Position,
    on_progress: &mut (impl FnMut(RebuildProgress) + Send),
) -> (Bulk, Result<(), RebuildError>) {
    let seen = bulk.known().cursor.seen;
    let reader = match log.read_from(seen.next()).await {
        Ok(reader) => reader,
        Err(trouble) => return (bulk, Err(trouble.into())),
    };
    let mut ahead = Ahead::new(reader, seen, tail);
    while let Some(next) = ahead.next().await {
        let messages = match next {
            Ok(messages) => messages,
            Err(trouble) => return (bulk, Err(trouble.into())),
        };
        if messages.is_empty()
            && let Err(error) = still_reaches(log, tail).await
        {
            return (bulk, Err(error));
        }
        let apply = in_background(move || {
            let result = bulk.apply(messages);
            (bulk, result)
        });
        let ((back, applied), ()) = tokio::join!(apply, ahead.fill());
        bulk = back;
        if let Err(error) = applied {
            return (bulk, Err(error.into()));
        }
        on_progress(progress_of(&bulk, tail));
    }
    (bulk, Ok(()))
}

/// Whether the log, if it can be asked, is still as long as it was.
async fn still_reaches<L: Log>(log: &L, tail: Position) -> Result<(), RebuildError> {
    let log_tail = log.tail().await.unwrap_or(tail);
    if log_tail < tail { Err(LogError::Shorter { have: tail, log_tail }.into()) } else { Ok(()) }
}

/// Makes the file, and tells how many rows it has; `on_rows` how many of them are written.
async fn write_rows(
    bulk: Bulk,
    database: Database,
    mut on_rows: impl FnMut((u64, u64)),
) -> Result<(u64, u64), RebuildError> {
    let (tell, mut told) = tokio::sync::watch::channel((0, 0));
    let writing = in_background(move || {
        let made = bulk.made()?;
        write::write(&database, made, &tell)
    });
    tokio::pin!(writing);
    loop {
        tokio::select! {
            written = &mut writing => {
                written?;
                return Ok(*told.borrow());
            }
            Ok(()) = told.changed() => on_rows(*told.borrow_and_update()),
        }
    }
}

fn progress_of(bulk: &Bulk, tail: Position) -> RebuildProgress {
    let cursor = &bulk.known().cursor;
    RebuildProgress { position: cursor.seen, tail, strays: cursor.strays, rows: None }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".rebuilding");
    path.with_file_name(name)
}

/// A rebuild that was broken off leaves its file; it is of no use.
fn remove_leftover(beside: &Path) -> Result<(), OpenError> {
    match std::fs::remove_file(beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(OpenError::Unusable {
            path: beside.to_owned(),
            source: StoreError::Database(Box::new(redb::Error::Io(error))),
        }),
        _ => Ok(()),
    }
}

/// Renames, and brings the directory to the disk, without which the rename may be undone by a crash.
fn put_in_place(from: &Path, to: &Path) -> Result<(), RebuildError> {
    let renamed = std::fs::rename(from, to).and_then(|()| {
        let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(directory)?.sync_all()
    });
    renamed.map_err(|source| RebuildError::Rename { from: from.to_owned(), to: to.to_owned(), source })
}
