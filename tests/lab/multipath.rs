//! Volumes that are exported at several portals: a host uses the first that answers, or all of them by multipathd.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use stele_workers::target::TargetKind;
use tokio::process::{Child, Command};

use crate::brick::{Brick, fill, hash};
use crate::cell::{Node, wait};
use crate::cinder::Cinder;
use crate::lvm::volume_groups;
use crate::node::{PORTAL, Tgtd, run};

/// Of the other family where there is one.
fn other_portal() -> &'static str {
    let addresses = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    if addresses.contains("00000000000000000000000000000001") { "[::1]:3260" } else { "127.0.0.2:3260" }
}

/// multipathd, as long as the value lives.
struct Multipathd(Child);

impl Multipathd {
    /// Unpacks it, where whatever is written is gone with the kernel, and starts it.
    async fn start() -> Option<Self> {
        if std::env::var_os("STELE_LAB_OWN_KERNEL").is_none() {
            eprintln!("LEFT OUT: a multipathd of ours would look at all devices of this machine");
            return None;
        }
        let Some(folder) = std::env::var_os("STELE_LAB_MULTIPATH") else {
            assert!(std::env::var_os("CI").is_none(), "STELE_LAB_MULTIPATH is not set: run `make lab`");
            eprintln!("LEFT OUT: there is no multipathd");
            return None;
        };
        if !Path::new("/usr/sbin/multipathd").exists() {
            unpack(&PathBuf::from(folder).join("archives"));
            run("ldconfig", &[]).await.unwrap();
        }
        std::fs::write("/etc/multipath.conf", "defaults {\n\tfind_multipaths yes\n\tuser_friendly_names no\n}\n")
            .unwrap();
        let daemon = Command::new("multipathd")
            .arg("-d")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        wait(async || run("multipathd", &["show", "status"]).await.is_ok()).await;
        Some(Self(daemon))
    }

    async fn end(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.0.id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        tokio::time::timeout(Duration::from_secs(20), self.0.wait()).await.unwrap().unwrap();
    }
}

/// Without the rules for udev: those would be asked about every device from then on.
fn unpack(packages: &Path) {
    for package in std::fs::read_dir(packages).unwrap().map(|entry| entry.unwrap().path()) {
        let mut files = std::process::Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(&package)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let unpacked = std::process::Command::new("tar")
            .args(["-x", "-C", "/", "--keep-directory-symlink", "--exclude=*/udev/rules.d/*"])
            .stdin(files.stdout.take().unwrap())
            .status()
            .unwrap();
        assert!(files.wait().unwrap().success() && unpacked.success(), "{}", package.display());
    }
}

/// How many sessions this machine has.
async fn sessions() -> usize {
    run("iscsiadm", &["-m", "session"]).await.map_or(0, |shown| shown.lines().count())
}

/// How many paths a device has that work.
fn paths(device: &Path) -> usize {
    let name = device.canonicalize().unwrap();
    let slaves = Path::new("/sys/block").join(name.file_name().unwrap()).join("slaves");
    std::fs::read_dir(slaves).unwrap().count()
}

async fn attach_by_all(node: &Node, volume: &str) -> PathBuf {
    let attached = node.dev.json(&["attach", volume, "--multipath"]).await;
    PathBuf::from(attached["device"].as_str().unwrap())
}

async fn one_path_of_several_is_used(kind: TargetKind, group: &str, portals: &[&str], expected: &str) {
    let node = Node::start_at(portals, kind, group, "thin").await;
    let web = node.create("web").await;
    // Whoever asks for more than one path is not left with one in silence.
    let refused = node.refused(&["attach", "web", "--multipath"]).await;
    assert!(refused.contains("multipathd") && refused.contains("leave --multipath out"), "{refused}");
    assert_eq!(node.dev.json(&["volume", "show", "web"]).await["volume"]["status"], "available");

    let device = node.attach("web").await;
    let link = format!("/dev/disk/by-path/ip-{expected}-iscsi-iqn.2010-10.org.openstack:volume-{web}-lun-");
    assert!(device.to_str().unwrap().starts_with(&link), "{}", device.display());
    assert_eq!(sessions().await, 1);
    assert_eq!(node.attach("web").await, device);
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();
    node.write(&device, "first", "one").await;
    node.detach("web").await;
    assert_eq!(sessions().await, 0);
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

async fn log_out(volume: &str, portal: &str) {
    let iqn = format!("iqn.2010-10.org.openstack:volume-{volume}");
    run("iscsiadm", &["-m", "node", "-T", &iqn, "-p", portal, "--logout"]).await.unwrap();
}

async fn paths_come_and_go(kind: TargetKind, group: &str, name_of: impl Fn(&str) -> String) {
    let portals = [PORTAL, other_portal()];
    let node = Node::start_at(&portals, kind, group, "thin").await;
    let web = node.create("web").await;
    let device = attach_by_all(&node, "web").await;
    // What tells volumes apart follows from the volume alone: two nodes never export two alike.
    let name = name_of(&web.replace('-', ""));
    assert_eq!(device, Path::new("/dev/mapper").join(&name));
    assert_eq!((paths(&device), sessions().await), (2, 2));
    run("mkfs.ext4", &["-q", device.to_str().unwrap()]).await.unwrap();

    let written = node
        .mounted(&device, async |at: &Path| {
            let first = fill(&at.join("first")).await;
            log_out(&web, portals[0]).await;
            wait(async || paths(&device) == 1).await;
            let second = fill(&at.join("second")).await;
            assert_eq!(attach_by_all(&node, "web").await, device);
            assert_eq!(paths(&device), 2);

            node.ask("volume", "extend", json!({"id": web, "size_gib": 2})).await;
            node.wait_for_volume(&web).await;
            attach_by_all(&node, "web").await;
            run("resize2fs", &[device.to_str().unwrap()]).await.unwrap();
            log_out(&web, portals[1]).await;
            std::fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
            assert_eq!(hash(&at.join("first")).await, first);
            assert_eq!(hash(&at.join("second")).await, second);
            let busy = node.refused(&["detach", "web"]).await;
            assert!(busy.contains("in use"), "{busy}");
            first
        })
        .await;
    let size = run("blockdev", &["--getsize64", device.to_str().unwrap()]).await.unwrap();
    assert_eq!(size.trim(), (2_u64 << 30).to_string());
    node.detach("web").await;
    assert!(!device.exists(), "{}", device.display());
    assert_eq!(sessions().await, 0);
    let known = std::fs::read_to_string("/etc/multipath/wwids").unwrap();
    assert!(!known.contains(&format!("/{name}/")), "{known}");

    if let Some(mut brick) = Brick::start(true) {
        let cinder = Cinder::new(&node.dev.url);
        let connected = brick.connect(&cinder, &web).await;
        assert_eq!((paths(&connected.device()), sessions().await), (2, 2));
        assert_eq!(connected.device(), Path::new("/dev/mapper").join(&name).canonicalize().unwrap());
        let read = node.mounted(&connected.device(), async |at: &Path| hash(&at.join("first")).await).await;
        assert_eq!(read, written);
        brick.disconnect(&cinder, connected).await;
        assert_eq!(sessions().await, 0);
        brick.end().await;
    }
    node.dev.json(&["volume", "delete", "web", "--wait"]).await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_uses_the_first_path_that_answers() {
    let (thin, _) = volume_groups();
    let portals = ["127.0.0.3:3260", other_portal(), PORTAL];
    one_path_of_several_is_used(TargetKind::Lio, &thin, &portals, "127.0.0.3:3260").await;
    // Nobody listens at the first, and nobody can: somebody has it and does nothing with it.
    let portals = ["127.0.0.4:3260", other_portal(), PORTAL];
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(portals[0].parse().unwrap()).unwrap();
    let tgtd = Tgtd::start_at(&portals[1..]).await;
    let second = other_portal().replace(['[', ']'], "");
    one_path_of_several_is_used(TargetKind::Tgt, &thin, &portals, &second).await;
    tgtd.kill().await;
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_uses_all_paths_of_lio_goes_on_when_some_are_lost() {
    let Some(multipathd) = Multipathd::start().await else { return };
    paths_come_and_go(TargetKind::Lio, &volume_groups().0, |id| format!("36001405{}", &id[..25])).await;
    multipathd.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_uses_all_paths_of_tgt_goes_on_when_some_are_lost() {
    let Some(multipathd) = Multipathd::start().await else { return };
    let tgtd = Tgtd::start_at(&[PORTAL, other_portal()]).await;
    // tgt makes a number of 32 digits of the id with its dashes for zeros, the first of which says what it is.
    let name = |id: &str| format!("36{}0{}0{}0{}0{}", &id[5..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    paths_come_and_go(TargetKind::Tgt, &volume_groups().0, name).await;
    tgtd.kill().await;
    multipathd.end().await;
}
