//! Archiving where things go wrong: killed at any moment, damaged, behind what goes, behind a log that lost its end.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stele::client::command as ask;
use stele::nats::{StreamSettings, ensure_streams};
use stele_projections::view::LogHead;
use stele_replay::archive::snapshot_file;
use tokio::process::Command;

use crate::archive::{NOWHERE, code, first_position, history, text};
use crate::harness::cell::Cell;
use crate::harness::dev::{Dev, stele};
use crate::harness::log::connect_to;
use crate::heal::copy;
use crate::roles;

/// How many runs are killed.
const KILLS: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_is_lost_and_the_next_run_ends_it() {
    let seed = std::env::var("STELE_SEED").ok().map_or(u64::from(std::process::id()), |text| text.parse().unwrap());
    println!("STELE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("log.stele").display().to_string();
    let tail = exported(&folder.path().join("dev"), &export).await;
    let step = (tail - 10) / (KILLS + 2);
    assert!(step > 2, "the log is too short: {tail}");
    let mut cell = imported(&export).await;
    let url = cell.server.as_ref().unwrap().url();
    let whole = verified(&url, None).await;
    let archive = cell.path("archive");
    let run = |to: &str, until: u64| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stele"));
        command.args([
            "replay",
            "archive",
            "--to",
            to,
            "--keep",
            "5",
            "--until",
            &until.to_string(),
            "--yes",
            "--json",
        ]);
        command.env("STELE_NATS", &url).env("STELE_URL", NOWHERE).env("RUST_LOG", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    };
    let began = Instant::now();
    assert!(run(&archive, step).output().await.unwrap().status.success());
    let takes = u64::try_from(began.elapsed().as_micros()).unwrap();
    let mut killed = 0;
    for round in 2..KILLS + 2 {
        let mut running = run(&archive, round * step).spawn().unwrap();
        tokio::time::sleep(Duration::from_micros(random.u64(0..takes))).await;
        running.kill().await.unwrap();
        killed += u64::from(!running.wait().await.unwrap().success());
        // Whatever it got done: nothing is gone, and both together say what the log said.
        assert_eq!(verified(&url, Some(&archive)).await, whole, "round {round}");
    }
    assert!(killed > KILLS / 2, "{killed} of {KILLS} runs were killed");
    let through = (KILLS + 2) * step;
    let last = run(&archive, through).output().await.unwrap();
    let last: Value = serde_json::from_str(&text(&last)).unwrap();
    assert_eq!((&last["purged"], first_position(&url).await), (&json!(true), through + 1), "{last}");
    assert_eq!(verified(&url, Some(&archive)).await, whole);
    // What was left of the runs before is cleared away: files, their states, two projections at most.
    let names = names(Path::new(&archive));
    let left: Vec<_> = names.iter().filter(|name| name.ends_with(".part") || name.ends_with(".rebuilding")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(names.iter().filter(|name| name.ends_with(".redb")).count() <= 2, "{names:?}");
    // A run that nobody disturbed comes to the same.
    let undisturbed = imported(&export).await;
    let (url, to) = (undisturbed.server.as_ref().unwrap().url(), undisturbed.path("archive"));
    let args = ["replay", "archive", "--to", &to, "--keep", "5", "--until", &through.to_string(), "--yes", "--json"];
    let other: Value = serde_json::from_str(&text(&stele(&url, NOWHERE, &args).await)).unwrap();
    assert_eq!(other["state"], last["state"]);
    passed_over(&mut cell, &archive, tail, through).await;
}

/// A projection of the archive that is damaged is named and passed over; the one before it is gone on with.
async fn passed_over(cell: &mut Cell, archive: &str, tail: u64, through: u64) {
    let newest = Path::new(archive).join(snapshot_file(stele_core::unit::Position(through)));
    let file = std::fs::OpenOptions::new().write(true).open(&newest).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    // An address that nobody else has; the role of the same name is not started.
    let api = roles::api(cell);
    let address = std::fs::read_to_string(cell.folder.path().join("api.address")).unwrap();
    let data = cell.path("api");
    let args = ["api", "--auth", "noauth", "--http", &address, "--data", &data, "--archive", archive];
    cell.add("api", args.map(str::to_owned).to_vec());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let head: Result<LogHead, _> = api.get("/v1/log/head", &[], Some(stele_core::unit::Position(tail))).await;
        match head {
            Ok(head) => break assert_eq!(head.seen.0, tail),
            Err(failure) => assert!(Instant::now() < deadline, "{failure}\n{}", cell.logs()),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = cell.log("api");
    let line = log.lines().find(|line| line.contains("this projection of the archive is passed over"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(&snapshot_file(stele_core::unit::Position(through))), "{line}");
    assert!(log.contains("the archive's projection is gone on with"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_needs_what_goes_is_told_of_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("dev"), &["--driver", "null"]).await;
    history(&dev).await;
    // An API that has read a few positions and no more.
    let behind = Dev::start(&folder.path().join("behind"), &["--driver", "null"]).await;
    let to = folder.path().join("archive").display().to_string();
    let args = ["replay", "archive", "--to", &to, "--keep", "5", "--yes", "--json"];
    let refused = stele(&dev.nats, &behind.url, &args).await;
    assert_eq!(code(&refused), "ReaderBehind");
    assert!(String::from_utf8_lossy(&refused.stdout).contains(&behind.url), "{refused:?}");
    assert_eq!((first_position(&dev.nats).await, names(Path::new(&to))), (1, vec!["lock".to_owned()]));
    assert_eq!(dev.json(&args[..7]).await["purged"], json!(true));
    for cell in [dev, behind] {
        cell.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_tail_comes_back_behind_an_archive() {
    let mut cell = Cell::start().await;
    let (data, archive) = (cell.path("control"), cell.path("archive"));
    std::fs::create_dir(&archive).unwrap();
    let args = ["control", "--claim-after-ms", "800", "--data", &data, "--archive", &archive];
    cell.add("control", args.map(str::to_owned).to_vec());
    create(&cell, 2).await;
    let nats = cell.folder.path().join("nats");
    let (early, archived) = (cell.folder.path().join("early"), cell.folder.path().join("archived"));
    cell.kill("control").await;
    keep(&mut cell, &early).await;
    cell.spawn("control");
    create(&cell, 5).await;
    cell.kill("control").await;
    let url = cell.server.as_ref().unwrap().url();
    let args = ["replay", "archive", "--to", &archive, "--keep", "1", "--until", "6", "--yes", "--json"];
    text(&stele(&url, NOWHERE, &args).await);
    keep(&mut cell, &archived).await;
    cell.spawn("control");
    create(&cell, 2).await;
    cell.kill("control").await;
    let whole = verified(&url, Some(&archive)).await;
    let heal = ["replay", "heal", "--journal", &data, "--archive", &archive, "--yes", "--json"];
    let give_back = async |cell: &mut Cell, older: &Path| {
        cell.server.take().unwrap().stop().await;
        std::fs::remove_dir_all(&nats).unwrap();
        copy(older, &nats);
        cell.start_server().await;
    };

    // The stream lost what came behind the archive.
    give_back(&mut cell, &archived).await;
    assert_ne!(verified(&url, Some(&archive)).await, whole);
    assert_eq!(healed(&stele(&url, NOWHERE, &heal).await), json!(true));
    assert_eq!(verified(&url, Some(&archive)).await, whole);

    // It lost more than that: the archive gives back what it has, and the journal the rest.
    give_back(&mut cell, &early).await;
    assert_eq!(code(&stele(&url, NOWHERE, &heal).await), "LogShorter");
    text(&stele(&url, NOWHERE, &["replay", "import", &archive, "--server-syncs", "--json"]).await);
    assert_eq!(healed(&stele(&url, NOWHERE, &heal).await), json!(true));
    assert_eq!(verified(&url, Some(&archive)).await, whole);
    cell.spawn("control");
    create(&cell, 1).await;
}

fn healed(output: &std::process::Output) -> Value {
    serde_json::from_str::<Value>(&text(output)).unwrap()["healed"].clone()
}

async fn create(cell: &Cell, count: usize) {
    for _ in 0..count {
        let wish = json!({"size_gib": 1});
        ask(&cell.connection().await, "demo", "volume", "create", wish).await.unwrap_or_else(|e| {
            panic!("{e}\n{}", cell.logs());
        });
    }
}

/// Copies what the server has, and starts it again.
async fn keep(cell: &mut Cell, to: &Path) {
    cell.server.take().unwrap().stop().await;
    copy(&cell.folder.path().join("nats"), to);
    cell.start_server().await;
}

/// A history in a file; gives its last position.
async fn exported(data: &Path, to: &str) -> u64 {
    let dev = Dev::start(data, &["--driver", "null"]).await;
    history(&dev).await;
    let exported = dev.json(&["replay", "export", to]).await;
    dev.stop().await;
    exported["last"].as_u64().unwrap_or_else(|| panic!("{exported}"))
}

/// A server with the log of a file, and nobody who writes to it.
async fn imported(export: &str) -> Cell {
    let cell = Cell::start().await;
    let url = cell.server.as_ref().unwrap().url();
    ensure_streams(&connect_to(&url).await, &StreamSettings::default()).await.unwrap();
    text(&stele(&url, NOWHERE, &["replay", "import", export, "--server-syncs", "--json"]).await);
    cell
}

/// All that a verification says.
async fn verified(url: &str, archive: Option<&str>) -> Value {
    let named = archive.map(|archive| ["--archive", archive]);
    let args: Vec<&str> =
        ["replay", "verify", "--log-only", "--json"].into_iter().chain(named.into_iter().flatten()).collect();
    serde_json::from_str(&text(&stele(url, NOWHERE, &args).await)).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
