//! Who holds a project's quota: every unit with the event that took it.
//!
//! Quota is told twice in the log, and nothing keeps the two together but the code that decides:
//!
//! ```text
//! QuotaReserved, QuotaCommitted, QuotaRolledBack, QuotaUsed --> the counters of the state (evolve/quota.rs)
//! what becomes of volumes, snapshots and groups             --> who holds how much (here)
//! ```
//!
//! A [`Ledger`] follows the second and compares it with the first behind every commit, so a difference is found at the
//! position where it begins.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::event::{Event, QuotaDelta};
use crate::fold::Step;
use crate::id::{CommandId, FlowId, GroupId, ProjectId, ReservationId, SnapshotId, VolumeId};
use crate::record::Commit;
use crate::state::{Entity, QuotaResource, State, UsageLine};
use crate::unit::{Position, Timestamp};

/// How many differences are kept; all of them are counted.
pub const DIFFERENCES_KEPT: usize = 100;

/// What holds quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A volume.
    Volume(VolumeId),
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A group.
    Group(GroupId),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(id) => write!(f, "volume {id}"),
            Self::Snapshot(id) => write!(f, "snapshot {id}"),
            Self::Group(id) => write!(f, "group {id}"),
        }
    }
}

/// The event by which something was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The record.
    pub position: Position,
    /// Which commit of the record, from 0.
    pub commit: usize,
    /// When it was decided, by control's clock.
    pub at: Timestamp,
    /// The event's name.
    pub event: &'static str,
    /// The command or report that led to it.
    pub command: CommandId,
    /// Who asked for it, as far as it is known.
    pub user: String,
}

/// So many units that one event took and nobody has given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// How many; GiB for gigabytes.
    pub amount: i64,
    /// By what.
    #[serde(flatten)]
    pub cause: Cause,
}

/// An open reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its id.
    pub reservation: ReservationId,
    /// The flow with which it ends.
    pub flow: FlowId,
    /// What it is for.
    pub holder: Holder,
    /// What is held.
    pub deltas: Vec<QuotaDelta>,
    /// By what.
    #[serde(flatten)]
    pub cause: Cause,
}

/// The counters say something else than what is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The record from which on they differ by this.
    pub position: Position,
    /// Of what.
    pub resource: QuotaResource,
    /// What the state counts.
    pub counted: UsageLine,
    /// What is held by what exists, and by open reservations.
    pub held: UsageLine,
}

/// One project's quota, followed from the first record.
#[derive(Debug, Clone)]
pub struct Ledger {
    project: ProjectId,
    /// Oldest unit first; never empty.
    taken: BTreeMap<(QuotaResource, Holder), Vec<Unit>>,
    holds: BTreeMap<ReservationId, Hold>,
    /// The sums over both; no zeros.
    held: BTreeMap<QuotaResource, UsageLine>,
    /// What differs now, so that it is told once.
    off: BTreeMap<QuotaResource, (UsageLine, UsageLine)>,
    differences: Vec<Difference>,
    differences_total: u64,
}

impl Ledger {
    /// An empty one; it must be given every commit from the first record on.
    #[must_use]
    pub fn new(project: ProjectId) -> Self {
        Self {
            project,
            taken: BTreeMap::new(),
            holds: BTreeMap::new(),
            held: BTreeMap::new(),
            off: BTreeMap::new(),
            differences: Vec::new(),
            differences_total: 0,
        }
    }

    /// Takes the next commit in.
    pub fn take(&mut self, step: &Step<'_>) {
        for holder in holders(step) {
            self.compare(step, holder);
        }
        for event in &step.commit.events {
            match event {
                Event::QuotaReserved { reservation, flow, project, deltas } if *project == self.project => {
                    self.hold(step, *reservation, *flow, deltas);
                }
                Event::QuotaCommitted { reservation } | Event::QuotaRolledBack { reservation } => {
                    self.release(*reservation);
                }
                _ => {}
            }
        }
        self.check(step);
    }

    /// What is held, by resource and holder, oldest unit first.
    pub fn taken(&self) -> impl Iterator<Item = (QuotaResource, Holder, &[Unit])> {
        self.taken.iter().map(|((resource, holder), units)| (*resource, *holder, units.as_slice()))
    }

    /// The open reservations.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// The sum over all units and holds of a resource.
    #[must_use]
    pub fn held(&self, resource: QuotaResource) -> UsageLine {
        self.held.get(&resource).copied().unwrap_or_default()
    }

    /// The resources of which something is held.
    pub fn resources(&self) -> impl Iterator<Item = QuotaResource> {
        self.held.keys().copied()
    }

    /// Where the counters began to say something else, the first [`DIFFERENCES_KEPT`], and how often they did.
    #[must_use]
    pub fn differences(&self) -> (&[Difference], u64) {
        (&self.differences, self.differences_total)
    }

    /// What a holder held before the commit and holds behind it.
    fn compare(&mut self, step: &Step<'_>, holder: Holder) {
        let before = amounts(step.before, &self.project, holder);
        let after = amounts(step.after, &self.project, holder);
        for (resource, amount) in &after {
            let more = amount - before.get(resource).copied().unwrap_or_default();
            self.change(step, *resource, holder, more);
        }
        for (resource, amount) in before.iter().filter(|(resource, _)| !after.contains_key(*resource)) {
            self.change(step, *resource, holder, -amount);
        }
    }

    /// So many more, or fewer: then the newest units go first.
    fn change(&mut self, step: &Step<'_>, resource: QuotaResource, holder: Holder, more: i64) {
        if more == 0 {
            return;
        }
        add(&mut self.held, resource, UsageLine { in_use: more, reserved: 0 });
        let units = self.taken.entry((resource, holder)).or_default();
        if more > 0 {
            let event = step.commit.events.iter().find(|event| takes(event, holder)).map_or("", Event::name);
            let mut cause = cause(step, event);
            if cause.user.is_empty() {
                // A worker's report made it so; who had asked for it is known by what was reserved.
                let asked = self.holds.values().find(|hold| hold.holder == holder);
                cause.user = asked.map(|hold| hold.cause.user.clone()).unwrap_or_default();
            }
            units.push(Unit { amount: more, cause });
        }
        let mut fewer = (-more).max(0);
        while let Some(unit) = units.last_mut().filter(|_| fewer > 0) {
            let part = unit.amount.min(fewer);
            (unit.amount, fewer) = (unit.amount - part, fewer - part);
            if unit.amount == 0 {
                units.pop();
            }
        }
        if units.is_empty() {
            self.taken.remove(&(resource, holder));
        }
    }

    fn hold(&mut self, step: &Step<'_>, reservation: ReservationId, flow: FlowId, deltas: &[QuotaDelta]) {
        // What is to be given back is not reserved.
        let deltas: Vec<QuotaDelta> = deltas.iter().filter(|delta| delta.delta > 0).cloned().collect();
        if deltas.is_empty() {
            return;
        }
        for delta in &deltas {
            add(&mut self.held, delta.resource, UsageLine { in_use: 0, reserved: delta.delta });
        }
        let holder = flow_is_for(step.before, step.commit, flow);
        let cause = cause(step, "quota_reserved");
        self.holds.insert(reservation, Hold { reservation, flow, holder, deltas, cause });
    }

    fn release(&mut self, reservation: ReservationId) {
        let deltas = self.holds.remove(&reservation).map(|hold| hold.deltas).unwrap_or_default();
        for delta in deltas {
            add(&mut self.held, delta.resource, UsageLine { in_use: 0, reserved: -delta.delta });
        }
    }

    /// Compares with the counters; a difference that stays the same is noted once.
    fn check(&mut self, step: &Step<'_>) {
        let usage = step.after.usage.get(&self.project);
        let counted = usage.into_iter().flat_map(|usage| usage.lines.keys().copied());
        let resources: Vec<QuotaResource> =
            counted.chain(self.held.keys().copied()).chain(self.off.keys().copied()).collect();
        for resource in resources {
            let (counted, held) = (step.after.usage_of(&self.project, resource), self.held(resource));
            if counted == held {
                self.off.remove(&resource);
            } else if self.off.insert(resource, (counted, held)) != Some((counted, held)) {
                self.differences_total += 1;
                if self.differences.len() < DIFFERENCES_KEPT {
                    self.differences.push(Difference { position: step.position, resource, counted, held });
                }
            }
        }
    }
}

fn add(sums: &mut BTreeMap<QuotaResource, UsageLine>, resource: QuotaResource, more: UsageLine) {
    let sum = sums.entry(resource).or_default();
    sum.in_use += more.in_use;
    sum.reserved += more.reserved;
    if *sum == UsageLine::default() {
        sums.remove(&resource);
    }
}

/// What a commit may have made hold more or less.
fn holders(step: &Step<'_>) -> Vec<Holder> {
    let mut holders = Vec::new();
    for entity in step.touched {
        match entity {
            Entity::Volume(id) => {
                holders.push(Holder::Volume(*id));
                // Snapshots are on the account of their volume's type.
                let volume_type = |state: &State| state.volumes.get(id).map(|volume| volume.volume_type);
                if volume_type(step.before) != volume_type(step.after) {
                    let snapshots = step.before.snapshots_of(*id).chain(step.after.snapshots_of(*id));
                    holders.extend(snapshots.map(|snapshot| Holder::Snapshot(snapshot.id)));
                }
            }
            Entity::Snapshot(id) => holders.push(Holder::Snapshot(*id)),
            Entity::Group(id) => holders.push(Holder::Group(*id)),
            _ => {}
        }
    }
    holders.sort_unstable();
    holders.dedup();
    holders
}

/// What of the project's quota something holds as long as it exists.
fn amounts(state: &State, project: &ProjectId, holder: Holder) -> BTreeMap<QuotaResource, i64> {
    let lines: Vec<(QuotaResource, i64)> = match holder {
        Holder::Volume(id) => {
            let volume = state.volumes.get(&id).filter(|volume| volume.project == *project);
            let lines = volume.map(|volume| {
                let size = i64::from(volume.size_gib.gib());
                [
                    (QuotaResource::Volumes, 1),
                    (QuotaResource::Gigabytes, size),
                    (QuotaResource::VolumesOf(volume.volume_type), 1),
                    (QuotaResource::GigabytesOf(volume.volume_type), size),
                ]
            });
            lines.into_iter().flatten().collect()
        }
        Holder::Snapshot(id) => {
            let snapshot = state.snapshots.get(&id).filter(|snapshot| snapshot.project == *project);
            let lines = snapshot.map(|snapshot| {
                let size = i64::from(snapshot.size_gib.gib());
                let of_type = state.volumes.get(&snapshot.volume).map(|volume| volume.volume_type);
                let of_type = of_type.into_iter().flat_map(move |volume_type| {
                    [(QuotaResource::SnapshotsOf(volume_type), 1), (QuotaResource::GigabytesOf(volume_type), size)]
                });
                [(QuotaResource::Snapshots, 1), (QuotaResource::Gigabytes, size)].into_iter().chain(of_type)
            });
            lines.into_iter().flatten().collect()
        }
        Holder::Group(id) => {
            let group = state.groups.get(&id).filter(|group| group.project == *project);
            group.map(|_| (QuotaResource::Groups, 1)).into_iter().collect()
        }
    };
    // Nothing of nothing is no line; a volume of 0 GiB is being taken over.
    lines.into_iter().filter(|(_, amount)| *amount != 0).collect()
}

/// Whether an event may make something hold more.
fn takes(event: &Event, holder: Holder) -> bool {
    match (event, holder) {
        (Event::VolumeEntryCreated { volume }, Holder::Volume(id)) => volume.id == id,
        (
            Event::VolumeExtended { volume, .. }
            | Event::VolumeManaged { volume, .. }
            | Event::VolumeRetyped { volume, .. },
            Holder::Volume(id),
        ) => *volume == id,
        (Event::SnapshotEntryCreated { snapshot }, Holder::Snapshot(id)) => snapshot.id == id,
        // The snapshots of its volume go with it.
        (Event::VolumeRetyped { .. }, Holder::Snapshot(_)) => true,
        (Event::TransferAccepted { .. }, Holder::Volume(_) | Holder::Snapshot(_)) => true,
        (Event::GroupCreated { group }, Holder::Group(id)) => group.id == id,
        _ => false,
    }
}

fn cause(step: &Step<'_>, event: &'static str) -> Cause {
    let Step { position, index, commit, .. } = *step;
    let (command, user) = (commit.id, commit.actor.user.clone());
    Cause { position, commit: index, at: commit.at, event, command, user }
}

/// The snapshot or volume that a flow is about.
fn flow_is_for(before: &State, commit: &Commit, flow: FlowId) -> Holder {
    let started = commit.events.iter().find_map(|event| match event {
        Event::FlowStarted { flow: started, volume, snapshot, .. } if *started == flow => Some((*volume, *snapshot)),
        _ => None,
    });
    let known = || before.flows.get(&flow).map(|flow| (flow.volume, flow.snapshot));
    match started.or_else(known) {
        Some((_, Some(snapshot))) => Holder::Snapshot(snapshot),
        Some((volume, None)) => Holder::Volume(volume),
        // No valid record reserves for a flow that nobody began.
        None => Holder::Volume(VolumeId(flow.0)),
    }
}
