//! `type.delete`.

use super::type_update::find;
use super::{Context, Decided, Decision};
use crate::command::TypeDelete;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{DEFAULT_TYPE_NAME, VolumeType};

pub(super) fn decide(cx: &Context<'_>, delete: &TypeDelete) -> Decision {
    let volume_type = find(cx, &delete.volume_type)?;
    if let Some(remedy) = default_of(cx, volume_type) {
        return Err(Refusal::new(
            RefusalCode::VolumeTypeInUse,
            format!("The volume type {} is a default volume type and cannot be deleted.", volume_type.id),
            remedy,
        ));
    }
    let volumes = cx.state.volumes.values().filter(|volume| volume.volume_type == volume_type.id).count();
    let groups = cx.state.groups.values().filter(|group| group.volume_types.contains(&volume_type.id)).count();
    if volumes + groups > 0 {
        return Err(Refusal::new(
            RefusalCode::VolumeTypeInUse,
            "Target volume type is still in use.",
            format!("delete its {volumes} volumes and the {groups} groups that allow it first"),
        ));
    }
    let subjects = Subjects { volume_type: Some(volume_type.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::TypeDeleted { volume_type: volume_type.id }] })
}

/// What to do instead, when volumes that ask for no type have this one.
fn default_of(cx: &Context<'_>, volume_type: &VolumeType) -> Option<String> {
    if volume_type.name == DEFAULT_TYPE_NAME {
        return Some("keep it; volumes without a type have it".to_owned());
    }
    let (project, _) = cx.state.default_types.iter().find(|(_, default)| **default == volume_type.id)?;
    Some(format!("project {project} chose it: choose another default type for it first"))
}
