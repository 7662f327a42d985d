//! A volume is for attaching: exports, logins and data on real LVM, real targets and the real initiator.

use std::path::Path;

use serde_json::json;
use stele_workers::target::TargetKind;
use uuid::Uuid;

use crate::cell::{Node, wait_for_export, wait_for_no_export};
use crate::lvm::volume_groups;
use crate::node::{PORTAL, Tgtd, exports, run};

async fn data_survive(kind: TargetKind, group: &str, lvm_type: &str) {
    let node = Node::start(kind, group, lvm_type).await;
    let web = node.create("web").await;
    let device = node.attach("web").await;
    assert_eq!(node.attach("web").await, device, "once more");
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    node.write(&device, "first", "one").await;

    // In use it is neither deleted nor let go.
    let busy = node.mounted(&device, async |_: &Path| node.refused(&["detach", "web"]).await).await;
    assert!(busy.contains("in use"), "{busy}");
    let busy = node.refused(&["volume", "delete", "web"]).await;
    assert!(busy.contains("Volume"), "{busy}");

    // Snapshot while it is attached, write more, and look at both.
    let snapshot =
        node.ask("snapshot", "create", json!({"volume": web, "force": true})).await.subjects.snapshot.unwrap();
    node.wait_for_snapshots().await;
    node.write(&device, "second", "two").await;
    node.detach("web").await;
    node.detach("web").await;
    assert!(!device.exists(), "the device is gone");
    assert_eq!(exports().await, Vec::<String>::new());
    let copy =
        node.ask("volume", "create", json!({"snapshot": snapshot, "name": "copy"})).await.subjects.volume.unwrap();
    node.dev.json(&["volume", "show", "copy"]).await;
    node.wait_for_volume(&copy.to_string()).await;
    let (old, new) = (node.attach("copy").await, node.attach("web").await);
    let expected = Some("one 0 .. one 19999".to_owned());
    assert_eq!(node.read(&old, "first").await, expected);
    assert_eq!(node.read(&new, "first").await, expected);
    assert_eq!(node.read(&old, "second").await, None);
    assert_eq!(node.read(&new, "second").await, Some("two 0 .. two 19999".to_owned()));

    // Back to what the snapshot has.
    node.detach("web").await;
    node.detach("copy").await;
    node.ask("volume", "revert", json!({"id": web, "snapshot": snapshot})).await;
    node.wait_for_volume(&web).await;
    let reverted = node.attach("web").await;
    assert_eq!(node.read(&reverted, "first").await, expected);
    assert_eq!(node.read(&reverted, "second").await, None);
    node.detach("web").await;

    // A volume with a snapshot is not deleted; both are, one after the other.
    let kept = node.refused(&["volume", "delete", "web"]).await;
    assert!(kept.contains("snapshot"), "{kept}");
    node.dev.json(&["volume", "delete", "copy", "--wait"]).await;
    node.ask("volume", "delete", json!({"id": web, "cascade": true})).await;
    node.wait_for_nothing().await;
    node.end().await;
}

async fn a_file_system_grows(kind: TargetKind, group: &str, lvm_type: &str) {
    let node = Node::start(kind, group, lvm_type).await;
    let web = node.create("web").await;
    let device = node.attach("web").await;
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    node.mounted(&device, async |at: &Path| {
        std::fs::write(at.join("before"), "x".repeat(1 << 20)).unwrap();
        node.ask("volume", "extend", json!({"id": web, "size_gib": 2})).await;
        node.wait_for_volume(&web).await;
        // The host looks again; a program that runs all the while does not notice.
        assert_eq!(node.attach("web").await, device);
        run("resize2fs", &[device.to_str().unwrap()]).await.unwrap();
        let room = run("df", &["--output=size", "-B1M", at.to_str().unwrap()]).await.unwrap();
        let room: u64 = room.lines().last().unwrap().trim().parse().unwrap();
        assert!(room > 1900, "{room} MiB");
        assert_eq!(std::fs::read_to_string(at.join("before")).unwrap().len(), 1 << 20);
    })
    .await;
    node.detach("web").await;
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

/// A volume whose attachment to this machine has an id that LIO would take for a number, if it were a name.
fn whose_attachment_begins_with(letters: &str) -> Uuid {
    let of_this_host = format!("stele attach {}", stele::role::control::host_name());
    let attachment = |volume: &Uuid| Uuid::new_v5(volume, of_this_host.as_bytes());
    (1..).map(Uuid::from_u128).find(|volume| attachment(volume).simple().to_string().starts_with(letters)).unwrap()
}

async fn strangers_stay_outside(kind: TargetKind, group: &str) {
    let node = Node::start(kind, group, "thin").await;
    let web = whose_attachment_begins_with("0b").to_string();
    node.dev.json(&["volume", "create", "--id", &web, "--size", "1", "--name", "web", "--wait"]).await;
    node.attach("web").await;
    let iqn = format!("iqn.2010-10.org.openstack:volume-{web}");
    // Without credentials nobody is told what there is.
    let told = run("iscsiadm", &["-m", "discovery", "-t", "st", "-p", PORTAL]).await.unwrap_or_default();
    assert!(!told.contains(&iqn), "{told}");
    node.detach("web").await;

    // The attachment of another host: this one has neither its name nor its secrets.
    let other = json!({"host": "other", "initiator": "iqn.1993-08.org.debian:01:other"});
    let attachment = node.ask("attachment", "create", json!({"volume": web, "connector": other})).await;
    wait_for_export(&iqn).await;
    let at = |more: &[&str]| {
        let all = ["-m", "node", "-T", &iqn, "-p", PORTAL]
            .iter()
            .chain(more)
            .map(|arg| (*arg).to_owned())
            .collect::<Vec<_>>();
        async move { run("iscsiadm", &all.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    at(&["--op", "new"]).await.unwrap();
    for (name, value) in [
        ("node.session.auth.authmethod", "CHAP"),
        ("node.session.auth.username", "x"),
        ("node.session.auth.password", "wrong-wrong-wrong"),
    ] {
        at(&["--op", "update", "-n", name, "-v", value]).await.unwrap();
    }
    at(&["--op", "update", "-n", "node.session.initial_login_retry_max", "-v", "1"]).await.unwrap();
    let refused = at(&["--login"]).await.unwrap_err();
    // 19: the login was refused for good; 24: the secrets were (iscsiadm(8)).
    assert!(refused.contains("error (19") || refused.contains("error (24"), "{refused}");
    at(&["--op", "delete"]).await.unwrap();

    let id = attachment.subjects.attachment.unwrap();
    node.ask("attachment", "delete", json!({"id": id})).await;
    wait_for_no_export().await;
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survive_on_lio() {
    let (thin, thick) = volume_groups();
    data_survive(TargetKind::Lio, &thin, "thin").await;
    data_survive(TargetKind::Lio, &thick, "thick").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survive_on_tgt() {
    let (thin, thick) = volume_groups();
    let tgtd = Tgtd::start().await;
    data_survive(TargetKind::Tgt, &thin, "thin").await;
    data_survive(TargetKind::Tgt, &thick, "thick").await;
    tgtd.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_grows_while_it_is_mounted() {
    let (thin, thick) = volume_groups();
    a_file_system_grows(TargetKind::Lio, &thin, "thin").await;
    a_file_system_grows(TargetKind::Lio, &thick, "thick").await;
    let tgtd = Tgtd::start().await;
    a_file_system_grows(TargetKind::Tgt, &thin, "thin").await;
    a_file_system_grows(TargetKind::Tgt, &thick, "thick").await;
    tgtd.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_not_let_in() {
    let (thin, _) = volume_groups();
    strangers_stay_outside(TargetKind::Lio, &thin).await;
    let tgtd = Tgtd::start().await;
    strangers_stay_outside(TargetKind::Tgt, &thin).await;
    tgtd.kill().await;
}
