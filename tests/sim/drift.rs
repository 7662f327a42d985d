//! What only an inventory can find: what a worker made or left without anybody hearing of it, and what a target forgot.

use std::collections::BTreeSet;

use serde_json::json;
use stele_core::id::{PoolName, VolumeId};
use stele_core::inventory::{DriftKind, Stored};
use stele_core::state::{Attachment, AttachmentStatus, State, VolumeStatus};
use stele_core::task::{lv_name, snapshot_lv_name};

use crate::cell::Cell;
use crate::node::Node;
use crate::wish::Wish;

/// How often everybody may come to rest until all pools were looked at.
const ROUNDS_MAX: usize = 20;

impl Cell {
    /// An operator has everything looked at: the list of drifts is what differs, no more and no less, and every export
    /// that was promised is there again.
    pub(crate) fn take_stock(&mut self) {
        self.wires.trace.note("world", format_args!("an inventory is asked for"));
        let operator = self.clients.iter_mut().find(|client| client.is_operator());
        let operator = operator.unwrap_or_else(|| panic!("a cell has an operator"));
        operator.demand(Wish("drift", "scan", json!({})), &mut self.asked, &self.wires);
        for round in 0.. {
            self.turns(300);
            self.rest();
            if self.oracle.folded.state.pools.values().all(|pool| pool.inventory_asked.is_none()) {
                break;
            }
            assert!(round < ROUNDS_MAX, "no inventory is taken: {:?}", self.oracle.folded.state.pools);
            // Until the workers' next heartbeats.
            self.wires.clock.advance_us(1_000_000);
        }
        let state = &self.oracle.folded.state;
        for node in &self.nodes {
            for pool in &node.pools {
                self.check_drifts(state, node, pool);
            }
        }
    }

    fn check_drifts(&self, state: &State, node: &Node, pool: &PoolName) {
        let listed = state.drifts.values().filter(|drift| drift.pool == *pool);
        let (mut unexpected, mut hosts) = (BTreeSet::new(), BTreeSet::new());
        for drift in listed {
            let volume = drift.what.volume();
            // An extension that failed may have grown it.
            let known = state.volumes.get(&volume);
            let half_grown = known.is_some_and(|known| known.status == VolumeStatus::ErrorExtending);
            let told = self.oracle.abandoned.contains(&volume) || self.oracle.stated.contains(&volume);
            let doubtful = half_grown || told;
            match (&drift.what, drift.kind) {
                (Stored::Host { volume, .. } | Stored::Target { volume }, DriftKind::Unexpected) => {
                    hosts.insert(*volume);
                }
                (what, DriftKind::Unexpected) => {
                    unexpected.insert(what.to_string());
                }
                (what, kind) => assert!(doubtful, "{what} on {pool} is {}: {}", kind.name(), drift.reason),
            }
        }
        let there = node.host.objects(pool).into_keys().filter(|name| !is_known(state, pool, name));
        assert_eq!(there.collect::<BTreeSet<_>>(), unexpected, "unexpected objects on {pool}");
        let targets = node.host.targets(pool);
        for (volume, initiators) in &targets {
            let lets_in =
                |initiator: &String| attachments(state, *volume).any(|known| initiator_of(known) == *initiator);
            let stranger = initiators.iter().any(|initiator| !lets_in(initiator));
            assert!(!stranger || hosts.contains(volume), "volume {volume} lets in a stranger of whom nobody knows");
        }
        if node.exports {
            let lies_here = |found: &&Attachment| state.volumes[&found.volume].pool.as_ref() == Some(pool);
            let all = state.attachments.values().map(AsRef::as_ref);
            for promised in all.filter(|found| is_promised(found)).filter(lies_here) {
                let there = targets.get(&promised.volume).is_some_and(|hosts| hosts.contains(&initiator_of(promised)));
                let doubtful = self.oracle.abandoned.contains(&promised.volume);
                assert!(there || doubtful, "attachment {} promises what is not there", promised.id);
            }
        }
    }
}

fn is_promised(attachment: &Attachment) -> bool {
    matches!(attachment.status, AttachmentStatus::Attached | AttachmentStatus::Attaching)
        && attachment.connection.is_some()
}

fn attachments(state: &State, volume: VolumeId) -> impl Iterator<Item = &Attachment> {
    let known = state.volumes.get(&volume).into_iter();
    known.flat_map(|volume| state.attachments_of(volume)).map(AsRef::as_ref).filter(|found| found.connector.is_some())
}

fn initiator_of(attachment: &Attachment) -> String {
    attachment.connector.as_ref().and_then(|host| host.initiator.clone()).unwrap_or_default()
}

/// Whether the log knows of something of this name here.
fn is_known(state: &State, pool: &PoolName, name: &str) -> bool {
    let mut volumes = state.volumes.values().filter(|volume| volume.pool.as_ref() == Some(pool));
    let mut snapshots = state.snapshots.values().filter(|snapshot| snapshot.pool == *pool);
    volumes.any(|volume| lv_name(volume.id) == name) || snapshots.any(|of_it| snapshot_lv_name(of_it.id) == name)
}
