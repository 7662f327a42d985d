//! What must always hold. Every test, the simulator and the replay tool call [`audit`] and expect nothing.

use std::collections::BTreeMap;
use std::fmt;

use imbl::OrdSet;

use crate::id::{PoolName, ProjectId};
use crate::state::{
    Flow, FlowKind, GroupStatus, QuotaResource, SnapshotStatus, State, UsageLine, Volume, VolumeStatus,
};

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
    attachments(state, &mut found);
    transfers(state, &mut found);
    groups(state, &mut found);
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
    for snapshot in state.snapshots.values() {
        let size = i64::from(snapshot.size_gib.gib());
        let of_type = state.volumes.get(&snapshot.volume).map(|volume| volume.volume_type);
        let of_type = of_type.into_iter().flat_map(|volume_type| {
            [(QuotaResource::SnapshotsOf(volume_type), 1), (QuotaResource::GigabytesOf(volume_type), size)]
        });
        let lines = [(QuotaResource::Snapshots, 1), (QuotaResource::Gigabytes, size)];
        for (resource, amount) in lines.into_iter().chain(of_type) {
            expected.entry((snapshot.project.clone(), resource)).or_default().in_use += amount;
        }
    }
    for group in state.groups.values() {
        expected.entry((group.project.clone(), QuotaResource::Groups)).or_default().in_use += 1;
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

/// What is underway has exactly one flow at work, and every flow one task with a deadline.
fn work(state: &State, found: &mut Vec<Violation>) {
    for volume in state.volumes.values() {
        let by = volume.status.flow();
        if by.is_some_and(|id| state.flows.get(&id).is_none_or(|flow| flow.volume != volume.id)) {
            let what = format!("volume {} is {} by {by:?}, which is not open for it", volume.id, volume.status.name());
            violation(found, "a volume in a transitional status has its flow", what);
        }
    }
    for snapshot in state.snapshots.values() {
        let by = snapshot.status.flow();
        let at_it = |flow: &Flow| {
            let with_its_volume = flow.kind == FlowKind::VolumeDelete && flow.volume == snapshot.volume;
            flow.snapshot == Some(snapshot.id) || with_its_volume
        };
        if by.is_some_and(|id| !state.flows.get(&id).is_some_and(|flow| at_it(flow))) {
            let status = snapshot.status.name();
            let what = format!("snapshot {} is {status} by {by:?}, which is not open for it", snapshot.id);
            violation(found, "a snapshot in a transitional status has its flow", what);
        }
    }
    for attachment in state.attachments.values() {
        let by = attachment.status.flow();
        if by.is_some_and(|id| state.flows.get(&id).is_none_or(|flow| flow.attachment != Some(attachment.id))) {
            let status = attachment.status.name();
            let what = format!("attachment {} is {status} by {by:?}, which is not open for it", attachment.id);
            violation(found, "an attachment in a transitional status has its flow", what);
        }
    }
    flows(state, found);
}

fn flows(state: &State, found: &mut Vec<Violation>) {
    for flow in state.flows.values() {
        match &flow.task {
            None => violation(found, "an open flow has one open task", format!("flow {} has none", flow.id)),
            Some(open) if !state.deadlines.contains(&(open.deadline, flow.id)) => {
                violation(found, "an open task has a deadline", format!("task {} of flow {}", open.task.id, flow.id));
            }
            Some(_) => {}
        }
        if !is_wanted(state, flow) {
            let what = format!("flow {} ({}) of volume {}", flow.id, flow.kind.name(), flow.volume);
            violation(found, "an open flow is named by what it works on", what);
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

/// Whether what the flow works on names it. Cleanups work on what is named nowhere any more.
fn is_wanted(state: &State, flow: &Flow) -> bool {
    let by = match flow.kind {
        FlowKind::VolumeCreate
        | FlowKind::VolumeDelete
        | FlowKind::VolumeExtend
        | FlowKind::VolumeRevert
        | FlowKind::VolumeManage
        | FlowKind::VolumeUnmanage => state.volumes.get(&flow.volume).and_then(|volume| volume.status.flow()),
        FlowKind::SnapshotCreate | FlowKind::SnapshotDelete | FlowKind::SnapshotManage | FlowKind::SnapshotUnmanage => {
            flow.snapshot.and_then(|id| state.snapshots.get(&id)).and_then(|snapshot| snapshot.status.flow())
        }
        FlowKind::AttachmentConnect | FlowKind::AttachmentDisconnect => {
            match flow.attachment.and_then(|id| state.attachments.get(&id)) {
                Some(attachment) if attachment.connector.is_some() => attachment.status.flow(),
                _ if flow.kind == FlowKind::AttachmentDisconnect => return true,
                _ => None,
            }
        }
        FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup | FlowKind::DriftRepair => return true,
    };
    by == Some(flow.id)
}

/// Volumes and attachments name each other, and nobody's data has two writers who do not know of each other.
fn attachments(state: &State, found: &mut Vec<Violation>) {
    const NAMED: &str = "a volume's attachments exist and are its";
    for attachment in state.attachments.values() {
        let named =
            |volume: &Volume| volume.attachments.contains(&attachment.id) && volume.project == attachment.project;
        if !state.volumes.get(&attachment.volume).is_some_and(|volume| named(volume)) {
            violation(found, NAMED, format!("attachment {} of volume {}", attachment.id, attachment.volume));
        }
    }
    for volume in state.volumes.values() {
        for id in &volume.attachments {
            if state.attachments.get(id).is_none_or(|attachment| attachment.volume != volume.id) {
                violation(found, NAMED, format!("volume {} names attachment {id}", volume.id));
            }
        }
        let mut connected = state.attachments_of(volume).filter(|attachment| attachment.is_connected());
        // A server that moves is connected from both of its hosts for a while.
        let first = connected.next().map(|first| &first.instance);
        let another = connected.find(|other| other.instance.is_none() || Some(&other.instance) != first);
        if let Some(another) = another.filter(|_| !volume.multiattach) {
            let what = format!("volume {}, by attachment {} as well", volume.id, another.id);
            violation(found, "a volume without multiattach is connected for one server at most", what);
        }
    }
}

/// A volume awaits a transfer while there is one, and only then.
fn transfers(state: &State, found: &mut Vec<Violation>) {
    const BOTH: &str = "a transfer and its volume name each other";
    for transfer in state.transfers.values() {
        let awaits = VolumeStatus::AwaitingTransfer { transfer: transfer.id };
        if state.volumes.get(&transfer.volume).is_none_or(|volume| volume.status != awaits) {
            violation(found, BOTH, format!("transfer {} of volume {}", transfer.id, transfer.volume));
        }
    }
    for volume in state.volumes.values() {
        if let VolumeStatus::AwaitingTransfer { transfer } = volume.status
            && state.transfers.get(&transfer).is_none_or(|transfer| transfer.volume != volume.id)
        {
            violation(found, BOTH, format!("volume {} awaits transfer {transfer}", volume.id));
        }
    }
}

/// A group that is underway waits for one of its members, and members are of groups that exist.
fn groups(state: &State, found: &mut Vec<Violation>) {
    const UNDERWAY: &str = "a group that is underway has a member that is";
    for group in state.groups.values() {
        let mut members = state.volumes_of_group(group.id);
        let waits = match group.status {
            GroupStatus::Creating => members.any(|volume| matches!(volume.status, VolumeStatus::Creating { .. })),
            GroupStatus::Deleting => members.any(|volume| matches!(volume.status, VolumeStatus::Deleting { .. })),
            GroupStatus::Available | GroupStatus::Error | GroupStatus::Stated(_) => true,
        };
        if !waits {
            violation(found, UNDERWAY, format!("group {} is {}", group.id, group.status.name()));
        }
    }
    for group in state.group_snapshots.values() {
        let mut members = state.snapshots_of_group(group.id);
        let waits = match group.status {
            GroupStatus::Creating => members.any(|member| matches!(member.status, SnapshotStatus::Creating { .. })),
            GroupStatus::Deleting => members.any(|member| matches!(member.status, SnapshotStatus::Deleting { .. })),
            GroupStatus::Available | GroupStatus::Error | GroupStatus::Stated(_) => true,
        };
        if !waits {
            violation(found, UNDERWAY, format!("group snapshot {} is {}", group.id, group.status.name()));
        }
        if !state.groups.contains_key(&group.group) {
            violation(found, "a member's group exists", format!("group snapshot {} of {}", group.id, group.group));
        }
    }
    for volume in state.volumes.values() {
        if let Some(group) = volume.group.filter(|group| !state.groups.contains_key(group)) {
            violation(found, "a member's group exists", format!("volume {} of group {group}", volume.id));
        }
    }
    for snapshot in state.snapshots.values() {
        if let Some(group) = snapshot.group_snapshot.filter(|group| !state.group_snapshots.contains_key(group)) {
            violation(found, "a member's group exists", format!("snapshot {} of group snapshot {group}", snapshot.id));
        }
        if !state.volumes.contains_key(&snapshot.volume) {
            violation(
                found,
                "a volume outlives its snapshots",
                format!("snapshot {} of {}", snapshot.id, snapshot.volume),
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
    same_size(found, "deadlines", state.deadlines.len(), open);
    let named = state.types.values().filter(|t| state.type_names.get(t.name.as_str()) == Some(&t.id)).count();
    same_size(found, "type names", named, state.types.len());
    same_size(found, "type names", state.type_names.len(), state.types.len());
    let snapshots = state.snapshots.values().map(|snapshot| (snapshot.volume, snapshot.id));
    same(found, "snapshots by volume", &state.snapshots_of, &snapshots.collect());
    let volumes = state.volumes.values().filter_map(|volume| Some((volume.group?, volume.id)));
    same(found, "volumes by group", &state.volumes_of_group, &volumes.collect());
    let snapshots = state.snapshots.values().filter_map(|snapshot| Some((snapshot.group_snapshot?, snapshot.id)));
    same(found, "snapshots by group snapshot", &state.snapshots_of_group, &snapshots.collect());
    let messages = state.messages.values().map(|message| (message.created_at, message.id));
    same(found, "messages by age", &state.message_ages, &messages.collect());
}

const INDEX: &str = "an index holds what its table holds";

fn same<T: Ord + Clone>(found: &mut Vec<Violation>, index: &str, is: &OrdSet<T>, shall: &OrdSet<T>) {
    if is != shall {
        violation(found, INDEX, format!("{index}: {} where there are {}", is.len(), shall.len()));
    }
}

fn same_size(found: &mut Vec<Violation>, index: &str, is: usize, shall: usize) {
    if is != shall {
        violation(found, INDEX, format!("{index}: {is} where there are {shall}"));
    }
}

#[cfg(test)]
mod tests;
