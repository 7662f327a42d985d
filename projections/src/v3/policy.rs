//! Who may do what: Cinder's default policies for the roles admin, member and reader.
//!
//! The roles are Keystone's defaults, each with what the next one may: a reader reads in its project, a member writes
//! there, an admin may everything, in every project. Whose a resource is, the route checks: another project's is
//! "not found", as in Cinder.

use std::fmt;

use super::auth::Caller;

/// Who may do what a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Readers, and whoever is more.
    Reader,
    /// Members and admins.
    Member,
    /// Admins.
    Admin,
}

/// What a rule refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forbidden {
    /// The rule.
    pub rule: Rule,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy doesn't allow {} to be performed.", self.rule.name())
    }
}

impl std::error::Error for Forbidden {}

/// Whether a caller may do what a rule is about.
///
/// # Errors
/// [`Forbidden`] with the rule, whose text is Cinder's.
pub fn check(caller: &Caller, rule: Rule) -> Result<(), Forbidden> {
    if allows(caller, rule) { Ok(()) } else { Err(Forbidden { rule }) }
}

/// As [`check`], for what is left out of an answer and not refused.
#[must_use]
pub fn allows(caller: &Caller, rule: Rule) -> bool {
    caller.is_admin
        || match rule.who() {
            Who::Reader => caller.has_role("reader"),
            Who::Member => caller.has_role("member"),
            Who::Admin => false,
        }
}

macro_rules! rules {
    ($($rule:ident = $name:literal: $who:ident,)+) => {
        /// Every rule that Cinder documents, by its name there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rule {$(
            #[doc = concat!("`", $name, "`")]
            $rule,
        )+}

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            /// The name in Cinder's policy files and texts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {$(
                    Self::$rule => $name,
                )+}
            }

            fn who(self) -> Who {
                match self {$(
                    Self::$rule => Who::$who,
                )+}
            }
        }
    };
}

rules! {
    VolumeAttachmentCreate = "volume:attachment_create": Member,
    VolumeAttachmentUpdate = "volume:attachment_update": Member,
    VolumeAttachmentDelete = "volume:attachment_delete": Member,
    VolumeAttachmentComplete = "volume:attachment_complete": Member,
    VolumeMultiattachBootableVolume = "volume:multiattach_bootable_volume": Member,
    MessageGetAll = "message:get_all": Reader,
    MessageGet = "message:get": Reader,
    MessageDelete = "message:delete": Member,
    ClustersGetAll = "clusters:get_all": Admin,
    ClustersGet = "clusters:get": Admin,
    ClustersUpdate = "clusters:update": Admin,
    WorkersCleanup = "workers:cleanup": Admin,
    VolumeGetSnapshotMetadata = "volume:get_snapshot_metadata": Reader,
    VolumeUpdateSnapshotMetadata = "volume:update_snapshot_metadata": Member,
    VolumeDeleteSnapshotMetadata = "volume:delete_snapshot_metadata": Member,
    VolumeGetAllSnapshots = "volume:get_all_snapshots": Reader,
    ExtendedSnapshotAttributes = "volume_extension:extended_snapshot_attributes": Reader,
    VolumeCreateSnapshot = "volume:create_snapshot": Member,
    VolumeGetSnapshot = "volume:get_snapshot": Reader,
    VolumeUpdateSnapshot = "volume:update_snapshot": Member,
    VolumeDeleteSnapshot = "volume:delete_snapshot": Member,
    SnapshotAdminActionsResetStatus = "volume_extension:snapshot_admin_actions:reset_status": Admin,
    SnapshotActionsUpdateSnapshotStatus = "snapshot_extension:snapshot_actions:update_snapshot_status": Member,
    SnapshotAdminActionsForceDelete = "volume_extension:snapshot_admin_actions:force_delete": Admin,
    SnapshotListManageable = "snapshot_extension:list_manageable": Admin,
    SnapshotManage = "snapshot_extension:snapshot_manage": Admin,
    SnapshotUnmanage = "snapshot_extension:snapshot_unmanage": Admin,
    BackupGetAll = "backup:get_all": Reader,
    BackupBackupProjectAttribute = "backup:backup_project_attribute": Admin,
    BackupCreate = "backup:create": Member,
    BackupGet = "backup:get": Reader,
    BackupUpdate = "backup:update": Member,
    BackupDelete = "backup:delete": Member,
    BackupRestore = "backup:restore": Member,
    BackupBackupImport = "backup:backup-import": Admin,
    BackupExportImport = "backup:export-import": Admin,
    BackupAdminActionsResetStatus = "volume_extension:backup_admin_actions:reset_status": Admin,
    BackupAdminActionsForceDelete = "volume_extension:backup_admin_actions:force_delete": Admin,
    GroupGetAll = "group:get_all": Reader,
    GroupCreate = "group:create": Member,
    GroupGet = "group:get": Reader,
    GroupUpdate = "group:update": Member,
    GroupProjectAttribute = "group:group_project_attribute": Admin,
    GroupTypesCreate = "group:group_types:create": Admin,
    GroupTypesUpdate = "group:group_types:update": Admin,
    GroupTypesDelete = "group:group_types:delete": Admin,
    GroupAccessGroupTypesSpecs = "group:access_group_types_specs": Admin,
    GroupTypesSpecsGet = "group:group_types_specs:get": Admin,
    GroupTypesSpecsGetAll = "group:group_types_specs:get_all": Admin,
    GroupTypesSpecsCreate = "group:group_types_specs:create": Admin,
    GroupTypesSpecsUpdate = "group:group_types_specs:update": Admin,
    GroupTypesSpecsDelete = "group:group_types_specs:delete": Admin,
    GroupGetAllGroupSnapshots = "group:get_all_group_snapshots": Reader,
    GroupCreateGroupSnapshot = "group:create_group_snapshot": Member,
    GroupGetGroupSnapshot = "group:get_group_snapshot": Reader,
    GroupDeleteGroupSnapshot = "group:delete_group_snapshot": Member,
    GroupUpdateGroupSnapshot = "group:update_group_snapshot": Member,
    GroupSnapshotProjectAttribute = "group:group_snapshot_project_attribute": Admin,
    GroupResetGroupSnapshotStatus = "group:reset_group_snapshot_status": Admin,
    GroupDelete = "group:delete": Member,
    GroupResetStatus = "group:reset_status": Admin,
    GroupEnableReplication = "group:enable_replication": Member,
    GroupDisableReplication = "group:disable_replication": Member,
    GroupFailoverReplication = "group:failover_replication": Member,
    GroupListReplicationTargets = "group:list_replication_targets": Member,
    QosSpecsManageGetAll = "volume_extension:qos_specs_manage:get_all": Admin,
    QosSpecsManageGet = "volume_extension:qos_specs_manage:get": Admin,
    QosSpecsManageCreate = "volume_extension:qos_specs_manage:create": Admin,
    QosSpecsManageUpdate = "volume_extension:qos_specs_manage:update": Admin,
    QosSpecsManageDelete = "volume_extension:qos_specs_manage:delete": Admin,
    QuotaClassesGet = "volume_extension:quota_classes:get": Admin,
    QuotaClassesUpdate = "volume_extension:quota_classes:update": Admin,
    QuotasShow = "volume_extension:quotas:show": Reader,
    QuotasUpdate = "volume_extension:quotas:update": Admin,
    QuotasDelete = "volume_extension:quotas:delete": Admin,
    Capabilities = "volume_extension:capabilities": Admin,
    ServicesIndex = "volume_extension:services:index": Admin,
    ServicesUpdate = "volume_extension:services:update": Admin,
    VolumeFreezeHost = "volume:freeze_host": Admin,
    VolumeThawHost = "volume:thaw_host": Admin,
    VolumeFailoverHost = "volume:failover_host": Admin,
    SchedulerStatsGetPools = "scheduler_extension:scheduler_stats:get_pools": Admin,
    Hosts = "volume_extension:hosts": Admin,
    UsedLimits = "limits_extension:used_limits": Reader,
    ListManageable = "volume_extension:list_manageable": Admin,
    VolumeManage = "volume_extension:volume_manage": Admin,
    VolumeUnmanage = "volume_extension:volume_unmanage": Admin,
    TypeCreate = "volume_extension:type_create": Admin,
    TypeUpdate = "volume_extension:type_update": Admin,
    TypeDelete = "volume_extension:type_delete": Admin,
    TypeGet = "volume_extension:type_get": Reader,
    TypeGetAll = "volume_extension:type_get_all": Reader,
    AccessTypesExtraSpecs = "volume_extension:access_types_extra_specs": Reader,
    AccessTypesQosSpecsId = "volume_extension:access_types_qos_specs_id": Admin,
    VolumeTypeEncryptionCreate = "volume_extension:volume_type_encryption:create": Admin,
    VolumeTypeEncryptionGet = "volume_extension:volume_type_encryption:get": Admin,
    VolumeTypeEncryptionUpdate = "volume_extension:volume_type_encryption:update": Admin,
    VolumeTypeEncryptionDelete = "volume_extension:volume_type_encryption:delete": Admin,
    VolumeTypeAccess = "volume_extension:volume_type_access": Member,
    VolumeTypeAccessAddprojectaccess = "volume_extension:volume_type_access:addProjectAccess": Admin,
    VolumeTypeAccessRemoveprojectaccess = "volume_extension:volume_type_access:removeProjectAccess": Admin,
    VolumeTypeAccessGetAllForType = "volume_extension:volume_type_access:get_all_for_type": Admin,
    VolumeExtend = "volume:extend": Member,
    VolumeExtendAttachedVolume = "volume:extend_attached_volume": Member,
    VolumeAdminActionsExtendVolumeCompletion = "volume_extension:volume_admin_actions:extend_volume_completion": Admin,
    VolumeRevertToSnapshot = "volume:revert_to_snapshot": Member,
    VolumeAdminActionsResetStatus = "volume_extension:volume_admin_actions:reset_status": Admin,
    VolumeRetype = "volume:retype": Member,
    VolumeUpdateReadonlyFlag = "volume:update_readonly_flag": Member,
    VolumeAdminActionsForceDelete = "volume_extension:volume_admin_actions:force_delete": Admin,
    VolumeActionsUploadPublic = "volume_extension:volume_actions:upload_public": Admin,
    VolumeActionsUploadImage = "volume_extension:volume_actions:upload_image": Member,
    VolumeAdminActionsForceDetach = "volume_extension:volume_admin_actions:force_detach": Admin,
    VolumeAdminActionsMigrateVolume = "volume_extension:volume_admin_actions:migrate_volume": Admin,
    VolumeAdminActionsMigrateVolumeCompletion = "volume_extension:volume_admin_actions:migrate_volume_completion": Admin,
    VolumeActionsInitializeConnection = "volume_extension:volume_actions:initialize_connection": Member,
    VolumeActionsTerminateConnection = "volume_extension:volume_actions:terminate_connection": Member,
    VolumeActionsRollDetaching = "volume_extension:volume_actions:roll_detaching": Member,
    VolumeActionsReserve = "volume_extension:volume_actions:reserve": Member,
    VolumeActionsUnreserve = "volume_extension:volume_actions:unreserve": Member,
    VolumeActionsBeginDetaching = "volume_extension:volume_actions:begin_detaching": Member,
    VolumeActionsAttach = "volume_extension:volume_actions:attach": Member,
    VolumeActionsDetach = "volume_extension:volume_actions:detach": Member,
    VolumeReimage = "volume:reimage": Member,
    VolumeReimageReserved = "volume:reimage_reserved": Member,
    VolumeGetAllTransfers = "volume:get_all_transfers": Reader,
    VolumeCreateTransfer = "volume:create_transfer": Member,
    VolumeGetTransfer = "volume:get_transfer": Reader,
    VolumeAcceptTransfer = "volume:accept_transfer": Member,
    VolumeDeleteTransfer = "volume:delete_transfer": Member,
    VolumeGetVolumeMetadata = "volume:get_volume_metadata": Reader,
    VolumeCreateVolumeMetadata = "volume:create_volume_metadata": Member,
    VolumeUpdateVolumeMetadata = "volume:update_volume_metadata": Member,
    VolumeDeleteVolumeMetadata = "volume:delete_volume_metadata": Member,
    VolumeImageMetadataShow = "volume_extension:volume_image_metadata:show": Reader,
    VolumeImageMetadataSet = "volume_extension:volume_image_metadata:set": Member,
    VolumeImageMetadataRemove = "volume_extension:volume_image_metadata:remove": Member,
    VolumeUpdateVolumeAdminMetadata = "volume:update_volume_admin_metadata": Admin,
    TypesExtraSpecsIndex = "volume_extension:types_extra_specs:index": Reader,
    TypesExtraSpecsCreate = "volume_extension:types_extra_specs:create": Admin,
    TypesExtraSpecsShow = "volume_extension:types_extra_specs:show": Reader,
    TypesExtraSpecsReadSensitive = "volume_extension:types_extra_specs:read_sensitive": Admin,
    TypesExtraSpecsUpdate = "volume_extension:types_extra_specs:update": Admin,
    TypesExtraSpecsDelete = "volume_extension:types_extra_specs:delete": Admin,
    VolumeCreate = "volume:create": Member,
    VolumeCreateFromImage = "volume:create_from_image": Member,
    VolumeGet = "volume:get": Reader,
    VolumeGetAll = "volume:get_all": Reader,
    VolumeUpdate = "volume:update": Member,
    VolumeDelete = "volume:delete": Member,
    VolumeForceDelete = "volume:force_delete": Admin,
    VolumeHostAttribute = "volume_extension:volume_host_attribute": Admin,
    VolumeTenantAttribute = "volume_extension:volume_tenant_attribute": Reader,
    VolumeMigStatusAttribute = "volume_extension:volume_mig_status_attribute": Admin,
    VolumeEncryptionMetadata = "volume_extension:volume_encryption_metadata": Reader,
    VolumeMultiattach = "volume:multiattach": Member,
    DefaultSetOrUpdate = "volume_extension:default_set_or_update": Admin,
    DefaultGet = "volume_extension:default_get": Admin,
    DefaultGetAll = "volume_extension:default_get_all": Admin,
    DefaultUnset = "volume_extension:default_unset": Admin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_lesser_ones_may_and_no_more_than_its_rules() {
        let may = |roles: &[&str]| {
            let caller = Caller::testing("p", roles);
            Rule::ALL.iter().filter(|rule| allows(&caller, **rule)).copied().collect::<Vec<_>>()
        };
        let (none, reader, member, admin) = (may(&[]), may(&["reader"]), may(&["member"]), may(&["admin"]));
        assert_eq!((none.len(), reader.len(), member.len(), admin.len()), (0, 27, 83, 160));
        assert!(reader.iter().all(|rule| member.contains(rule)));
        let writes = ["create", "delete", "update", "extend", "attach", "reserve", "accept", "retype", "set", "reset"];
        for rule in reader {
            let verb = rule.name().rsplit(':').next().and_then(|last| last.split('_').next()).unwrap();
            assert!(!writes.contains(&verb), "a reader may not {}", rule.name());
        }
        for rule in member {
            let name = rule.name();
            assert!(!name.contains("admin_actions") && !name.contains("reset_status"), "a member may not {name}");
        }
    }

    #[test]
    fn a_refusal_has_the_text_of_cinder() {
        let refused = check(&Caller::testing("p", &["reader"]), Rule::VolumeCreate);
        let text = refused.map_err(|forbidden| forbidden.to_string());
        assert_eq!(text, Err("Policy doesn't allow volume:create to be performed.".to_owned()));
    }
}
