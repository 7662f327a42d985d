use stele_core::codec::decode;
use stele_core::inventory::Drift;
use stele_core::state::Pool;

use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table;
use crate::view::{DriftList, DriftView, InventoryView};

/// Everything on the storage that is not as the log promises, by pool, and when the pools were looked at.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn drifts(snapshot: &Snapshot) -> Result<DriftList, StoreError> {
    let mut drifts = Vec::new();
    for row in snapshot.rows(table::drifts::TABLE)? {
        drifts.push(view(decode(row?.1.value())?));
    }
    let mut inventories = Vec::new();
    for row in snapshot.rows(table::pools::TABLE)? {
        let pool: Pool = decode(row?.1.value())?;
        let last = pool.inventoried;
        inventories.push(InventoryView {
            pool: pool.name,
            at: last.map(|last| last.at),
            position: last.map(|last| last.position),
            as_of: last.map(|last| last.as_of),
            asked: pool.inventory_asked,
        });
    }
    Ok(DriftList { drifts, inventories })
}

fn view(drift: Drift) -> DriftView {
    DriftView {
        object: drift.what.to_string(),
        volume_id: drift.what.volume(),
        kind: drift.kind.name().to_owned(),
        repair: drift.repair(),
        pool: drift.pool,
        reason: drift.reason,
        found_at: drift.found_at,
        found_position: drift.found_position,
        tries: drift.tries,
        tried_at: drift.tried_at,
        flow_id: drift.flow,
    }
}
