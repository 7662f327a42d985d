//! `type.set_default`.

use super::super::type_update::find;
use super::super::{Context, Decided, Decision};
use crate::command::TypeSetDefault;
use crate::event::Event;
use crate::record::Subjects;

/// As in Cinder, giving up a choice that was never made is no fault.
pub(in crate::decide) fn set(cx: &Context<'_>, command: &TypeSetDefault) -> Decision {
    let volume_type = command.volume_type.as_ref().map(|name| find(cx, name)).transpose()?.map(|found| found.id);
    let subjects = Subjects { volume_type, ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::DefaultTypeSet { project: command.project.clone(), volume_type }] })
}
