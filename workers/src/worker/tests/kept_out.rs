//! A target that was started anew lets no host in before everything is back.

use super::*;
use crate::testing::connect_task;

/// What control does when the first inventory tells that an export is missing.
async fn restore_when_missing(cell: &Cell, task: Task) {
    let told = |state: &State| state.log.iter().any(|report| matches!(report.body, ReportBody::Inventory(_)));
    cell.until(told).await;
    cell.send([task]);
}

#[tokio::test(start_paused = true)]
async fn hosts_are_let_in_when_two_inventories_in_a_row_found_the_same() {
    let (cell, host) = (Cell::default(), host().with_targets());
    cell.send([create_task(1, 1)]);
    host.restart_target();
    let looks = async {
        restore_when_missing(&cell, connect_task(1)).await;
        let mut seen = Vec::new();
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(1000)).await;
            seen.push((host.targets(&pool()).len(), host.keeps_hosts_out()));
        }
        seen
    };
    let seen = tokio::select! {
        ended = worker(&cell, host.driver()).run(std::future::pending()) => panic!("{ended:?}"),
        seen = looks => seen,
    };
    let let_in = seen.iter().position(|(_, kept_out)| !kept_out).unwrap();
    assert!(seen[..let_in].iter().any(|(exports, _)| *exports == 1), "it was there before: {seen:?}");
    assert!(seen[let_in..].iter().all(|now| *now == (1, false)), "{seen:?}");
    // Two seconds between heartbeats: what is missing, what came back, and the same once more.
    assert!((3..=7).contains(&let_in), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_nothing_is_promised_of_lets_hosts_in_soon() {
    let (cell, host) = (Cell::default(), host().with_targets());
    cell.send([create_task(1, 1)]);
    host.restart_target();
    worker(&cell, host.driver()).run(tokio::time::sleep(Duration::from_secs(6))).await;
    assert!(!host.keeps_hosts_out());
}

#[tokio::test(start_paused = true)]
async fn portals_that_cannot_be_opened_are_tried_once_for_each_inventory() {
    let (cell, host) = (Cell::default(), host().with_targets());
    cell.send([create_task(1, 1)]);
    host.restart_target();
    host.break_portals(true);
    let watched = async {
        let mut tries = Vec::new();
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            tries.push(host.tries_to_open());
        }
        host.break_portals(false);
        tokio::time::sleep(Duration::from_secs(62)).await;
        (tries, host.keeps_hosts_out())
    };
    let seen = tokio::select! {
        ended = worker(&cell, host.driver()).run(std::future::pending()) => panic!("{ended:?}"),
        seen = watched => seen,
    };
    assert_eq!(seen, (vec![1, 2, 3, 4, 5], false));
}
