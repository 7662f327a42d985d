//! The way in from Cinder, on a real cell: its database is checked, and what it holds is adopted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use stele::cli::Api;
use stele::nats::JetStreamLog;
use stele_core::fold::Folded;
use stele_core::port::{Log as _, LogReader as _};
use stele_core::unit::Position;
use tokio::process::Command;

use crate::harness::dev::Dev;
use crate::harness::log::connect_to;

const ALPHA: &str = "a1fa0000000000000000000000000001";
const BETA: &str = "be7a0000000000000000000000000002";
/// Nobody listens there: what works with it needs no cell.
const NOWHERE: &str = "nats://127.0.0.1:1";
/// The volume that another program holds, or that is not there at first.
const LATE: &str = "000000c1-0000-0000-0000-000000000003";

fn database() -> String {
    format!("{}/replay/testdata/cinder/estate.mariadb.sql", env!("CARGO_MANIFEST_DIR"))
}

async fn alone(args: &[&str]) -> (Option<i32>, Value, Value) {
    of_all(NOWHERE, "http://127.0.0.1:1", args).await
}

/// For all projects: none is named in the environment.
async fn of_all(nats: &str, url: &str, args: &[&str]) -> (Option<i32>, Value, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stele"));
    command
        .args(args)
        .args(["--json", "--nats", nats, "--url", url])
        .env_remove("STELE_PROJECT")
        .env("RUST_LOG", "warn");
    read(&command.stdin(Stdio::null()).output().await.unwrap())
}

/// Exit status, answer and code of the failure; what is not there is null.
fn read(output: &std::process::Output) -> (Option<i32>, Value, Value) {
    let said = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let (failures, answers): (Vec<Value>, Vec<Value>) =
        said.map(Result::unwrap).partition(|said| said["error"]["code"].is_string());
    let first = |of: Vec<Value>| of.into_iter().next().unwrap_or_default();
    (output.status.code(), first(answers), first(failures)["error"]["code"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_in_a_database_of_cinder_is_found_without_a_cell() {
    let database = database();
    let check = ["replay", "quota", "--check-cinder", &database, "--as-of", "2026-11-26T12:00:00Z", "--project"];
    let (status, found, code) = alone(&[check.as_slice(), &[ALPHA]].concat()).await;
    assert_eq!((status, &code), (Some(1), &json!("CinderQuotaDrift")), "{found}");
    assert_eq!((&found["projects"], &found["drifted"]), (&json!(1), &json!(6)));
    assert_eq!(found["underway"].as_array().unwrap().len(), 3, "{found}");
    let (status, _, code) = alone(&[check.as_slice(), &["nobody"]].concat()).await;
    assert_eq!((status, code), (Some(1), json!("NothingKnown")));
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.sql").display().to_string();
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let (status, answer, code) = alone(&["replay", "quota", "--check-cinder", &cut]).await;
    assert_eq!((status, answer, code), (Some(1), Value::Null, json!("DatabaseCut")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cinder_left_on_the_storage_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let (dev, storage, map) = cell(folder.path()).await;
    let database = database();
    let import = ["replay", "import-cinder", &database, "--map-host", &map];
    let (status, plan, code) = alone(&[import.as_slice(), &["--dry-run"]].concat()).await;
    assert_eq!((status, &code), (Some(0), &Value::Null));
    for step in plan["steps"].as_array().unwrap() {
        lay(&storage, step, |volume| volume != LATE);
    }
    workload(&import, folder.path(), plan["steps"].as_array().unwrap().len()).await;

    let nobodys = read(&dev.stele(&[import.as_slice(), &["--project", "nobody", "--json"]].concat()).await);
    assert_eq!((nobodys.0, nobodys.2), (Some(1), json!("NothingKnown")));
    let adopt = async || of_all(&dev.nats, &dev.url, &import).await;
    let (status, first, code) = adopt().await;
    assert_eq!((status, &code), (Some(1), &json!("CinderNotAdopted")), "{first}");
    let failed: Vec<&Value> =
        first["sent"]["failed"].as_array().unwrap().iter().map(|failed| &failed["code"]).collect();
    // The volume; and what only an available one may be given.
    assert_eq!(failed[0], "NotAdopted", "{first}");
    let late = dev.json(&["volume", "list", "--project", ALPHA, "--name", "volume 3"]).await;
    let late = (&late["volumes"][0]["id"], &late["volumes"][0]["status"]);
    assert_eq!(late, (&json!(LATE), &json!("error_managing")));

    // Then it is there, and the same command goes on.
    for step in plan["steps"].as_array().unwrap() {
        lay(&storage, step, |volume| volume == LATE);
    }
    let (status, second, _) = adopt().await;
    assert_eq!((status, &second["sent"]["failed"]), (Some(1), &json!([])), "{second}");
    assert_eq!((&second["sent"]["differing"], &second["sent"]["equal"]), (&json!([]), &json!(2)), "{second}");
    let (_, third, _) = adopt().await;
    assert_eq!((&third["sent"]["failed"], &third["sent"]["differing"]), (&json!([]), &json!([])), "{third}");

    for project in [ALPHA, BETA] {
        let proof = dev.json(&["replay", "quota", "--project", project]).await;
        assert_eq!(proof["ok"], true, "{proof}");
        for resource in proof["resources"].as_array().unwrap() {
            let planned = plan["usage"][project][resource["resource"].as_str().unwrap()].as_i64().unwrap_or(0);
            assert_eq!(resource["in_use"], planned, "{project} {resource}");
        }
    }
    let volumes = dev.json(&["volume", "list", "--project", ALPHA]).await;
    let named =
        |name: &str| volumes["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == name).cloned();
    assert_eq!(named("volume 3").unwrap()["status"], "available");
    assert_eq!(named("volume 2").unwrap()["status"], "reserved");
    // What several servers had is kept for each of them.
    let attachments: Value = Api::new(&dev.url)
        .get("/v1/attachments", &[("volume", "000000c1-0000-0000-0000-000000000006".to_owned())], None)
        .await
        .unwrap();
    let mut statuses: Vec<&str> =
        attachments["attachments"].as_array().unwrap().iter().map(|held| held["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["attached", "reserved"], "{attachments}");
    // Where it lies was not decided by anybody.
    let shown = dev.json(&["volume", "show", LATE, "--project", ALPHA]).await;
    assert_eq!((&shown["volume"]["status"], &shown["decisions"]), (&json!("available"), &json!([])));
    // What was written in Cinder's time is there, under the name that it has now.
    let data = std::fs::read(storage.join("volume-000000c1-0000-0000-0000-000000000004")).unwrap();
    assert_eq!(&data[..36], b"000000c1-0000-0000-0000-000000000004");
    assert_eq!(dev.json(&["replay", "verify"]).await["ok"], true);
    dev.stop().await;
}

/// What an import did is a history as any other: its commands adopt the same in a cell that finds the same, at any speed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_adopted_is_played_into_another_cell() {
    let folder = tempfile::tempdir().unwrap();
    let database = database();
    let (dev, storage, map) = cell(&folder.path().join("first")).await;
    let import = ["replay", "import-cinder", &database, "--map-host", &map];
    let (_, plan, _) = alone(&[import.as_slice(), &["--dry-run"]].concat()).await;
    let steps = plan["steps"].as_array().unwrap();
    let lay_all = |storage: &Path| steps.iter().for_each(|step| lay(storage, step, |_| true));
    lay_all(&storage);
    let (_, adopted, _) = of_all(&dev.nats, &dev.url, &import).await;
    assert_eq!((&adopted["sent"]["failed"], &adopted["sent"]["differing"]), (&json!([]), &json!([])), "{adopted}");
    let workload = folder.path().join("adopted.jsonl").display().to_string();
    let written = dev.json(&["replay", "what-if", "--workload", &workload]).await;
    assert_eq!(written["commands"], json!(steps.len()), "{written}");
    let whole = what_there_is(&dev).await;
    dev.stop().await;
    // So are the commands that the import would send.
    let planned = folder.path().join("planned.jsonl").display().to_string();
    alone(&[import.as_slice(), &["--to", &planned]].concat()).await;
    for (nth, (file, speed)) in [(&workload, "max"), (&workload, "20"), (&planned, "max")].into_iter().enumerate() {
        let (dev, storage, _) = cell(&folder.path().join(nth.to_string())).await;
        lay_all(&storage);
        let played = dev.json(&["replay", "play", file, "--speed", speed]).await;
        assert_eq!((&played["accepted"], &played["otherwise"]), (&written["commands"], &json!({})), "{played}");
        until_at_rest(&dev).await;
        assert_eq!(what_there_is(&dev).await, whole, "{file} at speed {speed}");
        assert_eq!(dev.json(&["replay", "verify"]).await["ok"], true);
        dev.stop().await;
    }
}

/// A cell with one backend of files; its storage, and what Cinder's pool is called in it.
async fn cell(folder: &Path) -> (Dev, PathBuf, String) {
    std::fs::create_dir_all(folder).unwrap();
    let (config, files) = (folder.join("stele.toml"), folder.join("files"));
    // Cinder's types ask for a backend by its name, which is the part behind the '@'.
    let backend = format!("[[backend]]\nname = 'n1@lvm'\ndriver.file.dir = '{}'\n", files.display());
    std::fs::write(&config, backend).unwrap();
    let dev = Dev::start(&folder.join("dev"), &["--config", config.to_str().unwrap()]).await;
    let pools = dev.json(&["pool", "list"]).await;
    let pool = pools["pools"][0]["name"].as_str().unwrap();
    let storage = files.join(pool.split('#').nth(1).unwrap());
    (dev, storage, format!("cinder1@lvm#cinder-volumes={pool}"))
}

/// Waits until no flow is at work: the position up to which that is so is asked for in what follows.
async fn until_at_rest(dev: &Dev) {
    let log = JetStreamLog::new(&connect_to(&dev.nats).await, 0);
    let (mut reader, mut folded) = (log.read_from(Position(1)).await.unwrap(), Folded::default());
    let at_rest = async {
        loop {
            for entry in reader.next_batch(256).await.unwrap() {
                folded.fold(&entry).unwrap();
            }
            if folded.chain.position >= log.tail().await.unwrap() && folded.state.flows.is_empty() {
                return folded.chain.position;
            }
        }
    };
    let position = tokio::time::timeout(Duration::from_secs(60), at_rest).await.unwrap();
    let _: Value = Api::new(&dev.url).get("/v1/log/head", &[], Some(position)).await.unwrap();
}

/// Everything that was adopted, without what differs from cell to cell: positions, times, flows.
async fn what_there_is(dev: &Dev) -> Vec<Value> {
    let api = Api::new(&dev.url);
    let mut there = Vec::new();
    for (list, fields) in [
        (
            "volumes",
            &["id", "name", "project", "size_gib", "status", "volume_type", "pool", "metadata", "bootable"][..],
        ),
        ("snapshots", &["id", "name", "volume_id", "status"]),
        ("attachments", &["id", "volume_id", "instance", "status", "service_owned"]),
    ] {
        let listed: Value = api.get(&format!("/v1/{list}"), &[], None).await.unwrap();
        let mut rows: Vec<Value> = listed[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| fields.iter().map(|field| row[*field].clone()).collect())
            .collect();
        assert!(!rows.is_empty(), "{list}: {listed}");
        rows.sort_by_key(ToString::to_string);
        there.extend(rows);
    }
    for project in [ALPHA, BETA] {
        there.push(api.get(&format!("/v1/quotas/{project}"), &[], None).await.unwrap());
    }
    there
}

/// Puts there what Cinder would have: a file of the volume's size, with its id in it.
fn lay(storage: &Path, step: &Value, wanted: impl Fn(&str) -> bool) {
    let (about, content) = (&step["about"], &step["content"]);
    let (size_gib, volume) = match about["kind"].as_str().unwrap() {
        "volume" => (about["size_gib"].as_u64().unwrap(), about["id"].as_str().unwrap()),
        "snapshot" => (2, content["volume"].as_str().unwrap()),
        _ => return,
    };
    if !wanted(volume) {
        return;
    }
    let path: PathBuf = storage.join(content["source_name"].as_str().unwrap());
    std::fs::write(&path, about["id"].as_str().unwrap()).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(size_gib << 30).unwrap();
}

/// The commands as a file; one that is there already stays.
async fn workload(import: &[&str], folder: &Path, commands: usize) {
    let file = folder.join("adopt.jsonl").display().to_string();
    let (status, ..) = alone(&[import, &["--to", &file]].concat()).await;
    assert_eq!(status, Some(0));
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written.lines().count(), commands + 1);
    let (status, _, code) = alone(&[import, &["--to", &file]].concat()).await;
    assert_eq!((status, code), (Some(1), json!("InputOutput")));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}
