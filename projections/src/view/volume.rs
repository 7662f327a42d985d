use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stele_core::id::{AttachmentId, FlowId, GroupId, PoolName, ProjectId, SnapshotId, TypeId, VolumeId};
use stele_core::unit::{Position, Timestamp};

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeView {
    /// Its id.
    pub id: VolumeId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The project that owns it.
    pub project: ProjectId,
    /// The user who asked for it.
    pub user: String,
    /// Cinder's status, such as `available`.
    pub status: String,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// The flow that is at work on it.
    pub flow_id: Option<FlowId>,
    /// Its size.
    pub size_gib: u32,
    /// The size that it is being extended to.
    pub new_size_gib: Option<u32>,
    /// The name of its type.
    pub volume_type: String,
    /// The id of its type.
    pub volume_type_id: TypeId,
    /// Its availability zone.
    pub availability_zone: String,
    /// Where it lies, `host@backend#pool`.
    pub pool: Option<PoolName>,
    /// The user's own keys and values.
    pub metadata: BTreeMap<String, String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it first could be used.
    pub launched_at: Option<Timestamp>,
    /// Where it was asked for.
    pub created_position: Position,
    /// The snapshot that it was made from.
    pub source_snapshot_id: Option<SnapshotId>,
    /// The volume that it was made from.
    pub source_volume_id: Option<VolumeId>,
    /// The group that it belongs to.
    pub group_id: Option<GroupId>,
    /// Whether a server may boot from it.
    pub bootable: bool,
    /// Whether clients may only read it; absent until somebody said.
    pub readonly: Option<bool>,
    /// Whether it may have several attachments.
    pub multiattach: bool,
    /// Keys and values of the image that it was made from.
    pub image_metadata: BTreeMap<String, String>,
    /// Its attachments, also those that nobody uses yet.
    pub attachment_ids: Vec<AttachmentId>,
}

/// `GET /v1/volumes`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeList {
    /// The volumes of this page.
    pub volumes: Vec<VolumeView>,
    /// The marker that gives the next page; absent on the last one.
    pub next_marker: Option<VolumeId>,
}
