//! What runs on a storage node beside Stele, and what the lab does to it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

/// Where targets of the lab listen.
pub(crate) const PORTAL: &str = "127.0.0.1:3260";

/// Where no host looks for a target: tgtd needs a portal to start with.
pub(crate) const NO_PORTAL: &str = "127.0.0.1:3259";

/// tgtd, as long as the value lives.
pub(crate) struct Tgtd {
    child: Child,
}

impl Tgtd {
    /// Starts it and waits until it answers.
    pub(crate) async fn start() -> Self {
        Self::start_at(&[PORTAL]).await
    }

    /// The same, listening at these portals.
    pub(crate) async fn start_at(portals: &[&str]) -> Self {
        let portals: Vec<String> = portals.iter().map(|portal| format!("portal={portal}")).collect();
        // By itself it starts sixteen for each volume: thousands for hundreds of them, in a kernel with one processor.
        let child = Command::new("tgtd")
            .args(["-f", "--nr_iothreads", "1", "--iscsi", &portals.join(",")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if run("tgtadm", &["--lld", "iscsi", "--mode", "target", "--op", "show"]).await.is_ok() {
                return Self { child };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("tgtd does not answer");
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Runs a program to its end; gives its stdout, or all that it said when it failed.
pub(crate) async fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).env("LC_ALL", "C").stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{program} {}: {}: {}{}", args.join(" "), output.status, text(&output.stdout), text(&output.stderr)))
}

/// Takes every target of Stele's out of the kernel, logged in or not, as `targetcli clearconfig` does.
pub(crate) fn clear_configfs() -> std::io::Result<()> {
    let root = Path::new("/sys/kernel/config/target");
    for target in children(&root.join("iscsi"))?.into_iter().filter(|path| is_ours(path)) {
        let tpg = target.join("tpgt_1");
        std::fs::write(tpg.join("enable"), "0")?;
        for acl in children(&tpg.join("acls"))? {
            for lun in children(&acl)?.into_iter().filter(|path| is_lun(path)) {
                unlink_all(&lun)?;
                std::fs::remove_dir(lun)?;
            }
            std::fs::remove_dir(acl)?;
        }
        for lun in children(&tpg.join("lun"))? {
            unlink_all(&lun)?;
            std::fs::remove_dir(lun)?;
        }
        for portal in children(&tpg.join("np"))? {
            std::fs::remove_dir(portal)?;
        }
        std::fs::remove_dir(&tpg)?;
        std::fs::remove_dir(target)?;
    }
    for device in children(&root.join("core/iblock_3260"))?.into_iter().filter(|path| path.join("enable").exists()) {
        std::fs::remove_dir(device)?;
    }
    // What says that hosts are let in; see the target's driver.
    match std::fs::remove_dir(root.join("core/iblock_3261")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_ours(target: &Path) -> bool {
    target.to_string_lossy().contains("iqn.2010-10.org.openstack:")
}

fn is_lun(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lun_"))
}

fn children(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn unlink_all(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The names of the volumes' targets that this node has, by what LIO and tgt themselves say.
pub(crate) async fn exports() -> Vec<String> {
    let lio = std::fs::read_dir("/sys/kernel/config/target/iscsi").into_iter().flatten();
    let mut names: Vec<String> = lio.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let tgt = run("tgtadm", &["--lld", "iscsi", "--mode", "target", "--op", "show"]).await.unwrap_or_default();
    names.extend(tgt.lines().filter_map(|line| Some(line.strip_prefix("Target ")?.split_once(": ")?.1.to_owned())));
    names.retain(|name| name.starts_with("iqn.2010-10.org.openstack:"));
    names
}
