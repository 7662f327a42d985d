//! `volume.manage` and `volume.unmanage`: a volume that somebody else made on the storage becomes one of the cell, and the
//! other way round. Its data stay where they are.
//!
//! How large it is nobody knows before a worker has looked. Until then it counts as 1 GiB; when the rest does not fit into
//! the project's quota, the worker gives it back, by a flow of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context, Decided, Decision, flow_started, new_flow, placement, quota, retry, volume, volume_cleanup, volume_create,
    volume_delete, volume_type,
};
use crate::command::{VolumeDelete, VolumeManage, VolumeUnmanage};
use crate::event::Event;
use crate::id::VolumeId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Flow, FlowKind, Volume, VolumeStatus};
use crate::task::{Failure, FailureKind, Operation, Task};
use crate::unit::{Position, SizeGib, Timestamp};

pub(super) fn decide(cx: &Context<'_>, manage: &VolumeManage) -> Decision {
    let (project, pool) = (&manage.project, &manage.pool);
    let id = manage.id.unwrap_or_else(|| VolumeId(cx.id.derive(&format!("volume {project}"))));
    volume_create::check_id(cx, manage.id.is_some(), id)?;
    let volume_type = match &manage.volume_type {
        Some(name) => volume_type::usable(cx, project, name)?,
        None => volume_type::default(cx, project, None)?,
    };
    volume_type::check_encryption(volume_type)?;
    let backend = cx.state.backends.get(&pool.backend()).filter(|backend| backend.pools.contains(pool));
    let backend = backend.ok_or_else(|| {
        let message = format!("Host '{pool}' not found");
        Refusal::new(RefusalCode::InvalidInput, message, "name a pool as `stele pool list` shows it")
    })?;
    let availability_zone = manage.availability_zone.as_ref().unwrap_or(&backend.availability_zone).clone();
    volume_create::check_zone(cx, &availability_zone)?;
    let flow = new_flow(cx)?;
    let want = quota::Want::volume(volume_type.id, 1, 1);
    let (reservation, quota_reserved) = quota::reserve(cx, project, flow, want)?;
    let volume = Volume {
        id,
        project: project.clone(),
        user: cx.user.to_owned(),
        name: manage.name.clone(),
        description: manage.description.clone(),
        metadata: manage.metadata.clone(),
        size_gib: SizeGib::ONE,
        volume_type: volume_type.id,
        availability_zone,
        status: VolumeStatus::Managing { flow },
        reason: None,
        pool: Some(pool.clone()),
        created_at: cx.now,
        updated_at: None,
        launched_at: None,
        created_position: cx.position,
        source_snapshot: None,
        source_volume: None,
        group: None,
        bootable: manage.bootable,
        readonly: None,
        multiattach: volume_type.multiattach(),
        image_metadata: BTreeMap::new(),
        migration_status: None,
        attachments: BTreeSet::new(),
        settled_at: Position::default(),
    };
    let decision = placement::for_retype(cx, &volume, pool, volume_type.id);
    if decision.chosen.is_none() {
        let remedy = format!("use a type that {pool} offers, or make its backend take volumes");
        return Err(Refusal::new(RefusalCode::NoValidPool, decision.refusal_text(), remedy));
    }
    let operation = Operation::ManageVolume { volume: id, source_name: manage.source_name.clone() };
    let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
    let events = vec![
        flow_started(cx, flow, FlowKind::VolumeManage, id, project),
        quota_reserved,
        Event::VolumeEntryCreated { volume: Box::new(volume) },
        Event::QuotaCommitted { reservation },
        Event::TaskPending { task: Box::new(task) },
    ];
    let subjects = Subjects { volume: Some(id), flow: Some(flow), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

/// It is the volume now, and its size is known: the rest of its quota is taken, or it is given back.
pub(super) fn managed(
    cx: &Context<'_>,
    flow: &Flow,
    task: &Task,
    finished_at: Timestamp,
    size_bytes: Option<u64>,
) -> Vec<Event> {
    let Some(volume) = cx.state.volumes.get(&flow.volume) else {
        return vec![Event::FlowFinished { flow: flow.id, failure: None }];
    };
    let size = size_bytes.ok_or_else(|| "the worker did not say how large it is".to_owned());
    let size = size.and_then(|bytes| SizeGib::holding(bytes).map_err(|error| error.to_string()));
    let paid = size.and_then(|size_gib| {
        let more_gib = i64::from(size_gib.gib()) - i64::from(volume.size_gib.gib());
        let want = quota::Want::volume(volume.volume_type, 0, more_gib);
        quota::check_size(cx, &volume.project, size_gib).map_err(|refusal| refusal.message)?;
        let used = if more_gib == 0 {
            None
        } else {
            Some(quota::used(cx, &volume.project, &[want]).map_err(|refusal| refusal.message)?)
        };
        Ok((size_gib, used))
    });
    match paid {
        Ok((size_gib, used)) => {
            let managed = Event::VolumeManaged { volume: volume.id, flow: flow.id, size_gib, launched_at: finished_at };
            used.into_iter().chain([managed, Event::FlowFinished { flow: flow.id, failure: None }]).collect()
        }
        Err(why) => {
            let mut events = volume_cleanup::start(cx, flow, task);
            events.extend(not_managed(flow, format!("manage failed: {why}")));
            events
        }
    }
}

/// Passing troubles are tried again up to the bound; then what was done to it is taken back.
pub(super) fn manage_failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if !is_final(failure) && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let mut events = if is_untouched(task, failure) { Vec::new() } else { volume_cleanup::start(cx, flow, task) };
    events.extend(not_managed(flow, format!("manage failed: {failure}")));
    events
}

fn not_managed(flow: &Flow, reason: String) -> Vec<Event> {
    vec![
        Event::VolumeManageFailed { volume: flow.volume, flow: flow.id, reason: reason.clone() },
        Event::FlowFinished { flow: flow.id, failure: Some(reason) },
    ]
}

/// Trying again would not help.
pub(super) fn is_final(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::NoSpace | FailureKind::NotFound | FailureKind::Conflict | FailureKind::Unsupported
    )
}

/// The first worker that had the task only looked, and saw why it must not do it.
pub(super) fn is_untouched(task: &Task, failure: &Failure) -> bool {
    task.dispatch == 1 && matches!(failure.step.as_str(), "observe" | "plan")
}

/// `volume.unmanage`.
pub(super) fn give_up(cx: &Context<'_>, unmanage: VolumeUnmanage) -> Decision {
    let volume = volume::own(cx, unmanage.id)?;
    // Cinder has the rules and the texts of a deletion for it.
    let as_deleted = VolumeDelete { id: volume.id, force: false, cascade: false };
    if volume.group.is_some() {
        return Err(volume_delete::not_deletable(volume, &as_deleted, "take it out of its group first"));
    }
    if cx.state.snapshots_of(volume.id).next().is_some() {
        let remedy = "unmanage or delete its snapshots first";
        return Err(volume_delete::not_deletable(volume, &as_deleted, remedy));
    }
    if volume.pool.is_some() {
        volume_delete::check(cx, volume, &as_deleted, false)?;
    }
    if let Some(copy) = volume::copy_of(cx, Some(volume.id), |_| false) {
        let message = format!("Volume {} is being copied to volume {copy}.", volume.id);
        return Err(volume::invalid(volume, message, format!("wait until volume {copy} is made")));
    }
    let flow = new_flow(cx)?;
    let subjects = Subjects { volume: Some(volume.id), flow: Some(flow), ..Subjects::default() };
    let mut events: Vec<Event> =
        volume.status.flow().map_or_else(Vec::new, |at_work| volume::abandon(cx, at_work, "the volume is given up"));
    events.extend([
        flow_started(cx, flow, FlowKind::VolumeUnmanage, volume.id, &volume.project),
        Event::VolumeUnmanaging { volume: volume.id, flow },
    ]);
    match &volume.pool {
        Some(pool) => {
            let operation = Operation::UnmanageVolume { volume: volume.id, source_name: None };
            let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
            events.push(Event::TaskPending { task: Box::new(task) });
        }
        // It lies nowhere.
        None => events.extend(volume_delete::gone(cx, flow, volume)),
    }
    Ok(Decided { subjects, events })
}

/// It is nobody's any more, and pays no quota.
pub(super) fn given_up(cx: &Context<'_>, flow: &Flow) -> Vec<Event> {
    match cx.state.volumes.get(&flow.volume) {
        Some(volume) => volume_delete::gone(cx, flow.id, volume),
        None => vec![Event::FlowFinished { flow: flow.id, failure: None }],
    }
}

/// It is tried again up to the bound.
pub(super) fn give_up_failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if !is_final(failure) && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let reason = format!("unmanage failed: {failure}");
    vec![
        Event::VolumeUnmanageFailed { volume: flow.volume, flow: flow.id, reason: reason.clone() },
        Event::FlowFinished { flow: flow.id, failure: Some(reason) },
    ]
}
