//! `volume.extend`.

use super::{Context, Decided, Decision, flow_started, new_flow, placement, quota, retry, volume};
use crate::command::VolumeExtend;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Flow, FlowKind, SnapshotStatus, Volume, VolumeStatus};
use crate::task::{Failure, FailureKind, Operation, Task};

pub(super) fn decide(cx: &Context<'_>, extend: &VolumeExtend) -> Decision {
    let volume = volume::own(cx, extend.id)?;
    if extend.size_gib <= volume.size_gib {
        return Err(Refusal::new(
            RefusalCode::NotLarger,
            format!(
                "Invalid input received: New size for extend must be greater than current size. (current: {}, \
                 extended: {}).",
                volume.size_gib.gib(),
                extend.size_gib.gib()
            ),
            format!("ask for more than {} GiB", volume.size_gib.gib()),
        ));
    }
    let (VolumeStatus::Available | VolumeStatus::InUse, Some(pool)) = (volume.status, &volume.pool) else {
        let status = volume.status.name();
        let message =
            format!("Volume {} status must be '{{'status': 'available'}}' to extend, currently {status}.", volume.id);
        let remedy = match volume.pool {
            Some(_) => "bring the volume to available first",
            None => "delete it: it lies on no pool and has no data",
        };
        return Err(volume::invalid(volume, message, remedy));
    };
    not_being_copied(cx, volume)?;
    quota::check_size(cx, &volume.project, extend.size_gib)?;
    let flow = new_flow(cx)?;
    let grown_gib = extend.size_gib.gib() - volume.size_gib.gib();
    let want = quota::Want::volume(volume.volume_type, 0, i64::from(grown_gib));
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
        flow_started(cx, flow, FlowKind::VolumeExtend, volume.id, &volume.project),
        quota_reserved,
        Event::VolumeExtending { volume: volume.id, flow, size_gib: extend.size_gib },
        Event::PlacementDecided { flow, volume: volume.id, decision: Box::new(decision) },
        Event::TaskPending { task: Box::new(task) },
    ];
    let subjects = Subjects { volume: Some(volume.id), flow: Some(flow), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

/// What is being made of it has the size that it had when that was asked for. (Cinder does not look.)
fn not_being_copied(cx: &Context<'_>, of: &Volume) -> Result<(), Refusal> {
    let is_of_it = |id| cx.state.snapshots.get(&id).is_some_and(|snapshot| snapshot.volume == of.id);
    if let Some(copy) = volume::copy_of(cx, Some(of.id), is_of_it) {
        let message = format!("Volume {} is being copied to volume {copy}.", of.id);
        return Err(volume::invalid(of, message, format!("wait until volume {copy} is made")));
    }
    let mut snapshots = cx.state.snapshots_of(of.id);
    match snapshots.find(|snapshot| matches!(snapshot.status, SnapshotStatus::Creating { .. })) {
        None => Ok(()),
        Some(taken) => {
            let message = format!("Snapshot {} of volume {} is being taken.", taken.id, of.id);
            Err(volume::invalid(of, message, format!("wait until snapshot {} is available", taken.id)))
        }
    }
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
