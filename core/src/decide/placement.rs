//! Asking the scheduler with what the state knows.

use std::collections::BTreeMap;

use super::again::Asked;
use super::{Context, task_id, volume_source};
use crate::event::Event;
use crate::id::{CommandId, FlowId, PoolName, ProjectId, TypeId, VolumeId};
use crate::refusal::Refusal;
use crate::schedule::filter::query::Query;
use crate::schedule::{Decision, Hints, HintsInForce, PlacementRequest, PoolView, Purpose, place_in_full};
use crate::state::{State, Volume, VolumeStatus};
use crate::task::{CopySource, Operation, Phase, Task};
use crate::unit::SizeGib;

/// Looks for a pool for a new volume; `tried` are the pools on which this flow failed.
pub(super) fn for_create(
    cx: &Context<'_>,
    flow: FlowId,
    volume: &Volume,
    tried: &[PoolName],
    hints: Option<&HintsInForce<'_>>,
) -> Decision {
    let attempt = u32::try_from(tried.len() + 1).unwrap_or(u32::MAX);
    let request = PlacementRequest {
        availability_zones: vec![volume.availability_zone.clone()],
        tried_pools: tried,
        only_pool: volume_source::only_pool(cx, volume),
        attempt,
        hints,
        ..request(cx, volume.volume_type, volume.size_gib.gib(), Purpose::Create)
    };
    decide(cx, flow, volume.id, &request)
}

/// Asks whether the volume's own pool has room for its growth.
pub(super) fn for_extend(cx: &Context<'_>, flow: FlowId, volume: &Volume, pool: &PoolName, size: SizeGib) -> Decision {
    let purpose = Purpose::Extend { attached: volume.status == VolumeStatus::InUse };
    let request = PlacementRequest {
        current_size_gib: volume.size_gib.gib(),
        only_pool: Some(pool),
        ..request(cx, volume.volume_type, size.gib() - volume.size_gib.gib(), purpose)
    };
    decide(cx, flow, volume.id, &request)
}

/// Asks whether the volume's own pool has room for a snapshot of it.
pub(super) fn for_snapshot(cx: &Context<'_>, flow: FlowId, volume: &Volume, pool: &PoolName) -> Decision {
    let purpose = Purpose::Snapshot;
    let request =
        PlacementRequest { only_pool: Some(pool), ..request(cx, volume.volume_type, volume.size_gib.gib(), purpose) };
    decide(cx, flow, volume.id, &request)
}

/// Asks whether the volume's own pool has what another type asks for.
pub(super) fn for_retype(cx: &Context<'_>, volume: &Volume, pool: &PoolName, volume_type: TypeId) -> Decision {
    let request = PlacementRequest {
        availability_zones: vec![volume.availability_zone.clone()],
        only_pool: Some(pool),
        vol_exists_on: Some(pool),
        ..request(cx, volume_type, volume.size_gib.gib(), Purpose::Retype)
    };
    decide(cx, FlowId(volume.id.0), volume.id, &request)
}

static NO_SPECS: BTreeMap<String, Option<String>> = BTreeMap::new();

fn request<'a>(cx: &Context<'a>, volume_type: TypeId, size_gib: u32, purpose: Purpose) -> PlacementRequest<'a> {
    PlacementRequest {
        size_gib,
        current_size_gib: 0,
        purpose,
        extra_specs: cx.state.types.get(&volume_type).map_or(&NO_SPECS, |found| &found.extra_specs),
        availability_zones: Vec::new(),
        tried_pools: &[],
        only_pool: None,
        vol_exists_on: None,
        attempt: 1,
        hints: None,
    }
}

fn decide(cx: &Context<'_>, flow: FlowId, volume: VolumeId, request: &PlacementRequest<'_>) -> Decision {
    let decision = place_in_full(request, views(cx), &cx.state.config.scheduler, seed(flow, request.attempt));
    if let Some(asked) = cx.asked {
        asked.borrow_mut().push(Asked { volume, decision: decision.clone() });
    }
    decision.bounded()
}

/// The hints with what is known of their volumes; `None` when nothing is wanted. Volumes that the project may not see
/// are on no pool.
pub(super) fn hints_in_force<'a>(
    cx: &Context<'_>,
    project: &ProjectId,
    hints: &'a Hints,
) -> Result<Option<HintsInForce<'a>>, Refusal> {
    if hints.is_empty() {
        return Ok(None);
    }
    let query = hints.query.as_deref().map(Query::read).transpose().map_err(|why| {
        let remedy = r#"give a list such as [">=", "$free_capacity_gb", 10], or leave the hint away"#;
        volume_source::invalid_input(format!("the scheduler hint query cannot be read: {why}"), remedy)
    })?;
    let named = hints.same_host.iter().chain(&hints.different_host);
    let known = named.filter_map(|id| cx.state.volumes.get(id));
    let visible = known.filter(|volume| project.is_admin() || volume.project == *project);
    let pools = visible.filter_map(|volume| Some((volume.id, volume.pool.clone()?))).collect();
    Ok(Some(HintsInForce { hints, pools, query }))
}

/// Whether nobody has answered for the pool's backend for a while.
pub(super) fn is_down(cx: &Context<'_>, pool: &PoolName) -> bool {
    let backend = cx.state.backends.get(&pool.backend());
    let limit_ms = cx.state.config.scheduler.service_down_ms;
    backend.is_none_or(|backend| cx.now.ms_since(backend.heartbeat_at) > limit_ms)
}

/// The events that put a volume on its way to the chosen pool: the decision and the task.
pub(super) fn dispatch(
    cx: &Context<'_>,
    flow: FlowId,
    volume: &Volume,
    decision: Decision,
    source: Option<CopySource>,
) -> Vec<Event> {
    let task = decision.chosen.clone().map(|pool| {
        let operation = Operation::CreateVolume { volume: volume.id, size_gib: volume.size_gib, source };
        let number = usize::try_from(decision.attempt).unwrap_or(usize::MAX);
        new_task(cx, flow, pool, operation, number)
    });
    let decided = Event::PlacementDecided { flow, volume: volume.id, decision: Box::new(decision) };
    std::iter::once(decided).chain(task.map(|task| Event::TaskPending { task: Box::new(task) })).collect()
}

/// A flow's `number`-th task, to be dispatched for the first time.
pub(super) fn new_task(cx: &Context<'_>, flow: FlowId, pool: PoolName, operation: Operation, number: usize) -> Task {
    Task {
        id: task_id(flow, number),
        flow,
        pool,
        operation,
        phase: Phase::Execute,
        dispatch: 1,
        deadline: cx.deadline(),
        asked_at: cx.position,
    }
}

fn seed(flow: FlowId, attempt: u32) -> u64 {
    let derived = CommandId(flow.0).derive(&format!("placement {attempt}"));
    // 53 bits: every JSON tool reads such a number exactly.
    derived.as_u64_pair().0 >> 11
}

fn views<'a>(cx: &Context<'a>) -> impl Iterator<Item = PoolView<'a>> {
    let state: &'a State = cx.state;
    let now = cx.now;
    state.backends.iter().flat_map(move |(_, backend)| {
        backend.pools.iter().filter_map(move |name| {
            let pool = state.pools.get(name)?;
            Some(PoolView {
                pool: &pool.name,
                availability_zone: &backend.availability_zone,
                disabled_reason: backend.disabled.as_ref().map(|set| set.reason.as_str()),
                frozen_reason: backend.frozen.as_ref().map(|set| set.reason.as_str()),
                heartbeat_age_ms: Some(now.ms_since(backend.heartbeat_at)),
                stats: Some(&pool.stats),
                stats_position: pool.stats_position,
                claimed_gib: pool.claimed_gib,
                allocated_gib: pool.allocated_gib,
            })
        })
    })
}
