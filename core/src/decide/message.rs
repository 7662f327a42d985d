//! Messages to users: one for each failed flow; `message.delete`.

use super::{Context, Decided, Decision};
use crate::command::MessageDelete;
use crate::event::Event;
use crate::id::{CommandId, FlowId, MessageId, ProjectId, SnapshotId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{FlowKind, Message, MessageResource};

/// The most characters of a message: its reason may have the end of a tool's output in it, which stands in the flow.
const TEXT_CHARS_MAX: usize = 1024;

pub(in crate::decide) fn delete(cx: &Context<'_>, command: MessageDelete) -> Decision {
    let found = cx.state.messages.get(&command.id).filter(|message| cx.may_touch(&message.project));
    match found {
        Some(_) => Ok(Decided::events(vec![Event::MessageDeleted { message: command.id }])),
        None => Err(Refusal::new(
            RefusalCode::MessageNotFound,
            format!("Message {} could not be found.", command.id),
            "list the messages; they go by themselves after 30 days",
        )),
    }
}

/// What the users are told of the flows that failed by these events, which are decided and not yet applied.
pub(super) fn of_failures(cx: &Context<'_>, events: &[Event]) -> Vec<Event> {
    let failed = events.iter().filter_map(|event| match event {
        Event::FlowFinished { flow, failure: Some(reason) } => Some((*flow, reason)),
        _ => None,
    });
    failed.filter_map(|(flow, reason)| message(cx, events, flow, reason)).collect()
}

fn message(cx: &Context<'_>, events: &[Event], flow: FlowId, reason: &str) -> Option<Event> {
    let about = about(cx, events, flow)?;
    let (action, detail) = cause(cx, events, flow, about.kind)?;
    let (resource_type, resource) = match (about.kind, about.snapshot) {
        (
            FlowKind::SnapshotCreate | FlowKind::SnapshotDelete | FlowKind::SnapshotManage | FlowKind::SnapshotUnmanage,
            Some(snapshot),
        ) => (MessageResource::Snapshot, snapshot.0),
        _ => (MessageResource::Volume, about.volume.0),
    };
    let text = format!("{}:{} {reason}", action.1, detail.1);
    let message = Message {
        id: MessageId(CommandId(flow.0).derive("message")),
        project: about.project.clone(),
        resource_type,
        resource,
        event_id: format!("VOLUME_{}_{}_{}", resource_type.name(), action.0, detail.0),
        text: text.chars().take(TEXT_CHARS_MAX).collect(),
        request_id: about.request_id,
        created_at: cx.now,
    };
    Some(Event::MessageCreated { message: Box::new(message) })
}

/// What of a flow its message names.
struct About {
    kind: FlowKind,
    volume: VolumeId,
    snapshot: Option<SnapshotId>,
    project: ProjectId,
    request_id: Option<String>,
}

/// A flow may end by the same events by which it began.
fn about(cx: &Context<'_>, events: &[Event], id: FlowId) -> Option<About> {
    if let Some(flow) = cx.state.flows.get(&id) {
        return Some(About {
            kind: flow.kind,
            volume: flow.volume,
            snapshot: flow.snapshot,
            project: flow.project.clone(),
            request_id: flow.request_id.clone(),
        });
    }
    events.iter().find_map(|event| match event {
        Event::FlowStarted { flow, kind, volume, project, snapshot, request_id, .. } if *flow == id => Some(About {
            kind: *kind,
            volume: *volume,
            snapshot: *snapshot,
            project: project.clone(),
            request_id: request_id.clone(),
        }),
        _ => None,
    })
}

/// A number of `cinder/message/message_field.py` with its words.
type Field = (&'static str, &'static str);

const SCHEDULE: Field = ("001", "schedule allocate volume");
const ATTACH: Field = ("002", "attach volume");
const EXTEND: Field = ("007", "extend volume");
const CREATE: Field = ("008", "create volume from backend storage");
const SNAPSHOT: Field = ("009", "create snapshot");
const SNAPSHOT_DELETE: Field = ("010", "delete snapshot");
/// Cinder leaves no message when a volume cannot be reverted, managed, deleted or detached, and has no number for it.
const REVERT: Field = ("000", "revert volume to snapshot");
const MANAGE: Field = ("000", "manage existing");
const UNMANAGE: Field = ("000", "unmanage");
const DELETE: Field = ("000", "delete volume");
const DETACH: Field = ("000", "detach volume");

const UNKNOWN: Field = ("001", "An unknown error occurred.");
const NO_BACKEND: Field = ("003", "Could not find any available weighted backend.");
const EXTEND_FAILED: Field = ("010", "Volume Driver failed to extend volume.");
const CREATE_FAILED: Field = ("012", "Driver failed to create the volume.");
const SNAPSHOT_FAILED: Field = ("013", "Snapshot failed to create.");
const SNAPSHOT_BUSY: Field = ("015", "Snapshot is busy.");
const SNAPSHOT_DELETE_FAILED: Field = ("016", "Snapshot failed to delete.");
const ATTACH_FAILED: Field = ("021", "Failed to attach volume.");
const DETACH_FAILED: Field = ("022", "Failed to detach volume.");

/// What was tried and what went wrong; `None` for flows that no user knows of.
fn cause(cx: &Context<'_>, events: &[Event], id: FlowId, kind: FlowKind) -> Option<(Field, Field)> {
    Some(match kind {
        FlowKind::VolumeCreate if was_tried(cx, id) => (CREATE, CREATE_FAILED),
        FlowKind::VolumeCreate => (SCHEDULE, NO_BACKEND),
        FlowKind::VolumeDelete => (DELETE, UNKNOWN),
        FlowKind::VolumeExtend => (EXTEND, EXTEND_FAILED),
        FlowKind::VolumeRevert => (REVERT, UNKNOWN),
        FlowKind::VolumeManage | FlowKind::SnapshotManage => (MANAGE, UNKNOWN),
        FlowKind::VolumeUnmanage | FlowKind::SnapshotUnmanage => (UNMANAGE, UNKNOWN),
        FlowKind::SnapshotCreate => (SNAPSHOT, SNAPSHOT_FAILED),
        FlowKind::SnapshotDelete if is_busy(events) => (SNAPSHOT_DELETE, SNAPSHOT_BUSY),
        FlowKind::SnapshotDelete => (SNAPSHOT_DELETE, SNAPSHOT_DELETE_FAILED),
        FlowKind::AttachmentConnect => (ATTACH, ATTACH_FAILED),
        FlowKind::AttachmentDisconnect => (DETACH, DETACH_FAILED),
        FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup | FlowKind::DriftRepair => return None,
    })
}

/// Whether a worker was ever asked: a flow that found no pool at first ends with the command that began it.
fn was_tried(cx: &Context<'_>, flow: FlowId) -> bool {
    cx.state.flows.contains_key(&flow)
}

fn is_busy(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::SnapshotDeleteFailed { busy: true, .. }))
}
