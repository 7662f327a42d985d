//! Exporting a volume to a host, and taking the export away.

use super::super::{Context, flow_started, new_flow, placement, volume};
use crate::event::Event;
use crate::id::{AttachmentId, CommandId, FlowId, PoolName, ProjectId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Attachment, AttachmentStatus, FlowKind, Volume};
use crate::task::{AttachMode, Connector, Operation, Task};

/// Begins to export the volume for the attachment.
pub(super) fn connect(
    cx: &Context<'_>,
    volume: &Volume,
    attachment: &Attachment,
    connector: &Connector,
    mode: Option<AttachMode>,
) -> Result<(FlowId, Vec<Event>), Refusal> {
    let pool = volume.pool.as_ref().ok_or_else(|| volume::wrong_status(volume, "available", "connect"))?;
    let mode = attachment.mode.or(mode).unwrap_or(AttachMode::Rw);
    let flow = flow_of(cx, attachment.id)?;
    let chap_of = chap_of(cx, volume, attachment, connector);
    let operation = Operation::ConnectVolume {
        attachment: attachment.id,
        volume: volume.id,
        connector: connector.clone(),
        mode,
        chap_of,
    };
    let task = placement::new_task(cx, flow, pool.clone(), operation, 1);
    let events = vec![
        started(cx, flow, FlowKind::AttachmentConnect, attachment.id, (volume.id, &volume.project)),
        Event::AttachmentConnecting { attachment: attachment.id, flow, connector: connector.clone(), mode, chap_of },
        Event::TaskPending { task: Box::new(task) },
    ];
    Ok((flow, events))
}

/// Ends an attachment; with `keep` only its connection. Gives the flow that is at it, when there is anything to do for
/// the storage node.
///
/// What is being connected is not interrupted: its flow goes on to take the export away, so that the two never meet.
pub(super) fn end(
    cx: &Context<'_>,
    volume: &Volume,
    attachment: &Attachment,
    keep: bool,
) -> Result<(Option<FlowId>, Vec<Event>), Refusal> {
    let disconnecting = |flow| Event::AttachmentDisconnecting { attachment: attachment.id, flow, keep };
    match attachment.status {
        AttachmentStatus::Detaching { flow } => return Ok((Some(flow), Vec::new())),
        AttachmentStatus::Disconnecting { flow } if keep => return Ok((Some(flow), Vec::new())),
        AttachmentStatus::Connecting { flow } | AttachmentStatus::Disconnecting { flow } => {
            return Ok((Some(flow), vec![disconnecting(flow)]));
        }
        AttachmentStatus::Reserved
        | AttachmentStatus::Attaching
        | AttachmentStatus::Attached
        | AttachmentStatus::ErrorAttaching
        | AttachmentStatus::ErrorDetaching => {}
    }
    let (Some(connector), Some(pool)) = (&attachment.connector, &volume.pool) else {
        let gone = (!keep).then_some(Event::AttachmentDeleted { attachment: attachment.id });
        return Ok((None, gone.into_iter().collect()));
    };
    let flow = flow_of(cx, attachment.id)?;
    let task = disconnect_task(cx, flow, pool, attachment, connector, 1);
    let events = vec![
        started(cx, flow, FlowKind::AttachmentDisconnect, attachment.id, (volume.id, &volume.project)),
        disconnecting(flow),
        Event::TaskPending { task: Box::new(task) },
    ];
    Ok((Some(flow), events))
}

/// Ends every attachment of the volume.
pub(in crate::decide) fn end_all(cx: &Context<'_>, volume: &Volume) -> Result<Vec<Event>, Refusal> {
    let mut events = Vec::new();
    for attachment in cx.state.attachments_of(volume) {
        events.extend(end(cx, volume, attachment, false)?.1);
    }
    Ok(events)
}

/// What is left of attachments goes with its volume. Nobody uses them: see [`in_the_way`].
pub(in crate::decide) fn gone_with(cx: &Context<'_>, volume: &Volume) -> Vec<Event> {
    let ids = cx.state.attachments_of(volume).map(|attachment| attachment.id);
    ids.map(|attachment| Event::AttachmentDeleted { attachment }).collect()
}

/// Whether a host uses the volume, may reach it, or a flow is at one of its attachments: it must not go.
pub(in crate::decide) fn in_the_way(cx: &Context<'_>, volume: &Volume) -> bool {
    cx.state.attachments_of(volume).any(|attachment| {
        attachment.is_connected()
            || attachment.status.flow().is_some()
            || attachment.status == AttachmentStatus::Attached
    })
}

/// Refuses a second host. Only a server that moves may have two: it connects from its new host before it leaves the
/// old one (`instance` is that server).
pub(super) fn not_elsewhere(
    cx: &Context<'_>,
    volume: &Volume,
    this: Option<AttachmentId>,
    instance: Option<&str>,
) -> Result<(), Refusal> {
    if volume.multiattach {
        return Ok(());
    }
    let mut others = cx.state.attachments_of(volume).filter(|other| Some(other.id) != this && other.is_connected());
    let other = others.find(|other| instance.is_none() || other.instance.as_deref() != instance);
    let Some(other) = other else { return Ok(()) };
    let host = other.connector.as_ref().and_then(|connector| connector.host.as_deref()).unwrap_or("another host");
    Err(Refusal::new(
        RefusalCode::AttachedElsewhere,
        format!("Resource conflict: duplicate connectors detected on volume {}", volume.id),
        format!("end attachment {} of {host} first, or use a type with multiattach", other.id),
    ))
}

/// Whether two connectors are of one host.
pub(super) fn same_host(a: &Connector, b: &Connector) -> bool {
    (&a.host, &a.initiator) == (&b.host, &b.initiator)
}

/// Whose secrets the host logs in with. It has one session with the volume's target, so a second attachment of the
/// host shares those of the first; what was told to the first stays true.
fn chap_of(cx: &Context<'_>, volume: &Volume, attachment: &Attachment, connector: &Connector) -> Option<AttachmentId> {
    if attachment.is_connected() && attachment.connector.as_ref().is_some_and(|host| same_host(host, connector)) {
        return attachment.chap_of;
    }
    let other = others_of_host(cx, volume, attachment.id, connector).next();
    other.map(Attachment::chap_owner).filter(|owner| *owner != attachment.id)
}

/// The other attachments by which the same host may reach the volume.
fn others_of_host<'a>(
    cx: &Context<'a>,
    volume: &'a Volume,
    this: AttachmentId,
    connector: &'a Connector,
) -> impl Iterator<Item = &'a Attachment> {
    let reaches = move |other: &&Attachment| {
        let ending =
            matches!(other.status, AttachmentStatus::Detaching { .. } | AttachmentStatus::Disconnecting { .. });
        other.id != this
            && other.is_connected()
            && !ending
            && other.connector.as_ref().is_some_and(|host| same_initiator(host, connector))
    };
    cx.state.attachments_of(volume).map(AsRef::as_ref).filter(reaches)
}

/// Whether the host of an attachment that is or will be gone reaches the volume by another one.
pub(in crate::decide) fn reaches_by_another(
    cx: &Context<'_>,
    volume: VolumeId,
    this: AttachmentId,
    connector: &Connector,
) -> bool {
    let found = cx.state.volumes.get(&volume);
    found.is_some_and(|volume| others_of_host(cx, volume, this, connector).next().is_some())
}

/// Whether two connectors have one session with a target: by the initiator's name, where they have one.
fn same_initiator(a: &Connector, b: &Connector) -> bool {
    match (&a.initiator, &b.initiator) {
        (Some(a), Some(b)) => a == b,
        _ => same_host(a, b),
    }
}

/// The task that takes an attachment's export away.
pub(super) fn disconnect_task(
    cx: &Context<'_>,
    flow: FlowId,
    pool: &PoolName,
    attachment: &Attachment,
    connector: &Connector,
    number: usize,
) -> Task {
    let operation = Operation::DisconnectVolume {
        attachment: attachment.id,
        volume: attachment.volume,
        connector: connector.clone(),
        chap_of: attachment.chap_of,
        shared: reaches_by_another(cx, attachment.volume, attachment.id, connector),
    };
    placement::new_task(cx, flow, pool.clone(), operation, number)
}

/// The fact that a flow began for an attachment of a volume.
pub(super) fn started(
    cx: &Context<'_>,
    flow: FlowId,
    kind: FlowKind,
    attachment: AttachmentId,
    (volume, project): (VolumeId, &ProjectId),
) -> Event {
    let mut event = flow_started(cx, flow, kind, volume, project);
    if let Event::FlowStarted { attachment: about, .. } = &mut event {
        *about = Some(attachment);
    }
    event
}

/// One command may begin flows for several attachments.
fn flow_of(cx: &Context<'_>, attachment: AttachmentId) -> Result<FlowId, Refusal> {
    let flow = new_flow(cx)?;
    Ok(FlowId(CommandId(flow.0).derive(&format!("attachment {attachment}"))))
}
