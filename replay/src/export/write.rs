//! Messages in, frames and a footer out.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use stele_core::chain::{Chain, Link};
use stele_core::port::LogEntry;
use stele_core::unit::{Hash, Position};

use super::error::{ExportError, FileError};
use super::layout::{
    Broken, FRAME_BYTES, FRAME_MESSAGES, Footer, Header, Indexed, MESSAGE_BYTES_MAX, encode_footer, encode_frame,
    encode_header, length, push_message, read_frame, read_header,
};

/// The fastest one: of records, higher levels make the file hardly smaller (level 3 makes it larger).
const LEVEL: i32 = 1;

/// A file that is being written: what its messages come to, and the frames that hold them.
pub(super) struct Exporter {
    pub(super) tally: Tally,
    pub(super) frames: Frames,
}

/// What the messages so far come to.
pub(super) struct Tally {
    footer: Footer,
    /// The last message.
    last: Option<LogEntry>,
}

/// The frames so far.
pub(super) struct Frames {
    file: File,
    path: PathBuf,
    header: Header,
    header_sum: Hash,
    index: Vec<Indexed>,
    /// Where the next frame begins.
    offset: u64,
    /// The first position of the frame that is being filled.
    first: Position,
    raw: Vec<u8>,
    raw_count: usize,
    frame_bytes: usize,
    compressor: zstd::bulk::Compressor<'static>,
}

impl Exporter {
    /// Begins a file: whatever is in it goes.
    pub(super) fn create(file: File, path: &Path, header: Header, frame_bytes: usize) -> Result<Self, FileError> {
        let io = |error: std::io::Error| FileError::io(path, &error);
        let (bytes, header_sum) = encode_header(&header).map_err(io)?;
        file.set_len(0).map_err(io)?;
        file.write_all_at(&bytes, 0).map_err(io)?;
        Self::new(file, path, (header, header_sum, bytes.len() as u64), frame_bytes)
    }

    /// Goes on with a file that was cut short, behind its last whole frame that ends at `until` or before; every frame
    /// before is read and checked. `None` when not even its header is whole.
    pub(super) fn resume(
        file: File,
        path: &Path,
        until: Position,
        frame_bytes: usize,
    ) -> Result<Option<Self>, ExportError> {
        let read = match read_header(&file) {
            Ok(read) => read,
            Err(broken @ (Broken::Io(_) | Broken::NotAnExport | Broken::Newer(_))) => {
                return Err(FileError::damaged(path, broken).into());
            }
            Err(Broken::Cut | Broken::At { .. }) => return Ok(None),
        };
        let mut exporter = Self::new(file, path, read, frame_bytes)?;
        let Self { tally, frames } = &mut exporter;
        let limit = length(&frames.file).map_err(|broken| FileError::damaged(path, broken))?;
        while let Some((indexed, end, entries)) = frames.next_whole(limit)? {
            if entries.last().is_some_and(|entry| entry.position > until) {
                break;
            }
            for entry in &entries {
                tally.take(entry)?;
            }
            (frames.offset, frames.first) = (end, tally.footer.last.next());
            frames.index.push(indexed);
        }
        frames.file.set_len(frames.offset).map_err(|e| FileError::io(path, &e))?;
        Ok(Some(exporter))
    }

    fn new(
        file: File,
        path: &Path,
        (header, header_sum, offset): (Header, Hash, u64),
        frame_bytes: usize,
    ) -> Result<Self, FileError> {
        let compressor = zstd::bulk::Compressor::new(LEVEL).map_err(|e| FileError::io(path, &e))?;
        let footer = Footer {
            last: Position(header.first.0.saturating_sub(1)),
            messages: 0,
            records: 0,
            strays: 0,
            bytes: 0,
            frames: 0,
            head: header.before,
        };
        let frames = Frames {
            file,
            path: path.to_owned(),
            first: header.first,
            header,
            header_sum,
            index: Vec::new(),
            offset,
            raw: Vec::new(),
            raw_count: 0,
            frame_bytes: frame_bytes.min(FRAME_BYTES),
            compressor,
        };
        Ok(Self { tally: Tally { footer, last: None }, frames })
    }

    /// What the file says about itself.
    pub(super) fn header(&self) -> &Header {
        &self.frames.header
    }

    /// The position that comes next.
    pub(super) fn next(&self) -> Position {
        self.tally.footer.last.next()
    }

    /// What the log must still hold for the file to be its export: the last message and the last record.
    pub(super) fn witnesses(&self) -> Vec<(Position, Hash)> {
        let last = self.tally.last.iter().map(|last| (last.position, Hash::of(&last.payload)));
        last.chain(witness(&self.tally.footer.head)).collect()
    }

    /// Writes the footer and brings everything to the disk. Gives the footer, the checksum of all, the file's length.
    pub(super) fn finish(self) -> Result<(Footer, Hash, u64), FileError> {
        let Self { tally: Tally { mut footer, .. }, mut frames } = self;
        frames.close()?;
        footer.frames = frames.index.len() as u64;
        let io = |error: std::io::Error| FileError::io(&frames.path, &error);
        let (bytes, sum) = encode_footer(frames.header_sum, &footer, &frames.index).map_err(io)?;
        frames.file.write_all_at(&bytes, frames.offset).map_err(io)?;
        frames.file.sync_all().map_err(io)?;
        Ok((footer, sum, frames.offset + bytes.len() as u64))
    }
}

impl Tally {
    /// Counts a message and follows the chain through it.
    pub(super) fn take(&mut self, entry: &LogEntry) -> Result<(), ExportError> {
        let footer = &mut self.footer;
        match footer.head.link_head(entry)? {
            Link::Record(head, hash) => {
                footer.head.advance(&head, entry.position, hash);
                footer.records += 1;
            }
            Link::Stray(_) => footer.strays += 1,
        }
        footer.last = entry.position;
        footer.messages += 1;
        footer.bytes += entry.payload.len() as u64;
        self.last = Some(entry.clone());
        Ok(())
    }
}

impl Frames {
    /// Takes the next message in.
    pub(super) fn take(&mut self, entry: &LogEntry) -> Result<(), ExportError> {
        let bytes = entry.payload.len();
        if bytes > MESSAGE_BYTES_MAX {
            return Err(ExportError::TooLarge { position: entry.position, bytes, max: MESSAGE_BYTES_MAX });
        }
        push_message(&mut self.raw, &entry.payload).map_err(|e| FileError::io(&self.path, &e))?;
        self.raw_count += 1;
        if self.raw.len() >= self.frame_bytes || self.raw_count >= FRAME_MESSAGES {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), FileError> {
        if self.raw_count == 0 {
            return Ok(());
        }
        let io = |error: std::io::Error| FileError::io(&self.path, &error);
        let first = self.first;
        let (bytes, sum) = encode_frame(&mut self.compressor, first, self.raw_count, &self.raw).map_err(io)?;
        self.file.write_all_at(&bytes, self.offset).map_err(io)?;
        self.index.push(Indexed { first, offset: self.offset, sum });
        self.offset += bytes.len() as u64;
        self.first = Position(first.0 + self.raw_count as u64);
        self.raw.clear();
        self.raw_count = 0;
        Ok(())
    }

    /// The frame at the present offset with its messages, if it is whole and in its place.
    fn next_whole(&self, limit: u64) -> Result<Option<(Indexed, u64, Vec<LogEntry>)>, FileError> {
        let read = read_frame(&self.file, self.offset, limit).and_then(|frame| Ok((frame.messages()?, frame)));
        match read {
            Ok((messages, frame)) if frame.first == self.first => {
                let entry = |(position, payload)| LogEntry { position: Position(position), payload };
                let entries = (frame.first.0..).zip(messages).map(entry).collect();
                Ok(Some((Indexed { first: frame.first, offset: frame.offset, sum: frame.sum }, frame.end, entries)))
            }
            Err(broken @ Broken::Io(_)) => Err(FileError::damaged(&self.path, broken)),
            Ok(_) | Err(_) => Ok(None),
        }
    }
}

/// The last record before something, when there is one: where it stands and its hash.
pub(super) fn witness(chain: &Chain) -> Option<(Position, Hash)> {
    (chain.position > Position(0)).then_some((chain.position, chain.hash))
}
