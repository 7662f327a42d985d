//! Files and stream as one log.

use std::pin::Pin;

use bytes::Bytes;
use stele_core::port::{AppendError, Log, LogEntry, LogReader, Unavailable};
use stele_core::unit::Position;

use super::folder::{Archive, ArchiveReader};

/// The live log, with its beginning from an archive where there is one. A clone is the same log.
///
/// Positions that the files hold come from the files, all others from the stream. That both are one history is for
/// [`Archived::join`] to say, once, before anything is read. A purge while somebody reads does no harm: what the stream
/// does not hold any more is looked for in files that have come since.
#[derive(Debug, Clone)]
pub struct Archived<L> {
    archive: Option<Archive>,
    live: L,
}

impl<L: Log> Archived<L> {
    /// Both as one; without an archive it is the live log and nothing else.
    #[must_use]
    pub fn new(archive: Option<Archive>, live: L) -> Self {
        Self { archive, live }
    }

    /// The archive, when there is one.
    #[must_use]
    pub fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    /// The stream alone.
    #[must_use]
    pub fn live(&self) -> &L {
        &self.live
    }

    fn in_files(&self, from: Position) -> Option<ArchiveReader> {
        self.archive.as_ref()?.reader(from)
    }

    /// The same once more, when the stream does not hold it.
    fn in_new_files(&self, from: Position) -> Option<ArchiveReader> {
        // What is wrong with a new file is said where the archive is opened.
        self.archive.as_ref()?.look_again().ok();
        self.in_files(from)
    }

    async fn open(&self, from: Position) -> Result<Place<L>, Unavailable> {
        if let Some(reader) = self.in_files(from) {
            return Ok(Place::Files(reader));
        }
        match self.live.read_from(from).await {
            Ok(reader) => Ok(Place::Stream(reader)),
            Err(error) => self.in_new_files(from).map(Place::Files).ok_or(error),
        }
    }
}

impl<L: Log> Log for Archived<L> {
    type Reader = ArchivedReader<L>;

    async fn append(&self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        self.live.append(payload, expected).await
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        self.live.tail().await
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        let Some(archive) = &self.archive else { return self.live.get(position).await };
        if let Some(entry) = archive.get(position).await? {
            return Ok(Some(entry));
        }
        let found = self.live.get(position).await?;
        if found.is_none() && position > archive.last() {
            archive.look_again().ok();
            return archive.get(position).await;
        }
        Ok(found)
    }

    async fn read_from(&self, from: Position) -> Result<ArchivedReader<L>, Unavailable> {
        let next = from.max(Position(1));
        Ok(ArchivedReader { log: self.clone(), next, place: self.open(next).await? })
    }
}

enum Place<L: Log> {
    Files(ArchiveReader),
    Stream(L::Reader),
    /// On the way from one to the other. A caller that gives up each time after a moment must not begin it again each time.
    Opening(Opening<L>),
}

type Opening<L> = Pin<Box<dyn Future<Output = Result<Place<L>, Unavailable>> + Send>>;

/// A place in the files, and then in the stream, that moves forward.
pub struct ArchivedReader<L: Log> {
    log: Archived<L>,
    /// The position that comes next.
    next: Position,
    place: Place<L>,
}

impl<L: Log> std::fmt::Debug for ArchivedReader<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchivedReader").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<L: Log> ArchivedReader<L> {
    fn opening(&self) -> Place<L> {
        let (log, next) = (self.log.clone(), self.next);
        Place::Opening(Box::pin(async move { log.open(next).await }))
    }
}

impl<L: Log> LogReader for ArchivedReader<L> {
    /// Safe to drop at any point: between taking messages and returning them nothing is awaited.
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        loop {
            let (read, is_file) = match &mut self.place {
                Place::Files(reader) => (reader.next_batch(max).await, true),
                Place::Stream(reader) => (reader.next_batch(max).await, false),
                Place::Opening(opening) => {
                    let opened = opening.await;
                    // A future that has ended is not asked again.
                    self.place = self.opening();
                    self.place = opened?;
                    continue;
                }
            };
            match read {
                // The end of the files: what follows is in the stream, or in a file that came since.
                Ok(batch) if batch.is_empty() && is_file => self.place = self.opening(),
                Ok(batch) => {
                    self.next = batch.last().map_or(self.next, |last| last.position.next());
                    return Ok(batch);
                }
                Err(error) if is_file => return Err(error),
                Err(error) => match self.log.in_new_files(self.next) {
                    Some(reader) => self.place = Place::Files(reader),
                    None => return Err(error),
                },
            }
        }
    }
}
