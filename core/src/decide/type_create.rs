//! `type.create`.

use super::{Context, Decided, Decision};
use crate::command::TypeCreate;
use crate::event::Event;
use crate::id::TypeId;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::VolumeType;

pub(super) fn decide(cx: &Context<'_>, create: &TypeCreate) -> Decision {
    let id = create.id.unwrap_or_else(|| TypeId(cx.id.derive("type")));
    if cx.state.types.contains_key(&id) || cx.state.type_names.contains_key(create.name.as_str()) {
        return Err(Refusal::new(
            RefusalCode::VolumeTypeExists,
            format!("Volume Type {} already exists.", create.name),
            "choose another name, or update the type that exists",
        ));
    }
    let volume_type = VolumeType {
        id,
        name: create.name.clone(),
        description: create.description.clone(),
        is_public: create.is_public,
        extra_specs: create.extra_specs.clone(),
        created_at: cx.now,
        updated_at: None,
        access: std::collections::BTreeSet::new(),
        qos: None,
        encryption: None,
    };
    let subjects = Subjects { volume_type: Some(id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::TypeCreated { volume_type: Box::new(volume_type) }] })
}
