//! Reading the log ahead: while what came before is folded, threads of their own do what needs no state, which is to
//! parse and to hash. It is the greater part of the work.
//!
//! ```text
//! source --pieces of some MiB--> opened by threads, a few at once --in order--> whoever folds
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use stele_core::chain::Opened;
use stele_core::port::{Log, LogEntry};
use stele_core::unit::Position;

use crate::source::{Source, SourceError};

/// How many bytes of messages make a piece: enough to be worth a thread, and few beside what a state takes.
const PIECE_BYTES: usize = 2 << 20;

/// The most messages of a piece.
const PIECE_MESSAGES: usize = 256;

/// The most threads, however many processors there are.
const THREADS_MAX: usize = 8;

/// How many pieces each of them is given ahead: one to work on, and one to go on with.
const PIECES_PER_THREAD: usize = 2;

/// The log's messages up to a fixed one, in order, each read as far as it can be read by itself.
pub struct Ahead<L: Log> {
    source: Source<L>,
    /// Read and not under way yet.
    waiting: VecDeque<LogEntry>,
    /// Each gets every so manieth piece, so that the pieces come back in order by asking one after the other.
    threads: Vec<Opener>,
    /// How many pieces were given to them, and how many came back.
    given: usize,
    taken: usize,
    /// How the source ended, once it did; what came before is given first.
    ended: Option<Result<(), SourceError>>,
}

/// A thread that reads what it is given, and ends when nobody can give it anything any more.
struct Opener {
    pieces: Sender<Vec<LogEntry>>,
    opened: Receiver<Vec<Opened>>,
}

impl<L: Log> fmt::Debug for Ahead<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, given, taken, ended, .. } = self;
        f.debug_struct("Ahead")
            .field("until", &self.until())
            .field("waiting", &waiting.len())
            .field("under_way", &(given - taken))
            .field("ended", ended)
            .finish_non_exhaustive()
    }
}

impl<L: Log> Ahead<L> {
    /// Reads ahead of what folds the messages of `source`.
    #[must_use]
    pub fn of(source: Source<L>) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        // The system may have fewer to give.
        let threads = (0..processors.min(THREADS_MAX)).map_while(|_| Opener::start()).collect();
        Self { source, waiting: VecDeque::new(), threads, given: 0, taken: 0, ended: None }
    }

    /// The last position that will be read.
    #[must_use]
    pub fn until(&self) -> Position {
        self.source.until()
    }

    /// The next messages; none at the end.
    ///
    /// # Errors
    /// As [`Source::batch`], after everything that stands before it was given.
    pub async fn batch(&mut self) -> Result<Vec<Opened>, SourceError> {
        while self.given - self.taken < self.pieces_max() && self.ended.is_none() {
            if !self.waiting.is_empty() {
                let piece = self.piece();
                if self.threads.is_empty() {
                    return Ok(open(piece));
                }
                let thread = self.given % self.threads.len();
                // It ends with its sender, and not before.
                self.threads[thread].pieces.send(piece).ok();
                self.given += 1;
                continue;
            }
            match self.source.batch().await {
                Ok(entries) if entries.is_empty() => self.ended = Some(Ok(())),
                Ok(entries) => self.waiting.extend(entries),
                Err(error) => self.ended = Some(Err(error)),
            }
        }
        if self.taken < self.given {
            let thread = self.taken % self.threads.len();
            self.taken += 1;
            return Ok(self.threads[thread].opened());
        }
        match &self.ended {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(Vec::new()),
        }
    }

    /// What was appended since the last message that was given, as [`Source::news`]; for when [`Ahead::batch`] has
    /// given everything.
    ///
    /// # Errors
    /// As [`Source::news`].
    pub async fn news(&mut self) -> Result<Vec<Opened>, SourceError> {
        Ok(open(self.source.news().await?))
    }

    fn pieces_max(&self) -> usize {
        (self.threads.len() * PIECES_PER_THREAD).max(1)
    }

    /// At least one message of those that wait.
    fn piece(&mut self) -> Vec<LogEntry> {
        let sizes = self.waiting.iter().take(PIECE_MESSAGES).map(|entry| entry.payload.len());
        let sums = sizes.scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        });
        let count = sums.take_while(|sum| *sum <= PIECE_BYTES).count().max(1);
        self.waiting.drain(..count).collect()
    }
}

impl Opener {
    fn start() -> Option<Self> {
        let (pieces, to_open) = channel();
        let (give, opened) = channel();
        let work = move || {
            // Both ends are dropped together.
            while let Ok(piece) = to_open.recv()
                && give.send(open(piece)).is_ok()
            {}
        };
        thread::Builder::new().name("read-ahead".to_owned()).spawn(work).ok()?;
        Some(Self { pieces, opened })
    }

    fn opened(&self) -> Vec<Opened> {
        // Only a panic ends the thread before; its message was told, and there is nothing to go on with.
        self.opened.recv().unwrap_or_else(|_| panic!("the thread that reads ahead has ended"))
    }
}

fn open(entries: Vec<LogEntry>) -> Vec<Opened> {
    entries.into_iter().map(Opened::of).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stele_core::port::memory::MemoryLog;

    use super::*;
    use crate::progress::Silent;
    use crate::testing::run;

    fn log(count: usize, bytes: usize) -> MemoryLog {
        let log = MemoryLog::new();
        for _ in 0..count {
            log.inject(Bytes::from(vec![b'x'; bytes]));
        }
        log
    }

    /// The positions that come, in pieces, and how it ends.
    fn read(ahead: &mut Ahead<MemoryLog>) -> (Vec<Vec<u64>>, Option<SourceError>) {
        let mut pieces = Vec::new();
        loop {
            match run(ahead.batch()) {
                Ok(piece) if piece.is_empty() => return (pieces, None),
                Ok(piece) => pieces.push(piece.iter().map(|opened| opened.entry.position.0).collect()),
                Err(error) => return (pieces, Some(error)),
            }
        }
    }

    #[test]
    fn every_message_comes_once_in_order_in_pieces_of_bounded_size() {
        for (count, bytes) in [(0, 1), (1, 3 * PIECE_BYTES), (5, PIECE_BYTES / 2), (700, 1), (300, PIECE_BYTES / 10)] {
            let log = log(count, bytes);
            let (pieces, error) = read(&mut Ahead::of(run(Source::open(&log, None, &mut Silent)).unwrap()));
            assert_eq!(error, None);
            assert_eq!(pieces.concat(), (1..=count as u64).collect::<Vec<_>>());
            for piece in pieces {
                assert!(piece.len() <= PIECE_MESSAGES && (piece.len() == 1 || piece.len() * bytes <= PIECE_BYTES));
            }
        }
    }

    #[test]
    fn what_was_read_before_an_error_is_given_first_and_the_error_stays() {
        let log = log(600, 1);
        let mut ahead = Ahead::of(run(Source::open(&log, None, &mut Silent)).unwrap());
        ahead.threads.truncate(1);
        assert_eq!(run(ahead.batch()).unwrap().len(), 256);
        // The second piece is under way already.
        log.lose_behind(Position(300));
        let shortened = SourceError::Shortened { before: Position(600), now: Position(300) };
        let (pieces, error) = read(&mut ahead);
        assert_eq!((pieces.concat(), error), ((257..=512).collect(), Some(shortened.clone())));
        assert_eq!(run(ahead.batch()).map(|piece| piece.len()), Err(shortened));
    }

    #[test]
    fn without_threads_the_same_comes() {
        let log = log(600, 1);
        let mut ahead = Ahead::of(run(Source::open(&log, None, &mut Silent)).unwrap());
        ahead.threads.clear();
        let (pieces, error) = read(&mut ahead);
        assert_eq!((pieces.concat(), error), ((1..=600).collect(), None));
    }
}
