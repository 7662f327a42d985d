use stele_core::port::{Log, Unavailable};
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
    /// Something else stands where the last applied record stood.
    #[error(
        "the log was changed: the record at position {position} had hash {expected}, and there is now {}. \
         Nothing is served. Keep the log and this file as they are, stop every control, and run `stele replay verify`",
        found.map_or_else(|| "no message".to_owned(), |hash| format!("one with hash {hash}"))
    )]
    Differs {
        /// Where it stands.
        position: Position,
        /// The hash of what was applied.
        expected: Hash,
        /// The hash of what is there; `None` when there is no message.
        found: Option<Hash>,
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
    let position = cursor.chain.position;
    if position == Position(0) {
        return Ok(());
    }
    let found = log.get(position).await?.map(|entry| Hash::of(&entry.payload));
    let expected = cursor.chain.hash;
    if found == Some(expected) {
        return Ok(());
    }
    Err(LogError::Differs { position, expected, found }.into())
}
