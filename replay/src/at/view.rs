//! The rows of a snapshot, for programs and for people.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use stele_core::id::{BackendName, FlowId, PoolName, ProjectId, TypeId, VolumeId, WorkerName};
use stele_core::schedule::Amount;
use stele_core::state::{QuotaResource, State, TaskStatus};
use stele_core::task::Phase;
use stele_core::unit::{Position, SizeGib, Timestamp};

use crate::table::{NOTHING, Table};

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VolumeRow {
    pub id: VolumeId,
    pub project: ProjectId,
    pub user: String,
    pub name: String,
    pub description: String,
    pub metadata: BTreeMap<String, String>,
    pub size_gib: SizeGib,
    /// The type's name; its id when the type is gone.
    pub volume_type: String,
    pub availability_zone: String,
    pub status: &'static str,
    pub reason: Option<String>,
    pub pool: Option<PoolName>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub launched_at: Option<Timestamp>,
    pub created_position: Position,
}

/// One resource of one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaRow {
    /// The project.
    pub project: ProjectId,
    /// Cinder's name for the resource.
    pub resource: String,
    /// The sum over live resources.
    pub in_use: i64,
    /// The sum over open reservations.
    pub reserved: i64,
    /// -1 is unlimited.
    pub limit: i64,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolRow {
    /// Its name.
    pub name: PoolName,
    /// All that it can hold, as reported.
    pub total_gib: Amount,
    /// What was free, as reported.
    pub free_gib: Option<Amount>,
    /// What was given away and is not contained in the report.
    pub claimed_gib: u64,
    /// The sum over the volumes that are placed there.
    pub allocated_gib: u64,
    /// How many volumes are placed there.
    pub volumes: u64,
    /// Where the report stands.
    pub stats_position: Position,
}

/// A backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRow {
    /// Its name.
    pub backend: BackendName,
    /// Its zone.
    pub availability_zone: String,
    /// Its driver.
    pub driver: String,
    /// The worker that reported last.
    pub worker: WorkerName,
    /// Whether its last report was recent enough at the moment.
    pub up: bool,
    /// When its last report was recorded.
    pub heartbeat_at: Timestamp,
    /// Why it is disabled, when it is.
    pub disabled: Option<String>,
    /// Why it is frozen, when it is.
    pub frozen: Option<String>,
    /// How many pools it has.
    pub pools: usize,
}

/// A volume type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeRow {
    /// Its id.
    pub id: TypeId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether every project may use it.
    pub is_public: bool,
    /// What a pool must offer.
    pub extra_specs: BTreeMap<String, Option<String>>,
}

/// An open flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowRow {
    /// Its id.
    pub id: FlowId,
    /// What it does.
    pub kind: &'static str,
    /// The volume that it is about.
    pub volume: VolumeId,
    /// The project that it works for.
    pub project: ProjectId,
    /// When it began.
    pub started_at: Timestamp,
    /// The pools on which it failed.
    pub tried: Vec<PoolName>,
    /// The operation of its open task.
    pub task: Option<&'static str>,
    /// Where the task is to be done.
    pub pool: Option<PoolName>,
    /// `PENDING`, `RUNNING` or `REVERTING`.
    pub status: Option<&'static str>,
    /// Who is at it.
    pub worker: Option<WorkerName>,
    /// Which dispatch of the task it is.
    pub dispatch: Option<u32>,
    /// When control gives the dispatch up.
    pub deadline: Option<Timestamp>,
    /// Why the dispatch before it failed.
    pub failure: Option<String>,
}

pub(super) fn volumes(state: &State) -> Vec<VolumeRow> {
    let row = |volume: &std::sync::Arc<stele_core::state::Volume>| VolumeRow {
        id: volume.id,
        project: volume.project.clone(),
        user: volume.user.clone(),
        name: volume.name.clone(),
        description: volume.description.clone(),
        metadata: volume.metadata.clone(),
        size_gib: volume.size_gib,
        volume_type: type_name(state, volume.volume_type),
        availability_zone: volume.availability_zone.clone(),
        status: volume.status.name(),
        reason: volume.reason.clone(),
        pool: volume.pool.clone(),
        created_at: volume.created_at,
        updated_at: volume.updated_at,
        launched_at: volume.launched_at,
        created_position: volume.created_position,
    };
    state.volumes.values().map(row).collect()
}

pub(super) fn quota(state: &State) -> Vec<QuotaRow> {
    let projects: BTreeSet<&ProjectId> = state.usage.keys().chain(state.quotas.keys()).collect();
    let mut rows = Vec::new();
    for project in projects {
        let mut resources: BTreeSet<QuotaResource> = QuotaResource::plain().collect();
        resources.extend(state.usage.get(project).into_iter().flat_map(|usage| usage.lines.keys().copied()));
        resources.extend(state.quotas.get(project).into_iter().flat_map(|limits| limits.limits.keys().copied()));
        for resource in resources {
            let line = state.usage_of(project, resource);
            rows.push(QuotaRow {
                project: project.clone(),
                resource: resource.name(|id| type_name(state, id)),
                in_use: line.in_use,
                reserved: line.reserved,
                limit: state.limit(project, resource),
            });
        }
    }
    rows
}

pub(super) fn pools(state: &State) -> Vec<PoolRow> {
    let row = |pool: &std::sync::Arc<stele_core::state::Pool>| PoolRow {
        name: pool.name.clone(),
        total_gib: pool.stats.total_capacity_gb,
        free_gib: pool.stats.free_capacity_gb,
        claimed_gib: pool.claimed_gib,
        allocated_gib: pool.allocated_gib,
        volumes: pool.volumes,
        stats_position: pool.stats_position,
    };
    state.pools.values().map(row).collect()
}

pub(super) fn services(state: &State, now: Timestamp) -> Vec<ServiceRow> {
    let down_ms = state.config.scheduler.service_down_ms;
    let row = |backend: &std::sync::Arc<stele_core::state::Backend>| ServiceRow {
        backend: backend.name.clone(),
        availability_zone: backend.availability_zone.clone(),
        driver: backend.driver.clone(),
        worker: backend.worker.clone(),
        up: now.ms_since(backend.heartbeat_at) <= down_ms,
        heartbeat_at: backend.heartbeat_at,
        disabled: backend.disabled.as_ref().map(|set| set.reason.clone()),
        frozen: backend.frozen.as_ref().map(|set| set.reason.clone()),
        pools: backend.pools.len(),
    };
    state.backends.values().map(row).collect()
}

pub(super) fn types(state: &State) -> Vec<TypeRow> {
    let row = |found: &std::sync::Arc<stele_core::state::VolumeType>| TypeRow {
        id: found.id,
        name: found.name.clone(),
        description: found.description.clone(),
        is_public: found.is_public,
        extra_specs: found.extra_specs.clone(),
    };
    state.types.values().map(row).collect()
}

pub(super) fn flows(state: &State) -> Vec<FlowRow> {
    let row = |flow: &std::sync::Arc<stele_core::state::Flow>| {
        let open = flow.task.as_ref();
        let worker = open.and_then(|open| match &open.status {
            TaskStatus::Running { worker } => Some(worker.clone()),
            TaskStatus::Pending | TaskStatus::Postponed => None,
        });
        let status = open.map(|open| match (open.task.phase, &open.status) {
            (Phase::Revert, _) => "REVERTING",
            (Phase::Execute, TaskStatus::Pending | TaskStatus::Postponed) => "PENDING",
            (Phase::Execute, TaskStatus::Running { .. }) => "RUNNING",
        });
        FlowRow {
            id: flow.id,
            kind: flow.kind.name(),
            volume: flow.volume,
            project: flow.project.clone(),
            started_at: flow.started_at,
            tried: flow.tried.clone(),
            task: open.map(|open| open.task.operation.name()),
            pool: open.map(|open| open.task.pool.clone()),
            status,
            worker,
            dispatch: open.map(|open| open.task.dispatch),
            deadline: open.map(|open| open.deadline),
            failure: open.and_then(|open| open.failure.as_ref()).map(ToString::to_string),
        }
    };
    state.flows.values().map(row).collect()
}

fn type_name(state: &State, id: TypeId) -> String {
    state.types.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone())
}

pub(super) fn volume_table(rows: &[VolumeRow]) -> Table {
    let mut table = Table::new(&["id", "project", "name", "gib", "type", "zone", "status", "pool", "reason"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.project.to_string(),
            row.name.clone(),
            row.size_gib.gib().to_string(),
            row.volume_type.clone(),
            row.availability_zone.clone(),
            row.status.to_owned(),
            or_nothing(row.pool.as_ref()),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

pub(super) fn quota_table(rows: &[QuotaRow]) -> Table {
    let mut table = Table::new(&["project", "resource", "in use", "reserved", "limit"]);
    for row in rows {
        let numbers = [row.in_use, row.reserved, row.limit].map(|number| number.to_string());
        table.row([row.project.to_string(), row.resource.clone()].into_iter().chain(numbers));
    }
    table
}

pub(super) fn pool_table(rows: &[PoolRow]) -> Table {
    let headers = ["pool", "total gib", "free gib", "claimed gib", "allocated gib", "volumes", "reported at position"];
    let mut table = Table::new(&headers);
    for row in rows {
        table.row([
            row.name.to_string(),
            amount(Some(row.total_gib)),
            amount(row.free_gib),
            row.claimed_gib.to_string(),
            row.allocated_gib.to_string(),
            row.volumes.to_string(),
            row.stats_position.to_string(),
        ]);
    }
    table
}

pub(super) fn service_table(rows: &[ServiceRow]) -> Table {
    let mut table =
        Table::new(&["backend", "zone", "driver", "state", "disabled", "frozen", "pools", "last report", "worker"]);
    for row in rows {
        let set = |reason: &Option<String>| match reason.as_deref() {
            None => NOTHING.to_owned(),
            Some("") => "yes".to_owned(),
            Some(reason) => format!("yes: {reason}"),
        };
        table.row([
            row.backend.to_string(),
            row.availability_zone.clone(),
            row.driver.clone(),
            if row.up { "up" } else { "down" }.to_owned(),
            set(&row.disabled),
            set(&row.frozen),
            row.pools.to_string(),
            row.heartbeat_at.to_string(),
            row.worker.to_string(),
        ]);
    }
    table
}

pub(super) fn type_table(rows: &[TypeRow]) -> Table {
    let mut table = Table::new(&["id", "name", "public", "extra specs", "description"]);
    for row in rows {
        let spec = |(key, value): (&String, &Option<String>)| match value {
            Some(value) => format!("{key}={value}"),
            None => key.clone(),
        };
        table.row([
            row.id.to_string(),
            row.name.clone(),
            if row.is_public { "yes" } else { "no" }.to_owned(),
            row.extra_specs.iter().map(spec).collect::<Vec<_>>().join(", "),
            row.description.clone(),
        ]);
    }
    table
}

pub(super) fn flow_table(rows: &[FlowRow]) -> Table {
    let headers = ["flow", "kind", "volume", "project", "task", "pool", "status", "dispatch", "deadline", "why again"];
    let mut table = Table::new(&headers);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.kind.to_owned(),
            row.volume.to_string(),
            row.project.to_string(),
            or_nothing(row.task),
            or_nothing(row.pool.as_ref()),
            or_nothing(row.status),
            or_nothing(row.dispatch),
            or_nothing(row.deadline),
            row.failure.clone().unwrap_or_default(),
        ]);
    }
    table
}

pub(super) fn or_nothing<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

fn amount(amount: Option<Amount>) -> String {
    match amount {
        None => NOTHING.to_owned(),
        Some(Amount::Number(gib)) => format!("{gib:.2}"),
        Some(Amount::Infinite) => "infinite".to_owned(),
        Some(Amount::Unknown) => "unknown".to_owned(),
    }
}
