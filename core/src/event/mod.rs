//! What happened: the facts of which the log consists.
//!
//! An event is in the past tense, carries everything that a reader needs to understand it, and is applied by
//! [`crate::evolve`], which never refuses one. In JSON an event is an object with one key, its name.

mod flow;
mod name;
mod part;

pub use part::{QuotaDelta, StatusChange};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::ServiceChange;
use crate::id::{
    AttachmentId, BackendName, FlowId, GroupId, GroupSnapshotId, GroupTypeId, MessageId, PoolName, ProjectId, QosId,
    ReservationId, SnapshotId, TaskId, TransferId, TypeId, VolumeId, WorkerName,
};
use crate::inventory::{Drift, ForeignList, Stored};
use crate::refusal::Refusal;
use crate::schedule::Decision;
use crate::state::{
    Attachment, FlowKind, Group, GroupSnapshot, GroupType, LogLevel, LogTarget, Message, Qos, QuotaResource, Snapshot,
    SnapshotStatus, Transfer, Volume, VolumeStatus, VolumeType,
};
use crate::task::{AttachMode, BackendReport, Connection, Connector, Failure, StepDone, Task};
use crate::unit::{Position, SizeGib, Timestamp};

/// One fact.
///
/// A field that is called like an entity is that entity's id, or the entity as it is from here on; `flow` is the flow at
/// work, `dispatch` which dispatch of the task it was, `deadline` when control gives it up, `reason` why, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The command was refused; nothing changed.
    RequestRefused(Refusal),

    /// A flow began.
    FlowStarted {
        flow: FlowId,
        /// What it does.
        kind: FlowKind,
        /// The volume that it is about.
        volume: VolumeId,
        /// The project that it works for.
        project: ProjectId,
        /// The snapshot that it is about.
        #[serde(default)]
        snapshot: Option<SnapshotId>,
        /// The attachment that it is about.
        #[serde(default)]
        attachment: Option<AttachmentId>,
        /// The id of the request that began it.
        #[serde(default)]
        request_id: Option<String>,
    },
    /// A flow came to its end.
    FlowFinished {
        flow: FlowId,
        /// `None` for success, else why it failed, in words.
        failure: Option<String>,
    },

    /// Quota was checked and reserved for a flow.
    QuotaReserved {
        reservation: ReservationId,
        /// The flow that holds it.
        flow: FlowId,
        /// The project that pays.
        project: ProjectId,
        /// What was reserved, with what was seen when it was checked.
        deltas: Vec<QuotaDelta>,
    },
    /// A reservation became use.
    QuotaCommitted { reservation: ReservationId },
    /// A reservation was given back.
    QuotaRolledBack { reservation: ReservationId },
    /// A project's limits were changed.
    QuotaSet {
        project: ProjectId,
        /// The limits that changed.
        limits: BTreeMap<QuotaResource, i64>,
    },
    /// A project's own limits are gone: the cell's defaults hold for it.
    QuotaCleared { project: ProjectId },
    /// The limits of a quota class were changed.
    QuotaClassSet {
        class: String,
        /// The limits that changed.
        limits: BTreeMap<QuotaResource, i64>,
    },
    /// Use was taken or given back at once, by something that is whole within this commit (a group, a transfer, a
    /// retype).
    QuotaUsed {
        /// The project that pays.
        project: ProjectId,
        /// What changed, with what was seen when it was checked.
        deltas: Vec<QuotaDelta>,
    },

    /// A volume exists from here on, in status `creating`. The request is normalised: type, zone and id are resolved.
    VolumeEntryCreated { volume: Box<Volume> },
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
        volume: VolumeId,
        /// The pool that is not to be tried again by this flow.
        pool: PoolName,
    },
    /// The volume is on its pool and can be used (Cinder's `volume.create.end`).
    VolumeCreated {
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
        reason: String,
    },
    /// The volume is being extended.
    VolumeExtending {
        volume: VolumeId,
        flow: FlowId,
        /// The size that it shall have.
        size_gib: SizeGib,
    },
    /// The volume has its new size.
    VolumeExtended {
        volume: VolumeId,
        flow: FlowId,
        /// The size that it has.
        size_gib: SizeGib,
    },
    /// The volume could not be extended.
    VolumeExtendFailed {
        /// The volume; its status is `error_extending`.
        volume: VolumeId,
        flow: FlowId,
        reason: String,
    },
    /// The volume is getting the data of its snapshot back; the snapshot is `restoring` meanwhile.
    VolumeReverting { volume: VolumeId, flow: FlowId, snapshot: SnapshotId },
    /// The volume has the data of its snapshot.
    VolumeReverted { volume: VolumeId, flow: FlowId, snapshot: SnapshotId },
    /// The volume did not get the data of its snapshot, or not all of them: its status is `error`. The snapshot is as it
    /// was.
    VolumeRevertFailed { volume: VolumeId, flow: FlowId, snapshot: SnapshotId, reason: String },
    /// The volume was taken over from somebody else, is so large, and can be used.
    VolumeManaged { volume: VolumeId, flow: FlowId, size_gib: SizeGib, launched_at: Timestamp },
    /// The volume could not be taken over, or not be kept: its status is `error_managing`, and it lies nowhere.
    VolumeManageFailed { volume: VolumeId, flow: FlowId, reason: String },
    /// The volume is being given up; its data stay.
    VolumeUnmanaging { volume: VolumeId, flow: FlowId },
    /// The volume could not be given up: its status is `error_unmanaging`.
    VolumeUnmanageFailed { volume: VolumeId, flow: FlowId, reason: String },
    /// The volume is being deleted.
    VolumeDeleting { volume: VolumeId, flow: FlowId },
    /// The volume is gone.
    VolumeDeleted { volume: VolumeId },
    /// The volume could not be deleted.
    VolumeDeleteFailed {
        volume: VolumeId,
        /// True when it is in use and stays as it was (`available`); else its status is `error_deleting`.
        busy: bool,
        reason: String,
    },
    /// The volume's name, description or metadata were changed; absent fields stayed.
    VolumeUpdated {
        volume: VolumeId,
        /// Its new name.
        name: Option<String>,
        /// Its new description.
        description: Option<String>,
        /// All of its metadata.
        metadata: Option<BTreeMap<String, String>>,
        /// All of its image metadata.
        #[serde(default)]
        image_metadata: Option<BTreeMap<String, String>>,
        /// Whether a server may boot from it.
        #[serde(default)]
        bootable: Option<bool>,
        /// Whether clients may only read it.
        #[serde(default)]
        readonly: Option<bool>,
    },
    /// The volume's status was changed by somebody's word: a client kept it for an attachment or let it go, or an
    /// operator stated it.
    VolumeStatusChanged {
        volume: VolumeId,
        /// Its status from here on.
        status: VolumeStatus,
        /// Who said so.
        by: StatusChange,
    },
    /// An operator stated how far the volume's migration is; this cell migrates nothing.
    VolumeMigrationStated {
        volume: VolumeId,
        /// What was stated; `None` for none.
        migration_status: Option<String>,
    },
    /// The volume has another type; it stays where it is.
    VolumeRetyped {
        volume: VolumeId,
        /// Its type from here on.
        volume_type: TypeId,
        /// Whether it may have several attachments.
        multiattach: bool,
    },
    /// The volume belongs to a group, or to none.
    VolumeGrouped {
        volume: VolumeId,
        /// Its group from here on.
        group: Option<GroupId>,
    },

    /// A snapshot exists from here on, in status `creating`.
    SnapshotEntryCreated { snapshot: Box<Snapshot> },
    /// The snapshot is there and can be used.
    SnapshotCreated {
        snapshot: SnapshotId,
        /// The flow that took it.
        flow: FlowId,
    },
    /// The snapshot could not be taken.
    SnapshotCreateFailed {
        /// The snapshot; its status is `error`.
        snapshot: SnapshotId,
        flow: FlowId,
        reason: String,
    },
    /// The snapshot was taken over from somebody else and can be used.
    SnapshotManaged { snapshot: SnapshotId, flow: FlowId },
    /// The snapshot is being given up; its data stay.
    SnapshotUnmanaging { snapshot: SnapshotId, flow: FlowId },
    /// The snapshot is being deleted.
    SnapshotDeleting { snapshot: SnapshotId, flow: FlowId },
    /// The snapshot is gone.
    SnapshotDeleted { snapshot: SnapshotId },
    /// The snapshot could not be deleted.
    SnapshotDeleteFailed {
        snapshot: SnapshotId,
        /// True when it is in use and stays as it was (`available`); else its status is `error_deleting`.
        busy: bool,
        reason: String,
    },
    /// The snapshot's name, description or metadata were changed; absent fields stayed.
    SnapshotUpdated {
        snapshot: SnapshotId,
        /// Its new name.
        name: Option<String>,
        /// Its new description.
        description: Option<String>,
        /// All of its metadata.
        metadata: Option<BTreeMap<String, String>>,
    },
    /// The snapshot's status was stated by an operator or a client. When a flow was at work on it, that flow ended.
    SnapshotStatusChanged {
        snapshot: SnapshotId,
        /// Its status from here on.
        status: SnapshotStatus,
        /// How much of it is there, in per cent, when that was stated.
        progress: Option<u8>,
    },

    /// An attachment exists from here on.
    AttachmentCreated { attachment: Box<Attachment> },
    /// The storage node exports the volume for the attachment.
    AttachmentConnecting {
        attachment: AttachmentId,
        flow: FlowId,
        connector: Connector,
        /// What the host may do.
        mode: AttachMode,
        /// The attachment whose secrets the host logs in with; absent for its own.
        #[serde(default)]
        chap_of: Option<AttachmentId>,
    },
    /// The host can reach the volume.
    AttachmentConnected {
        attachment: AttachmentId,
        flow: FlowId,
        /// How.
        connection: Connection,
    },
    /// The volume could not be exported.
    AttachmentConnectFailed {
        /// The attachment; its status is `error_attaching`, or `attached` when its host uses the volume already.
        attachment: AttachmentId,
        flow: FlowId,
        reason: String,
    },
    /// The client says that the host uses the volume.
    AttachmentCompleted {
        attachment: AttachmentId,
        /// The server, when the client named it only now.
        instance: Option<String>,
        /// The host's name, when the client named it only now.
        host: Option<String>,
        /// Where the client mounted it, when it said so.
        mountpoint: Option<String>,
        /// What the host may do, when the client said it only now.
        mode: Option<AttachMode>,
    },
    /// The export is being taken away. With `keep` the attachment stays, without a connection (the client will detach
    /// by itself: `volume.terminate_connection`); without, it goes with the export.
    AttachmentDisconnecting {
        attachment: AttachmentId,
        flow: FlowId,
        /// Whether it stays.
        keep: bool,
    },
    /// The export was taken away and the attachment stays.
    AttachmentDisconnected { attachment: AttachmentId, flow: FlowId },
    /// The export could not be taken away.
    AttachmentDisconnectFailed {
        /// The attachment; its status is `error_detaching`, or as before when it was to stay.
        attachment: AttachmentId,
        flow: FlowId,
        reason: String,
    },
    /// The attachment is gone.
    AttachmentDeleted { attachment: AttachmentId },

    /// A volume waits for another project.
    TransferCreated { transfer: Box<Transfer> },
    /// Nobody may take the volume any more.
    TransferDeleted { transfer: TransferId },
    /// The volume, and the snapshots that go with it, belong to another project.
    TransferAccepted {
        transfer: TransferId,
        /// The project that has it now.
        project: ProjectId,
        /// The user who accepted.
        user: String,
        /// The snapshots that went with it.
        snapshots: Vec<SnapshotId>,
    },

    /// A group was made.
    GroupCreated { group: Box<Group> },
    /// A group was changed, or its members came to their end.
    GroupUpdated { group: Box<Group> },
    /// A group is gone.
    GroupDeleted { group: GroupId },
    /// A group snapshot was asked for.
    GroupSnapshotCreated { group_snapshot: Box<GroupSnapshot> },
    /// A group snapshot was changed, or its members came to their end.
    GroupSnapshotUpdated { group_snapshot: Box<GroupSnapshot> },
    /// A group snapshot is gone.
    GroupSnapshotDeleted { group_snapshot: GroupSnapshotId },
    /// A group type was made.
    GroupTypeCreated { group_type: Box<GroupType> },
    /// A group type was changed.
    GroupTypeUpdated { group_type: Box<GroupType> },
    /// A group type was removed.
    GroupTypeDeleted { group_type: GroupTypeId },

    /// A task is to be done: PENDING. Control gives it to the workers of its backend.
    TaskPending { task: Box<Task> },
    /// A worker is at it: RUNNING (Cinder's `volume.create.start` and so on).
    TaskRunning {
        flow: FlowId,
        task: TaskId,
        dispatch: u32,
        worker: WorkerName,
        /// Since when, by the worker's clock.
        at: Timestamp,
        deadline: Timestamp,
    },
    /// It goes on; the deadline has moved.
    TaskProgressed {
        flow: FlowId,
        task: TaskId,
        /// The step that runs.
        step: String,
        /// How much of that step is done, 0 to 100.
        percent: u8,
        deadline: Timestamp,
    },
    /// It is done: SUCCESS.
    TaskSucceeded {
        flow: FlowId,
        task: TaskId,
        dispatch: u32,
        worker: WorkerName,
        /// When it ended, by the worker's clock.
        at: Timestamp,
        /// What was run.
        steps: Vec<StepDone>,
    },
    /// It could not be done: FAILURE.
    TaskFailed {
        flow: FlowId,
        task: TaskId,
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
        flow: FlowId,
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
    TaskReverted { flow: FlowId, task: TaskId },

    /// A backend reported; only recorded when something changed or the last one is a while ago.
    BackendReported {
        /// What it said.
        report: Box<BackendReport>,
        /// Who said it.
        worker: WorkerName,
    },
    /// Something on the storage is not as the log promises.
    DriftFound {
        /// What, where, in which way and why.
        drift: Box<Drift>,
    },
    /// It is as the log promises.
    DriftGone { pool: PoolName, what: Stored },
    /// A repair of it began.
    DriftRepairing { pool: PoolName, what: Stored, flow: FlowId },
    /// Somebody wants the backend's storage to be looked at now.
    InventoryAsked { backend: BackendName },
    /// The pool was looked at; recorded when there was news, when it was asked for, or when the last one is a while ago.
    InventoryTaken {
        pool: PoolName,
        /// The position of which the worker knew before it looked.
        as_of: Position,
        /// What others have there, where that is news.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        foreign: Option<Box<ForeignList>>,
    },
    /// Whether a backend takes new volumes was changed.
    ServiceChanged {
        backend: BackendName,
        /// What changed, with the reason.
        change: ServiceChange,
    },

    /// A volume type was made.
    TypeCreated { volume_type: Box<VolumeType> },
    /// A volume type was changed.
    TypeUpdated { volume_type: Box<VolumeType> },
    /// A volume type was removed.
    TypeDeleted { volume_type: TypeId },
    /// A volume type uses QoS specs, or none.
    TypeQosSet { volume_type: TypeId, qos: Option<QosId> },
    /// A project chose the type of its volumes that ask for none, or gave the choice up.
    DefaultTypeSet { project: ProjectId, volume_type: Option<TypeId> },
    /// QoS specs were made.
    QosCreated { qos: Box<Qos> },
    /// QoS specs were changed.
    QosUpdated { qos: Box<Qos> },
    /// QoS specs were removed.
    QosDeleted { qos: QosId },

    /// The users of a project are told why a flow failed. Messages that are too old or too many go with it.
    MessageCreated { message: Box<Message> },
    /// A message was deleted.
    MessageDeleted { message: MessageId },
    /// How much programs log was changed.
    LogLevelSet { target: LogTarget, level: LogLevel },
}
