//! Asking the scheduler with what the state knows.

use std::collections::BTreeMap;

use super::{Context, task_id};
use crate::event::Event;
use crate::id::{CommandId, FlowId, PoolName};
use crate::schedule::{Decision, PlacementRequest, PoolView, Purpose, place};
use crate::state::{State, Volume};
use crate::task::{Operation, Phase, Task};
use crate::unit::SizeGib;

/// Looks for a pool for a new volume; `tried` are the pools on which this flow failed.
pub(super) fn for_create(cx: &Context<'_>, flow: FlowId, volume: &Volume, tried: &[PoolName]) -> Decision {
    let no_specs = BTreeMap::new();
    let request = PlacementRequest {
        size_gib: volume.size_gib.gib(),
        current_size_gib: 0,
        purpose: Purpose::Create,
        extra_specs: cx.state.types.get(&volume.volume_type).map_or(&no_specs, |found| &found.extra_specs),
        availability_zones: vec![volume.availability_zone.clone()],
        tried_pools: tried,
        only_pool: None,
        vol_exists_on: None,
        attempt: u32::try_from(tried.len() + 1).unwrap_or(u32::MAX),
    };
    let seed = seed(flow, request.attempt);
    place(&request, views(cx), &cx.state.config.scheduler, seed)
}

/// Asks whether the volume's own pool has room for its growth.
pub(super) fn for_extend(cx: &Context<'_>, flow: FlowId, volume: &Volume, pool: &PoolName, size: SizeGib) -> Decision {
    let no_specs = BTreeMap::new();
    let request = PlacementRequest {
        size_gib: size.gib() - volume.size_gib.gib(),
        current_size_gib: volume.size_gib.gib(),
        purpose: Purpose::Extend { attached: false },
        extra_specs: cx.state.types.get(&volume.volume_type).map_or(&no_specs, |found| &found.extra_specs),
        availability_zones: Vec::new(),
        tried_pools: &[],
        only_pool: Some(pool),
        vol_exists_on: None,
        attempt: 1,
    };
    place(&request, views(cx), &cx.state.config.scheduler, seed(flow, 1))
}

/// The events that put a volume on its way to the chosen pool: the decision and the task.
pub(super) fn dispatch(cx: &Context<'_>, flow: FlowId, volume: &Volume, decision: Decision) -> Vec<Event> {
    let task = decision.chosen.clone().map(|pool| {
        let operation = Operation::CreateVolume { volume: volume.id, size_gib: volume.size_gib };
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
