//! The state that the log folds to: what is true now.
//!
//! Every table is an ordered persistent map: a clone of the whole state costs a few reference counts, so the writer
//! keeps the last acknowledged state beside the speculative one, and readers take snapshots without a lock.

mod backend;
mod config;
mod flow;
mod quota;
mod seen;
mod volume;
mod volume_type;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

pub use backend::{Backend, Claim, Pool, Set};
pub use config::Config;
pub use flow::{Flow, FlowKind, OpenTask, TaskStatus};
pub use quota::{QuotaLimits, QuotaResource, Reservation, Usage, UsageLine};
pub use seen::{Seen, SeenCommand};
pub use volume::{Volume, VolumeStatus};
pub use volume_type::{DEFAULT_TYPE_NAME, VolumeType, default_type_id};

use crate::id::{BackendName, FlowId, PoolName, ProjectId, ReservationId, TypeId, VolumeId};
use crate::unit::Timestamp;

/// What is true at one position of the log.
///
/// The tables up to `types` are the state; the rest are indexes over them, made by [`crate::evolve`] as well.
#[derive(Debug, Clone)]
pub struct State {
    /// What decisions are made by; from the last claim.
    pub config: Arc<Config>,
    /// The volumes that exist. A deleted volume is only in the log.
    pub volumes: OrdMap<VolumeId, Arc<Volume>>,
    /// The flows that are not finished.
    pub flows: OrdMap<FlowId, Arc<Flow>>,
    /// What projects use and have reserved.
    pub usage: OrdMap<ProjectId, Arc<Usage>>,
    /// The open reservations.
    pub reservations: OrdMap<ReservationId, Arc<Reservation>>,
    /// The limits that were set, by project.
    pub quotas: OrdMap<ProjectId, Arc<QuotaLimits>>,
    /// The backends that have reported.
    pub backends: OrdMap<BackendName, Arc<Backend>>,
    /// The pools that were reported.
    pub pools: OrdMap<PoolName, Arc<Pool>>,
    /// Space that was given to flows and is not yet contained in the pool's reported figures.
    pub claims: OrdMap<(PoolName, FlowId), Claim>,
    /// The volume types.
    pub types: OrdMap<TypeId, Arc<VolumeType>>,

    /// Index: the deadlines of the open tasks, earliest first.
    pub deadlines: OrdSet<(Timestamp, FlowId)>,
    /// Index: volume types by name.
    pub type_names: OrdMap<Arc<str>, TypeId>,
}

/// Names one entity of the state; given to the observer of [`crate::evolve`] when the entity changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// A volume was made, changed or removed.
    Volume(VolumeId),
    /// A flow began, moved or finished.
    Flow(FlowId),
    /// A project's use changed.
    Usage(ProjectId),
    /// A reservation was made or ended.
    Reservation(ReservationId),
    /// A project's limits changed.
    Quota(ProjectId),
    /// A backend changed.
    Backend(BackendName),
    /// A pool changed.
    Pool(PoolName),
    /// A claim was made, fulfilled or dropped.
    Claim(PoolName, FlowId),
    /// A volume type changed.
    Type(TypeId),
    /// The configuration changed.
    Config,
}

impl Default for State {
    fn default() -> Self {
        let default_type = VolumeType::default_type();
        let id = default_type.id;
        Self {
            config: Arc::new(Config::default()),
            volumes: OrdMap::new(),
            flows: OrdMap::new(),
            usage: OrdMap::new(),
            reservations: OrdMap::new(),
            quotas: OrdMap::new(),
            backends: OrdMap::new(),
            pools: OrdMap::new(),
            claims: OrdMap::new(),
            types: OrdMap::unit(id, Arc::new(default_type)),
            deadlines: OrdSet::new(),
            type_names: OrdMap::unit(Arc::from(DEFAULT_TYPE_NAME), id),
        }
    }
}

impl State {
    /// A volume type by its name, else by its id.
    #[must_use]
    pub fn find_type(&self, name_or_id: &str) -> Option<&Arc<VolumeType>> {
        let id = self.type_names.get(name_or_id).copied().or_else(|| name_or_id.parse().ok())?;
        self.types.get(&id)
    }

    /// The limit of a project for a resource; -1 is unlimited.
    #[must_use]
    pub fn limit(&self, project: &ProjectId, resource: QuotaResource) -> i64 {
        self.quotas
            .get(project)
            .and_then(|limits| limits.limits.get(&resource).copied())
            .or_else(|| self.config.quota_defaults.get(&resource).copied())
            .unwrap_or_else(|| resource.default_limit())
    }

    /// What a project uses and has reserved of a resource.
    #[must_use]
    pub fn usage_of(&self, project: &ProjectId, resource: QuotaResource) -> UsageLine {
        self.usage.get(project).and_then(|usage| usage.lines.get(&resource).copied()).unwrap_or_default()
    }

    /// The space in GiB that was given away on a pool and is not in its reported figures.
    #[must_use]
    pub fn claimed_gib(&self, pool: &PoolName) -> u64 {
        self.pools.get(pool).map_or(0, |pool| pool.claimed_gib)
    }

    /// The claims on a pool, by flow.
    pub fn claims_on<'a>(&'a self, pool: &PoolName) -> impl Iterator<Item = (&'a FlowId, &'a Claim)> {
        let first = (pool.clone(), FlowId(uuid::Uuid::nil()));
        let last = (pool.clone(), FlowId(uuid::Uuid::max()));
        self.claims.range(first..=last).map(|((_, flow), claim)| (flow, claim))
    }
}
