use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{MessageId, ProjectId};
use crate::unit::Timestamp;

/// How long a message is kept, in milliseconds: Cinder's `message_ttl`, 30 days.
pub const MESSAGE_TTL_MS: u64 = 30 * 24 * 3_600_000;

/// The most messages that a cell keeps; the oldest go first.
pub const MESSAGES_MAX: usize = 10_000;

/// What the users of a project are told about a flow that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The project that it is for.
    pub project: ProjectId,
    /// What it is about.
    pub resource_type: MessageResource,
    /// Which one.
    pub resource: Uuid,
    /// Cinder's `event_id`, such as `VOLUME_VOLUME_001_003` (`cinder/message/message_field.py`).
    pub event_id: String,
    /// What happened, with the reason.
    pub text: String,
    /// The request that led to it.
    pub request_id: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// What a message can be about; Cinder's `resource_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageResource {
    /// A volume.
    Volume,
    /// A snapshot.
    Snapshot,
}

impl MessageResource {
    /// Cinder's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Volume => "VOLUME",
            Self::Snapshot => "VOLUME_SNAPSHOT",
        }
    }
}
