//! The host's side: reaching an exported volume from this machine by open-iscsi, as os-brick does.
//!
//! ```text
//! attach   record of the target, its CHAP -> login -> udev makes the device     one path, or all: one device by multipath
//! detach   nobody has it open -> flush -> the device goes -> logout -> the record goes
//! ```
//!
//! Both may be repeated after a crash at any point: what is there already is left, what is gone already is no error.

mod device;
mod iscsiadm;
mod multipath;

use std::path::{Path, PathBuf};
use std::time::Duration;

use stele_core::task::{Connector, Failure, FailureKind};

pub use self::multipath::STEP as MULTIPATH;
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
    /// Whether this machine can use several paths as one.
    ///
    /// # Errors
    /// A [`Failure`] when multipathd does not run: a device of one path only would be no more than it is without.
    pub async fn check_multipath(&self) -> Result<(), Failure> {
        multipath::check(&self.runner).await
    }

    /// Reaches the volume by its first path that answers, or by all of them at once; gives the path of its device. By
    /// whatever paths it is reached already, by these it stays reached.
    ///
    /// # Errors
    /// A [`Failure`]: the login was refused, nobody listens, the device does not appear, or multipathd makes none.
    pub async fn attach(&self, paths: &Paths, multipath: bool) -> Result<PathBuf, Failure> {
        let used = self.sessions(paths).await?;
        let one_is_enough = !multipath && used.is_empty();
        let portals = if multipath || used.is_empty() { &paths.portals } else { &used };
        let mut last = None;
        let mut reached = Vec::new();
        for portal in portals {
            match self.log_in(paths, portal, used.contains(portal)).await {
                Ok(()) => reached.push(device::by_path(portal, &paths.iqn, paths.lun)),
                // The others may do; a volume with one path less is better than none.
                Err(failure) => {
                    tracing::warn!(portal, %failure, "a path of the volume cannot be used");
                    last = Some(failure);
                }
            }
            if one_is_enough && !reached.is_empty() {
                break;
            }
        }
        let Some(first) = reached.first() else {
            return Err(last.unwrap_or_else(|| failure(FailureKind::NotFound, "login", "the volume has no portal")));
        };
        let mut devices = Vec::new();
        for path in &reached {
            devices.push(device::wait_for(path, DEVICE_WITHIN).await?);
        }
        if multipath {
            return multipath::join(&self.runner, &devices).await;
        }
        // Of one that is part of a whole only the whole can be used.
        match multipath::above(&devices[0]) {
            Some(whole) => multipath::fit(&self.runner, &whole, &devices[0]).await.map(|()| whole.path()),
            None => Ok(first.clone()),
        }
    }

    /// Lets go of the volume. With `force` also of one that is mounted or open, whose data may be lost.
    ///
    /// # Errors
    /// A [`Failure`] of the class `busy` when it is in use; then nothing was done.
    pub async fn detach(&self, paths: &Paths, force: bool) -> Result<(), Failure> {
        let devices = paths.portals.iter().map(|portal| device::by_path(portal, &paths.iqn, paths.lun));
        let devices: Vec<PathBuf> = devices.filter(|path| path.exists()).collect();
        let mut whole = None;
        for path in &devices {
            let one = resolved(path)?;
            match multipath::above(&one) {
                Some(found) => whole = Some((found, one)),
                None => device::flush(&one, force).await?,
            }
        }
        if let Some((whole, one)) = &whole {
            device::flush(&whole.path(), force).await?;
            match multipath::part(&self.runner, whole, one).await {
                Err(failure) if force => tracing::warn!(%failure, "the multipath device stays, without a path"),
                parted => parted?,
            }
        }
        for found in &devices {
            device::remove(found)?;
        }
        let used = self.sessions(paths).await?;
        for portal in &paths.portals {
            self.log_out(paths, portal, used.contains(portal)).await?;
        }
        Ok(())
    }

    async fn log_in(&self, paths: &Paths, portal: &str, logged_in: bool) -> Result<(), Failure> {
        if !logged_in {
            self.run(iscsiadm::new_record(&paths.iqn, portal)).await?;
        }
        let mut settings = vec![
            ("node.startup", "manual", false),
            ("node.session.auth.authmethod", "CHAP", false),
            ("node.session.auth.username", paths.username.as_str(), false),
            ("node.session.auth.password", paths.password.0.as_str(), true),
        ];
        if paths.portals.len() > 1 {
            // By default each would be tried for two minutes.
            settings.push(("node.session.initial_login_retry_max", "1", false));
        }
        for (name, value, secret) in settings {
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

    async fn log_out(&self, paths: &Paths, portal: &str, logged_in: bool) -> Result<(), Failure> {
        if logged_in {
            self.run(iscsiadm::logout(&paths.iqn, portal)).await?;
        }
        self.run(iscsiadm::delete_record(&paths.iqn, portal)).await
    }

    /// The portals by which the volume is reached already.
    async fn sessions(&self, paths: &Paths) -> Result<Vec<String>, Failure> {
        let output = self.runner.run(iscsiadm::sessions()).await.map_err(|error| iscsiadm::not_run(&error))?;
        let used = iscsiadm::portals_in_use(&output, &paths.iqn)?;
        Ok(paths.portals.iter().filter(|portal| used.contains(portal)).cloned().collect())
    }

    async fn run(&self, invocation: crate::runner::Invocation) -> Result<(), Failure> {
        let output = self.runner.run(invocation).await.map_err(|error| iscsiadm::not_run(&error))?;
        iscsiadm::judge(output)
    }
}

/// The device behind a path, whatever links lead to it.
fn resolved(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|e| failure(FailureKind::NotFound, "device", format!("{}: {e}", path.display())))
}
