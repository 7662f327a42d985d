use serde::{Deserialize, Serialize};

use super::{State, Volume, VolumeStatus};
use crate::id::{AttachmentId, FlowId, ProjectId, VolumeId};
use crate::task::{AttachMode, Connection, Connector};
use crate::unit::{Position, Timestamp};

/// One attachment of a volume to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The volume.
    pub volume: VolumeId,
    /// The project; the volume's.
    pub project: ProjectId,
    /// The server (virtual machine) that uses it, when there is one.
    pub instance: Option<String>,
    /// The host's name, as the client said it.
    pub host: Option<String>,
    /// Where the client mounted it or its device's name, as it said.
    pub mountpoint: Option<String>,
    /// Read-write or read-only; unset until it is known.
    pub mode: Option<AttachMode>,
    /// How far it is.
    pub status: AttachmentStatus,
    /// Why it is in an error status, in words.
    pub reason: Option<String>,
    /// The host that connects.
    pub connector: Option<Connector>,
    /// How the host reaches the volume; secrets are derived when it is shown and never stored.
    pub connection: Option<Connection>,
    /// Made by `volume.initialize_connection`: it is shown only once the volume was attached.
    pub legacy: bool,
    /// A service (compute) made it, on the cell's own subjects; only a service may take it away (CVE-2023-2088).
    pub service_owned: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When the client said that it uses it.
    pub attached_at: Option<Timestamp>,
    /// The position of the event that brought it into being.
    pub created_position: Position,
    /// The attachment whose secrets its host logs in with; absent for its own.
    #[serde(default)]
    pub chap_of: Option<AttachmentId>,
}

/// What an attachment makes of its volume, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Reserved,
    Detaching,
    Attaching,
    Attached,
}

impl Attachment {
    /// Whether it is not to be shown: an older client is connecting, and has not said yet for whom.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.legacy && self.attached_at.is_none()
    }

    /// Whether its host may reach the volume.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connection.is_some() || matches!(self.status, AttachmentStatus::Connecting { .. })
    }

    /// The attachment whose secrets its host logs in with.
    #[must_use]
    pub fn chap_owner(&self) -> AttachmentId {
        self.chap_of.unwrap_or(self.id)
    }

    /// An older client keeps the volume by its status (`volume.reserve`), so its hidden attachment holds nothing. One
    /// that could not be ended still holds: its host may reach the volume.
    fn hold(&self) -> Option<Hold> {
        if self.is_hidden() {
            return None;
        }
        match self.status {
            AttachmentStatus::Reserved => Some(Hold::Reserved),
            AttachmentStatus::Detaching { .. } | AttachmentStatus::ErrorDetaching => Some(Hold::Detaching),
            AttachmentStatus::Attached => Some(Hold::Attached),
            AttachmentStatus::Connecting { .. }
            | AttachmentStatus::Attaching
            | AttachmentStatus::Disconnecting { .. } => {
                Some(if self.attached_at.is_some() { Hold::Attached } else { Hold::Attaching })
            }
            AttachmentStatus::ErrorAttaching => None,
        }
    }
}

impl State {
    /// The status that a volume has by its attachments: Cinder's order, attached before attaching before detaching
    /// before reserved; `available` when nothing holds it.
    #[must_use]
    pub fn status_by_attachments(&self, volume: &Volume) -> VolumeStatus {
        match self.attachments_of(volume).filter_map(|attachment| attachment.hold()).max() {
            Some(Hold::Attached) => VolumeStatus::InUse,
            Some(Hold::Attaching) => VolumeStatus::Attaching,
            Some(Hold::Detaching) => VolumeStatus::Detaching,
            Some(Hold::Reserved) => VolumeStatus::Reserved,
            None => VolumeStatus::Available,
        }
    }
}

/// How far an attachment is; Cinder's `attach_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentStatus {
    /// The volume is kept for it; no host is known yet.
    Reserved,
    /// The storage node is exporting the volume.
    Connecting {
        /// By this flow.
        flow: FlowId,
    },
    /// The host may connect.
    Attaching,
    /// The host uses it.
    Attached,
    /// The storage node is taking the export away; the attachment goes with it.
    Detaching {
        /// By this flow.
        flow: FlowId,
    },
    /// The storage node is taking the export away; the attachment stays, until the client detaches by itself.
    Disconnecting {
        /// By this flow.
        flow: FlowId,
    },
    /// It could not be exported.
    ErrorAttaching,
    /// The export could not be taken away.
    ErrorDetaching,
}

impl AttachmentStatus {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Connecting { .. } | Self::Attaching => "attaching",
            Self::Attached => "attached",
            Self::Detaching { .. } | Self::Disconnecting { .. } => "detaching",
            Self::ErrorAttaching => "error_attaching",
            Self::ErrorDetaching => "error_detaching",
        }
    }

    /// The flow that is at work.
    #[must_use]
    pub fn flow(self) -> Option<FlowId> {
        match self {
            Self::Connecting { flow } | Self::Detaching { flow } | Self::Disconnecting { flow } => Some(flow),
            Self::Reserved | Self::Attaching | Self::Attached | Self::ErrorAttaching | Self::ErrorDetaching => None,
        }
    }
}
