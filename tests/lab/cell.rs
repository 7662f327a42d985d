//! A cell with one backend that exports, and what the tests do with its volumes on this machine.

use std::path::{Path, PathBuf};

use serde_json::Value;
use stele::client::{Accepted, command};
use stele::nats::Connection;
use stele_workers::target::TargetKind;

use crate::harness::dev::Dev;
use crate::harness::log::connect_to;
use crate::lvm::{give_back, volumes};
use crate::node::{PORTAL, exports, run};

/// See the module.
pub(crate) struct Node {
    pub(crate) dev: Dev,
    pub(crate) connection: Connection,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) group: String,
}

impl Node {
    pub(crate) async fn start(kind: TargetKind, group: &str, lvm_type: &str) -> Self {
        Self::start_at(&[PORTAL], kind, group, lvm_type).await
    }

    /// The same, with a target that listens at these portals.
    pub(crate) async fn start_at(portals: &[&str], kind: TargetKind, group: &str, lvm_type: &str) -> Self {
        let name = if kind == TargetKind::Lio { "lab@lio" } else { "lab@tgt" };
        Self::start_as(name, portals, kind, group, lvm_type).await
    }

    /// The same, of a backend that is called `name`.
    pub(crate) async fn start_as(name: &str, portals: &[&str], kind: TargetKind, group: &str, lvm_type: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        stele::key_file::make(&path("chap.key")).unwrap();
        let kind = if kind == TargetKind::Lio { "lio" } else { "tgt" };
        let key = path("chap.key").display().to_string();
        let settings = format!(
            "chap_key_file = \"{key}\"\n[[backend]]\nname = \"{name}\"\nmax_over_subscription_ratio = 100\n[backend.driver.lvm]\nvolume_group = \"{group}\"\n\
             lvm_type = \"{lvm_type}\"\nwipe = \"discard\"\n[backend.driver.lvm.target]\nkind = \"{kind}\"\nportals = {portals:?}\nchap_key_file = \"{key}\"\n"
        );
        std::fs::write(path("stele.toml"), settings).unwrap();
        let dev = Self::start_dev(folder.path()).await;
        let connection = connect_to(&dev.nats).await;
        Self { dev, connection, folder, group: group.to_owned() }
    }

    async fn start_dev(folder: &Path) -> Dev {
        Dev::start(&folder.join("data"), &["--config", folder.join("stele.toml").to_str().unwrap()]).await
    }

    /// Ends everything, and starts it again on what it left.
    pub(crate) async fn restart(self) -> Self {
        self.dev.stop().await;
        let dev = Self::start_dev(self.folder.path()).await;
        Self { connection: connect_to(&dev.nats).await, dev, ..self }
    }

    /// Sends a command and waits until the API knows of it, so that what is asked next is not answered from before.
    pub(crate) async fn ask(&self, resource: &str, verb: &str, content: Value) -> Accepted {
        let accepted = self.send(resource, verb, content).await;
        let _: Value = self.api().get("/v1/pools", &[], Some(accepted.position)).await.unwrap();
        accepted
    }

    /// Sends a command and waits for its outcome, not for the API to know of it.
    pub(crate) async fn send(&self, resource: &str, verb: &str, content: Value) -> Accepted {
        command(&self.connection, "demo", resource, verb, content)
            .await
            .unwrap_or_else(|e| panic!("{resource}.{verb}: {e}"))
    }

    pub(crate) async fn create(&self, name: &str) -> String {
        let made = self.dev.json(&["volume", "create", "--size", "1", "--name", name, "--wait"]).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// `stele attach`; the device.
    pub(crate) async fn attach(&self, volume: &str) -> PathBuf {
        let attached = self.dev.json(&["attach", volume]).await;
        let device = PathBuf::from(attached["device"].as_str().unwrap());
        assert!(device.exists(), "{attached}");
        device
    }

    pub(crate) async fn detach(&self, volume: &str) {
        self.dev.json(&["detach", volume]).await;
    }

    /// What `stele` says when it fails.
    pub(crate) async fn refused(&self, args: &[&str]) -> String {
        let output = self.dev.stele(args).await;
        assert!(!output.status.success(), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Mounts a device, does something below it, and unmounts it.
    pub(crate) async fn mounted<T>(&self, device: &Path, work: impl AsyncFnOnce(&Path) -> T) -> T {
        let at = self.folder.path().join("mnt");
        std::fs::create_dir_all(&at).unwrap();
        run("mount", &[device.to_str().unwrap(), at.to_str().unwrap()]).await.unwrap();
        let done = work(&at).await;
        run("umount", &[at.to_str().unwrap()]).await.unwrap();
        done
    }

    pub(crate) async fn write(&self, device: &Path, name: &str, text: &str) {
        self.mounted(device, async |at: &Path| {
            // Larger than what stays in a page, and not all alike.
            let lines: String = (0..20_000).map(|line| format!("{text} {line}\n")).collect();
            std::fs::write(at.join(name), lines).unwrap();
        })
        .await;
    }

    /// The first and last lines of a file, or nothing when there is none.
    pub(crate) async fn read(&self, device: &Path, name: &str) -> Option<String> {
        self.mounted(device, async |at: &Path| {
            let text = std::fs::read_to_string(at.join(name)).ok()?;
            Some(format!("{} .. {}", text.lines().next()?, text.lines().last()?))
        })
        .await
    }

    /// Waits until no flow is at work on a volume.
    pub(crate) async fn wait_for_volume(&self, id: &str) {
        wait(async || {
            let volume: Value = self.api().get(&format!("/v1/volumes/{id}"), &[], None).await.unwrap();
            assert!(!volume["status"].as_str().unwrap().starts_with("error"), "{volume}");
            volume["flow_id"].is_null()
        })
        .await;
    }

    pub(crate) async fn wait_for_snapshots(&self) {
        wait(async || {
            let list: Value = self.api().get("/v1/snapshots", &[], None).await.unwrap();
            list["snapshots"].as_array().unwrap().iter().all(|snapshot| snapshot["status"] == "available")
        })
        .await;
    }

    /// Waits until the last volume is gone.
    pub(crate) async fn wait_for_nothing(&self) {
        wait(async || {
            let list: Value = self.api().get("/v1/volumes", &[], None).await.unwrap();
            list["volumes"].as_array().unwrap().is_empty()
        })
        .await;
    }

    pub(crate) fn api(&self) -> stele::cli::Api {
        stele::cli::Api::new(&self.dev.url)
    }

    /// Everything is removed, and nothing is left behind anybody's back.
    pub(crate) async fn end(self) {
        assert_eq!(exports().await, Vec::<String>::new());
        assert_eq!(volumes(&self.group), vec![]);
        let verified = self.dev.json(&["replay", "verify"]).await;
        assert_eq!(verified["ok"], true, "{verified}");
        self.dev.stop().await;
        give_back(&self.group).await;
    }
}

pub(crate) async fn wait_for_export(iqn: &str) {
    wait(async || exports().await.iter().any(|name| name == iqn)).await;
}

pub(crate) async fn wait_for_no_export() {
    wait(async || exports().await.is_empty()).await;
}

/// Storage nodes take their time, and tell nobody but the log; the log is asked through the API.
pub(crate) async fn wait(is_so: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("it does not come about");
}
