//! What a failed command means. All knowledge of LVM's messages is here, and each is tested on a captured one.
//!
//! LVM answers every failure with exit status 5 (3 for its own command line), so only the message tells them apart.
//! The runner asks for the C locale; the messages are those of LVM 2.03 and of util-linux.

use stele_core::task::{Failure, FailureKind};

use super::report::ReportError;
use crate::runner::{Output, RunError};

/// Messages and their meaning. The first line with one of them decides.
const MESSAGES: [(&str, FailureKind); 19] = [
    ("insufficient free space", FailureKind::NoSpace),
    ("Insufficient free space", FailureKind::NoSpace),
    ("Insufficient suitable", FailureKind::NoSpace),
    ("reached threshold", FailureKind::NoSpace),
    ("No space left on device", FailureKind::NoSpace),
    ("contains a filesystem in use", FailureKind::Busy),
    (" in use.", FailureKind::Busy),
    ("is used by another device", FailureKind::Busy),
    ("Device or resource busy", FailureKind::Busy),
    ("only while inactive", FailureKind::Busy),
    ("already exists in ", FailureKind::Conflict),
    ("Failed to find logical volume", FailureKind::NotFound),
    ("not found in volume group", FailureKind::NotFound),
    ("not found in Volume group", FailureKind::NotFound),
    ("\" not found", FailureKind::NotFound),
    ("No such file or directory", FailureKind::NotFound),
    ("Operation not supported", FailureKind::Unsupported),
    ("Permission denied", FailureKind::ToolUnavailable),
    ("/dev/mapper/control: open failed", FailureKind::ToolUnavailable),
];

/// The failure of a command that ended, but not well.
pub(super) fn failed(step: &str, output: Output) -> Failure {
    let kind = match output.signal {
        Some(_) => FailureKind::Other,
        None => kind_of(&output.stderr),
    };
    let message = match (output.signal, last_line(&output.stderr)) {
        (Some(signal), _) => format!("{step} was ended by signal {signal}"),
        (None, "") => format!("{step} failed without a word"),
        (None, line) => line.to_owned(),
    };
    Failure { kind, step: step.to_owned(), message, exit_status: output.exit_status, stderr: output.stderr }
}

/// The failure of a command of which there is no output to judge.
pub(super) fn not_run(step: &str, error: RunError) -> Failure {
    let message = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let (kind, stderr) = match error {
        RunError::Unavailable { .. } => (FailureKind::ToolUnavailable, String::new()),
        RunError::Io { .. } => (FailureKind::Other, String::new()),
        RunError::Timeout { stderr, .. } => (FailureKind::Timeout, stderr),
        RunError::OutputTooLarge { .. } => (FailureKind::Unparsable, String::new()),
    };
    Failure { kind, step: step.to_owned(), message, exit_status: None, stderr }
}

/// The failure of a command that said that all went well and printed what is not understood.
pub(super) fn not_understood(step: &str, error: &ReportError, output: Output) -> Failure {
    Failure {
        kind: FailureKind::Unparsable,
        step: step.to_owned(),
        message: error.to_string(),
        exit_status: output.exit_status,
        stderr: output.stderr,
    }
}

fn kind_of(stderr: &str) -> FailureKind {
    let mut reasons = stderr.lines().filter(|line| !is_warning(line));
    let known = reasons.find_map(|line| MESSAGES.iter().find(|(message, _)| line.contains(message)));
    known.map_or(FailureKind::Other, |(_, kind)| *kind)
}

/// The last line that is not a warning: LVM prints the reason last, and remarks before it.
fn last_line(stderr: &str) -> &str {
    let lines = || stderr.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    lines().find(|line| !is_warning(line)).or_else(|| lines().next()).unwrap_or_default()
}

fn is_warning(line: &str) -> bool {
    line.trim_start().starts_with("WARNING")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use FailureKind::{Busy, Conflict, NoSpace, NotFound, Other, ToolUnavailable, Unparsable};
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Captured {
        case: String,
        exit_status: i32,
        stderr: String,
    }

    #[test]
    fn every_captured_failure_has_its_class() {
        let expected = [
            ("create-again", Conflict),
            ("nospace-thick", NoSpace),
            ("extend-same", Other),
            ("extend-smaller", Other),
            ("extend-absent", NotFound),
            ("extend-nospace", NoSpace),
            ("odd-size", Other),
            ("remove-open", Busy),
            ("blkdiscard-mounted", Busy),
            ("blkdiscard-absent", NotFound),
            ("extend-origin", Busy),
            ("remove-again", NotFound),
            ("novg", NotFound),
            ("novg-lvs", NotFound),
            ("novg-create", NotFound),
            ("nopool-create", NotFound),
            ("badtag", Other),
            ("badoption", Other),
            ("make-pool-again", Conflict),
            ("thin-full", NoSpace),
            ("lvs-missing", NotFound),
            ("lvremove-mounted", Busy),
            ("lvcreate-full-pool", NoSpace),
            ("lvremove-absent-vg", NotFound),
            ("lvcreate-bad-tag", Other),
            ("deactivate-open-snapshot", Busy),
            ("split-open", Busy),
            ("split-again", Other),
            ("split-absent", NotFound),
        ];
        let file = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/lvm/failures.json"));
        let captured: Vec<Captured> = serde_json::from_str(file).unwrap();
        let found: Vec<_> = captured
            .into_iter()
            .map(|Captured { case, exit_status, stderr }| {
                let output = Output { exit_status: Some(exit_status), signal: None, stdout: Vec::new(), stderr };
                let failure = failed("tool", output);
                assert_eq!(failure.exit_status, Some(exit_status));
                assert!(!failure.message.is_empty() && failure.stderr.contains(&failure.message), "{failure}");
                (case, failure.kind)
            })
            .collect();
        assert_eq!(found, expected.map(|(case, kind)| (case.to_owned(), kind)));
    }

    #[test]
    fn what_is_told_is_the_reason_and_not_a_warning() {
        let stderr = "  Volume group \"vg\" has insufficient free space (1 extents): 2 required.\n  WARNING: mind.\n";
        let output = Output { exit_status: Some(5), signal: None, stdout: Vec::new(), stderr: stderr.to_owned() };
        let failure = failed("lvcreate", output);
        assert_eq!(
            failure.to_string(),
            "no_space at lvcreate: Volume group \"vg\" has insufficient free space (1 extents): 2 required. \
             (exit status 5)"
        );
    }

    #[test]
    fn no_output_has_its_class_too() {
        let io = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let program = "lvs";
        let timeout = Duration::from_millis(5);
        for (error, kind) in [
            (RunError::Unavailable { program, source: io() }, ToolUnavailable),
            (RunError::Io { program, source: io() }, Other),
            (RunError::Timeout { program, timeout, gone: true, stderr: "x".into() }, FailureKind::Timeout),
            (RunError::OutputTooLarge { program, max: 1 }, Unparsable),
        ] {
            assert_eq!(not_run("lvs", error).kind, kind);
        }
        let segfault = Output { exit_status: None, signal: Some(11), stdout: Vec::new(), stderr: String::new() };
        assert_eq!(failed("lvs", segfault).to_string(), "other at lvs: lvs was ended by signal 11");
    }
}
