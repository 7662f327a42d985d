//! Reading the log from its first message up to a tail that is asked once, at the start.
//!
//! The reader is asked for one bounded batch after the other, and only when the one before was used up: whoever is
//! slow slows the reading, and memory stays bounded. Whatever folds starts at position 1, because only the first record's
//! predecessor is known without reading; a log whose first messages are gone is refused by name. Only who knows what
//! stands before may begin later: an export that goes on, and the check of a file that begins later.

use stele_core::port::{Log, LogEntry, LogReader, Unavailable, first_after, goes_on_at};
use stele_core::unit::Position;

use crate::progress::Progress;

/// The most messages of one batch. A message has at most 1 MiB, and usually a few KiB.
const BATCH_MAX: usize = 256;

/// How often in a row the log may be unavailable, or silent for about a second, before the reading is given up. A
/// cluster that elects a leader answers again within that time.
const PATIENCE: u32 = 15;

/// Why the log could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The log does not begin with its first message.
    #[error(
        "the log begins at position {first}: positions 1 to {} are missing (archived, purged or deleted), and nothing can \
         be concluded without them. Name the archive that holds them with --archive, or restore the stream from a backup \
         that begins at position 1",
        first.0.saturating_sub(1)
    )]
    FirstMissing {
        /// The first message that is there.
        first: Position,
    },
    /// Messages within the log are gone.
    #[error(
        "positions {from} to {to} are missing from the log (archived, purged or deleted). Name the archive that holds \
         them with --archive, or restore the stream from a backup that holds them"
    )]
    Hole {
        /// The first that is missing.
        from: Position,
        /// The last that is missing.
        to: Position,
    },
    /// The log became shorter while it was read.
    #[error(
        "the log ended at position {before} when the reading began and ends at {now} now: it has lost messages. Stop \
         the cell and restore what the server lost"
    )]
    Shortened {
        /// The tail at the start.
        before: Position,
        /// The tail now.
        now: Position,
    },
    /// A position was asked for that is not there yet.
    #[error("the log ends at position {tail}; there is no position {asked} yet")]
    BeyondTail {
        /// What was asked for.
        asked: Position,
        /// The tail.
        tail: Position,
    },
    /// The log gave other positions than were asked for.
    #[error("the log was asked for position {expected} and gave {found}; this is a fault of the reader")]
    OutOfOrder {
        /// What was to come.
        expected: Position,
        /// What came.
        found: Position,
    },
    /// The log does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The log's messages, in order, from the first to a fixed last one.
#[derive(Debug)]
pub struct Source<L: Log> {
    log: L,
    reader: Option<L::Reader>,
    /// The next position to come.
    next: Position,
    until: Position,
}

impl<L: Log> Source<L> {
    /// Fixes the tail and tells `progress` how much there is. With `until` the reading ends there.
    ///
    /// # Errors
    /// [`SourceError::FirstMissing`], [`SourceError::BeyondTail`] or [`SourceError::Unavailable`].
    pub async fn open(log: &L, until: Option<Position>, progress: &mut dyn Progress) -> Result<Self, SourceError> {
        Self::open_from(log, Position(1), until, progress).await
    }

    /// The same from a later position on; positions count from 1.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub async fn open_from(
        log: &L,
        from: Position,
        until: Option<Position>,
        progress: &mut dyn Progress,
    ) -> Result<Self, SourceError> {
        let tail = log.tail().await?;
        let until = match until {
            Some(asked) if asked > tail => return Err(SourceError::BeyondTail { asked, tail }),
            Some(asked) => asked,
            None => tail,
        };
        let mut source = Self { log: log.clone(), reader: None, next: from, until };
        if until >= from {
            if log.get(from).await?.is_none() {
                return Err(SourceError::FirstMissing { first: first_after(log, from, tail).await? });
            }
            source.reader = Some(log.read_from(from).await?);
        }
        progress.set_total(until.next().0.saturating_sub(from.0));
        Ok(source)
    }

    /// The last position that will be read.
    #[must_use]
    pub fn until(&self) -> Position {
        self.until
    }

    /// The next messages; none at the end.
    ///
    /// # Errors
    /// [`SourceError`] when messages are missing or the log stays unavailable.
    pub async fn batch(&mut self) -> Result<Vec<LogEntry>, SourceError> {
        if self.next > self.until {
            return Ok(Vec::new());
        }
        let left = usize::try_from(self.until.next().0 - self.next.0).unwrap_or(BATCH_MAX);
        let mut failed = None;
        for _ in 0..PATIENCE {
            let Some(reader) = &mut self.reader else { return Ok(Vec::new()) };
            match reader.next_batch(left.min(BATCH_MAX)).await {
                Ok(mut entries) if !entries.is_empty() => {
                    entries.retain(|entry| entry.position <= self.until);
                    return self.accept(entries).await;
                }
                Ok(_) => failed = None,
                Err(unavailable) => failed = Some(unavailable),
            }
            if let Some(known) = self.named_reason().await {
                return Err(known);
            }
        }
        let silent = || Unavailable { what: format!("position {}", self.next), why: "the log gave nothing".to_owned() };
        Err(failed.unwrap_or_else(silent).into())
    }

    /// What was appended since the last message that was given: waits for about a second, and is empty when nothing
    /// came. Troubles that pass are waited for, as in [`Source::batch`].
    ///
    /// # Errors
    /// [`SourceError`] when messages are missing or the log stays unavailable.
    pub async fn news(&mut self) -> Result<Vec<LogEntry>, SourceError> {
        // Whatever is there will be read.
        self.until = self.until.max(Position(self.next.0 - 1));
        let mut failed = None;
        for _ in 0..PATIENCE {
            let read = match &mut self.reader {
                Some(reader) => reader.next_batch(BATCH_MAX).await,
                None => self.log.read_from(self.next).await.map(|reader| {
                    self.reader = Some(reader);
                    Vec::new()
                }),
            };
            let quiet = match read {
                Ok(entries) if entries.is_empty() => true,
                Ok(entries) => {
                    let entries = self.accept(entries).await?;
                    self.until = self.until.max(Position(self.next.0 - 1));
                    return Ok(entries);
                }
                Err(unavailable) => {
                    failed = Some(unavailable);
                    false
                }
            };
            if let Some(known) = self.lost().await {
                return Err(known);
            }
            if quiet {
                return Ok(Vec::new());
            }
        }
        let silent = || Unavailable { what: format!("position {}", self.next), why: "the log gave nothing".to_owned() };
        Err(failed.unwrap_or_else(silent).into())
    }

    /// Checks that the batch goes on where the last one ended.
    async fn accept(&mut self, entries: Vec<LogEntry>) -> Result<Vec<LogEntry>, SourceError> {
        for (index, entry) in entries.iter().enumerate() {
            if entry.position == self.next {
                self.next = self.next.next();
                continue;
            }
            if entry.position < self.next {
                return Err(SourceError::OutOfOrder { expected: self.next, found: entry.position });
            }
            // What stands before the hole is given first; the next call finds the hole again.
            if index > 0 {
                self.reader = Some(self.log.read_from(self.next).await?);
                return Ok(entries[..index].to_vec());
            }
            return Err(SourceError::Hole { from: self.next, to: Position(entry.position.0 - 1) });
        }
        Ok(entries)
    }

    /// What is wrong with a log of which everything was read; `None` when it only has nothing new or does not answer.
    async fn lost(&self) -> Option<SourceError> {
        let tail = self.log.tail().await.ok()?;
        let is_due = tail < self.until || tail >= self.next;
        if is_due { self.named_reason().await } else { None }
    }

    /// What is wrong with the log when it gives nothing where it should; `None` when it only does not answer.
    async fn named_reason(&self) -> Option<SourceError> {
        let tail = self.log.tail().await.ok()?;
        if tail < self.until {
            return Some(SourceError::Shortened { before: self.until, now: tail });
        }
        if self.log.get(self.next).await.ok()?.is_some() {
            return None;
        }
        missing(&self.log, self.next).await.ok()?
    }
}

/// What is wrong when a log that goes on behind a position does not hold that; `None` when it holds it, or ends before.
///
/// # Errors
/// [`Unavailable`] when the log does not answer.
pub async fn missing<L: Log>(log: &L, position: Position) -> Result<Option<SourceError>, Unavailable> {
    let first = goes_on_at(log, position).await?;
    Ok(first.map(|first| match position {
        Position(1) => SourceError::FirstMissing { first },
        from => SourceError::Hole { from, to: Position(first.0 - 1) },
    }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stele_core::port::memory::MemoryLog;

    use super::*;
    use crate::progress::Silent;
    use crate::testing::run;

    fn log(count: usize) -> MemoryLog {
        let log = MemoryLog::new();
        for _ in 0..count {
            log.inject(Bytes::from_static(b"x"));
        }
        log
    }

    fn read(log: &MemoryLog, until: Option<Position>) -> Result<Vec<u64>, SourceError> {
        let mut source = run(Source::open(log, until, &mut Silent))?;
        let mut positions = Vec::new();
        loop {
            let entries = run(source.batch())?;
            assert!(entries.len() <= BATCH_MAX);
            if entries.is_empty() {
                return Ok(positions);
            }
            positions.extend(entries.iter().map(|entry| entry.position.0));
        }
    }

    #[test]
    fn it_ends_where_it_was_told_or_at_the_tail() {
        let log = log(2 * BATCH_MAX + 3);
        assert_eq!(read(&log, None), Ok((1..=2 * BATCH_MAX as u64 + 3).collect()));
        assert_eq!(read(&log, Some(Position(300))), Ok((1..=300).collect()));
        assert_eq!(read(&log, Some(Position(0))), Ok(vec![]));
        let beyond = SourceError::BeyondTail { asked: Position(600), tail: Position(515) };
        assert_eq!(read(&log, Some(Position(600))), Err(beyond));
    }

    #[test]
    fn what_comes_after_the_start_is_not_read() {
        let log = log(3);
        let mut source = run(Source::open(&log, None, &mut Silent)).unwrap();
        log.inject(Bytes::from_static(b"later"));
        assert_eq!(run(source.batch()).unwrap().len(), 3);
        assert!(run(source.batch()).unwrap().is_empty());
    }

    #[test]
    fn a_log_without_its_first_messages_is_refused_by_name() {
        let log = log(1000);
        log.purge_through(Position(617));
        assert_eq!(read(&log, None), Err(SourceError::FirstMissing { first: Position(618) }));
    }

    #[test]
    fn what_is_lost_while_reading_is_named_and_troubles_that_pass_are_waited_for() {
        let log = log(600);
        let mut source = run(Source::open(&log, None, &mut Silent)).unwrap();
        assert_eq!(run(source.batch()).unwrap().len(), BATCH_MAX);
        log.fail_reads(3);
        assert_eq!(run(source.batch()).unwrap().len(), BATCH_MAX);
        log.lose_behind(Position(100));
        let shortened = SourceError::Shortened { before: Position(600), now: Position(100) };
        assert_eq!(run(source.batch()), Err(shortened));
    }
}
