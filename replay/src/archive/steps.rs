//! How the beginning of a log becomes a file of an archive, step by step. Any step may be cut short, and all of them said
//! again: what is there already is looked at and kept.
//!
//! ```text
//! plan     how far, and which positions no file holds yet      nothing is touched
//! verify   everything up to there, by every rule               (`crate::verify`, with `until`)
//! write    a file, on the disk, read back                      the archive grows
//! cover    all files, against the stream, message by message   only now the stream's beginning is not needed any more
//! purge    by whoever knows the stream; then `purged` looks
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use serde::Serialize;
use stele_core::port::{Log, first_after};
use stele_core::unit::{Hash, Position};

use super::archived::Archived;
use super::error::ArchiveError;
use super::folder::{Archive, log_file, padded};
use crate::export::{ExportOptions, Exported, ExportedLog, FRAME_BYTES, export_behind, part_of};
use crate::progress::Progress;
use crate::source::SourceError;
use crate::verify::{AuditEvery, Beginning, Head, Verification, VerifyOptions, verify, verify_behind};

/// How many positions stay in the stream when nobody says: what controls keep in their journals (64 MiB) and what a
/// standby or an API may be behind, many times over.
pub const KEEP_DEFAULT: u64 = 100_000;

/// How far is to be archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Through this position; as far as may be when absent.
    pub until: Option<Position>,
    /// So many positions stay in the stream; at least one always does.
    pub keep: u64,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The last position that is to leave the stream.
    pub through: Position,
    /// The log's last position.
    pub tail: Position,
    /// The first position that no file holds yet; those from there to `through` are to be written. None when files
    /// hold all of them.
    pub new_from: Option<Position>,
}

/// Decides how far a log that ends at `tail` is archived; `None` when nothing has to leave.
///
/// # Errors
/// [`ArchiveError::TooFewStay`], or [`SourceError::BeyondTail`].
pub fn plan(archive: &Archive, tail: Position, wish: Wish) -> Result<Option<Plan>, ArchiveError> {
    let keep = wish.keep.max(1);
    let through = match wish.until {
        Some(asked) if asked > tail => return Err(SourceError::BeyondTail { asked, tail }.into()),
        Some(through) if tail.0 - through.0 < keep => {
            return Err(ArchiveError::TooFewStay { through, left: tail.0 - through.0, keep });
        }
        Some(through) => through,
        None => Position(tail.0.saturating_sub(keep)),
    };
    let next = archive.last().next();
    let new_from = (next <= through).then_some(next);
    Ok((through > Position(0)).then_some(Plan { through, tail, new_from }))
}

/// Verifies everything up to where the plan goes, files and stream.
///
/// # Errors
/// [`SourceError`] when the log does not answer; what is wrong with it stands in the result.
pub async fn verify_through<L: Log>(
    log: &Archived<L>,
    plan: &Plan,
    progress: &mut dyn Progress,
) -> Result<Verification, ArchiveError> {
    let options =
        VerifyOptions { until: Some(plan.through), audit_every: AuditEvery::Adaptive, ..VerifyOptions::default() };
    verify(log, options, progress).await.map_err(|crate::verify::VerifyError::Source(error)| error.into())
}

/// The right to write into an archive: one run has it at a time.
#[derive(Debug)]
pub struct Writing {
    _lock: File,
}

impl Writing {
    /// Makes the folder where there is none, and takes it for this run.
    ///
    /// # Errors
    /// [`ArchiveError::Busy`] or [`ArchiveError::Io`].
    pub fn begin(folder: &Path) -> Result<Self, ArchiveError> {
        let path = folder.join("lock");
        let open = || {
            std::fs::create_dir_all(folder)?;
            OpenOptions::new().create(true).truncate(false).write(true).open(&path)
        };
        let lock = open().map_err(|e| ArchiveError::io(&path, &e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(ArchiveError::Busy(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(ArchiveError::io(&path, &error)),
        }
    }
}

/// Which log it is, for the files' headers.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The stream.
    pub stream: &'a str,
    /// The shard.
    pub shard: u32,
}

/// Writes what no file holds yet, brings it to the disk, reads it back, and compares its last record with what was
/// verified: one hash for all records before. Gives nothing when there is nothing to write.
///
/// # Errors
/// [`ArchiveError`]; a file that is not whole lies there as `*.part`, and the next run goes on with it.
pub async fn write<L: Log>(
    log: &Archived<L>,
    plan: &Plan,
    verified: &Verification,
    _writing: &Writing,
    named: Named<'_>,
    progress: &mut dyn Progress,
) -> Result<Option<Exported>, ArchiveError> {
    let (Some(first), Some(archive)) = (plan.new_from, log.archive()) else { return Ok(None) };
    sound(verified)?;
    let path = archive.folder().join(log_file(first, plan.through));
    adopt_part(archive.folder(), first, &part_of(&path))?;
    let options = ExportOptions {
        path: path.clone(),
        from: first,
        to: Some(plan.through),
        force: false,
        stream: named.stream.to_owned(),
        shard: named.shard,
        frame_bytes: FRAME_BYTES,
    };
    let exported = export_behind(log, &options, Some(archive.head()), progress).await?;
    let file = ExportedLog::open(&path)?;
    file.check(progress)?;
    let beginning = Beginning { first, before: file.header().before };
    let read = verify_behind(&file, beginning, VerifyOptions::default(), progress).await;
    let read = read.map_err(|crate::verify::VerifyError::Source(error)| ArchiveError::from(error))?;
    if read.head != verified.head || !read.ok || Head::from(&file.footer().head) != verified.head {
        return Err(ArchiveError::NotAsVerified { path, found: read.head.position, verified: verified.head.position });
    }
    archive.look_again()?;
    Ok(Some(exported))
}

/// A run that was cut short may have aimed at another end: what it left is gone on with, for it begins the same.
fn adopt_part(folder: &Path, first: Position, part: &Path) -> Result<(), ArchiveError> {
    let io = |error: std::io::Error| ArchiveError::io(folder, &error);
    let start = format!("log-{}-", padded(first));
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&start) && name.ends_with(".stele.part") && path != part {
            std::fs::rename(&path, part).map_err(io)?;
        }
    }
    Ok(())
}

/// The proof that the files hold everything up to a position, and that the stream goes on behind it. Only [`cover`]
/// gives it.
#[derive(Debug)]
pub struct Covered {
    through: Position,
    next: Hash,
}

impl Covered {
    /// The last position that the stream need not hold any more.
    #[must_use]
    pub fn through(&self) -> Position {
        self.through
    }
}

/// Opens the files anew, reads those that the stream still holds messages of, compares each of these messages, and looks
/// whether the stream goes on behind what may leave it.
///
/// # Errors
/// [`ArchiveError`]; then nothing may be purged.
pub async fn cover<L: Log>(
    log: &Archived<L>,
    plan: &Plan,
    verified: &Verification,
    progress: &mut dyn Progress,
) -> Result<Covered, ArchiveError> {
    sound(verified)?;
    let (live, through) = (log.live(), plan.through);
    let folder = log.archive().map(|archive| archive.folder().to_owned()).unwrap_or_default();
    let anew = Archived::new(Some(Archive::open(&folder)?), live.clone());
    let Some(archive) = anew.archive() else { return Err(gap(&folder, Position(1), through)) };
    if archive.first() > Position(1) {
        return Err(gap(&folder, Position(1), Position(archive.first().0 - 1)));
    }
    if archive.last() < through {
        return Err(gap(&folder, archive.last().next(), through));
    }
    let last_record = archive.get(verified.head.position).await?.map(|entry| Hash::of(&entry.payload));
    if verified.last != Some(through) || last_record != Some(verified.head.hash) {
        return Err(ArchiveError::Differs { folder, position: verified.head.position });
    }
    anew.join().await?;
    let first = first_after(live, Position(0), live.tail().await?).await?;
    for file in archive.files().iter().filter(|file| file.footer().last >= first) {
        file.check(progress)?;
    }
    anew.compare(progress).await?;
    let next = live.get(through.next()).await?.ok_or_else(|| gap(&folder, through.next(), through.next()))?;
    Ok(Covered { through, next: Hash::of(&next.payload) })
}

/// Looks whether the stream begins where it must, with the message that stood there, and still goes on from the files.
///
/// # Errors
/// [`ArchiveError::NotPurged`].
pub async fn purged<L: Log>(log: &Archived<L>, covered: &Covered) -> Result<(), ArchiveError> {
    let (live, expected) = (log.live(), covered.through.next());
    let not = |what: &str| ArchiveError::NotPurged { expected, what: what.to_owned() };
    if live.get(covered.through).await?.is_some() {
        return Err(not("it begins before"));
    }
    match live.get(expected).await?.map(|entry| Hash::of(&entry.payload)) {
        Some(hash) if hash == covered.next => {}
        Some(_) => return Err(not("another message stands there")),
        None => return Err(not("no message stands there")),
    }
    log.join().await
}

/// Whether the stream begins behind a position already.
///
/// # Errors
/// [`stele_core::port::Unavailable`] when it does not answer.
pub async fn is_purged<L: Log>(live: &L, through: Position) -> Result<bool, ArchiveError> {
    Ok(live.get(through).await?.is_none())
}

fn sound(verified: &Verification) -> Result<(), ArchiveError> {
    match &verified.first_bad {
        None => Ok(()),
        Some(bad) => Err(ArchiveError::NotSound { position: bad.position, what: bad.what.clone() }),
    }
}

fn gap(folder: &Path, from: Position, to: Position) -> ArchiveError {
    ArchiveError::Gap { folder: folder.to_owned(), from, to }
}
