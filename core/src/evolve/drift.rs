//! What differs on the storage, and when it was looked at.

use std::sync::Arc;

use super::{Applied, Meta};
use crate::event::Event;
use crate::id::PoolName;
use crate::inventory::{Inventoried, Stored};
use crate::state::{Entity, Pool, State};

type Touch<'a> = &'a mut dyn FnMut(Entity);

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, meta: Meta, event: &Event, touch: Touch<'_>) -> Option<Applied> {
    Some(match event {
        Event::DriftFound { drift } => {
            touch(Entity::Drift(drift.pool.clone(), drift.what.clone()));
            match state.drifts.insert(drift.key(), Arc::new((**drift).clone())) {
                Some(known) if known.kind == drift.kind => Err(format!("{} was found twice", drift.what)),
                _ => Ok(()),
            }
        }
        Event::DriftGone { pool, what } => {
            touch(Entity::Drift(pool.clone(), what.clone()));
            state.drifts.remove(&(pool.clone(), what.clone())).map(drop).ok_or_else(|| unknown(what))
        }
        Event::DriftRepairing { pool, what, flow } => {
            touch(Entity::Drift(pool.clone(), what.clone()));
            let found = state.drifts.get_mut(&(pool.clone(), what.clone()));
            found.ok_or_else(|| unknown(what)).map(|drift| {
                let drift = Arc::make_mut(drift);
                drift.tries = drift.tries.saturating_add(1);
                drift.tried_at = Some(meta.at);
                drift.flow = Some(*flow);
            })
        }
        Event::InventoryAsked { backend } => match state.backends.get(backend).cloned() {
            None => Err(format!("there is no backend {backend}")),
            Some(found) => found
                .pools
                .iter()
                .try_for_each(|pool| with_pool(state, pool, touch, |pool| pool.inventory_asked = Some(meta.position))),
        },
        Event::InventoryTaken { pool, as_of, foreign } => with_pool(state, pool, touch, |pool| {
            pool.inventory_asked = pool.inventory_asked.filter(|asked| asked > as_of);
            pool.inventoried = Some(Inventoried { at: meta.at, position: meta.position, as_of: *as_of });
            if let Some(foreign) = foreign {
                pool.foreign = Arc::new((**foreign).clone());
            }
        }),
        _ => return None,
    })
}

fn unknown(what: &Stored) -> String {
    format!("there is no drift of {what}")
}

fn with_pool(state: &mut State, name: &PoolName, touch: Touch<'_>, change: impl FnOnce(&mut Pool)) -> Applied {
    let pool = state.pools.get_mut(name).ok_or_else(|| format!("there is no pool {name}"))?;
    change(Arc::make_mut(pool));
    touch(Entity::Pool(name.clone()));
    Ok(())
}
