//! Rows become an [`Estate`]. Tables come in any order, so what belongs to something else is put there at the end.

use std::collections::BTreeMap;

use super::{
    Attachment, Backup, Encryption, Estate, Group, GroupType, Limit, Other, Pairs, Qos, Reservation, Snapshot, Usage,
    Volume, VolumeType,
};
use crate::cinder::row::{ReadError, Row};
use stele_core::unit::Timestamp;

/// The most rows that are kept in memory: a large cloud has a million volumes.
const ROWS_MAX: usize = 5_000_000;

/// Pairs by the table and by whose they are.
type AllPairs = BTreeMap<&'static str, BTreeMap<String, Pairs>>;

#[derive(Debug, Default)]
pub(super) struct Builder {
    estate: Estate,
    rows: usize,
    pairs: AllPairs,
    /// Table, whose, and what belongs to it.
    links: Vec<(&'static str, String, String)>,
    encryptions: BTreeMap<String, Encryption>,
    /// Rows of QoS specs that belong to another row.
    specs: BTreeMap<String, Pairs>,
}

impl Builder {
    pub(super) fn take(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        let table = row.table.name;
        if !row.is_live()? {
            *self.estate.deleted.entry(table).or_default() += 1;
            return Ok(());
        }
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(ReadError::TooManyRows(ROWS_MAX));
        }
        match table {
            "quota_usages" | "reservations" | "quotas" | "quota_classes" => self.quota(row),
            "volumes" | "snapshots" | "backups" | "groups" | "volume_attachment" => self.resource(row),
            "volume_types" | "quality_of_service_specs" | "encryption" | "group_types" => self.catalogue(row),
            _ => self.belonging(row),
        }
    }

    fn quota(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        let estate = &mut self.estate;
        let limit = |owner| -> Result<Limit, ReadError> {
            Ok(Limit { owner: row.words(owner)?, resource: row.words("resource")?, limit: row.integer("hard_limit")? })
        };
        match row.table.name {
            "quota_usages" => estate.usages.push(Usage {
                id: row.number("id")?,
                project: row.words("project_id")?,
                resource: row.words("resource")?,
                in_use: row.number("in_use")?,
                reserved: row.number("reserved")?,
            }),
            "reservations" => estate.reservations.push(Reservation {
                usage: row.integer("usage_id")?,
                project: row.words("project_id")?,
                resource: row.words("resource")?,
                delta: row.number("delta")?,
                expire: row.moment("expire")?,
            }),
            "quotas" => estate.limits.push(limit("project_id")?),
            _ => estate.class_limits.push(limit("class_name")?),
        }
        Ok(())
    }

    fn resource(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        let estate = &mut self.estate;
        let id = row.needed("id")?;
        match row.table.name {
            "volumes" => {
                estate.volumes.insert(id, volume(row)?);
            }
            "snapshots" => {
                estate.snapshots.insert(id, snapshot(row)?);
            }
            "backups" => {
                let backup = Backup {
                    project: row.words("project_id")?,
                    name: row.words("display_name")?,
                    status: row.words("status")?,
                    size_gib: row.number("size")?,
                    changed_at: changed_at(row)?,
                };
                estate.backups.insert(id, backup);
            }
            "groups" => {
                let group = Group {
                    project: row.words("project_id")?,
                    user: row.words("user_id")?,
                    availability_zone: row.text("availability_zone")?,
                    name: row.words("name")?,
                    description: row.words("description")?,
                    group_type: row.text("group_type_id")?,
                    volume_types: Default::default(),
                    status: row.words("status")?,
                    changed_at: changed_at(row)?,
                };
                estate.groups.insert(id, group);
            }
            _ => {
                let attachment = Attachment {
                    volume: row.needed("volume_id")?,
                    instance: row.text("instance_uuid")?,
                    host: row.text("attached_host")?,
                    mode: row.text("attach_mode")?,
                    status: row.words("attach_status")?,
                };
                estate.attachments.insert(id, attachment);
            }
        }
        Ok(())
    }

    fn catalogue(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        match row.table.name {
            "volume_types" => {
                let (id, name, description, is_public) = type_of(row)?;
                let qos = row.text("qos_specs_id")?;
                let volume_type = VolumeType { name, description, is_public, qos, ..VolumeType::default() };
                self.estate.types.insert(id, volume_type);
            }
            "group_types" => {
                let (id, name, description, is_public) = type_of(row)?;
                let group_type = GroupType { name, description, is_public, ..GroupType::default() };
                self.estate.group_types.insert(id, group_type);
            }
            "encryption" => {
                let encryption = Encryption {
                    provider: row.words("provider")?,
                    control_location: row.words("control_location")?,
                    cipher: row.text("cipher")?,
                    key_size: row.integer("key_size")?,
                };
                self.encryptions.insert(row.needed("volume_type_id")?, encryption);
            }
            // One row with the name, and one for each spec, which names that row.
            _ => match row.text("specs_id")? {
                None => {
                    let qos = Qos { name: row.words("value")?, specs: Pairs::new() };
                    self.estate.qos.insert(row.needed("id")?, qos);
                }
                Some(of) => {
                    self.specs.entry(of).or_default().insert(row.words("key")?, row.words("value")?);
                }
            },
        }
        Ok(())
    }

    /// What belongs to something else.
    fn belonging(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        let mut other = |kind| -> Result<(), ReadError> {
            let (id, project, name) = (row.needed("id")?, row.words("project_id")?, row.words("name")?);
            self.estate.others.push(Other { kind, id, project, name });
            Ok(())
        };
        let (whose, what) = match row.table.name {
            "group_snapshots" => return other("group snapshot"),
            "consistencygroups" => return other("consistency group"),
            "image_volume_cache_entries" => {
                self.estate.cached.insert(row.needed("volume_id")?);
                return Ok(());
            }
            "default_volume_types" => {
                if let Some(volume_type) = row.text("volume_type_id")? {
                    self.estate.default_types.insert(row.needed("project_id")?, volume_type);
                }
                return Ok(());
            }
            "volume_type_projects" => ("volume_type_id", "project_id"),
            "group_type_projects" => ("group_type_id", "project_id"),
            "group_volume_type_mapping" => ("group_id", "volume_type_id"),
            "volume_type_extra_specs" => return self.pair(row, "volume_type_id"),
            "group_type_specs" => return self.pair(row, "group_type_id"),
            "snapshot_metadata" => return self.pair(row, "snapshot_id"),
            // Image metadata of a snapshot has no volume: it is its volume's.
            _ if row.text("volume_id")?.is_none() => return Ok(()),
            _ => return self.pair(row, "volume_id"),
        };
        if let (Some(whose), Some(what)) = (row.text(whose)?, row.text(what)?) {
            self.links.push((row.table.name, whose, what));
        }
        Ok(())
    }

    fn pair(&mut self, row: &Row<'_>, whose: &'static str) -> Result<(), ReadError> {
        let pairs = self.pairs.entry(row.table.name).or_default().entry(row.needed(whose)?).or_default();
        pairs.insert(row.words("key")?, row.words("value")?);
        Ok(())
    }

    /// What belongs to something that is gone goes with it.
    pub(super) fn finish(self) -> Estate {
        let Self { mut estate, mut pairs, links, encryptions, mut specs, .. } = self;
        let mut of = |table, id: &str| pairs.get_mut(table).and_then(|of| of.remove(id)).unwrap_or_default();
        for (id, volume) in &mut estate.volumes {
            volume.metadata = of("volume_metadata", id);
            volume.admin_metadata = of("volume_admin_metadata", id);
            volume.image_metadata = of("volume_glance_metadata", id);
        }
        for (id, snapshot) in &mut estate.snapshots {
            snapshot.metadata = of("snapshot_metadata", id);
        }
        for (id, volume_type) in &mut estate.types {
            volume_type.extra_specs = of("volume_type_extra_specs", id);
        }
        for (id, group_type) in &mut estate.group_types {
            group_type.specs = of("group_type_specs", id);
        }
        for (id, qos) in &mut estate.qos {
            qos.specs = specs.remove(id).unwrap_or_default();
        }
        for (id, encryption) in encryptions {
            if let Some(volume_type) = estate.types.get_mut(&id) {
                volume_type.encryption = Some(encryption);
            }
        }
        for (table, whose, what) in links {
            let set = match table {
                "volume_type_projects" => estate.types.get_mut(&whose).map(|found| &mut found.access),
                "group_type_projects" => estate.group_types.get_mut(&whose).map(|found| &mut found.access),
                _ => estate.groups.get_mut(&whose).map(|found| &mut found.volume_types),
            };
            if let Some(set) = set {
                set.insert(what);
            }
        }
        estate
    }
}

/// The id, the name, the description of a type of volumes or groups, and whether every project may use it.
fn type_of(row: &Row<'_>) -> Result<(String, String, String, bool), ReadError> {
    Ok((row.needed("id")?, row.words("name")?, row.words("description")?, row.flag("is_public", true)?))
}

fn volume(row: &Row<'_>) -> Result<Volume, ReadError> {
    Ok(Volume {
        project: row.words("project_id")?,
        user: row.words("user_id")?,
        host: row.text("host")?.filter(|host| !host.is_empty()),
        size_gib: row.number("size")?,
        availability_zone: row.text("availability_zone")?,
        status: row.words("status")?,
        name: row.words("display_name")?,
        description: row.words("display_description")?,
        volume_type: row.text("volume_type_id")?,
        bootable: row.flag("bootable", false)?,
        name_id: row.text("_name_id")?,
        is_encrypted: row.text("encryption_key_id")?.is_some(),
        migration_status: row.text("migration_status")?,
        replication_status: row.text("replication_status")?,
        multiattach: row.flag("multiattach", false)?,
        group: row.text("group_id")?,
        use_quota: row.flag("use_quota", true)?,
        changed_at: changed_at(row)?,
        metadata: Pairs::new(),
        admin_metadata: Pairs::new(),
        image_metadata: Pairs::new(),
    })
}

fn snapshot(row: &Row<'_>) -> Result<Snapshot, ReadError> {
    Ok(Snapshot {
        volume: row.needed("volume_id")?,
        project: row.words("project_id")?,
        user: row.words("user_id")?,
        status: row.words("status")?,
        size_gib: row.number("volume_size")?,
        name: row.words("display_name")?,
        description: row.words("display_description")?,
        is_encrypted: row.text("encryption_key_id")?.is_some(),
        group_snapshot: row.text("group_snapshot_id")?.or(row.text("cgsnapshot_id")?),
        use_quota: row.flag("use_quota", true)?,
        changed_at: changed_at(row)?,
        metadata: Pairs::new(),
    })
}

fn changed_at(row: &Row<'_>) -> Result<Option<Timestamp>, ReadError> {
    Ok(row.moment("updated_at")?.or(row.moment("created_at")?))
}
