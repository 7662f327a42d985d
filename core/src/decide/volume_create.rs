//! `volume.create`: Cinder's flows volume_create_api, volume_create_scheduler and volume_create_manager as one story.

use std::collections::{BTreeMap, BTreeSet};

use super::volume_source::{self, Source, invalid_input};
use super::{Context, Decided, Decision, flow_started, new_flow, placement, quota, volume_cleanup, volume_type};
use crate::command::{GROUP_VOLUMES_MAX, VolumeCreate};
use crate::event::Event;
use crate::id::{FlowId, GroupId, VolumeId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::schedule::HintsInForce;
use crate::state::{Flow, FlowKind, Group, GroupStatus, Volume, VolumeStatus, VolumeType};
use crate::task::{Failure, FailureKind, Phase, Task};
use crate::unit::{Position, Timestamp};

pub(super) fn decide(cx: &Context<'_>, create: &VolumeCreate) -> Decision {
    let project = cx.project()?;
    // Two projects may use the same command id, and each gets a volume of its own.
    let id = create.id.unwrap_or_else(|| VolumeId(cx.id.derive(&format!("volume {project}"))));
    check_id(cx, create.id.is_some(), id)?;
    let volume_type = volume_type::asked(cx, create)?;
    let source = volume_source::find(cx, create)?;
    let group = create.group.map(|id| group(cx, id, volume_type)).transpose()?;
    if let (Some(source), Some(asked)) = (&source, volume_type) {
        source.check_type(cx, asked)?;
    }
    let size_gib = match (&source, create.size_gib) {
        (Some(source), asked) => source.size(asked)?,
        (None, Some(size_gib)) => size_gib,
        (None, None) => return Err(invalid_input("a volume without a source needs a size", "give size_gib")),
    };
    let volume_type = match volume_type {
        Some(asked) => asked,
        None => volume_type::default(cx, project, source.as_ref().map(|source| source.volume.volume_type))?,
    };
    volume_type::check_encryption(volume_type)?;
    let availability_zone = availability_zone(cx, create, source.as_ref(), group)?;
    quota::check_size(cx, project, size_gib)?;
    let flow = new_flow(cx)?;
    let want = quota::Want::volume(volume_type.id, 1, i64::from(size_gib.gib()));
    let (reservation, quota_reserved) = quota::reserve(cx, project, flow, want)?;
    let volume = Volume {
        id,
        project: project.clone(),
        user: cx.user.to_owned(),
        name: create.name.clone(),
        description: create.description.clone(),
        metadata: create.metadata.clone(),
        size_gib,
        volume_type: volume_type.id,
        availability_zone,
        status: VolumeStatus::Creating { flow },
        reason: None,
        pool: None,
        created_at: cx.now,
        updated_at: None,
        launched_at: None,
        created_position: cx.position,
        source_snapshot: create.snapshot,
        source_volume: create.source_volume,
        group: create.group,
        bootable: source.as_ref().is_some_and(|source| source.volume.bootable),
        readonly: None,
        multiattach: volume_type.multiattach(),
        image_metadata: source.map_or_else(BTreeMap::new, |source| source.volume.image_metadata.clone()),
        migration_status: None,
        settled_at: Position::default(),
        attachments: BTreeSet::new(),
    };
    let placed = place(cx, flow, &volume, placement::hints_in_force(cx, project, &create.hints)?.as_ref());
    let mut events = vec![
        flow_started(cx, flow, FlowKind::VolumeCreate, id, project),
        quota_reserved,
        Event::VolumeEntryCreated { volume: Box::new(volume) },
        Event::QuotaCommitted { reservation },
    ];
    events.extend(placed);
    let subjects = Subjects { volume: Some(id), flow: Some(flow), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

/// A cleanup removes the LV of that name: a new volume of the same id must not come under it. An id that was made from a
/// sender's command id comes again when the command comes again after it was forgotten.
pub(super) fn check_id(cx: &Context<'_>, given: bool, id: VolumeId) -> Result<(), Refusal> {
    let may_come_again = given || cx.id_given;
    let being_cleaned = may_come_again && cx.state.flows.values().any(|flow| flow.volume == id);
    if !being_cleaned && !cx.state.volumes.contains_key(&id) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::VolumeExists,
        format!("a volume {id} exists already or is still being removed"),
        "leave the id away, or give one that is new",
    ))
}

/// The volume is on its pool.
pub(super) fn succeeded(flow: &Flow, finished_at: Timestamp) -> Vec<Event> {
    vec![
        Event::VolumeCreated { volume: flow.volume, flow: flow.id, launched_at: finished_at },
        Event::FlowFinished { flow: flow.id, failure: None },
    ]
}

/// The attempt failed: its leftovers are removed first, then another pool is looked for.
///
/// When nobody answers for the backend (it is down, or the removal failed as well), the removal is left to a flow of
/// its own, so that the volume does not wait for it.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if task.phase == Phase::Execute && !placement::is_down(cx, &task.pool) {
        return vec![revert(cx, task)];
    }
    let mut events = volume_cleanup::start(cx, flow, task);
    events.extend(again(cx, flow, task, &first_failure(flow, task, failure)));
    events
}

/// What the task may have left behind is to be removed.
pub(super) fn revert(cx: &Context<'_>, task: &Task) -> Event {
    let revert = Task { phase: Phase::Revert, dispatch: task.dispatch + 1, deadline: cx.deadline(), ..task.clone() };
    Event::TaskReverting { task: Box::new(revert) }
}

/// When the removal failed, what people want to know is why the attempt itself had failed.
pub(super) fn first_failure(flow: &Flow, task: &Task, failure: &Failure) -> Failure {
    let first = flow.task.as_ref().and_then(|open| open.failure.clone());
    if task.phase == Phase::Revert { first.unwrap_or_else(|| failure.clone()) } else { failure.clone() }
}

/// Why the attempt failed that was reverted.
pub(super) fn remembered_failure(flow: &Flow) -> Failure {
    let remembered = flow.task.as_ref().and_then(|open| open.failure.clone());
    remembered.unwrap_or_else(|| Failure {
        kind: FailureKind::Other,
        step: "unknown".to_owned(),
        message: "the attempt failed".to_owned(),
        exit_status: None,
        stderr: String::new(),
    })
}

/// Nothing of the attempt is left.
pub(super) fn reverted(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    let mut events = vec![Event::TaskReverted { flow: flow.id, task: task.id }];
    events.extend(again(cx, flow, task, &remembered_failure(flow)));
    events
}

/// Gives the pool up and looks for another one. What was made from a source can lie beside it only.
fn again(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let mut events = vec![Event::PlacementReleased { flow: flow.id, volume: flow.volume, pool: task.pool.clone() }];
    let Some(volume) = cx.state.volumes.get(&flow.volume) else { return events };
    let mut tried = flow.tried.clone();
    tried.push(task.pool.clone());
    let volume = Volume { pool: None, ..Volume::clone(volume) };
    // They were readable when the command was decided.
    let hints =
        flow.hints.as_ref().and_then(|hints| placement::hints_in_force(cx, &flow.project, hints).ok().flatten());
    let decision = placement::for_create(cx, flow.id, &volume, &tried, hints.as_ref());
    let refused = match volume_source::copy_source(cx, &volume) {
        Ok(source) if decision.chosen.is_some() => {
            events.extend(placement::dispatch(cx, flow.id, &volume, decision, source));
            return events;
        }
        Ok(_) => {
            let text = decision.refusal_text();
            events.extend(placement::dispatch(cx, flow.id, &volume, decision, None));
            text
        }
        Err(gone) => gone,
    };
    let before: Vec<&str> = flow.tried.iter().map(crate::id::PoolName::as_str).collect();
    let before = if before.is_empty() { String::new() } else { format!("; tried before: {}", before.join(", ")) };
    let reason = format!("attempt {} on {} failed: {failure}{before}; {refused}", tried.len(), task.pool);
    events.extend(give_up(&volume, flow.id, reason));
    events
}

/// Looks for a pool the first time.
fn place(cx: &Context<'_>, flow: FlowId, volume: &Volume, hints: Option<&HintsInForce<'_>>) -> Vec<Event> {
    let decision = placement::for_create(cx, flow, volume, &[], hints);
    let failure = decision.chosen.is_none().then(|| decision.refusal_text());
    // The source was just found.
    let source = volume_source::copy_source(cx, volume).unwrap_or_default();
    let mut events = placement::dispatch(cx, flow, volume, decision, source);
    if let Some(reason) = failure {
        events.extend(give_up(volume, flow, reason));
    }
    events
}

/// As in Cinder, a volume that could not be made stays, in `error`, and counts until it is deleted.
fn give_up(volume: &Volume, flow: FlowId, reason: String) -> Vec<Event> {
    vec![
        Event::VolumeCreateFailed { volume: volume.id, reason: reason.clone() },
        Event::FlowFinished { flow, failure: Some(reason) },
    ]
}

/// The group, if it takes a volume of this type.
fn group<'a>(cx: &Context<'a>, id: GroupId, asked: Option<&VolumeType>) -> Result<&'a Group, Refusal> {
    let group = cx.state.groups.get(&id).filter(|group| cx.may_touch(&group.project)).ok_or_else(|| {
        let message = format!("Group {id} could not be found.");
        Refusal::new(RefusalCode::GroupNotFound, message, "list the groups of the project")
    })?;
    let Some(asked) = asked else {
        let message = "volume_type must be provided when creating a volume in a group.";
        return Err(invalid_input(message, "name one of the group's volume types"));
    };
    if !group.volume_types.contains(&asked.id) {
        let message =
            format!("Invalid volume_type provided: {} (requested type must be supported by this group).", asked.id);
        return Err(invalid_input(message, "name one of the group's volume types"));
    }
    let invalid = |message: String, remedy: &str| {
        Refusal::new(RefusalCode::InvalidGroup, format!("Invalid Group: {message}"), remedy)
    };
    if !matches!(group.status, GroupStatus::Available | GroupStatus::Creating) {
        let message = "Originating group status must be one of 'available, creating' values".to_owned();
        return Err(invalid(message, "bring the group to available first"));
    }
    if cx.state.volumes_of_group(id).count() >= GROUP_VOLUMES_MAX {
        let message = format!("group {id} has {GROUP_VOLUMES_MAX} volumes already");
        return Err(invalid(message, "take volumes out of it, or use another group"));
    }
    Ok(group)
}

/// The group's zone, else the one asked for, else the source's, else the cell's default (Cinder's order).
fn availability_zone(
    cx: &Context<'_>,
    create: &VolumeCreate,
    source: Option<&Source<'_>>,
    group: Option<&Group>,
) -> Result<String, Refusal> {
    let default = &cx.state.config.default_availability_zone;
    let asked = group.map(|group| &group.availability_zone).or(create.availability_zone.as_ref());
    let zone = asked.or(source.map(|source| &source.volume.availability_zone)).unwrap_or(default);
    check_zone(cx, zone)?;
    source.map_or(Ok(()), |source| source.check_zone(zone))?;
    Ok(zone.clone())
}

/// Refuses a zone that nobody serves; the cell's default is always one.
pub(super) fn check_zone(cx: &Context<'_>, zone: &str) -> Result<(), Refusal> {
    let served = || cx.state.backends.values().any(|backend| backend.availability_zone == zone);
    if zone == cx.state.config.default_availability_zone || served() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::InvalidAvailabilityZone,
        format!("Availability zone '{zone}' is invalid."),
        "use a zone in which a backend has reported",
    ))
}
