//! Commands: what somebody wants, checked for form but not yet decided.
//!
//! A command comes as a subject and a JSON body (`docs/commands.md`), as a worker's report, or from control's own
//! clock. [`parse`] turns it into a [`Command`]; [`crate::decide`] turns that into events or a refusal.

mod attachment;
mod group;
mod manage;
mod operator;
mod parse;
mod qos;
mod quota;
mod service;
mod snapshot;
mod text;
mod transfer;
mod volume;
mod volume_type;

pub use attachment::{
    AttachmentCreate, AttachmentRef, AttachmentUpdate, VolumeAttach, VolumeConnection, VolumeDetach, VolumeRef,
};
pub use group::{
    GROUP_VOLUMES_MAX, GroupCreate, GroupDelete, GroupSnapshotCreate, GroupSnapshotDelete, GroupSnapshotStatusSet,
    GroupStatusSet, GroupTypeCreate, GroupTypeDelete, GroupTypeUpdate, GroupUpdate,
};
pub use manage::{SnapshotManage, SnapshotUnmanage, VolumeManage, VolumeUnmanage};
pub use operator::{DriftRepair, DriftScan, LogSetLevel, MessageDelete};
pub use parse::{COMMAND_BYTES_MAX, Incoming, Parsed, RESOURCES, Source, is_admin_only, parse};
pub use qos::{QosAssociation, QosCreate, QosDelete, QosUpdate};
pub use quota::{QuotaClassSet, QuotaClear, QuotaSet};
pub use service::{ServiceChange, ServiceSet};
pub use snapshot::{SnapshotCreate, SnapshotDelete, SnapshotStatusSet, SnapshotUpdate};
pub use text::PairsChange;
pub use transfer::{TransferAccept, TransferCreate, TransferDelete};
pub use volume::{
    VolumeCreate, VolumeDelete, VolumeExtend, VolumeResetStatus, VolumeRetype, VolumeRevert, VolumeUpdate,
};
pub use volume_type::{
    TypeAccess, TypeCreate, TypeDelete, TypeSetDefault, TypeSetEncryption, TypeUnsetEncryption, TypeUpdate,
};

use serde::{Deserialize, Serialize};

use crate::id::{FlowId, ProjectId};
use crate::task::Report;

/// The version of the JSON of commands.
pub const COMMAND_VERSION: u32 = 1;

/// Who asks, as the sender's side says it. Rights come from the subject, not from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Actor {
    /// The user's name or id.
    pub user: String,
    /// The user's project; must be the subject's project when given.
    pub project: Option<ProjectId>,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The request id of the client (`req-...`), which ties a command to the client's own logs.
    pub request_id: Option<String>,
}

/// A command whose form is right; its name says what it wants, the type in it how.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    VolumeCreate(VolumeCreate),
    VolumeDelete(VolumeDelete),
    VolumeExtend(VolumeExtend),
    VolumeRevert(VolumeRevert),
    VolumeManage(VolumeManage),
    VolumeUnmanage(VolumeUnmanage),
    VolumeUpdate(VolumeUpdate),
    VolumeResetStatus(VolumeResetStatus),
    VolumeRetype(VolumeRetype),
    VolumeReserve(VolumeRef),
    VolumeUnreserve(VolumeRef),
    VolumeBeginDetaching(VolumeRef),
    VolumeRollDetaching(VolumeRef),
    VolumeInitializeConnection(VolumeConnection),
    VolumeTerminateConnection(VolumeConnection),
    VolumeAttach(VolumeAttach),
    VolumeDetach(VolumeDetach),
    VolumeForceDetach(VolumeDetach),
    SnapshotCreate(SnapshotCreate),
    SnapshotDelete(SnapshotDelete),
    SnapshotUpdate(SnapshotUpdate),
    SnapshotManage(SnapshotManage),
    SnapshotUnmanage(SnapshotUnmanage),
    SnapshotSetStatus(SnapshotStatusSet),
    SnapshotResetStatus(SnapshotStatusSet),
    AttachmentCreate(AttachmentCreate),
    AttachmentUpdate(AttachmentUpdate),
    AttachmentComplete(AttachmentRef),
    AttachmentDelete(AttachmentRef),
    TransferCreate(TransferCreate),
    TransferAccept(TransferAccept),
    TransferDelete(TransferDelete),
    GroupCreate(GroupCreate),
    GroupUpdate(GroupUpdate),
    GroupDelete(GroupDelete),
    GroupResetStatus(GroupStatusSet),
    GroupSnapshotCreate(GroupSnapshotCreate),
    GroupSnapshotDelete(GroupSnapshotDelete),
    GroupSnapshotResetStatus(GroupSnapshotStatusSet),
    ServiceSet(ServiceSet),
    QuotaSet(QuotaSet),
    QuotaClear(QuotaClear),
    QuotaClassSet(QuotaClassSet),
    TypeCreate(TypeCreate),
    TypeUpdate(TypeUpdate),
    TypeDelete(TypeDelete),
    TypeGrant(TypeAccess),
    TypeRevoke(TypeAccess),
    TypeSetEncryption(TypeSetEncryption),
    TypeUnsetEncryption(TypeUnsetEncryption),
    TypeSetDefault(TypeSetDefault),
    QosCreate(QosCreate),
    QosUpdate(QosUpdate),
    QosDelete(QosDelete),
    QosAssociate(QosAssociation),
    QosDisassociate(QosAssociation),
    GroupTypeCreate(GroupTypeCreate),
    GroupTypeUpdate(GroupTypeUpdate),
    GroupTypeDelete(GroupTypeDelete),
    MessageDelete(MessageDelete),
    LogSetLevel(LogSetLevel),
    DriftScan(DriftScan),
    DriftRepair(DriftRepair),
    /// A worker's report.
    Report(Box<Report>),
    /// Control's clock: the deadline of this flow's task has passed.
    DeadlinePassed(DeadlinePassed),
}

/// What control's clock says when a task's deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlinePassed {
    /// The flow whose task is late.
    pub flow: FlowId,
    /// The dispatch that is late; when another one is under way meanwhile, nothing happens.
    pub dispatch: u32,
}
