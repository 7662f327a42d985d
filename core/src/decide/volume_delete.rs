//! `volume.delete`.

use super::{Context, Decided, Decision, new_flow, placement, quota, retry, volume};
use crate::command::VolumeDelete;
use crate::event::Event;
use crate::id::FlowId;
use crate::record::Subjects;
use crate::state::{Flow, FlowKind, Volume, VolumeStatus};
use crate::task::{Failure, FailureKind, Operation, Task};

pub(super) fn decide(cx: &Context<'_>, delete: &VolumeDelete) -> Decision {
    let volume = volume::own(cx, delete.id)?;
    let allowed = match volume.status {
        VolumeStatus::Available | VolumeStatus::Error | VolumeStatus::ErrorExtending => true,
        VolumeStatus::ErrorDeleting => delete.force,
        VolumeStatus::Creating { .. } | VolumeStatus::Extending { .. } | VolumeStatus::Deleting { .. } => false,
    };
    if !allowed {
        let mut refusal = volume::wrong_status(volume, "available or error or error_extending", "delete");
        if volume.status == VolumeStatus::ErrorDeleting {
            refusal.remedy = format!("it could not be deleted before ({}); delete it with force", reason(volume));
        }
        return Err(refusal);
    }
    let flow = new_flow(cx)?;
    let subjects = Subjects { volume: Some(volume.id), flow: Some(flow), volume_type: None };
    let mut events = vec![
        Event::FlowStarted { flow, kind: FlowKind::VolumeDelete, volume: volume.id, project: volume.project.clone() },
        Event::VolumeDeleting { volume: volume.id, flow },
    ];
    match &volume.pool {
        Some(pool) => {
            let operation = Operation::DeleteVolume { volume: volume.id };
            let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
            events.push(Event::TaskPending { task: Box::new(task) });
        }
        // It lies nowhere: there is nothing to wait for.
        None => events.extend(gone(cx, flow, volume)),
    }
    Ok(Decided { subjects, events })
}

/// Nothing of it is left on its pool.
pub(super) fn succeeded(cx: &Context<'_>, flow: &Flow) -> Vec<Event> {
    match cx.state.volumes.get(&flow.volume) {
        Some(volume) => gone(cx, flow.id, volume),
        None => vec![Event::FlowFinished { flow: flow.id, failure: None }],
    }
}

/// A volume that is in use stays as it was (Cinder: `VolumeIsBusy`); all else is tried again up to the bound.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let busy = failure.kind == FailureKind::Busy;
    if !busy && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let reason = format!("delete failed: {failure}");
    vec![
        Event::VolumeDeleteFailed { volume: flow.volume, busy, reason: reason.clone() },
        Event::FlowFinished { flow: flow.id, failure: Some(reason) },
    ]
}

fn gone(cx: &Context<'_>, flow: FlowId, volume: &Volume) -> Vec<Event> {
    let want =
        quota::Want { volumes: -1, gigabytes: -i64::from(volume.size_gib.gib()), volume_type: volume.volume_type };
    let (reservation, given_back) = quota::give_back(cx, &volume.project, flow, want);
    vec![
        given_back,
        Event::QuotaCommitted { reservation },
        Event::VolumeDeleted { volume: volume.id },
        Event::FlowFinished { flow, failure: None },
    ]
}

fn reason(volume: &Volume) -> &str {
    volume.reason.as_deref().unwrap_or("the reason is in its last flow")
}
