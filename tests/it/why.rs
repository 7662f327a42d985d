//! Why, as an operator asks it: placements decided again, quota proved, stories that go on, on a real cell.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use stele::nats::ask;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::harness::dev::Dev;
use crate::harness::log::connect_to;

/// The request that is refused for quota.
const REFUSED: &str = "5a17d0de-0000-4000-8000-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn the_log_answers_why() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(folder.path(), &["--backends", "2"]).await;
    let web = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    dev.json(&["volume", "extend", "web", "3", "--wait"]).await;
    dev.json(&["snapshot", "create", "web", "--name", "monday", "--wait"]).await;
    dev.json(&["type", "create", "nowhere", "--property", "tier=none"]).await;
    let lost = dev.stele(&["volume", "create", "--size", "1", "--name", "lost", "--type", "nowhere", "--wait"]).await;
    assert!(!lost.status.success(), "{lost:?}");
    dev.json(&["quota", "set", "demo", "volumes=2"]).await;
    let connection = connect_to(&dev.nats).await;
    let body = Bytes::from(json!({ "id": REFUSED, "volume": { "size_gib": 1, "name": "third" } }).to_string());
    let reply = ask(&connection, "stele.ask.demo.volume.create", body, Duration::from_secs(10)).await.unwrap();
    let outcome: Value = serde_json::from_slice(&reply).unwrap();
    assert_eq!(outcome["result"]["refused"]["code"], "VolumeLimitExceeded");

    let id = web["id"].as_str().unwrap();
    placements(&dev, id, web["pool"].as_str().unwrap()).await;
    proof(&dev, id).await;
    stories(&dev, id).await;
    follow(&dev, id).await;
    dev.stop().await;
}

/// What a command prints as one JSON object a line.
async fn lines(dev: &Dev, args: &[&str]) -> Vec<Value> {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let output = dev.stele(&args).await;
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn text(dev: &Dev, args: &[&str]) -> String {
    let output = dev.stele(args).await;
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn placements(dev: &Dev, web: &str, pool: &str) {
    let explained = lines(dev, &["replay", "explain", "volume", web]).await;
    let (summary, explained) = explained.split_last().unwrap();
    assert_eq!(summary["summary"]["differing"], json!([]));
    assert!(explained.iter().all(|explained| explained["recomputed"] == "same"), "{explained:?}");
    let decisions: Vec<&Value> =
        explained.iter().flat_map(|explained| explained["decisions"].as_array().unwrap()).collect();
    let purposes: Vec<&Value> = decisions.iter().map(|asked| &asked["decision"]["request"]["purpose"]).collect();
    assert_eq!(purposes, [&json!("create"), &json!({ "extend": { "attached": false } }), &json!("snapshot")]);
    assert!(decisions.iter().all(|asked| asked["decision"] == asked["recorded"]), "two pools are recorded in full");
    assert_eq!(decisions[0]["decision"]["chosen"], pool);
    assert_eq!(decisions[0]["decision"]["candidates"].as_array().unwrap().len(), 2);

    let list = dev.json(&["volume", "list", "--name", "lost"]).await;
    let lost = list["volumes"][0]["id"].as_str().unwrap();
    let shown = text(dev, &["replay", "explain", "volume", lost]).await;
    for part in ["no valid pool", "capabilities", "rejected", "tier is not reported", "recomputed: everything the same"]
    {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
    let refused = text(dev, &["replay", "explain", "request", REFUSED]).await;
    for part in ["the scheduler was not asked", "VolumeLimitExceeded", "recomputed: the same"] {
        assert!(refused.contains(part), "{part} is not in:\n{refused}");
    }
    let unknown = dev.stele(&["replay", "explain", "request", "nobody"]).await;
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("NothingKnown"), "{unknown:?}");
}

async fn proof(dev: &Dev, web: &str) {
    let proof = dev.json(&["replay", "quota", "--project", "demo"]).await;
    assert_eq!((&proof["ok"], &proof["compared_with_api"]), (&json!(true), &json!(true)));
    let line = |name: &str| {
        let resources = proof["resources"].as_array().unwrap();
        resources.iter().find(|resource| resource["resource"] == name).unwrap().clone()
    };
    let volumes = line("volumes");
    assert_eq!((&volumes["at_limit"], &volumes["limit"], &volumes["in_use"]), (&json!(true), &json!(2), &json!(2)));
    let gigabytes = line("gigabytes");
    // The volume of 3 GiB and its snapshot, and the one that lies nowhere.
    assert_eq!((&gigabytes["in_use"], &gigabytes["api"]["in_use"]), (&json!(7), &json!(7)));
    let largest =
        &gigabytes["holders"].as_array().unwrap().iter().find(|held| held["holder"]["volume"] == web).unwrap()["units"];
    let events: Vec<&Value> = largest.as_array().unwrap().iter().map(|unit| &unit["event"]).collect();
    assert_eq!(events, ["volume_entry_created", "volume_extended"]);
    assert_eq!((&proof["refused_total"], &proof["refused"][0]["code"]), (&json!(1), &json!("VolumeLimitExceeded")));
    let nobody = json!(dev.json(&["replay", "quota", "--project", "nobody"]).await);
    assert_eq!((&nobody["ok"], &nobody["refused_total"]), (&json!(true), &json!(0)));

    let elsewhere = ["--url", "http://127.0.0.1:9"];
    let unreachable = dev.stele(&[&["replay", "quota"], elsewhere.as_slice()].concat()).await;
    assert!(String::from_utf8_lossy(&unreachable.stderr).contains("--log-only"), "{unreachable:?}");
    let alone = dev.json(&[&["replay", "quota", "--log-only"], elsewhere.as_slice()].concat()).await;
    assert_eq!((&alone["ok"], &alone["compared_with_api"]), (&json!(true), &json!(false)));
}

async fn stories(dev: &Dev, web: &str) {
    let list = dev.json(&["snapshot", "list", "--volume", web]).await;
    let snapshot = list["snapshots"][0]["id"].as_str().unwrap();
    let story = text(dev, &["replay", "show", "snapshot", snapshot]).await;
    assert!(story.contains("reserved 1 snapshots") && story.contains("is available"), "{story}");
    let services = dev.json(&["service", "list"]).await;
    let backend = services["services"][0]["host"].as_str().unwrap().to_owned();
    let told = lines(dev, &["replay", "show", "worker", &backend]).await;
    let work = &told.last().unwrap()["work"];
    assert_eq!((&work["services"][0]["backend"], &work["services"][0]["up"]), (&json!(backend), &json!(true)));
    let host = backend.split('@').next().unwrap();
    let told = lines(dev, &["replay", "show", "worker", host]).await;
    let operations = &told.last().unwrap()["work"]["operations"];
    assert_eq!(operations["create_volume"]["succeeded"], 1, "{operations}");
    assert!(operations["extend_volume"]["total_us"].as_u64().unwrap() > 0, "{operations}");
}

/// A story that is followed tells what happens, and ends well with Ctrl-C.
async fn follow(dev: &Dev, web: &str) {
    let so_far = lines(dev, &["replay", "show", "volume", web]).await.len();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stele"))
        .args(["replay", "show", "volume", web, "--follow", "--json"])
        .env("STELE_NATS", &dev.nats)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = tokio::time::timeout(Duration::from_secs(30), told.next_line()).await.unwrap().unwrap().unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    for _ in 0..so_far {
        next().await;
    }
    dev.json(&["volume", "update", "web", "--name", "www"]).await;
    assert_eq!(next().await["kind"], "asked");
    assert_eq!(next().await["kind"], "volume_updated");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = tokio::time::timeout(Duration::from_secs(30), child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
