//! `group_snapshot.create`, `.delete`, `.reset_status`.

use super::super::{Context, Decided, Decision, snapshot};
use super::member::Draft;
use super::status::not_a_status;
use super::{invalid_group, own, own_snapshot};
use crate::command::{
    GroupSnapshotCreate, GroupSnapshotDelete, GroupSnapshotStatusSet, SnapshotCreate, SnapshotDelete,
};
use crate::event::Event;
use crate::id::{GroupSnapshotId, SnapshotId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{GroupSnapshot, GroupStatus, StatedGroupStatus};

/// A snapshot of each volume of the group.
pub(in crate::decide) fn create(cx: &Context<'_>, create: &GroupSnapshotCreate) -> Decision {
    let group = own(cx, create.group)?;
    let project = cx.project()?;
    let id = create.id.unwrap_or_else(|| GroupSnapshotId(cx.id.derive(&format!("group snapshot {project}"))));
    if cx.state.group_snapshots.contains_key(&id) {
        return Err(Refusal::new(
            RefusalCode::GroupSnapshotExists,
            format!("a group snapshot {id} exists already"),
            "leave the id away, or give one that is new",
        ));
    }
    if !matches!(group.status, GroupStatus::Available | GroupStatus::Stated(StatedGroupStatus::InUse)) {
        let status = group.status.name();
        return Err(invalid_group("Group status must be available.", &format!("it is {status}; wait")));
    }
    let volumes: Vec<_> = cx.state.volumes_of_group(group.id).map(|volume| volume.id).collect();
    let group_snapshot = GroupSnapshot {
        id,
        group: group.id,
        group_type: group.group_type,
        project: group.project.clone(),
        user: cx.user.to_owned(),
        name: create.name.clone(),
        description: create.description.clone(),
        status: if volumes.is_empty() { GroupStatus::Available } else { GroupStatus::Creating },
        reason: None,
        created_at: cx.now,
        updated_at: None,
        created_position: cx.position,
    };
    let mut draft = Draft::new(cx);
    draft.add([Event::GroupSnapshotCreated { group_snapshot: Box::new(group_snapshot) }]);
    for volume in volumes {
        let command = SnapshotCreate {
            id: None,
            volume,
            force: true,
            name: create.name.clone(),
            description: create.description.clone(),
            metadata: std::collections::BTreeMap::new(),
        };
        let adopt = |event: &mut Event| {
            if let Event::SnapshotEntryCreated { snapshot } = event {
                snapshot.group_snapshot = Some(id);
            }
        };
        draft.member(&volume.to_string(), |cx| snapshot::create::decide(cx, &command), adopt)?;
    }
    Ok(decided(id, draft.events))
}

/// The group snapshot goes with its snapshots.
pub(in crate::decide) fn delete(cx: &Context<'_>, delete: GroupSnapshotDelete) -> Decision {
    let found = own_snapshot(cx, delete.id)?;
    let source = cx
        .state
        .groups
        .values()
        .any(|group| group.status == GroupStatus::Creating && group.source_group_snapshot == Some(found.id));
    if source || !matches!(found.status, GroupStatus::Available | GroupStatus::Error) {
        return Err(Refusal::new(
            RefusalCode::InvalidGroupSnapshot,
            "Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no Group can be currently \
             using it as source for its creation.",
            format!("it is {}; wait, or have an operator state its status", found.status.name()),
        ));
    }
    let members: Vec<SnapshotId> = cx.state.snapshots_of_group(found.id).map(|snapshot| snapshot.id).collect();
    if members.is_empty() {
        return Ok(decided(found.id, vec![Event::GroupSnapshotDeleted { group_snapshot: found.id }]));
    }
    let mut draft = Draft::new(cx);
    let deleting = GroupSnapshot {
        status: GroupStatus::Deleting,
        reason: None,
        updated_at: Some(cx.now),
        ..GroupSnapshot::clone(found)
    };
    draft.add([Event::GroupSnapshotUpdated { group_snapshot: Box::new(deleting) }]);
    for id in members {
        // It goes with its group snapshot whatever its status.
        let command = SnapshotDelete { id, force: true };
        draft.member(&id.to_string(), |cx| snapshot::delete::of_group(cx, &command), |_| {})?;
    }
    Ok(decided(found.id, draft.events))
}

/// An operator states its status. Its members go on with what they are doing.
pub(in crate::decide) fn reset(cx: &Context<'_>, set: &GroupSnapshotStatusSet) -> Decision {
    let found = own_snapshot(cx, set.id)?;
    let status =
        GroupStatus::stated(&set.status).filter(|status| *status != GroupStatus::Stated(StatedGroupStatus::InUse));
    let status = status.ok_or_else(|| not_a_status("GroupSnapshot", &set.status))?;
    let group_snapshot =
        GroupSnapshot { status, reason: None, updated_at: Some(cx.now), ..GroupSnapshot::clone(found) };
    Ok(decided(found.id, vec![Event::GroupSnapshotUpdated { group_snapshot: Box::new(group_snapshot) }]))
}

fn decided(id: GroupSnapshotId, events: Vec<Event>) -> Decided {
    Decided { subjects: Subjects { group_snapshot: Some(id), ..Subjects::default() }, events }
}
