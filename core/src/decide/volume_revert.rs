//! `volume.revert`: a volume gets the data of its latest snapshot back, and the snapshot stays.
//!
//! As in Cinder only the latest snapshot will do, and only while nobody uses the volume. What was written since is lost,
//! so a worker's task never does it twice: see [`Operation::RevertVolume`].

use super::{Context, Decided, Decision, attachment, new_flow, placement, retry, snapshot, volume, volume_create};
use crate::command::VolumeRevert;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Flow, FlowKind, Snapshot, SnapshotStatus, Volume, VolumeStatus};
use crate::task::{Failure, FailureKind, Operation, Phase, Task};

pub(super) fn decide(cx: &Context<'_>, revert: VolumeRevert) -> Decision {
    let volume = volume::own(cx, revert.id)?;
    let snapshot = latest(cx, volume, revert)?;
    if snapshot.size_gib != volume.size_gib {
        return Err(Refusal::new(
            RefusalCode::InvalidInput,
            format!(
                "Can't revert volume {} to its latest snapshot {}. The volume size must be equal to the snapshot size.",
                volume.id, snapshot.id
            ),
            format!(
                "make a volume of the snapshot instead: the volume has {} and the snapshot {}",
                volume.size_gib, snapshot.size_gib
            ),
        ));
    }
    let cannot = |what: &str| {
        format!(
            "Can't revert volume {} to its latest snapshot {}. {what} status must be 'available'.",
            volume.id, snapshot.id
        )
    };
    let pool = match (volume.status, &volume.pool) {
        (VolumeStatus::Available, Some(pool)) if !attachment::in_the_way(cx, volume) => pool,
        _ => return Err(volume::invalid(volume, cannot("Volume's"), "detach it, or bring it to available first")),
    };
    if volume::is_migrating(volume) {
        return Err(volume::invalid(volume, cannot("Volume's"), "have its migration status reset first"));
    }
    if snapshot.status != SnapshotStatus::Available {
        return Err(snapshot::invalid(snapshot, cannot("Snapshot's"), "bring the snapshot to available first"));
    }
    if let Some(copy) = volume::copy_of(cx, Some(volume.id), |_| false) {
        let message = format!("Volume {} is being copied to volume {copy}.", volume.id);
        return Err(volume::invalid(volume, message, format!("wait until volume {copy} is made")));
    }
    let flow = new_flow(cx)?;
    let operation = Operation::RevertVolume { volume: volume.id, snapshot: snapshot.id, size_gib: volume.size_gib };
    let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
    let mut started = snapshot::create::started(cx, flow, FlowKind::VolumeRevert, snapshot);
    if let Event::FlowStarted { project, .. } = &mut started {
        project.clone_from(&volume.project);
    }
    let events = vec![
        started,
        Event::VolumeReverting { volume: volume.id, flow, snapshot: snapshot.id },
        Event::TaskPending { task: Box::new(task) },
    ];
    let subjects =
        Subjects { volume: Some(volume.id), snapshot: Some(snapshot.id), flow: Some(flow), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

/// The volume's latest snapshot, if it is the one that was named.
fn latest<'a>(cx: &Context<'a>, volume: &Volume, revert: VolumeRevert) -> Result<&'a Snapshot, Refusal> {
    let by_age = |found: &&'a Snapshot| (found.created_at, found.id);
    let latest = cx.state.snapshots_of(volume.id).map(AsRef::as_ref).max_by_key(by_age);
    let Some(latest) = latest else {
        let message = format!("Volume {} doesn't have any snapshots.", volume.id);
        return Err(Refusal::new(RefusalCode::InvalidInput, message, "only a snapshot can be gone back to"));
    };
    if latest.id != revert.snapshot || !cx.may_touch(&latest.project) {
        let message =
            format!("Specified snapshot {} is None or not the latest one of volume {}.", revert.snapshot, volume.id);
        let remedy = "delete the later snapshots first, or make a volume of this one";
        return Err(Refusal::new(RefusalCode::InvalidInput, message, remedy));
    }
    Ok(latest)
}

/// It has the data.
pub(super) fn succeeded(flow: &Flow) -> Vec<Event> {
    let reverted = flow.snapshot.map(|snapshot| Event::VolumeReverted { volume: flow.volume, flow: flow.id, snapshot });
    reverted.into_iter().chain([Event::FlowFinished { flow: flow.id, failure: None }]).collect()
}

/// Silence and passing troubles are tried again up to the bound; then what may lie beside the volume is removed.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let final_at_once = matches!(
        failure.kind,
        FailureKind::NoSpace | FailureKind::NotFound | FailureKind::Conflict | FailureKind::Unsupported
    );
    if task.phase == Phase::Revert {
        return error(flow, &volume_create::first_failure(flow, task, failure));
    }
    if !final_at_once && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    if placement::is_down(cx, &task.pool) {
        return error(flow, failure);
    }
    vec![volume_create::revert(cx, task)]
}

/// Nothing lies beside the volume any more.
pub(super) fn reverted(flow: &Flow, task: &Task) -> Vec<Event> {
    let mut events = vec![Event::TaskReverted { flow: flow.id, task: task.id }];
    events.extend(error(flow, &volume_create::remembered_failure(flow)));
    events
}

fn error(flow: &Flow, failure: &Failure) -> Vec<Event> {
    let reason = format!("revert failed: {failure}");
    let failed = flow.snapshot.map(|snapshot| Event::VolumeRevertFailed {
        volume: flow.volume,
        flow: flow.id,
        snapshot,
        reason: reason.clone(),
    });
    failed.into_iter().chain([Event::FlowFinished { flow: flow.id, failure: Some(reason) }]).collect()
}
