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
    let mut types: Vec<TypeView> = all(snapshot)?.0.into_values().map(view).collect();
    types.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(TypeList { types })
}

/// A volume type by its name, else by its id, as commands find it.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn volume_type(snapshot: &Snapshot, name_or_id: &str) -> Result<Option<TypeView>, StoreError> {
    Ok(all(snapshot)?.find(name_or_id).cloned().map(view))
}

/// Every volume type.
#[derive(Debug, Clone, Default)]
pub struct Types(BTreeMap<TypeId, VolumeType>);

impl Types {
    /// One by its id.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<&VolumeType> {
        self.0.get(&id)
    }

    /// One by its name, else by its id, as commands find it.
    #[must_use]
    pub fn find(&self, name_or_id: &str) -> Option<&VolumeType> {
        let by_name = self.0.values().find(|found| found.name == name_or_id);
        by_name.or_else(|| self.0.get(&name_or_id.parse().ok()?))
    }

    /// The name of one; its id when it is gone.
    #[must_use]
    pub fn name(&self, id: TypeId) -> String {
        self.0.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone())
    }

    /// Every one, by id.
    pub fn iter(&self) -> impl Iterator<Item = &VolumeType> {
        self.0.values()
    }
}

pub(super) fn all(snapshot: &Snapshot) -> Result<Types, StoreError> {
    let decoded = snapshot.rows(types::TABLE)?.map(|row| {
        let found: VolumeType = decode(row?.1.value())?;
        Ok((found.id, found))
    });
    Ok(Types(decoded.collect::<Result<_, StoreError>>()?))
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
        access: found.access.into_iter().collect(),
        qos_id: found.qos,
        encryption: found.encryption,
    }
}
