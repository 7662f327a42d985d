//! Index: the volumes of a project in the order in which they were asked for.
//!
//! Key: the project, a zero byte, the moment as 8 bytes that sort like the number, the volume's id in 16 bytes. Value:
//! empty.

use std::collections::BTreeSet;

use redb::WriteTransaction;
use stele_core::id::{ProjectId, VolumeId};
use stele_core::state::{Entity, State, Volume};

use super::Rows;
use crate::store::StoreError;

pub(crate) const TABLE: Rows = Rows::new("volumes_by_project");

/// What all keys of a project begin with. No project's name has a zero byte, so no prefix is the start of another.
pub(crate) fn prefix(project: &ProjectId) -> Vec<u8> {
    let mut key = project.as_str().as_bytes().to_vec();
    key.push(0);
    key
}

pub(crate) fn key(volume: &Volume) -> Vec<u8> {
    let mut key = prefix(&volume.project);
    // With the sign bit flipped, two's complement sorts like the number, also before 1970.
    key.extend_from_slice(&(volume.created_at.micros() ^ i64::MIN).to_be_bytes());
    key.extend_from_slice(volume.id.0.as_bytes());
    key
}

/// The volume that a key names.
pub(crate) fn volume_of(key: &[u8]) -> Option<VolumeId> {
    let id = key.get(key.len().checked_sub(16)?..)?;
    uuid::Uuid::from_slice(id).ok().map(VolumeId)
}

/// Brings the index from what it was before the batch to what it is after it.
pub(crate) fn update(
    transaction: &WriteTransaction,
    before: &State,
    after: &State,
    touched: &BTreeSet<Entity>,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(TABLE)?;
    for entity in touched {
        let Entity::Volume(id) = entity else { continue };
        let old = before.volumes.get(id).map(|volume| key(volume));
        let new = after.volumes.get(id).map(|volume| key(volume));
        if old == new {
            continue;
        }
        if let Some(old) = old {
            table.remove(old.as_slice())?;
        }
        if let Some(new) = new {
            table.insert(new.as_slice(), [].as_slice())?;
        }
    }
    Ok(())
}
