use stele_core::id::{FlowId, VolumeId};

use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::{flow_history, flows_by_volume};
use crate::view::{FlowHistory, FlowList};

/// A flow, finished or not; `None` when there was none of that id.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn flow(snapshot: &Snapshot, id: FlowId) -> Result<Option<FlowHistory>, StoreError> {
    snapshot.get(flow_history::TABLE, &flow_history::key(id))
}

/// Every flow of a volume, oldest first; also when the volume is gone. Empty when there never was such a volume.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn flows_of_volume(snapshot: &Snapshot, id: VolumeId) -> Result<FlowList, StoreError> {
    let mut flows = Vec::new();
    for row in snapshot.rows_under(flows_by_volume::TABLE, id.0.as_bytes())? {
        if let Some(id) = flows_by_volume::flow_of(row?.1.value()) {
            flows.extend(flow(snapshot, id)?);
        }
    }
    Ok(FlowList { flows })
}
