//! `group_type.*`.

use std::sync::Arc;

use super::super::{Context, Decided, Decision};
use super::pairs;
use crate::command::{GroupTypeCreate, GroupTypeDelete, GroupTypeUpdate};
use crate::event::Event;
use crate::id::GroupTypeId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::GroupType;

pub(in crate::decide) fn create(cx: &Context<'_>, command: &GroupTypeCreate) -> Decision {
    let id = command.id.unwrap_or_else(|| GroupTypeId(cx.id.derive("group_type")));
    if cx.state.group_types.contains_key(&id) || named(cx, &command.name).is_some() {
        return Err(exists(&command.name));
    }
    let group_type = GroupType {
        id,
        name: command.name.clone(),
        description: command.description.clone(),
        is_public: command.is_public,
        group_specs: command.group_specs.clone(),
        created_at: cx.now,
        updated_at: None,
    };
    Ok(decided(id, Event::GroupTypeCreated { group_type: Box::new(group_type) }))
}

pub(in crate::decide) fn update(cx: &Context<'_>, command: &GroupTypeUpdate) -> Decision {
    let before = find(cx, command.id)?;
    let mut after = GroupType::clone(before);
    if let Some(name) = &command.name {
        if named(cx, name).is_some_and(|other| other.id != before.id) {
            return Err(exists(name));
        }
        after.name.clone_from(name);
    }
    if let Some(description) = &command.description {
        after.description.clone_from(description);
    }
    if let Some(is_public) = command.is_public {
        after.is_public = is_public;
    }
    if let Some(change) = &command.group_specs_change {
        let missing = |key: &str| format!("Group Type {} has no specs with key {key}.", before.id);
        after.group_specs = pairs::changed("the group specs", &before.group_specs, change, missing)?;
    }
    after.updated_at = Some(cx.now);
    Ok(decided(command.id, Event::GroupTypeUpdated { group_type: Box::new(after) }))
}

pub(in crate::decide) fn delete(cx: &Context<'_>, command: GroupTypeDelete) -> Decision {
    find(cx, command.id)?;
    let groups = cx.state.groups.values().filter(|group| group.group_type == command.id).count();
    if groups > 0 {
        return Err(Refusal::new(
            RefusalCode::GroupTypeInUse,
            "Target group type is still in use.",
            format!("delete the {groups} groups of the type first"),
        ));
    }
    Ok(decided(command.id, Event::GroupTypeDeleted { group_type: command.id }))
}

fn find<'a>(cx: &Context<'a>, id: GroupTypeId) -> Result<&'a Arc<GroupType>, Refusal> {
    cx.state.group_types.get(&id).ok_or_else(|| {
        Refusal::new(
            RefusalCode::GroupTypeNotFound,
            format!("Group type {id} could not be found."),
            "list the group types",
        )
    })
}

fn named<'a>(cx: &Context<'a>, name: &str) -> Option<&'a Arc<GroupType>> {
    cx.state.group_types.values().find(|found| found.name == name)
}

fn exists(name: &str) -> Refusal {
    Refusal::new(
        RefusalCode::GroupTypeExists,
        format!("Group Type {name} already exists."),
        "choose another name, or update the type that exists",
    )
}

fn decided(id: GroupTypeId, event: Event) -> Decided {
    Decided { subjects: Subjects { group_type: Some(id), ..Subjects::default() }, events: vec![event] }
}
