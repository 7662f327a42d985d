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
    pub(super) gigabytes: i64,
    pub(super) volume_type: TypeId,
}

/// Reserves, or refuses naming limit, use and reservations.
pub(super) fn reserve(
    cx: &Context<'_>,
    project: &ProjectId,
    flow: FlowId,
    want: Want,
) -> Result<(ReservationId, Event), Refusal> {
    let deltas = deltas(cx, project, want);
    // Cinder looks at the resources by name, so gigabytes are named before volumes when both are exceeded.
    for kind in ["gigabytes", "volumes"] {
        let exceeded = deltas.iter().find(|delta| exceeds(delta) && delta.resource.to_string().starts_with(kind));
        if let Some(delta) = exceeded {
            return Err(over_quota(cx, project, delta, kind));
        }
    }
    Ok(reserved(project, flow, deltas))
}

/// Gives back: never refused.
pub(super) fn give_back(cx: &Context<'_>, project: &ProjectId, flow: FlowId, want: Want) -> (ReservationId, Event) {
    reserved(project, flow, deltas(cx, project, want))
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

fn deltas(cx: &Context<'_>, project: &ProjectId, want: Want) -> Vec<QuotaDelta> {
    let lines = [
        (QuotaResource::Volumes, want.volumes),
        (QuotaResource::Gigabytes, want.gigabytes),
        (QuotaResource::VolumesOf(want.volume_type), want.volumes),
        (QuotaResource::GigabytesOf(want.volume_type), want.gigabytes),
    ];
    let lines = lines.into_iter().filter(|(_, delta)| *delta != 0);
    lines
        .map(|(resource, delta)| {
            let usage = cx.state.usage_of(project, resource);
            let limit = cx.state.limit(project, resource);
            QuotaDelta { resource, delta, limit, in_use: usage.in_use, reserved: usage.reserved }
        })
        .collect()
}

fn exceeds(delta: &QuotaDelta) -> bool {
    delta.limit >= 0 && delta.delta >= 0 && delta.limit < delta.delta + delta.in_use + delta.reserved
}

fn over_quota(cx: &Context<'_>, project: &ProjectId, delta: &QuotaDelta, kind: &str) -> Refusal {
    let type_name = |id: TypeId| cx.state.types.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone());
    let name = delta.resource.name(type_name);
    let consumed = delta.in_use + delta.reserved;
    let remedy = format!(
        "delete something of project {project}, or have its quota {name} raised ({} in use, {} reserved, limit {})",
        delta.in_use, delta.reserved, delta.limit
    );
    if kind == "volumes" {
        Refusal::new(
            RefusalCode::VolumeLimitExceeded,
            format!(
                "VolumeLimitExceeded: Maximum number of volumes allowed ({}) exceeded for quota '{name}'.",
                delta.limit
            ),
            remedy,
        )
    } else {
        Refusal::new(
            RefusalCode::VolumeSizeExceedsAvailableQuota,
            format!(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed {name} quota. \
                 Requested {}G, quota is {}G and {consumed}G has been consumed.",
                delta.delta, delta.limit
            ),
            remedy,
        )
    }
}
