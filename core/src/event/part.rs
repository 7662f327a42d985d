use serde::{Deserialize, Serialize};

use crate::state::QuotaResource;

/// By whose word a volume's status changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusChange {
    /// A client keeps it for an attachment.
    Reserve,
    /// A client lets it go.
    Unreserve,
    /// A client begins to detach it.
    BeginDetaching,
    /// A client does not detach it after all.
    RollDetaching,
    /// An operator stated it. When a flow was at work on the volume, that flow ended.
    Reset,
}

/// One line of a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaDelta {
    /// What is counted.
    pub resource: QuotaResource,
    /// How much is asked for; negative gives back.
    pub delta: i64,
    /// The limit at that time; -1 is unlimited.
    pub limit: i64,
    /// What was in use at that time.
    pub in_use: i64,
    /// What other flows had reserved at that time.
    pub reserved: i64,
}
