//! `volume.update`: what a volume is called, its metadata, and what clients may do with it.

use std::collections::BTreeMap;

use super::catalogue::pairs;
use super::{Context, Decided, Decision, volume};
use crate::command::{PairsChange, VolumeUpdate};
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::Refusal;
use crate::state::{StatedStatus, Volume, VolumeStatus};

pub(super) fn decide(cx: &Context<'_>, update: &VolumeUpdate) -> Decision {
    let volume = volume::own(cx, update.id)?;
    check(volume, update)?;
    let missing = |key: &str| format!("Volume {} has no metadata with key {key}.", volume.id);
    let metadata =
        changed("the metadata", &volume.metadata, update.metadata.as_ref(), update.metadata_change.as_ref(), missing)?;
    let no_image = |_: &str| format!("Glance metadata for volume/snapshot {} cannot be found.", volume.id);
    let image_change = update.image_metadata_change.as_ref();
    let image_metadata = changed("the image metadata", &volume.image_metadata, None, image_change, no_image)?;
    let event = Event::VolumeUpdated {
        volume: volume.id,
        name: update.name.clone(),
        description: update.description.clone(),
        metadata,
        image_metadata,
        bootable: update.bootable,
        readonly: update.readonly,
    };
    let subjects = Subjects { volume: Some(volume.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![event] })
}

/// All of the pairs after a replacement or a change; `None` when nothing of them is to change.
pub(super) fn changed(
    what: &str,
    before: &BTreeMap<String, String>,
    replaced: Option<&BTreeMap<String, String>>,
    change: Option<&PairsChange>,
    missing: impl Fn(&str) -> String,
) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    // A change beside a replacement only says what the sender took the pairs for.
    let after = change.map(|change| pairs::changed(what, before, change, missing)).transpose()?;
    Ok(replaced.cloned().or(after))
}

fn check(volume: &Volume, update: &VolumeUpdate) -> Result<(), Refusal> {
    let status = volume.status.name();
    let remedy = "have its status reset first";
    let maintenance = volume.status == VolumeStatus::Stated(StatedStatus::Maintenance);
    let uploading = volume.status == VolumeStatus::Stated(StatedStatus::Uploading);
    let named = update.name.is_some() || update.description.is_some() || update.bootable.is_some();
    if maintenance && named {
        return Err(volume::invalid(volume, "The volume cannot be updated during maintenance.", remedy));
    }
    let changes = [&update.metadata_change, &update.image_metadata_change];
    let removes = changes.iter().any(|change| change.as_ref().is_some_and(|change| !change.unset.is_empty()));
    let metadata = update.metadata.is_some() || changes.iter().any(|change| change.is_some());
    if (maintenance || uploading) && metadata {
        let verb = if removes { "Deleting" } else { "Updating" };
        let message = format!("{verb} volume metadata is not allowed for volumes in {status} status.");
        return Err(volume::invalid(volume, message, remedy));
    }
    if update.readonly.is_some() && volume.status != VolumeStatus::Available {
        let message = format!(
            "Volume {} status must be available to update readonly flag, but current status is: {status}.",
            volume.id
        );
        return Err(volume::invalid(volume, message, "bring the volume to available first"));
    }
    Ok(())
}
