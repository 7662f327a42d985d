//! What operators offer: access to volume types, their encryption, QoS specs, group types, default types.

pub(super) mod access;
pub(super) mod default_type;
pub(super) mod encryption;
pub(super) mod group_type;
pub(super) mod pairs;
pub(super) mod qos;

use super::{Context, Decided};
use crate::event::Event;
use crate::record::Subjects;
use crate::state::VolumeType;

/// The fact that a volume type is as `after` says from here on.
fn type_updated(after: VolumeType) -> Decided {
    let subjects = Subjects { volume_type: Some(after.id), ..Subjects::default() };
    Decided { subjects, events: vec![Event::TypeUpdated { volume_type: Box::new(after) }] }
}

/// Whether there are volumes of a type.
pub(super) fn has_volumes(cx: &Context<'_>, volume_type: &VolumeType) -> bool {
    cx.state.volumes.values().any(|volume| volume.volume_type == volume_type.id)
}
