//! A volume is for attaching: exports, logins and data on real LVM, real targets and the real initiator.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stele::client::{Accepted, command};
use stele::nats::Connection;
use stele_workers::target::TargetKind;

use crate::harness::dev::Dev;
use crate::harness::log::connect_to;
use crate::lvm::{volume_groups, volumes};
use crate::node::{PORTAL, Tgtd, exports, run};

/// A cell with one backend, and what the tests do with its volumes on this machine.
struct Node {
    dev: Dev,
    connection: Connection,
    folder: tempfile::TempDir,
    group: String,
}

impl Node {
    async fn start(kind: TargetKind, group: &str, lvm_type: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        stele::chap_key::make(&path("chap.key")).unwrap();
        let kind = if kind == TargetKind::Lio { "lio" } else { "tgt" };
        let key = path("chap.key").display().to_string();
        let settings = format!(
            "chap_key_file = \"{key}\"\n[[backend]]\nname = \"lab@{kind}\"\n[backend.driver.lvm]\nvolume_group = \"{group}\"\n\
             lvm_type = \"{lvm_type}\"\nwipe = \"discard\"\n[backend.driver.lvm.target]\nkind = \"{kind}\"\nchap_key_file = \"{key}\"\n"
        );
        std::fs::write(path("stele.toml"), settings).unwrap();
        let dev = Dev::start(&path("data"), &["--config", path("stele.toml").to_str().unwrap()]).await;
        let connection = connect_to(&dev.nats).await;
        Self { dev, connection, folder, group: group.to_owned() }
    }

    async fn ask(&self, resource: &str, verb: &str, content: Value) -> Accepted {
        command(&self.connection, "demo", resource, verb, content)
            .await
            .unwrap_or_else(|e| panic!("{resource}.{verb}: {e}"))
    }

    async fn create(&self, name: &str) -> String {
        let made = self.dev.json(&["volume", "create", "--size", "1", "--name", name, "--wait"]).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// `stele attach`; the device.
    async fn attach(&self, volume: &str) -> PathBuf {
        let attached = self.dev.json(&["attach", volume]).await;
        let device = PathBuf::from(attached["device"].as_str().unwrap());
        assert!(device.exists(), "{attached}");
        device
    }

    async fn detach(&self, volume: &str) {
        self.dev.json(&["detach", volume]).await;
    }

    /// What `stele` says when it fails.
    async fn refused(&self, args: &[&str]) -> String {
        let output = self.dev.stele(args).await;
        assert!(!output.status.success(), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Mounts a device, does something below it, and unmounts it.
    async fn mounted<T>(&self, device: &Path, work: impl AsyncFnOnce(&Path) -> T) -> T {
        let at = self.folder.path().join("mnt");
        std::fs::create_dir_all(&at).unwrap();
        run("mount", &[device.to_str().unwrap(), at.to_str().unwrap()]).await.unwrap();
        let done = work(&at).await;
        run("umount", &[at.to_str().unwrap()]).await.unwrap();
        done
    }

    async fn write(&self, device: &Path, name: &str, text: &str) {
        self.mounted(device, async |at: &Path| {
            // Larger than what stays in a page, and not all alike.
            let lines: String = (0..20_000).map(|line| format!("{text} {line}\n")).collect();
            std::fs::write(at.join(name), lines).unwrap();
        })
        .await;
    }

    /// The first and last lines of a file, or nothing when there is none.
    async fn read(&self, device: &Path, name: &str) -> Option<String> {
        self.mounted(device, async |at: &Path| {
            let text = std::fs::read_to_string(at.join(name)).ok()?;
            Some(format!("{} .. {}", text.lines().next()?, text.lines().last()?))
        })
        .await
    }

    /// Everything is removed, and nothing is left behind anybody's back.
    async fn end(self) {
        assert_eq!(exports().await, Vec::<String>::new());
        assert_eq!(volumes(&self.group), vec![]);
        let verified = self.dev.json(&["replay", "verify"]).await;
        assert_eq!(verified["ok"], true, "{verified}");
        self.dev.stop().await;
    }
}

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
    wait_for_snapshot(&node).await;
    node.write(&device, "second", "two").await;
    node.detach("web").await;
    node.detach("web").await;
    assert!(!device.exists(), "the device is gone");
    assert_eq!(exports().await, Vec::<String>::new());
    let copy =
        node.ask("volume", "create", json!({"snapshot": snapshot, "name": "copy"})).await.subjects.volume.unwrap();
    node.dev.json(&["volume", "show", "copy"]).await;
    wait_for_volume(&node, &copy.to_string()).await;
    let (old, new) = (node.attach("copy").await, node.attach("web").await);
    let expected = Some("one 0 .. one 19999".to_owned());
    assert_eq!(node.read(&old, "first").await, expected);
    assert_eq!(node.read(&new, "first").await, expected);
    assert_eq!(node.read(&old, "second").await, None);
    assert_eq!(node.read(&new, "second").await, Some("two 0 .. two 19999".to_owned()));

    // A volume with a snapshot is not deleted; both are, one after the other.
    node.detach("web").await;
    node.detach("copy").await;
    let kept = node.refused(&["volume", "delete", "web"]).await;
    assert!(kept.contains("snapshot"), "{kept}");
    node.dev.json(&["volume", "delete", "copy", "--wait"]).await;
    node.ask("volume", "delete", json!({"id": web, "cascade": true})).await;
    wait_for_nothing(&node).await;
    node.end().await;
}

async fn a_file_system_grows(kind: TargetKind, group: &str) {
    let node = Node::start(kind, group, "thin").await;
    let web = node.create("web").await;
    let device = node.attach("web").await;
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    node.mounted(&device, async |at: &Path| {
        std::fs::write(at.join("before"), "x".repeat(1 << 20)).unwrap();
        node.ask("volume", "extend", json!({"id": web, "size_gib": 2})).await;
        wait_for_volume(&node, &web).await;
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

async fn strangers_stay_outside(kind: TargetKind, group: &str) {
    let node = Node::start(kind, group, "thin").await;
    let web = node.create("web").await;
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

async fn wait_for_snapshot(node: &Node) {
    wait(async || {
        let list: Value = api(node).get("/v1/snapshots", &[], None).await.unwrap();
        list["snapshots"].as_array().unwrap().iter().all(|snapshot| snapshot["status"] == "available")
    })
    .await;
}

async fn wait_for_volume(node: &Node, id: &str) {
    wait(async || {
        let volume: Value = api(node).get(&format!("/v1/volumes/{id}"), &[], None).await.unwrap();
        assert!(!volume["status"].as_str().unwrap().starts_with("error"), "{volume}");
        volume["flow_id"].is_null()
    })
    .await;
}

async fn wait_for_nothing(node: &Node) {
    wait(async || {
        let list: Value = api(node).get("/v1/volumes", &[], None).await.unwrap();
        list["volumes"].as_array().unwrap().is_empty()
    })
    .await;
}

async fn wait_for_export(iqn: &str) {
    wait(async || exports().await.iter().any(|name| name == iqn)).await;
}

async fn wait_for_no_export() {
    wait(async || exports().await.is_empty()).await;
}

fn api(node: &Node) -> stele::cli::Api {
    stele::cli::Api::new(&node.dev.url)
}

/// Storage nodes take their time, and tell nobody but the log; the log is asked through the API.
async fn wait(is_so: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("it does not come about");
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
    let (thin, _) = volume_groups();
    a_file_system_grows(TargetKind::Lio, &thin).await;
    let tgtd = Tgtd::start().await;
    a_file_system_grows(TargetKind::Tgt, &thin).await;
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
