//! `volume.create`: Cinder's flows volume_create_api, volume_create_scheduler and volume_create_manager as one story.

use super::{Context, Decided, Decision, new_flow, placement, quota, volume_cleanup};
use crate::command::VolumeCreate;
use crate::event::Event;
use crate::id::{FlowId, VolumeId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{DEFAULT_TYPE_NAME, Flow, FlowKind, Volume, VolumeStatus, VolumeType};
use crate::task::{Failure, Phase, Task};
use crate::unit::Timestamp;

pub(super) fn decide(cx: &Context<'_>, create: &VolumeCreate) -> Decision {
    let project = cx.project()?;
    // Two projects may use the same command id, and each gets a volume of its own.
    let id = create.id.unwrap_or_else(|| VolumeId(cx.id.derive(&format!("volume {project}"))));
    // A cleanup removes the LV of that name: a new volume of the same id must not come under it. An id that was made
    // from a sender's command id comes again when the command comes again after it was forgotten.
    let may_come_again = create.id.is_some() || cx.id_given;
    let being_cleaned = may_come_again && cx.state.flows.values().any(|flow| flow.volume == id);
    if being_cleaned || cx.state.volumes.contains_key(&id) {
        return Err(Refusal::new(
            RefusalCode::VolumeExists,
            format!("a volume {id} exists already or is still being removed"),
            "leave the id away, or give one that is new",
        ));
    }
    let volume_type = volume_type(cx, create)?;
    let availability_zone = availability_zone(cx, create)?;
    quota::check_size(cx, project, create.size_gib)?;
    let flow = new_flow(cx)?;
    let want = quota::Want { volumes: 1, gigabytes: i64::from(create.size_gib.gib()), volume_type: volume_type.id };
    let (reservation, quota_reserved) = quota::reserve(cx, project, flow, want)?;
    let volume = Volume {
        id,
        project: project.clone(),
        user: cx.user.to_owned(),
        name: create.name.clone(),
        description: create.description.clone(),
        metadata: create.metadata.clone(),
        size_gib: create.size_gib,
        volume_type: volume_type.id,
        availability_zone,
        status: VolumeStatus::Creating { flow },
        reason: None,
        pool: None,
        created_at: cx.now,
        updated_at: None,
        launched_at: None,
        created_position: cx.position,
    };
    let placed = place(cx, flow, &volume, &[]);
    let mut events = vec![
        Event::FlowStarted { flow, kind: FlowKind::VolumeCreate, volume: id, project: project.clone() },
        quota_reserved,
        Event::VolumeEntryCreated { volume: Box::new(volume) },
        Event::QuotaCommitted { reservation },
    ];
    events.extend(placed);
    let subjects = Subjects { volume: Some(id), flow: Some(flow), volume_type: None };
    Ok(Decided { subjects, events })
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
    let backend_down = is_down(cx, task);
    let nothing_to_wait_for = task.phase == Phase::Revert || backend_down;
    if nothing_to_wait_for {
        // When the removal failed, what people want to know is why the attempt itself had failed.
        let first = flow.task.as_ref().and_then(|open| open.failure.as_ref());
        let failure = if task.phase == Phase::Revert { first.unwrap_or(failure) } else { failure };
        let mut events = volume_cleanup::start(cx, flow, task);
        events.extend(again(cx, flow, task, failure));
        return events;
    }
    let revert = Task { phase: Phase::Revert, dispatch: task.dispatch + 1, deadline: cx.deadline(), ..task.clone() };
    vec![Event::TaskReverting { task: Box::new(revert) }]
}

/// Nothing of the attempt is left.
pub(super) fn reverted(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    let unknown = Failure {
        kind: crate::task::FailureKind::Other,
        step: "unknown".to_owned(),
        message: "the attempt failed".to_owned(),
        exit_status: None,
        stderr: String::new(),
    };
    let failure = flow.task.as_ref().and_then(|open| open.failure.clone()).unwrap_or(unknown);
    let mut events = vec![Event::TaskReverted { flow: flow.id, task: task.id }];
    events.extend(again(cx, flow, task, &failure));
    events
}

/// Gives the pool up and looks for another one.
fn again(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let mut events = vec![Event::PlacementReleased { flow: flow.id, volume: flow.volume, pool: task.pool.clone() }];
    let Some(volume) = cx.state.volumes.get(&flow.volume) else { return events };
    let mut tried = flow.tried.clone();
    tried.push(task.pool.clone());
    let volume = Volume { pool: None, ..Volume::clone(volume) };
    let decision = placement::for_create(cx, flow.id, &volume, &tried);
    if decision.chosen.is_some() {
        events.extend(placement::dispatch(cx, flow.id, &volume, decision));
    } else {
        let before: Vec<&str> = flow.tried.iter().map(crate::id::PoolName::as_str).collect();
        let before = if before.is_empty() { String::new() } else { format!("; tried before: {}", before.join(", ")) };
        let (attempt, refused) = (tried.len(), decision.refusal_text());
        let reason = format!("attempt {attempt} on {} failed: {failure}{before}; {refused}", task.pool);
        events.extend(placement::dispatch(cx, flow.id, &volume, decision));
        events.extend(give_up(&volume, flow.id, reason));
    }
    events
}

/// Looks for a pool the first time.
fn place(cx: &Context<'_>, flow: FlowId, volume: &Volume, tried: &[crate::id::PoolName]) -> Vec<Event> {
    let decision = placement::for_create(cx, flow, volume, tried);
    let failure = decision.chosen.is_none().then(|| decision.refusal_text());
    let mut events = placement::dispatch(cx, flow, volume, decision);
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

fn is_down(cx: &Context<'_>, task: &Task) -> bool {
    cx.state
        .backends
        .get(&task.pool.backend())
        .is_none_or(|backend| cx.now.ms_since(backend.heartbeat_at) > cx.state.config.scheduler.service_down_ms)
}

fn volume_type<'a>(cx: &Context<'a>, create: &VolumeCreate) -> Result<&'a VolumeType, Refusal> {
    let name = create.volume_type.as_deref().unwrap_or(DEFAULT_TYPE_NAME);
    cx.state.find_type(name).map(AsRef::as_ref).ok_or_else(|| {
        Refusal::new(
            RefusalCode::VolumeTypeNotFound,
            format!("Volume type with name {name} could not be found."),
            "list the volume types, or leave the type away",
        )
    })
}

fn availability_zone(cx: &Context<'_>, create: &VolumeCreate) -> Result<String, Refusal> {
    let default = &cx.state.config.default_availability_zone;
    let Some(zone) = &create.availability_zone else { return Ok(default.clone()) };
    if zone != default && !cx.state.backends.values().any(|backend| backend.availability_zone == *zone) {
        return Err(Refusal::new(
            RefusalCode::InvalidAvailabilityZone,
            format!("Availability zone '{zone}' is invalid."),
            "use a zone in which a backend has reported",
        ));
    }
    Ok(zone.clone())
}
