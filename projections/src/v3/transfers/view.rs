use serde::Serialize;
use stele_core::id::{ProjectId, TransferId, VolumeId};
use stele_core::state::Transfer;

use crate::v3::context::Context;
use crate::v3::links::Link;
use crate::v3::scalar::{Moment, unless_empty};

/// Links lead to the older path, as in Cinder.
const COLLECTION: &str = "os-volume-transfer";

/// A transfer in a list, and as it is answered when it is accepted.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    id: TransferId,
    volume_id: VolumeId,
    name: Option<String>,
    links: [Link; 2],
}

impl Summary {
    pub(super) fn of(context: &Context, transfer: &Transfer) -> Self {
        Self {
            id: transfer.id,
            volume_id: transfer.volume,
            name: unless_empty(&transfer.name).map(ToOwned::to_owned),
            links: context.links.of(COLLECTION, &transfer.id.to_string()),
        }
    }
}

/// A transfer with everything that its version shows.
#[derive(Debug, Serialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    summary: Summary,
    created_at: Moment,
    /// Told once, when the transfer is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_snapshots: Option<bool>,
    #[serde(flatten)]
    history: Option<History>,
}

/// Who gives and who takes. One that was accepted is no more, so nobody has taken.
#[derive(Debug, Serialize)]
struct History {
    source_project_id: ProjectId,
    destination_project_id: Option<ProjectId>,
    accepted: bool,
}

impl Detail {
    pub(super) fn of(context: &Context, transfer: &Transfer, auth_key: Option<String>) -> Self {
        let history =
            History { source_project_id: transfer.project.clone(), destination_project_id: None, accepted: false };
        Self {
            summary: Summary::of(context, transfer),
            created_at: Moment(transfer.created_at),
            auth_key,
            no_snapshots: context.version.has(55).then_some(transfer.no_snapshots),
            history: context.version.has(57).then_some(history),
        }
    }
}
