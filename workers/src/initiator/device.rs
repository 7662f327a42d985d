//! The devices of a volume on this machine.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use stele_core::task::{Failure, FailureKind};

use super::resolved;
use crate::driver::failure;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The link that udev makes for a LUN of a target at a portal. It leaves out the brackets of an IPv6 address.
pub(super) fn by_path(portal: &str, iqn: &str, lun: u64) -> PathBuf {
    let portal = portal.replace(['[', ']'], "");
    PathBuf::from(format!("/dev/disk/by-path/ip-{portal}-iscsi-{iqn}-lun-{lun}"))
}

/// Waits until udev has made a device; gives it without its links.
pub(super) async fn wait_for(path: &Path, within: Duration) -> Result<PathBuf, Failure> {
    let until = tokio::time::Instant::now() + within;
    while !path.exists() {
        if tokio::time::Instant::now() >= until {
            let what = format!("{} did not appear within {} s", path.display(), within.as_secs());
            return Err(failure(FailureKind::Timeout, "device", what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    resolved(path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_those_of_udev() {
        for (portal, lun, name) in [
            ("10.0.0.5:3260", 0, "ip-10.0.0.5:3260-iscsi-iqn.x:y-lun-0"),
            ("[fd00::5]:3260", 1, "ip-fd00::5:3260-iscsi-iqn.x:y-lun-1"),
        ] {
            assert_eq!(by_path(portal, "iqn.x:y", lun), Path::new("/dev/disk/by-path").join(name));
        }
    }
}
