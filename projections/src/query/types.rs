use std::collections::BTreeMap;

use stele_core::codec::decode;
use stele_core::id::TypeId;
use stele_core::state::VolumeType;

use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::types;
use crate::view::{TypeList, TypeView};

/// Every volume type, by name.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn volume_types(snapshot: &Snapshot) -> Result<TypeList, StoreError> {
    let mut types: Vec<TypeView> = all(snapshot)?.into_values().map(view).collect();
    types.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(TypeList { types })
}

/// A volume type by its name, else by its id, as commands find it.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn volume_type(snapshot: &Snapshot, name_or_id: &str) -> Result<Option<TypeView>, StoreError> {
    Ok(find(&all(snapshot)?, name_or_id).cloned().map(view))
}

pub(super) fn all(snapshot: &Snapshot) -> Result<BTreeMap<TypeId, VolumeType>, StoreError> {
    let decoded = snapshot.rows(types::TABLE)?.map(|row| {
        let found: VolumeType = decode(row?.1.value())?;
        Ok((found.id, found))
    });
    decoded.collect()
}

pub(super) fn find<'a>(types: &'a BTreeMap<TypeId, VolumeType>, name_or_id: &str) -> Option<&'a VolumeType> {
    let by_name = types.values().find(|found| found.name == name_or_id);
    by_name.or_else(|| types.get(&name_or_id.parse().ok()?))
}

fn view(found: VolumeType) -> TypeView {
    TypeView {
        id: found.id,
        name: found.name,
        description: found.description,
        is_public: found.is_public,
        extra_specs: found.extra_specs,
        created_at: found.created_at,
        updated_at: found.updated_at,
    }
}
