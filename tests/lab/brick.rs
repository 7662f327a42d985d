//! os-brick, the code by which Nova and Cinder make volumes devices of their hosts, gets along with what Stele exports.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use stele_workers::target::TargetKind;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::cell::Node;
use crate::cinder::Cinder;
use crate::lvm::volume_groups;
use crate::node::{Tgtd, run};

/// A Python process with os-brick; starting one takes longer than all that it is asked here.
pub(crate) struct Brick {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    locks: tempfile::TempDir,
    multipath: bool,
}

/// A volume that os-brick has made a device of.
pub(crate) struct Connected {
    attachment: String,
    info: Value,
    result: Value,
}

impl Connected {
    pub(crate) fn device(&self) -> PathBuf {
        PathBuf::from(self.result["path"].as_str().unwrap())
    }
}

impl Brick {
    /// Starts it; `None` where it could not be installed, which only developers' machines are forgiven.
    pub(crate) fn start(multipath: bool) -> Option<Self> {
        let Ok(python) = std::env::var("STELE_LAB_BRICK") else {
            assert!(std::env::var_os("CI").is_none(), "STELE_LAB_BRICK is not set: run `make lab`");
            eprintln!("LEFT OUT: there is no os-brick");
            return None;
        };
        let locks = tempfile::tempdir().unwrap();
        let mut child = Command::new(python)
            .args(["-B", "-W", "ignore", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/brick.py")])
            .arg(locks.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Self { child, requests, answers, locks, multipath })
    }

    async fn ask(&mut self, request: Value) -> Value {
        self.requests.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let line = self.answers.next_line().await.unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer.get("failed").is_none(), "{request}: {answer}");
        answer["done"].clone()
    }

    /// What Nova does: this host's connector for an attachment, the device for its `connection_info`.
    pub(crate) async fn connect(&mut self, cinder: &Cinder, volume: &str) -> Connected {
        let connector = self.ask(json!({"do": "connector", "multipath": self.multipath})).await;
        let attachment = cinder.attach(volume, &connector).await;
        let info = attachment["connection_info"].clone();
        let result = self.ask(json!({"do": "connect", "multipath": self.multipath, "info": info})).await;
        let attachment = attachment["id"].as_str().unwrap().to_owned();
        cinder.complete(&attachment).await;
        // What an API tells later is the same: Nova keeps what it was told once.
        assert_eq!(cinder.attachment(&attachment).await["connection_info"], info);
        Connected { attachment, info, result }
    }

    /// The host looks at the device's size; gives it in bytes.
    pub(crate) async fn extend(&mut self, connected: &Connected) -> u64 {
        let request = json!({"do": "extend", "multipath": self.multipath, "info": connected.info});
        self.ask(request).await.as_u64().unwrap()
    }

    pub(crate) async fn disconnect(&mut self, cinder: &Cinder, connected: Connected) {
        let Connected { attachment, info, result } = connected;
        let request = json!({"do": "disconnect", "multipath": self.multipath, "info": info, "device": result});
        self.ask(request).await;
        cinder.end(&attachment).await;
    }

    pub(crate) async fn end(mut self) {
        drop(self.requests);
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "{status}");
        self.locks.close().unwrap();
    }
}

/// SHA-256 of a file or device's first MiBs, past the kernel's cache.
pub(crate) async fn hash(path: &Path) -> String {
    run("sha256sum", &[path.to_str().unwrap()]).await.unwrap().split(' ').next().unwrap().to_owned()
}

/// A file of 8 MiB that nobody can guess; its hash.
pub(crate) async fn fill(path: &Path) -> String {
    let of = format!("of={}", path.display());
    run("dd", &["if=/dev/urandom", &of, "bs=1M", "count=8", "conv=fsync", "status=none"]).await.unwrap();
    hash(path).await
}

async fn data_survive(brick: &mut Brick, kind: TargetKind, group: &str, lvm_type: &str) {
    let node = Node::start(kind, group, lvm_type).await;
    let cinder = Cinder::new(&node.dev.url);
    let web = node.create("web").await;
    let connected = brick.connect(&cinder, &web).await;
    let device = connected.device();
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    let written = node.mounted(&device, async |at: &Path| fill(&at.join("file")).await).await;
    brick.disconnect(&cinder, connected).await;
    assert!(!device.exists(), "{}", device.display());

    let connected = brick.connect(&cinder, &web).await;
    let device = connected.device();
    node.mounted(&device, async |at: &Path| {
        assert_eq!(hash(&at.join("file")).await, written);
        // It grows while it is mounted, which is what Nova is told by Cinder.
        node.ask("volume", "extend", json!({"id": web, "size_gib": 2})).await;
        node.wait_for_volume(&web).await;
        assert_eq!(brick.extend(&connected).await, 2 << 30);
        run("resize2fs", &[device.to_str().unwrap()]).await.unwrap();
        let room = run("df", &["--output=size", "-B1M", at.to_str().unwrap()]).await.unwrap();
        let room: u64 = room.lines().last().unwrap().trim().parse().unwrap();
        assert!(room > 1900, "{room} MiB");
        assert_eq!(hash(&at.join("file")).await, written);
    })
    .await;
    brick.disconnect(&cinder, connected).await;
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn os_brick_uses_what_lio_exports() {
    let Some(mut brick) = Brick::start(false) else { return };
    let (thin, thick) = volume_groups();
    data_survive(&mut brick, TargetKind::Lio, &thin, "thin").await;
    data_survive(&mut brick, TargetKind::Lio, &thick, "thick").await;
    brick.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn os_brick_uses_what_tgt_exports() {
    let Some(mut brick) = Brick::start(false) else { return };
    let (thin, thick) = volume_groups();
    let tgtd = Tgtd::start().await;
    data_survive(&mut brick, TargetKind::Tgt, &thin, "thin").await;
    data_survive(&mut brick, TargetKind::Tgt, &thick, "thick").await;
    tgtd.kill().await;
    brick.end().await;
}
