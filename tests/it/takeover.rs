//! Two controls on one log: one leads, the other takes over within three seconds of a kill -9.

use std::time::{Duration, Instant};

use serde_json::json;
use stele::client::command;

use crate::harness::log::fold;
use crate::roles;

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_and_nothing_is_lost_or_repeated() {
    let mut cell = roles::cell(&["control-a", "worker-a"]).await;
    let connection = cell.connection().await;
    let limits = json!({"project": "demo", "volumes": -1, "gigabytes": -1});
    command(&connection, "admin", "quota", "set", limits).await.unwrap();
    roles::add(&mut cell, "control-b");
    let mut acknowledged = Vec::new();
    let mut slowest = Duration::ZERO;
    for round in 0..60 {
        if round == 30 {
            cell.kill("control-a").await;
        }
        let began = Instant::now();
        let accepted = command(&connection, "demo", "volume", "create", json!({"size_gib": 1})).await;
        let accepted = accepted.unwrap_or_else(|e| panic!("{e}\n{}", cell.logs()));
        slowest = slowest.max(began.elapsed());
        acknowledged.push((accepted.subjects.volume.unwrap(), accepted.position));
    }
    assert!(slowest < Duration::from_secs(3), "the takeover took {slowest:?}\n{}", cell.logs());
    let (folded, records) = fold(&connection).await;
    assert_eq!(folded.chain.epoch, 2, "{}", cell.logs());
    for (volume, position) in acknowledged {
        assert!(folded.state.volumes.contains_key(&volume));
        let holding = records.iter().flat_map(|record| &record.commits);
        assert_eq!(holding.filter(|commit| commit.subjects.volume == Some(volume)).count(), 1, "at {position}");
    }
    assert_eq!(stele_core::audit::audit(&folded.state), vec![]);
}
