//! The parser of what `tgtadm --op show` prints. Text that is not understood is an error: it must never read as "no
//! targets".

use std::net::SocketAddr;

/// A target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tid: u64,
    pub(super) iqn: String,
    pub(super) sessions: Vec<Session>,
    pub(super) luns: Vec<Lun>,
    pub(super) accounts: Vec<String>,
    pub(super) initiators: Vec<String>,
}

/// An initiator that is logged in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) initiator: String,
    pub(super) connections: Vec<u64>,
}

/// A LUN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lun {
    pub(super) number: u64,
    pub(super) size_mb: u64,
    pub(super) online: bool,
    pub(super) readonly: bool,
    pub(super) path: String,
}

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of what tgtadm shows is not understood: {text:?}")]
pub(super) struct NotUnderstood {
    line: usize,
    text: String,
}

impl Found {
    pub(super) fn lun(&self, number: u64) -> Option<&Lun> {
        self.luns.iter().find(|lun| lun.number == number)
    }

    /// Whether a host finds the volume there.
    pub(super) fn is_ready(&self, number: u64) -> bool {
        self.lun(number).is_some_and(|lun| lun.online)
    }

    /// The sessions of an initiator, each with its connections.
    pub(super) fn connections_of<'a>(&'a self, initiator: &'a str) -> impl Iterator<Item = (u64, u64)> + 'a {
        let of_it = self.sessions.iter().filter(move |session| session.initiator == initiator);
        of_it.flat_map(|session| session.connections.iter().map(move |connection| (session.id, *connection)))
    }
}

/// In which part of a target a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    System,
    Sessions,
    Luns,
    Accounts,
    Initiators,
}

/// Reads what `--mode target --op show` prints.
pub(super) fn targets(stdout: &[u8]) -> Result<Vec<Found>, NotUnderstood> {
    let text = String::from_utf8_lossy(stdout);
    let mut targets: Vec<Found> = Vec::new();
    let mut part = Part::System;
    for (number, line) in text.lines().enumerate() {
        let wrong = || NotUnderstood { line: number + 1, text: line.chars().take(120).collect() };
        let indent = line.len() - line.trim_start().len();
        let words = line.trim();
        if indent == 0 {
            if words.is_empty() {
                continue;
            }
            let (tid, iqn) = words.strip_prefix("Target ").and_then(|rest| rest.split_once(": ")).ok_or_else(wrong)?;
            targets.push(Found { tid: tid.parse().map_err(|_| wrong())?, iqn: iqn.to_owned(), ..Found::default() });
            part = Part::System;
            continue;
        }
        let target = targets.last_mut().ok_or_else(wrong)?;
        if indent == 4 {
            part = match words {
                "System information:" => Part::System,
                "I_T nexus information:" => Part::Sessions,
                "LUN information:" => Part::Luns,
                "Account information:" => Part::Accounts,
                "ACL information:" => Part::Initiators,
                _ => return Err(wrong()),
            };
            continue;
        }
        match part {
            Part::System => {}
            Part::Sessions => session(target, words).ok_or_else(wrong)?,
            Part::Luns => lun(target, words).ok_or_else(wrong)?,
            // An account of the other direction says so behind its name.
            Part::Accounts => target.accounts.push(words.split(' ').next().unwrap_or_default().to_owned()),
            Part::Initiators => target.initiators.push(words.to_owned()),
        }
    }
    Ok(targets)
}

fn session(target: &mut Found, words: &str) -> Option<()> {
    let (key, value) = words.split_once(": ")?;
    match key {
        "I_T nexus" => target.sessions.push(Session { id: value.parse().ok()?, ..Session::default() }),
        "Initiator" => target.sessions.last_mut()?.initiator = value.split(' ').next()?.to_owned(),
        "Connection" => target.sessions.last_mut()?.connections.push(value.parse().ok()?),
        _ => {}
    }
    Some(())
}

fn lun(target: &mut Found, words: &str) -> Option<()> {
    // Some values are empty.
    let (key, value) = words.split_once(':')?;
    let value = value.trim();
    if key == "LUN" {
        target.luns.push(Lun { number: value.parse().ok()?, ..Lun::default() });
        return Some(());
    }
    let lun = target.luns.last_mut()?;
    match key {
        "Size" => lun.size_mb = value.split(' ').next()?.parse().ok()?,
        "Online" => lun.online = yes(value)?,
        "Readonly" => lun.readonly = yes(value)?,
        "Backing store path" => lun.path = value.to_owned(),
        _ => {}
    }
    Some(())
}

fn yes(value: &str) -> Option<bool> {
    match value {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    }
}

/// Reads what `--mode account --op show` prints.
pub(super) fn accounts(stdout: &[u8]) -> Result<Vec<String>, NotUnderstood> {
    let text = String::from_utf8_lossy(stdout);
    let mut accounts = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match line.strip_prefix("    ") {
            Some(account) if number > 0 => accounts.push(account.trim().to_owned()),
            _ if number == 0 && line == "Account list:" => {}
            _ => return Err(NotUnderstood { line: number + 1, text: line.chars().take(120).collect() }),
        }
    }
    Ok(accounts)
}

/// Reads what `--mode portal --op show` prints.
pub(super) fn portals(stdout: &[u8]) -> Result<Vec<SocketAddr>, NotUnderstood> {
    let text = String::from_utf8_lossy(stdout);
    let portal = |(number, line): (usize, &str)| {
        // Behind the comma is the tag of the portal's group.
        let address = line.strip_prefix("Portal: ").and_then(|rest| rest.rsplit_once(',')).map(|(address, _)| address);
        let read = address.and_then(|address| address.parse().ok());
        read.ok_or_else(|| NotUnderstood { line: number + 1, text: line.chars().take(120).collect() })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(portal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured from tgt 1.0.85.
    const SHOWN: &str = include_str!("../../../testdata/tgt/targets.txt");

    #[test]
    fn what_tgtadm_shows_is_read() {
        let found = targets(SHOWN.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        let first = &found[0];
        assert_eq!((first.tid, first.iqn.as_str()), (1, "iqn.2010-10.org.openstack:volume-x"));
        let initiator = "iqn.1993-08.org.debian:01:ce5e2645ed2";
        assert_eq!(first.connections_of(initiator).collect::<Vec<_>>(), [(1, 0)]);
        assert_eq!(first.connections_of("iqn.other").count(), 0);
        assert_eq!(first.accounts, ["u1"]);
        assert_eq!(first.initiators, [initiator]);
        let path = "/dev/stele-lab-76711400/volume-x".to_owned();
        let lun = Lun { number: 1, size_mb: 1074, online: true, readonly: false, path };
        assert_eq!(first.lun(1), Some(&lun));
        assert!(first.is_ready(1) && !found[1].is_ready(1));
        assert_eq!(targets(b"").unwrap(), []);
    }

    #[test]
    fn what_is_not_understood_is_no_empty_list() {
        for text in ["hello", "Target x: y", "Target 1: iqn\n    Something new:\n", "    LUN: 1", "Target 1 iqn"] {
            assert!(targets(text.as_bytes()).is_err(), "{text}");
        }
        let broken = SHOWN.replace("Readonly: No", "Readonly: Perhaps");
        assert!(targets(broken.as_bytes()).is_err());
    }

    #[test]
    fn portals_are_read() {
        // Captured from tgt 1.0.85.
        let shown = b"Portal: [::1]:3260,1\nPortal: 127.0.0.1:3260,1\nPortal: 0.0.0.0:3261,1\n";
        let expected: Vec<SocketAddr> =
            ["[::1]:3260", "127.0.0.1:3260", "0.0.0.0:3261"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(portals(shown).unwrap(), expected);
        for text in ["Portal: 127.0.0.1:3260", "Portal: localhost:3260,1", "tgtadm: oops"] {
            assert!(portals(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn accounts_are_read() {
        assert_eq!(accounts(b"Account list:\n    u1\n    u2\n").unwrap(), ["u1", "u2"]);
        assert_eq!(accounts(b"").unwrap(), Vec::<String>::new());
        assert!(accounts(b"    u1\n").is_err());
        assert!(accounts(b"tgtadm: oops\n").is_err());
    }
}
