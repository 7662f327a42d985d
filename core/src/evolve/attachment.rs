//! Attachments, and what they make of their volumes' statuses.

use std::sync::Arc;

use super::{Applied, Meta};
use crate::event::Event;
use crate::id::{AttachmentId, VolumeId};
use crate::state::{Attachment, AttachmentStatus, Entity, State, StatedStatus, VolumeStatus};

type Touch<'a> = &'a mut dyn FnMut(Entity);

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, meta: Meta, event: &Event, touch: Touch<'_>) -> Option<Applied> {
    Some(match event {
        Event::AttachmentCreated { attachment } => created(state, meta, attachment, touch),
        Event::AttachmentConnecting { attachment, flow, connector, mode, chap_of } => {
            change_and_settle(state, meta, *attachment, touch, |attachment| {
                attachment.mode = Some(*mode);
                attachment.status = AttachmentStatus::Connecting { flow: *flow };
                attachment.connector = Some(connector.clone());
                attachment.chap_of = *chap_of;
                attachment.host = connector.host.clone().or_else(|| attachment.host.take());
                attachment.mountpoint = connector.mountpoint.clone().or_else(|| attachment.mountpoint.take());
                attachment.reason = None;
            })
        }
        Event::AttachmentConnected { attachment, flow: _, connection } => {
            change_and_settle(state, meta, *attachment, touch, |attachment| {
                attachment.status = used_or(attachment, AttachmentStatus::Attaching);
                attachment.connection = Some(connection.clone());
            })
        }
        Event::AttachmentConnectFailed { attachment, flow: _, reason } => {
            change_and_settle(state, meta, *attachment, touch, |attachment| {
                attachment.status = used_or(attachment, AttachmentStatus::ErrorAttaching);
                attachment.reason = Some(reason.clone());
            })
        }
        Event::AttachmentCompleted { .. } => completed(state, meta, event, touch),
        Event::AttachmentDisconnecting { attachment, flow, keep: true } => {
            change(state, meta, *attachment, touch, |attachment| {
                attachment.status = AttachmentStatus::Disconnecting { flow: *flow };
            })
            .map(|_| ())
        }
        Event::AttachmentDisconnecting { attachment, flow, keep: false } => {
            change_and_settle(state, meta, *attachment, touch, |attachment| {
                attachment.status = AttachmentStatus::Detaching { flow: *flow };
            })
        }
        Event::AttachmentDisconnected { attachment, flow: _ } => {
            change(state, meta, *attachment, touch, |attachment| {
                attachment.status = used_or(attachment, AttachmentStatus::Reserved);
                attachment.connection = None;
                attachment.connector = None;
            })
            .map(|_| ())
        }
        Event::AttachmentDisconnectFailed { attachment, flow: _, reason } => {
            change(state, meta, *attachment, touch, |attachment| {
                attachment.status = match attachment.status {
                    AttachmentStatus::Disconnecting { .. } => used_or(attachment, AttachmentStatus::Attaching),
                    _ => AttachmentStatus::ErrorDetaching,
                };
                attachment.reason = Some(reason.clone());
            })
            .map(|_| ())
        }
        Event::AttachmentDeleted { attachment } => deleted(state, meta, *attachment, touch),
        _ => return None,
    })
}

/// A host that uses the volume goes on using it, whatever became of a further connection.
fn used_or(attachment: &Attachment, unused: AttachmentStatus) -> AttachmentStatus {
    if attachment.attached_at.is_some() { AttachmentStatus::Attached } else { unused }
}

fn created(state: &mut State, meta: Meta, attachment: &Attachment, touch: Touch<'_>) -> Applied {
    let (id, volume) = (attachment.id, attachment.volume);
    let entry = state.volumes.get_mut(&volume).ok_or_else(|| format!("there is no volume {volume}"))?;
    Arc::make_mut(entry).attachments.insert(id);
    touch(Entity::Volume(volume));
    if state.attachments.insert(id, Arc::new(attachment.clone())).is_some() {
        return Err(format!("attachment {id} came into being twice"));
    }
    touch(Entity::Attachment(id));
    settle(state, meta, volume, attachment.is_hidden(), touch)
}

fn completed(state: &mut State, meta: Meta, event: &Event, touch: Touch<'_>) -> Applied {
    let Event::AttachmentCompleted { attachment, instance, host, mountpoint, mode } = event else {
        return Err("no attachment was completed".to_owned());
    };
    change_and_settle(state, meta, *attachment, touch, |attachment| {
        attachment.status = AttachmentStatus::Attached;
        attachment.attached_at = attachment.attached_at.or(Some(meta.at));
        attachment.instance = instance.clone().or_else(|| attachment.instance.take());
        attachment.host = host.clone().or_else(|| attachment.host.take());
        attachment.mountpoint = mountpoint.clone().or_else(|| attachment.mountpoint.take());
        attachment.mode = mode.or(attachment.mode);
    })
}

fn deleted(state: &mut State, meta: Meta, id: AttachmentId, touch: Touch<'_>) -> Applied {
    let removed = state.attachments.remove(&id).ok_or_else(|| format!("there is no attachment {id}"))?;
    touch(Entity::Attachment(id));
    let volume = removed.volume;
    let entry = state.volumes.get_mut(&volume).ok_or_else(|| format!("there is no volume {volume}"))?;
    Arc::make_mut(entry).attachments.remove(&id);
    touch(Entity::Volume(volume));
    settle(state, meta, volume, removed.is_hidden(), touch)
}

/// Changes an attachment; gives its volume and whether it is hidden.
fn change(
    state: &mut State,
    meta: Meta,
    id: AttachmentId,
    touch: Touch<'_>,
    change: impl FnOnce(&mut Attachment),
) -> Result<(VolumeId, bool), String> {
    let entry = state.attachments.get_mut(&id).ok_or_else(|| format!("there is no attachment {id}"))?;
    let attachment = Arc::make_mut(entry);
    attachment.updated_at = Some(meta.at);
    change(attachment);
    touch(Entity::Attachment(id));
    Ok((attachment.volume, attachment.is_hidden()))
}

fn change_and_settle(
    state: &mut State,
    meta: Meta,
    id: AttachmentId,
    touch: Touch<'_>,
    to: impl FnOnce(&mut Attachment),
) -> Applied {
    let (volume, hidden) = change(state, meta, id, touch, to)?;
    settle(state, meta, volume, hidden, touch)
}

/// The volume's status follows its attachments, unless something else is at work on it. A hidden attachment leaves it
/// alone: the older calls say themselves what becomes of the volume.
fn settle(state: &mut State, meta: Meta, id: VolumeId, hidden: bool, touch: Touch<'_>) -> Applied {
    let volume = state.volumes.get(&id).ok_or_else(|| format!("there is no volume {id}"))?;
    let follows = matches!(
        volume.status,
        VolumeStatus::Available
            | VolumeStatus::Reserved
            | VolumeStatus::Attaching
            | VolumeStatus::InUse
            | VolumeStatus::Detaching
            | VolumeStatus::Stated(StatedStatus::Downloading)
    );
    let status = state.status_by_attachments(volume);
    if follows
        && !hidden
        && status != volume.status
        && let Some(entry) = state.volumes.get_mut(&id)
    {
        let volume = Arc::make_mut(entry);
        volume.status = status;
        volume.updated_at = Some(meta.at);
        touch(Entity::Volume(id));
    }
    Ok(())
}
