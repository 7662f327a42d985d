//! The main job, as a user does it: `stele dev`, commands over NATS and the command line, reads over HTTP, audit.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use stele::cli::Api;
use stele::client::command;
use stele::nats::ask;
use stele_core::unit::Position;

use crate::harness::dev::Dev;
use crate::harness::log::{connect_to, fold};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_becomes_a_volume_and_survives_every_end() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(folder.path(), &[]).await;

    // By request and reply, with nothing but what is needed.
    let connection = connect_to(&dev.nats).await;
    let body = Bytes::from_static(br#"{"volume":{"size_gib":1,"name":"asked"}}"#);
    let reply = ask(&connection, "stele.ask.demo.volume.create", body, Duration::from_secs(10)).await.unwrap();
    let outcome: Value = serde_json::from_slice(&reply).unwrap();
    let id = outcome["result"]["accepted"]["volume"].as_str().unwrap_or_else(|| panic!("{outcome}")).to_owned();
    let position = Position(outcome["position"].as_u64().unwrap());

    // By the inbox: publish and forget.
    connection
        .publish(
            "stele.cmd.demo.volume.create".to_owned(),
            Bytes::from_static(br#"{"volume":{"size_gib":1,"name":"published"}}"#),
        )
        .await
        .unwrap();
    connection.flush().await.unwrap();

    // By the command line, waiting.
    let web = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    assert_eq!(web["status"], "available");
    let web_id = web["id"].as_str().unwrap();
    let file = folder.path().join("volumes/1/pool").join(format!("volume-{web_id}"));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 1 << 30, "{}", file.display());

    let api = Api::new(&dev.url);
    let asked: Value = api.get(&format!("/v1/volumes/{id}"), &[], Some(position)).await.unwrap();
    assert_eq!(asked["name"], "asked");

    snapshots_and_copies(&dev, folder.path()).await;
    change_and_delete(&dev, web_id, &file).await;
    until(&dev, "published", "available").await;
    let quota = dev.json(&["quota", "show"]).await;
    let volumes = quota["resources"].as_array().unwrap().iter().find(|line| line["resource"] == "volumes").unwrap();
    assert_eq!((&volumes["in_use"], &volumes["reserved"]), (&json!(2), &json!(0)));
    audit(&dev).await;
    keep(&dev, folder.path()).await;
    read_no_further(&dev).await;
    look_back(&dev, &id, position, folder.path()).await;
    end_and_start_again(dev, folder.path()).await;
}

/// A snapshot by name, a volume out of it and one out of the volume; all of them go again.
async fn snapshots_and_copies(dev: &Dev, folder: &Path) {
    let taken = dev.json(&["snapshot", "create", "web", "--name", "monday", "--metadata", "a=b", "--wait"]).await;
    assert_eq!((&taken["status"], &taken["size_gib"]), (&json!("available"), &json!(1)));
    let id = taken["id"].as_str().unwrap();
    let file = folder.join("volumes/1/pool").join(format!("_snapshot-{id}"));
    assert!(file.exists(), "{}", file.display());
    let shown = dev.json(&["snapshot", "show", "monday"]).await;
    assert_eq!((&shown["id"], &shown["metadata"]["a"]), (&json!(id), &json!("b")));
    let list = dev.json(&["snapshot", "list", "--volume", "web", "--name", "monday"]).await;
    assert_eq!(list["snapshots"], json!([shown]));
    assert_eq!(dev.json(&["snapshot", "list", "--volume", "asked"]).await["snapshots"], json!([]));
    let copy = dev.json(&["volume", "create", "--snapshot", "monday", "--name", "copy", "--wait"]).await;
    assert_eq!((&copy["source_snapshot_id"], &copy["size_gib"]), (&json!(id), &json!(1)));
    let clone = dev.json(&["volume", "create", "--source", "copy", "--size", "2", "--name", "clone", "--wait"]).await;
    assert_eq!((&clone["source_volume_id"], &clone["size_gib"]), (&copy["id"], &json!(2)));
    let data = folder.join("volumes/1/pool").join(format!("volume-{}", taken["volume_id"].as_str().unwrap()));
    std::fs::OpenOptions::new().write(true).open(&data).unwrap().write_all(b"written since").unwrap();
    let reverted = dev.json(&["volume", "revert", "web", "--snapshot", "monday", "--wait"]).await;
    assert_eq!(reverted["status"], "available");
    let mut begins = [7; 13];
    std::fs::File::open(&data).unwrap().read_exact(&mut begins).unwrap();
    assert_eq!(begins, [0; 13]);
    let given_up = dev.json(&["snapshot", "unmanage", "monday", "--wait"]).await;
    assert_eq!(given_up["status"], "unmanaged");
    let source = format!("_snapshot-{id}");
    let again = dev.json(&["snapshot", "manage", "web", &source, "--name", "monday", "--wait"]).await;
    assert_eq!((&again["status"], &again["size_gib"]), (&json!("available"), &json!(1)));
    let lost = dev.json(&["volume", "unmanage", "clone", "--wait"]).await;
    let (pool, source) = (clone["pool"].as_str().unwrap(), format!("volume-{}", lost["id"].as_str().unwrap()));
    let found = dev.json(&["volume", "manage", pool, &source, "--name", "clone", "--wait"]).await;
    assert_eq!((&found["status"], &found["size_gib"]), (&json!("available"), &json!(2)));
    let nothing = dev.stele(&["volume", "manage", pool, "nothing", "--name", "nothing", "--wait"]).await;
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("not_found"), "{nothing:?}");
    dev.json(&["volume", "delete", "nothing", "--wait"]).await;
    let refused = dev.stele(&["volume", "create", "--snapshot", "tuesday"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("tuesday"), "{refused:?}");
    assert!(!dev.stele(&["volume", "create", "--name", "sizeless"]).await.status.success());
    let deleted = dev.json(&["snapshot", "delete", "monday", "--wait"]).await;
    assert_eq!(deleted["status"], "deleted");
    assert!(!file.exists());
    dev.stele(&["volume", "delete", "copy", "clone", "--wait"]).await;
}

/// Extend, update, show, delete; the file is what the volume says.
async fn change_and_delete(dev: &Dev, web_id: &str, file: &Path) {
    let extended = dev.json(&["volume", "extend", "web", "2", "--wait"]).await;
    assert_eq!((&extended["status"], &extended["size_gib"]), (&json!("available"), &json!(2)));
    assert_eq!(std::fs::metadata(file).unwrap().len(), 2 << 30);
    let updated = dev.json(&["volume", "update", "web", "--name", "www", "--metadata", "tier=1"]).await;
    assert_eq!((&updated["name"], &updated["metadata"]["tier"]), (&json!("www"), &json!("1")));

    let shown = dev.json(&["volume", "show", web_id]).await;
    let tasks: Vec<&str> =
        shown["flows"][0]["tasks"].as_array().unwrap().iter().filter_map(|t| t["name"].as_str()).collect();
    for task in [
        "QuotaReserve",
        "EntryCreate",
        "QuotaCommit",
        "ScheduleCreateVolume",
        "CreateVolumeFromSpec",
        "CreateVolumeOnFinish",
    ] {
        assert!(tasks.contains(&task), "{task} is not in {tasks:?}");
    }
    let candidate = &shown["decisions"][0]["decision"]["candidates"][0];
    assert_eq!(candidate["checks"][0]["verdict"], "passed");
    assert!(candidate["weight"].is_number());

    let deleted = dev.json(&["volume", "delete", "www", "--wait"]).await;
    assert_eq!(deleted["status"], "deleted");
    assert!(!file.exists());
}

/// The audit tool: the story of a volume, the state at a position, a projection from nothing.
async fn look_back(dev: &Dev, id: &str, position: Position, folder: &Path) {
    let story = dev.stele(&["replay", "show", "volume", id]).await;
    let story = String::from_utf8_lossy(&story.stdout).into_owned();
    for part in ["reserved 1 volume", "placed 1 GiB", "SUCCESS"] {
        assert!(story.contains(part), "{part} is not in:\n{story}");
    }
    let before = dev.json(&["replay", "at", &(position.0 - 1).to_string(), "volumes"]).await;
    let then = dev.json(&["replay", "at", &position.to_string(), "volumes"]).await;
    let count = |answer: &Value| answer["volumes"].as_array().unwrap().len();
    assert_eq!((count(&before), count(&then)), (0, 1), "{then}");
    let rebuilt = folder.join("rebuilt");
    loop {
        let done = dev.json(&["replay", "rebuild", "--data", rebuilt.to_str().unwrap()]).await;
        assert!(done["position"].as_u64().unwrap() >= position.0, "{done}");
        let (folded, _) = fold(&connect_to(&dev.nats).await).await;
        let projection = stele_projections::projection::Projection::open(&rebuilt.join("projection.redb")).unwrap();
        let (at, digest) = projection.digest().unwrap();
        // A heartbeat may have been recorded between the two: then both are made once more.
        if at == folded.chain.position {
            assert_eq!(digest, stele_core::digest::StateDigest::of(&folded.state));
            return;
        }
    }
}

/// Ctrl-C and start again; kill -9 and start again.
async fn end_and_start_again(dev: Dev, folder: &Path) {
    dev.stop().await;
    let mut dev = Dev::start(folder, &[]).await;
    assert_eq!(dev.json(&["volume", "list"]).await["volumes"].as_array().unwrap().len(), 2);
    dev.json(&["volume", "create", "--size", "1", "--name", "third", "--wait"]).await;
    dev.child.kill().await.unwrap();
    let dev = Dev::start(folder, &[]).await;
    dev.json(&["volume", "create", "--size", "1", "--name", "fourth", "--wait"]).await;
    assert_eq!(dev.json(&["volume", "list"]).await["volumes"].as_array().unwrap().len(), 4);
    audit(&dev).await;
    dev.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_can_be_closed_a_quota_set_a_type_made_and_every_no_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(folder.path(), &["--backends", "2", "--driver", "null"]).await;
    let services = dev.json(&["service", "list"]).await;
    let hosts: Vec<String> =
        services["services"].as_array().unwrap().iter().map(|s| s["host"].as_str().unwrap().to_owned()).collect();
    assert_eq!(hosts.len(), 2);
    dev.json(&["service", "set", &hosts[0], "--disable", "--reason", "new disks"]).await;
    for n in 0..4 {
        let volume = dev.json(&["volume", "create", "--size", "1", "--name", &format!("v{n}"), "--wait"]).await;
        assert!(volume["pool"].as_str().unwrap().starts_with(&hosts[1]), "{volume}");
    }
    dev.json(&["service", "set", &hosts[1], "--freeze", "--reason", "failing over"]).await;
    let refused = dev.stele(&["volume", "create", "--size", "1", "--wait"]).await;
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    for part in [&hosts[0], &hosts[1], "new disks", "failing over"] {
        assert!(why.contains(part), "{part} is not in: {why}");
    }
    dev.json(&["service", "set", &hosts[0], "--enable"]).await;
    dev.json(&["service", "set", &hosts[1], "--thaw"]).await;

    dev.json(&["type", "create", "gold", "--property", "volume_backend_name=nothing-like-this"]).await;
    let refused = dev.stele(&["volume", "create", "--size", "1", "--type", "gold", "--wait"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("capabilities"), "{refused:?}");

    dev.json(&["quota", "set", "demo", "volumes=6", "volumes_gold=0"]).await;
    let over = dev.stele(&["volume", "create", "--size", "1", "--json"]).await;
    let over: Value = serde_json::from_slice(&over.stdout).unwrap();
    assert_eq!(over["error"]["code"], "VolumeLimitExceeded");
    let connection = connect_to(&dev.nats).await;
    let gold =
        command(&connection, "demo", "volume", "create", json!({"size_gib": 1, "type": "gold"})).await.unwrap_err();
    assert_eq!(gold.code, "VolumeLimitExceeded");
    let tenant =
        command(&connection, "demo", "quota", "set", json!({"project": "demo", "volumes": 99})).await.unwrap_err();
    assert_eq!(tenant.code, "AdminOnly");
    audit(&dev).await;
    dev.stop().await;
}

/// Waits until the volume of that name has that status.
async fn until(dev: &Dev, name: &str, status: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let list = dev.json(&["volume", "list", "--name", name]).await;
        if list["volumes"][0]["status"] == status {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{list}");
    }
}

/// The audit tool finds nothing, and neither does the library.
async fn audit(dev: &Dev) {
    let verified = dev.json(&["replay", "verify"]).await;
    assert_eq!(verified["ok"], true, "{verified}");
    let (folded, _) = fold(&connect_to(&dev.nats).await).await;
    assert_eq!(stele_core::audit::audit(&folded.state), vec![]);
}

/// `stele volume list | head -0`: whoever has seen enough is not told of it.
async fn read_no_further(dev: &Dev) {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_stele"))
        .args(["volume", "list", "--json"])
        .env("STELE_URL", &dev.url)
        .env("STELE_PROJECT", "demo")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

/// Somebody keeps what the log was, and sees that it still is; a stranger's word counts for nothing.
async fn keep(dev: &Dev, folder: &Path) {
    let (key, kept) = (folder.join("signing.key"), folder.join("kept.jsonl"));
    let (key, kept) = (key.to_str().unwrap(), kept.to_str().unwrap());
    let sign = ["replay", "checkpoint", "--key", key, "--make-key", "--to", kept];
    let first = dev.json(&sign).await;
    dev.json(&["volume", "create", "--size", "1", "--name", "later", "--wait"]).await;
    let second = dev.json(&sign).await;
    dev.json(&["volume", "delete", "later", "--wait"]).await;
    assert!(first["position"].as_u64() < second["position"].as_u64(), "{first} {second}");
    let verified = dev.json(&["replay", "verify", "--checkpoints", kept, "--believe", key_of(&first)]).await;
    assert_eq!((&verified["ok"], &verified["checkpoints"]), (&true.into(), &2.into()), "{verified}");
    let stranger = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let refused = dev.stele(&["replay", "verify", "--checkpoints", kept, "--believe", stranger]).await;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(!refused.status.success() && said.contains("none of the keys that are believed"), "{said}");
}

fn key_of(checkpoint: &serde_json::Value) -> &str {
    checkpoint["key"].as_str().unwrap()
}
