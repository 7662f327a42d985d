//! `stele replay` and files: export, import, and reading an export instead of the log.

use std::path::Path;
use std::time::Duration;

use stele_replay::archive::Archive;
use stele_replay::export::{ExportOptions, ExportedLog, FRAME_BYTES, export};
use stele_replay::import::import;
use stele_replay::verify::{Beginning, VerifyOptions, verify_behind};

use super::Session;
use super::output::{json, stdout};
use super::replay::{Bar, read, say_verified};
use crate::args::{Export, Import, Replay};
use crate::failure::Failure;
use crate::nats::{Connection, HeartbeatListener, JetStreamLog, LOG_STREAM, StreamSettings};
use crate::role::connect::prepared;

/// The shard that every command is about.
const SHARD: u32 = 0;

/// A leader says every 0.4 s that it lives.
const LEADER_SILENT_FOR: Duration = Duration::from_secs(2);

/// Reads a file, or an archive, instead of the log.
pub(super) async fn run(session: &Session, path: &Path, what: &Replay) -> Result<(), Failure> {
    if path.is_dir() {
        let archive = Archive::open(path)?;
        archive.check(&mut Bar::new("checking"))?;
        return read(session, &archive, what).await;
    }
    let file = checked(path)?;
    let (first, before) = (file.header().first, file.header().before);
    if first.0 <= 1 || matches!(what, Replay::Import(_)) {
        return read(session, &file, what).await;
    }
    if let Replay::Verify { .. } = what {
        let mut progress = Bar::new("verifying");
        let beginning = Beginning { first, before };
        let found = verify_behind(&file, beginning, VerifyOptions::default(), &mut progress).await?;
        return say_verified(session, &found);
    }
    let what = format!(
        "{} begins with position {first}: what was before is not in it, and no state can be folded from it",
        path.display()
    );
    let remedy = "give an export that begins with position 1; of this one `stele replay verify` can check the chain";
    Err(Failure::new("FileBeginsLater", what, remedy))
}

pub(super) async fn export_from<L: stele_core::port::Log>(
    session: &Session,
    log: &L,
    args: &Export,
) -> Result<(), Failure> {
    let options = ExportOptions {
        path: args.path.clone(),
        from: args.from,
        to: args.to,
        force: args.force,
        stream: LOG_STREAM.to_owned(),
        shard: SHARD,
        frame_bytes: FRAME_BYTES,
    };
    let exported = export(log, &options, &mut Bar::new("exporting")).await?;
    if session.json {
        return json(&exported);
    }
    Ok(exported.render(&mut stdout())?)
}

pub(super) async fn import_into(session: &Session, connection: &Connection, args: &Import) -> Result<(), Failure> {
    let files = files(&args.path)?;
    let streams = StreamSettings { replicas: usize::from(args.replicas), ..StreamSettings::default() };
    prepared(connection, &streams, args.server_syncs.then_some(true), args.force).await?;
    nobody_leads(connection).await?;
    let log = JetStreamLog::new(connection, SHARD);
    let mut all = Vec::new();
    for file in &files {
        let imported = import(file, &log, &mut Bar::new("importing")).await?;
        if !session.json {
            imported.render(&mut stdout())?;
        }
        all.push(imported);
    }
    match all.as_slice() {
        _ if !session.json => Ok(()),
        [one] if !args.path.is_dir() => json(one),
        all => json(&all),
    }
}

/// The file, or those of an archive, each with every frame compared with its checksum.
fn files(path: &Path) -> Result<Vec<ExportedLog>, Failure> {
    if !path.is_dir() {
        return Ok(vec![checked(path)?]);
    }
    let archive = Archive::open(path)?;
    archive.check(&mut Bar::new("checking"))?;
    if archive.files().is_empty() {
        let what = format!("{} holds no file of an archive", path.display());
        return Err(Failure::new(
            "ArchiveEmpty",
            what,
            "name a folder that `stele replay archive` wrote, or an export",
        ));
    }
    Ok(archive.files().to_vec())
}

/// Opens a file and compares every frame with its checksum, before anything is told from it.
fn checked(path: &Path) -> Result<ExportedLog, Failure> {
    let file = ExportedLog::open(path)?;
    file.check(&mut Bar::new("checking"))?;
    Ok(file)
}

/// Listens for a leader. One that comes later loses or wins against the import by compare-and-swap.
async fn nobody_leads(connection: &Connection) -> Result<(), Failure> {
    let mut heartbeats = HeartbeatListener::listen(connection, SHARD).await?;
    match tokio::time::timeout(LEADER_SILENT_FOR, heartbeats.next()).await {
        Ok(Some(leader)) => {
            let what = format!("control {} leads this cell and writes its log", leader.writer);
            Err(Failure::new("CellIsLed", what, "stop every control of the cell, and import again"))
        }
        Ok(None) | Err(_) => Ok(()),
    }
}
