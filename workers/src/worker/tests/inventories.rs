//! When the storage is looked at, and how often.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_storage_is_looked_at_when_the_log_is_known_and_then_by_the_clock() {
    let (cell, host) = (Cell::default(), host());
    cell.send([create_task(1, 2)]);
    let clock = TestClock::new();
    let began = clock.now();
    worker(&cell, host.driver()).run(tokio::time::sleep(Duration::from_secs(125))).await;
    let parts = |report: &Report| match &report.body {
        ReportBody::Inventory(part) => Some((part.at.ms_since(began), part.as_of.0 >= 1000, part.items.len())),
        _ => None,
    };
    let found: Vec<_> = cell.lock().log.iter().filter_map(parts).collect();
    assert_eq!(found, [(0, true, 1), (60_000, true, 1), (120_000, true, 1)]);
}

#[tokio::test(start_paused = true)]
async fn where_control_finds_more_than_it_can_note_it_is_told_again_at_once() {
    let (cell, host) = (Cell::default(), host());
    cell.send([create_task(1, 2)]);
    cell.lock().more = 3;
    let clock = TestClock::new();
    let began = clock.now();
    worker(&cell, host.driver()).run(tokio::time::sleep(Duration::from_secs(65))).await;
    let inventory = |report: &Report| match &report.body {
        ReportBody::Inventory(part) => Some((part.at.ms_since(began), part.as_of)),
        _ => None,
    };
    let found: Vec<_> = cell.lock().log.iter().filter_map(inventory).collect();
    assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 0, 0, 0, 60_000]);
    assert!(found[..4].windows(2).all(|two| two[0].1 < two[1].1), "each knows of the one before: {found:?}");
}
