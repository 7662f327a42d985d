//! `type.update`.

use std::sync::Arc;

use super::{Context, Decided, Decision};
use crate::command::TypeUpdate;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{DEFAULT_TYPE_NAME, VolumeType};

pub(super) fn decide(cx: &Context<'_>, update: &TypeUpdate) -> Decision {
    let before = find(cx, &update.volume_type)?;
    let mut after = VolumeType::clone(before);
    if let Some(name) = update.name.as_ref().filter(|name| **name != before.name) {
        if before.name == DEFAULT_TYPE_NAME {
            return Err(Refusal::new(
                RefusalCode::VolumeTypeInUse,
                "the default volume type cannot be renamed",
                "make a new type instead",
            ));
        }
        if cx.state.type_names.contains_key(name.as_str()) {
            return Err(Refusal::new(
                RefusalCode::VolumeTypeExists,
                format!("Volume Type {name} already exists."),
                "choose another name",
            ));
        }
        after.name.clone_from(name);
    }
    if let Some(description) = &update.description {
        after.description.clone_from(description);
    }
    if let Some(extra_specs) = &update.extra_specs {
        after.extra_specs.clone_from(extra_specs);
    }
    after.updated_at = Some(cx.now);
    let subjects = Subjects { volume_type: Some(after.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::TypeUpdated { volume_type: Box::new(after) }] })
}

/// The type of that name or id.
pub(super) fn find<'a>(cx: &Context<'a>, name_or_id: &str) -> Result<&'a Arc<VolumeType>, Refusal> {
    cx.state.find_type(name_or_id).ok_or_else(|| {
        Refusal::new(
            RefusalCode::VolumeTypeNotFound,
            format!("Volume type {name_or_id} could not be found."),
            "list the volume types",
        )
    })
}
