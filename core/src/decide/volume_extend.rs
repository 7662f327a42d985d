//! `volume.extend`.

use super::{Context, Decided, Decision, new_flow, placement, quota, retry, volume};
use crate::command::VolumeExtend;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Flow, FlowKind, VolumeStatus};
use crate::task::{Failure, FailureKind, Operation, Task};

pub(super) fn decide(cx: &Context<'_>, extend: &VolumeExtend) -> Decision {
    let volume = volume::own(cx, extend.id)?;
    let (VolumeStatus::Available, Some(pool)) = (volume.status, &volume.pool) else {
        return Err(volume::wrong_status(volume, "available", "extend"));
    };
    if extend.size_gib <= volume.size_gib {
        return Err(Refusal::new(
            RefusalCode::NotLarger,
            format!(
                "New size for extend must be greater than current size. (current: {}, extended: {}).",
                volume.size_gib.gib(),
                extend.size_gib.gib()
            ),
            format!("ask for more than {} GiB", volume.size_gib.gib()),
        ));
    }
    quota::check_size(cx, &volume.project, extend.size_gib)?;
    let flow = new_flow(cx)?;
    let grown_gib = extend.size_gib.gib() - volume.size_gib.gib();
    let want = quota::Want { volumes: 0, gigabytes: i64::from(grown_gib), volume_type: volume.volume_type };
    let (_, quota_reserved) = quota::reserve(cx, &volume.project, flow, want)?;
    let decision = placement::for_extend(cx, flow, volume, pool, extend.size_gib);
    if decision.chosen.is_none() {
        return Err(Refusal::new(
            RefusalCode::NoValidPool,
            decision.refusal_text(),
            format!("ask for less, or make room on {pool}"),
        ));
    }
    let operation = Operation::ExtendVolume { volume: volume.id, size_gib: extend.size_gib };
    let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
    let events = vec![
        Event::FlowStarted { flow, kind: FlowKind::VolumeExtend, volume: volume.id, project: volume.project.clone() },
        quota_reserved,
        Event::VolumeExtending { volume: volume.id, flow, size_gib: extend.size_gib },
        Event::PlacementDecided { flow, volume: volume.id, decision: Box::new(decision) },
        Event::TaskPending { task: Box::new(task) },
    ];
    let subjects = Subjects { volume: Some(volume.id), flow: Some(flow), volume_type: None };
    Ok(Decided { subjects, events })
}

/// It has its new size.
pub(super) fn succeeded(flow: &Flow, task: &Task) -> Vec<Event> {
    let Operation::ExtendVolume { volume, size_gib } = task.operation else { return Vec::new() };
    let committed = flow.reservation.map(|reservation| Event::QuotaCommitted { reservation });
    let rest = [
        Event::VolumeExtended { volume, flow: flow.id, size_gib },
        Event::FlowFinished { flow: flow.id, failure: None },
    ];
    committed.into_iter().chain(rest).collect()
}

/// Silence and passing troubles are tried again up to the bound; then the quota is given back.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let final_at_once = matches!(
        failure.kind,
        FailureKind::NoSpace | FailureKind::NotFound | FailureKind::Conflict | FailureKind::Unsupported
    );
    if !final_at_once && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let reason = format!("extend failed: {failure}");
    let rolled_back = flow.reservation.map(|reservation| Event::QuotaRolledBack { reservation });
    let rest = [
        Event::VolumeExtendFailed { volume: flow.volume, flow: flow.id, reason: reason.clone() },
        Event::FlowFinished { flow: flow.id, failure: Some(reason) },
    ];
    rolled_back.into_iter().chain(rest).collect()
}
