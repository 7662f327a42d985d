//! Which tables and columns of Cinder's are read. All else in the database is passed over.

/// A table that is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// The columns that are read; rows come with their values in this order.
    pub(super) columns: &'static [&'static str],
    /// Columns among them that older releases do not have; they are read as NULL there.
    pub(super) newer: &'static [&'static str],
    /// Whether every release has the table.
    pub(super) always: bool,
}

const fn table(name: &'static str, columns: &'static [&'static str]) -> Table {
    Table { name, columns, newer: &[], always: true }
}

const fn newer(name: &'static str, columns: &'static [&'static str]) -> Table {
    Table { name, columns, newer: &[], always: false }
}

/// Every table that is read.
pub(super) const TABLES: &[Table] = &[
    table("quota_usages", &["deleted", "id", "project_id", "resource", "in_use", "reserved"]),
    table("reservations", &["deleted", "usage_id", "project_id", "resource", "delta", "expire"]),
    table("quotas", &["deleted", "project_id", "resource", "hard_limit"]),
    table("quota_classes", &["deleted", "class_name", "resource", "hard_limit"]),
    table("volume_types", &["deleted", "id", "name", "qos_specs_id", "is_public", "description"]),
    table("volume_type_extra_specs", &["deleted", "volume_type_id", "key", "value"]),
    table("volume_type_projects", &["deleted", "volume_type_id", "project_id"]),
    table("quality_of_service_specs", &["deleted", "id", "specs_id", "key", "value"]),
    table("encryption", &["deleted", "volume_type_id", "provider", "control_location", "cipher", "key_size"]),
    newer("default_volume_types", &["deleted", "volume_type_id", "project_id"]),
    Table {
        name: "volumes",
        columns: &[
            "deleted",
            "id",
            "project_id",
            "user_id",
            "host",
            "size",
            "availability_zone",
            "status",
            "display_name",
            "display_description",
            "volume_type_id",
            "bootable",
            "_name_id",
            "encryption_key_id",
            "migration_status",
            "replication_status",
            "multiattach",
            "group_id",
            "use_quota",
            "created_at",
            "updated_at",
        ],
        newer: &["group_id", "use_quota"],
        always: true,
    },
    Table {
        name: "snapshots",
        columns: &[
            "deleted",
            "id",
            "volume_id",
            "project_id",
            "user_id",
            "status",
            "volume_size",
            "display_name",
            "display_description",
            "encryption_key_id",
            "group_snapshot_id",
            "cgsnapshot_id",
            "use_quota",
            "created_at",
            "updated_at",
        ],
        newer: &["group_snapshot_id", "use_quota"],
        always: true,
    },
    table("backups", &["deleted", "id", "project_id", "display_name", "status", "size", "created_at", "updated_at"]),
    newer(
        "groups",
        &[
            "deleted",
            "id",
            "project_id",
            "user_id",
            "availability_zone",
            "name",
            "description",
            "group_type_id",
            "status",
            "created_at",
            "updated_at",
        ],
    ),
    newer("group_snapshots", &["deleted", "id", "project_id", "name"]),
    newer("group_types", &["deleted", "id", "name", "description", "is_public"]),
    newer("group_type_specs", &["deleted", "group_type_id", "key", "value"]),
    newer("group_type_projects", &["deleted", "group_type_id", "project_id"]),
    newer("group_volume_type_mapping", &["deleted", "group_id", "volume_type_id"]),
    newer("consistencygroups", &["deleted", "id", "project_id", "name"]),
    table(
        "volume_attachment",
        &["deleted", "id", "volume_id", "instance_uuid", "attached_host", "attach_mode", "attach_status"],
    ),
    table("volume_metadata", &["deleted", "volume_id", "key", "value"]),
    table("volume_admin_metadata", &["deleted", "volume_id", "key", "value"]),
    table("volume_glance_metadata", &["deleted", "volume_id", "key", "value"]),
    table("snapshot_metadata", &["deleted", "snapshot_id", "key", "value"]),
    newer("image_volume_cache_entries", &["volume_id"]),
];

/// The table of that name, when it is read.
pub(super) fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// Where its columns stand among those that a database has for it. `None` is one that an older release lacks.
    ///
    /// # Errors
    /// The column that should be there.
    pub(super) fn places(&self, there: &[String]) -> Result<Vec<Option<usize>>, &'static str> {
        let place = |column: &&'static str| match there.iter().position(|name| name.eq_ignore_ascii_case(column)) {
            None if !self.newer.contains(column) => Err(*column),
            place => Ok(place),
        };
        self.columns.iter().map(place).collect()
    }
}
