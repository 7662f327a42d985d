use stele_core::codec::decode;
use stele_core::id::VolumeId;

use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::decisions;
use crate::view::{DecisionList, DecisionView};

/// Every placement decision about a volume, oldest first; also when the volume is gone.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn decisions_of_volume(snapshot: &Snapshot, id: VolumeId) -> Result<DecisionList, StoreError> {
    let rows = snapshot.rows_under(decisions::TABLE, id.0.as_bytes())?;
    let decisions = rows.map(|row| Ok(decode(row?.1.value())?)).collect::<Result<_, StoreError>>()?;
    Ok(DecisionList { decisions })
}

/// The newest placement decision about a volume; `None` when there was none.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn decision_of_volume(snapshot: &Snapshot, id: VolumeId) -> Result<Option<DecisionView>, StoreError> {
    let newest = snapshot.rows_under(decisions::TABLE, id.0.as_bytes())?.next_back();
    newest.map(|row| Ok(decode(row?.1.value())?)).transpose()
}
