//! `attachment.create`, `.update`, `.complete`, `.delete`: what compute uses.

use super::super::{Context, Decision, volume};
use super::connection::{connect, end, not_elsewhere, same_host};
use super::{decided, new_attachment, only_its_service_ends, own, wrong_attachment_status};
use crate::command::{AttachmentCreate, AttachmentRef, AttachmentUpdate};
use crate::event::Event;
use crate::id::AttachmentId;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Attachment, AttachmentStatus, StatedStatus, Volume, VolumeStatus};

/// Keeps the volume; exports it too when the host is known.
pub(super) fn create(cx: &Context<'_>, create: &AttachmentCreate) -> Decision {
    let volume = volume::own(cx, create.volume)?;
    let project = cx.project()?;
    let id = create.id.unwrap_or_else(|| AttachmentId(cx.id.derive(&format!("attachment {project}"))));
    // A flow may still be taking away what an attachment of that id left.
    let in_use = cx.state.flows.values().any(|flow| flow.attachment == Some(id));
    if in_use || cx.state.attachments.contains_key(&id) {
        return Err(Refusal::new(
            RefusalCode::AttachmentExists,
            format!("an attachment {id} exists already or is still being removed"),
            "leave the id away, or give one that is new",
        ));
    }
    not_in_error(volume, "created", RefusalCode::InvalidVolumeStatus, "Invalid volume")?;
    may_reserve(cx, volume, create.instance.as_deref())?;
    let blank = new_attachment(cx, volume, id);
    let attachment = Attachment {
        instance: create.instance.clone(),
        mode: blank.mode.or(create.mode),
        service_owned: cx.is_admin() && create.instance.is_some(),
        ..blank
    };
    let mut events = vec![Event::AttachmentCreated { attachment: Box::new(attachment.clone()) }];
    let mut flow = None;
    if let Some(connector) = &create.connector {
        not_elsewhere(cx, volume, None, create.instance.as_deref())?;
        let (connecting, more) = connect(cx, volume, &attachment, connector, create.mode)?;
        flow = Some(connecting);
        events.extend(more);
    }
    Ok(decided(volume, Some(id), flow, events))
}

/// Exports the volume to the attachment's host; again, when it is exported already.
pub(super) fn update(cx: &Context<'_>, update: &AttachmentUpdate) -> Decision {
    let (attachment, volume) = own(cx, update.id)?;
    not_in_error(volume, "updated", RefusalCode::InvalidAttachment, "Resource conflict")?;
    let can_be_exported = matches!(
        volume.status,
        VolumeStatus::Available
            | VolumeStatus::Reserved
            | VolumeStatus::Attaching
            | VolumeStatus::InUse
            | VolumeStatus::Detaching
            | VolumeStatus::Extending { .. }
    );
    if !can_be_exported {
        return Err(volume::wrong_status(volume, "reserved or attaching or in-use", "connect"));
    }
    let host = attachment.connector.as_ref();
    let same = host.is_none_or(|host| same_host(host, &update.connector));
    match attachment.status {
        // Asked twice: the flow that is at it gives what the sender waits for.
        AttachmentStatus::Connecting { flow } if same => {
            return Ok(decided(volume, Some(attachment.id), Some(flow), Vec::new()));
        }
        AttachmentStatus::Reserved
        | AttachmentStatus::Attaching
        | AttachmentStatus::Attached
        | AttachmentStatus::ErrorAttaching
            if same => {}
        AttachmentStatus::Connecting { .. }
        | AttachmentStatus::Detaching { .. }
        | AttachmentStatus::Disconnecting { .. }
        | AttachmentStatus::ErrorDetaching => return Err(wrong_attachment_status(attachment, "updated")),
        AttachmentStatus::Reserved
        | AttachmentStatus::Attaching
        | AttachmentStatus::Attached
        | AttachmentStatus::ErrorAttaching => {
            return Err(Refusal::new(
                RefusalCode::AttachedElsewhere,
                format!("Resource conflict: duplicate connectors detected on volume {}", volume.id),
                format!("attachment {} is another host's; make one for this host", attachment.id),
            ));
        }
    }
    not_elsewhere(cx, volume, Some(attachment.id), None)?;
    let (flow, events) = connect(cx, volume, attachment, &update.connector, update.mode)?;
    Ok(decided(volume, Some(attachment.id), Some(flow), events))
}

/// The host uses the volume. As in Cinder the client's word is enough, also when nothing was exported.
pub(super) fn complete(cx: &Context<'_>, complete: AttachmentRef) -> Decision {
    let (attachment, volume) = own(cx, complete.id)?;
    if matches!(volume.status, VolumeStatus::Deleting { .. }) {
        return Err(volume::wrong_status(volume, "reserved or attaching or in-use", "attach"));
    }
    let events = match attachment.status {
        AttachmentStatus::Attached => Vec::new(),
        AttachmentStatus::Reserved | AttachmentStatus::Attaching => vec![Event::AttachmentCompleted {
            attachment: attachment.id,
            instance: None,
            host: None,
            mountpoint: None,
            mode: None,
        }],
        AttachmentStatus::Connecting { .. }
        | AttachmentStatus::Detaching { .. }
        | AttachmentStatus::Disconnecting { .. }
        | AttachmentStatus::ErrorAttaching
        | AttachmentStatus::ErrorDetaching => return Err(wrong_attachment_status(attachment, "completed")),
    };
    Ok(decided(volume, Some(attachment.id), None, events))
}

/// The host uses the volume no longer. What could not be taken away before is tried again.
pub(super) fn delete(cx: &Context<'_>, delete: AttachmentRef) -> Decision {
    let (attachment, volume) = own(cx, delete.id)?;
    only_its_service_ends(cx, attachment)?;
    let (flow, events) = end(cx, volume, attachment, false)?;
    Ok(decided(volume, Some(attachment.id), flow, events))
}

/// A volume is kept for one attachment at a time; one with `multiattach` for several, and one server may ask again
/// while it moves to another host.
fn may_reserve(cx: &Context<'_>, volume: &Volume, instance: Option<&str>) -> Result<(), Refusal> {
    let free = match volume.status {
        VolumeStatus::Available | VolumeStatus::Stated(StatedStatus::Downloading) => true,
        VolumeStatus::InUse => volume.multiattach,
        _ => false,
    };
    let held = matches!(volume.status, VolumeStatus::InUse | VolumeStatus::Reserved);
    let same_server =
        || instance.is_some() && cx.state.attachments_of(volume).any(|other| other.instance.as_deref() == instance);
    if free || (held && same_server()) {
        return Ok(());
    }
    let allowed = if volume.multiattach { "available or in-use or downloading" } else { "available or downloading" };
    let refusal = volume::wrong_status(volume, allowed, "reserve");
    let message = format!(
        "Invalid volume: Volume {} status must be {allowed} to reserve, but the current status is {}.",
        volume.id,
        volume.status.name()
    );
    Err(Refusal { message, ..refusal })
}

fn not_in_error(volume: &Volume, done: &str, code: RefusalCode, kind: &str) -> Result<(), Refusal> {
    let status = volume.status.name();
    if !status.contains("error") {
        return Ok(());
    }
    let message = format!(
        "{kind}: Volume attachments can not be {done} if the volume is in an error state. The Volume {} currently has \
         a status of: {status} ",
        volume.id
    );
    Err(Refusal::new(
        code,
        message,
        "see why with `volume show`; delete the volume, or have an operator state its status",
    ))
}
