//! Volumes, snapshots, groups.

use std::collections::BTreeMap;

use serde_json::json;
use stele_core::command::GROUP_VOLUMES_MAX;
use uuid::Uuid;

use super::{About, LeftCode, Planner, PoolCount, Stage, Step, hosts};
use crate::cinder::estate::{Estate, Group, Snapshot, Volume};

/// A reason, and what can be done.
pub(super) type Reason = (LeftCode, String);

impl Planner<'_> {
    pub(super) fn volumes(&mut self) {
        for (id, volume) in &self.estate.volumes {
            if !self.wants(&volume.project) {
                continue;
            }
            let adopted = match self.volume(id, volume) {
                Ok(adopted) => adopted,
                Err((code, why)) => {
                    self.leave("volume", (id, &volume.project, &volume.name), code, why);
                    false
                }
            };
            self.count("volume", adopted);
            if adopted {
                self.adopted(id, volume);
            }
        }
    }

    fn volume(&mut self, id: &str, volume: &Volume) -> Result<bool, Reason> {
        let uuid = uuid(id)?;
        fits(self.estate, id, volume)?;
        let Some(host) = &volume.host else {
            return Err((LeftCode::NoHost, "it lies nowhere: no backend has it".to_owned()));
        };
        let mapped = hosts::pool(host, &self.options.hosts);
        let count = self
            .plan
            .pools
            .entry(host.clone())
            .or_insert_with(|| PoolCount { pool: mapped.as_ref().ok().map(ToString::to_string), volumes: 0 });
        count.volumes += 1;
        let pool = mapped.map_err(|why| (LeftCode::NoPool, why))?;
        let named = volume.volume_type.as_ref().and_then(|id| self.types.get(id)).cloned();
        let volume_type =
            named.ok_or_else(|| (LeftCode::NoType, "its type is deleted, or could not be adopted".to_owned()))?;
        let content = json!({"id": uuid, "project": volume.project, "pool": pool,
            // What Cinder's LVM driver calls it; a migration that is done leaves it the other volume's name.
            "source_name": format!("volume-{}", volume.name_id.as_deref().unwrap_or(id)),
            "name": volume.name, "description": volume.description, "type": volume_type,
            "availability_zone": volume.availability_zone, "bootable": volume.bootable, "metadata": volume.metadata});
        let what = format!("volume {id} of {} GiB on {pool}", volume.size_gib);
        let step = Step::new(Stage::Volumes, "", ("volume", "manage"), content);
        let step = step.by(&volume.user).about(About::Volume { id: uuid, size_gib: volume.size_gib }, what);
        Ok(self.add(step, "volume", (id, &volume.project, &volume.name)))
    }

    /// What follows from a volume that is adopted.
    fn adopted(&mut self, id: &str, volume: &Volume) {
        self.volumes.insert(id.to_owned());
        let mut amounts = vec![("volumes".to_owned(), 1), ("gigabytes".to_owned(), volume.size_gib)];
        if let Some(name) = self.estate.type_name(volume.volume_type.as_deref()) {
            amounts.extend([(format!("volumes_{name}"), 1), (format!("gigabytes_{name}"), volume.size_gib)]);
        }
        self.uses(&volume.project, &amounts);
        let largest = self.largest.entry(volume.project.clone()).or_default();
        *largest = volume.size_gib.max(*largest);
        let mut content = json!({"id": id});
        if !volume.image_metadata.is_empty() {
            content["image_metadata_change"] = json!({"set": volume.image_metadata});
        }
        if volume.admin_metadata.get("readonly").is_some_and(|readonly| readonly.eq_ignore_ascii_case("true")) {
            content["readonly"] = json!(true);
        }
        if content.as_object().is_some_and(|fields| fields.len() > 1) {
            let step = Step::new(Stage::Details, &volume.project, ("volume", "update"), content).by(&volume.user);
            let about = Uuid::parse_str(id).map_or(About::Other, |id| About::DetailsOf { id });
            let step = step.about(about, format!("image metadata and read-only of volume {id}"));
            self.add(step, "details of a volume", (id, &volume.project, &volume.name));
        }
        if volume.multiattach && !self.is_shared(volume) {
            let why = "it may have several attachments, and its type does not say so: here the type decides";
            self.leave("multiattach", (id, &volume.project, &volume.name), LeftCode::NotHere, why);
        }
    }

    pub(super) fn is_shared(&self, volume: &Volume) -> bool {
        let found = volume.volume_type.as_ref().and_then(|id| self.estate.types.get(id));
        found.is_some_and(|found| found.extra_specs.get("multiattach").is_some_and(|spec| spec == "<is> True"))
    }

    pub(super) fn groups(&mut self) {
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, volume) in &self.estate.volumes {
            if let Some(group) = volume.group.as_deref().filter(|_| self.volumes.contains(id)) {
                members.entry(group).or_default().push(id);
            }
        }
        for (id, group) in &self.estate.groups {
            if !self.wants(&group.project) {
                continue;
            }
            let adopted = match self.group(id, group, members.get(id.as_str()).map_or(&[], Vec::as_slice)) {
                Ok(adopted) => adopted,
                Err((code, why)) => {
                    self.leave("group", (id, &group.project, &group.name), code, why);
                    false
                }
            };
            self.count("group", adopted);
        }
    }

    fn group(&mut self, id: &str, group: &Group, members: &[&str]) -> Result<bool, Reason> {
        uuid(id)?;
        if group.status != "available" {
            return Err((LeftCode::Underway, format!("it is {}: bring it to available first", group.status)));
        }
        let group_type = group.group_type.as_ref().and_then(|id| Some((id, self.estate.group_types.get(id)?)));
        let Some((type_id, group_type)) = group_type else {
            return Err((LeftCode::NoType, "its group type is not there".to_owned()));
        };
        if !group_type.is_public {
            let why =
                format!("its group type {} is not public, and no project could make groups of it", group_type.name);
            return Err((LeftCode::NotHere, why));
        }
        let volume_types: Vec<&String> = group.volume_types.iter().filter_map(|id| self.types.get(id)).collect();
        let content = json!({"id": id, "name": group.name, "description": group.description, "group_type": type_id,
            "volume_types": volume_types, "availability_zone": group.availability_zone});
        let of = (id, group.project.as_str(), group.name.as_str());
        let step = Step::new(Stage::Groups, &group.project, ("group", "create"), content).by(&group.user);
        if !self.add(step, "group", of) {
            return Ok(false);
        }
        self.uses(&group.project, &[("groups".to_owned(), 1)]);
        let (fit, more) = members.split_at(members.len().min(GROUP_VOLUMES_MAX));
        if !fit.is_empty() {
            let content = json!({"id": id, "add_volumes": fit});
            let step = Step::new(Stage::Members, &group.project, ("group", "update"), content).by(&group.user);
            self.add(step, "volumes of a group", of);
        }
        if !more.is_empty() {
            let why = format!("a group holds at most {GROUP_VOLUMES_MAX} volumes; left out of it: {}", more.join(", "));
            self.leave("volumes of a group", of, LeftCode::NotHere, why);
        }
        Ok(true)
    }

    pub(super) fn snapshots(&mut self) {
        for (id, snapshot) in &self.estate.snapshots {
            if !self.wants(&snapshot.project) {
                continue;
            }
            let of = (id.as_str(), snapshot.project.as_str(), snapshot.name.as_str());
            let adopted = match self.snapshot(id, snapshot) {
                Ok(adopted) => adopted,
                Err((code, why)) => {
                    self.leave("snapshot", of, code, why);
                    false
                }
            };
            self.count("snapshot", adopted);
            if adopted && snapshot.group_snapshot.is_some() {
                let why = "it is part of a group snapshot; it is adopted as a snapshot of its own";
                self.leave("place in a group snapshot", of, LeftCode::NotHere, why);
            }
        }
    }

    fn snapshot(&mut self, id: &str, snapshot: &Snapshot) -> Result<bool, Reason> {
        let uuid = uuid(id)?;
        match snapshot.status.as_str() {
            _ if !snapshot.use_quota => return Err(internal()),
            _ if snapshot.is_encrypted => return Err(encrypted()),
            "available" => {}
            status => return Err(not_at_rest(status)),
        }
        let volume = self.estate.volumes.get(&snapshot.volume).filter(|_| self.volumes.contains(&snapshot.volume));
        let Some(volume) = volume else {
            return Err((LeftCode::Orphan, format!("its volume {} is not adopted", snapshot.volume)));
        };
        if volume.project != snapshot.project {
            return Err((LeftCode::Orphan, format!("its volume belongs to project {}", volume.project)));
        }
        if volume.size_gib != snapshot.size_gib {
            let (has, now) = (snapshot.size_gib, volume.size_gib);
            let why = format!(
                "it has {has} GiB and its volume {now}: here a snapshot is as large as its volume. Make a volume of it in \
                 Cinder first, or give it up"
            );
            return Err((LeftCode::SizeDiffers, why));
        }
        let content = json!({"id": uuid, "volume": snapshot.volume, "source_name": format!("_snapshot-{id}"),
            "name": snapshot.name, "description": snapshot.description, "metadata": snapshot.metadata});
        let what = format!("snapshot {id} of volume {}", snapshot.volume);
        let step = Step::new(Stage::Snapshots, "", ("snapshot", "manage"), content);
        let step = step.by(&snapshot.user).about(About::Snapshot { id: uuid }, what);
        let of = (id, snapshot.project.as_str(), snapshot.name.as_str());
        let name = self.estate.type_name(volume.volume_type.as_deref()).map(str::to_owned);
        if !self.add(step, "snapshot", of) {
            return Ok(false);
        }
        let gib = snapshot.size_gib;
        let mut amounts = vec![("snapshots".to_owned(), 1), ("gigabytes".to_owned(), gib)];
        amounts.extend(
            name.into_iter().flat_map(|name| [(format!("snapshots_{name}"), 1), (format!("gigabytes_{name}"), gib)]),
        );
        self.uses(&snapshot.project, &amounts);
        Ok(true)
    }

    /// What there is nothing for in a cell.
    pub(super) fn not_here(&mut self) {
        for (id, backup) in &self.estate.backups {
            if self.wants(&backup.project) {
                let why = "a cell has no backups; it stays where it is, and Cinder can restore it";
                self.leave("backup", (id, &backup.project, &backup.name), LeftCode::NotHere, why);
                self.count("backup", false);
            }
        }
        for other in &self.estate.others {
            if self.wants(&other.project) {
                let why = format!("a {} cannot be adopted; the volumes and snapshots in it are", other.kind);
                self.leave(other.kind, (&other.id, &other.project, &other.name), LeftCode::NotHere, why);
                self.count(other.kind, false);
            }
        }
    }
}

pub(super) fn uuid(id: &str) -> Result<Uuid, Reason> {
    Uuid::parse_str(id).map_err(|_| (LeftCode::Invalid, "its id is no UUID".to_owned()))
}

fn encrypted() -> Reason {
    (LeftCode::Encrypted, "it is encrypted, and a cell has no key manager: retype it in Cinder first".to_owned())
}

fn internal() -> Reason {
    (
        LeftCode::Internal,
        "Cinder made it for itself, for a migration or a copy; it is not counted there either".to_owned(),
    )
}

fn not_at_rest(status: &str) -> Reason {
    let code = if status.starts_with("error") { LeftCode::InError } else { LeftCode::Underway };
    (code, format!("it is {status}: bring it to available in Cinder first"))
}

/// Whether a volume can be adopted at all.
fn fits(estate: &Estate, id: &str, volume: &Volume) -> Result<(), Reason> {
    let set = |status: &Option<String>, harmless: &[&str]| {
        status.clone().filter(|status| !status.is_empty() && !harmless.contains(&status.as_str()))
    };
    if estate.cached.contains(id) {
        return Err((
            LeftCode::ImageCache,
            "it is the image cache's: the next volume of the image makes it anew".to_owned(),
        ));
    }
    if let Some(status) = set(&volume.migration_status, &["success", "none", "error"]) {
        return Err((LeftCode::Migrating, format!("its migration is {status}: let it end first")));
    }
    if !volume.use_quota {
        return Err(internal());
    }
    let of_type = volume.volume_type.as_ref().and_then(|id| estate.types.get(id));
    if volume.is_encrypted || of_type.is_some_and(|of_type| of_type.encryption.is_some()) {
        return Err(encrypted());
    }
    if let Some(status) = set(&volume.replication_status, &["disabled", "not-capable"]) {
        return Err((LeftCode::Replicated, format!("its replication is {status}, and a cell replicates nothing")));
    }
    match volume.status.as_str() {
        "available" | "in-use" | "reserved" => Ok(()),
        status => Err(not_at_rest(status)),
    }
}
