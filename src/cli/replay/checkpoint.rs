//! `stele replay checkpoint`, and the checkpoints that `stele replay verify` compares with.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use stele_core::port::Log;
use stele_core::unit::Position;
use stele_replay::checkpoint::{Checkpoint, PrivateKey, PublicKey};
use stele_replay::verify::{AuditEvery, Kept, VerifyOptions, verify};

use super::Bar;
use crate::cli::Session;
use crate::cli::output::{json, line};
use crate::failure::Failure;
use crate::key_file;

/// A checkpoint has some 450 bytes: a file of more than this is not one of them.
const FILE_BYTES_MAX: u64 = 64 << 20;

pub(super) async fn run<L: Log>(
    session: &Session,
    log: &L,
    key: &Path,
    make_key: bool,
    to: Option<&Path>,
) -> Result<(), Failure> {
    if make_key {
        key_file::make(key).map_err(|e| key_failed(key, &e.to_string()))?;
    }
    let private = read_key(key)?;
    let mut progress = Bar::new("verifying");
    // What is not sound is not signed: a signature would make it look as if it were.
    let options = VerifyOptions { audit_every: AuditEvery::End, ..VerifyOptions::default() };
    let found = verify(log, options, &mut progress).await?;
    let (head, Some(digest), None) = (&found.head, &found.digest, &found.first_bad) else {
        let why =
            found.first_bad.map_or_else(String::new, |bad| format!(": {} at position {}", bad.what, bad.position));
        return Err(Failure::new("LogNotSound", format!("the log is not signed{why}"), "see `stele replay verify`"));
    };
    if head.position == Position(0) {
        return Err(Failure::new("LogEmpty", "the log is empty: there is nothing to sign", "start a control"));
    }
    let made = Checkpoint::sign(&private, head.position, head.hash, digest.digest, head.at);
    let Some(to) = to else { return json(&made) };
    append(to, &made).map_err(|e| {
        Failure::new("CheckpointNotKept", format!("{}: {e}", to.display()), "name a file that can be written")
    })?;
    if session.json {
        return json(&made);
    }
    let (position, file) = (made.position, to.display());
    line(&format!("position {position} is signed in {file}; verify with --checkpoints {file} --believe {}", made.key));
    Ok(())
}

/// What the log is to be compared with.
pub(super) fn kept(files: &[PathBuf], believed: &[PublicKey]) -> Result<Kept, Failure> {
    let mut checkpoints = Vec::new();
    for file in files {
        checkpoints.extend(read(file)?);
    }
    Ok(Kept::new(believed.to_vec(), checkpoints))
}

pub(super) fn read(file: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let failed = |what: String| {
        let remedy = "name a file that `stele replay checkpoint --to` wrote";
        Failure::new("CheckpointsUnreadable", format!("{}: {what}", file.display()), remedy)
    };
    let bytes = std::fs::metadata(file).map_err(|e| failed(e.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(failed(format!("it has {bytes} bytes; at most {FILE_BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(file).map_err(|e| failed(e.to_string()))?;
    // One that was printed stands over several lines.
    let read: Result<Vec<_>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
    let read = read.map_err(|e| failed(e.to_string()))?;
    if read.is_empty() { Err(failed("it holds no checkpoint".to_owned())) } else { Ok(read) }
}

pub(super) fn append(to: &Path, made: &Checkpoint) -> std::io::Result<()> {
    let mut text = serde_json::to_string(made)?;
    text.push('\n');
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(to)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

pub(super) fn read_key(key: &Path) -> Result<PrivateKey, Failure> {
    let text = std::fs::read_to_string(key).map_err(|e| key_failed(key, &e.to_string()))?;
    key_file::warn_if_shared(key);
    text.parse().map_err(|e: stele_replay::checkpoint::NoKey| key_failed(key, &e.to_string()))
}

fn key_failed(key: &Path, what: &str) -> Failure {
    let remedy = "give the key that signs with --key FILE; with --make-key it is made where there is none";
    Failure::new("SigningKey", format!("{}: {what}", key.display()), remedy)
}
