use std::sync::Arc;

use super::Applied;
use crate::id::TypeId;
use crate::state::{Entity, State, VolumeType};

pub(super) fn created(state: &mut State, volume_type: &VolumeType, touch: &mut dyn FnMut(Entity)) -> Applied {
    match state.types.get(&volume_type.id) {
        None => put(state, volume_type, touch),
        Some(_) => Err(format!("volume type {} came into being twice", volume_type.id)),
    }
}

pub(super) fn updated(state: &mut State, volume_type: &VolumeType, touch: &mut dyn FnMut(Entity)) -> Applied {
    let id = volume_type.id;
    let before = state.types.get(&id).ok_or_else(|| format!("there is no volume type {id}"))?;
    state.type_names.remove(before.name.as_str());
    put(state, volume_type, touch)
}

fn put(state: &mut State, volume_type: &VolumeType, touch: &mut dyn FnMut(Entity)) -> Applied {
    let id = volume_type.id;
    if let Some(other) = state.type_names.insert(Arc::from(volume_type.name.as_str()), id) {
        return Err(format!("volume type {other} has the name {} already", volume_type.name));
    }
    state.types.insert(id, Arc::new(volume_type.clone()));
    touch(Entity::Type(id));
    Ok(())
}

pub(super) fn deleted(state: &mut State, id: TypeId, touch: &mut dyn FnMut(Entity)) -> Applied {
    let before = state.types.remove(&id).ok_or_else(|| format!("there is no volume type {id}"))?;
    state.type_names.remove(before.name.as_str());
    touch(Entity::Type(id));
    Ok(())
}
