//! `drift.scan`, `drift.repair`, and the flow that repairs.

use super::attachment::reaches_by_another;
use super::inventory::is_exported;
use super::{Context, Decided, Decision, flow_started, placement, retry};
use crate::command::{DriftRepair, DriftScan};
use crate::event::Event;
use crate::id::{ADMIN_PROJECT, AttachmentId, BackendName, FlowId, ProjectId};
use crate::inventory::{Drift, Repair, Stored};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Attachment, Flow, FlowKind};
use crate::task::{AttachMode, Connector, CopySource, Failure, FailureKind, Operation, Task};

/// The most repairs that one command begins; the same command again begins the next ones.
const REPAIRS_MAX: usize = 64;

/// Asks the workers of a backend, or of all, to look at their storage now.
pub(super) fn scan(cx: &Context<'_>, scan: &DriftScan) -> Decision {
    let names: Vec<BackendName> = match &scan.backend {
        Some(name) if cx.state.backends.contains_key(name) => vec![name.clone()],
        Some(name) => {
            let remedy = "list the services; only those that have reported can be asked";
            return Err(Refusal::new(
                RefusalCode::ServiceNotFound,
                format!("no backend {name} has ever reported"),
                remedy,
            ));
        }
        None => cx.state.backends.keys().cloned().collect(),
    };
    Ok(Decided::events(names.into_iter().map(|backend| Event::InventoryAsked { backend }).collect()))
}

/// Repairs what the command names. Of all drifts only those are touched whose repair loses no data, unless `remove` says
/// otherwise; what cannot be repaired is left.
pub(super) fn repair(cx: &Context<'_>, repair: &DriftRepair) -> Decision {
    let named = |drift: &&Drift| {
        repair.pool.as_ref().is_none_or(|pool| drift.pool == *pool)
            && repair.object.as_ref().is_none_or(|object| drift.what.to_string() == *object)
    };
    let drifts: Vec<&Drift> = cx.state.drifts.values().map(AsRef::as_ref).filter(named).collect();
    let (mut events, mut first, mut begun) = (Vec::new(), None, 0);
    for drift in &drifts {
        let left = !drift.repair().is_included(repair.remove);
        match (&repair.object, begin(cx, drift)) {
            (Some(_), Ok(_)) if left => return Err(removal_not_asked(drift)),
            (Some(_), Err(why)) => return Err(not_repairable(drift, &why)),
            (None, Ok(_)) if left || begun >= REPAIRS_MAX => {}
            (_, Ok((flow, repairing))) => {
                begun += 1;
                first = first.or(Some(flow));
                events.extend(repairing);
            }
            (None, Err(_)) => {}
        }
    }
    if let Some(object) = repair.object.as_ref().filter(|_| drifts.is_empty()) {
        let remedy = "list the drifts; those that were repaired are only in the log";
        return Err(Refusal::new(RefusalCode::DriftNotFound, format!("there is no drift of {object}"), remedy));
    }
    Ok(Decided { subjects: Subjects { flow: first, ..Subjects::default() }, events })
}

/// Begins to repair a drift.
///
/// # Errors
/// Why only a person can do it, or why not now.
pub(super) fn begin(cx: &Context<'_>, drift: &Drift) -> Result<(FlowId, Vec<Event>), String> {
    let volume = drift.what.volume();
    if let Some(at_work) = cx.state.flows.values().find(|flow| flow.volume == volume) {
        return Err(format!("flow {} is at work on volume {volume}: wait until it ends", at_work.id));
    }
    let operation = operation(cx, drift)?;
    let id = FlowId(cx.id.derive(&format!("repair {} {} {}", drift.pool, drift.what, cx.position)));
    let project = cx.state.volumes.get(&volume).map(|volume| volume.project.clone());
    let project = project.map_or_else(|| ProjectId::new(ADMIN_PROJECT).map_err(|e| e.to_string()), Ok)?;
    let mut started = flow_started(cx, id, FlowKind::DriftRepair, volume, &project);
    if let Event::FlowStarted { snapshot, attachment, .. } = &mut started {
        *snapshot = operation.snapshot();
        *attachment = attachment_of(&operation);
    }
    let task = placement::new_task(cx, id, drift.pool.clone(), operation, 1);
    let repairing = Event::DriftRepairing { pool: drift.pool.clone(), what: drift.what.clone(), flow: id };
    Ok((id, vec![started, repairing, Event::TaskPending { task: Box::new(task) }]))
}

fn operation(cx: &Context<'_>, drift: &Drift) -> Result<Operation, String> {
    let volume = drift.what.volume();
    let known = cx.state.volumes.get(&volume);
    match (drift.repair(), &drift.what) {
        (Repair::Restore, what) => {
            let attachment = promised_host(cx, what).ok_or("no attachment promises it any more")?;
            let connector = attachment.connector.clone().unwrap_or_default();
            let (mode, chap_of) = (attachment.mode.unwrap_or(AttachMode::Rw), attachment.chap_of);
            Ok(Operation::ConnectVolume { attachment: attachment.id, volume, connector, mode, chap_of })
        }
        (Repair::Withdraw, what) => {
            if promised_host(cx, &Stored::Target { volume }).is_none() {
                return Ok(Operation::WithdrawVolume { volume });
            }
            match (what, &drift.initiator) {
                (Stored::Host { attachment, .. }, Some(initiator)) => {
                    let connector = Connector { initiator: Some(initiator.clone()), ..Connector::default() };
                    let attachment = *attachment;
                    Ok(Operation::DisconnectVolume { attachment, volume, connector, chap_of: None, shared: false })
                }
                _ => Err("the target does not tell which host it is, and other hosts use the volume".to_owned()),
            }
        }
        (Repair::Remove, Stored::Snapshot { snapshot, .. }) => {
            Ok(Operation::DeleteSnapshot { snapshot: *snapshot, volume })
        }
        // What lay beside a volume while it was made goes with the task that makes it, which finds all else done.
        (Repair::Remove, Stored::Still { .. }) if let Some(known) = known => {
            let source = Some(CopySource::Volume(known.source_volume.unwrap_or(volume)));
            Ok(Operation::CreateVolume { volume, size_gib: known.size_gib, source })
        }
        (Repair::Remove, Stored::Successor { .. }) if known.is_some() => {
            Err("the volume itself is there; look what is in it, and remove it with lvremove".to_owned())
        }
        (Repair::Remove, _) => Ok(Operation::DeleteVolume { volume }),
        (Repair::Extend, _) => {
            let known = known.ok_or("the volume is gone")?;
            Ok(Operation::ExtendVolume { volume, size_gib: known.size_gib })
        }
        (Repair::ByHand, _) => Err(drift.reason.clone()),
    }
}

fn attachment_of(operation: &Operation) -> Option<AttachmentId> {
    match operation {
        Operation::ConnectVolume { attachment, .. } | Operation::DisconnectVolume { attachment, .. } => {
            Some(*attachment)
        }
        _ => None,
    }
}

/// The attachment that promises an export: the host's, or any of a target.
pub(super) fn promised_host<'a>(cx: &Context<'a>, what: &Stored) -> Option<&'a Attachment> {
    let volume = cx.state.volumes.get(&what.volume())?;
    let mut promised = cx.state.attachments_of(volume).map(AsRef::as_ref).filter(|found| is_exported(found));
    match what {
        Stored::Host { attachment, .. } => promised.find(|found| found.chap_owner() == *attachment),
        _ => promised.next(),
    }
}

/// It is as it should be; unless somebody ended the attachment meanwhile, whose host must not be let in again.
pub(super) fn succeeded(cx: &Context<'_>, flow: &Flow, task: &Task) -> Vec<Event> {
    if let Some(task) = not_wanted_any_more(cx, flow, task) {
        return vec![Event::TaskPending { task: Box::new(task) }];
    }
    let repaired = cx.state.drifts.values().filter(|drift| drift.flow == Some(flow.id));
    let mut events: Vec<Event> =
        repaired.map(|drift| Event::DriftGone { pool: drift.pool.clone(), what: drift.what.clone() }).collect();
    events.push(Event::FlowFinished { flow: flow.id, failure: None });
    events
}

/// Passing troubles are tried again up to the bound; then the drift stays, and the next inventory may try again.
pub(super) fn failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    let final_at_once =
        matches!(failure.kind, FailureKind::NotFound | FailureKind::Conflict | FailureKind::Unsupported);
    if !final_at_once && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    vec![Event::FlowFinished { flow: flow.id, failure: Some(format!("repair failed: {failure}")) }]
}

fn not_wanted_any_more(cx: &Context<'_>, flow: &Flow, task: &Task) -> Option<Task> {
    let Operation::ConnectVolume { attachment, volume, connector, chap_of, .. } = &task.operation else { return None };
    if cx.state.attachments.get(attachment).is_some_and(|found| is_exported(found)) {
        return None;
    }
    let operation = Operation::DisconnectVolume {
        attachment: *attachment,
        volume: *volume,
        connector: connector.clone(),
        chap_of: *chap_of,
        shared: reaches_by_another(cx, *volume, *attachment, connector),
    };
    Some(placement::new_task(cx, flow.id, task.pool.clone(), operation, 2))
}

fn removal_not_asked(drift: &Drift) -> Refusal {
    Refusal::new(
        RefusalCode::InvalidInput,
        format!("the repair of {} on {} removes it with its data", drift.what, drift.pool),
        "look what is in it; say `remove` when it is to go",
    )
}

fn not_repairable(drift: &Drift, why: &str) -> Refusal {
    let message = format!("{} on {} cannot be repaired: {why}", drift.what, drift.pool);
    Refusal::new(RefusalCode::DriftNotRepairable, message, "see docs/drift.md for what to do by hand")
}
