use std::sync::Arc;

use super::Applied;
use crate::id::TypeId;
use crate::state::{Entity, State, VolumeType};

pub(super) fn put(state: &mut State, volume_type: &VolumeType, touch: &mut dyn FnMut(Entity)) -> Applied {
    let id = volume_type.id;
    if let Some(before) = state.types.insert(id, Arc::new(volume_type.clone())) {
        state.type_names.remove(before.name.as_str());
    }
    state.type_names.insert(Arc::from(volume_type.name.as_str()), id);
    touch(Entity::Type(id));
    Ok(())
}

pub(super) fn deleted(state: &mut State, id: TypeId, touch: &mut dyn FnMut(Entity)) -> Applied {
    let before = state.types.remove(&id).ok_or_else(|| format!("there is no volume type {id}"))?;
    state.type_names.remove(before.name.as_str());
    touch(Entity::Type(id));
    Ok(())
}
