//! A finished file, read as if it were the log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use stele_core::port::{AppendError, Log, LogEntry, LogReader, Unavailable};
use stele_core::unit::{Hash, Position};

use super::error::FileError;
use super::layout::{Broken, Ending, Footer, Frame, Header, read_footer, read_frame, read_header};
use crate::progress::Progress;

/// A finished export. It is a log that nobody appends to; a clone is the same file.
#[derive(Debug, Clone)]
pub struct ExportedLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    header: Header,
    frames_from: u64,
    ending: Ending,
}

impl ExportedLog {
    /// Opens a file and checks its two ends; [`ExportedLog::check`] checks what is between them.
    ///
    /// # Errors
    /// [`FileError`]; a file that was cut short is one.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|e| FileError::io(path, &e))?;
        let ends = read_header(&file).and_then(|(header, header_sum, frames_from)| {
            let ending = read_footer(&file, header_sum, frames_from)?;
            Ok((header, frames_from, ending))
        });
        let (header, frames_from, ending) = ends.map_err(|broken| FileError::damaged(path, broken))?;
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), file, header, frames_from, ending }) })
    }

    /// Reads the whole file and compares every frame with its checksum and with the footer. It does not decompress;
    /// `progress` counts messages.
    ///
    /// # Errors
    /// [`FileError::Damaged`] names the first frame that is not as it was written.
    pub fn check(&self, progress: &mut dyn Progress) -> Result<(), FileError> {
        progress.set_total(self.footer().messages);
        let (mut offset, mut next) = (self.inner.frames_from, self.header().first);
        for number in 0..self.inner.ending.index.len() {
            let frame = self.frame(number)?;
            if frame.offset != offset || frame.first != next {
                return Err(self.odd(offset, "the frames do not follow each other"));
            }
            (offset, next) = (frame.end, frame.last().next());
            progress.advance(u64::from(frame.count));
        }
        let footer = self.footer();
        let messages = next.0.checked_sub(self.header().first.0);
        if offset != self.inner.ending.offset || next != footer.last.next() || messages != Some(footer.messages) {
            return Err(self.odd(offset, "the frames do not end where the footer says"));
        }
        progress.finish();
        Ok(())
    }

    /// Which log it is, and where in it the file begins.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.inner.header
    }

    /// What it holds.
    #[must_use]
    pub fn footer(&self) -> &Footer {
        &self.inner.ending.footer
    }

    /// The checksum of all.
    #[must_use]
    pub fn sum(&self) -> Hash {
        self.inner.ending.sum
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// How many bytes it has.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.inner.ending.length
    }

    /// A reader that begins at `from`.
    #[must_use]
    pub fn reader(&self, from: Position) -> ExportedReader {
        ExportedReader { log: self.clone(), next: from.max(self.header().first), messages: Vec::new().into_iter() }
    }

    /// Where the footer begins: up to there it is what an export that was cut short leaves.
    pub(super) fn frames_end(&self) -> u64 {
        self.inner.ending.offset
    }

    /// The frame of that number, with its checksum compared.
    fn frame(&self, number: usize) -> Result<Frame, FileError> {
        let index = &self.inner.ending.index;
        let Some(indexed) = index.get(number) else { return Err(self.odd(self.inner.ending.offset, "no such frame")) };
        let end = index.get(number + 1).map_or(self.inner.ending.offset, |next| next.offset);
        let frame = read_frame(&self.inner.file, indexed.offset, end).map_err(|broken| match broken {
            // The file has its end, so something between says that it is longer than it is.
            Broken::Cut => self.odd(indexed.offset, "the frame is longer than its place"),
            broken => FileError::damaged(&self.inner.path, broken),
        })?;
        if frame.sum != indexed.sum || frame.first != indexed.first {
            return Err(self.odd(indexed.offset, "the frame is another than the footer lists"));
        }
        Ok(frame)
    }

    /// The messages from `position` to the end of its frame; none outside of the file.
    fn messages_from(&self, position: Position) -> Result<Vec<Bytes>, FileError> {
        if position < self.header().first || position > self.footer().last {
            return Ok(Vec::new());
        }
        let number = self.inner.ending.index.partition_point(|indexed| indexed.first <= position).saturating_sub(1);
        let frame = self.frame(number)?;
        let mut messages = frame.messages().map_err(|broken| FileError::damaged(&self.inner.path, broken))?;
        let skip = usize::try_from(position.0 - frame.first.0).unwrap_or(usize::MAX);
        if skip >= messages.len() {
            return Err(self.odd(frame.offset, "the frame ends before the next one begins"));
        }
        Ok(messages.split_off(skip))
    }

    fn odd(&self, offset: u64, what: &str) -> FileError {
        FileError::Damaged { path: self.inner.path.clone(), offset, what: what.to_owned() }
    }

    fn unavailable(&self, error: &FileError) -> Unavailable {
        Unavailable { what: format!("the file {}", self.inner.path.display()), why: error.to_string() }
    }
}

impl Log for ExportedLog {
    type Reader = ExportedReader;

    async fn append(&self, _payload: Bytes, _expected: Position) -> Result<Position, AppendError> {
        Err(AppendError::Refused("it is an export, which nobody appends to".to_owned()))
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        Ok(self.footer().last)
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        let messages = self.messages_from(position).map_err(|error| self.unavailable(&error))?;
        Ok(messages.into_iter().next().map(|payload| LogEntry { position, payload }))
    }

    async fn read_from(&self, from: Position) -> Result<ExportedReader, Unavailable> {
        Ok(self.reader(from))
    }
}

/// A place in a file that moves forward. One frame is in memory at a time.
#[derive(Debug)]
pub struct ExportedReader {
    log: ExportedLog,
    next: Position,
    /// What is left of the frame.
    messages: std::vec::IntoIter<Bytes>,
}

impl ExportedReader {
    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// [`FileError::Damaged`] when the frame is not as it was written.
    pub fn next_entry(&mut self) -> Result<Option<LogEntry>, FileError> {
        if self.messages.len() == 0 {
            self.messages = self.log.messages_from(self.next)?.into_iter();
        }
        let Some(payload) = self.messages.next() else { return Ok(None) };
        let position = self.next;
        self.next = position.next();
        Ok(Some(LogEntry { position, payload }))
    }
}

impl LogReader for ExportedReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        let mut batch = Vec::new();
        while batch.len() < max.max(1) {
            match self.next_entry() {
                Ok(Some(entry)) => batch.push(entry),
                Ok(None) => break,
                // What stands before the damage is given first; the next call finds it again.
                Err(_) if !batch.is_empty() => break,
                Err(error) => return Err(self.log.unavailable(&error)),
            }
        }
        Ok(batch)
    }
}
