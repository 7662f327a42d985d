//! `volume.retype`: another type for a volume that stays where it is, in one commit.

use std::collections::BTreeMap;

use super::volume_source::invalid_input;
use super::{Context, Decided, Decision, attachment, placement, quota, volume, volume_type};
use crate::command::VolumeRetype;
use crate::event::Event;
use crate::id::{ProjectId, QosId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{QosConsumer, Volume, VolumeStatus, VolumeType};

pub(in crate::decide) fn decide(cx: &Context<'_>, retype: &VolumeRetype) -> Decision {
    let volume = volume::own(cx, retype.id)?;
    let new = volume_type::usable(cx, &volume.project, &retype.volume_type)?;
    let multiattach = new.multiattach();
    // A connection that an older client has not attached yet does not show in the status.
    let free = volume.status == VolumeStatus::Available && !attachment::in_the_way(cx, volume);
    if multiattach != volume.multiattach && !free {
        let message = format!(
            "Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the \
             specified volume however currently has a status of: {}.",
            volume.status.name()
        );
        return Err(invalid_input(message, "detach the volume first"));
    }
    volume_type::check_encryption(new)?;
    let events = moved_quota(cx, volume, new)?;
    check(cx, volume, new)?;
    if let Some(pool) = &volume.pool {
        let decision = placement::for_retype(cx, volume, pool, new.id);
        if decision.chosen.is_none() {
            let remedy = format!("choose a type whose extra specs {pool} meets; this cell migrates nothing");
            return Err(Refusal::new(RefusalCode::NoValidPool, decision.refusal_text(), remedy));
        }
    }
    let retyped = Event::VolumeRetyped { volume: volume.id, volume_type: new.id, multiattach };
    let subjects = Subjects { volume: Some(volume.id), ..Subjects::default() };
    Ok(Decided { subjects, events: events.into_iter().chain([retyped]).collect() })
}

fn check(cx: &Context<'_>, volume: &Volume, new: &VolumeType) -> Result<(), Refusal> {
    let old = cx.state.types.get(&volume.volume_type).map(AsRef::as_ref);
    let remedy = if volume.group.is_some() {
        "take the volume out of its group first"
    } else if volume.volume_type == new.id {
        "choose another type than the volume has"
    } else if volume::is_migrating(volume) {
        "have its migration status reset first"
    } else {
        match volume.status {
            VolumeStatus::Available => return Ok(()),
            VolumeStatus::InUse if front_end_qos(cx, old) == front_end_qos(cx, Some(new)) => return Ok(()),
            VolumeStatus::InUse => "detach it first: the hypervisor keeps to its QoS specs",
            _ => "bring the volume to available first",
        }
    };
    let message = "Retype needs volume to be in available or in-use state, not be part of an active migration or a \
                   consistency group, requested type has to be different that the one from the volume, and for in-use \
                   volumes front-end qos specs cannot change.";
    Err(volume::invalid(volume, message, remedy))
}

/// The QoS specs of a type to which the hypervisor keeps.
fn front_end_qos(cx: &Context<'_>, of: Option<&VolumeType>) -> Option<QosId> {
    let qos = cx.state.qos.get(&of?.qos?)?;
    (qos.consumer != QosConsumer::BackEnd).then_some(qos.id)
}

/// The volume and its snapshots go from the old type's account to the new one's. A snapshot may be another project's.
fn moved_quota(cx: &Context<'_>, volume: &Volume, new: &VolumeType) -> Result<Vec<Event>, Refusal> {
    if volume.volume_type == new.id {
        return Ok(Vec::new());
    }
    let mut by_project: BTreeMap<&ProjectId, Vec<quota::Want>> = BTreeMap::new();
    let size = i64::from(volume.size_gib.gib());
    by_project
        .entry(&volume.project)
        .or_default()
        .extend([quota::Want::volume(new.id, 1, size), quota::Want::volume(volume.volume_type, -1, -size)]);
    for snapshot in cx.state.snapshots_of(volume.id) {
        let size = i64::from(snapshot.size_gib.gib());
        by_project
            .entry(&snapshot.project)
            .or_default()
            .extend([quota::Want::snapshot(new.id, 1, size), quota::Want::snapshot(volume.volume_type, -1, -size)]);
    }
    by_project.into_iter().map(|(project, wants)| quota::used(cx, project, &wants)).collect()
}
