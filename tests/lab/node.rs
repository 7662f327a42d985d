//! What runs on a storage node beside Stele, and what the lab does to it.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

/// Where targets of the lab listen.
pub(crate) const PORTAL: &str = "127.0.0.1:3260";

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
        let child = Command::new("tgtd")
            .args(["-f", "--iscsi", &portals.join(",")])
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

/// The names of the volumes' targets that this node has, by what LIO and tgt themselves say.
pub(crate) async fn exports() -> Vec<String> {
    let lio = std::fs::read_dir("/sys/kernel/config/target/iscsi").into_iter().flatten();
    let mut names: Vec<String> = lio.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let tgt = run("tgtadm", &["--lld", "iscsi", "--mode", "target", "--op", "show"]).await.unwrap_or_default();
    names.extend(tgt.lines().filter_map(|line| Some(line.strip_prefix("Target ")?.split_once(": ")?.1.to_owned())));
    names.retain(|name| name.starts_with("iqn.2010-10.org.openstack:"));
    names
}
