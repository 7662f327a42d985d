//! What would have been other, one by one.

use serde::Serialize;
use stele_core::event::Event;
use stele_core::id::{FlowId, PoolName, ProjectId, VolumeId};
use stele_core::record::Commit;
use stele_core::schedule::{Candidate, Decision, Purpose};
use stele_core::unit::{Position, Timestamp};

use super::series::Both;

/// One difference between the histories.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The record.
    pub position: Position,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked.
    pub project: Option<ProjectId>,
    /// What was asked for, such as `volume.create`; a worker's report for a later attempt.
    pub command: String,
    /// What differs.
    #[serde(flatten)]
    pub what: What,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum What {
    /// A volume goes to another pool, or to one at all in one history only.
    Placement {
        /// The volume.
        volume: VolumeId,
        /// Its name at that moment.
        name: String,
        /// Its size.
        size_gib: u32,
        /// Which attempt it was, from 1.
        attempt: u32,
        /// Where it went, and where it would have gone; `null` where no pool would take it.
        pool: Both<Option<PoolName>>,
        /// What decided.
        why: String,
    },
    /// A request was accepted in one history and refused in the other.
    Outcome {
        /// What it was about, when the log says it.
        subject: Option<String>,
        /// How it ended.
        outcome: Both<Ended>,
        /// Where an accepted create went or would have gone.
        pool: Option<PoolName>,
    },
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused {
        /// The refusal's code.
        code: &'static str,
        /// Why.
        message: String,
    },
    /// It was accepted, and what it asked for failed at once.
    Failed {
        /// Why.
        message: String,
    },
}

impl Ended {
    /// How a command ended when it was decided.
    pub(super) fn of(commit: &Commit) -> Self {
        if let Some(refusal) = commit.refusal() {
            return Self::Refused { code: refusal.code.as_str(), message: refusal.message.clone() };
        }
        let failed = commit.events.iter().find_map(|event| match event {
            Event::SnapshotCreateFailed { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        failed.map_or(Self::Accepted, |message| Self::Failed { message })
    }

    /// Whether it was accepted and did not fail at once.
    pub(super) fn is_well(&self) -> bool {
        *self == Self::Accepted
    }

    /// Whether it was accepted, whatever became of it then.
    pub(super) fn is_accepted(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

/// A place that was looked for, for a new volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) flow: FlowId,
    pub(super) volume: VolumeId,
    pub(super) decision: &'a Decision,
}

/// The places that a commit looked for.
pub(super) fn sought(events: &[Event]) -> Vec<Sought<'_>> {
    events.iter().filter_map(sought_by).collect()
}

fn sought_by(event: &Event) -> Option<Sought<'_>> {
    match event {
        Event::PlacementDecided { flow, volume, decision } if decision.request.purpose == Purpose::Create => {
            Some(Sought { flow: *flow, volume: *volume, decision })
        }
        _ => None,
    }
}

/// What decided that the histories part here, in words. Both decisions hold every candidate.
pub(super) fn why(recorded: &Decision, other: &Decision) -> String {
    let mut parts = Vec::new();
    match (&recorded.chosen, &other.chosen) {
        (Some(then), Some(now)) => {
            parts.push(format!("recorded: {}", against(recorded, then, now)));
            parts.push(format!("other: {}", against(other, now, then)));
        }
        (None, Some(now)) => {
            parts.push(format!("recorded: {}", alone(recorded, now)));
            parts.push(format!("other: {}", other.reason));
        }
        (Some(then), None) => {
            parts.push(format!("recorded: {}", recorded.reason));
            parts.push(format!("other: {}", alone(other, then)));
        }
        (None, None) => {}
    }
    parts.join("; ")
}

/// Why `chosen` and not `loser`.
fn against(decision: &Decision, chosen: &PoolName, loser: &PoolName) -> String {
    let find = |pool: &PoolName| decision.candidates.iter().find(|candidate| candidate.pool == *pool);
    let Some(found) = find(loser) else { return format!("{loser} was no candidate") };
    if let Some(check) = found.rejection() {
        return format!("{loser} rejected by {}: {}", check.filter, check.reason());
    }
    let Some(winner) = find(chosen) else { return decision.reason.clone() };
    let (heavier, lighter) = (weight(winner), weight(found));
    if winner.weight == found.weight {
        return format!("{chosen} and {loser} weigh the same, {heavier}, and the seed drew {chosen}");
    }
    format!("{chosen} weighs {heavier}, {loser} {lighter}")
}

/// Why not even the pool that the other decision chose would do.
fn alone(decision: &Decision, pool: &PoolName) -> String {
    let found = decision.candidates.iter().find(|candidate| candidate.pool == *pool);
    match found.and_then(|candidate| candidate.rejection()) {
        Some(check) => format!("no pool; {pool} rejected by {}: {}", check.filter, check.reason()),
        None if decision.candidates_total == 0 => format!("no pool; {}", decision.reason),
        None => format!("no pool; {pool} was no candidate"),
    }
}

/// The weight with what it is made of: `0.500 (capacity 20.00 x 1)`.
fn weight(candidate: &Candidate) -> String {
    let part = |weight: &stele_core::schedule::Weight| {
        let name = serde_json::to_value(weight.weigher).ok();
        let name = name.as_ref().and_then(serde_json::Value::as_str).unwrap_or("weigher").to_owned();
        format!("{name} {:.2} x {}", weight.raw, weight.multiplier)
    };
    let parts: Vec<String> = candidate.weights.iter().map(part).collect();
    format!("{:.3} ({})", candidate.weight.unwrap_or_default(), parts.join(", "))
}

/// The verb that a subject names, such as `volume.create`.
pub(super) fn command(commit: &Commit) -> String {
    let mut tokens = commit.subject.splitn(4, '.');
    match (tokens.next(), tokens.next(), tokens.next(), tokens.next()) {
        (Some("stele"), Some("ask" | "cmd"), Some(_), Some(verb)) => verb.to_owned(),
        (Some("stele"), Some("report"), ..) => "report".to_owned(),
        _ => "timer".to_owned(),
    }
}
