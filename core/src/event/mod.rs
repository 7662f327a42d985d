//! What happened: the facts of which the log consists.
//!
//! An event is in the past tense, carries everything that a reader needs to understand it, and is applied by
//! [`crate::evolve`], which never refuses one. In JSON an event is an object with one key, its name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::ServiceChange;
use crate::id::{BackendName, FlowId, PoolName, ProjectId, ReservationId, TaskId, TypeId, VolumeId, WorkerName};
use crate::refusal::Refusal;
use crate::schedule::Decision;
use crate::state::{FlowKind, QuotaResource, Volume, VolumeType};
use crate::task::{BackendReport, Failure, StepDone, Task};
use crate::unit::{SizeGib, Timestamp};

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The command was refused; nothing changed.
    RequestRefused(Refusal),

    /// A flow began.
    FlowStarted {
        /// The flow.
        flow: FlowId,
        /// What it does.
        kind: FlowKind,
        /// The volume that it is about.
        volume: VolumeId,
        /// The project that it works for.
        project: ProjectId,
    },
    /// A flow came to its end.
    FlowFinished {
        /// The flow.
        flow: FlowId,
        /// `None` for success, else why it failed, in words.
        failure: Option<String>,
    },

    /// Quota was checked and reserved for a flow.
    QuotaReserved {
        /// The reservation.
        reservation: ReservationId,
        /// The flow that holds it.
        flow: FlowId,
        /// The project that pays.
        project: ProjectId,
        /// What was reserved, with what was seen when it was checked.
        deltas: Vec<QuotaDelta>,
    },
    /// A reservation became use.
    QuotaCommitted {
        /// The reservation.
        reservation: ReservationId,
    },
    /// A reservation was given back.
    QuotaRolledBack {
        /// The reservation.
        reservation: ReservationId,
    },
    /// A project's limits were changed.
    QuotaSet {
        /// The project.
        project: ProjectId,
        /// The limits that changed.
        limits: BTreeMap<QuotaResource, i64>,
    },

    /// A volume exists from here on, in status `creating`. The request is normalised: type, zone and id are resolved.
    VolumeEntryCreated {
        /// The volume.
        volume: Box<Volume>,
    },
    /// The scheduler looked for a pool and chose one, or none.
    PlacementDecided {
        /// The flow that asked.
        flow: FlowId,
        /// The volume to be placed.
        volume: VolumeId,
        /// The choice and its reasons.
        decision: Box<Decision>,
    },
    /// A placement is void: the attempt failed and its leftovers are gone or left to a cleanup flow.
    PlacementReleased {
        /// The flow whose attempt it was.
        flow: FlowId,
        /// The volume.
        volume: VolumeId,
        /// The pool that is not to be tried again by this flow.
        pool: PoolName,
    },
    /// The volume is on its pool and can be used (Cinder's `volume.create.end`).
    VolumeCreated {
        /// The volume.
        volume: VolumeId,
        /// The flow that made it.
        flow: FlowId,
        /// When it was ready, by the worker's clock.
        launched_at: Timestamp,
    },
    /// The volume could not be made.
    VolumeCreateFailed {
        /// The volume; its status is `error`.
        volume: VolumeId,
        /// Why, in words.
        reason: String,
    },
    /// The volume is being extended.
    VolumeExtending {
        /// The volume.
        volume: VolumeId,
        /// The flow.
        flow: FlowId,
        /// The size that it shall have.
        size_gib: SizeGib,
    },
    /// The volume has its new size.
    VolumeExtended {
        /// The volume.
        volume: VolumeId,
        /// The flow.
        flow: FlowId,
        /// The size that it has.
        size_gib: SizeGib,
    },
    /// The volume could not be extended.
    VolumeExtendFailed {
        /// The volume; its status is `error_extending`.
        volume: VolumeId,
        /// The flow.
        flow: FlowId,
        /// Why, in words.
        reason: String,
    },
    /// The volume is being deleted.
    VolumeDeleting {
        /// The volume.
        volume: VolumeId,
        /// The flow.
        flow: FlowId,
    },
    /// The volume is gone.
    VolumeDeleted {
        /// The volume.
        volume: VolumeId,
    },
    /// The volume could not be deleted.
    VolumeDeleteFailed {
        /// The volume.
        volume: VolumeId,
        /// True when it is in use and stays as it was (`available`); else its status is `error_deleting`.
        busy: bool,
        /// Why, in words.
        reason: String,
    },
    /// The volume's name, description or metadata were changed; absent fields stayed.
    VolumeUpdated {
        /// The volume.
        volume: VolumeId,
        /// Its new name.
        name: Option<String>,
        /// Its new description.
        description: Option<String>,
        /// All of its metadata.
        metadata: Option<BTreeMap<String, String>>,
    },

    /// A task is to be done: PENDING. Control gives it to the workers of its backend.
    TaskPending {
        /// The task.
        task: Box<Task>,
    },
    /// A worker is at it: RUNNING (Cinder's `volume.create.start` and so on).
    TaskRunning {
        /// The flow.
        flow: FlowId,
        /// The task.
        task: TaskId,
        /// Which dispatch of it.
        dispatch: u32,
        /// The worker.
        worker: WorkerName,
        /// Since when, by the worker's clock.
        at: Timestamp,
        /// When control gives this dispatch up.
        deadline: Timestamp,
    },
    /// It goes on; the deadline has moved.
    TaskProgressed {
        /// The flow.
        flow: FlowId,
        /// The task.
        task: TaskId,
        /// The step that runs.
        step: String,
        /// How much of that step is done, 0 to 100.
        percent: u8,
        /// When control gives this dispatch up.
        deadline: Timestamp,
    },
    /// It is done: SUCCESS.
    TaskSucceeded {
        /// The flow.
        flow: FlowId,
        /// The task.
        task: TaskId,
        /// Which dispatch of it.
        dispatch: u32,
        /// The worker.
        worker: WorkerName,
        /// When it ended, by the worker's clock.
        at: Timestamp,
        /// What was run.
        steps: Vec<StepDone>,
    },
    /// It could not be done: FAILURE.
    TaskFailed {
        /// The flow.
        flow: FlowId,
        /// The task.
        task: TaskId,
        /// Which dispatch of it.
        dispatch: u32,
        /// The worker; absent when the deadline passed.
        worker: Option<WorkerName>,
        /// When it ended.
        at: Timestamp,
        /// What was run before.
        steps: Vec<StepDone>,
        /// Why it failed.
        failure: Failure,
    },
    /// It failed, and will be given to the workers once more, but not before a pause: PENDING.
    TaskPostponed {
        /// The flow.
        flow: FlowId,
        /// The task.
        task: TaskId,
        /// When it is given to them.
        until: Timestamp,
    },
    /// The same task is given to the workers once more: PENDING again.
    TaskRetried {
        /// The task with its new dispatch and deadline.
        task: Box<Task>,
    },
    /// What the failed task may have left behind is being removed: REVERTING.
    TaskReverting {
        /// The task with its phase, new dispatch and deadline.
        task: Box<Task>,
    },
    /// Nothing of the failed task is left: REVERTED.
    TaskReverted {
        /// The flow.
        flow: FlowId,
        /// The task.
        task: TaskId,
    },

    /// A backend reported; only recorded when something changed or the last one is a while ago.
    BackendReported {
        /// What it said.
        report: Box<BackendReport>,
        /// Who said it.
        worker: WorkerName,
    },
    /// Whether a backend takes new volumes was changed.
    ServiceChanged {
        /// The backend.
        backend: BackendName,
        /// What changed, with the reason.
        change: ServiceChange,
    },

    /// A volume type was made.
    TypeCreated {
        /// The type.
        volume_type: Box<VolumeType>,
    },
    /// A volume type was changed.
    TypeUpdated {
        /// The type, as it is now.
        volume_type: Box<VolumeType>,
    },
    /// A volume type was removed.
    TypeDeleted {
        /// The type.
        volume_type: TypeId,
    },
}

/// One line of a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaDelta {
    /// What is counted.
    pub resource: QuotaResource,
    /// How much is asked for; negative gives back.
    pub delta: i64,
    /// The limit at that time; -1 is unlimited.
    pub limit: i64,
    /// What was in use at that time.
    pub in_use: i64,
    /// What other flows had reserved at that time.
    pub reserved: i64,
}

impl Event {
    /// The event's name, as in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RequestRefused(_) => "request_refused",
            Self::FlowStarted { .. } => "flow_started",
            Self::FlowFinished { .. } => "flow_finished",
            Self::QuotaReserved { .. } => "quota_reserved",
            Self::QuotaCommitted { .. } => "quota_committed",
            Self::QuotaRolledBack { .. } => "quota_rolled_back",
            Self::QuotaSet { .. } => "quota_set",
            Self::VolumeEntryCreated { .. } => "volume_entry_created",
            Self::PlacementDecided { .. } => "placement_decided",
            Self::PlacementReleased { .. } => "placement_released",
            Self::VolumeCreated { .. } => "volume_created",
            Self::VolumeCreateFailed { .. } => "volume_create_failed",
            Self::VolumeExtending { .. } => "volume_extending",
            Self::VolumeExtended { .. } => "volume_extended",
            Self::VolumeExtendFailed { .. } => "volume_extend_failed",
            Self::VolumeDeleting { .. } => "volume_deleting",
            Self::VolumeDeleted { .. } => "volume_deleted",
            Self::VolumeDeleteFailed { .. } => "volume_delete_failed",
            Self::VolumeUpdated { .. } => "volume_updated",
            Self::TaskPending { .. } => "task_pending",
            Self::TaskRunning { .. } => "task_running",
            Self::TaskProgressed { .. } => "task_progressed",
            Self::TaskSucceeded { .. } => "task_succeeded",
            Self::TaskFailed { .. } => "task_failed",
            Self::TaskPostponed { .. } => "task_postponed",
            Self::TaskRetried { .. } => "task_retried",
            Self::TaskReverting { .. } => "task_reverting",
            Self::TaskReverted { .. } => "task_reverted",
            Self::BackendReported { .. } => "backend_reported",
            Self::ServiceChanged { .. } => "service_changed",
            Self::TypeCreated { .. } => "type_created",
            Self::TypeUpdated { .. } => "type_updated",
            Self::TypeDeleted { .. } => "type_deleted",
        }
    }

    /// The task that control has to give to a worker because of this event.
    #[must_use]
    pub fn dispatches(&self) -> Option<&Task> {
        match self {
            Self::TaskPending { task } | Self::TaskRetried { task } | Self::TaskReverting { task } => Some(task),
            _ => None,
        }
    }
}
