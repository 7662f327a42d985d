use super::Event;
use crate::id::FlowId;

impl Event {
    /// The flow that stands in the event itself.
    #[must_use]
    pub fn flow(&self) -> Option<FlowId> {
        match self {
            Self::FlowStarted { flow, .. }
            | Self::FlowFinished { flow, .. }
            | Self::QuotaReserved { flow, .. }
            | Self::PlacementDecided { flow, .. }
            | Self::PlacementReleased { flow, .. }
            | Self::VolumeCreated { flow, .. }
            | Self::VolumeExtending { flow, .. }
            | Self::VolumeExtended { flow, .. }
            | Self::VolumeExtendFailed { flow, .. }
            | Self::VolumeReverting { flow, .. }
            | Self::VolumeReverted { flow, .. }
            | Self::VolumeRevertFailed { flow, .. }
            | Self::VolumeManaged { flow, .. }
            | Self::VolumeManageFailed { flow, .. }
            | Self::VolumeUnmanaging { flow, .. }
            | Self::VolumeUnmanageFailed { flow, .. }
            | Self::SnapshotManaged { flow, .. }
            | Self::SnapshotUnmanaging { flow, .. }
            | Self::VolumeDeleting { flow, .. }
            | Self::SnapshotCreated { flow, .. }
            | Self::SnapshotCreateFailed { flow, .. }
            | Self::SnapshotDeleting { flow, .. }
            | Self::AttachmentConnecting { flow, .. }
            | Self::AttachmentConnected { flow, .. }
            | Self::AttachmentConnectFailed { flow, .. }
            | Self::AttachmentDisconnecting { flow, .. }
            | Self::AttachmentDisconnected { flow, .. }
            | Self::AttachmentDisconnectFailed { flow, .. }
            | Self::DriftRepairing { flow, .. }
            | Self::TaskRunning { flow, .. }
            | Self::TaskProgressed { flow, .. }
            | Self::TaskSucceeded { flow, .. }
            | Self::TaskFailed { flow, .. }
            | Self::TaskPostponed { flow, .. }
            | Self::TaskReverted { flow, .. } => Some(*flow),
            Self::TaskPending { task } | Self::TaskRetried { task } | Self::TaskReverting { task } => Some(task.flow),
            Self::VolumeEntryCreated { volume } => volume.status.flow(),
            Self::SnapshotEntryCreated { snapshot } => snapshot.status.flow(),
            _ => None,
        }
    }
}
