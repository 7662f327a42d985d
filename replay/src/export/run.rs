//! From a log to a file that is never half there: it grows beside its place as `FILE.part` and is renamed at the end.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stele_core::chain::Chain;
use stele_core::port::{Log, LogEntry};
use stele_core::unit::{Hash, Position};

use super::before::before;
use super::error::{ExportError, FileError};
use super::layout::{CODEC, FORMAT, Footer, Header};
use super::pipeline::Pipeline;
use super::read::ExportedLog;
use super::write::{Exporter, witness};
use crate::progress::{Progress, Silent};
use crate::source::{Source, SourceError};
use crate::verify::Head;

/// What is to be exported, and where to.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// The file.
    pub path: PathBuf,
    /// The first position, from 1.
    pub from: Position,
    /// The last position; the tail when absent.
    pub to: Option<Position>,
    /// Whether a file that is there already is replaced, whatever it is.
    pub force: bool,
    /// The stream's name, for the header.
    pub stream: String,
    /// The shard, for the header.
    pub shard: u32,
    /// A frame is closed when its messages have so many bytes; [`FRAME_BYTES`] at most.
    pub frame_bytes: usize,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// The position of its first message.
    pub first: Position,
    /// What it holds.
    #[serde(flatten)]
    pub footer: Footer,
    /// How long it is, in bytes.
    pub file_bytes: u64,
    /// The checksum of all.
    pub sha256: Hash,
    /// How many of the messages were read from the log now; the others were in the file, or its beginning, already.
    pub added: u64,
}

/// Exports a range of a log.
///
/// An export of the same range that was cut short goes on. So does a whole one of the same log that ends earlier. Two
/// threads follow the chain, compress and write meanwhile; when they are slower than the log, the caller waits.
///
/// # Errors
/// [`ExportError`]; what lay at the path before is as it was, and what was read stays in `FILE.part` for the next try.
pub async fn export<L: Log>(
    log: &L,
    options: &ExportOptions,
    progress: &mut dyn Progress,
) -> Result<Exported, ExportError> {
    export_behind(log, options, None, progress).await
}

/// The same where the last record before the range is known.
pub(crate) async fn export_behind<L: Log>(
    log: &L,
    options: &ExportOptions,
    known: Option<Chain>,
    progress: &mut dyn Progress,
) -> Result<Exported, ExportError> {
    let until = range(log, options).await?;
    let whole = if options.force { None } else { whole(log, options, until).await? };
    if let Some(whole) = whole.as_ref().filter(|whole| whole.footer().last == until) {
        return Ok(summary(options, (whole.footer().clone(), whole.sum(), whole.file_bytes()), 0));
    }
    let part = part_of(&options.path);
    let file = lock(&part)?;
    let resumed = resume(log, options, &file, &part, until).await?;
    let exporter = match (resumed, &whole) {
        (Some(exporter), None) => exporter,
        (Some(exporter), Some(whole)) if exporter.next() > whole.footer().last => exporter,
        (_, Some(whole)) => copied(options, whole, &file, &part)?,
        (None, None) => {
            let before = match known {
                Some(known) => known,
                None => before(log, options.from).await?,
            };
            let header = header(options, before);
            Exporter::create(clone(&file, &part)?, &part, header, options.frame_bytes)?
        }
    };
    let from = exporter.next();
    let written = written(log, exporter, until, progress).await?;
    put_in_place(&part, &options.path).map_err(|e| FileError::io(&options.path, &e))?;
    progress.finish();
    Ok(summary(options, written, until.next().0.saturating_sub(from.0)))
}

/// The last position, once the range is known to be there. An empty log has an empty range.
async fn range<L: Log>(log: &L, options: &ExportOptions) -> Result<Position, ExportError> {
    let (from, tail) = (options.from, log.tail().await.map_err(SourceError::from)?);
    let until = options.to.unwrap_or(tail);
    if from < Position(1) || options.to.is_some_and(|to| to < from) {
        return Err(ExportError::Range { from, to: until });
    }
    let asked = if from == Position(1) { until } else { until.max(from) };
    if asked > tail { Err(SourceError::BeyondTail { asked, tail }.into()) } else { Ok(until) }
}

/// The whole export that lies at the path already, if it can be extended to what is asked for.
async fn whole<L: Log>(log: &L, options: &ExportOptions, until: Position) -> Result<Option<ExportedLog>, ExportError> {
    if !options.path.try_exists().map_err(|e| FileError::io(&options.path, &e))? {
        return Ok(None);
    }
    let exists = |why: String| ExportError::Exists { path: options.path.clone(), why };
    let file = ExportedLog::open(&options.path).map_err(|error| exists(error.to_string()))?;
    file.check(&mut Silent).map_err(|error| exists(error.to_string()))?;
    let (first, last) = (file.header().first, file.footer().last);
    same_log(options, file.header()).map_err(&exists)?;
    if last > until {
        return Err(exists(format!("it holds positions {first} to {last}, more than is asked for")));
    }
    let last = log_entry(&file, last).await?.map(|entry| (entry.position, Hash::of(&entry.payload)));
    let witnesses = last.into_iter().chain(witness(&file.footer().head)).collect();
    agree(log, &options.path, witnesses).await?;
    Ok(Some(file))
}

async fn log_entry<L: Log>(log: &L, position: Position) -> Result<Option<LogEntry>, ExportError> {
    Ok(log.get(position).await.map_err(SourceError::from)?)
}

/// What an export that was cut short left, if there is any.
async fn resume<L: Log>(
    log: &L,
    options: &ExportOptions,
    file: &File,
    part: &Path,
    until: Position,
) -> Result<Option<Exporter>, ExportError> {
    let Some(exporter) = Exporter::resume(clone(file, part)?, part, until, options.frame_bytes)? else {
        return Ok(None);
    };
    same_log(options, exporter.header()).map_err(|why| ExportError::Exists { path: part.to_owned(), why })?;
    agree(log, part, exporter.witnesses()).await?;
    Ok(Some(exporter))
}

/// Whether a file is of the log and the beginning that are asked for; the error says why not.
fn same_log(options: &ExportOptions, header: &Header) -> Result<(), String> {
    if header.first != options.from {
        return Err(format!("it begins with position {}, not {}", header.first, options.from));
    }
    if (&header.stream, header.shard) != (&options.stream, options.shard) {
        return Err(format!("it is of shard {} in stream {}", header.shard, header.stream));
    }
    Ok(())
}

/// Whether the log holds what the file says it held.
async fn agree<L: Log>(log: &L, path: &Path, witnesses: Vec<(Position, Hash)>) -> Result<(), ExportError> {
    for (position, hash) in witnesses {
        let found = log_entry(log, position).await?;
        if found.is_none_or(|entry| Hash::of(&entry.payload) != hash) {
            return Err(ExportError::Differs { path: path.to_owned(), position });
        }
    }
    Ok(())
}

fn header(options: &ExportOptions, before: Chain) -> Header {
    Header {
        format: FORMAT,
        codec: CODEC.to_owned(),
        stream: options.stream.clone(),
        shard: options.shard,
        first: options.from,
        before,
    }
}

/// A new beginning with all that a whole export holds.
fn copied(options: &ExportOptions, whole: &ExportedLog, part: &File, path: &Path) -> Result<Exporter, ExportError> {
    let copy = || {
        part.set_len(0)?;
        let (mut from, mut to) = (File::open(whole.path())?, part.try_clone()?);
        io::Seek::rewind(&mut to)?;
        io::copy(&mut io::Read::take(&mut from, whole.frames_end()), &mut to)
    };
    copy().map_err(|e| FileError::io(path, &e))?;
    let exporter = Exporter::resume(clone(part, path)?, path, whole.footer().last, options.frame_bytes)?;
    exporter.filter(|exporter| exporter.next() == whole.footer().last.next()).ok_or_else(|| {
        let why = "its frames cannot be read as they were written".to_owned();
        ExportError::Exists { path: whole.path().to_owned(), why }
    })
}

/// Reads on to the end, while two threads write.
async fn written<L: Log>(
    log: &L,
    exporter: Exporter,
    until: Position,
    progress: &mut dyn Progress,
) -> Result<(Footer, Hash, u64), ExportError> {
    let mut source = Source::open_from(log, exporter.next(), Some(until), progress).await?;
    let pipeline = Pipeline::start(exporter);
    let read = loop {
        match source.batch().await {
            Ok(entries) if entries.is_empty() => break Ok(()),
            Ok(entries) => {
                let count = entries.len() as u64;
                if !pipeline.push(entries) {
                    break Ok(());
                }
                progress.advance(count);
            }
            Err(error) => break Err(error),
        }
    };
    let written = pipeline.join();
    match read {
        Ok(()) => Ok(written?.finish()?),
        Err(error) => Err(error.into()),
    }
}

fn summary(options: &ExportOptions, (footer, sha256, file_bytes): (Footer, Hash, u64), added: u64) -> Exported {
    Exported { path: options.path.clone(), first: options.from, footer, file_bytes, sha256, added }
}

/// Where a file grows.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Opens the growing file for this process alone.
fn lock(part: &Path) -> Result<File, ExportError> {
    let io = |error: io::Error| FileError::io(part, &error);
    loop {
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(part).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ExportError::Busy(part.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io(error).into()),
        }
        // Another export may have finished between the two: then this is its whole file, under another name.
        let ours = file.metadata().map_err(io)?;
        if std::fs::metadata(part).is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
}

fn clone(file: &File, path: &Path) -> Result<File, FileError> {
    file.try_clone().map_err(|e| FileError::io(path, &e))
}

/// Renames, and brings the directory to the disk, without which the rename may be undone by a crash.
fn put_in_place(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

impl Exported {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let Footer { last, messages, records, strays, bytes, frames, head } = &self.footer;
        match messages {
            0 => writeln!(out, "exported  nothing: the log is empty")?,
            _ => writeln!(out, "exported  positions {} to {last}, {} of them now", self.first, self.added)?,
        }
        writeln!(out, "records   {records}, and {strays} strays, {bytes} bytes")?;
        let head = Head::from(head);
        writeln!(out, "head      position {}, epoch {}, written {}", head.position, head.epoch, head.at)?;
        writeln!(out, "          sha256 {}", head.hash)?;
        writeln!(out, "file      {}, {} bytes, frames: {frames}", self.path.display(), self.file_bytes)?;
        writeln!(out, "          sha256 {} (of all, in its footer)", self.sha256)
    }
}
