use serde::{Deserialize, Serialize};
use stele_core::id::ProjectId;

/// `GET /v1/quotas/{project}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaSetView {
    /// The project.
    pub project: ProjectId,
    /// Every resource in Cinder's order, then those of each type.
    pub resources: Vec<QuotaLine>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLine {
    /// Cinder's name for it, such as `gigabytes` or `volumes_gold`; amounts of gigabytes are GiB.
    pub resource: String,
    /// The limit; -1 is unlimited.
    pub limit: i64,
    /// The sum over what exists.
    pub in_use: i64,
    /// The sum over what open flows hold.
    pub reserved: i64,
}
