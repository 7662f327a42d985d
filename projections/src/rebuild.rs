use std::path::{Path, PathBuf};
use std::time::Duration;

use stele_core::chain::Opened;
use stele_core::port::{Log, LogReader, Unavailable};
use stele_core::unit::Position;
use tracing::warn;

use crate::check::{CheckError, LogError, goes_on};
use crate::follow::{BATCH, apply_in_background, open_in_background};
use crate::projection::{ApplyError, OpenError, Projection};
use crate::store::StoreError;

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
/// The past of the last `history` positions is made with it. The memory that it takes is that of the state and one batch, however long the log is.
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
    let mut projection = Projection::open_keeping(&beside, history)?;
    projection.expect_tail(tail);
    let mut tries = 0;
    while projection.cursor().seen < tail {
        let from = projection.cursor().seen;
        let (kept, result) = read_on(projection, log, tail, &mut on_progress).await;
        projection = kept;
        tries = if projection.cursor().seen > from { 0 } else { tries + 1 };
        match result {
            Ok(()) => {}
            Err(RebuildError::Unavailable(trouble)) if tries < TRIES_MAX => {
                warn!(%trouble, "the log does not answer; reading on where it stopped");
                let log_tail = log.tail().await.unwrap_or(tail);
                if log_tail < tail {
                    return Err(LogError::Shorter { have: tail, log_tail }.into());
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
    let done = progress_of(&projection, tail);
    projection.close().map_err(ApplyError::from)?;
    put_in_place(&beside, path)?;
    Ok(done)
}

async fn read_on<L: Log>(
    mut projection: Projection,
    log: &L,
    tail: Position,
    on_progress: &mut (impl FnMut(RebuildProgress) + Send),
) -> (Projection, Result<(), RebuildError>) {
    let mut reader = match log.read_from(projection.cursor().seen.next()).await {
        Ok(reader) => reader,
        Err(trouble) => return (projection, Err(trouble.into())),
    };
    let mut ahead = read_ahead(&mut reader, tail).await;
    loop {
        let messages = match ahead {
            Ok(messages) => messages,
            Err(trouble) => return (projection, Err(trouble.into())),
        };
        let is_last = messages.last().is_some_and(|last| last.entry.position >= tail);
        let next = async { if is_last { Ok(Vec::new()) } else { read_ahead(&mut reader, tail).await } };
        let ((kept, applied), next) = tokio::join!(apply_in_background(projection, messages), next);
        (projection, ahead) = (kept, next);
        if let Err(error) = applied {
            return (projection, Err(error.into()));
        }
        on_progress(progress_of(&projection, tail));
        if is_last {
            return (projection, Ok(()));
        }
    }
}

/// The next messages, parsed and hashed: what can be done of them while those before are applied.
async fn read_ahead<R: LogReader>(reader: &mut R, tail: Position) -> Result<Vec<Opened>, Unavailable> {
    let mut batch = reader.next_batch(BATCH).await?;
    // What was appended since, or is not wanted.
    batch.retain(|entry| entry.position <= tail);
    Ok(open_in_background(batch).await)
}

fn progress_of(projection: &Projection, tail: Position) -> RebuildProgress {
    RebuildProgress { position: projection.cursor().seen, tail, strays: projection.cursor().strays }
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
