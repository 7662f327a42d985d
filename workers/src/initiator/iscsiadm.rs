//! Every command line of iscsiadm that is run, and what its exit statuses mean (iscsiadm(8), "EXIT STATUS").

use std::time::Duration;

use stele_core::task::{Failure, FailureKind};

use crate::driver::failure;
use crate::runner::{Invocation, Output, RunError};

/// A login is tried for 15 s by default; this is for several tries.
const WITHIN: Duration = Duration::from_secs(90);

/// The session is there already.
const SESSION_EXISTS: i32 = 15;
/// No record, no session.
const NO_OBJECTS: i32 = 21;
/// The target did not let us in: for good, or because of the secrets.
const LOGIN_REFUSED: [i32; 2] = [19, 24];
/// Nobody listens, or not in time.
const NOT_REACHED: [i32; 2] = [4, 8];

fn node<'a>(iqn: &'a str, portal: &'a str, more: impl IntoIterator<Item = &'a str>) -> Invocation {
    let args = ["-m", "node", "-T", iqn, "-p", portal].into_iter().chain(more);
    Invocation::new("iscsiadm", WITHIN, args.map(ToOwned::to_owned))
}

pub(super) fn new_record(iqn: &str, portal: &str) -> Invocation {
    node(iqn, portal, ["--op", "new"])
}

pub(super) fn delete_record(iqn: &str, portal: &str) -> Invocation {
    node(iqn, portal, ["--op", "delete"])
}

pub(super) fn set(iqn: &str, portal: &str, name: &str, value: &str, secret: bool) -> Invocation {
    let invocation = node(iqn, portal, ["--op", "update", "-n", name, "-v", value]);
    if secret { invocation.with_secret(value) } else { invocation }
}

pub(super) fn login(iqn: &str, portal: &str) -> Invocation {
    node(iqn, portal, ["--login"])
}

pub(super) fn logout(iqn: &str, portal: &str) -> Invocation {
    node(iqn, portal, ["--logout"])
}

pub(super) fn rescan(iqn: &str, portal: &str) -> Invocation {
    node(iqn, portal, ["--rescan"])
}

pub(super) fn sessions() -> Invocation {
    Invocation::new("iscsiadm", WITHIN, ["-m", "session"])
}

/// The portals at which this machine is logged in to a target, by what `-m session` tells: lines like
/// `tcp: [1] 127.0.0.1:3260,1 iqn... (non-flash)`.
pub(super) fn portals_in_use(output: &Output, iqn: &str) -> Result<Vec<String>, Failure> {
    if output.exit_status == Some(NO_OBJECTS) {
        return Ok(Vec::new());
    }
    if !output.success() {
        return judge(output.clone()).map(|()| Vec::new());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut portals = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let words = (words.next(), words.next(), words.next().and_then(|at| at.rsplit_once(',')), words.next());
        let (Some(_), Some(_), Some((portal, _)), Some(name)) = words else {
            let what = format!("iscsiadm -m session says {line:?}, which is not understood");
            return Err(failure(FailureKind::Unparsable, "iscsiadm", what));
        };
        if name == iqn {
            portals.push(portal.to_owned());
        }
    }
    Ok(portals)
}

/// What is there or gone already is what was wanted.
pub(super) fn judge(output: Output) -> Result<(), Failure> {
    let (kind, message) = match output.exit_status {
        Some(0 | SESSION_EXISTS | NO_OBJECTS) => return Ok(()),
        Some(status) if LOGIN_REFUSED.contains(&status) => (
            FailureKind::Conflict,
            "the target refuses the login: the initiator or its CHAP secrets are not those of an attachment",
        ),
        Some(status) if NOT_REACHED.contains(&status) => {
            (FailureKind::Timeout, "the target does not answer: is the portal reachable from here?")
        }
        _ => (FailureKind::Other, "iscsiadm failed"),
    };
    Err(Failure { exit_status: output.exit_status, stderr: output.stderr, ..failure(kind, "iscsiadm", message) })
}

pub(super) fn not_run(error: &RunError) -> Failure {
    let kind = match error {
        RunError::Timeout { .. } => FailureKind::Timeout,
        _ => FailureKind::ToolUnavailable,
    };
    failure(kind, "iscsiadm", format!("{error}; is open-iscsi installed, and are you root?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(exit_status: i32, stdout: &str) -> Output {
        let stdout = stdout.as_bytes().to_vec();
        Output { exit_status: Some(exit_status), signal: None, stdout, stderr: String::new() }
    }

    #[test]
    fn sessions_are_found_by_target() {
        let shown = "tcp: [1] 127.0.0.1:3260,1 iqn.2010-10.org.openstack:volume-x (non-flash)\n\
                     tcp: [2] [fd00::5]:3260,1 iqn.2010-10.org.openstack:volume-y (non-flash)\n\
                     tcp: [3] 127.0.0.2:3260,1 iqn.2010-10.org.openstack:volume-x (non-flash)\n";
        for (name, portals) in [
            ("iqn.2010-10.org.openstack:volume-x", vec!["127.0.0.1:3260", "127.0.0.2:3260"]),
            ("iqn.2010-10.org.openstack:volume-y", vec!["[fd00::5]:3260"]),
            ("iqn.2010-10.org.openstack:volume", vec![]),
        ] {
            assert_eq!(portals_in_use(&output(0, shown), name).unwrap(), portals, "{name}");
        }
        let iqn = "iqn.2010-10.org.openstack:volume-x";
        assert_eq!(portals_in_use(&output(NO_OBJECTS, ""), iqn), Ok(Vec::new()));
        for text in ["hello", "tcp: [1] 127.0.0.1:3260 iqn.2010-10.org.openstack:volume-x (non-flash)"] {
            assert!(portals_in_use(&output(0, text), iqn).is_err(), "{text}");
        }
        assert!(portals_in_use(&output(20, ""), iqn).is_err());
    }

    #[test]
    fn exit_statuses_are_told_apart() {
        let kind = |status| judge(output(status, "")).err().map(|failure| failure.kind);
        for (status, expected) in [
            (0, None),
            (15, None),
            (21, None),
            (19, Some(FailureKind::Conflict)),
            (24, Some(FailureKind::Conflict)),
            (8, Some(FailureKind::Timeout)),
            (1, Some(FailureKind::Other)),
        ] {
            assert_eq!(kind(status), expected, "{status}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let shown = set("iqn.x", "h:1", "node.session.auth.password", "geheim", true).to_string();
        assert_eq!(shown, "iscsiadm -m node -T iqn.x -p h:1 --op update -n node.session.auth.password -v ***");
    }
}
