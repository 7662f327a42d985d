//! What a group's members do: deciding for several of them in one commit, and following how they end.

use std::collections::BTreeSet;

use super::super::{Context, Decision, quota};
use crate::event::{Event, StatusChange};
use crate::evolve::{Meta, evolve};
use crate::id::{CommandId, GroupId, GroupSnapshotId, SnapshotId, VolumeId};
use crate::refusal::Refusal;
use crate::state::{Group, GroupSnapshot, GroupStatus, SnapshotStatus, State, VolumeStatus};

/// Decisions for several members of one group. They are made one after the other, each against the state that those
/// before it lead to, so that together they keep to quotas and to the room of the pools.
pub(super) struct Draft<'a> {
    cx: &'a Context<'a>,
    state: State,
    pub(super) events: Vec<Event>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(cx: &'a Context<'a>) -> Self {
        Self { cx, state: cx.state.clone(), events: Vec::new() }
    }

    /// Takes over facts that are decided.
    pub(super) fn add(&mut self, events: impl IntoIterator<Item = Event>) {
        let meta = Meta { position: self.cx.position, at: self.cx.now };
        for event in events {
            // What does not fit is met again, and reported, when the commit is applied.
            let _ = evolve(&mut self.state, meta, &event, &mut |_| {});
            self.events.push(event);
        }
    }

    /// Decides for one member as if it had been asked for by itself; `adopt` makes the facts those of a member.
    pub(super) fn member(
        &mut self,
        name: &str,
        decide: impl FnOnce(&Context<'_>) -> Decision,
        adopt: impl Fn(&mut Event),
    ) -> Result<(), Refusal> {
        let id = CommandId(self.cx.id.derive(&format!("member {name}")));
        let mut events = decide(&Context { state: &self.state, id, ..*self.cx })?.events;
        events.iter_mut().for_each(adopt);
        self.add(events);
        Ok(())
    }
}

/// Groups and group snapshots.
#[derive(Debug, Default)]
pub(in crate::decide) struct Groups {
    groups: BTreeSet<GroupId>,
    snapshots: BTreeSet<GroupSnapshotId>,
}

/// Those of which a member moves by these events: to be asked before the events are applied, as some members are gone
/// after them, and after them, as some come with them.
pub(in crate::decide) fn concerned(state: &State, events: &[Event], groups: &mut Groups) {
    for event in events {
        match moved(event) {
            Some(Member::Volume(id)) => {
                groups.groups.extend(state.volumes.get(&id).and_then(|volume| volume.group));
            }
            Some(Member::Snapshot(id)) => {
                groups.snapshots.extend(state.snapshots.get(&id).and_then(|snapshot| snapshot.group_snapshot));
            }
            None => {}
        }
    }
}

/// What becomes of groups that are underway, now that members have moved: nothing as long as one of them is underway.
pub(in crate::decide) fn after(cx: &Context<'_>, concerned: &Groups) -> Vec<Event> {
    let mut events = Vec::new();
    for group in concerned.groups.iter().filter_map(|id| cx.state.groups.get(id)) {
        match group.status {
            GroupStatus::Creating => events.extend(group_created(cx, group)),
            GroupStatus::Deleting => events.extend(group_deleted(cx, group)),
            GroupStatus::Available | GroupStatus::Error | GroupStatus::Stated(_) => {}
        }
    }
    for group in concerned.snapshots.iter().filter_map(|id| cx.state.group_snapshots.get(id)) {
        match group.status {
            GroupStatus::Creating => events.extend(snapshot_created(cx, group)),
            GroupStatus::Deleting => events.extend(snapshot_deleted(cx, group)),
            GroupStatus::Available | GroupStatus::Error | GroupStatus::Stated(_) => {}
        }
    }
    events
}

/// The group is gone: nothing of it is left.
pub(super) fn gone(cx: &Context<'_>, group: &Group) -> Vec<Event> {
    vec![Event::GroupDeleted { group: group.id }, quota::given_back(cx, &group.project, &[quota::Want::group(1)])]
}

enum Member {
    Volume(VolumeId),
    Snapshot(SnapshotId),
}

/// The member that is underway no longer, or not for the same end, by this event.
fn moved(event: &Event) -> Option<Member> {
    Some(match event {
        Event::VolumeCreated { volume, .. }
        | Event::VolumeCreateFailed { volume, .. }
        | Event::VolumeDeleting { volume, .. }
        | Event::VolumeDeleted { volume }
        | Event::VolumeDeleteFailed { volume, .. }
        | Event::VolumeGrouped { volume, .. }
        | Event::VolumeStatusChanged { volume, by: StatusChange::Reset, .. } => Member::Volume(*volume),
        Event::SnapshotCreated { snapshot, .. }
        | Event::SnapshotCreateFailed { snapshot, .. }
        | Event::SnapshotDeleting { snapshot, .. }
        | Event::SnapshotDeleted { snapshot }
        | Event::SnapshotDeleteFailed { snapshot, .. }
        | Event::SnapshotStatusChanged { snapshot, .. } => Member::Snapshot(*snapshot),
        _ => return None,
    })
}

fn group_created(cx: &Context<'_>, group: &Group) -> Option<Event> {
    let members = || cx.state.volumes_of_group(group.id);
    if members().any(|volume| matches!(volume.status, VolumeStatus::Creating { .. })) {
        return None;
    }
    let failed = members().find(|volume| volume.launched_at.is_none()).map(|volume| {
        format!("volume {} could not be made: {}", volume.id, volume.reason.as_deref().unwrap_or("it was given up"))
    });
    Some(group_ended(cx, group, failed))
}

fn group_deleted(cx: &Context<'_>, group: &Group) -> Vec<Event> {
    let members = || cx.state.volumes_of_group(group.id);
    if members().any(|volume| matches!(volume.status, VolumeStatus::Deleting { .. })) {
        return Vec::new();
    }
    let Some(left) = members().next() else { return gone(cx, group) };
    let reason = left.reason.as_deref().unwrap_or("its deletion was given up");
    vec![group_ended(cx, group, Some(format!("volume {} is still there: {reason}", left.id)))]
}

fn snapshot_created(cx: &Context<'_>, group: &GroupSnapshot) -> Option<Event> {
    let members = || cx.state.snapshots_of_group(group.id);
    if members().any(|snapshot| matches!(snapshot.status, SnapshotStatus::Creating { .. })) {
        return None;
    }
    let failed = members().find(|snapshot| snapshot.status == SnapshotStatus::Error).map(|snapshot| {
        let reason = snapshot.reason.as_deref().unwrap_or("it was given up");
        format!("snapshot {} could not be taken: {reason}", snapshot.id)
    });
    Some(snapshot_ended(cx, group, failed))
}

fn snapshot_deleted(cx: &Context<'_>, group: &GroupSnapshot) -> Option<Event> {
    let members = || cx.state.snapshots_of_group(group.id);
    if members().any(|snapshot| matches!(snapshot.status, SnapshotStatus::Deleting { .. })) {
        return None;
    }
    let Some(left) = members().next() else { return Some(Event::GroupSnapshotDeleted { group_snapshot: group.id }) };
    let reason = left.reason.as_deref().unwrap_or("its deletion was given up");
    Some(snapshot_ended(cx, group, Some(format!("snapshot {} is still there: {reason}", left.id))))
}

fn group_ended(cx: &Context<'_>, group: &Group, failure: Option<String>) -> Event {
    let status = if failure.is_some() { GroupStatus::Error } else { GroupStatus::Available };
    let group = Group { status, reason: failure, updated_at: Some(cx.now), ..group.clone() };
    Event::GroupUpdated { group: Box::new(group) }
}

fn snapshot_ended(cx: &Context<'_>, group: &GroupSnapshot, failure: Option<String>) -> Event {
    let status = if failure.is_some() { GroupStatus::Error } else { GroupStatus::Available };
    let group = GroupSnapshot { status, reason: failure, updated_at: Some(cx.now), ..group.clone() };
    Event::GroupSnapshotUpdated { group_snapshot: Box::new(group) }
}
