//! `volume.reset_status`: an operator states what a volume's status is. Whatever was at work on it is abandoned.

use super::{Context, Decided, Decision, attachment, transfer, volume};
use crate::command::VolumeResetStatus;
use crate::event::{Event, StatusChange};
use crate::id::FlowId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{AttachmentStatus, SnapshotStatus, StatedStatus, Volume, VolumeStatus};

/// What can be stated of a migration (`cinder/api/schemas/admin_actions.py`).
const MIGRATION_STATUSES: &[&str] = &["migrating", "error", "success", "completing", "none", "starting"];

pub(in crate::decide) fn decide(cx: &Context<'_>, reset: &VolumeResetStatus) -> Decision {
    let volume = volume::own(cx, reset.id)?;
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let status = lower(&reset.status).map(|name| stated(&name)).transpose()?;
    let detaches = match lower(&reset.attach_status).as_deref() {
        Some("detached") => true,
        Some("attached") if is_attached(cx, volume) => false,
        None => false,
        Some(other) => return Err(wrong_attach_status(volume, other)),
    };
    let migration_status = lower(&reset.migration_status).map(migration_status).transpose()?;
    if let Some(status) = status {
        check_attachments(cx, volume, status, detaches)?;
    }
    let mut events = Vec::new();
    if status.is_some() {
        events.extend(transfer::given_up(volume));
        if let Some(flow) = volume.status.flow() {
            events.extend(abandoned(cx, volume, flow));
        }
    }
    if detaches {
        events.extend(attachment::end_all(cx, volume)?);
    }
    // Behind the attachments, which would bring the status to what they are.
    let by = StatusChange::Reset;
    events.extend(status.map(|status| Event::VolumeStatusChanged { volume: volume.id, status, by }));
    events.extend(
        migration_status.map(|migration_status| Event::VolumeMigrationStated { volume: volume.id, migration_status }),
    );
    if events.is_empty() && !detaches {
        return Err(Refusal::new(
            RefusalCode::InvalidInput,
            "Invalid input received: nothing is stated",
            "give a status, an attach_status or a migration_status",
        ));
    }
    let subjects = Subjects { volume: Some(volume.id), ..Subjects::default() };
    Ok(Decided { subjects, events })
}

fn stated(name: &str) -> Result<VolumeStatus, Refusal> {
    let remedy = "state one of the statuses that the message lists";
    if matches!(name, "deleting" | "error_deleting" | "detaching") {
        let message = format!("Cannot reset-state to {name}");
        return Err(Refusal::new(RefusalCode::InvalidStatus, message, "delete or detach the volume instead"));
    }
    VolumeStatus::stated(name).ok_or_else(|| {
        let plain = ["available", "error", "error_extending", "reserved", "attaching", "in-use"];
        let names = plain.into_iter().chain(StatedStatus::ALL.iter().map(|(_, name)| *name));
        let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
        let shown: String = name.chars().take(64).collect();
        let valid = names.join(", ");
        let message = format!("Volume status: {shown} is invalid, valid statuses are: ({valid}).");
        Refusal::new(RefusalCode::InvalidStatus, message, remedy)
    })
}

fn migration_status(name: String) -> Result<Option<String>, Refusal> {
    if !MIGRATION_STATUSES.contains(&name.as_str()) {
        let shown: String = name.chars().take(64).collect();
        let message = format!("Migration status: {shown} is invalid.");
        let remedy = format!("state one of {}", MIGRATION_STATUSES.join(", "));
        return Err(Refusal::new(RefusalCode::InvalidStatus, message, remedy));
    }
    Ok((name != "none").then_some(name))
}

fn is_attached(cx: &Context<'_>, volume: &Volume) -> bool {
    cx.state.attachments_of(volume).any(|attachment| attachment.status == AttachmentStatus::Attached)
}

fn wrong_attach_status(volume: &Volume, name: &str) -> Refusal {
    let shown: String = name.chars().take(64).collect();
    let message = match name {
        "attached" => format!("Cannot reset-state to attached because volume {} has no attachment in use.", volume.id),
        _ => format!("Attach status: {shown} is invalid, valid statuses are: ('attached', 'detached')."),
    };
    Refusal::new(RefusalCode::InvalidStatus, message, "state detached, or attach the volume")
}

/// A status never contradicts the attachments: two hosts that write to one volume destroy its data.
fn check_attachments(cx: &Context<'_>, volume: &Volume, status: VolumeStatus, detaches: bool) -> Result<(), Refusal> {
    let refused = |message: String, remedy: &str| Err(Refusal::new(RefusalCode::InvalidStatus, message, remedy));
    if status == VolumeStatus::InUse && (detaches || volume.attachments.is_empty()) {
        let message = "Cannot reset-state to in-use because volume does not have any attachments.".to_owned();
        return refused(message, "attach the volume instead");
    }
    let invites_others = matches!(
        status,
        VolumeStatus::Available
            | VolumeStatus::Reserved
            | VolumeStatus::Attaching
            | VolumeStatus::Stated(StatedStatus::Downloading | StatedStatus::AwaitingTransfer)
    );
    if invites_others && !detaches && is_attached(cx, volume) {
        let message = format!("Cannot reset-state to {} because volume {} is attached.", status.name(), volume.id);
        return refused(message, "detach it, or state attach_status detached as well, which ends its attachments");
    }
    Ok(())
}

/// The flow at work ends here. What it was to remove in a cascade is left in an error status, to be removed again.
fn abandoned(cx: &Context<'_>, volume: &Volume, flow: FlowId) -> Vec<Event> {
    let mut events = volume::abandon(cx, flow, &format!("an operator stated the status of volume {}", volume.id));
    let in_cascade = cx.state.snapshots_of(volume.id).filter(|of_it| of_it.status == SnapshotStatus::Deleting { flow });
    events.extend(in_cascade.map(|of_it| Event::SnapshotStatusChanged {
        snapshot: of_it.id,
        status: SnapshotStatus::ErrorDeleting,
        progress: None,
    }));
    events
}
