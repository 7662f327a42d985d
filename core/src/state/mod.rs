//! The state that the log folds to: what is true now.
//!
//! Every table is an ordered persistent map: a clone of the whole state costs a few reference counts, so the writer
//! keeps the last acknowledged state beside the speculative one, and readers take snapshots without a lock.

mod attachment;
mod backend;
mod config;
mod flow;
mod group;
mod message;
mod qos;
mod quota;
mod seen;
mod snapshot;
mod transfer;
mod volume;
mod volume_type;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use attachment::{Attachment, AttachmentStatus};
pub use backend::{Backend, Claim, Pool, Set};
pub use config::Config;
pub use flow::{Flow, FlowKind, OpenTask, TaskStatus};
pub use group::{Group, GroupSnapshot, GroupStatus, GroupType, StatedGroupStatus};
pub use message::{MESSAGE_TTL_MS, MESSAGES_MAX, Message, MessageResource};
pub use qos::{Qos, QosConsumer};
pub use quota::{QuotaLimits, QuotaResource, Reservation, Usage, UsageLine};
pub use seen::{Seen, SeenCommand};
pub use snapshot::{Snapshot, SnapshotStatus, StatedSnapshotStatus};
pub use transfer::Transfer;
pub use volume::{StatedStatus, Volume, VolumeStatus};
pub use volume_type::{ControlLocation, DEFAULT_TYPE_NAME, Encryption, VolumeType, default_type_id};

use crate::id::{
    AttachmentId, BackendName, FlowId, GroupId, GroupSnapshotId, GroupTypeId, MessageId, PoolName, ProjectId, QosId,
    ReservationId, SnapshotId, TransferId, TypeId, VolumeId,
};
use crate::inventory::{Drift, Stored};
use crate::unit::{Position, Timestamp};

/// What is true at one position of the log.
///
/// The tables up to `drifts` are the state; the rest are indexes over them, made by [`crate::evolve`] as well.
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
    /// The snapshots that exist.
    pub snapshots: OrdMap<SnapshotId, Arc<Snapshot>>,
    /// The attachments that exist.
    pub attachments: OrdMap<AttachmentId, Arc<Attachment>>,
    /// The groups that exist.
    pub groups: OrdMap<GroupId, Arc<Group>>,
    /// The group snapshots that exist.
    pub group_snapshots: OrdMap<GroupSnapshotId, Arc<GroupSnapshot>>,
    /// The group types.
    pub group_types: OrdMap<GroupTypeId, Arc<GroupType>>,
    /// The transfers that nobody accepted yet.
    pub transfers: OrdMap<TransferId, Arc<Transfer>>,
    /// The QoS specs.
    pub qos: OrdMap<QosId, Arc<Qos>>,
    /// The types that projects use when they ask for none, where they chose one.
    pub default_types: OrdMap<ProjectId, TypeId>,
    /// The limits of quota classes; those of the class `default` are for projects that have none of their own.
    pub quota_classes: OrdMap<String, Arc<QuotaLimits>>,
    /// What users are told about failed flows.
    pub messages: OrdMap<MessageId, Arc<Message>>,
    /// The log levels that operators chose, by (program, host, prefix); program and host may be empty for all.
    pub log_levels: OrdMap<LogTarget, LogLevel>,
    /// What on the storage is not as the log promises.
    pub drifts: OrdMap<(PoolName, Stored), Arc<Drift>>,

    /// Index: the deadlines of the open tasks, earliest first.
    pub deadlines: OrdSet<(Timestamp, FlowId)>,
    /// Index: volume types by name.
    pub type_names: OrdMap<Arc<str>, TypeId>,
    /// Index: snapshots by volume.
    pub snapshots_of: OrdSet<(VolumeId, SnapshotId)>,
    /// Index: volumes by group.
    pub volumes_of_group: OrdSet<(GroupId, VolumeId)>,
    /// Index: snapshots by group snapshot.
    pub snapshots_of_group: OrdSet<(GroupSnapshotId, SnapshotId)>,
    /// Index: messages by age, oldest first.
    pub message_ages: OrdSet<(Timestamp, MessageId)>,
}

/// Whose log level it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogTarget {
    /// `stele-control`, `stele-api`, `stele-worker`; empty for all.
    pub binary: String,
    /// The host; empty for all.
    pub host: String,
    /// The module path that it begins with; empty for all.
    pub prefix: String,
}

impl LogTarget {
    /// Whether it is for every program, everywhere, whole.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        self.binary.is_empty() && self.host.is_empty() && self.prefix.is_empty()
    }

    /// Whether everything that the other one is for, it is for as well.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        (self.binary.is_empty() || self.binary == other.binary)
            && (self.host.is_empty() || self.host == other.host)
            && other.prefix.starts_with(&self.prefix)
    }
}

/// How much a program logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

/// The quota class whose limits hold for projects without their own.
pub const DEFAULT_QUOTA_CLASS: &str = "default";

/// Names one entity of the state; given to the observer of [`crate::evolve`] when the entity changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A snapshot changed.
    Snapshot(SnapshotId),
    /// An attachment changed.
    Attachment(AttachmentId),
    /// A group changed.
    Group(GroupId),
    /// A group snapshot changed.
    GroupSnapshot(GroupSnapshotId),
    /// A group type changed.
    GroupType(GroupTypeId),
    /// A transfer began or ended.
    Transfer(TransferId),
    /// QoS specs changed.
    Qos(QosId),
    /// A project's default type changed.
    DefaultType(ProjectId),
    /// A quota class changed.
    QuotaClass(String),
    /// A message came or went.
    Message(MessageId),
    /// A log level changed.
    LogLevel(LogTarget),
    /// A drift was found, tried to repair, or is none any more.
    Drift(PoolName, Stored),
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
            snapshots: OrdMap::new(),
            attachments: OrdMap::new(),
            groups: OrdMap::new(),
            group_snapshots: OrdMap::new(),
            group_types: OrdMap::new(),
            transfers: OrdMap::new(),
            qos: OrdMap::new(),
            default_types: OrdMap::new(),
            quota_classes: OrdMap::new(),
            messages: OrdMap::new(),
            log_levels: OrdMap::new(),
            drifts: OrdMap::new(),
            deadlines: OrdSet::new(),
            type_names: OrdMap::unit(Arc::from(DEFAULT_TYPE_NAME), id),
            snapshots_of: OrdSet::new(),
            volumes_of_group: OrdSet::new(),
            snapshots_of_group: OrdSet::new(),
            message_ages: OrdSet::new(),
        }
    }
}

/// A name as a table of the state has it already, so that what a million volumes say is hardly ever in memory twice.
pub fn in_one_copy<K: Ord + Clone, V>(table: &OrdMap<K, V>, name: &K) -> K {
    table.get_key_value(name).map_or(name, |(held, _)| held).clone()
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
            .unwrap_or_else(|| self.default_limit(resource))
    }

    /// The limit for projects that have none of their own: that of the default quota class, else the configuration's.
    #[must_use]
    pub fn default_limit(&self, resource: QuotaResource) -> i64 {
        self.quota_classes
            .get(DEFAULT_QUOTA_CLASS)
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

    /// The snapshots of a volume, by id.
    pub fn snapshots_of(&self, volume: VolumeId) -> impl Iterator<Item = &Arc<Snapshot>> {
        let range = (volume, SnapshotId(Uuid::nil()))..=(volume, SnapshotId(Uuid::max()));
        self.snapshots_of.range(range).filter_map(|(_, id)| self.snapshots.get(id))
    }

    /// The volumes of a group, by id.
    pub fn volumes_of_group(&self, group: GroupId) -> impl Iterator<Item = &Arc<Volume>> {
        let range = (group, VolumeId(Uuid::nil()))..=(group, VolumeId(Uuid::max()));
        self.volumes_of_group.range(range).filter_map(|(_, id)| self.volumes.get(id))
    }

    /// The snapshots of a group snapshot, by id.
    pub fn snapshots_of_group(&self, group: GroupSnapshotId) -> impl Iterator<Item = &Arc<Snapshot>> {
        let range = (group, SnapshotId(Uuid::nil()))..=(group, SnapshotId(Uuid::max()));
        self.snapshots_of_group.range(range).filter_map(|(_, id)| self.snapshots.get(id))
    }

    /// The pools whose inventory was asked for and not taken yet, each with where it was asked for.
    pub fn inventories_asked(&self) -> impl Iterator<Item = (PoolName, Position)> {
        self.pools.values().filter_map(|pool| Some((pool.name.clone(), pool.inventory_asked?)))
    }

    /// The attachments of a volume, by id.
    pub fn attachments_of<'a>(&'a self, volume: &'a Volume) -> impl Iterator<Item = &'a Arc<Attachment>> {
        volume.attachments.iter().filter_map(|id| self.attachments.get(id))
    }
}
