//! `transfer.create`, `.accept`, `.delete`: a volume goes to another project, whole within one commit.
//!
//! The key is made where the transfer is asked for and told once; here and in the log is only its hash.

use std::sync::Arc;

use super::{Context, Decided, Decision, attachment, quota, volume};
use crate::command::{TransferAccept, TransferCreate, TransferDelete};
use crate::event::Event;
use crate::id::TransferId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Snapshot, SnapshotStatus, Transfer, Volume, VolumeStatus};

/// Offers a volume to whoever knows the key.
pub(in crate::decide) fn create(cx: &Context<'_>, create: &TransferCreate) -> Decision {
    let volume = volume::own(cx, create.volume)?;
    let project = cx.project()?;
    let id = create.id.unwrap_or_else(|| TransferId(cx.id.derive(&format!("transfer {project}"))));
    if cx.state.transfers.contains_key(&id) {
        return Err(Refusal::new(
            RefusalCode::TransferExists,
            format!("a transfer {id} exists already"),
            "leave the id away, or give one that is new",
        ));
    }
    if volume.status != VolumeStatus::Available || attachment::in_the_way(cx, volume) {
        let refusal = volume::wrong_status(volume, "available", "transfer");
        return Err(Refusal { message: "Invalid volume: status must be available".to_owned(), ..refusal });
    }
    not_in_group(volume)?;
    let going = snapshots_going(cx, volume, create.no_snapshots);
    if let Some(other) = going.iter().find(|snapshot| snapshot.status != SnapshotStatus::Available) {
        return Err(Refusal::new(
            RefusalCode::InvalidSnapshotStatus,
            format!("Invalid snapshot: snapshot: {} status must be available", other.id),
            format!("it is {}; wait, delete it, or transfer the volume without snapshots", other.status.name()),
        ));
    }
    if let Some(member) = going.iter().find(|snapshot| snapshot.group_snapshot.is_some()) {
        return Err(Refusal::new(
            RefusalCode::InvalidSnapshotStatus,
            format!("Invalid snapshot: snapshot: {} must not be part of a group snapshot", member.id),
            "delete the group snapshot first, or transfer the volume without snapshots",
        ));
    }
    let transfer = Transfer {
        id,
        volume: volume.id,
        project: volume.project.clone(),
        name: create.name.clone(),
        no_snapshots: create.no_snapshots,
        salt: create.salt.clone(),
        key_hash: create.key_hash.clone(),
        created_at: cx.now,
        created_position: cx.position,
    };
    Ok(decided(volume, id, vec![Event::TransferCreated { transfer: Box::new(transfer) }]))
}

/// The volume, and with it its snapshots, goes to the project that names the key.
pub(in crate::decide) fn accept(cx: &Context<'_>, accept: &TransferAccept) -> Decision {
    let project = cx.project()?;
    let (transfer, volume) = find(cx, accept.id, |_| true)?;
    if transfer.key_hash != accept.key_hash {
        return Err(Refusal::new(
            RefusalCode::InvalidAuthKey,
            format!("Invalid auth key: Attempt to transfer {} with invalid auth key.", transfer.id),
            "use the key that was told when the transfer was made",
        ));
    }
    not_in_group(volume)?;
    let snapshots = snapshots_going(cx, volume, transfer.no_snapshots);
    let mut events = Vec::new();
    if *project != volume.project {
        quota::check_size(cx, project, volume.size_gib)?;
        let snapshots_gib = snapshots.iter().map(|snapshot| i64::from(snapshot.size_gib.gib())).sum();
        let count = i64::try_from(snapshots.len()).unwrap_or(i64::MAX);
        let moved = [
            quota::Want::volume(volume.volume_type, 1, i64::from(volume.size_gib.gib())),
            quota::Want::snapshot(volume.volume_type, count, snapshots_gib),
        ];
        events.push(quota::used(cx, project, &moved)?);
        events.push(quota::given_back(cx, &volume.project, &moved));
    }
    events.push(Event::TransferAccepted {
        transfer: transfer.id,
        project: project.clone(),
        user: cx.user.to_owned(),
        snapshots: snapshots.iter().map(|snapshot| snapshot.id).collect(),
    });
    Ok(decided(volume, transfer.id, events))
}

/// Nobody may take the volume any more.
pub(in crate::decide) fn delete(cx: &Context<'_>, delete: TransferDelete) -> Decision {
    let (transfer, volume) = find(cx, delete.id, |transfer| cx.may_touch(&transfer.project))?;
    Ok(decided(volume, transfer.id, vec![Event::TransferDeleted { transfer: transfer.id }]))
}

/// The transfer of a volume that is brought to another status by force: it is over.
pub(in crate::decide) fn given_up(volume: &Volume) -> Option<Event> {
    match volume.status {
        VolumeStatus::AwaitingTransfer { transfer } => Some(Event::TransferDeleted { transfer }),
        _ => None,
    }
}

fn find<'a>(
    cx: &Context<'a>,
    id: TransferId,
    visible: impl Fn(&Transfer) -> bool,
) -> Result<(&'a Arc<Transfer>, &'a Arc<Volume>), Refusal> {
    let transfer = cx.state.transfers.get(&id).filter(|transfer| visible(transfer));
    let found = transfer.and_then(|transfer| Some((transfer, cx.state.volumes.get(&transfer.volume)?)));
    found.ok_or_else(|| {
        Refusal::new(
            RefusalCode::TransferNotFound,
            format!("Transfer {id} could not be found."),
            "it may be accepted or deleted by now; ask the project that offers the volume",
        )
    })
}

/// The snapshots that change hands with the volume: those of its project. What an earlier transfer left behind stays.
fn snapshots_going<'a>(cx: &Context<'a>, volume: &'a Volume, no_snapshots: bool) -> Vec<&'a Arc<Snapshot>> {
    let of_owner = cx.state.snapshots_of(volume.id).filter(|snapshot| snapshot.project == volume.project);
    of_owner.filter(|_| !no_snapshots).collect()
}

/// A group belongs to one project, and so do its volumes.
fn not_in_group(volume: &Volume) -> Result<(), Refusal> {
    let Some(group) = volume.group else { return Ok(()) };
    Err(Refusal::new(
        RefusalCode::InvalidVolumeStatus,
        format!("Invalid volume: Volume {} must not be part of a consistency group.", volume.id),
        format!("remove it from group {group} first"),
    ))
}

fn decided(volume: &Volume, transfer: TransferId, events: Vec<Event>) -> Decided {
    Decided { subjects: Subjects { volume: Some(volume.id), transfer: Some(transfer), ..Subjects::default() }, events }
}
