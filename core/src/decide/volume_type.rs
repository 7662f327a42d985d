//! Which type a volume has.

use super::Context;
use crate::command::VolumeCreate;
use crate::id::{ProjectId, TypeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{DEFAULT_TYPE_NAME, VolumeType};

/// The type that a new volume asks for; `None` when it asks for none.
pub(super) fn asked<'a>(cx: &Context<'a>, create: &VolumeCreate) -> Result<Option<&'a VolumeType>, Refusal> {
    create.volume_type.as_deref().map(|name| usable(cx, cx.project()?, name)).transpose()
}

/// The type of that name or id, if the project may use it: one that it may not use is as unknown as none.
pub(super) fn usable<'a>(cx: &Context<'a>, project: &ProjectId, name: &str) -> Result<&'a VolumeType, Refusal> {
    let found = cx.state.find_type(name).map(AsRef::as_ref);
    found.filter(|found| cx.is_admin() || found.is_visible_to(project)).ok_or_else(|| not_found(name))
}

/// The type of a volume that asks for none: its source's, else the project's default, else the cell's.
pub(super) fn default<'a>(
    cx: &Context<'a>,
    project: &ProjectId,
    of_source: Option<TypeId>,
) -> Result<&'a VolumeType, Refusal> {
    let of_project = || cx.state.default_types.get(project).copied();
    let chosen = of_source.or_else(of_project).and_then(|id| cx.state.types.get(&id));
    let found = chosen.or_else(|| cx.state.find_type(DEFAULT_TYPE_NAME)).map(AsRef::as_ref);
    found.ok_or_else(|| not_found(DEFAULT_TYPE_NAME))
}

/// Refuses types that would encrypt: a cell without a key manager cannot.
pub(super) fn check_encryption(volume_type: &VolumeType) -> Result<(), Refusal> {
    if volume_type.encryption.is_none() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::InvalidVolumeType,
        format!("Invalid volume type: {} encrypts its volumes, and this cell has no key manager.", volume_type.name),
        "use a type without encryption",
    ))
}

fn not_found(name: &str) -> Refusal {
    let called = if name.parse::<TypeId>().is_ok() { "" } else { "with name " };
    Refusal::new(
        RefusalCode::VolumeTypeNotFound,
        format!("Volume type {called}{name} could not be found."),
        "list the volume types, or leave the type away",
    )
}
