use serde::{Deserialize, Serialize};

use crate::id::{ProjectId, TransferId, VolumeId};
use crate::unit::{Position, Timestamp};

/// A volume that waits for another project to accept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The volume.
    pub volume: VolumeId,
    /// The project that gives it away.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// The volume goes without its snapshots.
    pub no_snapshots: bool,
    /// What the key was hashed with, in hexadecimal digits.
    pub salt: String,
    /// The HMAC-SHA-256 of the key under the salt, in hexadecimal digits. The key itself is told once, to whoever
    /// made the transfer, and is in no log.
    pub key_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The position of the event that brought it into being.
    pub created_position: Position,
}
