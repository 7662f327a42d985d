//! Attaching: attachments, and the older calls on the volume itself.
//!
//! An attachment is kept (`reserved`), exported to a host by a flow (`attaching`), used (`attached`), and ended by
//! another flow. The volume's status follows its attachments ([`State::status_by_attachments`]).
//!
//! [`State::status_by_attachments`]: crate::state::State::status_by_attachments

mod connection;
mod current;
mod legacy;
mod outcome;
mod status;

use std::sync::Arc;

pub(super) use connection::{end_all, gone_with, in_the_way, reaches_by_another};
pub(super) use outcome::{connect_failed, connected, disconnect_failed, disconnected, late_connect};

use super::{Context, Decided, Decision, volume};
use crate::command::Command;
use crate::event::Event;
use crate::id::{AttachmentId, FlowId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Attachment, AttachmentStatus, Volume};

/// `None` when the command is not about attaching.
pub(super) fn decide(cx: &Context<'_>, command: &Command) -> Option<Decision> {
    Some(match command {
        Command::AttachmentCreate(create) => current::create(cx, create),
        Command::AttachmentUpdate(update) => current::update(cx, update),
        Command::AttachmentComplete(complete) => current::complete(cx, *complete),
        Command::AttachmentDelete(delete) => current::delete(cx, *delete),
        Command::VolumeReserve(reserve) => status::reserve(cx, *reserve),
        Command::VolumeUnreserve(unreserve) => status::unreserve(cx, *unreserve),
        Command::VolumeBeginDetaching(begin) => status::begin_detaching(cx, *begin),
        Command::VolumeRollDetaching(roll) => status::roll_detaching(cx, *roll),
        Command::VolumeInitializeConnection(asked) => legacy::initialize_connection(cx, asked),
        Command::VolumeTerminateConnection(asked) => legacy::terminate_connection(cx, asked),
        Command::VolumeAttach(attach) => legacy::attach(cx, attach),
        Command::VolumeDetach(detach) | Command::VolumeForceDetach(detach) => legacy::detach(cx, detach),
        _ => return None,
    })
}

/// The attachment with its volume, if it exists and the sender may touch it.
fn own<'a>(cx: &Context<'a>, id: AttachmentId) -> Result<(&'a Arc<Attachment>, &'a Arc<Volume>), Refusal> {
    let found = cx.state.attachments.get(&id).filter(|attachment| cx.may_touch(&attachment.project));
    let found = found.ok_or_else(|| {
        Refusal::new(
            RefusalCode::AttachmentNotFound,
            format!("Volume attachment could not be found with filter: attachment_id = {id}."),
            "list the project's attachments; ids of deleted ones are only in the log",
        )
    })?;
    Ok((found, volume::own(cx, found.volume)?))
}

/// What a user's own project may not end: a service's attachment that a server uses. Taking the export away under a
/// running server lets the next volume appear on the server's device (CVE-2023-2088).
fn only_its_service_ends(cx: &Context<'_>, attachment: &Attachment) -> Result<(), Refusal> {
    let Some(instance) = attachment.instance.as_ref().filter(|_| attachment.service_owned) else { return Ok(()) };
    if cx.is_admin() || !attachment.is_connected() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::ServiceTokenNeeded,
        format!("Detach volume from instance {instance} using the Compute API"),
        "detach the volume from the server; compute ends the attachment itself",
    ))
}

/// A refusal because of the attachment's status.
fn wrong_attachment_status(attachment: &Attachment, action: &str) -> Refusal {
    let remedy = match attachment.status.flow() {
        Some(flow) => format!("wait: flow {flow} is at work and ends by itself, one way or the other"),
        None => "delete the attachment and make another one".to_owned(),
    };
    Refusal::new(
        RefusalCode::InvalidAttachment,
        format!(
            "Invalid attachment: Attachment {} cannot be {action} while its status is {}.",
            attachment.id,
            attachment.status.name()
        ),
        remedy,
    )
}

/// A new attachment of the volume, which nobody uses yet.
fn new_attachment(cx: &Context<'_>, volume: &Volume, id: AttachmentId) -> Attachment {
    Attachment {
        id,
        volume: volume.id,
        project: volume.project.clone(),
        instance: None,
        host: None,
        mountpoint: None,
        mode: (volume.readonly == Some(true)).then_some(crate::task::AttachMode::Ro),
        status: AttachmentStatus::Reserved,
        reason: None,
        connector: None,
        connection: None,
        legacy: false,
        service_owned: false,
        created_at: cx.now,
        updated_at: None,
        attached_at: None,
        created_position: cx.position,
        chap_of: None,
    }
}

fn decided(volume: &Volume, attachment: Option<AttachmentId>, flow: Option<FlowId>, events: Vec<Event>) -> Decided {
    Decided { subjects: Subjects { volume: Some(volume.id), attachment, flow, ..Subjects::default() }, events }
}
