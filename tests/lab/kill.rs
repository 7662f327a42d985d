//! SIGKILL at any moment of an export: between two writes into configfs, between two calls of tgtadm. What comes of it is
//! whole or nothing, and never something that nobody knows of.

use std::time::Duration;

use serde_json::json;
use stele::client::command;
use stele::nats::Connection;
use stele_core::id::AttachmentId;
use stele_core::state::State;

use crate::harness::cell::Cell;
use crate::harness::log::fold;
use crate::lvm::{volume_groups, volumes};
use crate::node::{PORTAL, Tgtd, exports};

/// The moments, in milliseconds after the command: an export takes about a quarter of a second in the lab.
const MOMENTS_MS: [u64; 8] = [20, 60, 100, 140, 180, 220, 280, 360];

async fn killed_at_any_moment(target: &str) {
    let group = volume_groups().0;
    let mut cell = Cell::start().await;
    let (key, data) = (cell.path("chap.key"), cell.path("control"));
    stele::key_file::make(key.as_ref()).unwrap();
    cell.add("control", words("control --claim-after-ms 0 --server-syncs --data", &[&data]));
    let worker = format!(
        "worker --backend lab@lvm --driver lvm --volume-group {group} --ack-wait-ms 1500 --target {target} --portal {PORTAL} --chap-key-file"
    );
    cell.add("worker", words(&worker, &[&key]));
    let connection = cell.connection().await;
    until(&connection, &cell, |state| !state.pools.is_empty()).await;
    let made = command(&connection, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
    let volume = made.subjects.volume.unwrap();
    until(&connection, &cell, |state| state.flows.is_empty()).await;
    for moment_ms in MOMENTS_MS {
        let host = json!({"host": "h1", "initiator": "iqn.1993-08.org.debian:01:h1"});
        let content = json!({"volume": volume, "connector": host});
        let asked = command(&connection, "demo", "attachment", "create", content).await.unwrap();
        let attachment = asked.subjects.attachment.unwrap();
        kill_after(&mut cell, moment_ms).await;
        until(&connection, &cell, |state| state.flows.is_empty() && is_connected(state, attachment)).await;
        assert_eq!(exports().await.len(), 1, "{moment_ms} ms\n{}", cell.logs());
        command(&connection, "demo", "attachment", "delete", json!({"id": attachment})).await.unwrap();
        kill_after(&mut cell, moment_ms).await;
        until(&connection, &cell, |state| state.flows.is_empty() && state.attachments.is_empty()).await;
        assert_eq!(exports().await, Vec::<String>::new(), "{moment_ms} ms\n{}", cell.logs());
    }
    // An inventory finds nothing that should not be.
    let asked = command(&connection, "admin", "drift", "scan", json!({})).await.unwrap().position;
    until(&connection, &cell, |state| state.pools.values().all(|pool| pool.inventory_asked.is_none())).await;
    let (folded, _) = fold(&connection).await;
    assert!(folded.chain.position > asked);
    assert_eq!(folded.state.drifts.len(), 0, "{:?}", folded.state.drifts);
    command(&connection, "demo", "volume", "delete", json!({"id": volume})).await.unwrap();
    until(&connection, &cell, |state| state.volumes.is_empty()).await;
    assert_eq!(volumes(&group), vec![]);
    assert_eq!(stele_core::audit::audit(&fold(&connection).await.0.state), vec![]);
}

fn words(text: &str, more: &[&str]) -> Vec<String> {
    text.split(' ').chain(more.iter().copied()).map(str::to_owned).collect()
}

fn is_connected(state: &State, id: AttachmentId) -> bool {
    state.attachments.get(&id).is_some_and(|attachment| attachment.connection.is_some())
}

/// The time is what is tested: no condition is waited for.
async fn kill_after(cell: &mut Cell, moment_ms: u64) {
    tokio::time::sleep(Duration::from_millis(moment_ms)).await;
    cell.kill("worker").await;
    cell.spawn("worker");
}

async fn until(connection: &Connection, cell: &Cell, is_so: impl Fn(&State) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    while !is_so(&fold(connection).await.0.state) {
        assert!(tokio::time::Instant::now() < deadline, "it does not come about\n{}", cell.logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_be_killed_at_any_moment_of_an_export_by_lio() {
    killed_at_any_moment("lio").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_be_killed_at_any_moment_of_an_export_by_tgt() {
    let tgtd = Tgtd::start().await;
    killed_at_any_moment("tgt").await;
    tgtd.kill().await;
}
