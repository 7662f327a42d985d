//! What the log promises comes back by itself: a target that ended, configfs that somebody cleared. See also `reboot`.

use std::path::Path;

use serde_json::{Value, json};
use stele_workers::target::TargetKind;

use crate::cell::{Node, wait, wait_for_export, wait_for_no_export};
use crate::lvm::volume_groups;
use crate::node::{NO_PORTAL, Tgtd, clear_configfs, exports, run};

/// Two volumes are exported; the target forgets both, and nobody asks for anything.
async fn comes_back(kind: TargetKind, group: &str, forget: impl AsyncFnOnce()) {
    let node = Node::start(kind, group, "thin").await;
    let mut attachments = Vec::new();
    for name in ["web", "db"] {
        let volume = node.create(name).await;
        let host = json!({"host": "h1", "initiator": "iqn.1993-08.org.debian:01:h1"});
        let asked = node.ask("attachment", "create", json!({"volume": volume, "connector": host})).await;
        wait_for_export(&format!("iqn.2010-10.org.openstack:volume-{volume}")).await;
        attachments.push((volume, asked.subjects.attachment.unwrap()));
    }
    node.dev.json(&["drift", "scan", "--wait"]).await;
    assert!(is_as_promised(&node).await);
    forget().await;
    assert_eq!(exports().await, Vec::<String>::new());
    node.dev.json(&["drift", "scan", "--wait"]).await;
    wait(async || is_as_promised(&node).await && exports().await.len() == 2).await;
    // Once more, and nothing is found: what came back is whole.
    node.dev.json(&["drift", "scan", "--wait"]).await;
    assert!(is_as_promised(&node).await);
    let story = node.dev.stele(&["replay", "show", "volume", &attachments[0].0]).await;
    let story = String::from_utf8_lossy(&story.stdout).into_owned();
    assert!(story.contains("is being repaired"), "{story}");
    for (volume, attachment) in attachments {
        node.ask("attachment", "delete", json!({"id": attachment})).await;
        node.wait_for_volume(&volume).await;
    }
    wait_for_no_export().await;
    for name in ["web", "db"] {
        node.dev.json(&["volume", "delete", name, "--wait"]).await;
    }
    node.end().await;
}

/// A host has one volume mounted and another one at hand all the while: what it writes meanwhile waits.
async fn comes_back_to_its_host(kind: TargetKind, group: &str, forget: impl AsyncFnOnce()) {
    let node = Node::start(kind, group, "thin").await;
    for name in ["web", "db"] {
        node.create(name).await;
    }
    let (device, other) = (node.attach("web").await, node.attach("db").await);
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    node.mounted(&device, async |at: &Path| {
        let sync = async || run("sync", &["-f", at.to_str().unwrap()]).await.unwrap();
        std::fs::write(at.join("before"), "x".repeat(1 << 20)).unwrap();
        sync().await;
        forget().await;
        node.dev.json(&["drift", "scan", "--wait"]).await;
        wait(async || is_as_promised(&node).await && exports().await.len() == 2).await;
        std::fs::write(at.join("after"), "y".repeat(1 << 20)).unwrap();
        sync().await;
        assert_eq!(std::fs::read_to_string(at.join("before")).unwrap(), "x".repeat(1 << 20));
    })
    .await;
    let source = format!("if={}", other.display());
    run("dd", &[source.as_str(), "of=/dev/null", "bs=4096", "count=1", "iflag=direct"]).await.unwrap();
    for name in ["web", "db"] {
        node.detach(name).await;
        node.dev.json(&["volume", "delete", name, "--wait"]).await;
    }
    node.end().await;
}

async fn is_as_promised(node: &Node) -> bool {
    let list: Value = node.dev.json(&["drift", "list"]).await;
    list["drifts"].as_array().unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_come_back_when_configfs_was_cleared() {
    let (thin, _) = volume_groups();
    comes_back(TargetKind::Lio, &thin, async || clear_configfs().unwrap()).await;
    comes_back_to_its_host(TargetKind::Lio, &thin, async || clear_configfs().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_come_back_when_tgtd_was_killed() {
    let (thin, _) = volume_groups();
    let mut tgtd = Some(Tgtd::start().await);
    comes_back(TargetKind::Tgt, &thin, async || {
        tgtd.take().unwrap().kill().await;
        tgtd = Some(Tgtd::start().await);
    })
    .await;
    tgtd.unwrap().kill().await;
    // A host that is logged in needs one that lets nobody in before everything is back.
    let mut tgtd = Some(Tgtd::start_at(&[NO_PORTAL]).await);
    comes_back_to_its_host(TargetKind::Tgt, &thin, async || {
        tgtd.take().unwrap().kill().await;
        tgtd = Some(Tgtd::start_at(&[NO_PORTAL]).await);
    })
    .await;
    tgtd.unwrap().kill().await;
}

/// What nobody promised is listed with its reason, and goes when an operator says so, not before.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_by_hand_is_listed_and_goes_when_asked() {
    let (thin, _) = volume_groups();
    let node = Node::start(TargetKind::Lio, &thin, "thin").await;
    node.create("web").await;
    let (id, pool) = ("0b5e0000-0000-4000-8000-000000000001", format!("{thin}-pool"));
    let (lv, tag) = (format!("volume-{id}"), format!("stele.volume.{id}"));
    run("lvcreate", &["-q", "-V", "1g", "-T", &format!("{thin}/{pool}"), "-n", &lv, "--addtag", &tag]).await.unwrap();
    let found = node.dev.json(&["drift", "scan", "--wait"]).await;
    let drift = &found["drifts"][0];
    assert_eq!(
        (&drift["object"], &drift["kind"], &drift["repair"]),
        (&lv.as_str().into(), &"unexpected".into(), &"remove".into())
    );
    let rehearsed = node.dev.json(&["drift", "repair", &lv, "--dry-run"]).await;
    assert_eq!(
        (rehearsed["would_repair"].as_array().unwrap().len(), rehearsed["would_leave"][0]["object"].as_str()),
        (0, Some(lv.as_str()))
    );
    let refused = node.refused(&["drift", "repair", &lv]).await;
    assert!(refused.contains("removes it with its data"), "{refused}");
    node.dev.json(&["drift", "repair", &lv, "--remove"]).await;
    wait(async || is_as_promised(&node).await).await;
    assert_eq!(crate::lvm::volumes(&thin).len(), 1);
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}
