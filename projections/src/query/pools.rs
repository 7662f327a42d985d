use std::sync::Arc;

use stele_core::codec::decode;
use stele_core::id::PoolName;
use stele_core::inventory::ForeignList;
use stele_core::state::{Backend, Config, Pool};
use stele_core::unit::Timestamp;

use super::services;
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table;
use crate::view::{PoolList, PoolView, ServiceState, ServiceStatus};

/// Every pool that was reported, by name; `now` tells which backends are up.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn pools(snapshot: &Snapshot, now: Timestamp) -> Result<PoolList, StoreError> {
    let config = snapshot.configuration()?;
    let backends = services::all(snapshot)?;
    let mut pools = Vec::new();
    for row in snapshot.rows(table::pools::TABLE)? {
        let pool: Pool = decode(row?.1.value())?;
        let backend = backends.get(&pool.name.backend());
        pools.push(view(pool, backend, &config, now));
    }
    Ok(PoolList { pools })
}

/// One pool; `None` when it was never reported.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn pool(snapshot: &Snapshot, name: &PoolName, now: Timestamp) -> Result<Option<PoolView>, StoreError> {
    let Some(pool) = snapshot.get::<Pool>(table::pools::TABLE, &table::pools::key(name))? else { return Ok(None) };
    let backend = snapshot.get(table::backends::TABLE, &table::backends::key(&name.backend()))?;
    let foreign = Some(ForeignList::clone(&pool.foreign));
    Ok(Some(PoolView { foreign, ..view(pool, backend.as_ref(), &snapshot.configuration()?, now) }))
}

fn view(pool: Pool, backend: Option<&Backend>, config: &Config, now: Timestamp) -> PoolView {
    let ratio = config.scheduler.max_over_subscription_ratio_default;
    PoolView {
        backend: pool.name.backend(),
        reported: backend.is_some_and(|backend| backend.pools.contains(&pool.name)),
        availability_zone: backend.map_or_else(String::new, |backend| backend.availability_zone.clone()),
        driver: backend.map_or_else(String::new, |backend| backend.driver.clone()),
        status: backend.map_or(ServiceStatus::Disabled, services::status),
        state: backend.map_or(ServiceState::Down, |backend| services::state(backend, config, now)),
        frozen: backend.is_some_and(|backend| backend.frozen.is_some()),
        claimed_gib: pool.claimed_gib,
        allocated_gib: pool.allocated_gib,
        volumes: pool.volumes,
        virtual_free_gib: pool.stats.room_gib(pool.claimed_gib, ratio),
        stats: Arc::unwrap_or_clone(pool.stats),
        stats_position: pool.stats_position,
        foreign: None,
        name: pool.name,
    }
}
