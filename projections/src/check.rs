use stele_core::port::{Log, Unavailable, goes_on_at};
use stele_core::unit::{Hash, Position};

use crate::projection::{Cursor, Projection};

/// The log is not the one that was applied. The process that meets it stops: it serves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The log ends before what was applied.
    #[error(
        "the log has lost records: it ends at position {log_tail}, and this projection was folded up to {have}. \
         Nothing is served. Keep the log and this file as they are, stop every control, and run `stele replay verify`"
    )]
    Shorter {
        /// Up to where it was applied.
        have: Position,
        /// Where the log ends.
        log_tail: Position,
    },
    /// What was applied last, or what comes next, is not in the log any more, and the log goes on behind it.
    #[error(
        "the log does not hold position {position} any more, which is needed here: it was archived, purged or deleted. \
         Nothing is served. Name the archive that holds it with --archive"
    )]
    Gone {
        /// The position that is needed.
        position: Position,
    },
    /// Something else stands where the last applied record stood.
    #[error(
        "the log was changed: the record at position {position} had hash {expected}, and there is now one with hash \
         {found}. Nothing is served. Keep the log and this file as they are, stop every control, and run `stele replay \
         verify`"
    )]
    Differs {
        /// Where it stands.
        position: Position,
        /// The hash of what was applied.
        expected: Hash,
        /// The hash of what is there.
        found: Hash,
    },
}

/// Why a projection could not be found to match the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It does not.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It could not be found out.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Projection {
    /// Makes sure that the log still holds what was applied, before anything is served or folded on.
    ///
    /// # Errors
    /// [`CheckError`].
    pub async fn check_against<L: Log>(&self, log: &L) -> Result<(), CheckError> {
        check(*self.cursor(), log).await
    }
}

/// See [`Projection::check_against`].
pub(crate) async fn check<L: Log>(cursor: Cursor, log: &L) -> Result<(), CheckError> {
    let log_tail = log.tail().await?;
    if log_tail < cursor.seen {
        return Err(LogError::Shorter { have: cursor.seen, log_tail }.into());
    }
    goes_on(cursor.seen.next(), log).await?;
    let position = cursor.chain.position;
    if position == Position(0) {
        return Ok(());
    }
    let Some(entry) = log.get(position).await? else { return Err(LogError::Gone { position }.into()) };
    let (expected, found) = (cursor.chain.hash, Hash::of(&entry.payload));
    if found == expected { Ok(()) } else { Err(LogError::Differs { position, expected, found }.into()) }
}

/// Whether the log holds what comes next, where it goes on.
pub(crate) async fn goes_on<L: Log>(position: Position, log: &L) -> Result<(), CheckError> {
    match goes_on_at(log, position).await? {
        Some(_) => Err(LogError::Gone { position }.into()),
        None => Ok(()),
    }
}
