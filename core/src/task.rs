//! Work for storage nodes, as data: what control asks for ([`Task`]) and what a worker answers ([`Report`]).
//!
//! A task is dispatched at least once and may be executed more than once, so it says what shall be true afterwards
//! ("the volume has 3 GiB"), never what to do ("add 1 GiB"). A worker observes first and runs only the missing
//! steps. A report names the dispatch that it answers; one of an outdated dispatch changes nothing.

mod operation;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use operation::{CopySource, Operation};

use crate::id::{BackendName, FlowId, PoolName, SnapshotId, TaskId, VolumeId, WorkerName};
use crate::inventory::InventoryReport;
use crate::schedule::PoolStats;
use crate::state::{LogLevel, LogTarget};
use crate::unit::{Position, Timestamp};

/// Version of the JSON of tasks and reports.
pub const TASK_VERSION: u32 = 1;

/// The most bytes of a tool's stderr that a report carries; the rest is cut, the end is kept.
pub const STDERR_BYTES_MAX: usize = 4096;

/// The most reports in one message; a worker sends further ones in the next. All of them become one commit, and each
/// may lead to a placement with sixteen candidates: 32 stay well below the 1 MiB that a NATS message may have.
pub const REPORTS_PER_MESSAGE_MAX: usize = 32;

/// The most bytes of a message with reports.
pub const REPORT_BYTES_MAX: usize = 192 * 1024;

/// One piece of work for the workers of one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Names the task; it stays the same when the task is dispatched again.
    pub id: TaskId,
    /// The flow that the task belongs to.
    pub flow: FlowId,
    /// The pool that the task works on; its backend's workers take the task.
    pub pool: PoolName,
    /// What shall be true afterwards.
    pub operation: Operation,
    /// Whether the operation is to be done or its leftovers are to be removed.
    pub phase: Phase,
    /// Counts the dispatches of this task, from 1. A report names the dispatch that it answers.
    pub dispatch: u32,
    /// When control gives the dispatch up. A worker drops a task whose deadline has passed, without any effect.
    pub deadline: Timestamp,
    /// The position of the event that asked for the task; it becomes a tag of the LV.
    pub asked_at: Position,
}

/// What an attachment may do with the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachMode {
    /// Read and write.
    Rw,
    /// Only read.
    Ro,
}

impl AttachMode {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rw => "rw",
            Self::Ro => "ro",
        }
    }
}

/// The host that connects, as os-brick's `get_connector_properties` describes it; what no driver needs is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connector {
    /// The host's name.
    pub host: Option<String>,
    /// Its iSCSI initiator name.
    pub initiator: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// Its processor, such as `x86_64`.
    pub platform: Option<String>,
    /// Its system, such as `linux2`.
    pub os_type: Option<String>,
    /// Whether it can use several paths at once.
    pub multipath: bool,
    /// Where it mounts the volume, when it says so.
    pub mountpoint: Option<String>,
}

/// How a host reaches a volume. Never a secret: what is secret is derived from the attachment's id where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// os-brick's connector, such as `iscsi` or `local`.
    pub driver_volume_type: String,
    /// What that connector needs, by os-brick's names.
    pub data: BTreeMap<String, ConnectionValue>,
}

/// One property of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionValue {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    Texts(Vec<String>),
    /// Several numbers.
    Numbers(Vec<i64>),
}

/// Which way a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Do it.
    Execute,
    /// Remove what a failed attempt may have left behind.
    Revert,
}

/// A message on `stele.report.<backend>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct Report {
    /// [`TASK_VERSION`].
    pub v: u32,
    /// The process that reports.
    pub worker: WorkerName,
    /// What it reports.
    pub body: ReportBody,
}

/// What a worker reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportBody {
    /// Transitions of tasks, at most [`REPORTS_PER_MESSAGE_MAX`].
    Tasks(Vec<TaskReport>),
    /// A heartbeat with the state of the backend's pools.
    Backend(BackendReport),
    /// A part of what lies in a pool.
    Inventory(InventoryReport),
}

/// One transition of one dispatch of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// The task.
    pub task: TaskId,
    /// Its flow.
    pub flow: FlowId,
    /// The pool of the task, so that leftovers of an outdated attempt can be found.
    pub pool: PoolName,
    /// What was asked, so that leftovers of an outdated attempt can be named.
    pub operation: Operation,
    /// The phase of the dispatch.
    pub phase: Phase,
    /// The dispatch that this answers.
    pub dispatch: u32,
    /// What happened.
    pub transition: Transition,
}

impl TaskReport {
    /// What happened to this dispatch of a task.
    #[must_use]
    pub fn of(task: &Task, transition: Transition) -> Self {
        Self {
            task: task.id,
            flow: task.flow,
            pool: task.pool.clone(),
            operation: task.operation.clone(),
            phase: task.phase,
            dispatch: task.dispatch,
            transition,
        }
    }
}

/// What happened to a task at a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// A worker took it and is at it. Sent only for work that takes long: quick work is reported when it ends.
    Started {
        /// When the worker took it.
        at: Timestamp,
    },
    /// It goes on; control moves the deadline.
    Progressed {
        /// When.
        at: Timestamp,
        /// The step that is running.
        step: String,
        /// How much of that step is done, 0 to 100.
        percent: u8,
    },
    /// What was asked for is true.
    Succeeded {
        /// When the worker took it.
        started_at: Timestamp,
        /// When it ended.
        finished_at: Timestamp,
        /// What was run, in order; empty when it was true already.
        steps: Vec<StepDone>,
        /// How the host reaches the volume; only of [`Operation::ConnectVolume`].
        #[serde(default)]
        connection: Option<Connection>,
        /// How large what was taken over is; only of [`Operation::ManageVolume`].
        #[serde(default)]
        size_bytes: Option<u64>,
    },
    /// It could not be made true.
    Failed {
        /// When the worker took it.
        started_at: Timestamp,
        /// When it ended.
        finished_at: Timestamp,
        /// What was run before.
        steps: Vec<StepDone>,
        /// Why it failed.
        failure: Failure,
    },
}

/// One step that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDone {
    /// The step's name, such as `lvcreate`.
    pub step: String,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// The tool's exit status, when a tool was run.
    pub exit_status: Option<i32>,
}

/// Why a task failed, classified where the tool was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class, on which control decides.
    pub kind: FailureKind,
    /// The step that failed.
    pub step: String,
    /// What happened, in words for people.
    pub message: String,
    /// The tool's exit status, when it ended by itself.
    pub exit_status: Option<i32>,
    /// The end of the tool's stderr, at most [`STDERR_BYTES_MAX`] bytes.
    pub stderr: String,
}

/// The classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The pool has no room.
    NoSpace,
    /// The object is in use: open, mounted, or with snapshots.
    Busy,
    /// The object that the operation needs does not exist.
    NotFound,
    /// An object of that name exists and is not what was asked for.
    Conflict,
    /// The tool did not end in time and was killed.
    Timeout,
    /// The deadline passed without any report; control writes this one itself.
    DeadlinePassed,
    /// The tool is not installed or may not be run.
    ToolUnavailable,
    /// The tool's output could not be understood; nothing was concluded from it.
    Unparsable,
    /// The driver cannot do this.
    Unsupported,
    /// Anything else; the message says what.
    Other,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSpace => "no_space",
            Self::Busy => "busy",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Timeout => "timeout",
            Self::DeadlinePassed => "deadline_passed",
            Self::ToolUnavailable => "tool_unavailable",
            Self::Unparsable => "unparsable",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.kind, self.step, self.message)?;
        if let Some(status) = self.exit_status {
            write!(f, " (exit status {status})")?;
        }
        Ok(())
    }
}

/// A backend's heartbeat: it is alive, and this is what its pools look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendReport {
    /// The backend.
    pub backend: BackendName,
    /// When it was observed, by the worker's clock; only for people.
    pub at: Timestamp,
    /// The availability zone of the node.
    pub availability_zone: String,
    /// The driver, such as `lvm`.
    pub driver: String,
    /// The newest position of which the worker knew before it observed: every claim that was fulfilled at or before
    /// it is contained in the figures. Claims that were fulfilled later are counted on top of them.
    pub as_of: Position,
    /// The pools.
    pub pools: Vec<PoolReport>,
}

/// One pool in a heartbeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    /// The pool.
    pub pool: PoolName,
    /// Its capacity and capabilities.
    pub stats: PoolStats,
}

/// What control answers to a report once it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportReply {
    /// It is in the log. The worker may forget the task.
    Recorded {
        /// At this position, or before it.
        position: Position,
        /// How much workers shall log, as operators chose it: workers do not follow the log.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log_levels: Vec<(LogTarget, LogLevel)>,
        /// The pools whose inventory was asked for, with where: one that was begun with less knowledge is no answer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inventories: Vec<(PoolName, Position)>,
    },
    /// It was refused and will be refused again; the text says why. The worker may forget the task.
    Refused(String),
}

impl ReportReply {
    /// The answer to a report that is in the log at `position`, when no operator chose a log level.
    #[must_use]
    pub fn recorded(position: Position) -> Self {
        Self::Recorded { position, log_levels: Vec::new(), inventories: Vec::new() }
    }
}

/// The name of a volume's LV, as the field knows it: Cinder's `volume_name_template`.
#[must_use]
pub fn lv_name(volume: VolumeId) -> String {
    format!("volume-{volume}")
}

/// The name of a snapshot's LV, as the field knows it. LVM keeps names that begin with `snapshot` for itself.
#[must_use]
pub fn snapshot_lv_name(snapshot: SnapshotId) -> String {
    format!("_snapshot-{snapshot}")
}
