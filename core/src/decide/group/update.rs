//! `group.update`: its name and description, and which volumes belong to it.

use super::super::{Context, Decided, Decision};
use super::{invalid_group, own};
use crate::command::{GROUP_VOLUMES_MAX, GroupUpdate};
use crate::event::Event;
use crate::id::VolumeId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Group, GroupStatus, VolumeStatus};

pub(in crate::decide) fn decide(cx: &Context<'_>, update: &GroupUpdate) -> Decision {
    let group = own(cx, update.id)?;
    let both: Vec<String> =
        update.add_volumes.intersection(&update.remove_volumes).map(|id| format!("'{id}'")).collect();
    if !both.is_empty() {
        let message = format!("Invalid volume: UUIDs [{}] are in both add and remove volume list.", both.join(", "));
        return Err(Refusal::new(RefusalCode::InvalidInput, message, "name each volume once"));
    }
    let mut added = Vec::new();
    for id in &update.add_volumes {
        added.extend(to_add(cx, group, *id)?);
    }
    for id in &update.remove_volumes {
        may_be_removed(cx, group, *id)?;
    }
    let name = update.name.as_ref().filter(|name| **name != group.name);
    let description = update.description.as_ref().filter(|description| **description != group.description);
    let moves = !added.is_empty() || !update.remove_volumes.is_empty();
    if name.is_none() && description.is_none() && !moves {
        return Err(invalid_group(
            &format!(
                "Cannot update group {} because no valid name, description, add_volumes, or remove_volumes were \
                 provided.",
                group.id
            ),
            "say what shall change",
        ));
    }
    if moves && group.status != GroupStatus::Available {
        return Err(invalid_group("Group status must be available.", &format!("it is {}", group.status.name())));
    }
    let members = cx.state.volumes_of_group(group.id).count() + added.len() - update.remove_volumes.len();
    if members > GROUP_VOLUMES_MAX && !added.is_empty() {
        return Err(invalid_group(
            &format!("Group {} would have {members} volumes.", group.id),
            &format!("a group holds at most {GROUP_VOLUMES_MAX}"),
        ));
    }
    let changed = Group {
        name: name.unwrap_or(&group.name).clone(),
        description: description.unwrap_or(&group.description).clone(),
        updated_at: Some(cx.now),
        ..Group::clone(group)
    };
    let mut events = vec![Event::GroupUpdated { group: Box::new(changed) }];
    events.extend(added.iter().map(|id| Event::VolumeGrouped { volume: *id, group: Some(group.id) }));
    events.extend(update.remove_volumes.iter().map(|id| Event::VolumeGrouped { volume: *id, group: None }));
    Ok(Decided { subjects: Subjects { group: Some(group.id), ..Subjects::default() }, events })
}

/// The volume, when it may come to the group; `None` when it is in it.
fn to_add(cx: &Context<'_>, group: &Group, id: VolumeId) -> Result<Option<VolumeId>, Refusal> {
    let refuse = |code, reason: String, remedy: &str| {
        Err(Refusal::new(
            code,
            format!("Invalid volume: Cannot add volume {id} to group {} because {reason}", group.id),
            remedy,
        ))
    };
    let Some(volume) = cx.state.volumes.get(&id).filter(|volume| cx.may_touch(&volume.project)) else {
        return refuse(RefusalCode::InvalidInput, "volume cannot be found.".to_owned(), "list the project's volumes");
    };
    if volume.group == Some(group.id) {
        return Ok(None);
    }
    if let Some(other) = volume.group {
        let reason = format!("it is already in group {other}.");
        return refuse(RefusalCode::InvalidInput, reason, "remove it from that group first");
    }
    if volume.project != group.project {
        return Err(Refusal::new(
            RefusalCode::InvalidInput,
            format!(
                "Invalid volume: Cannot add volume {id} to group {} as they belong to different projects.",
                group.id
            ),
            "add volumes of the group's project",
        ));
    }
    if !group.volume_types.contains(&volume.volume_type) {
        let reason = format!("volume type {} is not supported by the group.", volume.volume_type);
        return refuse(RefusalCode::InvalidInput, reason, "retype the volume, or make a group with that type");
    }
    if !matches!(volume.status, VolumeStatus::Available | VolumeStatus::InUse) {
        let status = volume.status.name();
        let reason = format!("volume is in an invalid state: {status}. Valid states are: ('available', 'in-use').");
        return refuse(RefusalCode::InvalidVolumeStatus, reason, "wait until it is available");
    }
    Ok(Some(id))
}

fn may_be_removed(cx: &Context<'_>, group: &Group, id: VolumeId) -> Result<(), Refusal> {
    let because = |code, reason: String, remedy: &str| {
        Err(Refusal::new(
            code,
            format!("Invalid volume: Cannot remove volume {id} from group {} because {reason}", group.id),
            remedy,
        ))
    };
    let Some(volume) = cx.state.volumes.get(&id).filter(|volume| volume.group == Some(group.id)) else {
        return because(RefusalCode::InvalidInput, "it is not in the group.".to_owned(), "list the group's volumes");
    };
    let removable = matches!(
        volume.status,
        VolumeStatus::Available | VolumeStatus::InUse | VolumeStatus::Error | VolumeStatus::ErrorDeleting
    );
    if !removable {
        let reason = format!(
            "volume is in an invalid state: {}. Valid states are: ('available', 'in-use', 'error', 'error_deleting').",
            volume.status.name()
        );
        return because(RefusalCode::InvalidVolumeStatus, reason, "wait until it is available");
    }
    Ok(())
}
