//! The log's beginning leaves the stream for files, and everybody goes on over them.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use stele::cli::Api;
use stele::nats::{JetStreamLog, StreamSettings, ensure_streams};
use stele_core::port::Log as _;
use stele_core::unit::Position;
use tokio::process::Command;

use crate::harness::cell::Cell;
use crate::harness::dev::{Dev, stele};
use crate::harness::log::connect_to;

/// Nobody listens there.
pub(crate) const NOWHERE: &str = "nats://127.0.0.1:1";

/// A cell with a history, and the questions that are asked before and after.
struct Asked {
    args: Vec<String>,
    answer: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_twice_a_cell_says_what_it_said_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (data, archive) = (folder.path().join("dev"), folder.path().join("archive"));
    let to = archive.display().to_string();
    let dev = Dev::start(&data, &["--driver", "null"]).await;
    let volume = history(&dev).await;
    let end = dev.json(&["replay", "verify"]).await["head"]["position"].as_u64().unwrap();
    let asked = ask(&dev, &volume, end).await;

    // Nothing goes without being told, and the files are there all the same.
    let cut = (end / 3).to_string();
    let key = folder.path().join("key").display().to_string();
    dev.json(&["replay", "checkpoint", "--key", &key, "--make-key"]).await;
    let first = ["replay", "archive", "--to", &to, "--until", &cut, "--keep", "10", "--key", &key, "--json"];
    assert_eq!(code(&dev.stele(&first).await), "NotConfirmed");
    assert_eq!(first_position(&dev.nats).await, 1);
    says_the_same(&dev, &to, &asked).await;
    let archived = dev.json(&[&first[..10], &["--yes"][..]].concat()).await;
    assert_eq!((&archived["purged"], &archived["written"]), (&json!(true), &json!(null)), "{archived}");
    assert_eq!(first_position(&dev.nats).await, end / 3 + 1);
    says_the_same(&dev, &to, &asked).await;
    let again = dev.json(&["replay", "archive", "--to", &to, "--keep", "20", "--yes"]).await;
    assert_eq!(again["written"]["first"], json!(end / 3 + 1), "{again}");
    let through = again["through"].as_u64().unwrap();
    assert_eq!(first_position(&dev.nats).await, through + 1);
    says_the_same(&dev, &to, &asked).await;
    let few = dev.stele(&["replay", "archive", "--to", &to, "--until", &end.to_string(), "--json"]).await;
    assert_eq!(code(&few), "TooFewStay");

    // The bench reads over both as well.
    let bench = ["bench", "audit", "--running-cell"];
    assert_eq!(code(&dev.stele(&[&bench[..], &["--json"]].concat()).await), "LogUnreadable");
    let measured = dev.json(&[&bench[..], &["--archive", &to]].concat()).await;
    assert!(measured["messages"].as_u64().unwrap() >= end && measured["bytes"].as_u64().unwrap() > 0, "{measured}");

    // Without the archive it is said what is missing, and what to name.
    let bare = dev.stele(&["replay", "show", "volume", &volume, "--json"]).await;
    assert_eq!(code(&bare), "LogUnreadable");
    assert!(String::from_utf8_lossy(&bare.stdout).contains("--archive"), "{bare:?}");
    let bare = dev.stele(&["replay", "verify", "--log-only"]).await;
    assert!(String::from_utf8_lossy(&bare.stdout).contains("positions 1 to"), "{bare:?}");
    let events: Result<Value, _> = Api::new(&dev.url).get("/v1/events", &[("since", "0".to_owned())], None).await;
    assert_eq!(events.unwrap_err().code, "LogArchived");
    // The checkpoint of the archive's end, and the projection of the running API.
    let public = archived["signed_by"].as_str().unwrap();
    let checkpoints = archive.join("checkpoints").display().to_string();
    let verified =
        dev.json(&["replay", "verify", "--archive", &to, "--checkpoints", &checkpoints, "--believe", public]).await;
    assert_eq!((&verified["ok"], &verified["checkpoints"]), (&json!(true), &json!(1)), "{verified}");
    assert_eq!(verified["compared"]["equal"], json!(true), "{verified}");
    // The cell never stopped; the next volume is made as ever.
    dev.json(&["volume", "create", "--size", "1", "--name", "after", "--wait"]).await;
    dev.stop().await;

    anew(&data, &to, &asked, through).await;
    damaged(&archive, &folder.path().join("damaged")).await;
    restored(&archive, &again).await;
}

/// Some hundred records; gives a volume that is deleted in the end.
pub(crate) async fn history(dev: &Dev) -> String {
    let web = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    let bench = dev.stele(&["bench", "create", "--running-cell", "--count", "60", "--single", "30", "--json"]).await;
    assert!(bench.status.success(), "{bench:?}");
    dev.json(&["volume", "extend", "web", "2", "--wait"]).await;
    dev.json(&["volume", "create", "--size", "1", "--name", "db", "--wait"]).await;
    dev.json(&["volume", "delete", "web", "--wait"]).await;
    web["id"].as_str().unwrap().to_owned()
}

/// Asks what must not change, up to a position.
async fn ask(dev: &Dev, volume: &str, end: u64) -> Vec<Asked> {
    let (end, middle) = (end.to_string(), (end / 3 + 2).to_string());
    let questions: [&[&str]; 9] = [
        &["show", "volume", volume],
        &["explain", "volume", volume],
        &["at", &middle, "volumes"],
        &["at", &end, "quota", "--json"],
        &["at", "2", "pools"],
        &["diff", "2", &end],
        &["diff", &middle, &end, "--json"],
        &["what-if", "--to", &end],
        &[
            "what-if",
            "--to",
            &end,
            "--set",
            "scheduler.weighers.capacity=-1",
            "--set",
            "quota.demo.volumes=3",
            "--json",
        ],
    ];
    let mut asked = Vec::new();
    for question in questions {
        let args: Vec<String> = ["replay"].iter().chain(question).map(|arg| (*arg).to_owned()).collect();
        let answer = story(&dev.stele(&args.iter().map(String::as_str).collect::<Vec<_>>()).await);
        asked.push(Asked { args, answer });
    }
    asked
}

async fn says_the_same(dev: &Dev, archive: &str, asked: &[Asked]) {
    for Asked { args, answer } in asked {
        let args: Vec<&str> = args.iter().map(String::as_str).chain(["--archive", archive]).collect();
        assert_eq!(&story(&dev.stele(&args).await), answer, "{args:?}");
    }
    let quota = dev.json(&["replay", "quota", "--project", "demo", "--archive", archive]).await;
    assert_eq!(quota["ok"], json!(true), "{quota}");
}

/// A control and an API without a memory of their own: with the archive they serve, without it they say what they lack.
async fn anew(data: &Path, archive: &str, asked: &[Asked], through: u64) {
    for own in ["api", "control"] {
        std::fs::remove_dir_all(data.join(own)).unwrap();
    }
    let bare = Command::new(env!("CARGO_BIN_EXE_stele"))
        .args(["dev", "--driver", "null", "--http", "127.0.0.1:0", "--nats-port", "0", "--json", "--data"])
        .arg(data)
        .env("RUST_LOG", "warn")
        .env_remove("STELE_ARCHIVE")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&bare.stdout).into_owned() + &String::from_utf8_lossy(&bare.stderr);
    assert!(!bare.status.success() && said.contains("--archive"), "{said}");
    for own in ["api", "control"] {
        std::fs::remove_dir_all(data.join(own)).ok();
    }
    let dev = Dev::start(data, &["--driver", "null", "--archive", archive]).await;
    dev.json(&["volume", "create", "--size", "1", "--name", "anew", "--wait"]).await;
    let verified = dev.json(&["replay", "verify", "--archive", archive]).await;
    assert_eq!((&verified["ok"], &verified["compared"]["equal"]), (&json!(true), &json!(true)), "{verified}");
    says_the_same(&dev, archive, asked).await;
    let connection = connect_to(&dev.nats).await;
    assert_eq!(JetStreamLog::new(&connection, 0).get(Position(through)).await, Ok(None));
    dev.stop().await;
}

/// A file that is not as it was written is found before anything is told from it.
async fn damaged(archive: &Path, copy: &Path) {
    std::fs::create_dir_all(copy).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(archive).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "stele"));
    files.sort();
    assert_eq!(files.len(), 2);
    for file in &files {
        std::fs::copy(file, copy.join(file.file_name().unwrap())).unwrap();
    }
    let to = copy.display().to_string();
    let verify = ["replay", "verify", "--file", &to, "--json"];
    let whole: Value = serde_json::from_str(&text(&stele(NOWHERE, NOWHERE, &verify).await)).unwrap();
    assert_eq!((&whole["ok"], &whole["first"]), (&json!(true), &json!(1)));
    let file = copy.join(files[0].file_name().unwrap());
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 8;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(code(&stele(NOWHERE, NOWHERE, &verify).await), "FileDamaged");
    std::fs::remove_file(&file).unwrap();
    let at = stele(NOWHERE, NOWHERE, &["replay", "at", "head", "--file", &to, "--json"]).await;
    assert!(String::from_utf8_lossy(&at.stdout).contains("positions 1 to"), "{at:?}");
}

/// The archive becomes a stream again, position by position.
async fn restored(archive: &Path, archived: &Value) {
    let cell = Cell::start().await;
    let url = cell.server.as_ref().unwrap().url();
    ensure_streams(&connect_to(&url).await, &StreamSettings::default()).await.unwrap();
    let path = archive.display().to_string();
    let imported = stele(&url, NOWHERE, &["replay", "import", &path, "--server-syncs", "--json"]).await;
    let imported: Value = serde_json::from_str(&text(&imported)).unwrap();
    assert_eq!(imported[1]["last"], archived["through"], "{imported}");
    let verify = ["replay", "verify", "--log-only", "--json", "--archive", &path];
    let verified: Value = serde_json::from_str(&text(&stele(&url, NOWHERE, &verify).await)).unwrap();
    assert_eq!((&verified["ok"], &verified["head"]["hash"]), (&json!(true), &archived["state"]["hash"]), "{verified}");
}

/// Where the stream begins.
pub(crate) async fn first_position(url: &str) -> u64 {
    JetStreamLog::new(&connect_to(url).await, 0).state().await.unwrap().first.0
}

pub(crate) fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The answer without the line that tells where the log ends by now.
fn story(output: &Output) -> String {
    text(output).lines().filter(|line| !line.starts_with("read to position")).map(|line| format!("{line}\n")).collect()
}

/// The code of a failure.
pub(crate) fn code(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let failure: Value =
        serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    failure["error"]["code"].as_str().unwrap().to_owned()
}
