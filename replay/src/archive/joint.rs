//! Whether files and stream are one history.

use stele_core::chain::Link;
use stele_core::port::{Log, LogEntry, LogReader as _, first_after};
use stele_core::record::RecordHead;
use stele_core::unit::Position;

use super::archived::Archived;
use super::error::ArchiveError;
use super::folder::Archive;
use crate::progress::Progress;
use crate::source::Source;

/// How many messages behind the archive are looked at for the record that goes on from it. Between two records stand a
/// few strays at most.
const LOOKED_AT_MAX: u64 = 256;

impl<L: Log> Archived<L> {
    /// Makes sure that nothing is missing between files and stream, and that both are one history: by the messages at
    /// which they meet, and by the hash that the first record behind the files names. Without an archive nothing is asked.
    ///
    /// # Errors
    /// [`ArchiveError::Gap`], [`ArchiveError::Differs`] or [`ArchiveError::StreamShorter`].
    pub async fn join(&self) -> Result<(), ArchiveError> {
        let Some(archive) = self.archive().filter(|archive| !archive.files().is_empty()) else { return Ok(()) };
        let live = self.live();
        let (last, tail) = (archive.last(), live.tail().await?);
        let folder = || archive.folder().to_owned();
        if tail < last {
            return Err(ArchiveError::StreamShorter { folder: folder(), tail, last });
        }
        for position in [archive.first(), archive.head().position, last] {
            same(archive, live.get(position).await?.as_ref()).await?;
        }
        if tail == last {
            return Ok(());
        }
        let next = last.next();
        if live.get(next).await?.is_none() {
            let first = first_after(live, next, tail).await?;
            return Err(ArchiveError::Gap { folder: folder(), from: next, to: Position(first.0 - 1) });
        }
        goes_on(archive, live, tail).await
    }

    /// Compares every message that both hold, byte for byte.
    ///
    /// # Errors
    /// [`ArchiveError::Differs`] names the first position that differs.
    pub async fn compare(&self, progress: &mut dyn Progress) -> Result<u64, ArchiveError> {
        let Some(archive) = self.archive() else { return Ok(0) };
        let live = self.live();
        let (last, tail) = (archive.last(), live.tail().await?);
        if archive.first() > last || live.get(last).await?.is_none() {
            return Ok(0);
        }
        let first = match live.get(archive.first()).await? {
            Some(_) => archive.first(),
            None => first_after(live, archive.first(), tail).await?,
        };
        let mut source = Source::open_from(live, first, Some(last), progress).await?;
        let mut compared = 0;
        loop {
            let entries = source.batch().await?;
            if entries.is_empty() {
                progress.finish();
                return Ok(compared);
            }
            let mut files = archive.read_from(entries[0].position).await?;
            let mut theirs = Vec::new();
            while theirs.len() < entries.len() {
                let more = files.next_batch(entries.len() - theirs.len()).await?;
                if more.is_empty() {
                    break;
                }
                theirs.extend(more);
            }
            if let Some(differs) = (0..entries.len()).find(|at| theirs.get(*at) != entries.get(*at)) {
                let position = entries[differs].position;
                return Err(ArchiveError::Differs { folder: archive.folder().to_owned(), position });
            }
            compared += entries.len() as u64;
            progress.advance(entries.len() as u64);
        }
    }
}

/// Whether the files hold what the stream holds there, if it holds anything.
async fn same(archive: &Archive, theirs: Option<&LogEntry>) -> Result<(), ArchiveError> {
    let Some(theirs) = theirs else { return Ok(()) };
    match archive.get(theirs.position).await? {
        Some(ours) if ours != *theirs => {
            Err(ArchiveError::Differs { folder: archive.folder().to_owned(), position: theirs.position })
        }
        _ => Ok(()),
    }
}

/// Whether the first record behind the files continues their last one.
async fn goes_on<L: Log>(archive: &Archive, live: &L, tail: Position) -> Result<(), ArchiveError> {
    let head = archive.head();
    let (from, until) = (archive.last().next(), tail.min(Position(archive.last().0 + LOOKED_AT_MAX)));
    let mut source = Source::open_from(live, from, Some(until), &mut crate::progress::Silent).await?;
    loop {
        let entries = source.batch().await?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            match head.link_head(entry)? {
                Link::Record(..) => return Ok(()),
                Link::Stray(_) => {
                    let read: Option<RecordHead> = serde_json::from_slice(&entry.payload).ok();
                    let other = read.is_some_and(|read| read.prev_seq == head.position && read.prev_hash != head.hash);
                    if other {
                        let position = head.position;
                        return Err(ArchiveError::Differs { folder: archive.folder().to_owned(), position });
                    }
                }
            }
        }
    }
}
