//! What those who ask may have in mind: all that projects and operators do, sensible or not.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stele_core::record::Subjects;
use uuid::Uuid;

use crate::fault::Chance;

/// A command before it goes out: resource and verb, and the body under the resource's name.
pub(crate) struct Wish(pub(crate) &'static str, pub(crate) &'static str, pub(crate) Value);

/// Ids that were heard of.
#[derive(Debug, Default)]
pub(crate) struct Known {
    volumes: Vec<Uuid>,
    snapshots: Vec<Uuid>,
    /// The snapshot of each volume that was heard of last.
    latest: BTreeMap<Uuid, Uuid>,
    attachments: Vec<Uuid>,
    transfers: Vec<Uuid>,
    groups: Vec<Uuid>,
    group_snapshots: Vec<Uuid>,
}

impl Known {
    /// Remembers what an accepted command was about.
    pub(crate) fn learn(&mut self, subjects: &Subjects) {
        if let (Some(volume), Some(snapshot)) = (subjects.volume, subjects.snapshot) {
            self.latest.insert(volume.0, snapshot.0);
        }
        for (list, id) in self.lists(subjects) {
            if let Some(id) = id.filter(|id| !list.contains(id)) {
                list.push(id);
            }
        }
    }

    /// Forgets what was deleted; a volume only when it was the volume that was deleted.
    pub(crate) fn forget(&mut self, resource: &str, subjects: &Subjects) {
        let of_resource = match resource {
            "volume" => (&mut self.volumes, subjects.volume.map(|id| id.0)),
            "snapshot" => (&mut self.snapshots, subjects.snapshot.map(|id| id.0)),
            "attachment" => (&mut self.attachments, subjects.attachment.map(|id| id.0)),
            "group" => (&mut self.groups, subjects.group.map(|id| id.0)),
            "group_snapshot" => (&mut self.group_snapshots, subjects.group_snapshot.map(|id| id.0)),
            _ => return,
        };
        of_resource.0.retain(|known| Some(*known) != of_resource.1);
    }

    fn lists(&mut self, subjects: &Subjects) -> [(&mut Vec<Uuid>, Option<Uuid>); 6] {
        [
            (&mut self.volumes, subjects.volume.map(|id| id.0)),
            (&mut self.snapshots, subjects.snapshot.map(|id| id.0)),
            (&mut self.attachments, subjects.attachment.map(|id| id.0)),
            (&mut self.transfers, subjects.transfer.map(|id| id.0)),
            (&mut self.groups, subjects.group.map(|id| id.0)),
            (&mut self.group_snapshots, subjects.group_snapshot.map(|id| id.0)),
        ]
    }
}

/// One that is known, mostly one of the last, or one that does not exist.
fn one_of(ids: &[Uuid], chance: &Chance) -> Uuid {
    let recent = &ids[ids.len().saturating_sub(4)..];
    let from = if chance.percent(60) { recent } else { ids };
    chance.pick(from).unwrap_or_else(|| chance.uuid())
}

/// Chooses an id of its own now and then, which may be one that exists or existed.
fn with_id(mut what: Value, ids: &mut Vec<Uuid>, chance: &Chance) -> Value {
    match chance.below(8) {
        0 if !ids.is_empty() => what["id"] = json!(one_of(ids, chance)),
        1..4 => {
            let id = chance.uuid();
            ids.push(id);
            what["id"] = json!(id);
        }
        _ => {}
    }
    what
}

/// The hash of every transfer's key: that a wrong key opens nothing is for core's own tests.
fn key_hash() -> String {
    "5e".repeat(32)
}

fn host(chance: &Chance) -> Value {
    json!({"host": format!("compute{}", chance.below(2)), "initiator": "iqn.2026-01.org.stele:sim"})
}

/// What a project has in mind.
pub(crate) fn of_project(known: &mut Known, all: &Known, chance: &Chance) -> Wish {
    // One cannot do much without a volume.
    if known.volumes.len() < 2 && chance.percent(80) {
        return a_new_volume(known, chance);
    }
    match chance.below(20) {
        0..9 => about_a_volume(known, chance),
        9..13 => about_a_snapshot(known, chance),
        13..17 => about_an_attachment(known, chance),
        17 => about_a_transfer(known, all, chance),
        _ => about_a_group(known, chance),
    }
}

fn a_new_volume(known: &mut Known, chance: &Chance) -> Wish {
    let mut what = json!({"size_gib": chance.between(1, 6), "name": format!("v{}", chance.below(100))});
    if chance.percent(15) {
        what["type"] = json!("gold");
    }
    if chance.percent(10) && !known.groups.is_empty() {
        what["group"] = json!(one_of(&known.groups, chance));
    }
    Wish("volume", "create", with_id(what, &mut known.volumes, chance))
}

fn about_a_volume(known: &mut Known, chance: &Chance) -> Wish {
    let volume = one_of(&known.volumes, chance);
    match chance.below(20) {
        0..6 => a_new_volume(known, chance),
        6..11 => {
            let of_snapshot = chance.percent(50) && !known.snapshots.is_empty();
            let (key, source) = match of_snapshot {
                true => ("snapshot", one_of(&known.snapshots, chance)),
                false => ("source_volume", volume),
            };
            let mut what = json!({key: source});
            if chance.percent(50) {
                what["size_gib"] = json!(chance.between(1, 9));
            }
            Wish("volume", "create", with_id(what, &mut known.volumes, chance))
        }
        11..15 => {
            let (force, cascade) = (chance.percent(30), chance.percent(50));
            Wish("volume", "delete", json!({"id": volume, "force": force, "cascade": cascade}))
        }
        15 | 16 => Wish("volume", "extend", json!({"id": volume, "size_gib": chance.between(2, 14)})),
        17 => {
            let latest = known.latest.get(&volume).copied().unwrap_or_else(|| one_of(&known.snapshots, chance));
            Wish("volume", "revert", json!({"id": volume, "snapshot": latest}))
        }
        18 => Wish("volume", "update", json!({"id": volume, "metadata": {"n": chance.below(9).to_string()}})),
        _ => match chance.below(2) {
            0 => {
                let to = ["gold", "__DEFAULT__"][chance.below(2)];
                Wish("volume", "retype", json!({"id": volume, "type": to}))
            }
            _ => Wish("volume", "create", json!({"size_gib": 0, "colour": "red"})),
        },
    }
}

fn about_a_snapshot(known: &mut Known, chance: &Chance) -> Wish {
    let snapshot = one_of(&known.snapshots, chance);
    let first = if known.snapshots.is_empty() { 7 } else { 10 };
    match chance.below(first) {
        0..7 => {
            let what = json!({"volume": one_of(&known.volumes, chance), "force": chance.percent(40)});
            Wish("snapshot", "create", with_id(what, &mut known.snapshots, chance))
        }
        _ => Wish("snapshot", "delete", json!({"id": snapshot, "force": chance.percent(20)})),
    }
}

fn about_an_attachment(known: &mut Known, chance: &Chance) -> Wish {
    let (volume, attachment) = (one_of(&known.volumes, chance), one_of(&known.attachments, chance));
    let first = if known.attachments.is_empty() { 5 } else { 20 };
    match chance.below(first) {
        0..5 => {
            let mut what = json!({"volume": volume});
            if chance.percent(50) {
                what["connector"] = host(chance);
            }
            if chance.percent(30) {
                what["instance"] = json!(["vm1", "vm2"][chance.below(2)]);
            }
            Wish("attachment", "create", with_id(what, &mut known.attachments, chance))
        }
        5..8 => Wish("attachment", "update", json!({"id": attachment, "connector": host(chance)})),
        8..11 => Wish("attachment", "complete", json!({"id": attachment})),
        11..15 => Wish("attachment", "delete", json!({"id": attachment})),
        // The ways of older clients.
        15 => Wish("volume", ["reserve", "unreserve"][chance.below(2)], json!({"id": volume})),
        16 => Wish("volume", "initialize_connection", json!({"id": volume, "connector": host(chance)})),
        17 => match chance.below(2) {
            0 => Wish("volume", "attach", json!({"id": volume, "host": "compute0", "mountpoint": "/dev/vdb"})),
            _ => Wish("volume", ["begin_detaching", "roll_detaching"][chance.below(2)], json!({"id": volume})),
        },
        18 => Wish("volume", "terminate_connection", json!({"id": volume, "connector": host(chance)})),
        _ => Wish("volume", "detach", json!({"id": volume})),
    }
}

fn about_a_transfer(known: &mut Known, all: &Known, chance: &Chance) -> Wish {
    match chance.below(if all.transfers.is_empty() { 5 } else { 10 }) {
        0..5 => {
            let (volume, no_snapshots) = (one_of(&known.volumes, chance), chance.percent(30));
            let salt = "0123456789abcdef";
            let what = json!({"volume": volume, "no_snapshots": no_snapshots, "salt": salt, "key_hash": key_hash()});
            Wish("transfer", "create", with_id(what, &mut known.transfers, chance))
        }
        5..9 => Wish("transfer", "accept", json!({"id": one_of(&all.transfers, chance), "key_hash": key_hash()})),
        _ => Wish("transfer", "delete", json!({"id": one_of(&known.transfers, chance)})),
    }
}

fn about_a_group(known: &mut Known, chance: &Chance) -> Wish {
    let (group, snapshot) = (one_of(&known.groups, chance), one_of(&known.group_snapshots, chance));
    match chance.below(if known.groups.is_empty() { 2 } else { 10 }) {
        0..2 => {
            let what = json!({"group_type": "set", "volume_types": ["__DEFAULT__"]});
            Wish("group", "create", with_id(what, &mut known.groups, chance))
        }
        2 => {
            let (key, source) =
                if chance.percent(50) { ("source_group", group) } else { ("source_group_snapshot", snapshot) };
            Wish("group", "create", json!({key: source}))
        }
        3..6 => {
            let key = if chance.percent(80) { "add_volumes" } else { "remove_volumes" };
            Wish("group", "update", json!({"id": group, key: [one_of(&known.volumes, chance)]}))
        }
        6 => Wish("group", "delete", json!({"id": group, "delete_volumes": chance.percent(70)})),
        7 | 8 => {
            let what = json!({"group": group});
            Wish("group_snapshot", "create", with_id(what, &mut known.group_snapshots, chance))
        }
        _ => Wish("group_snapshot", "delete", json!({"id": snapshot})),
    }
}

/// What an operator has in mind.
pub(crate) fn of_operator(all: &Known, chance: &Chance) -> Wish {
    let backend = ["n1@mem", "n2@mem", "n3@mem"][chance.below(3)];
    let verb = ["enable", "enable", "disable", "freeze", "thaw", "thaw"][chance.below(6)];
    match chance.below(20) {
        0..5 => Wish("service", verb, json!({"backend": backend, "reason": "work on it"})),
        5..8 => {
            let project = ["red", "green"][chance.below(2)];
            let (volumes, gigabytes) = (chance.between(2, 14), chance.between(10, 80));
            let snapshots = chance.between(1, 10);
            let what = json!({"project": project, "volumes": volumes, "gigabytes": gigabytes, "snapshots": snapshots});
            Wish("quota", "set", what)
        }
        8 => Wish("type", "create", json!({"name": "gold", "extra_specs": {"storage_protocol": "memory"}})),
        9 => Wish("type", "update", json!({"type": "gold", "description": format!("no. {}", chance.below(9))})),
        10 => Wish("type", "delete", json!({"type": "gold"})),
        11 | 12 => Wish("group_type", "create", json!({"name": "set"})),
        _ => by_force(all, chance),
    }
}

/// What an operator does to a project's things.
fn by_force(all: &Known, chance: &Chance) -> Wish {
    let (volume, snapshot) = (one_of(&all.volumes, chance), one_of(&all.snapshots, chance));
    match chance.below(10) {
        0..3 => Wish("volume", "delete", json!({"id": volume, "force": true, "cascade": chance.percent(70)})),
        3 => Wish("snapshot", "delete", json!({"id": snapshot, "force": true})),
        4 | 5 => {
            let status = ["available", "error", "in-use", "maintenance"][chance.below(4)];
            let mut what = json!({"id": volume, "status": status});
            if chance.percent(40) {
                what["attach_status"] = json!("detached");
            }
            Wish("volume", "reset_status", what)
        }
        6 => {
            let status = ["available", "error", "error_deleting"][chance.below(3)];
            Wish("snapshot", "reset_status", json!({"id": snapshot, "status": status}))
        }
        7 => Wish("volume", "force_detach", json!({"id": volume})),
        8 => Wish("attachment", "delete", json!({"id": one_of(&all.attachments, chance)})),
        _ => {
            let (group, status) = (one_of(&all.groups, chance), ["available", "error"][chance.below(2)]);
            Wish("group", "reset_status", json!({"id": group, "status": status}))
        }
    }
}
