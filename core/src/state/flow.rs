use serde::{Deserialize, Serialize};

use crate::id::{AttachmentId, FlowId, PoolName, ProjectId, ReservationId, SnapshotId, VolumeId, WorkerName};
use crate::schedule::Hints;
use crate::task::{Failure, Task};
use crate::unit::{Position, Timestamp};

/// A flow that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// What it does.
    pub kind: FlowKind,
    /// The volume that it is about; of a snapshot's or an attachment's flow the volume of that.
    pub volume: VolumeId,
    /// The project that it works for.
    pub project: ProjectId,
    /// When it began.
    pub started_at: Timestamp,
    /// Where it began.
    pub started_position: Position,
    /// The quota that it holds.
    pub reservation: Option<ReservationId>,
    /// The pools on which attempts of it failed.
    pub tried: Vec<PoolName>,
    /// Its task; a flow has at most one at a time.
    pub task: Option<OpenTask>,
    /// The snapshot that it is about, when it is about one.
    #[serde(default)]
    pub snapshot: Option<SnapshotId>,
    /// The attachment that it is about, when it is about one.
    #[serde(default)]
    pub attachment: Option<AttachmentId>,
    /// The id of the request that began it.
    #[serde(default)]
    pub request_id: Option<String>,
    /// What the user wants of the place; from its first placement, for the next one.
    #[serde(default)]
    pub hints: Option<Hints>,
}

/// What a flow does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Makes a volume.
    VolumeCreate,
    /// Removes a volume.
    VolumeDelete,
    /// Grows a volume.
    VolumeExtend,
    /// Gives a volume the data of its snapshot back.
    VolumeRevert,
    /// Takes a volume over from somebody else.
    VolumeManage,
    /// Gives a volume up.
    VolumeUnmanage,
    /// Removes what a given-up attempt may have left on a pool.
    VolumeCleanup,
    /// Takes a snapshot.
    SnapshotCreate,
    /// Removes a snapshot.
    SnapshotDelete,
    /// Takes a snapshot over from somebody else.
    SnapshotManage,
    /// Gives a snapshot up.
    SnapshotUnmanage,
    /// Removes what a given-up snapshot may have left on a pool.
    SnapshotCleanup,
    /// Exports a volume to a host.
    AttachmentConnect,
    /// Takes an export away.
    AttachmentDisconnect,
    /// Repairs what is not as the log promises.
    DriftRepair,
}

impl FlowKind {
    /// The stable name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VolumeCreate => "volume_create",
            Self::VolumeDelete => "volume_delete",
            Self::VolumeExtend => "volume_extend",
            Self::VolumeRevert => "volume_revert",
            Self::VolumeManage => "volume_manage",
            Self::VolumeUnmanage => "volume_unmanage",
            Self::VolumeCleanup => "volume_cleanup",
            Self::SnapshotCreate => "snapshot_create",
            Self::SnapshotDelete => "snapshot_delete",
            Self::SnapshotManage => "snapshot_manage",
            Self::SnapshotUnmanage => "snapshot_unmanage",
            Self::SnapshotCleanup => "snapshot_cleanup",
            Self::AttachmentConnect => "attachment_connect",
            Self::AttachmentDisconnect => "attachment_disconnect",
            Self::DriftRepair => "drift_repair",
        }
    }
}

/// The task that a flow waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTask {
    /// What was dispatched last.
    pub task: Task,
    /// How far it is.
    pub status: TaskStatus,
    /// When control gives the dispatch up; moved by progress. When it is postponed, when it is dispatched again.
    pub deadline: Timestamp,
    /// Why it is being reverted or was retried.
    pub failure: Option<Failure>,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// No worker has said that it is at it.
    Pending,
    /// A worker is at it.
    Running {
        /// The worker.
        worker: WorkerName,
    },
    /// It failed and waits for its next dispatch.
    Postponed,
}
