//! A storage node with hundreds of exports: how long it takes until a worker that starts knows that all is as promised, and
//! until all is back when the target forgot it. `.ci/lab many --ignored`; `STELE_LAB_MANY` is how many, 500 by default.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use stele_workers::target::TargetKind;

use crate::cell::{Node, wait, wait_for_no_export};
use crate::lvm::{remove_all, volume_groups};
use crate::node::{NO_PORTAL, Tgtd, clear_configfs, exports};
use crate::rates::{attach, make};

/// How many volumes are asked for at once.
const BATCH: usize = 50;

fn how_many() -> usize {
    std::env::var("STELE_LAB_MANY").ok().map_or(500, |text| text.parse().unwrap())
}

async fn many(kind: TargetKind, forget: impl AsyncFnOnce()) {
    let (count, group) = (how_many(), volume_groups().0);
    let node = Node::start(kind, &group, "thin").await;
    for resource in ["volumes", "gigabytes"] {
        node.dev.json(&["quota", "set", "demo", &format!("{resource}=-1")]).await;
    }
    // One processor makes them and answers: of these, what is asked for at once is answered within seconds.
    let mut made = Vec::new();
    while made.len() < count {
        made.extend(make(&node, BATCH.min(count - made.len()), &json!({"size_gib": 1})).await.0);
    }
    let (mut asked, mut exported) = (Vec::new(), Duration::ZERO);
    for volumes in made.chunks(BATCH) {
        let (attachments, ours) = attach(&node, volumes).await;
        asked.extend(attachments);
        exported += ours.all;
    }

    let began = Instant::now();
    let node = node.restart().await;
    let ready = began.elapsed();
    node.dev.json(&["drift", "scan", "--wait"]).await;
    assert!(node.dev.json(&["drift", "list"]).await["drifts"].as_array().unwrap().is_empty());
    eprintln!(
        "MANY {kind:?}: with {count} exports a cell is ready {:.1} s after its start is asked for, and knows {:.1} s later that all is there",
        ready.as_secs_f64(),
        (began.elapsed() - ready).as_secs_f64()
    );

    let began = Instant::now();
    forget().await;
    node.dev.json(&["drift", "scan", "--wait"]).await;
    // Making them again takes about as long as it took to make them, and with tgtadm that is minutes.
    let bound = exported * 3 + Duration::from_secs(60);
    while exports().await.len() < count {
        assert!(began.elapsed() < bound, "{} of {count} are back", exports().await.len());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    wait(async || node.dev.json(&["drift", "list"]).await["drifts"].as_array().unwrap().is_empty()).await;
    eprintln!(
        "MANY {kind:?}: {count} exports that were forgotten are back after {:.1} s; making them took {:.1} s",
        began.elapsed().as_secs_f64(),
        exported.as_secs_f64()
    );
    for asked in asked.chunks(BATCH) {
        join_all(asked.iter().map(|id| node.send("attachment", "delete", json!({"id": id})))).await;
    }
    wait_for_no_export().await;
    node.dev.stop().await;
    remove_all(&group).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of many minutes: .ci/lab many --ignored"]
async fn many_exports_on_lio() {
    many(TargetKind::Lio, async || clear_configfs().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of many minutes: .ci/lab many --ignored"]
async fn many_exports_on_tgt() {
    let mut tgtd = Some(Tgtd::start_at(&[NO_PORTAL]).await);
    many(TargetKind::Tgt, async || {
        tgtd.take().unwrap().kill().await;
        tgtd = Some(Tgtd::start_at(&[NO_PORTAL]).await);
    })
    .await;
    tgtd.unwrap().kill().await;
}
