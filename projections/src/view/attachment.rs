use serde::{Deserialize, Serialize};
use stele_core::id::{AttachmentId, FlowId, ProjectId, VolumeId};
use stele_core::task::AttachMode;
use stele_core::unit::{Position, Timestamp};

/// An attachment of a volume to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentView {
    /// Its id.
    pub id: AttachmentId,
    /// The volume.
    pub volume_id: VolumeId,
    /// The project; the volume's.
    pub project: ProjectId,
    /// Cinder's status, such as `attached`.
    pub status: String,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// The flow that is at work on it.
    pub flow_id: Option<FlowId>,
    /// The server that uses it.
    pub instance: Option<String>,
    /// The host that uses it.
    pub host: Option<String>,
    /// The device's name or the mount point, as the client said it.
    pub mountpoint: Option<String>,
    /// Read-write or read-only.
    pub mode: Option<AttachMode>,
    /// How the host connects, such as `iscsi`; absent when the volume is not exported to it.
    pub driver_volume_type: Option<String>,
    /// Whether only a service may end it.
    pub service_owned: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When the client said that it uses it.
    pub attached_at: Option<Timestamp>,
    /// Where it was asked for.
    pub created_position: Position,
}

/// `GET /v1/attachments`: one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentList {
    /// The attachments of this page.
    pub attachments: Vec<AttachmentView>,
    /// The marker that gives the next page; absent on the last one.
    pub next_marker: Option<AttachmentId>,
}
