//! A create that comes behind many deletes takes about as long as one that comes alone. Both are measured in one run, on
//! one volume group; only their ratio means anything. `.ci/lab rates --ignored` does the same with a hundred deletes.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use serde_json::{Value, json};
use stele_projections::view::FlowList;
use stele_workers::target::TargetKind;

use crate::cell::{Node, wait};
use crate::lvm::{remove_all, volume_groups};
use crate::rates::make;

/// How many creates are measured of each kind.
const CREATES: usize = 7;

/// How many deletes the creates come behind in the tests that always run.
const DELETES: usize = 30;

/// How many times as long as the median of those that come alone: the median of those behind deletes, and any of them. One
/// that comes in the middle waits for the rest of one command of LVM's, which takes about as long as a create. Without
/// removals that give way it was twice, and the first one two and a half times with 30 deletes, five times with 100.
const TIMES_MAX: (f64, f64) = (1.75, 3.0);

/// Makes a volume, and says when each part of that was; how long it took from the request to its success in the log.
async fn create(node: &Node, which: &str) -> Duration {
    let began = SystemTime::now();
    let accepted = node.ask("volume", "create", json!({"size_gib": 1})).await;
    let id = accepted.subjects.volume.unwrap().to_string();
    node.wait_for_volume(&id).await;
    let told: Value = node.api().get(&format!("/v1/volumes/{id}/flows"), &[], None).await.unwrap();
    let FlowList { flows } = serde_json::from_value(told).unwrap();
    let (decided, mut words, mut ended) = (flows[0].started_at, Vec::new(), flows[0].started_at);
    for change in flows[0].tasks.iter().filter(|task| task.task_id.is_some()).flat_map(|task| &task.transitions) {
        let by_worker = change.worker_at.map(|at| at.ms_since(decided));
        let steps = change.steps.iter().map(|step| format!("{} {:.0} ms", step.step, step.took_us as f64 / 1000.0));
        let steps: Vec<String> = steps.collect();
        let at = change.at.ms_since(decided);
        words.push(format!("{} {at} (worker {by_worker:?}) [{}]", change.state.name(), steps.join(", ")));
        ended = change.at;
    }
    let ended = SystemTime::UNIX_EPOCH + Duration::from_micros(ended.micros().try_into().unwrap());
    let took = ended.duration_since(began).unwrap();
    eprintln!("STORY of a create, {which}: {} ms; {}", took.as_millis(), words.join("; "));
    took
}

async fn creates(node: &Node, which: &str) -> Vec<Duration> {
    let mut all = Vec::new();
    for _ in 0..CREATES {
        all.push(create(node, which).await);
    }
    all
}

fn median(all: &[Duration]) -> Duration {
    let mut sorted = all.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

/// How many of these are still there.
async fn left(node: &Node, made: &[String]) -> usize {
    let told: Value = node.api().get("/v1/volumes", &[("limit", "1000".to_owned())], None).await.unwrap();
    let there = told["volumes"].as_array().unwrap();
    made.iter().filter(|id| there.iter().any(|volume| volume["id"] == **id)).count()
}

/// Deletes volumes, and makes others meanwhile.
pub(crate) async fn creates_behind_deletes(node: &Node, made: &[String]) {
    let alone = creates(node, "alone").await;
    let began = SystemTime::now();
    join_all(made.iter().map(|id| node.send("volume", "delete", json!({"id": id})))).await;
    let asked_ms = began.elapsed().unwrap().as_millis();
    let behind = creates(node, "behind deletes").await;
    let gone = made.len() - left(node, made).await;
    wait(async || left(node, made).await == 0).await;
    eprintln!(
        "RATE creates behind {} deletes: the first {} ms, the median {} ms, alone {} ms; the deletes were asked for within \
         {asked_ms} ms, {gone} of them had ended behind the creates, and all took {} ms",
        made.len(),
        behind[0].as_millis(),
        median(&behind).as_millis(),
        median(&alone).as_millis(),
        began.elapsed().unwrap().as_millis()
    );
    assert!(gone < made.len(), "there have to be deletes that the creates could wait for");
    let times = |took: Duration| took.as_secs_f64() / median(&alone).as_secs_f64();
    assert!(times(median(&behind)) < TIMES_MAX.0, "{alone:?} {behind:?}");
    assert!(behind.iter().all(|took| times(*took) < TIMES_MAX.1), "{alone:?} {behind:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_does_not_wait_for_deletes() {
    let group = volume_groups().0;
    let node = Node::start(TargetKind::Lio, &group, "thin").await;
    for resource in ["volumes", "gigabytes"] {
        node.dev.json(&["quota", "set", "demo", &format!("{resource}=-1")]).await;
    }
    let count = std::env::var("STELE_LAB_DELETES").ok().map_or(DELETES, |text| text.parse().unwrap());
    let (made, _) = make(&node, count, &json!({"size_gib": 1})).await;
    creates_behind_deletes(&node, &made).await;
    node.dev.stop().await;
    remove_all(&group).await;
}
