//! Which server versions are fit for which use.
//!
//! The rules come from experiments with killed and restarted servers and from published fault tests. They are one
//! table, so that adding the next bad release is one line.

use std::fmt;
use std::str::FromStr;

/// The version of a NATS server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// 2 in 2.12.8.
    pub major: u32,
    /// 12 in 2.12.8.
    pub minor: u32,
    /// 8 in 2.12.8.
    pub patch: u32,
}

impl ServerVersion {
    /// A version from its numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// True when `sync_interval: always` exists; older servers refuse to start with it.
    #[must_use]
    pub fn can_sync_always(self) -> bool {
        self >= Self::new(2, 10, 0)
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is no server version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version of nats-server")]
pub struct InvalidServerVersion(String);

impl FromStr for ServerVersion {
    type Err = InvalidServerVersion;

    /// Reads `2.12.8`, `v2.12.8` and `2.12.8-beta.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidServerVersion(text.chars().take(64).collect());
        let numbers = text.trim().trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().map_err(|_| invalid()));
        let mut part = || parts.next().unwrap_or_else(|| Err(invalid()));
        Ok(Self { major: part()?, minor: part()?, patch: part()? })
    }
}

/// What is known about the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerFacts {
    /// Their version, when it could be read.
    pub version: Option<ServerVersion>,
    /// The copies of the log's records.
    pub replicas: usize,
    /// Whether each write is synced to disk, when that is known. Only the server's monitoring tells.
    pub sync_always: Option<bool>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Works, with a risk that an operator must know of.
    Warning,
    /// Refused unless the operator insists.
    RefusedUnlessForced,
    /// Refused.
    Refused,
}

/// Something about the servers that an operator must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFinding {
    /// How bad it is.
    pub severity: Severity,
    /// What happens with such servers.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for ServerFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

struct Rule {
    /// First version that it concerns.
    from: ServerVersion,
    /// First version that it does not concern.
    below: ServerVersion,
    /// Whether it concerns single servers and clusters, or only clusters.
    clusters_only: bool,
    severity: Severity,
    what: &'static str,
    remedy: &'static str,
}

const fn v(major: u32, minor: u32, patch: u32) -> ServerVersion {
    ServerVersion::new(major, minor, patch)
}

const RULES: &[Rule] = &[
    Rule {
        from: v(0, 0, 0),
        below: v(2, 9, 0),
        clusters_only: false,
        severity: Severity::Refused,
        what: "servers before 2.9 lack what Stele needs of JetStream",
        remedy: "use nats-server 2.12.8",
    },
    Rule {
        from: v(2, 9, 0),
        below: v(2, 9, 21),
        clusters_only: true,
        severity: Severity::Refused,
        what: "compare-and-swap on a subject is not one in clusters before 2.9.21",
        remedy: "use nats-server 2.12.8 on every node",
    },
    Rule {
        from: v(2, 9, 0),
        below: v(2, 10, 0),
        clusters_only: false,
        severity: Severity::Warning,
        what: "a 2.9 server writes to disk only every 60 s: a power failure loses what it acknowledged since",
        remedy: "use nats-server 2.12.8 with sync_interval: always",
    },
    Rule {
        from: v(2, 10, 20),
        below: v(2, 10, 23),
        clusters_only: true,
        severity: Severity::RefusedUnlessForced,
        what: "killing servers of 2.10.20 to 2.10.22 can lose whole streams (nats-server issue 6888)",
        remedy: "use nats-server 2.12.8 on every node",
    },
    Rule {
        from: v(2, 10, 0),
        below: v(2, 10, 23),
        clusters_only: true,
        severity: Severity::Warning,
        what: "before 2.10.23 sync_interval: always does not cover the cluster's own log",
        remedy: "use nats-server 2.12.8 on every node",
    },
    Rule {
        from: v(2, 12, 0),
        below: v(2, 12, 3),
        clusters_only: true,
        severity: Severity::Warning,
        what: "before 2.12.3 a change of members during a partition can lose records (nats-server issue 7545)",
        remedy: "use nats-server 2.12.8 on every node",
    },
    Rule {
        from: v(2, 14, 0),
        below: v(2, 15, 2),
        clusters_only: true,
        severity: Severity::RefusedUnlessForced,
        what: "in clusters of 2.14.0 to 2.15.1 one publish with a wrong Nats-Expected-Last-Msg-Id stops a stream for ever",
        remedy: "use nats-server 2.12.8 on every node, or let nobody but Stele publish and force it",
    },
];

/// Judges the servers. `forced` turns what may be forced into warnings. The worst comes first.
#[must_use]
pub fn check_server(facts: ServerFacts, forced: bool) -> Vec<ServerFinding> {
    let mut found = Vec::new();
    match facts.version {
        None => found.push(ServerFinding {
            severity: Severity::Warning,
            what: "the server's version cannot be read, so nothing is known about its faults".to_owned(),
            remedy: "use nats-server 2.12.8".to_owned(),
        }),
        Some(version) => {
            let concerned = |rule: &&Rule| {
                rule.from <= version && version < rule.below && (!rule.clusters_only || facts.replicas > 1)
            };
            found.extend(RULES.iter().filter(concerned).map(|rule| ServerFinding {
                severity: if forced && rule.severity == Severity::RefusedUnlessForced {
                    Severity::Warning
                } else {
                    rule.severity
                },
                what: format!("nats-server {version}: {}", rule.what),
                remedy: rule.remedy.to_owned(),
            }));
            if facts.sync_always == Some(false) && version.can_sync_always() {
                found.push(ServerFinding {
                    severity: Severity::Warning,
                    what: "the server writes to disk only every 2 minutes by default".to_owned(),
                    remedy: "set sync_interval: always in its jetstream block".to_owned(),
                });
            }
        }
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_judged_by_the_table() {
        use Severity::{Refused, RefusedUnlessForced, Warning};
        for (version, replicas, forced, expected) in [
            ("2.8.4", 1, true, vec![Refused]),
            ("2.9.10", 1, false, vec![Warning]),
            ("2.9.10", 3, true, vec![Refused, Warning]),
            ("2.9.21", 3, false, vec![Warning]),
            ("2.10.22", 1, false, vec![]),
            ("2.10.22", 3, false, vec![RefusedUnlessForced, Warning]),
            ("2.10.22", 3, true, vec![Warning, Warning]),
            ("2.10.23", 3, false, vec![]),
            ("2.11.11", 3, false, vec![]),
            ("2.12.2", 3, false, vec![Warning]),
            ("2.12.8", 1, false, vec![]),
            ("2.12.8", 3, false, vec![]),
            ("2.14.0", 3, false, vec![RefusedUnlessForced]),
            ("2.14.0", 3, true, vec![Warning]),
            ("2.15.1", 1, false, vec![]),
            ("2.15.1", 3, false, vec![RefusedUnlessForced]),
            ("2.15.2", 3, false, vec![]),
        ] {
            let facts = ServerFacts { version: version.parse().ok(), replicas, sync_always: None };
            let found: Vec<Severity> = check_server(facts, forced).into_iter().map(|f| f.severity).collect();
            assert_eq!(found, expected, "{version} with {replicas} replicas, forced: {forced}");
        }
    }

    #[test]
    fn lazy_syncing_and_unknown_versions_are_told() {
        let lazy = ServerFacts { version: Some(v(2, 12, 8)), replicas: 1, sync_always: Some(false) };
        assert!(check_server(lazy, false)[0].remedy.contains("sync_interval"));
        let unknown = ServerFacts { version: None, ..lazy };
        assert_eq!(check_server(unknown, false).len(), 1);
    }

    #[test]
    fn versions_are_read_as_servers_write_them() {
        for (text, version) in [
            ("2.12.8", Some(v(2, 12, 8))),
            ("v2.9.10", Some(v(2, 9, 10))),
            ("2.14.0-RC.1", Some(v(2, 14, 0))),
            ("x", None),
            ("2.1", None),
        ] {
            assert_eq!(text.parse::<ServerVersion>().ok(), version, "{text}");
        }
    }
}
