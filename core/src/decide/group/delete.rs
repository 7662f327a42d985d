//! `group.delete`.

use std::sync::Arc;

use super::super::{Context, Decided, Decision, attachment, volume_delete};
use super::member::{Draft, gone};
use super::{invalid_group, own};
use crate::command::{GroupDelete, VolumeDelete};
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::Refusal;
use crate::state::{Group, GroupStatus, Volume, VolumeStatus};

pub(in crate::decide) fn decide(cx: &Context<'_>, delete: GroupDelete) -> Decision {
    let group = own(cx, delete.id)?;
    let members: Vec<&Arc<Volume>> = cx.state.volumes_of_group(group.id).collect();
    guards(cx, group, &members, delete.delete_volumes)?;
    let subjects = Subjects { group: Some(group.id), ..Subjects::default() };
    if members.is_empty() {
        return Ok(Decided { subjects, events: gone(cx, group) });
    }
    let mut draft = Draft::new(cx);
    let deleting =
        Group { status: GroupStatus::Deleting, reason: None, updated_at: Some(cx.now), ..Group::clone(group) };
    draft.add([Event::GroupUpdated { group: Box::new(deleting) }]);
    for volume in members {
        // It goes with its group whatever its status.
        let command = VolumeDelete { id: volume.id, force: true, cascade: false };
        draft.member(&volume.id.to_string(), |cx| volume_delete::of_group(cx, &command), |_| {})?;
    }
    Ok(Decided { subjects, events: draft.events })
}

fn guards(cx: &Context<'_>, group: &Group, members: &[&Arc<Volume>], with_volumes: bool) -> Result<(), Refusal> {
    let allowed = match group.status {
        GroupStatus::Available | GroupStatus::Error => true,
        // It goes already.
        GroupStatus::Deleting => false,
        GroupStatus::Creating | GroupStatus::Stated(_) => with_volumes,
    };
    if !allowed {
        let status = group.status.name();
        return Err(invalid_group(
            &format!("Group status must be available or error, but current status is: {status}"),
            "wait until its volumes are done, or have an operator state its status",
        ));
    }
    if cx.state.group_snapshots.values().any(|snapshot| snapshot.group == group.id) {
        return Err(invalid_group("Group has existing snapshots.", "delete its group snapshots first"));
    }
    if !members.is_empty() && !with_volumes {
        return Err(invalid_group(
            &format!("Group {} still contains volumes. The delete-volumes flag is required to delete it.", group.id),
            "remove the volumes from the group, or delete it with its volumes",
        ));
    }
    for volume in members {
        if attachment::in_the_way(cx, volume) || matches!(volume.status, VolumeStatus::InUse | VolumeStatus::Detaching)
        {
            return Err(invalid_group(
                &format!("Volume in group {} is attached. Need to detach first.", group.id),
                &format!("detach volume {}", volume.id),
            ));
        }
        if cx.state.snapshots_of(volume.id).next().is_some() {
            return Err(invalid_group(
                "Volume in group still has dependent snapshots.",
                &format!("delete the snapshots of volume {}", volume.id),
            ));
        }
    }
    let source = |other: &Group| other.status == GroupStatus::Creating && other.source_group == Some(group.id);
    if cx.state.groups.values().any(|other| source(other)) {
        return Err(invalid_group(
            &format!(
                "Cannot delete group {}. Group must not have attached volumes, volumes with snapshots, or dependent \
                 group snapshots, and it cannot be the source for an ongoing group or group snapshot creation.",
                group.id
            ),
            "wait until the group that is made from it is done",
        ));
    }
    Ok(())
}
