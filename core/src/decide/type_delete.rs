//! `type.delete`.

use super::type_update::find;
use super::{Context, Decided, Decision};
use crate::command::TypeDelete;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::DEFAULT_TYPE_NAME;

pub(super) fn decide(cx: &Context<'_>, delete: &TypeDelete) -> Decision {
    let volume_type = find(cx, &delete.volume_type)?;
    let in_use = |why: String, remedy: &str| Err(Refusal::new(RefusalCode::VolumeTypeInUse, why, remedy));
    if volume_type.name == DEFAULT_TYPE_NAME {
        return in_use(
            "the default volume type cannot be deleted".to_owned(),
            "keep it; volumes without a type have it",
        );
    }
    let volumes = cx.state.volumes.values().filter(|volume| volume.volume_type == volume_type.id).count();
    if volumes > 0 {
        let why = format!(
            "Volume Type {} deletion is not allowed with volumes present with the type: {volumes}",
            volume_type.id
        );
        return in_use(why, "delete those volumes first");
    }
    let subjects = Subjects { volume_type: Some(volume_type.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::TypeDeleted { volume_type: volume_type.id }] })
}
