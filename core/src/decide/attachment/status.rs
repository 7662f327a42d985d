//! `volume.reserve`, `.unreserve`, `.begin_detaching`, `.roll_detaching`: an older client moves the volume's status.

use std::sync::Arc;

use super::super::{Context, Decision, volume};
use super::{connection, decided};
use crate::command::VolumeRef;
use crate::event::{Event, StatusChange};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{AttachmentStatus, Volume, VolumeStatus};

/// The client will attach it.
pub(super) fn reserve(cx: &Context<'_>, reserve: VolumeRef) -> Decision {
    let volume = volume::own(cx, reserve.id)?;
    let free = volume.status == VolumeStatus::Available || volume.multiattach && volume.status == VolumeStatus::InUse;
    if !free {
        let allowed = if volume.multiattach { "available or in-use" } else { "available" };
        let refusal = volume::wrong_status(volume, allowed, "reserve");
        let message = format!(
            "Invalid volume: Volume status must be {allowed} to reserve, but the status is {}.",
            volume.status.name()
        );
        return Err(Refusal { message, ..refusal });
    }
    let events = vec![changed(volume, VolumeStatus::Attaching, StatusChange::Reserve)];
    Ok(decided(volume, None, None, events))
}

/// The client will not attach it after all. Never refused, as in Cinder: what is not reserved stays as it is.
pub(super) fn unreserve(cx: &Context<'_>, unreserve: VolumeRef) -> Decision {
    let volume = volume::own(cx, unreserve.id)?;
    if volume.status != VolumeStatus::Attaching {
        return Ok(decided(volume, None, None, Vec::new()));
    }
    let (flow, mut events) = end_hidden(cx, volume)?;
    events.extend(let_go(cx, volume));
    Ok(decided(volume, None, flow, events))
}

/// The client will detach it.
pub(super) fn begin_detaching(cx: &Context<'_>, begin: VolumeRef) -> Decision {
    let volume = volume::own(cx, begin.id)?;
    // As in Cinder: a migration is not to be seen by its clients.
    if volume.migration_status.as_deref().is_some_and(|status| !matches!(status, "error" | "success" | "deleting")) {
        return Ok(decided(volume, None, None, Vec::new()));
    }
    let attached = || cx.state.attachments_of(volume).any(|other| other.status == AttachmentStatus::Attached);
    if volume.status != VolumeStatus::InUse || !attached() {
        return Err(Refusal::new(
            RefusalCode::InvalidVolumeStatus,
            "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be \
             'attached' to detach.",
            format!("the volume is {}; see its attachments", volume.status.name()),
        ));
    }
    let events = vec![changed(volume, VolumeStatus::Detaching, StatusChange::BeginDetaching)];
    Ok(decided(volume, None, None, events))
}

/// The client does not detach it after all. Never refused, as in Cinder.
pub(super) fn roll_detaching(cx: &Context<'_>, roll: VolumeRef) -> Decision {
    let volume = volume::own(cx, roll.id)?;
    let used = cx.state.status_by_attachments(volume) == VolumeStatus::InUse;
    let rolled = volume.status == VolumeStatus::Detaching && used;
    let events = rolled.then(|| changed(volume, VolumeStatus::InUse, StatusChange::RollDetaching));
    Ok(decided(volume, None, None, events.into_iter().collect()))
}

/// The volume is let go: it has the status that its attachments give it.
pub(super) fn let_go(cx: &Context<'_>, volume: &Volume) -> Option<Event> {
    let status = cx.state.status_by_attachments(volume);
    (status != volume.status).then(|| changed(volume, status, StatusChange::Unreserve))
}

/// Ends what older clients connected and never attached. Gives the first flow that is at it.
pub(super) fn end_hidden(
    cx: &Context<'_>,
    volume: &Arc<Volume>,
) -> Result<(Option<crate::id::FlowId>, Vec<Event>), Refusal> {
    let (mut flow, mut events) = (None, Vec::new());
    for attachment in cx.state.attachments_of(volume).filter(|attachment| attachment.is_hidden()) {
        let (ending, more) = connection::end(cx, volume, attachment, false)?;
        flow = flow.or(ending);
        events.extend(more);
    }
    Ok((flow, events))
}

fn changed(volume: &Volume, status: VolumeStatus, by: StatusChange) -> Event {
    Event::VolumeStatusChanged { volume: volume.id, status, by }
}
