//! The files of an archive.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use stele_core::chain::Chain;
use stele_core::port::{AppendError, Log, LogEntry, LogReader, Unavailable};
use stele_core::unit::Position;

use super::error::ArchiveError;
use super::steps::Writing;
use crate::export::{ExportedLog, ExportedReader, FileError};
use crate::progress::Progress;

/// Digits of a position in a file's name: names sort as their positions do for a long time.
const DIGITS: usize = 12;

/// The name of the file that holds these positions.
#[must_use]
pub fn log_file(first: Position, last: Position) -> String {
    format!("log-{}-{}.stele", padded(first), padded(last))
}

/// The name of the projection that is folded up to there.
#[must_use]
pub fn snapshot_file(through: Position) -> String {
    format!("projection-{}.redb", padded(through))
}

pub(super) fn padded(position: Position) -> String {
    format!("{:0DIGITS$}", position.0)
}

/// A folder of exports that join each other. A clone is the same archive.
///
/// It is a log that nobody appends to. Files that are added while it is open are found by [`Archive::look_again`].
#[derive(Debug, Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    files: Mutex<Arc<[ExportedLog]>>,
}

impl Archive {
    /// Opens a folder and looks whether its files join: each must begin behind the last position of the one before, and
    /// build on its last record. A folder without such files is an empty archive.
    ///
    /// # Errors
    /// [`ArchiveError`] names the file, or the positions that are missing.
    pub fn open(folder: &Path) -> Result<Self, ArchiveError> {
        let files = Mutex::new(opened(folder, &[])?);
        Ok(Self { inner: Arc::new(Inner { folder: folder.to_owned(), files }) })
    }

    /// Finds files that were added since; true when there are any.
    ///
    /// # Errors
    /// As [`Archive::open`]; what was found before stays.
    pub fn look_again(&self) -> Result<bool, ArchiveError> {
        let known = self.files();
        let found = opened(&self.inner.folder, &known)?;
        let more = found.last().map(last_of) > known.last().map(last_of);
        if more {
            *self.inner.files.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
        Ok(more)
    }

    /// Reads all files and compares every frame with its checksum; `progress` counts messages of one file after the other.
    ///
    /// # Errors
    /// [`FileError::Damaged`] names the file and the place.
    pub fn check(&self, progress: &mut dyn Progress) -> Result<(), FileError> {
        self.files().iter().try_for_each(|file| file.check(progress))
    }

    /// Where it lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The files, in order.
    #[must_use]
    pub fn files(&self) -> Arc<[ExportedLog]> {
        self.inner.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first position that it holds; one behind the last when it is empty.
    #[must_use]
    pub fn first(&self) -> Position {
        self.files().first().map_or(Position(1), |file| file.header().first)
    }

    /// The last position that it holds; 0 when it is empty.
    #[must_use]
    pub fn last(&self) -> Position {
        self.files().last().map_or(Position(0), last_of)
    }

    /// The last record that it holds, or builds on.
    #[must_use]
    pub fn head(&self) -> Chain {
        self.files().last().map_or_else(Chain::default, |file| file.footer().head)
    }

    /// The positions up to which projections in it are folded, the last one first.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn snapshots(&self) -> Result<Vec<Position>, ArchiveError> {
        let folder = self.folder();
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| ArchiveError::io(folder, &e))? {
            let name = entry.map_err(|e| ArchiveError::io(folder, &e))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_prefix("projection-")?.strip_suffix(".redb"));
            found.extend(name.and_then(|name| name.parse().ok()).map(Position));
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        Ok(found)
    }

    /// Removes the projections that a whole one makes needless: of those before it the newest is kept, in case that it is
    /// damaged later. What runs that were cut short left of projections goes as well. Gives the positions of those removed.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn drop_old_snapshots(&self, whole: Position, _writing: &Writing) -> Result<Vec<Position>, ArchiveError> {
        let folder = self.folder();
        let remove = |path: &Path| std::fs::remove_file(path).map_err(|e| ArchiveError::io(path, &e));
        let old: Vec<Position> = self.snapshots()?.into_iter().filter(|through| *through < whole).skip(1).collect();
        old.iter().try_for_each(|through| remove(&folder.join(snapshot_file(*through))))?;
        for entry in std::fs::read_dir(folder).map_err(|e| ArchiveError::io(folder, &e))? {
            let path = entry.map_err(|e| ArchiveError::io(folder, &e))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_left = |start: &str, end: &str| name.starts_with(start) && name.ends_with(end);
            if is_left("projection-", ".redb.rebuilding") || is_left("state-", ".json.part") {
                remove(&path)?;
            }
        }
        Ok(old)
    }

    /// Whether a position is in it.
    #[must_use]
    pub fn holds(&self, position: Position) -> bool {
        position >= self.first() && position <= self.last()
    }

    /// A reader that begins at `from`; `None` where no file holds it.
    #[must_use]
    pub fn reader(&self, from: Position) -> Option<ArchiveReader> {
        let file = self.file_with(from)?;
        Some(ArchiveReader { archive: self.clone(), reader: file.reader(from), next: from })
    }

    fn file_with(&self, position: Position) -> Option<ExportedLog> {
        let files = self.files();
        let behind = files.partition_point(|file| file.header().first <= position);
        files.get(behind.checked_sub(1)?).filter(|file| position <= file.footer().last).cloned()
    }
}

fn last_of(file: &ExportedLog) -> Position {
    file.footer().last
}

/// The files of a folder, in order; those that are known are not opened again.
fn opened(folder: &Path, known: &[ExportedLog]) -> Result<Arc<[ExportedLog]>, ArchiveError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| ArchiveError::io(folder, &e))? {
        let path = entry.map_err(|e| ArchiveError::io(folder, &e))?.path();
        let Some(range) = path.file_name().and_then(|name| range_of(name.to_str()?)) else { continue };
        let file = known.iter().find(|file| file.path() == path).cloned();
        let file = file.map_or_else(|| ExportedLog::open(&path), Ok)?;
        let (first, last) = (file.header().first, file.footer().last);
        if range != (first, last) {
            return Err(ArchiveError::Misnamed { path, first, last });
        }
        files.push(file);
    }
    files.sort_by_key(|file| file.header().first);
    for two in files.windows(2) {
        joined(folder, &two[0], &two[1])?;
    }
    Ok(files.into())
}

/// The positions that a name speaks of; `None` for other files.
fn range_of(name: &str) -> Option<(Position, Position)> {
    let (first, last) = name.strip_prefix("log-")?.strip_suffix(".stele")?.split_once('-')?;
    Some((Position(first.parse().ok()?), Position(last.parse().ok()?)))
}

fn joined(folder: &Path, before: &ExportedLog, behind: &ExportedLog) -> Result<(), ArchiveError> {
    let (last, first) = (last_of(before), behind.header().first);
    let path = behind.path().to_owned();
    if first <= last {
        return Err(ArchiveError::Overlap { path, first, last });
    }
    if first > last.next() {
        return Err(ArchiveError::Gap { folder: folder.to_owned(), from: last.next(), to: Position(first.0 - 1) });
    }
    let log = |file: &ExportedLog| (file.header().stream.clone(), file.header().shard);
    if behind.header().before != before.footer().head || log(before) != log(behind) {
        return Err(ArchiveError::Parted { path });
    }
    Ok(())
}

/// A place in an archive that moves forward, over the ends of files. One frame is in memory at a time.
#[derive(Debug)]
pub struct ArchiveReader {
    archive: Archive,
    reader: ExportedReader,
    next: Position,
}

impl ArchiveReader {
    /// Where it stands: the position that comes next.
    #[must_use]
    pub fn next(&self) -> Position {
        self.next
    }

    fn go_on(&mut self) -> bool {
        let Some(file) = self.archive.file_with(self.next) else { return false };
        self.reader = file.reader(self.next);
        true
    }
}

impl LogReader for ArchiveReader {
    /// Empty at the end; it never waits.
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        let mut batch = self.reader.next_batch(max).await?;
        if batch.is_empty() && self.go_on() {
            batch = self.reader.next_batch(max).await?;
        }
        if let Some(last) = batch.last() {
            self.next = last.position.next();
        }
        Ok(batch)
    }
}

impl Log for Archive {
    type Reader = ArchiveReader;

    async fn append(&self, _payload: Bytes, _expected: Position) -> Result<Position, AppendError> {
        Err(AppendError::Refused("it is an archive, which nobody appends to".to_owned()))
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        Ok(self.last())
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        match self.file_with(position) {
            Some(file) => file.get(position).await,
            None => Ok(None),
        }
    }

    async fn read_from(&self, from: Position) -> Result<ArchiveReader, Unavailable> {
        self.reader(from.max(Position(1))).ok_or_else(|| Unavailable {
            what: format!("the archive {}", self.folder().display()),
            why: format!("it holds positions {} to {}, not {from}", self.first(), self.last()),
        })
    }
}
