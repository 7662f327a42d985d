//! `type.update`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::{has_volumes, pairs};
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
    if let Some(is_public) = update.is_public {
        if before.name == DEFAULT_TYPE_NAME && !is_public {
            return Err(Refusal::new(
                RefusalCode::VolumeTypeInUse,
                "the default volume type cannot be made private",
                "make a new type instead",
            ));
        }
        after.is_public = is_public;
    }
    after.extra_specs = extra_specs(cx, before, update)?;
    after.updated_at = Some(cx.now);
    let subjects = Subjects { volume_type: Some(after.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::TypeUpdated { volume_type: Box::new(after) }] })
}

/// What volumes were made by does not change under them, as in Cinder (`types_extra_specs.py`): whether they may have
/// several attachments stands in it, for one.
fn extra_specs(
    cx: &Context<'_>,
    before: &VolumeType,
    update: &TypeUpdate,
) -> Result<BTreeMap<String, Option<String>>, Refusal> {
    let missing = |key: &str| format!("Volume Type {} has no extra specs with key {key}.", before.id);
    let after = match (&update.extra_specs, &update.extra_specs_change) {
        (Some(all), _) => all.clone(),
        (None, Some(change)) => pairs::changed("the extra specs", &before.extra_specs, change, missing)?,
        (None, None) => return Ok(before.extra_specs.clone()),
    };
    if after != before.extra_specs && has_volumes(cx, before) {
        return Err(Refusal::new(
            RefusalCode::VolumeTypeInUse,
            "Volume Type is currently in use.",
            "delete the volumes of the type first, or make another type and retype them",
        ));
    }
    Ok(after)
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
