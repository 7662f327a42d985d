//! Groups and group snapshots. Their members stand in the members themselves.

use std::sync::Arc;

use super::Applied;
use crate::event::Event;
use crate::state::{Entity, State};

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, event: &Event, touch: &mut dyn FnMut(Entity)) -> Option<Applied> {
    let (entity, fits, what) = match event {
        Event::GroupCreated { group } => {
            let before = state.groups.insert(group.id, Arc::new((**group).clone()));
            (Entity::Group(group.id), before.is_none(), "a group came into being twice")
        }
        Event::GroupUpdated { group } => {
            let before = state.groups.insert(group.id, Arc::new((**group).clone()));
            (Entity::Group(group.id), before.is_some(), "there is no such group")
        }
        Event::GroupDeleted { group } => {
            (Entity::Group(*group), state.groups.remove(group).is_some(), "there is no such group")
        }
        Event::GroupSnapshotCreated { group_snapshot: new } => {
            let before = state.group_snapshots.insert(new.id, Arc::new((**new).clone()));
            (Entity::GroupSnapshot(new.id), before.is_none(), "a group snapshot came into being twice")
        }
        Event::GroupSnapshotUpdated { group_snapshot: new } => {
            let before = state.group_snapshots.insert(new.id, Arc::new((**new).clone()));
            (Entity::GroupSnapshot(new.id), before.is_some(), "there is no such group snapshot")
        }
        Event::GroupSnapshotDeleted { group_snapshot: id } => {
            let before = state.group_snapshots.remove(id);
            (Entity::GroupSnapshot(*id), before.is_some(), "there is no such group snapshot")
        }
        _ => return None,
    };
    let name = format!("{entity:?}");
    touch(entity);
    Some(if fits { Ok(()) } else { Err(format!("{name}: {what}")) })
}
