//! The devices of a volume on this machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use stele_core::task::{Failure, FailureKind};

use super::resolved;
use crate::driver::failure;
use crate::runner::{Invocation, Runner};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long multipathd may take to make one device of several.
const MULTIPATH_WITHIN: Duration = Duration::from_secs(20);

/// The link that udev makes for a LUN of a target at a portal.
pub(super) fn by_path(portal: &str, iqn: &str, lun: u64) -> PathBuf {
    PathBuf::from(format!("/dev/disk/by-path/ip-{portal}-iscsi-{iqn}-lun-{lun}"))
}

/// Waits until udev has made a device; gives it without its links.
pub(super) async fn wait_for(path: &Path, within: Duration) -> Result<PathBuf, Failure> {
    let until = tokio::time::Instant::now() + within;
    while !path.exists() {
        if tokio::time::Instant::now() >= until {
            let what = format!("{} did not appear within {} s of the login", path.display(), within.as_secs());
            return Err(failure(FailureKind::Timeout, "device", what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    resolved(path)
}

/// The one device that multipathd makes of several.
pub(super) async fn multipath(runner: &Runner, found: &Path) -> Result<PathBuf, Failure> {
    let until = tokio::time::Instant::now() + MULTIPATH_WITHIN;
    // It may have to be told that these two are one; when it knows, this does nothing.
    let tell = Invocation::new("multipath", Duration::from_secs(20), [found.as_os_str().to_owned()]);
    if let Err(error) = runner.run(tell).await {
        tracing::warn!(%error, "several paths, and no multipath: one of them is used");
        return Ok(found.to_owned());
    }
    loop {
        if let Some(holder) = holder(found) {
            return Ok(holder);
        }
        if tokio::time::Instant::now() >= until {
            tracing::warn!(device = %found.display(), "multipathd makes no device of several paths: one of them is used");
            return Ok(found.to_owned());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The device by which all of them are used: that of multipath, where there is one.
pub(super) fn whole(devices: &[PathBuf]) -> Option<PathBuf> {
    let first = devices.first()?.canonicalize().ok()?;
    Some(holder(&first).unwrap_or(first))
}

/// The multipath device above a device.
fn holder(device: &Path) -> Option<PathBuf> {
    let holders = PathBuf::from("/sys/block").join(device.file_name()?).join("holders");
    let is_multipath = |name: &Path| {
        let uuid = fs::read_to_string(PathBuf::from("/sys/block").join(name).join("dm/uuid"));
        uuid.is_ok_and(|uuid| uuid.starts_with("mpath-"))
    };
    let names = fs::read_dir(holders).ok()?.filter_map(|entry| Some(entry.ok()?.file_name()));
    let name = names.map(PathBuf::from).find(|name| is_multipath(name))?;
    Some(PathBuf::from("/dev").join(name))
}

/// Brings everything that was written to the storage. A device that is mounted, or that another device is made of,
/// cannot be opened for oneself alone.
pub(super) async fn flush(device: &Path, force: bool) -> Result<(), Failure> {
    let path = device.to_owned();
    let work = move || -> io::Result<()> {
        let alone = OpenOptions::new().read(true).custom_flags(OFlags::EXCL.bits().cast_signed()).open(&path);
        let file = match alone {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && force => {
                OpenOptions::new().read(true).open(&path)?
            }
            other => other?,
        };
        file.sync_all()
    };
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| {
        let shown = device.display();
        if error.kind() == io::ErrorKind::ResourceBusy {
            let what = format!("{shown} is in use: it is mounted, or another device is made of it");
            return failure(FailureKind::Busy, "flush", what);
        }
        failure(FailureKind::Other, "flush", format!("{shown}: {error}"))
    })
}

/// Takes a multipath device away; anything else is left.
pub(super) async fn forget_multipath(runner: &Runner, device: &Path) -> Result<(), Failure> {
    let name = device.file_name().unwrap_or_default();
    let Ok(map) = fs::read_to_string(PathBuf::from("/sys/block").join(name).join("dm/name")) else { return Ok(()) };
    let flush = Invocation::new("multipath", Duration::from_secs(60), ["-f", map.trim()]);
    let what = |why: String| failure(FailureKind::Busy, "multipath", format!("{}: {why}", device.display()));
    let output = runner.run(flush).await.map_err(|error| what(error.to_string()))?;
    if output.success() { Ok(()) } else { Err(what(output.stderr)) }
}

/// Makes the kernel forget a device. Without it the device would linger until the session has ended.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    let device = resolved(path)?;
    let delete = PathBuf::from("/sys/block").join(device.file_name().unwrap_or_default()).join("device/delete");
    let deleted = OpenOptions::new().write(true).open(&delete).and_then(|mut file| file.write_all(b"1"));
    match deleted {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failure(FailureKind::Other, "remove", format!("{}: {error}", delete.display())))
        }
        _ => Ok(()),
    }
}
