//! The host's side: reaching an exported volume from this machine by open-iscsi, as os-brick does.
//!
//! ```text
//! attach   record of the target, its CHAP -> login -> udev makes the device     each path; several make one by multipath
//! detach   nobody has it open -> flush -> the device goes -> logout -> the record goes
//! ```
//!
//! Both may be repeated after a crash at any point: what is there already is left, what is gone already is no error.

mod device;
mod iscsiadm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use stele_core::task::{Connector, Failure, FailureKind};

use crate::driver::failure;
use crate::runner::Runner;

/// Where open-iscsi keeps this machine's name (iscsiadm(8)).
const NAME_FILE: &str = "/etc/iscsi/initiatorname.iscsi";

/// How long udev may take to make a device after the login.
const DEVICE_WITHIN: Duration = Duration::from_secs(30);

/// How a volume is reached, from a connection with its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The target's name.
    pub iqn: String,
    /// Where it listens, `address:port` each.
    pub portals: Vec<String>,
    /// The LUN.
    pub lun: u64,
    /// What it logs in with.
    pub username: String,
    /// See above.
    pub password: Secret,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What this machine says of itself, for [`stele_core::task::Operation::ConnectVolume`].
///
/// # Errors
/// A [`Failure`] when open-iscsi has no name for it.
pub fn connector(host: &str, multipath: bool) -> Result<Connector, Failure> {
    let missing = |why: String| {
        let what = format!("this machine has no initiator's name ({NAME_FILE}: {why}); install open-iscsi");
        failure(FailureKind::ToolUnavailable, "connector", what)
    };
    let text = std::fs::read_to_string(NAME_FILE).map_err(|error| missing(error.to_string()))?;
    let name = text.lines().find_map(|line| line.trim().strip_prefix("InitiatorName="));
    let name = name.ok_or_else(|| missing("no line InitiatorName=".to_owned()))?;
    Ok(Connector {
        host: Some(host.to_owned()),
        initiator: Some(name.trim().to_owned()),
        platform: Some(std::env::consts::ARCH.to_owned()),
        os_type: Some(std::env::consts::OS.to_owned()),
        multipath,
        ..Connector::default()
    })
}

/// This machine's initiator.
#[derive(Debug, Clone)]
pub struct Initiator {
    runner: Runner,
}

impl Default for Initiator {
    fn default() -> Self {
        Self { runner: Runner::new(1) }
    }
}

impl Initiator {
    /// Reaches the volume by each of its paths; gives the path of its device.
    ///
    /// # Errors
    /// A [`Failure`]: the login was refused, nobody listens, or the device does not appear.
    pub async fn attach(&self, paths: &Paths) -> Result<PathBuf, Failure> {
        let mut last = None;
        let mut reached = Vec::new();
        for portal in &paths.portals {
            match self.log_in(paths, portal).await {
                Ok(()) => reached.push(device::by_path(portal, &paths.iqn, paths.lun)),
                // The others may do; a volume with one path less is better than none.
                Err(failure) => {
                    tracing::warn!(portal, %failure, "a path of the volume cannot be used");
                    last = Some(failure);
                }
            }
        }
        let Some(first) = reached.first() else {
            return Err(last.unwrap_or_else(|| failure(FailureKind::NotFound, "login", "the volume has no portal")));
        };
        let found = device::wait_for(first, DEVICE_WITHIN).await?;
        if reached.len() < 2 {
            return Ok(first.clone());
        }
        for other in &reached[1..] {
            device::wait_for(other, DEVICE_WITHIN).await?;
        }
        device::multipath(&self.runner, &found).await
    }

    /// Lets go of the volume. With `force` also of one that is mounted or open, whose data may be lost.
    ///
    /// # Errors
    /// A [`Failure`] of the class `busy` when it is in use; then nothing was done.
    pub async fn detach(&self, paths: &Paths, force: bool) -> Result<(), Failure> {
        let devices = paths.portals.iter().map(|portal| device::by_path(portal, &paths.iqn, paths.lun));
        let devices: Vec<PathBuf> = devices.filter(|path| path.exists()).collect();
        let whole = device::whole(&devices);
        if let Some(whole) = &whole {
            device::flush(whole, force).await?;
            device::forget_multipath(&self.runner, whole).await?;
        }
        for found in &devices {
            device::remove(found)?;
        }
        for portal in &paths.portals {
            self.log_out(paths, portal).await?;
        }
        Ok(())
    }

    async fn log_in(&self, paths: &Paths, portal: &str) -> Result<(), Failure> {
        let logged_in = self.is_logged_in(&paths.iqn, portal).await?;
        if !logged_in {
            self.run(iscsiadm::new_record(&paths.iqn, portal)).await?;
        }
        for (name, value, secret) in [
            ("node.startup", "manual", false),
            ("node.session.auth.authmethod", "CHAP", false),
            ("node.session.auth.username", paths.username.as_str(), false),
            ("node.session.auth.password", paths.password.0.as_str(), true),
        ] {
            self.run(iscsiadm::set(&paths.iqn, portal, name, value, secret)).await?;
        }
        if logged_in {
            // It may have been exported anew, or have grown.
            return self.run(iscsiadm::rescan(&paths.iqn, portal)).await;
        }
        let login = self.run(iscsiadm::login(&paths.iqn, portal)).await;
        if login.is_err() {
            self.run(iscsiadm::delete_record(&paths.iqn, portal)).await.ok();
        }
        login
    }

    async fn log_out(&self, paths: &Paths, portal: &str) -> Result<(), Failure> {
        if self.is_logged_in(&paths.iqn, portal).await? {
            self.run(iscsiadm::logout(&paths.iqn, portal)).await?;
        }
        self.run(iscsiadm::delete_record(&paths.iqn, portal)).await
    }

    async fn is_logged_in(&self, iqn: &str, portal: &str) -> Result<bool, Failure> {
        let output = self.runner.run(iscsiadm::sessions()).await.map_err(|error| iscsiadm::not_run(&error))?;
        iscsiadm::has_session(&output, iqn, portal)
    }

    async fn run(&self, invocation: crate::runner::Invocation) -> Result<(), Failure> {
        tracing::debug!(%invocation, "run");
        let output = self.runner.run(invocation).await.map_err(|error| iscsiadm::not_run(&error))?;
        iscsiadm::judge(output)
    }
}

/// The device behind a path, whatever links lead to it.
fn resolved(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|e| failure(FailureKind::NotFound, "device", format!("{}: {e}", path.display())))
}
