//! A placement decision as a value: everything that was looked at, so that nobody has to ask a log file why.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::{FilterName, WeigherName};
use super::hints::Hints;
use super::place::Purpose;
use crate::id::PoolName;
use crate::unit::{Hash, Position};

/// How many candidates a decision shows one by one. A record of the log is bounded, a cell's number of pools is not;
/// sixteen are more than an operator reads.
pub const CANDIDATES_SHOWN: usize = 16;

/// How many pools a group of rejected ones names.
pub const EXAMPLES_SHOWN: usize = 3;

/// Where a volume goes, or why it goes nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What was asked for.
    pub request: Requested,
    /// Which attempt of the request this is, from 1.
    pub attempt: u32,
    /// How many pools were looked at.
    pub candidates_total: u32,
    /// How many of them passed every check.
    pub passed_total: u32,
    /// At most [`CANDIDATES_SHOWN`] of them: the chosen one, the others that passed from the heaviest on, then the
    /// rejected ones by name. Passed ones that find no room are only counted in `passed_total`.
    pub candidates: Vec<Candidate>,
    /// The rejected ones that found no room in `candidates`.
    pub rejected_groups: Vec<Rejection>,
    /// The pool that takes the volume.
    pub chosen: Option<PoolName>,
    /// The hash of the scheduler's configuration.
    pub config_hash: Hash,
    /// What broke ties.
    pub seed: u64,
    /// The outcome in one short sentence.
    pub reason: String,
}

/// What was asked for, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// The space to find in GiB; for an extension the growth.
    pub size_gib: u32,
    /// The size before an extension in GiB, else 0.
    pub current_size_gib: u32,
    /// What the space is for.
    pub purpose: Purpose,
    /// The extra specs of the volume type.
    pub extra_specs: BTreeMap<String, Option<String>>,
    /// The zones that would do; none means any.
    pub availability_zones: Vec<String>,
    /// The pools where earlier attempts failed.
    pub tried_pools: Vec<PoolName>,
    /// The one pool that could take it.
    pub only_pool: Option<PoolName>,
    /// The pool that holds the volume already and needs no new space for it.
    pub vol_exists_on: Option<PoolName>,
    /// What the user wants of the place.
    #[serde(default)]
    pub hints: Option<Hints>,
}

/// One pool that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The pool.
    pub pool: PoolName,
    /// The record that holds the report which was used.
    pub stats_position: Position,
    /// The claims newer than that report, in GiB.
    pub claimed_gib: u64,
    /// The checks in order; a rejection is the last one.
    pub checks: Vec<Check>,
    /// The sum of the weights; `None` for a rejected pool.
    pub weight: Option<f64>,
    /// The weights that it is the sum of.
    pub weights: Vec<Weight>,
}

impl Candidate {
    /// The check that rejected the pool.
    #[must_use]
    pub fn rejection(&self) -> Option<&Check> {
        self.checks.last().filter(|check| check.verdict == Verdict::Rejected)
    }
}

/// One question about one pool, with what was seen and what was needed, both in words with units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What asked.
    pub filter: CheckName,
    /// What the pool has.
    pub observed: String,
    /// What the request needs.
    pub required: String,
    /// The answer.
    pub verdict: Verdict,
}

impl Check {
    /// A check with its answer.
    #[must_use]
    pub fn new(filter: CheckName, passed: bool, observed: String, required: String) -> Self {
        let verdict = if passed { Verdict::Passed } else { Verdict::Rejected };
        Self { filter, observed, required, verdict }
    }

    /// A check that the pool passed.
    #[must_use]
    pub fn passed(filter: CheckName, observed: String, required: String) -> Self {
        Self::new(filter, true, observed, required)
    }

    /// A check that rejects the pool.
    #[must_use]
    pub fn rejected(filter: CheckName, observed: String, required: String) -> Self {
        Self::new(filter, false, observed, required)
    }

    /// Why the pool was rejected, in words: `free 3.00 GiB, needs 5 GiB`.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.filter {
            CheckName::Service => format!("{} ({})", self.observed, self.required),
            _ => format!("{}, needs {}", self.observed, self.required),
        }
    }

    /// The part of the reason that many pools share: no pool's own numbers, no operator's remarks.
    fn shared_reason(&self) -> String {
        match self.filter {
            CheckName::Service => {
                let state = self.observed.split([':', ',']).next().unwrap_or_default();
                format!("{state} ({})", self.required)
            }
            _ => format!("needs {}", self.required),
        }
    }
}

/// What asked a question: a fixed check of the service or of a thin pool's marks, a configured filter, or a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Enabled, not frozen, reported, up.
    Service,
    /// [`FilterName::AvailabilityZone`].
    AvailabilityZone,
    /// [`FilterName::Capacity`].
    Capacity,
    /// [`FilterName::Capabilities`].
    Capabilities,
    /// [`FilterName::TriedPools`].
    TriedPools,
    /// The hint `same_host`.
    SameHost,
    /// The hint `different_host`.
    DifferentHost,
    /// The hint `query`.
    Query,
    /// The marks of a thin pool.
    Watermark,
}

impl From<FilterName> for CheckName {
    fn from(filter: FilterName) -> Self {
        match filter {
            FilterName::AvailabilityZone => Self::AvailabilityZone,
            FilterName::Capacity => Self::Capacity,
            FilterName::Capabilities => Self::Capabilities,
            FilterName::TriedPools => Self::TriedPools,
        }
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "service",
            Self::AvailabilityZone => FilterName::AvailabilityZone.as_str(),
            Self::Capacity => FilterName::Capacity.as_str(),
            Self::Capabilities => FilterName::Capabilities.as_str(),
            Self::TriedPools => FilterName::TriedPools.as_str(),
            Self::SameHost => "same_host",
            Self::DifferentHost => "different_host",
            Self::Query => "query",
            Self::Watermark => "watermark",
        })
    }
}

/// The answer to a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The pool stays.
    Passed,
    /// The pool is out.
    Rejected,
}

/// What one weigher thinks of one pool. It counts multiplier × normalised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Who weighed.
    pub weigher: WeigherName,
    /// The weight in the weigher's own unit, GiB for capacity; always finite.
    pub raw: f64,
    /// The weight brought to 0..1 over all pools that passed.
    pub normalised: f64,
    /// The configured multiplier.
    pub multiplier: f64,
}

/// Pools that were rejected alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// What rejected them.
    pub filter: CheckName,
    /// What they have in common; each pool's own numbers come back by replaying the decision.
    pub reason: String,
    /// How many they are.
    pub count: u32,
    /// The first few by name.
    pub examples: Vec<PoolName>,
}

impl Decision {
    /// The decision as it is recorded, of one that holds every candidate: at most [`CANDIDATES_SHOWN`] one by one, the
    /// rejected ones beyond in groups.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let passed = self.candidates.partition_point(|candidate| candidate.rejection().is_none());
        let rejected = self.candidates.split_off(passed);
        (self.candidates, self.rejected_groups) = bounded(self.candidates, rejected);
        self
    }

    /// The reason for people, in words: every rejected pool or group with its check and numbers.
    ///
    /// When a pool was chosen, it is the same as `reason`.
    #[must_use]
    pub fn refusal_text(&self) -> String {
        if self.chosen.is_some() {
            return self.reason.clone();
        }
        if self.candidates_total == 0 {
            return format!("no valid pool: {}", self.reason);
        }
        let pools = self.candidates.iter().filter_map(|candidate| {
            let check = candidate.rejection()?;
            Some(format!("{} rejected by {}: {}", candidate.pool, check.filter, check.reason()))
        });
        let groups = self.rejected_groups.iter().map(Rejection::text);
        format!("no valid pool: {}", pools.chain(groups).collect::<Vec<_>>().join("; "))
    }
}

impl Rejection {
    fn text(&self) -> String {
        let Self { filter, reason, count, examples } = self;
        let names = examples.iter().map(PoolName::as_str).collect::<Vec<_>>().join(", ");
        let more = if examples.len() < *count as usize { ", ..." } else { "" };
        let pools = if *count == 1 { "pool" } else { "pools" };
        format!("{count} more {pools} rejected by {filter}: {reason} ({names}{more})")
    }
}

/// Keeps at most [`CANDIDATES_SHOWN`] candidates and groups the rejected ones beyond.
///
/// `passed` comes with the chosen one first and then by falling weight, `rejected` by name.
fn bounded(mut passed: Vec<Candidate>, mut rejected: Vec<Candidate>) -> (Vec<Candidate>, Vec<Rejection>) {
    passed.truncate(CANDIDATES_SHOWN);
    let room = CANDIDATES_SHOWN - passed.len();
    let beyond = rejected.split_off(room.min(rejected.len()));
    passed.append(&mut rejected);
    let mut groups: BTreeMap<(CheckName, String), Rejection> = BTreeMap::new();
    for candidate in beyond {
        let Some(check) = candidate.rejection() else { continue };
        let (filter, reason) = (check.filter, check.shared_reason());
        let group = groups.entry((filter, reason)).or_insert_with_key(|(_, reason)| Rejection {
            filter,
            reason: reason.clone(),
            count: 0,
            examples: vec![],
        });
        group.count += 1;
        if group.examples.len() < EXAMPLES_SHOWN {
            group.examples.push(candidate.pool);
        }
    }
    (passed, groups.into_values().collect())
}
