//! The way in from Cinder, on a real cell: its database is checked, and what it holds is adopted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use tokio::process::Command;

use crate::harness::dev::Dev;

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
    let (config, files) = (folder.path().join("stele.toml"), folder.path().join("files"));
    // Cinder's types ask for a backend by its name, which is the part behind the '@'.
    let backend = format!("[[backend]]\nname = 'n1@lvm'\ndriver.file.dir = '{}'\n", files.display());
    std::fs::write(&config, backend).unwrap();
    let dev = Dev::start(&folder.path().join("dev"), &["--config", config.to_str().unwrap()]).await;
    let pools = dev.json(&["pool", "list"]).await;
    let pool = pools["pools"][0]["name"].as_str().unwrap();
    let map = format!("cinder1@lvm#cinder-volumes={pool}");
    let database = database();
    let import = ["replay", "import-cinder", &database, "--map-host", &map];
    let (status, plan, code) = alone(&[import.as_slice(), &["--dry-run"]].concat()).await;
    assert_eq!((status, &code), (Some(0), &Value::Null));
    let storage = files.join(pool.split('#').nth(1).unwrap());
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
    // Where it lies was not decided by anybody.
    let shown = dev.json(&["volume", "show", LATE, "--project", ALPHA]).await;
    assert_eq!((&shown["volume"]["status"], &shown["decisions"]), (&json!("available"), &json!([])));
    // What was written in Cinder's time is there, under the name that it has now.
    let data = std::fs::read(storage.join("volume-000000c1-0000-0000-0000-000000000004")).unwrap();
    assert_eq!(&data[..36], b"000000c1-0000-0000-0000-000000000004");
    assert_eq!(dev.json(&["replay", "verify"]).await["ok"], true);
    dev.stop().await;
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
