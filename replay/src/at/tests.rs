use stele_core::digest::StateDigest;
use stele_core::fold::Folded;
use stele_core::task::FailureKind;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, golden, golden_log, run, text};

fn at_position(cell: &Cell, position: u64) -> Result<Snapshot, AtError> {
    run(at(&cell.log, Moment::Position(Position(position)), &mut Silent))
}

#[test]
fn a_position_is_what_folding_to_it_gives() {
    let mut cell = Cell::busy_day();
    cell.stray(b"noise");
    let mut folded = Folded::default();
    for entry in cell.log.entries() {
        folded.fold(&entry).unwrap();
        let found = at_position(&cell, entry.position.0).unwrap();
        assert_eq!(StateDigest::of(&found.state), StateDigest::of(&folded.state));
        assert_eq!((found.position, found.at), (folded.chain.position, folded.chain.at));
    }
    let head = run(at(&cell.log, Moment::Head, &mut Silent)).unwrap();
    assert_eq!(head.position, cell.tail());
    let beyond = SourceError::BeyondTail { asked: Position(99), tail: cell.tail() };
    assert_eq!(at_position(&cell, 99).unwrap_err(), beyond.into());
}

#[test]
fn a_time_is_the_last_record_at_or_before_it() {
    let mut cell = Cell::new();
    let first = cell.now;
    cell.wait(1_000);
    cell.backend("n1@lvm#vg", 10.0);
    cell.wait(1_000);
    cell.create(1, 1);
    cell.create(2, 1);
    let at_ms = |ms: i64| {
        let time = Timestamp::from_micros(first.micros() + ms * 1000);
        run(at(&cell.log, Moment::Time(time), &mut Silent)).unwrap().position.0
    };
    let rows = [(-1, 0), (0, 1), (999, 1), (1_000, 2), (1_001, 2), (1_999, 2), (2_000, 4), (9_999_999, 4)];
    for (ms, position) in rows {
        assert_eq!(at_ms(ms), position, "{ms} ms behind the first record");
    }
    let before = run(at(&cell.log, Moment::Time(Timestamp::from_millis(0)), &mut Silent)).unwrap();
    assert_eq!(text(|out| before.render(Which::Volumes, out)), "before the first record\nnothing\n");
}

const VIEWS: [&str; 10] =
    ["volumes", "quota", "pools", "services", "types", "flows", "snapshots", "attachments", "groups", "transfers"];

/// Each of them where the golden records first have something of it.
#[test]
fn what_hangs_on_volumes_is_seen_too() {
    let log = golden_log();
    let mut all = String::new();
    for which in VIEWS.into_iter().skip(6) {
        let seen = (1..=log.entries().len() as u64).find_map(|position| {
            let snapshot = run(at(&log, Moment::Position(Position(position)), &mut Silent)).unwrap();
            let shown = text(|out| snapshot.render(which.parse().unwrap(), out));
            (!shown.ends_with("nothing\n")).then_some(shown)
        });
        all.push_str(&seen.unwrap());
        all.push('\n');
    }
    golden("at_hanging.txt", &all);
}

#[test]
fn every_view_is_a_table_and_data() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.succeed();
    cell.ask("quota.set", &serde_json::json!({ "project": "demo", "volumes": 7, "gigabytes_gold": 3 }));
    cell.ask("type.create", &serde_json::json!({ "name": "gold", "extra_specs": { "k": "v" } }));
    cell.ask("service.disable", &serde_json::json!({ "backend": "n3@lvm", "reason": "disk is old" }));
    cell.create(2, 3);
    cell.fail(FailureKind::NoSpace);
    let snapshot = run(at(&cell.log, Moment::Head, &mut Silent)).unwrap();
    let mut all = String::new();
    for which in VIEWS.into_iter().take(6) {
        let which: Which = which.parse().unwrap();
        all.push_str(&text(|out| snapshot.render(which, out)));
        all.push('\n');
    }
    golden("at_views.txt", &all);
    let answer = serde_json::to_value(snapshot.answer(Which::Pools)).unwrap();
    assert_eq!(answer["position"], 11);
    assert_eq!(answer["pools"][0]["claimed_gib"], 8);
}
