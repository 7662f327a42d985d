use std::collections::BTreeMap;

use stele_core::codec::decode;
use stele_core::id::BackendName;
use stele_core::state::{Backend, Config};
use stele_core::unit::Timestamp;

use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::backends;
use crate::view::{ServiceList, ServiceState, ServiceStatus, ServiceView};

/// Every backend that has reported, by name; `now` tells which of them are up.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn services(snapshot: &Snapshot, now: Timestamp) -> Result<ServiceList, StoreError> {
    let config = snapshot.configuration()?;
    let services = all(snapshot)?.into_values().map(|backend| view(backend, &config, now)).collect();
    Ok(ServiceList { services })
}

pub(super) fn all(snapshot: &Snapshot) -> Result<BTreeMap<BackendName, Backend>, StoreError> {
    let decoded = snapshot.rows(backends::TABLE)?.map(|row| {
        let backend: Backend = decode(row?.1.value())?;
        Ok((backend.name.clone(), backend))
    });
    decoded.collect()
}

/// The scheduler's own rule: a heartbeat of exactly the bound's age is still up.
pub(super) fn state(backend: &Backend, config: &Config, now: Timestamp) -> ServiceState {
    if now.ms_since(backend.heartbeat_at) > config.scheduler.service_down_ms {
        ServiceState::Down
    } else {
        ServiceState::Up
    }
}

pub(super) fn status(backend: &Backend) -> ServiceStatus {
    if backend.disabled.is_some() { ServiceStatus::Disabled } else { ServiceStatus::Enabled }
}

fn view(backend: Backend, config: &Config, now: Timestamp) -> ServiceView {
    ServiceView {
        state: state(&backend, config, now),
        status: status(&backend),
        heartbeat_age_ms: now.ms_since(backend.heartbeat_at),
        last_heartbeat_at: backend.heartbeat_at,
        frozen: backend.frozen.is_some(),
        frozen_at: backend.frozen.as_ref().map(|set| set.at),
        frozen_reason: backend.frozen.map(|set| set.reason),
        disabled_at: backend.disabled.as_ref().map(|set| set.at),
        disabled_reason: backend.disabled.map(|set| set.reason),
        host: backend.name,
        zone: backend.availability_zone,
        driver: backend.driver,
        worker: backend.worker,
        pools: backend.pools,
    }
}
