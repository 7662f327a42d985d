//! Bits flipped in the files in which nats-server keeps the log, on copies of them: whatever the server makes of it,
//! `stele replay verify` says the log is sound exactly when it is the one that was written.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use stele::client::command;
use stele::nats::JetStreamLog;
use stele_core::port::{Log as _, LogReader as _};
use stele_core::unit::Position;

use crate::harness::cell::Cell;
use crate::heal::{copy, replay};

/// Each needs a nats-server of its own.
const COPIES: u64 = 16;

/// Every message that the server gives, or nothing when it gives none.
async fn messages(cell: &Cell) -> Option<Vec<(Position, Bytes)>> {
    let log = JetStreamLog::new(&cell.connection().await, 0);
    let tail = log.tail().await.ok()?;
    let mut reader = log.read_from(Position(1)).await.ok()?;
    let mut all: Vec<(Position, Bytes)> = Vec::new();
    while all.last().map_or(Position(0), |(position, _)| *position) < tail {
        let batch = reader.next_batch(1000).await.ok()?;
        // It knows of messages that it does not give.
        if batch.is_empty() {
            return None;
        }
        all.extend(batch.into_iter().map(|entry| (entry.position, entry.payload)));
    }
    Some(all)
}

/// The files that hold the log's messages.
fn blocks(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            blocks(&path, found);
        } else if path.extension().is_some_and(|end| end == "blk") && path.to_string_lossy().contains("/STELE_LOG/") {
            found.push(path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flips_in_the_server_s_files_is_found() {
    let seed = 20_261_126;
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut cell = Cell::start().await;
    let data = cell.path("control");
    cell.add(
        "control",
        ["control", "--claim-after-ms", "0", "--server-syncs", "--data", &data].map(str::to_owned).to_vec(),
    );
    let connection = cell.connection().await;
    for name in ["one", "two", "three", "four", "five"] {
        command(&connection, "demo", "volume", "create", json!({"size_gib": 1, "name": name})).await.unwrap();
    }
    cell.kill("control").await;
    let (key, kept) = (cell.path("signing.key"), cell.path("kept.jsonl"));
    let signed = replay(&cell, &["checkpoint", "--key", &key, "--make-key", "--to", &kept, "--json"]).await;
    assert!(signed.status.success(), "{signed:?}");
    let signed: Value = serde_json::from_slice(&signed.stdout).unwrap();
    let believe = signed["key"].as_str().unwrap();
    let good = messages(&cell).await.unwrap();
    cell.server.take().unwrap().stop().await;
    let (nats, copied) = (cell.folder.path().join("nats"), cell.folder.path().join("copied"));
    copy(&nats, &copied);

    let mut found = 0;
    for number in 0..COPIES {
        std::fs::remove_dir_all(&nats).unwrap();
        copy(&copied, &nats);
        let mut files = Vec::new();
        blocks(&nats, &mut files);
        files.sort();
        let file = &files[rng.usize(..files.len())];
        let mut bytes = std::fs::read(file).unwrap();
        let (byte, bit) = (rng.usize(..bytes.len()), rng.u8(..8));
        bytes[byte] ^= 1 << bit;
        std::fs::write(file, bytes).unwrap();

        cell.start_server().await;
        let is_same = messages(&cell).await.as_ref() == Some(&good);
        let verified = replay(&cell, &["verify", "--log-only", "--checkpoints", &kept, "--believe", believe]).await;
        let place = format!("seed {seed}, copy {number}: bit {bit} of byte {byte} of {}", file.display());
        assert_eq!(verified.status.success(), is_same, "{place}: {verified:?}");
        found += u64::from(!is_same);
        cell.server.take().unwrap().stop().await;
    }
    println!("{found} of {COPIES} changed the log");
    assert!(found >= COPIES / 4, "hardly any of them changed the log: {found}");
}
