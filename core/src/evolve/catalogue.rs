//! What operators offer: QoS specs, default types, group types; and quota that is taken, cleared or given to classes.

use std::sync::Arc;

use super::{Applied, quota};
use crate::event::Event;
use crate::id::{ProjectId, QosId, TypeId};
use crate::state::{Entity, GroupType, Qos, State};

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, event: &Event, touch: &mut dyn FnMut(Entity)) -> Option<Applied> {
    Some(match event {
        Event::QuotaUsed { project, deltas } => quota::used(state, project, deltas, touch),
        Event::QuotaCleared { project } => {
            quota::cleared(state, project, touch);
            Ok(())
        }
        Event::QuotaClassSet { class, limits } => {
            quota::class_set(state, class, limits, touch);
            Ok(())
        }
        Event::DefaultTypeSet { project, volume_type } => default_type(state, project, *volume_type, touch),
        Event::TypeQosSet { volume_type, qos } => type_qos(state, *volume_type, *qos, touch),
        Event::QosCreated { qos } => qos_put(state, qos, true, touch),
        Event::QosUpdated { qos } => qos_put(state, qos, false, touch),
        Event::QosDeleted { qos } => qos_deleted(state, *qos, touch),
        Event::GroupTypeCreated { group_type } => group_type_put(state, group_type, true, touch),
        Event::GroupTypeUpdated { group_type } => group_type_put(state, group_type, false, touch),
        Event::GroupTypeDeleted { group_type } => {
            touch(Entity::GroupType(*group_type));
            let removed = state.group_types.remove(group_type);
            removed.map(|_| ()).ok_or_else(|| format!("there is no group type {group_type}"))
        }
        _ => return None,
    })
}

fn default_type(
    state: &mut State,
    project: &ProjectId,
    volume_type: Option<TypeId>,
    touch: &mut dyn FnMut(Entity),
) -> Applied {
    match volume_type {
        Some(id) if !state.types.contains_key(&id) => return Err(format!("there is no volume type {id}")),
        Some(id) => state.default_types.insert(project.clone(), id),
        None => state.default_types.remove(project),
    };
    touch(Entity::DefaultType(project.clone()));
    Ok(())
}

fn type_qos(state: &mut State, id: TypeId, qos: Option<QosId>, touch: &mut dyn FnMut(Entity)) -> Applied {
    if let Some(qos) = qos.filter(|qos| !state.qos.contains_key(qos)) {
        return Err(format!("there are no QoS specs {qos}"));
    }
    let volume_type = state.types.get_mut(&id).ok_or_else(|| format!("there is no volume type {id}"))?;
    Arc::make_mut(volume_type).qos = qos;
    touch(Entity::Type(id));
    Ok(())
}

fn qos_put(state: &mut State, qos: &Qos, is_new: bool, touch: &mut dyn FnMut(Entity)) -> Applied {
    let before = state.qos.insert(qos.id, Arc::new(qos.clone()));
    touch(Entity::Qos(qos.id));
    if before.is_none() == is_new { Ok(()) } else { Err(unexpected("QoS specs", &qos.id, is_new)) }
}

fn qos_deleted(state: &mut State, id: QosId, touch: &mut dyn FnMut(Entity)) -> Applied {
    state.qos.remove(&id).ok_or_else(|| format!("there are no QoS specs {id}"))?;
    touch(Entity::Qos(id));
    match state.types.values().find(|found| found.qos == Some(id)) {
        None => Ok(()),
        Some(user) => Err(format!("volume type {} still uses QoS specs {id}", user.id)),
    }
}

fn group_type_put(state: &mut State, after: &GroupType, is_new: bool, touch: &mut dyn FnMut(Entity)) -> Applied {
    let before = state.group_types.insert(after.id, Arc::new(after.clone()));
    touch(Entity::GroupType(after.id));
    if before.is_none() == is_new { Ok(()) } else { Err(unexpected("group type", &after.id, is_new)) }
}

fn unexpected(what: &str, id: &dyn std::fmt::Display, is_new: bool) -> String {
    if is_new { format!("{what} {id} came into being twice") } else { format!("there is no {what} {id}") }
}
