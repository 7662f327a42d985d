//! What becomes of an attachment when a worker has said its word.

use super::super::{Context, retry};
use super::connection::{disconnect_task, started};
use super::status::let_go;
use crate::event::Event;
use crate::id::{ADMIN_PROJECT, CommandId, FlowId, ProjectId};
use crate::state::{Attachment, AttachmentStatus, Flow, FlowKind, VolumeStatus};
use crate::task::{Connection, Failure, FailureKind, Operation, Phase, Task, TaskReport, Transition};

/// The storage node exports the volume.
pub(in crate::decide) fn connected(cx: &Context<'_>, flow: &Flow, connection: Option<&Connection>) -> Vec<Event> {
    let Some(task) = flow.task.as_ref().map(|open| &open.task) else { return Vec::new() };
    if matches!(task.operation, Operation::DisconnectVolume { .. }) {
        return disconnected(cx, flow);
    }
    let Some(attachment) = of_flow(cx, flow) else { return finished(flow, None) };
    if !matches!(attachment.status, AttachmentStatus::Connecting { .. }) {
        return not_wanted_any_more(cx, flow, task, attachment);
    }
    let Some(connection) = connection else {
        return failed(flow, attachment, "the worker did not say how the host reaches the volume".to_owned());
    };
    let connected =
        Event::AttachmentConnected { attachment: attachment.id, flow: flow.id, connection: connection.clone() };
    std::iter::once(connected).chain(finished(flow, None)).collect()
}

/// Silence and passing troubles are tried again up to the bound.
pub(in crate::decide) fn connect_failed(cx: &Context<'_>, flow: &Flow, task: &Task, failure: &Failure) -> Vec<Event> {
    if matches!(task.operation, Operation::DisconnectVolume { .. }) {
        return disconnect_failed(cx, flow, task, failure);
    }
    let Some(attachment) = of_flow(cx, flow) else { return finished(flow, Some(failure.to_string())) };
    if !matches!(attachment.status, AttachmentStatus::Connecting { .. }) {
        return not_wanted_any_more(cx, flow, task, attachment);
    }
    let final_at_once =
        matches!(failure.kind, FailureKind::NotFound | FailureKind::Conflict | FailureKind::Unsupported);
    if !final_at_once && task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    failed(flow, attachment, format!("connect failed: {failure}"))
}

/// The storage node exports the volume no longer.
pub(in crate::decide) fn disconnected(cx: &Context<'_>, flow: &Flow) -> Vec<Event> {
    let Some(attachment) = of_flow(cx, flow) else { return finished(flow, None) };
    if matches!(attachment.status, AttachmentStatus::Disconnecting { .. }) {
        let stays = Event::AttachmentDisconnected { attachment: attachment.id, flow: flow.id };
        return std::iter::once(stays).chain(finished(flow, None)).collect();
    }
    let mut events = vec![Event::AttachmentDeleted { attachment: attachment.id }];
    events.extend(lets_go(cx, attachment));
    events.extend(finished(flow, None));
    events
}

/// All failures are tried again up to the bound; after that whoever ends the attachment again has it tried again.
pub(in crate::decide) fn disconnect_failed(
    cx: &Context<'_>,
    flow: &Flow,
    task: &Task,
    failure: &Failure,
) -> Vec<Event> {
    if task.dispatch < cx.state.config.task_dispatches_max {
        return retry::again(cx, task, failure, cx.state.config.task_deadline_ms);
    }
    let reason = format!("disconnect failed: {failure}");
    let failed = of_flow(cx, flow).map(|attachment| Event::AttachmentDisconnectFailed {
        attachment: attachment.id,
        flow: flow.id,
        reason: reason.clone(),
    });
    failed.into_iter().chain(finished(flow, Some(reason))).collect()
}

/// A worker was slow and exported a volume for an attachment that is gone meanwhile: that is taken away again.
pub(in crate::decide) fn late_connect(cx: &Context<'_>, report: &TaskReport) -> Vec<Event> {
    let Operation::ConnectVolume { attachment, volume, connector, chap_of, .. } = &report.operation else {
        return Vec::new();
    };
    let made = report.phase == Phase::Execute && matches!(report.transition, Transition::Succeeded { .. });
    // One that has a host is ended by a flow of its own.
    let known = cx.state.attachments.get(attachment);
    let id = FlowId(CommandId(report.task.0).derive(&format!("disconnect {}", report.dispatch)));
    if !made || known.is_some_and(|known| known.connector.is_some()) || cx.state.flows.contains_key(&id) {
        return Vec::new();
    }
    let project = cx.state.volumes.get(volume).map(|volume| volume.project.clone());
    let Some(project) = project.or_else(|| ProjectId::new(ADMIN_PROJECT).ok()) else { return Vec::new() };
    let operation = Operation::DisconnectVolume {
        attachment: *attachment,
        volume: *volume,
        connector: connector.clone(),
        chap_of: *chap_of,
        shared: false,
    };
    let task = super::super::placement::new_task(cx, id, report.pool.clone(), operation, 1);
    vec![
        started(cx, id, FlowKind::AttachmentDisconnect, *attachment, (*volume, &project)),
        Event::TaskPending { task: Box::new(task) },
    ]
}

/// The attachment that the flow is at work on; a flow that only cleans up has none.
fn of_flow<'a>(cx: &Context<'a>, flow: &Flow) -> Option<&'a Attachment> {
    let attachment = cx.state.attachments.get(&flow.attachment?)?;
    (attachment.status.flow() == Some(flow.id)).then_some(attachment.as_ref())
}

/// It was ended while it was being connected: whatever the attempt left is taken away now, by the same flow.
fn not_wanted_any_more(cx: &Context<'_>, flow: &Flow, task: &Task, attachment: &Attachment) -> Vec<Event> {
    let connector = attachment.connector.clone().unwrap_or_default();
    let task = disconnect_task(cx, flow.id, &task.pool, attachment, &connector, 2);
    vec![Event::TaskPending { task: Box::new(task) }]
}

/// The last hidden attachment of a volume that an older client kept lets it go.
fn lets_go(cx: &Context<'_>, attachment: &Attachment) -> Option<Event> {
    let volume = cx.state.volumes.get(&attachment.volume)?;
    let another = cx.state.attachments_of(volume).any(|other| other.is_hidden() && other.id != attachment.id);
    let kept = attachment.is_hidden() && volume.status == VolumeStatus::Attaching;
    if kept && !another { let_go(cx, volume) } else { None }
}

fn failed(flow: &Flow, attachment: &Attachment, reason: String) -> Vec<Event> {
    let failed = Event::AttachmentConnectFailed { attachment: attachment.id, flow: flow.id, reason: reason.clone() };
    std::iter::once(failed).chain(finished(flow, Some(reason))).collect()
}

fn finished(flow: &Flow, failure: Option<String>) -> Vec<Event> {
    vec![Event::FlowFinished { flow: flow.id, failure }]
}
