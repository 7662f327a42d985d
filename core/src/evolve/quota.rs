use std::collections::BTreeMap;
use std::sync::Arc;

use super::Applied;
use crate::event::QuotaDelta;
use crate::id::{FlowId, ProjectId, ReservationId};
use crate::state::{Entity, QuotaLimits, QuotaResource, Reservation, State, Usage, UsageLine};

pub(super) fn reserved(
    state: &mut State,
    id: ReservationId,
    flow: FlowId,
    project: &ProjectId,
    deltas: &[QuotaDelta],
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let arc = state.flows.get_mut(&flow).ok_or_else(|| format!("there is no flow {flow}"))?;
    Arc::make_mut(arc).reservation = Some(id);
    touch(Entity::Flow(flow));
    let reservation = Reservation { id, flow, project: project.clone(), deltas: deltas.to_vec() };
    if state.reservations.insert(id, Arc::new(reservation)).is_some() {
        return Err(format!("reservation {id} was made twice"));
    }
    touch(Entity::Reservation(id));
    // Giving back (a negative delta) takes effect when it is committed and never reserves: Cinder, cinder/db, quota_reserve.
    add(state, project, deltas, |line, delta| line.reserved += delta.max(0), touch);
    Ok(())
}

pub(super) fn ended(state: &mut State, id: ReservationId, committed: bool, touch: &mut dyn FnMut(Entity)) -> Applied {
    let reservation = state.reservations.remove(&id).ok_or_else(|| format!("there is no open reservation {id}"))?;
    touch(Entity::Reservation(id));
    if let Some(flow) = state.flows.get_mut(&reservation.flow) {
        Arc::make_mut(flow).reservation = None;
        touch(Entity::Flow(reservation.flow));
    }
    let apply = |line: &mut UsageLine, delta: i64| {
        line.reserved -= delta.max(0);
        if committed {
            line.in_use += delta;
        }
    };
    add(state, &reservation.project, &reservation.deltas, apply, touch);
    Ok(())
}

pub(super) fn set(
    state: &mut State,
    project: &ProjectId,
    limits: &BTreeMap<QuotaResource, i64>,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let entry = state.quotas.entry(project.clone()).or_insert_with(|| Arc::new(QuotaLimits::default()));
    Arc::make_mut(entry).limits.extend(limits.iter().map(|(resource, limit)| (*resource, *limit)));
    touch(Entity::Quota(project.clone()));
    Ok(())
}

/// Taken or given back at once.
pub(super) fn used(
    state: &mut State,
    project: &ProjectId,
    deltas: &[QuotaDelta],
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    let left = |delta: &QuotaDelta| state.usage_of(project, delta.resource).in_use + delta.delta;
    if let Some(delta) = deltas.iter().find(|delta| left(delta) < 0) {
        return Err(format!("project {project} would use {} of {}", left(delta), delta.resource));
    }
    add(state, project, deltas, |line, delta| line.in_use += delta, touch);
    Ok(())
}

pub(super) fn cleared(state: &mut State, project: &ProjectId, touch: &mut dyn FnMut(Entity)) {
    state.quotas.remove(project);
    touch(Entity::Quota(project.clone()));
}

pub(super) fn class_set(
    state: &mut State,
    class: &str,
    limits: &BTreeMap<QuotaResource, i64>,
    touch: &mut dyn FnMut(Entity),
) {
    let entry = state.quota_classes.entry(class.to_owned()).or_insert_with(|| Arc::new(QuotaLimits::default()));
    Arc::make_mut(entry).limits.extend(limits.iter().map(|(resource, limit)| (*resource, *limit)));
    touch(Entity::QuotaClass(class.to_owned()));
}

fn add(
    state: &mut State,
    project: &ProjectId,
    deltas: &[QuotaDelta],
    apply: impl Fn(&mut UsageLine, i64),
    touch: &mut dyn FnMut(Entity),
) {
    let entry = state.usage.entry(project.clone()).or_insert_with(|| Arc::new(Usage::default()));
    let usage = Arc::make_mut(entry);
    for delta in deltas {
        let line = usage.lines.entry(delta.resource).or_default();
        apply(line, delta.delta);
        if *line == UsageLine::default() {
            usage.lines.remove(&delta.resource);
        }
    }
    if usage.lines.is_empty() {
        state.usage.remove(project);
    }
    touch(Entity::Usage(project.clone()));
}
