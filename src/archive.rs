//! The cell's log with its archived beginning, as every role and tool reads it.

use std::fs::File;
use std::path::Path;

use stele_core::port::Log as _;
use stele_core::unit::{Hash, Position};
use stele_projections::projection::Projection;
use stele_replay::archive::{Archive, ArchiveError, Archived, Described, snapshot_file};
use tracing::{info, warn};

use crate::failure::Failure;
use crate::nats::{Connection, JetStreamLog};
use crate::settings::Settings;

/// The stream, and the files before it where there are any.
pub type CellLog = Archived<JetStreamLog>;

/// The shard that every command is about.
const SHARD: u32 = 0;

/// The archive that the settings name.
///
/// # Errors
/// A [`Failure`] when it cannot be read, or its files do not join.
pub fn archive(settings: &Settings) -> Result<Option<Archive>, Failure> {
    Ok(settings.archive.as_ref().map(|folder| Archive::open(&folder.value)).transpose()?)
}

/// The log of a cell. That files and stream are one history is not looked at yet.
#[must_use]
pub fn cell_log(connection: &Connection, archive: Option<Archive>) -> CellLog {
    Archived::new(archive, JetStreamLog::new(connection, SHARD))
}

/// The log of a cell, for a tool that reads it now: files and stream are one history, with nothing missing between them.
///
/// # Errors
/// A [`Failure`] that names what is wrong with the archive, or with it beside the stream.
pub async fn joined(connection: &Connection, settings: &Settings) -> Result<CellLog, Failure> {
    let log = cell_log(connection, archive(settings)?);
    log.join().await?;
    Ok(log)
}

/// Puts the newest projection of the archive that fits at `place`, where there is none yet, so that it need not be folded
/// from the first message. Gives the position up to which it is folded.
///
/// A projection that is damaged, of another release, or not of this log is passed over: then the next older one is tried,
/// and at last everything is folded anew, which is always right.
///
/// # Errors
/// A [`Failure`] when the disk does not take it.
pub async fn take_snapshot(archive: &Archive, place: &Path) -> Result<Option<Position>, Failure> {
    if place.try_exists()? {
        return Ok(None);
    }
    let mut copy = place.as_os_str().to_owned();
    copy.push(".copying");
    let copy = Path::new(&copy);
    for through in archive.snapshots()? {
        let from = archive.folder().join(snapshot_file(through));
        match std::fs::copy(&from, copy) {
            // A newer one has come meanwhile, and made this one needless.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !from.exists() => continue,
            copied => copied?,
        };
        match fits(archive, copy, through).await {
            Ok(()) => {
                File::open(copy)?.sync_all()?;
                std::fs::rename(copy, place)?;
                info!(from = %from.display(), position = %through, "the archive's projection is gone on with");
                return Ok(Some(through));
            }
            Err(why) => warn!(file = %from.display(), %why, "this projection of the archive is passed over"),
        }
        std::fs::remove_file(copy)?;
    }
    Ok(None)
}

/// Whether a projection is folded up to there, from this very log, and holds what was written down beside it.
async fn fits(archive: &Archive, file: &Path, through: Position) -> Result<(), String> {
    let described = Described::read(archive.folder(), through).map_err(|e| e.to_string())?;
    let described = described.ok_or("there is no file beside it that says what it holds")?;
    let there = archive.get(described.position).await.map_err(|e| e.to_string())?;
    if there.map(|entry| Hash::of(&entry.payload)) != Some(described.hash) {
        return Err("it is of another log".to_owned());
    }
    let file = file.to_owned();
    let looked = tokio::task::spawn_blocking(move || is_described(&file, &described));
    looked.await.map_err(|e| e.to_string())?
}

/// Whether a projection holds what a description says.
pub(crate) fn is_described(file: &Path, described: &Described) -> Result<(), String> {
    let projection = Projection::open(file).map_err(|e| e.to_string())?;
    let cursor = *projection.cursor();
    if cursor.seen != described.through
        || (cursor.chain.position, cursor.chain.hash) != (described.position, described.hash)
    {
        return Err(format!("it is folded up to position {}, or from another log", cursor.seen));
    }
    let (_, digest) = projection.digest().map_err(|e| e.to_string())?;
    if digest.digest != described.digest {
        return Err("its rows are not those that the log led to".to_owned());
    }
    projection.close().map_err(|e| e.to_string())
}

/// Waits until the stream answers, and looks whether it goes on from the files.
///
/// # Errors
/// [`ArchiveError`], but for a stream that does not answer.
pub async fn until_joined(log: &CellLog) -> Result<(), ArchiveError> {
    loop {
        match log.join().await {
            Err(ArchiveError::Unavailable(error)) => warn!(%error, "waiting for the log"),
            joined => return joined,
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}
