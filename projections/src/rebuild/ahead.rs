use std::collections::VecDeque;

use stele_core::chain::Opened;
use stele_core::port::{LogReader, Unavailable};
use stele_core::unit::Position;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::follow::finished;

/// How many messages are parsed, hashed and applied at a time. Parsed they take several times their bytes.
const BATCH: usize = 64;

/// How many bytes of messages are parsed and hashed while others are applied; one batch in any case, which may have more.
const AHEAD_BYTES: usize = 8 << 20;

/// The log from a place up to a last message, read ahead of what is applied.
pub(super) struct Ahead<R> {
    reader: R,
    /// The last message that was read, and the last that is wanted.
    read: Position,
    until: Position,
    /// What is under way, and how many bytes each has.
    opening: VecDeque<(usize, JoinHandle<Vec<Opened>>)>,
    trouble: Option<Unavailable>,
}

impl<R: LogReader> Ahead<R> {
    /// Of a reader that stands behind `read`.
    pub(super) fn new(reader: R, read: Position, until: Position) -> Self {
        Self { reader, read, until, opening: VecDeque::new(), trouble: None }
    }

    /// Reads on until enough is under way, or everything, or nothing comes for a second.
    pub(super) async fn fill(&mut self) {
        while self.has_room() && self.read < self.until && self.trouble.is_none() {
            let mut batch = match self.reader.next_batch(BATCH).await {
                Ok(batch) => batch,
                Err(trouble) => return self.trouble = Some(trouble),
            };
            // What was appended since, or is not wanted.
            batch.retain(|entry| entry.position <= self.until);
            let Some(last) = batch.last() else { return };
            self.read = last.position;
            let bytes = batch.iter().map(|entry| entry.payload.len()).sum();
            let open = spawn_blocking(|| batch.into_iter().map(Opened::of).collect());
            self.opening.push_back((bytes, open));
        }
    }

    /// The next messages, none when none came for a second, or why there are none now; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<Opened>, Unavailable>> {
        self.fill().await;
        match self.opening.pop_front() {
            Some((_, opening)) => Some(Ok(finished(opening).await)),
            None if self.read < self.until => Some(self.trouble.take().map_or(Ok(Vec::new()), Err)),
            None => None,
        }
    }

    fn has_room(&self) -> bool {
        self.opening.iter().map(|(bytes, _)| bytes).sum::<usize>() < AHEAD_BYTES
    }
}
