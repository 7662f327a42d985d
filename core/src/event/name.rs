use super::Event;
use crate::task::Task;

macro_rules! names {
    ($($variant:ident $name:literal)+) => {
        impl Event {
            /// The event's name, as in JSON.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)+ }
            }
        }
    };
}

names! {
    RequestRefused "request_refused"
    FlowStarted "flow_started"
    FlowFinished "flow_finished"
    QuotaReserved "quota_reserved"
    QuotaCommitted "quota_committed"
    QuotaRolledBack "quota_rolled_back"
    QuotaSet "quota_set"
    QuotaCleared "quota_cleared"
    QuotaClassSet "quota_class_set"
    QuotaUsed "quota_used"
    VolumeEntryCreated "volume_entry_created"
    PlacementDecided "placement_decided"
    PlacementReleased "placement_released"
    VolumeCreated "volume_created"
    VolumeCreateFailed "volume_create_failed"
    VolumeExtending "volume_extending"
    VolumeExtended "volume_extended"
    VolumeExtendFailed "volume_extend_failed"
    VolumeReverting "volume_reverting"
    VolumeReverted "volume_reverted"
    VolumeRevertFailed "volume_revert_failed"
    VolumeManaged "volume_managed"
    VolumeManageFailed "volume_manage_failed"
    VolumeUnmanaging "volume_unmanaging"
    VolumeUnmanageFailed "volume_unmanage_failed"
    VolumeDeleting "volume_deleting"
    VolumeDeleted "volume_deleted"
    VolumeDeleteFailed "volume_delete_failed"
    VolumeUpdated "volume_updated"
    VolumeStatusChanged "volume_status_changed"
    VolumeMigrationStated "volume_migration_stated"
    VolumeRetyped "volume_retyped"
    VolumeGrouped "volume_grouped"
    SnapshotEntryCreated "snapshot_entry_created"
    SnapshotCreated "snapshot_created"
    SnapshotCreateFailed "snapshot_create_failed"
    SnapshotManaged "snapshot_managed"
    SnapshotUnmanaging "snapshot_unmanaging"
    SnapshotDeleting "snapshot_deleting"
    SnapshotDeleted "snapshot_deleted"
    SnapshotDeleteFailed "snapshot_delete_failed"
    SnapshotUpdated "snapshot_updated"
    SnapshotStatusChanged "snapshot_status_changed"
    AttachmentCreated "attachment_created"
    AttachmentConnecting "attachment_connecting"
    AttachmentConnected "attachment_connected"
    AttachmentConnectFailed "attachment_connect_failed"
    AttachmentCompleted "attachment_completed"
    AttachmentDisconnecting "attachment_disconnecting"
    AttachmentDisconnected "attachment_disconnected"
    AttachmentDisconnectFailed "attachment_disconnect_failed"
    AttachmentDeleted "attachment_deleted"
    TransferCreated "transfer_created"
    TransferDeleted "transfer_deleted"
    TransferAccepted "transfer_accepted"
    GroupCreated "group_created"
    GroupUpdated "group_updated"
    GroupDeleted "group_deleted"
    GroupSnapshotCreated "group_snapshot_created"
    GroupSnapshotUpdated "group_snapshot_updated"
    GroupSnapshotDeleted "group_snapshot_deleted"
    GroupTypeCreated "group_type_created"
    GroupTypeUpdated "group_type_updated"
    GroupTypeDeleted "group_type_deleted"
    TaskPending "task_pending"
    TaskRunning "task_running"
    TaskProgressed "task_progressed"
    TaskSucceeded "task_succeeded"
    TaskFailed "task_failed"
    TaskPostponed "task_postponed"
    TaskRetried "task_retried"
    TaskReverting "task_reverting"
    TaskReverted "task_reverted"
    BackendReported "backend_reported"
    DriftFound "drift_found"
    DriftGone "drift_gone"
    DriftRepairing "drift_repairing"
    InventoryAsked "inventory_asked"
    InventoryTaken "inventory_taken"
    ServiceChanged "service_changed"
    TypeCreated "type_created"
    TypeUpdated "type_updated"
    TypeDeleted "type_deleted"
    TypeQosSet "type_qos_set"
    DefaultTypeSet "default_type_set"
    QosCreated "qos_created"
    QosUpdated "qos_updated"
    QosDeleted "qos_deleted"
    MessageCreated "message_created"
    MessageDeleted "message_deleted"
    LogLevelSet "log_level_set"
}

impl Event {
    /// The task that control has to give to a worker because of this event.
    #[must_use]
    pub fn dispatches(&self) -> Option<&Task> {
        match self {
            Self::TaskPending { task } | Self::TaskRetried { task } | Self::TaskReverting { task } => Some(task),
            _ => None,
        }
    }
}
