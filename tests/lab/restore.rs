//! What the log promises comes back by itself: a target that ended, configfs that somebody cleared. See also `reboot`.

use serde_json::Value;
use stele_workers::target::TargetKind;

use crate::cell::{Node, wait};
use crate::lvm::volume_groups;
use crate::node::{Tgtd, clear_configfs, exports, run};

/// A host writes before and after its target forgot it, into one mounted file system, without doing anything about it.
async fn survives(kind: TargetKind, group: &str, forget: impl AsyncFnOnce()) {
    let node = Node::start(kind, group, "thin").await;
    let web = node.create("web").await;
    let device = node.attach("web").await;
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    node.mounted(&device, async |at: &std::path::Path| {
        std::fs::write(at.join("before"), "x".repeat(1 << 20)).unwrap();
        run("sync", &["-f", at.to_str().unwrap()]).await.unwrap();
        forget().await;
        node.dev.json(&["drift", "scan", "--wait"]).await;
        wait(async || is_as_promised(&node).await && !exports().await.is_empty()).await;
        // The initiator comes back by itself as well; what it writes meanwhile waits.
        if let Err(error) = std::fs::write(at.join("after"), "y".repeat(1 << 20)) {
            panic!("{error}\n{}", run("dmesg", &[]).await.unwrap_or_default());
        }
        run("sync", &["-f", at.to_str().unwrap()]).await.unwrap();
        assert_eq!(std::fs::read_to_string(at.join("before")).unwrap(), "x".repeat(1 << 20));
    })
    .await;
    let story = node.dev.stele(&["replay", "show", "volume", &web]).await;
    let story = String::from_utf8_lossy(&story.stdout).into_owned();
    assert!(story.contains("drift_repair") && story.contains("connect_volume"), "{story}");
    node.detach("web").await;
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

async fn is_as_promised(node: &Node) -> bool {
    let list: Value = node.dev.json(&["drift", "list"]).await;
    list["drifts"].as_array().unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_come_back_when_configfs_was_cleared() {
    let (thin, _) = volume_groups();
    survives(TargetKind::Lio, &thin, async || clear_configfs().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_come_back_when_tgtd_was_killed() {
    let (thin, _) = volume_groups();
    let mut tgtd = Some(Tgtd::start().await);
    survives(TargetKind::Tgt, &thin, async || {
        tgtd.take().unwrap().kill().await;
        tgtd = Some(Tgtd::start().await);
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
