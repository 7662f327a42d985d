//! A volume for several hosts at once: each with its own name and secrets, and each goes without the others noticing.
//!
//! The hosts are two interfaces of one initiator, each of which says another name.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stele_workers::target::TargetKind;

use crate::cell::{Node, wait};
use crate::cinder::Cinder;
use crate::lvm::volume_groups;
use crate::node::{NO_PORTAL, PORTAL, Tgtd, clear_configfs, exports, run};

/// A host, as far as a target can tell.
struct Host {
    name: &'static str,
    initiator: String,
}

impl Host {
    async fn new(name: &'static str) -> Self {
        let initiator = format!("iqn.2010-10.org.openstack:host-{name}");
        run("iscsiadm", &["-m", "iface", "-I", name, "--op", "new"]).await.unwrap();
        let says = ["-m", "iface", "-I", name, "--op", "update", "-n", "iface.initiatorname", "-v", &initiator];
        run("iscsiadm", &says).await.unwrap();
        Self { name, initiator }
    }

    async fn end(self) {
        run("iscsiadm", &["-m", "iface", "-I", self.name, "--op", "delete"]).await.unwrap();
    }

    /// Asks for the volume, with the attachment's id and how to reach it.
    async fn ask(&self, cinder: &Cinder, volume: &str) -> (String, Value) {
        let connector = json!({"host": self.name, "initiator": self.initiator, "ip": "127.0.0.1", "multipath": false});
        let attachment = cinder.attach(volume, &connector).await;
        (attachment["id"].as_str().unwrap().to_owned(), attachment["connection_info"].clone())
    }

    async fn at(&self, info: &Value, more: &[&str]) -> Result<String, String> {
        // Without the portal's group open-iscsi keeps one record for all interfaces.
        let portal = format!("{PORTAL},1");
        let target = ["-m", "node", "-T", info["target_iqn"].as_str().unwrap(), "-p", &portal, "-I", self.name];
        run("iscsiadm", &target.iter().chain(more).copied().collect::<Vec<_>>()).await
    }

    /// Logs in with the secrets; gives the device.
    async fn log_in(&self, info: &Value) -> Result<PathBuf, String> {
        self.at(info, &["--op", "new"]).await?;
        for (name, value) in [
            ("node.session.auth.authmethod", "CHAP"),
            ("node.session.auth.username", info["auth_username"].as_str().unwrap()),
            ("node.session.auth.password", info["auth_password"].as_str().unwrap()),
            ("node.session.initial_login_retry_max", "1"),
        ] {
            self.at(info, &["--op", "update", "-n", name, "-v", value]).await?;
        }
        if let Err(why) = self.at(info, &["--login"]).await {
            self.at(info, &["--op", "delete"]).await?;
            return Err(why);
        }
        wait(async || self.device().is_some()).await;
        Ok(self.device().unwrap())
    }

    /// Tries to log in with these secrets.
    async fn is_refused(&self, info: &Value) {
        let why = self.log_in(info).await.unwrap_err();
        // 19: the login was refused for good; 24: the secrets were (iscsiadm(8)).
        assert!(why.contains("error (19") || why.contains("error (24"), "{why}");
    }

    async fn log_out(&self, info: &Value) {
        self.at(info, &["--logout"]).await.unwrap();
        self.at(info, &["--op", "delete"]).await.unwrap();
    }

    /// The device of this host's only session: links by path are the same for both hosts.
    fn device(&self) -> Option<PathBuf> {
        let sessions = std::fs::read_dir("/sys/class/iscsi_session").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let says = |session: &Path| std::fs::read_to_string(session.join("initiatorname")).unwrap_or_default();
        let session = sessions.into_iter().find(|session| says(session).trim() == self.initiator)?;
        let below = |folder: &Path, holds: &str| {
            let names = std::fs::read_dir(folder).into_iter().flatten();
            let paths: Vec<PathBuf> = names.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths
                .into_iter()
                .filter(|path| path.file_name().unwrap().to_str().unwrap().contains(holds))
                .collect::<Vec<_>>()
        };
        let targets = below(&session.join("device"), "target");
        let luns = targets.iter().flat_map(|target| below(target, ":"));
        let device = luns.flat_map(|lun| below(&lun.join("block"), "sd")).next()?;
        let device = Path::new("/dev").join(device.file_name().unwrap());
        device.exists().then_some(device)
    }
}

/// Writes a block, past this kernel's cache.
async fn write(folder: &Path, device: &Path, block: u32, text: &str) {
    let file = folder.join("block");
    std::fs::write(&file, format!("{text:4096}")).unwrap();
    let (from, to, at) =
        (format!("if={}", file.display()), format!("of={}", device.display()), format!("seek={block}"));
    run("dd", &[&from, &to, &at, "bs=4096", "count=1", "oflag=direct", "conv=notrunc", "status=none"]).await.unwrap();
}

/// Reads a block, past this kernel's cache.
async fn read(folder: &Path, device: &Path, block: u32) -> String {
    let file = folder.join("block");
    let (from, to, at) =
        (format!("if={}", device.display()), format!("of={}", file.display()), format!("skip={block}"));
    run("dd", &[&from, &to, &at, "bs=4096", "count=1", "iflag=direct", "status=none"]).await.unwrap();
    std::fs::read_to_string(file).unwrap().trim_end().to_owned()
}

async fn two_hosts_share_a_volume(kind: TargetKind, group: &str) {
    let node = Node::start(kind, group, "thin").await;
    let (cinder, folder) = (Cinder::new(&node.dev.url), node.folder.path());
    node.dev.json(&["type", "create", "many", "--property", "multiattach=<is> True"]).await;
    let made = node.dev.json(&["volume", "create", "--size", "1", "--name", "web", "--type", "many", "--wait"]).await;
    let web = made["id"].as_str().unwrap();
    let (first, second, stranger) = (Host::new("first").await, Host::new("second").await, Host::new("third").await);

    let (of_first, to_first) = first.ask(&cinder, web).await;
    cinder.complete(&of_first).await;
    let (of_second, to_second) = second.ask(&cinder, web).await;
    cinder.complete(&of_second).await;
    assert_ne!(to_first["auth_password"], to_second["auth_password"]);
    // A host's secrets are good for that host. tgt does not know which of a volume's hosts they are of.
    stranger.is_refused(&to_second).await;
    if kind == TargetKind::Lio {
        first.is_refused(&to_second).await;
    }
    let at_first = first.log_in(&to_first).await.unwrap();
    let at_second = second.log_in(&to_second).await.unwrap();
    assert_ne!(at_first, at_second);
    write(folder, &at_first, 0, "by the first").await;
    assert_eq!(read(folder, &at_second, 0).await, "by the first");
    write(folder, &at_second, 7, "by the second").await;
    assert_eq!(read(folder, &at_first, 7).await, "by the second");

    // The first goes, and the second does not notice; what the first knew is good for nothing.
    first.log_out(&to_first).await;
    cinder.end(&of_first).await;
    write(folder, &at_second, 1, "still there").await;
    assert_eq!(read(folder, &at_second, 0).await, "by the first");
    first.is_refused(&to_first).await;

    // It comes again, and the second goes.
    let (of_first, to_first) = first.ask(&cinder, web).await;
    let at_first = first.log_in(&to_first).await.unwrap();
    cinder.complete(&of_first).await;
    second.log_out(&to_second).await;
    cinder.end(&of_second).await;
    assert_eq!(read(folder, &at_first, 1).await, "still there");
    write(folder, &at_first, 2, "alone").await;
    second.is_refused(&to_second).await;
    first.log_out(&to_first).await;
    cinder.end(&of_first).await;
    assert_eq!(exports().await, Vec::<String>::new());

    for host in [first, second, stranger] {
        host.end().await;
    }
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

/// Both are logged in, and the target forgets both: neither must be turned away while only the other is known again.
async fn both_hosts_are_back(kind: TargetKind, group: &str, forget: impl AsyncFnOnce()) {
    let node = Node::start(kind, group, "thin").await;
    let (cinder, folder) = (Cinder::new(&node.dev.url), node.folder.path());
    node.dev.json(&["type", "create", "many", "--property", "multiattach=<is> True"]).await;
    let made = node.dev.json(&["volume", "create", "--size", "1", "--name", "web", "--type", "many", "--wait"]).await;
    let web = made["id"].as_str().unwrap();
    let hosts = [Host::new("first").await, Host::new("second").await];
    let mut logged_in = Vec::new();
    for host in &hosts {
        let (attachment, info) = host.ask(&cinder, web).await;
        let device = host.log_in(&info).await.unwrap();
        cinder.complete(&attachment).await;
        logged_in.push((host, attachment, info, device));
    }
    write(folder, &logged_in[0].3, 0, "from before").await;
    forget().await;
    node.dev.json(&["drift", "scan", "--wait"]).await;
    // A host that gave up fails here, after two minutes.
    for (_, _, _, device) in &logged_in {
        assert_eq!(read(folder, device, 0).await, "from before");
    }
    assert_eq!(node.dev.json(&["drift", "list"]).await["drifts"], json!([]));
    for (host, attachment, info, _) in logged_in {
        host.log_out(&info).await;
        cinder.end(&attachment).await;
    }
    for host in hosts {
        host.end().await;
    }
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_hosts_of_a_volume_are_back_when_configfs_was_cleared() {
    both_hosts_are_back(TargetKind::Lio, &volume_groups().0, async || clear_configfs().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_hosts_of_a_volume_are_back_when_tgtd_was_killed() {
    let mut tgtd = Some(Tgtd::start_at(&[NO_PORTAL]).await);
    both_hosts_are_back(TargetKind::Tgt, &volume_groups().0, async || {
        tgtd.take().unwrap().kill().await;
        tgtd = Some(Tgtd::start_at(&[NO_PORTAL]).await);
    })
    .await;
    tgtd.unwrap().kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_share_a_volume_of_lio() {
    two_hosts_share_a_volume(TargetKind::Lio, &volume_groups().0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_share_a_volume_of_tgt() {
    let tgtd = Tgtd::start().await;
    two_hosts_share_a_volume(TargetKind::Tgt, &volume_groups().0).await;
    tgtd.kill().await;
}
