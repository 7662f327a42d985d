//! What must hold when everything has come to rest, and that everything that is there can be removed.

use std::collections::BTreeMap;

use serde_json::json;
use stele_core::id::PoolName;
use stele_core::state::{AttachmentStatus, Group, GroupStatus, Snapshot, SnapshotStatus, State, Volume, VolumeStatus};
use stele_core::task::{lv_name, snapshot_lv_name};
use stele_core::unit::Position;
use stele_replay::progress::Silent;
use stele_replay::what_if::{Changes, what_if};
use stele_workers::driver::memory::MemoryObject;

use crate::cell::Cell;
use crate::client::Client;
use crate::node::Node;
use crate::time::at_once;
use crate::wish::Wish;

/// Rounds after which an operator must have reached what he wants.
const ROUNDS_MAX: usize = 12;

impl Cell {
    /// What could not be deleted is deleted by force, as an operator does.
    pub(crate) fn tidy_up(&mut self) {
        self.operate("things cannot be deleted, even by force", |state| {
            let volumes = state.volumes.values().filter(|volume| volume.status == VolumeStatus::ErrorDeleting);
            let snapshots = state.snapshots.values().filter(|of_it| of_it.status == SnapshotStatus::ErrorDeleting);
            let by_force = |snapshot: &Snapshot| Wish("snapshot", "delete", json!({"id": snapshot.id, "force": true}));
            volumes.flat_map(|volume| removal(volume)).chain(snapshots.map(|of_it| by_force(of_it))).collect()
        });
    }

    /// An operator ends all attachments, groups and volumes: nothing may be left, nowhere.
    pub(crate) fn remove_everything(&mut self) {
        self.wires.trace.note("world", format_args!("everything is removed"));
        self.operate("not everything can be removed", |state| {
            let group_snapshots = state.group_snapshots.values();
            let mut wishes: Vec<_> =
                group_snapshots.map(|group| of_group("group_snapshot", "delete", group.id.0, group.status)).collect();
            let is_used = |volume: &Volume| {
                !volume.attachments.is_empty()
                    || matches!(volume.status, VolumeStatus::Attaching | VolumeStatus::Stated(_))
            };
            wishes.extend(state.volumes.values().filter(|volume| is_used(volume)).map(|volume| {
                let what = json!({"id": volume.id, "status": "error", "attach_status": "detached"});
                Wish("volume", "reset_status", what)
            }));
            if wishes.is_empty() {
                wishes.extend(state.groups.values().map(|group| end_of_group(state, group)));
            }
            if wishes.is_empty() {
                wishes.extend(state.volumes.values().flat_map(|volume| removal(volume)));
            }
            wishes
        });
        let state = &self.oracle.folded.state;
        let left = (state.snapshots.len(), state.attachments.len(), state.transfers.len());
        assert_eq!(left, (0, 0, 0), "snapshots, attachments or transfers are left of nothing");
        let used = state.usage.values().flat_map(|usage| usage.lines.iter());
        let used: Vec<_> = used.filter(|(_, usage)| usage.in_use != 0 || usage.reserved != 0).collect();
        assert!(used.is_empty(), "quota is used by nothing: {used:?}");
        self.check_end();
    }

    /// Sends an operator's wishes until there are none.
    fn operate(&mut self, otherwise: &str, wishes: impl Fn(&State) -> Vec<Wish>) {
        for _ in 0..ROUNDS_MAX {
            let state = self.oracle.folded.state.clone();
            for node in &mut self.nodes {
                node.sweep(|name| is_named(&state, name));
            }
            let wishes = wishes(&state);
            if wishes.is_empty() {
                return;
            }
            let operator = self.clients.iter_mut().find(|client| client.is_operator());
            let operator: &mut Client = operator.unwrap_or_else(|| panic!("a cell has an operator"));
            for wish in wishes {
                operator.demand(wish, &mut self.asked, &self.wires);
            }
            self.rest();
        }
        let state = &self.oracle.folded.state;
        let volumes: Vec<_> = state.volumes.values().map(|volume| (volume.id, volume.status, &volume.reason)).collect();
        let snapshots: Vec<_> = state.snapshots.values().map(|of_it| (of_it.id, of_it.status, &of_it.reason)).collect();
        panic!("{otherwise} ({}): {volumes:?} {snapshots:?}", self.oracle.last_refusal);
    }

    /// Decided again with nothing changed, the log leads to the same state; with other weights, attempts and limits, and
    /// without a pool, to another one that is as sound.
    pub(crate) fn decide_again(&self) {
        let told = |set: &[&str], without: &[String]| {
            let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
            let changes = Changes::read(&set, without, &[]).unwrap_or_else(|error| panic!("{error}"));
            let mut differences = 0_u64;
            let mut each = |_| {
                differences += 1;
                Ok(())
            };
            let told = at_once(what_if(&self.wires.log, changes, None, &mut Silent, &mut each));
            let told = told.unwrap_or_else(|| panic!("the log does not answer"));
            (told.unwrap_or_else(|error| panic!("{set:?} {without:?}: {error}")), differences)
        };
        let (same, differences) = told(&[], &[]);
        assert!(same.identical && differences == 0, "nothing was changed: {differences}, {:?}", same.differing_tables);
        told(&["scheduler.weighers.capacity=-1", "scheduler.attempts_max=1", "quota.demo.volumes=3"], &[]);
        let pool = self.nodes.first().and_then(|node| node.pools.first()).map(ToString::to_string);
        told(&["quota.default.volumes=-1", "quota.default.gigabytes=-1"], &pool.into_iter().collect::<Vec<_>>());
    }

    pub(crate) fn check_end(&mut self) {
        for control in &self.controls {
            if let Some(folded) = control.folded() {
                self.oracle.compare(&format!("{} at the end", control.name), folded);
            }
        }
        for client in &self.clients {
            client.check(&mut self.oracle);
        }
        let state = &self.oracle.folded.state;
        assert!(state.reservations.is_empty() && state.deadlines.is_empty(), "reservations or deadlines are left");
        for volume in state.volumes.values() {
            let failed = matches!(volume.status, VolumeStatus::Error | VolumeStatus::ErrorExtending);
            let stated = self.oracle.stated.contains(&volume.id);
            assert!(volume.status.flow().is_none(), "volume {} is {}", volume.id, volume.status.name());
            assert!(!failed || stated || volume.reason.is_some(), "volume {} failed without a reason", volume.id);
        }
        for attachment in state.attachments.values() {
            let failed =
                matches!(attachment.status, AttachmentStatus::ErrorAttaching | AttachmentStatus::ErrorDetaching);
            assert!(attachment.status.flow().is_none(), "attachment {}: {:?}", attachment.id, attachment.status);
            assert!(!failed || attachment.reason.is_some(), "attachment {} failed without a reason", attachment.id);
        }
        for node in &self.nodes {
            for pool in &node.pools {
                self.check_pool(node, pool);
            }
        }
        assert_ne!(self.oracle.folded.chain.position, Position(0));
    }

    /// What lies there is what the log says, no more and no less.
    fn check_pool(&self, node: &Node, pool: &PoolName) {
        let state = &self.oracle.folded.state;
        let mut there = node.host.objects(pool);
        for volume in state.volumes.values().filter(|volume| volume.pool.as_ref() == Some(pool)) {
            self.check_volume(volume, there.remove(&lv_name(volume.id)));
        }
        for snapshot in state.snapshots.values().filter(|snapshot| snapshot.pool == *pool) {
            self.check_snapshot(snapshot, &mut there);
        }
        // What an old task made too late is told to control, unless its worker dies before: then only an inventory of
        // the storage can find it.
        there.retain(|name, _| !node.made_too_late.contains(&(pool.clone(), name.clone())));
        // What a revert that was given up left goes with its volume, or with the next revert.
        let beside =
            |name: &str| name.strip_prefix("revert-").and_then(|id| id.parse::<stele_core::id::VolumeId>().ok());
        there.retain(|name, _| !beside(name).is_some_and(|id| state.volumes.contains_key(&id)));
        assert!(there.is_empty(), "{pool} holds what the log does not know: {there:?}");
    }

    fn check_volume(&self, volume: &Volume, found: Option<MemoryObject>) {
        let abandoned = self.oracle.abandoned.contains(&volume.id);
        // An extend may have failed half-way before an operator stated that all is well.
        let stated = self.oracle.stated.contains(&volume.id);
        let status = volume.status.name();
        let Some(found) = found else {
            assert!(abandoned, "volume {} is {status} and is not there", volume.id);
            return;
        };
        let (has, wanted) = (found.size_bytes, volume.size_gib.bytes());
        // It may have grown after it was given up.
        let may_be_larger = volume.status == VolumeStatus::ErrorExtending || stated;
        let right = has == wanted || abandoned || may_be_larger && has > wanted;
        assert!(right, "volume {} is {status} and has {has} bytes instead of {wanted}", volume.id);
        let complete = !found.tags.iter().any(|tag| tag == "stele.copying");
        assert!(complete || abandoned, "volume {} is {status} and was never copied to its end", volume.id);
    }

    fn check_snapshot(&self, snapshot: &Snapshot, there: &mut BTreeMap<String, MemoryObject>) {
        let name = snapshot_lv_name(snapshot.id);
        let abandoned = self.oracle.abandoned.contains(&snapshot.volume);
        let found = there.get(&name).map(|found| found.size_bytes);
        let status = snapshot.status.name();
        match snapshot.status {
            SnapshotStatus::Available if snapshot.progress == 100 && !abandoned => {
                let wanted = Some(snapshot.size_gib.bytes());
                assert_eq!(found, wanted, "snapshot {} is {status}", snapshot.id);
            }
            // What could not be taken was removed, and is looked for with what nobody knows.
            SnapshotStatus::Error if snapshot.progress == 0 && snapshot.reason.is_some() && !abandoned => return,
            _ => {}
        }
        assert!(snapshot.status.flow().is_none(), "snapshot {} is {status}", snapshot.id);
        there.remove(&name);
    }
}

/// What is done to a group, once its status allows it.
fn of_group(resource: &'static str, verb: &'static str, id: uuid::Uuid, status: GroupStatus) -> Wish {
    match status {
        GroupStatus::Error if verb == "delete" => Wish(resource, verb, json!({"id": id})),
        GroupStatus::Available => Wish(resource, verb, json!({"id": id})),
        _ => Wish(resource, "reset_status", json!({"id": id, "status": "available"})),
    }
}

/// A group is deleted with its volumes, unless one of them has snapshots: then it is emptied first.
fn end_of_group(state: &State, group: &Group) -> Wish {
    let members: Vec<_> = state.volumes_of_group(group.id).collect();
    let has_snapshots = members.iter().any(|volume| state.snapshots_of(volume.id).next().is_some());
    let mut wish = of_group("group", if has_snapshots { "update" } else { "delete" }, group.id.0, group.status);
    match wish.1 {
        "update" => wish.2["remove_volumes"] = members.iter().map(|volume| json!(volume.id)).collect(),
        "delete" => wish.2["delete_volumes"] = json!(true),
        _ => {}
    }
    wish
}

/// What removes a volume with all that belongs to it.
fn removal(volume: &Volume) -> Vec<Wish> {
    let out = volume.group.map(|group| {
        let what = json!({"id": group, "remove_volumes": [volume.id]});
        Wish("group", "update", what)
    });
    let delete = Wish("volume", "delete", json!({"id": volume.id, "force": true, "cascade": true}));
    out.into_iter().chain([delete]).collect()
}

/// Whether the log knows something of this name.
fn is_named(state: &State, name: &str) -> bool {
    let mut names =
        state.volumes.keys().map(|id| lv_name(*id)).chain(state.snapshots.keys().map(|id| snapshot_lv_name(*id)));
    names.any(|known| known == name)
}
