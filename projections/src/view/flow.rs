use serde::{Deserialize, Serialize};
use stele_core::command::{Actor, Source};
use stele_core::id::{
    AttachmentId, CommandId, FlowId, PoolName, ProjectId, ReservationId, SnapshotId, TaskId, VolumeId, WorkerName,
};
use stele_core::state::FlowKind;
use stele_core::task::{Failure, StepDone};
use stele_core::unit::{Position, Timestamp};

/// A flow shown whole: who asked for it, every task in order, every transition of every task.
///
/// It is stored in bincode as well, so no field may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowHistory {
    /// Its id.
    pub id: FlowId,
    /// What it does.
    pub kind: FlowKind,
    /// The volume that it is about; of a snapshot's or an attachment's flow the volume of that.
    pub volume_id: VolumeId,
    /// The snapshot that it is about, when it is about one.
    pub snapshot_id: Option<SnapshotId>,
    /// The attachment that it is about, when it is about one.
    pub attachment_id: Option<AttachmentId>,
    /// The project that it works for.
    pub project: ProjectId,
    /// The command that began it.
    pub command_id: CommandId,
    /// Which way that command came.
    pub source: Source,
    /// Who asked, with the client's request id.
    pub actor: Actor,
    /// The quota that it held or holds.
    pub reservation: Option<ReservationId>,
    /// When it began.
    pub started_at: Timestamp,
    /// Where it began.
    pub started_position: Position,
    /// When it ended; absent while it goes on.
    pub finished_at: Option<Timestamp>,
    /// Where it ended.
    pub finished_position: Option<Position>,
    /// Why it failed, in words; absent while it goes on and after success.
    pub failure: Option<String>,
    /// Its tasks, in the order in which they ran.
    pub tasks: Vec<TaskHistory>,
}

/// One task of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskHistory {
    /// Cinder's name for the task (without the `Task` at its end) where Cinder has one.
    pub name: String,
    /// What tells it apart: the notification (`create.start`), the outcome of a placement, the new status.
    pub detail: Option<String>,
    /// The id of a worker's task; absent for what control does by itself.
    pub task_id: Option<TaskId>,
    /// The pool that it is about.
    pub pool: Option<PoolName>,
    /// How far it is: the state of its last transition.
    pub state: TaskState,
    /// Its transitions. What control does by itself has one.
    pub transitions: Vec<TaskTransition>,
}

/// The states of a task, as in TaskFlow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskState {
    /// Given to the workers.
    Pending,
    /// A worker is at it.
    Running,
    /// Done.
    Success,
    /// It, or the removal of what it left behind, could not be done.
    Failure,
    /// What it may have left behind is being removed.
    Reverting,
    /// Nothing of it is left.
    Reverted,
}

impl TaskState {
    /// The name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Reverting => "REVERTING",
            Self::Reverted => "REVERTED",
        }
    }
}

/// One transition of a task, or the newest progress within a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskTransition {
    /// The state from here on.
    pub state: TaskState,
    /// When it was recorded, by control's clock.
    pub at: Timestamp,
    /// The record that holds it.
    pub position: Position,
    /// Which dispatch of the task; absent for what control does by itself.
    pub dispatch: Option<u32>,
    /// The worker; absent when none is involved or none answered.
    pub worker: Option<WorkerName>,
    /// When it happened, by the worker's clock.
    pub worker_at: Option<Timestamp>,
    /// The step that runs.
    pub step: Option<String>,
    /// How much of that step is done, 0 to 100.
    pub percent: Option<u8>,
    /// The steps that were run, with their durations and exit statuses.
    pub steps: Vec<StepDone>,
    /// Why it failed: class, step, message, exit status and the end of stderr.
    pub failure: Option<Failure>,
}

/// `GET /v1/volumes/{id}/flows`: oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowList {
    /// The flows.
    pub flows: Vec<FlowHistory>,
}
