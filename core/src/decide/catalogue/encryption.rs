//! `type.set_encryption`, `type.unset_encryption`. What is set is kept and shown; this cell has no key manager and
//! makes no volumes of such a type.

use super::super::type_update::find;
use super::super::{Context, Decision};
use super::{has_volumes, type_updated};
use crate::command::{TypeSetEncryption, TypeUnsetEncryption};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{ControlLocation, Encryption, VolumeType};

pub(in crate::decide) fn set(cx: &Context<'_>, command: &TypeSetEncryption) -> Decision {
    let volume_type = find(cx, &command.volume_type)?;
    unused(cx, volume_type, if command.create { "create" } else { "update" })?;
    let encryption = match (&volume_type.encryption, command.create) {
        (Some(_), true) => {
            return Err(Refusal::new(
                RefusalCode::EncryptionExists,
                format!("Volume type encryption for type {} already exists.", volume_type.id),
                "change it, or take it away first",
            ));
        }
        (None, false) => return Err(none(volume_type)),
        (None, true) => made(cx, command),
        (Some(before), false) => changed(cx, before, command),
    };
    Ok(type_updated(VolumeType { encryption: Some(encryption), ..VolumeType::clone(volume_type) }))
}

pub(in crate::decide) fn unset(cx: &Context<'_>, command: &TypeUnsetEncryption) -> Decision {
    let volume_type = find(cx, &command.volume_type)?;
    unused(cx, volume_type, "delete")?;
    if volume_type.encryption.is_none() {
        return Err(none(volume_type));
    }
    Ok(type_updated(VolumeType { encryption: None, ..VolumeType::clone(volume_type) }))
}

/// [`TypeSetEncryption`] makes sure that provider and location are there.
fn made(cx: &Context<'_>, command: &TypeSetEncryption) -> Encryption {
    Encryption {
        id: cx.id.derive("encryption"),
        provider: command.provider.clone().unwrap_or_default(),
        control_location: command.control_location.unwrap_or(ControlLocation::FrontEnd),
        cipher: command.cipher.clone(),
        key_size: command.key_size,
        created_at: cx.now,
        updated_at: None,
    }
}

fn changed(cx: &Context<'_>, before: &Encryption, command: &TypeSetEncryption) -> Encryption {
    Encryption {
        id: before.id,
        provider: command.provider.clone().unwrap_or_else(|| before.provider.clone()),
        control_location: command.control_location.unwrap_or(before.control_location),
        cipher: command.cipher.clone().or_else(|| before.cipher.clone()),
        key_size: command.key_size.or(before.key_size),
        created_at: before.created_at,
        updated_at: Some(cx.now),
    }
}

/// What a volume was made with may not become another thing under it.
fn unused(cx: &Context<'_>, volume_type: &VolumeType, verb: &str) -> Result<(), Refusal> {
    if has_volumes(cx, volume_type) {
        return Err(Refusal::new(
            RefusalCode::VolumeTypeInUse,
            format!("Cannot {verb} encryption specs. Volume type in use."),
            "delete the volumes of the type first, or make another type",
        ));
    }
    Ok(())
}

fn none(volume_type: &VolumeType) -> Refusal {
    Refusal::new(
        RefusalCode::EncryptionNotFound,
        format!("Volume type encryption for type {} does not exist.", volume_type.id),
        "set one with create, or name another type",
    )
}
