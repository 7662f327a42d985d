use std::sync::Arc;

use super::{Applied, Meta};
use crate::command::ServiceChange;
use crate::id::{BackendName, FlowId, PoolName, WorkerName};
use crate::state::{Backend, Entity, Pool, Set, State};
use crate::task::BackendReport;
use crate::unit::Position;

pub(super) fn reported(
    state: &mut State,
    meta: Meta,
    report: &BackendReport,
    worker: &WorkerName,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let before = state.backends.get(&report.backend).cloned();
    let newest = before.as_ref().map_or(report.as_of, |before| before.as_of.max(report.as_of));
    let (disabled, frozen) = before.map_or((None, None), |b| (b.disabled.clone(), b.frozen.clone()));
    let backend = Backend {
        name: report.backend.clone(),
        availability_zone: report.availability_zone.clone(),
        driver: report.driver.clone(),
        worker: worker.clone(),
        heartbeat_at: meta.at,
        as_of: newest,
        disabled,
        frozen,
        pools: report.pools.iter().map(|pool| pool.pool.clone()).collect(),
    };
    state.backends.insert(report.backend.clone(), Arc::new(backend));
    touch(Entity::Backend(report.backend.clone()));
    for reported in &report.pools {
        let outdated = report.as_of < newest;
        if outdated && state.pools.contains_key(&reported.pool) {
            continue;
        }
        let dropped_gib = drop_fulfilled(state, &reported.pool, report.as_of, touch);
        let before = state.pools.get(&reported.pool);
        let pool = Pool {
            name: reported.pool.clone(),
            stats: Arc::new(reported.stats.clone()),
            stats_position: meta.position,
            claimed_gib: before.map_or(0, |pool| pool.claimed_gib).saturating_sub(dropped_gib),
            allocated_gib: before.map_or(0, |pool| pool.allocated_gib),
            volumes: before.map_or(0, |pool| pool.volumes),
            removed_at: before.map_or_else(Position::default, |pool| pool.removed_at),
            inventory_asked: before.and_then(|pool| pool.inventory_asked),
            inventoried: before.and_then(|pool| pool.inventoried),
            foreign: before.map(|pool| pool.foreign.clone()).unwrap_or_default(),
        };
        state.pools.insert(reported.pool.clone(), Arc::new(pool));
        touch(Entity::Pool(reported.pool.clone()));
    }
    Ok(())
}

/// Drops the claims that the new figures contain; gives their sum in GiB.
fn drop_fulfilled(state: &mut State, pool: &PoolName, as_of: Position, touch: &mut dyn FnMut(Entity)) -> u64 {
    let contained: Vec<(FlowId, u32)> = state
        .claims_on(pool)
        .filter(|(_, claim)| claim.fulfilled_at.is_some_and(|at| at <= as_of))
        .map(|(flow, claim)| (*flow, claim.size_gib))
        .collect();
    for (flow, _) in &contained {
        state.claims.remove(&(pool.clone(), *flow));
        touch(Entity::Claim(pool.clone(), *flow));
    }
    contained.iter().map(|(_, size_gib)| u64::from(*size_gib)).sum()
}

pub(super) fn changed(
    state: &mut State,
    meta: Meta,
    name: &BackendName,
    change: &ServiceChange,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let backend = state.backends.get_mut(name).ok_or_else(|| format!("there is no backend {name}"))?;
    let backend = Arc::make_mut(backend);
    let set = |reason: &String| Some(Set { at: meta.at, reason: reason.clone() });
    match change {
        ServiceChange::Enable => backend.disabled = None,
        ServiceChange::Disable(reason) => backend.disabled = set(reason),
        ServiceChange::Freeze(reason) => backend.frozen = set(reason),
        ServiceChange::Thaw => backend.frozen = None,
    }
    touch(Entity::Backend(name.clone()));
    Ok(())
}
