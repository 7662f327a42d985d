//! One device of several paths, by multipathd (multipathd(8), multipath(8)).
//!
//! ```text
//! join   its WWID is made known -> multipathd takes each path -> the map is as large as its paths
//! part   the map goes -> its WWID is forgotten
//! ```
//!
//! A WWID that is known makes a map of one path, too, to which others come later; without it multipathd leaves a single
//! path alone (`find_multipaths`, multipath.conf(5)).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stele_core::task::{Failure, FailureKind};

use super::device::wait_for;
use crate::driver::failure;
use crate::runner::{Invocation, Output, Runner};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long multipathd may take to make one device of several.
const WITHIN: Duration = Duration::from_secs(20);

/// A tool that talks to multipathd, which may be at work on something else.
const TOOL_WITHIN: Duration = Duration::from_secs(60);

/// The step of the failures that come of multipath.
pub const STEP: &str = "multipath";

/// A multipath device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// The kernel's name of it, `dm-N`.
    kernel: PathBuf,
    /// The map's name.
    map: String,
}

impl Whole {
    /// The path that stays the same whatever else there is: a link that udev makes.
    pub(super) fn path(&self) -> PathBuf {
        Path::new("/dev/mapper").join(&self.map)
    }
}

/// The multipath device that a device is part of.
pub(super) fn above(device: &Path) -> Option<Whole> {
    let names = fs::read_dir(in_sysfs(device).join("holders")).ok()?;
    names.filter_map(|entry| Some(PathBuf::from(entry.ok()?.file_name()))).find_map(|kernel| {
        let about = in_sysfs(&kernel).join("dm");
        let uuid = fs::read_to_string(about.join("uuid")).ok()?;
        let map = fs::read_to_string(about.join("name")).ok()?.trim().to_owned();
        uuid.starts_with("mpath-").then_some(Whole { kernel, map })
    })
}

fn in_sysfs(device: &Path) -> PathBuf {
    Path::new("/sys/block").join(device.file_name().unwrap_or_default())
}

/// Whether multipathd runs.
pub(super) async fn check(runner: &Runner) -> Result<(), Failure> {
    let status = Invocation::new("multipathd", TOOL_WITHIN, ["show", "status"]);
    match runner.run(status).await {
        Ok(output) if output.success() => Ok(()),
        Ok(output) => Err(refused(FailureKind::ToolUnavailable, "multipathd does not run", output)),
        Err(error) => Err(failure(FailureKind::ToolUnavailable, STEP, error.to_string())),
    }
}

/// Makes one device of these, which are paths of one volume.
pub(super) async fn join(runner: &Runner, devices: &[PathBuf]) -> Result<PathBuf, Failure> {
    let Some(first) = devices.first() else {
        return Err(failure(FailureKind::NotFound, STEP, "the volume has no path"));
    };
    // udev has told multipathd of them, which may have had no reason to take them; what it has, it keeps.
    run(runner, "multipath", ["-a".as_ref(), first.as_os_str()]).await?;
    for device in devices {
        run(runner, "multipathd", ["add".as_ref(), "path".as_ref(), device.file_name().unwrap_or_default()]).await?;
    }
    let whole = wait_for_one(devices).await?;
    fit(runner, &whole, first).await?;
    wait_for(&whole.path(), WITHIN).await?;
    Ok(whole.path())
}

async fn wait_for_one(devices: &[PathBuf]) -> Result<Whole, Failure> {
    let until = tokio::time::Instant::now() + WITHIN;
    loop {
        let wholes: Vec<Option<Whole>> = devices.iter().map(|device| above(device)).collect();
        if let Some(Some(whole)) = wholes.first()
            && wholes.iter().all(|other| other.as_ref() == Some(whole))
        {
            return Ok(whole.clone());
        }
        if tokio::time::Instant::now() >= until {
            let shown: Vec<String> = devices.iter().map(|device| device.display().to_string()).collect();
            let what = format!(
                "multipathd makes no device of {} within {} s: is one of them in use by itself, or excluded by multipath.conf?",
                shown.join(", "),
                WITHIN.as_secs()
            );
            return Err(failure(FailureKind::Timeout, STEP, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Makes the device as large as its paths are.
pub(super) async fn fit(runner: &Runner, whole: &Whole, path: &Path) -> Result<(), Failure> {
    let size = |device: &Path| fs::read_to_string(in_sysfs(device).join("size")).unwrap_or_default();
    if size(&whole.kernel) == size(path) {
        return Ok(());
    }
    run(runner, "multipathd", ["resize", "map", whole.map.as_str()]).await
}

/// Takes the device away, and lets its paths be what they were.
pub(super) async fn part(runner: &Runner, whole: &Whole, path: &Path) -> Result<(), Failure> {
    let flush = Invocation::new("multipath", TOOL_WITHIN, ["-f", whole.map.as_str()]);
    let busy = |why: String| failure(FailureKind::Busy, STEP, format!("{}: {why}", whole.path().display()));
    let output = runner.run(flush).await.map_err(|error| busy(error.to_string()))?;
    if !output.success() {
        return Err(busy(output.stderr.trim().to_owned()));
    }
    // What is left of it is a line in a file.
    if let Err(failure) = run(runner, "multipath", ["-w".as_ref(), path.as_os_str()]).await {
        tracing::warn!(device = %path.display(), %failure, "its WWID is not forgotten");
    }
    Ok(())
}

async fn run<A: Into<std::ffi::OsString>>(
    runner: &Runner,
    program: &'static str,
    args: impl IntoIterator<Item = A>,
) -> Result<(), Failure> {
    let invocation = Invocation::new(program, TOOL_WITHIN, args);
    let shown = invocation.to_string();
    let output = runner.run(invocation).await.map_err(|error| {
        failure(FailureKind::ToolUnavailable, STEP, format!("{error}; is multipath-tools installed?"))
    })?;
    judge(&shown, output)
}

/// multipathd's answer is on stdout, and older ones say `fail` there with exit status 0.
fn judge(shown: &str, output: Output) -> Result<(), Failure> {
    let said = String::from_utf8_lossy(&output.stdout);
    if output.success() && !said.trim_end().ends_with("fail") && !said.trim_end().ends_with("timeout") {
        return Ok(());
    }
    let what = format!("{shown} failed: {}", said.trim());
    Err(refused(FailureKind::Other, &what, output))
}

fn refused(kind: FailureKind, what: &str, output: Output) -> Failure {
    Failure { exit_status: output.exit_status, stderr: output.stderr, ..failure(kind, STEP, what) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let output = |exit_status, stdout: &str| Output {
            exit_status: Some(exit_status),
            signal: None,
            stdout: stdout.as_bytes().to_vec(),
            stderr: String::new(),
        };
        for (status, stdout, good) in [
            (0, "ok\n", true),
            (0, "wwid '367b2' added\n", true),
            (0, "fail\n", false),
            (0, "timeout\n", false),
            (1, "", false),
        ] {
            assert_eq!(judge("multipathd", output(status, stdout)).is_ok(), good, "{status} {stdout:?}");
        }
    }

    #[test]
    fn a_device_without_holders_is_part_of_nothing() {
        assert_eq!(above(Path::new("/dev/no-such-device")), None);
    }
}
