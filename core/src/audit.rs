//! What must always hold. Every test, the simulator and the replay tool call [`audit`] and expect nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::id::{PoolName, ProjectId};
use crate::state::{FlowKind, QuotaResource, State, UsageLine};

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule that is broken.
    pub rule: &'static str,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Every violation that the state shows.
#[must_use]
pub fn audit(state: &State) -> Vec<Violation> {
    let mut found = Vec::new();
    quota(state, &mut found);
    work(state, &mut found);
    pools(state, &mut found);
    indexes(state, &mut found);
    found
}

fn violation(found: &mut Vec<Violation>, rule: &'static str, what: String) {
    found.push(Violation { rule, what });
}

/// Use is the sum over live resources, reserved the sum over open reservations; neither is ever negative.
fn quota(state: &State, found: &mut Vec<Violation>) {
    let mut expected: BTreeMap<(ProjectId, QuotaResource), UsageLine> = BTreeMap::new();
    for volume in state.volumes.values() {
        let size = i64::from(volume.size_gib.gib());
        let lines = [
            (QuotaResource::Volumes, 1),
            (QuotaResource::Gigabytes, size),
            (QuotaResource::VolumesOf(volume.volume_type), 1),
            (QuotaResource::GigabytesOf(volume.volume_type), size),
        ];
        for (resource, amount) in lines {
            expected.entry((volume.project.clone(), resource)).or_default().in_use += amount;
        }
    }
    for reservation in state.reservations.values() {
        for delta in &reservation.deltas {
            let line = expected.entry((reservation.project.clone(), delta.resource)).or_default();
            line.reserved += delta.delta.max(0);
        }
    }
    expected.retain(|_, line| *line != UsageLine::default());
    let actual: BTreeMap<(ProjectId, QuotaResource), UsageLine> = state
        .usage
        .iter()
        .flat_map(|(project, usage)| usage.lines.iter().map(|(r, line)| ((project.clone(), *r), *line)))
        .collect();
    for key in expected.keys().chain(actual.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (want, have) =
            (expected.get(key).copied().unwrap_or_default(), actual.get(key).copied().unwrap_or_default());
        if want != have {
            let what = format!("project {} {}: counted {have:?}, resources sum to {want:?}", key.0, key.1);
            violation(found, "quota usage is the sum over live resources and open reservations", what);
        }
        if have.in_use < 0 || have.reserved < 0 {
            violation(found, "quota is never negative", format!("project {} {}: {have:?}", key.0, key.1));
        }
    }
}

/// Every volume underway has exactly one flow at work, and every flow one task with a deadline.
fn work(state: &State, found: &mut Vec<Violation>) {
    for volume in state.volumes.values() {
        let Some(id) = volume.status.flow() else { continue };
        match state.flows.get(&id) {
            Some(flow) if flow.volume == volume.id => {}
            _ => violation(
                found,
                "a volume in a transitional status has its flow",
                format!("volume {} is {} by flow {id}, which is not open for it", volume.id, volume.status.name()),
            ),
        }
    }
    for flow in state.flows.values() {
        match &flow.task {
            None => violation(found, "an open flow has one open task", format!("flow {} has none", flow.id)),
            Some(open) if !state.deadlines.contains(&(open.deadline, flow.id)) => {
                violation(found, "an open task has a deadline", format!("task {} of flow {}", open.task.id, flow.id));
            }
            Some(_) => {}
        }
        let owner = state.volumes.get(&flow.volume).and_then(|volume| volume.status.flow());
        if flow.kind != FlowKind::VolumeCleanup && owner != Some(flow.id) {
            violation(found, "an open flow has its volume", format!("flow {} of volume {}", flow.id, flow.volume));
        }
    }
    for reservation in state.reservations.values() {
        if state.flows.get(&reservation.flow).is_none_or(|flow| flow.reservation != Some(reservation.id)) {
            violation(
                found,
                "an open reservation belongs to an open flow",
                format!("reservation {} of flow {}", reservation.id, reservation.flow),
            );
        }
    }
}

/// A pool's sums are right, and what was given away since its figures were reported fits into them.
fn pools(state: &State, found: &mut Vec<Violation>) {
    let mut allocated: BTreeMap<&PoolName, (u64, u64)> = BTreeMap::new();
    for volume in state.volumes.values() {
        if let Some(pool) = &volume.pool {
            let sums = allocated.entry(pool).or_default();
            sums.0 += u64::from(volume.size_gib.gib());
            sums.1 += 1;
        }
    }
    for pool in state.pools.values() {
        let (gib, volumes) = allocated.get(&pool.name).copied().unwrap_or_default();
        if (gib, volumes) != (pool.allocated_gib, pool.volumes) {
            violation(
                found,
                "a pool's allocation is the sum over its volumes",
                format!(
                    "{}: {} GiB in {} volumes, they sum to {gib} GiB in {volumes}",
                    pool.name, pool.allocated_gib, pool.volumes
                ),
            );
        }
        let claimed: u64 = state.claims_on(&pool.name).map(|(_, claim)| u64::from(claim.size_gib)).sum();
        if claimed != pool.claimed_gib {
            violation(
                found,
                "a pool's claims add up",
                format!("{}: {} GiB, they sum to {claimed}", pool.name, pool.claimed_gib),
            );
        }
        let older = |at| at <= pool.stats_position;
        let (old, new): (Vec<_>, Vec<_>) = state.claims_on(&pool.name).partition(|(_, claim)| older(claim.made_at));
        let sum = |claims: &[(&crate::id::FlowId, &crate::state::Claim)]| -> u64 {
            claims.iter().map(|(_, claim)| u64::from(claim.size_gib)).sum()
        };
        let default_ratio = state.config.scheduler.max_over_subscription_ratio_default;
        if let Some(room_gib) = pool.stats.room_gib(sum(&old), default_ratio)
            && sum(&new) as f64 > room_gib.max(0.0) + 1e-6
        {
            violation(
                found,
                "a pool's claims never exceed what its decisions allowed",
                format!("{}: {} GiB were given away where {room_gib:.2} GiB were free", pool.name, sum(&new)),
            );
        }
    }
    for ((pool, flow), _) in &state.claims {
        if !state.pools.contains_key(pool) {
            violation(found, "a claim is on a known pool", format!("flow {flow} on {pool}"));
        }
    }
}

fn indexes(state: &State, found: &mut Vec<Violation>) {
    let open = state.flows.values().filter(|flow| flow.task.is_some()).count();
    if open != state.deadlines.len() {
        violation(
            found,
            "an index holds what its table holds",
            format!("{} deadlines for {open} tasks", state.deadlines.len()),
        );
    }
    let named = state.types.values().filter(|t| state.type_names.get(t.name.as_str()) == Some(&t.id)).count();
    if named != state.types.len() || named != state.type_names.len() {
        violation(
            found,
            "an index holds what its table holds",
            format!("{} type names for {} types", state.type_names.len(), state.types.len()),
        );
    }
}

#[cfg(test)]
mod tests;
