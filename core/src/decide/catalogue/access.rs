//! `type.grant`, `type.revoke`: who may use a volume type that is not public.

use super::super::type_update::find;
use super::super::{Context, Decision};
use super::type_updated;
use crate::command::TypeAccess;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::VolumeType;

/// The most projects that may share one type: its events name them all, and a record has to fit into a message.
const PROJECTS_MAX: usize = 1024;

pub(in crate::decide) fn grant(cx: &Context<'_>, command: &TypeAccess) -> Decision {
    let mut after = private(cx, command)?;
    if after.access.len() >= PROJECTS_MAX {
        return Err(Refusal::new(
            RefusalCode::InvalidVolumeType,
            format!("Invalid volume type: {PROJECTS_MAX} projects have access to type {} already.", after.id),
            "make the type public, or make another type",
        ));
    }
    if !after.access.insert(command.project.clone()) {
        return Err(Refusal::new(
            RefusalCode::TypeAccessExists,
            format!("Volume type access for {} / {} combination already exists.", after.id, command.project),
            "the project may use the type already",
        ));
    }
    Ok(type_updated(after))
}

/// Volumes that the project has of the type stay as they are.
pub(in crate::decide) fn revoke(cx: &Context<'_>, command: &TypeAccess) -> Decision {
    let mut after = private(cx, command)?;
    if !after.access.remove(&command.project) {
        return Err(Refusal::new(
            RefusalCode::TypeAccessNotFound,
            format!("Volume type access not found for {} / {} combination.", after.id, command.project),
            "list who has access to the type",
        ));
    }
    Ok(type_updated(after))
}

/// The type, which must not be public: everybody may use a public one.
fn private(cx: &Context<'_>, command: &TypeAccess) -> Result<VolumeType, Refusal> {
    let volume_type = find(cx, &command.volume_type)?;
    if volume_type.is_public {
        return Err(Refusal::new(
            RefusalCode::InvalidVolumeType,
            "Invalid volume type: Type access modification is not applicable to public volume type.",
            "make the type private first",
        ));
    }
    Ok(VolumeType::clone(volume_type))
}
