//! History under another configuration, and history played again, on real cells.

use serde_json::{Value, json};

use crate::harness::dev::{Dev, stele};

/// Nobody listens there: what works with it needs no NATS.
const NOWHERE: &str = "nats://127.0.0.1:1";

#[tokio::test(flavor = "multi_thread")]
async fn history_is_decided_again_and_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("first"), &["--backends", "2"]).await;
    dev.json(&["quota", "set", "demo", "volumes=3"]).await;
    for (name, size) in [("web", "2"), ("db", "3"), ("log", "1")] {
        dev.json(&["volume", "create", "--size", size, "--name", name, "--wait"]).await;
    }
    let refused = dev.stele(&["volume", "create", "--size", "1", "--name", "more"]).await;
    assert!(!refused.status.success(), "{refused:?}");
    dev.json(&["volume", "extend", "web", "4", "--wait"]).await;
    dev.json(&["snapshot", "create", "db", "--name", "monday", "--wait"]).await;
    dev.json(&["volume", "delete", "log", "--wait"]).await;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let export = path("log.stele");
    dev.json(&["replay", "export", &export]).await;
    other_histories(&dev, &export, &path("plot.svg")).await;

    let workload = path("day.jsonl");
    let written = dev.json(&["replay", "what-if", "--workload", &workload]).await;
    assert_eq!((&written["commands"], &written["left_out"]), (&json!(8), &json!(0)), "{written}");
    let into_itself = dev.stele(&["replay", "play", &workload, "--json"]).await;
    assert_eq!(code(&into_itself), "CellNotEmpty");
    let before = volumes(&dev).await;
    dev.stop().await;
    played(&path("second"), &workload, &before).await;
}

/// Nothing changed; other weights, limits and pools; the live log and a file say the same.
async fn other_histories(dev: &Dev, export: &str, plot: &str) {
    let (found, summary) = split(lines(dev, &["replay", "what-if"]).await);
    assert_eq!((found.len(), &summary["identical"]), (0, &json!(true)), "{summary}");
    let wide = "quota.demo.volumes=10";
    let (found, _) = split(lines(dev, &["replay", "what-if", "--set", wide]).await);
    let [accepted] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(accepted["outcome"]["recorded"]["refused"]["code"], "VolumeLimitExceeded");
    assert_eq!((&accepted["outcome"]["other"], &accepted["project"]), (&json!("accepted"), &json!("demo")));

    let pool = "--with-pool=big@lvm#pool=5000";
    let (found, summary) = split(lines(dev, &["replay", "what-if", pool, "--plot", plot]).await);
    assert_eq!(found.len(), 3, "{found:?}");
    for placement in &found {
        assert_eq!(
            (&placement["difference"], &placement["pool"]["other"]),
            (&json!("placement"), &json!("big@lvm#pool"))
        );
        assert!(placement["why"].as_str().unwrap().contains("big@lvm#pool was no candidate"), "{placement}");
    }
    assert_eq!(summary["volumes"]["elsewhere"], 2, "{summary}");
    let drawn = std::fs::read_to_string(plot).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.contains("big@lvm#pool: claimed GiB"), "{drawn}");
    let pixels = plot.replace(".svg", ".png");
    lines(dev, &["replay", "what-if", pool, "--plot", &pixels]).await;
    assert!(std::fs::read(&pixels).unwrap().starts_with(b"\x89PNG"));
    let of_file = stele(NOWHERE, NOWHERE, &["replay", "what-if", pool, "--json", "--file", export]).await;
    let of_file = String::from_utf8(of_file.stdout).unwrap();
    let of_file: Vec<Value> = of_file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&of_file[..3], found);

    for (args, code) in [
        (["--set", "scheduler.colour=red"], "InvalidChange"),
        (["--without-pool", "no@such#pool"], "NothingToChange"),
        (["--plot", "plot.gif"], "UnknownFormat"),
    ] {
        let args: Vec<&str> = ["replay", "what-if"].into_iter().chain(args).chain(["--json"]).collect();
        let output = dev.stele(&args).await;
        assert_eq!(self::code(&output), code);
    }
}

/// A workload makes the same volumes in an empty cell, and new ones beside them when it is played once more.
async fn played(data: &str, workload: &str, before: &[Value]) {
    let dev = Dev::start(data.as_ref(), &["--backends", "2"]).await;
    let played = dev.json(&["replay", "play", workload, "--speed", "max"]).await;
    assert_eq!(
        (&played["accepted"], &played["as_recorded"], &played["otherwise"]),
        (&json!(7), &json!(8), &json!({})),
        "{played}"
    );
    assert_eq!(played["refused"], json!({ "VolumeLimitExceeded": 1 }));
    assert_eq!(volumes(&dev).await, before);
    dev.json(&["quota", "set", "demo", "volumes=10"]).await;
    let again = dev.stele(&["replay", "play", workload, "--json"]).await;
    assert!(!again.status.success(), "{again:?}");
    let again = dev.json(&["replay", "play", workload, "--speed", "1000", "--new-ids", "--force"]).await;
    // It sets the limit to 3 volumes again, and 2 are there.
    assert_eq!((&again["commands"], &again["unanswered"]), (&json!(8), &json!(0)), "{again}");
    assert_eq!(volumes(&dev).await.len(), 3, "{again}");
    dev.stop().await;
}

/// What there is, without what differs from cell to cell.
async fn volumes(dev: &Dev) -> Vec<Value> {
    let list = dev.json(&["volume", "list"]).await;
    let volumes = list["volumes"].as_array().unwrap().iter();
    let mut volumes: Vec<Value> =
        volumes.map(|volume| json!([volume["id"], volume["name"], volume["size_gib"], volume["status"]])).collect();
    volumes.sort_by_key(ToString::to_string);
    volumes
}

async fn lines(dev: &Dev, args: &[&str]) -> Vec<Value> {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let output = dev.stele(&args).await;
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn split(mut lines: Vec<Value>) -> (Vec<Value>, Value) {
    let summary = lines.pop().unwrap()["summary"].take();
    (lines, summary)
}

/// The code of the failure, behind what was told before it.
fn code(output: &std::process::Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let failure: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    failure["error"]["code"].as_str().unwrap().to_owned()
}
