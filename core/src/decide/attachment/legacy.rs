//! `volume.initialize_connection`, `.attach`, `.terminate_connection`, `.detach`, `.force_detach`: the calls of older
//! clients, on the volume.
//!
//! A connection that is made before anybody says for whom is an attachment too, a hidden one; `attach` brings it to
//! light, and `terminate_connection` before that ends it.

use std::sync::Arc;

use super::super::{Context, Decision, volume};
use super::connection::{connect, end, not_elsewhere, same_host};
use super::status::{end_hidden, let_go};
use super::{decided, new_attachment, only_its_service_ends, wrong_attachment_status};
use crate::command::{VolumeAttach, VolumeConnection, VolumeDetach};
use crate::event::Event;
use crate::id::AttachmentId;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Attachment, AttachmentStatus, StatedStatus, Volume, VolumeStatus};
use crate::task::AttachMode;

/// Exports the volume to a host.
pub(super) fn initialize_connection(cx: &Context<'_>, asked: &VolumeConnection) -> Decision {
    let volume = volume::own(cx, asked.id)?;
    not_in_maintenance(volume, "The volume connection cannot be initialized in maintenance mode.")?;
    let can_be_exported = matches!(
        volume.status,
        VolumeStatus::Available
            | VolumeStatus::Reserved
            | VolumeStatus::Attaching
            | VolumeStatus::InUse
            | VolumeStatus::Extending { .. }
    );
    if !can_be_exported {
        return Err(volume::wrong_status(volume, "available or attaching or in-use", "connect"));
    }
    let connector = asked.connector.clone().unwrap_or_default();
    let known = cx
        .state
        .attachments_of(volume)
        .find(|known| known.connector.as_ref().is_some_and(|host| same_host(host, &connector)));
    if let Some(known) = known {
        return match known.status {
            AttachmentStatus::Connecting { flow } => Ok(decided(volume, Some(known.id), Some(flow), Vec::new())),
            AttachmentStatus::Detaching { .. }
            | AttachmentStatus::Disconnecting { .. }
            | AttachmentStatus::ErrorDetaching => Err(wrong_attachment_status(known, "connected")),
            AttachmentStatus::Reserved
            | AttachmentStatus::Attaching
            | AttachmentStatus::Attached
            | AttachmentStatus::ErrorAttaching => {
                not_elsewhere(cx, volume, Some(known.id), known.instance.as_deref())?;
                let (flow, events) = connect(cx, volume, known, &connector, None)?;
                Ok(decided(volume, Some(known.id), Some(flow), events))
            }
        };
    }
    not_elsewhere(cx, volume, None, None)?;
    let attachment = hidden(cx, volume)?;
    let (flow, more) = connect(cx, volume, &attachment, &connector, None)?;
    let id = attachment.id;
    let mut events = vec![Event::AttachmentCreated { attachment: Box::new(attachment) }];
    events.extend(more);
    Ok(decided(volume, Some(id), Some(flow), events))
}

/// The client uses the volume.
pub(super) fn attach(cx: &Context<'_>, attach: &VolumeAttach) -> Decision {
    let volume = volume::own(cx, attach.id)?;
    not_in_maintenance(volume, "The volume cannot be attached in maintenance mode.")?;
    if matches!(volume.status, VolumeStatus::Deleting { .. }) {
        return Err(volume::wrong_status(volume, "available or attaching", "attach"));
    }
    let mode = attach.mode.unwrap_or(AttachMode::Rw);
    if volume.readonly == Some(true) && mode == AttachMode::Rw {
        return Err(Refusal::new(
            RefusalCode::InvalidInput,
            format!("Invalid attaching mode 'rw' for volume {}.", volume.id),
            "attach it with mode ro, or clear the volume's readonly flag",
        ));
    }
    let mut events = Vec::new();
    let id = match known_for(cx, volume, attach) {
        Some(known) => match known.status {
            AttachmentStatus::Reserved | AttachmentStatus::Attaching | AttachmentStatus::Attached => known.id,
            AttachmentStatus::Connecting { .. }
            | AttachmentStatus::Detaching { .. }
            | AttachmentStatus::Disconnecting { .. }
            | AttachmentStatus::ErrorAttaching
            | AttachmentStatus::ErrorDetaching => return Err(wrong_attachment_status(known, "attached")),
        },
        None => {
            may_be_attached(cx, volume)?;
            let attachment = hidden(cx, volume)?;
            let id = attachment.id;
            events.push(Event::AttachmentCreated { attachment: Box::new(attachment) });
            id
        }
    };
    events.push(Event::AttachmentCompleted {
        attachment: id,
        instance: attach.instance.clone(),
        host: attach.host.clone(),
        mountpoint: attach.mountpoint.clone(),
        mode: Some(mode),
    });
    Ok(decided(volume, Some(id), None, events))
}

/// The host needs the export no longer. An attachment that is in use stays until the client detaches it; a hidden one
/// goes, and lets the volume go with it.
pub(super) fn terminate_connection(cx: &Context<'_>, asked: &VolumeConnection) -> Decision {
    let volume = volume::own(cx, asked.id)?;
    let (mut flow, mut first, mut events) = (None, None, Vec::new());
    for attachment in cx.state.attachments_of(volume) {
        let Some(host) = &attachment.connector else { continue };
        if asked.connector.as_ref().is_some_and(|asked| !same_host(asked, host)) {
            continue;
        }
        only_its_service_ends(cx, attachment)?;
        let (ending, more) = end(cx, volume, attachment, !attachment.is_hidden())?;
        (flow, first) = (flow.or(ending), first.or(Some(attachment.id)));
        events.extend(more);
    }
    // What is being ended lets the volume go once it is ended.
    if flow.is_none() && volume.status == VolumeStatus::Attaching {
        events.extend(let_go(cx, volume));
    }
    Ok(decided(volume, first, flow, events))
}

/// The client uses the volume no longer; an operator may say so for it.
pub(super) fn detach(cx: &Context<'_>, detach: &VolumeDetach) -> Decision {
    let volume = volume::own(cx, detach.id)?;
    not_in_maintenance(volume, "The volume cannot be detached in maintenance mode.")?;
    if let Some(attachment) = to_detach(cx, volume, detach.attachment)? {
        only_its_service_ends(cx, attachment)?;
        let (flow, events) = end(cx, volume, attachment, false)?;
        return Ok(decided(volume, Some(attachment.id), flow, events));
    }
    // Nobody uses it: what was begun is taken back.
    let (flow, mut events) = end_hidden(cx, volume)?;
    let held = matches!(
        volume.status,
        VolumeStatus::Reserved | VolumeStatus::Attaching | VolumeStatus::InUse | VolumeStatus::Detaching
    );
    if held {
        events.extend(let_go(cx, volume));
    }
    Ok(decided(volume, None, flow, events))
}

/// The attachment that is meant: the one that is named, else the only one.
fn to_detach<'a>(
    cx: &Context<'a>,
    volume: &'a Volume,
    named: Option<AttachmentId>,
) -> Result<Option<&'a Arc<Attachment>>, Refusal> {
    if let Some(id) = named {
        let found = cx.state.attachments.get(&id).filter(|found| cx.may_touch(&found.project));
        return match found {
            Some(found) if found.volume != volume.id => Err(Refusal::new(
                RefusalCode::InvalidInput,
                "Invalid input received: Mismatched volume and attachment",
                format!("attachment {id} is one of volume {}", found.volume),
            )),
            found => Ok(found),
        };
    }
    let mut shown = cx.state.attachments_of(volume).filter(|attachment| !attachment.is_hidden());
    match (shown.next(), shown.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Refusal::new(
            RefusalCode::InvalidVolumeStatus,
            "Invalid volume: Detach volume failed: More than one attachment, but no attachment_id provided.",
            "say which attachment",
        )),
    }
}

/// The attachment that the client means: its server's or host's own, else the hidden one of its host, else any hidden
/// one, the oldest first.
fn known_for<'a>(cx: &Context<'a>, volume: &'a Volume, attach: &VolumeAttach) -> Option<&'a Arc<Attachment>> {
    let all = || cx.state.attachments_of(volume);
    let own = all().find(|known| {
        let same = match &attach.instance {
            Some(instance) => known.instance.as_ref() == Some(instance),
            None => known.instance.is_none() && known.host == attach.host,
        };
        !known.is_hidden() && same
    });
    let hidden = || all().filter(|known| known.is_hidden() && known.status != AttachmentStatus::ErrorAttaching);
    let of_host = || hidden().find(|known| known.host.is_some() && known.host == attach.host);
    own.or_else(of_host).or_else(|| hidden().min_by_key(|known| known.created_position))
}

fn may_be_attached(cx: &Context<'_>, volume: &Volume) -> Result<(), Refusal> {
    let others = cx.state.attachments_of(volume).any(|other| !other.is_hidden());
    match volume.status {
        VolumeStatus::Available => Ok(()),
        VolumeStatus::Attaching | VolumeStatus::InUse if volume.multiattach || !others => Ok(()),
        VolumeStatus::Attaching | VolumeStatus::InUse => Err(Refusal::new(
            RefusalCode::InvalidVolumeStatus,
            "Invalid volume: volume is already attached and multiple attachments are not enabled",
            "detach it first, or use a type with multiattach",
        )),
        _ => Err(volume::wrong_status(volume, "available or attaching", "attach")),
    }
}

/// An attachment that is not shown until the client says for whom it is. On the cell's own subjects it will be a
/// service's, once a server is named.
fn hidden(cx: &Context<'_>, volume: &Volume) -> Result<Attachment, Refusal> {
    let project = cx.project()?;
    let id = AttachmentId(cx.id.derive(&format!("attachment {project} {}", cx.position)));
    Ok(Attachment { legacy: true, service_owned: cx.is_admin(), ..new_attachment(cx, volume, id) })
}

fn not_in_maintenance(volume: &Volume, message: &str) -> Result<(), Refusal> {
    if volume.status != VolumeStatus::Stated(StatedStatus::Maintenance) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::InvalidVolumeStatus,
        format!("Invalid volume: {message}"),
        "wait until the operator states another status",
    ))
}
