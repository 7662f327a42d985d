//! The log as a file: out of one cell, into another, and read instead of the log.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use stele::client::command;
use stele::nats::{JetStreamLog, StreamSettings, ensure_streams};
use stele_core::port::{Log as _, LogReader as _};
use stele_core::unit::Position;
use stele_replay::export::{ExportOptions, ExportedLog, FRAME_BYTES, export};
use stele_replay::import::import;
use stele_replay::progress::Silent;

use crate::harness::cell::Cell;
use crate::harness::dev::{Dev, stele};
use crate::harness::log::{connect_to, fold};
use crate::roles;

/// Nobody listens there: what works with it needs no NATS.
const NOWHERE: &str = "nats://127.0.0.1:1";

#[tokio::test(flavor = "multi_thread")]
async fn a_log_goes_through_a_file_into_another_cell() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("dev"), &[]).await;
    let web = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    dev.json(&["volume", "extend", "web", "2", "--wait"]).await;
    dev.json(&["snapshot", "create", "web", "--name", "monday", "--wait"]).await;
    dev.json(&["volume", "create", "--snapshot", "monday", "--name", "copy", "--wait"]).await;
    dev.json(&["volume", "delete", "copy", "--wait"]).await;
    let id = web["id"].as_str().unwrap();

    let file = folder.path().join("log.stele").display().to_string();
    let exported = dev.json(&["replay", "export", &file]).await;
    assert_eq!((&exported["first"], &exported["strays"]), (&json!(1), &json!(0)), "{exported}");
    let last = exported["last"].to_string();
    for args in [
        vec!["show", "volume", id],
        vec!["at", &last, "volumes"],
        vec!["at", &last, "quota", "--json"],
        vec!["diff", "2", &last],
        vec!["diff", "2", &last, "--json"],
    ] {
        let args: Vec<&str> = ["replay"].into_iter().chain(args).collect();
        let live = dev.stele(&args).await;
        let args: Vec<&str> = args.into_iter().chain(["--file", &file]).collect();
        let read = stele(NOWHERE, NOWHERE, &args).await;
        assert!(live.status.success() && !live.stdout.is_empty(), "{args:?}: {live:?}");
        assert_eq!(String::from_utf8_lossy(&read.stdout), String::from_utf8_lossy(&live.stdout), "{args:?}");
    }
    let verified = of_file(&["verify"], &file).await;
    assert_eq!((&verified["ok"], &verified["head"]["hash"]), (&json!(true), &exported["head"]["hash"]), "{verified}");
    let rebuilt = folder.path().join("rebuilt").display().to_string();
    assert_eq!(of_file(&["rebuild", "--data", &rebuilt], &file).await["position"], exported["last"]);
    a_later_file(&dev, folder.path()).await;
    let into_itself = dev.stele(&["replay", "import", &file, "--json"]).await;
    assert_eq!(code(&into_itself), "CellIsLed");
    dev.stop().await;

    into_another_cell(&file, &exported, &verified, id).await;
}

/// What begins later is verified from the hash that it builds on, and tells no state.
async fn a_later_file(dev: &Dev, folder: &Path) {
    let file = folder.join("later.stele").display().to_string();
    let exported = dev.json(&["replay", "export", &file, "--from", "4", "--to", "9"]).await;
    assert_eq!((&exported["first"], &exported["messages"]), (&json!(4), &json!(6)));
    let verified = of_file(&["verify"], &file).await;
    assert_eq!((&verified["ok"], &verified["begins_behind"]["position"]), (&json!(true), &json!(3)), "{verified}");
    let at = stele(NOWHERE, NOWHERE, &["replay", "at", "head", "--file", &file, "--json"]).await;
    assert_eq!(code(&at), "FileBeginsLater");
    let damaged = folder.join("damaged.stele");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&damaged, &bytes).unwrap();
    let verified = stele(NOWHERE, NOWHERE, &["replay", "verify", "--json", "--file", damaged.to_str().unwrap()]).await;
    assert_eq!(code(&verified), "FileDamaged");
}

/// The same positions, hashes and state; a control that comes then goes on from there.
async fn into_another_cell(file: &str, exported: &Value, verified: &Value, volume: &str) {
    let mut cell = Cell::start().await;
    let url = address(&cell);
    let import = async |url: &str| stele(url, NOWHERE, &["replay", "import", file, "--server-syncs", "--json"]).await;
    let imported = answer(&import(&url).await);
    assert_eq!((&imported["appended"], &imported["present"]), (&exported["messages"], &json!(0)), "{imported}");
    let again = answer(&import(&url).await);
    assert_eq!((&again["appended"], &again["present"]), (&json!(0), &exported["messages"]), "{again}");
    let there = answer(&stele(&url, NOWHERE, &["replay", "verify", "--log-only", "--json"]).await);
    for field in ["ok", "head", "digest", "first", "last", "messages", "records", "bytes"] {
        assert_eq!(there[field], verified[field], "{field}");
    }
    let connection = connect_to(&url).await;
    let (folded, _) = fold(&connection).await;
    assert_eq!(json!(folded.chain.hash), exported["head"]["hash"]);

    roles::add(&mut cell, "control-a");
    let renamed = json!({"id": volume, "name": "elsewhere"});
    command(&connection, "demo", "volume", "update", renamed).await.unwrap_or_else(|e| panic!("{e}\n{}", cell.logs()));
    assert_eq!(code(&import(&url).await), "CellIsLed");
    cell.kill("control-a").await;
    // The other cell's log goes on where the file ends, so the file is extended by it.
    let extended = answer(&stele(&url, NOWHERE, &["replay", "export", file, "--json"]).await);
    assert!(extended["added"].as_u64().unwrap() > 0, "{extended}");
    assert_eq!(of_file(&["at", "head", "volumes"], file).await["volumes"][0]["name"], "elsewhere");

    let other = Cell::start().await;
    let connection = other.connection().await;
    ensure_streams(&connection, &StreamSettings::default()).await.unwrap();
    JetStreamLog::new(&connection, 0).append(Bytes::from_static(b"another history"), Position(0)).await.unwrap();
    let diverged = import(&address(&other)).await;
    assert_eq!(code(&diverged), "LogDiverged");
    assert!(String::from_utf8_lossy(&diverged.stdout).contains("at position 1:"), "{diverged:?}");
}

/// How fast a log becomes a file, beside reading it and doing nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for a minute; run it alone, with STELE_EXPORT_VOLUMES=N and STELE_EXPORT_CONCURRENCY=N"]
async fn export_rate_beside_the_rate_of_reading() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let (count, at_once) = (wanted("STELE_EXPORT_VOLUMES", "2000"), wanted("STELE_EXPORT_CONCURRENCY", "128"));
    let dev = Dev::start(&folder.path().join("dev"), &["--driver", "null"]).await;
    let fill = ["bench", "create", "--running-cell", "--single", "1", "--count", &count, "--concurrency", &at_once];
    let filled = dev.stele(&fill).await;
    assert!(filled.status.success(), "{filled:?}");
    let connection = connect_to(&dev.nats).await;
    let log = JetStreamLog::new(&connection, 0);
    let until = log.tail().await.unwrap();
    for round in 0..3 {
        let began = Instant::now();
        let mut reader = log.read_from(Position(1)).await.unwrap();
        let (mut position, mut bytes) = (Position(0), 0);
        while position < until {
            for entry in reader.next_batch(256).await.unwrap() {
                (position, bytes) = (entry.position, bytes + entry.payload.len());
            }
        }
        let read = began.elapsed();
        drop(reader);
        let path = folder.path().join("log.stele");
        let (stream, shard, frame_bytes) = ("STELE_LOG".to_owned(), 0, FRAME_BYTES);
        let options =
            ExportOptions { path, from: Position(1), to: Some(until), force: true, stream, shard, frame_bytes };
        let began = Instant::now();
        let exported = export(&log, &options, &mut Silent).await.unwrap();
        let wrote = began.elapsed();
        let rate = |took: Duration| bytes as f64 / 1e6 / took.as_secs_f64();
        println!(
            "round {round}: {until} messages, {bytes} bytes; read {:.1} MB/s, export {:.1} MB/s ({:.0} %); file {} bytes",
            rate(read),
            rate(wrote),
            100.0 * read.as_secs_f64() / wrote.as_secs_f64(),
            exported.file_bytes
        );
        assert_eq!(exported.footer.messages, until.0);
    }
    dev.stop().await;
    let cell = Cell::start().await;
    let connection = cell.connection().await;
    ensure_streams(&connection, &StreamSettings::default()).await.unwrap();
    let file = ExportedLog::open(&folder.path().join("log.stele")).unwrap();
    let began = Instant::now();
    let imported = import(&file, &JetStreamLog::new(&connection, 0), &mut Silent).await.unwrap();
    println!("import: {} messages in {:?}, each on disk before the next", imported.appended, began.elapsed());
}

/// Where a cell's nats-server listens.
fn address(cell: &Cell) -> String {
    cell.server.as_ref().unwrap().url()
}

async fn of_file(args: &[&str], file: &str) -> Value {
    let args: Vec<&str> = ["replay"].iter().chain(args).copied().chain(["--file", file, "--json"]).collect();
    answer(&stele(NOWHERE, NOWHERE, &args).await)
}

fn answer(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The code of a failure.
fn code(output: &std::process::Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let failure: Value =
        serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    failure["error"]["code"].as_str().unwrap().to_owned()
}
