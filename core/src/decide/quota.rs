//! Checking and reserving quota. The rule is Cinder's: a limit is passed when it is not -1 and smaller than what is in
//! use, reserved and asked for together; giving back is never refused.

use super::Context;
use crate::event::{Event, QuotaDelta};
use crate::id::{FlowId, ProjectId, ReservationId, TypeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::QuotaResource;
use crate::unit::SizeGib;

/// What a flow wants of a project's quota.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want {
    pub(super) volumes: i64,
    pub(super) snapshots: i64,
    pub(super) gigabytes: i64,
    pub(super) groups: i64,
    /// The type on whose account it goes as well; groups have none.
    pub(super) volume_type: Option<TypeId>,
}

impl Want {
    /// So many volumes with so many gigabytes in all.
    pub(super) fn volume(volume_type: TypeId, volumes: i64, gigabytes: i64) -> Self {
        Self { volumes, snapshots: 0, gigabytes, groups: 0, volume_type: Some(volume_type) }
    }

    /// So many snapshots with so many gigabytes in all.
    pub(super) fn snapshot(volume_type: TypeId, snapshots: i64, gigabytes: i64) -> Self {
        Self { volumes: 0, snapshots, gigabytes, groups: 0, volume_type: Some(volume_type) }
    }

    /// So many groups.
    pub(super) fn group(groups: i64) -> Self {
        Self { volumes: 0, snapshots: 0, gigabytes: 0, groups, volume_type: None }
    }

    /// The same in the other direction.
    pub(super) fn negated(self) -> Self {
        Self {
            volumes: -self.volumes,
            snapshots: -self.snapshots,
            gigabytes: -self.gigabytes,
            groups: -self.groups,
            volume_type: self.volume_type,
        }
    }

    /// The lines that it changes.
    fn lines(self) -> impl Iterator<Item = (QuotaResource, i64)> {
        let plain = [
            (QuotaResource::Volumes, self.volumes),
            (QuotaResource::Snapshots, self.snapshots),
            (QuotaResource::Gigabytes, self.gigabytes),
            (QuotaResource::Groups, self.groups),
        ];
        let of_type = self.volume_type.into_iter().flat_map(move |id| {
            [
                (QuotaResource::VolumesOf(id), self.volumes),
                (QuotaResource::SnapshotsOf(id), self.snapshots),
                (QuotaResource::GigabytesOf(id), self.gigabytes),
            ]
        });
        plain.into_iter().chain(of_type)
    }
}

/// Reserves for a flow, or refuses naming limit, use and reservations.
pub(super) fn reserve(
    cx: &Context<'_>,
    project: &ProjectId,
    flow: FlowId,
    want: Want,
) -> Result<(ReservationId, Event), Refusal> {
    let deltas = deltas(cx, project, &[want]);
    check(cx, project, &deltas)?;
    Ok(reserved(project, flow, deltas))
}

/// Takes at once, for something that is whole within this commit, or refuses as [`reserve`] does. Several wants are
/// added up first: a retype takes from one type what it gives to another, and the project's totals stay.
///
/// A want may be negative as a whole; it is then given back, and never refused.
pub(super) fn used(cx: &Context<'_>, project: &ProjectId, wants: &[Want]) -> Result<Event, Refusal> {
    let deltas = deltas(cx, project, wants);
    check(cx, project, &deltas)?;
    Ok(Event::QuotaUsed { project: project.clone(), deltas })
}

/// Gives back at once, never refused. `wants` is what is given back, in positive numbers.
pub(super) fn given_back(cx: &Context<'_>, project: &ProjectId, wants: &[Want]) -> Event {
    let wants: Vec<Want> = wants.iter().map(|want| want.negated()).collect();
    Event::QuotaUsed { project: project.clone(), deltas: deltas(cx, project, &wants) }
}

/// Gives back by a reservation of a flow: never refused.
pub(super) fn give_back(cx: &Context<'_>, project: &ProjectId, flow: FlowId, want: Want) -> (ReservationId, Event) {
    reserved(project, flow, deltas(cx, project, &[want]))
}

/// The limit for the size of one volume.
pub(super) fn check_size(cx: &Context<'_>, project: &ProjectId, size: SizeGib) -> Result<(), Refusal> {
    let limit = cx.state.limit(project, QuotaResource::PerVolumeGigabytes);
    if limit >= 0 && i64::from(size.gib()) > limit {
        return Err(Refusal::new(
            RefusalCode::VolumeSizeExceedsLimit,
            format!(
                "VolumeSizeExceedsLimit: Requested volume size {}G is larger than maximum allowed limit {limit}G.",
                size.gib()
            ),
            format!("ask for at most {limit} GiB, or have per_volume_gigabytes of project {project} raised"),
        ));
    }
    Ok(())
}

fn reserved(project: &ProjectId, flow: FlowId, deltas: Vec<QuotaDelta>) -> (ReservationId, Event) {
    let reservation = ReservationId(crate::id::CommandId(flow.0).derive("reservation"));
    (reservation, Event::QuotaReserved { reservation, flow, project: project.clone(), deltas })
}

/// What changes, line by line, with what is seen now. Lines come in the order in which they are named in the records.
fn deltas(cx: &Context<'_>, project: &ProjectId, wants: &[Want]) -> Vec<QuotaDelta> {
    let mut lines: Vec<(QuotaResource, i64)> = Vec::new();
    for (resource, delta) in wants.iter().flat_map(|want| want.lines()) {
        match lines.iter_mut().find(|(known, _)| *known == resource) {
            Some((_, sum)) => *sum += delta,
            None => lines.push((resource, delta)),
        }
    }
    lines.retain(|(_, delta)| *delta != 0);
    let with_figures = |(resource, delta)| {
        let usage = cx.state.usage_of(project, resource);
        let limit = cx.state.limit(project, resource);
        QuotaDelta { resource, delta, limit, in_use: usage.in_use, reserved: usage.reserved }
    };
    lines.into_iter().map(with_figures).collect()
}

/// What of a resource's name decides which error Cinder gives, in the order in which it looks (`quota_utils.py` goes
/// through the exceeded resources by name).
const KINDS: &[&str] = &["gigabytes", "groups", "snapshots", "volumes"];

fn check(cx: &Context<'_>, project: &ProjectId, deltas: &[QuotaDelta]) -> Result<(), Refusal> {
    for kind in KINDS {
        let exceeded = deltas.iter().find(|delta| exceeds(delta) && delta.resource.to_string().starts_with(kind));
        if let Some(delta) = exceeded {
            return Err(over_quota(cx, project, delta, kind));
        }
    }
    Ok(())
}

fn exceeds(delta: &QuotaDelta) -> bool {
    delta.limit >= 0 && delta.delta >= 0 && delta.limit < delta.delta + delta.in_use + delta.reserved
}

/// The texts are Cinder's; that for volumes is the only one that names the quota.
fn over_quota(cx: &Context<'_>, project: &ProjectId, delta: &QuotaDelta, kind: &str) -> Refusal {
    let type_name = |id: TypeId| cx.state.types.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone());
    let name = delta.resource.name(type_name);
    let limit = delta.limit;
    let consumed = delta.in_use + delta.reserved;
    let remedy = format!(
        "delete something of project {project}, or have its quota {name} raised ({} in use, {} reserved, limit {limit})",
        delta.in_use, delta.reserved
    );
    let (code, text) = match kind {
        "volumes" => (
            RefusalCode::VolumeLimitExceeded,
            format!("Maximum number of volumes allowed ({limit}) exceeded for quota '{name}'."),
        ),
        "snapshots" => {
            (RefusalCode::SnapshotLimitExceeded, format!("Maximum number of snapshots allowed ({limit}) exceeded"))
        }
        "groups" => (RefusalCode::GroupLimitExceeded, format!("Maximum number of groups allowed ({limit}) exceeded")),
        _ => (
            RefusalCode::VolumeSizeExceedsAvailableQuota,
            format!(
                "Requested volume or snapshot exceeds allowed {name} quota. \
                 Requested {}G, quota is {limit}G and {consumed}G has been consumed.",
                delta.delta
            ),
        ),
    };
    Refusal::new(code, format!("{}: {text}", code.as_str()), remedy)
}
