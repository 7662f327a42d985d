//! `volume.update`: name, description, metadata, in every status.

use super::{Context, Decided, Decision, volume};
use crate::command::VolumeUpdate;
use crate::event::Event;
use crate::record::Subjects;

pub(super) fn decide(cx: &Context<'_>, update: &VolumeUpdate) -> Decision {
    let volume = volume::own(cx, update.id)?;
    let event = Event::VolumeUpdated {
        volume: volume.id,
        name: update.name.clone(),
        description: update.description.clone(),
        metadata: update.metadata.clone(),
    };
    let subjects = Subjects { volume: Some(volume.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![event] })
}
