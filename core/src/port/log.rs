use std::future::Future;

use bytes::Bytes;

use super::Unavailable;
use crate::unit::Position;

/// One message of the log's stream, valid record or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its stream sequence.
    pub position: Position,
    /// Its bytes, exactly as stored.
    pub payload: Bytes,
}

/// Why an append did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Something else stands at the place behind `expected`: another writer appended. Nothing was stored.
    #[error("the log moved on: position {0} is taken by another record")]
    Conflict(Position),
    /// The log cannot take it (full, too large, sealed). Nothing was stored and trying again does not help by itself.
    #[error("the log refused the record: {0}")]
    Refused(String),
    /// It could not be found out whether the record was stored.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The log: one totally ordered, gap-free, append-only sequence of messages.
pub trait Log: Clone + Send + Sync + 'static {
    /// What [`Log::read_from`] gives.
    type Reader: LogReader;

    /// Appends `payload` at exactly `expected + 1`, if and only if `expected` is the last position of the stream.
    ///
    /// `Ok(p)` means that these very bytes stand at `p = expected + 1` and that the log acknowledged them. An
    /// ambiguous answer is resolved inside: the same bytes are offered again with the same expectation until the
    /// compare-and-swap decides; a caller sees `Unavailable` only when that was not possible within the port's bound,
    /// and may call again with the same arguments. Two callers with the same expectation never both get `Ok` unless
    /// their bytes are equal.
    fn append(&self, payload: Bytes, expected: Position) -> impl Future<Output = Result<Position, AppendError>> + Send;

    /// The last position of the stream, asked of its leader; 0 when it is empty.
    fn tail(&self) -> impl Future<Output = Result<Position, Unavailable>> + Send;

    /// The message at a position, asked of the stream's leader. `None` when there is none.
    fn get(&self, position: Position) -> impl Future<Output = Result<Option<LogEntry>, Unavailable>> + Send;

    /// Reads from `from` (inclusive) on, in order, without gaps, for ever.
    fn read_from(&self, from: Position) -> impl Future<Output = Result<Self::Reader, Unavailable>> + Send;
}

/// Where a log goes on that does not hold a position any more; `None` when it holds it, or ends before.
///
/// # Errors
/// [`Unavailable`] when the log does not answer.
pub async fn goes_on_at<L: Log>(log: &L, position: Position) -> Result<Option<Position>, Unavailable> {
    // A server that leads only just now may not know yet what another one told: it is asked twice.
    for _ in 0..2 {
        if log.tail().await? < position || log.get(position).await?.is_some() {
            return Ok(None);
        }
    }
    first_after(log, position, log.tail().await?).await.map(Some)
}

/// The first message behind a missing one, in a log that ends at `tail`. A purge leaves one hole, so halving finds its
/// end with few questions; of several holes the end of one of them is found.
///
/// # Errors
/// [`Unavailable`] when the log does not answer.
pub async fn first_after<L: Log>(log: &L, missing: Position, tail: Position) -> Result<Position, Unavailable> {
    let (mut missing, mut there) = (missing.0, tail.next().0);
    while there - missing > 1 {
        let middle = missing + (there - missing) / 2;
        match log.get(Position(middle)).await? {
            Some(_) => there = middle,
            None => missing = middle,
        }
    }
    Ok(Position(there))
}

/// A place in the log that moves forward.
pub trait LogReader: Send + 'static {
    /// The next messages, at most `max`; waits for the first one, at most about a second, and is empty when none came.
    ///
    /// A gap is never skipped silently: after a lost connection it goes on right behind the last message it gave.
    fn next_batch(&mut self, max: usize) -> impl Future<Output = Result<Vec<LogEntry>, Unavailable>> + Send;
}
