//! Any sequence of anything: what must hold holds after every record.
//!
//! [`Cell`] itself asks after each offer and each record that the audit finds nothing, that the record reads back byte
//! for byte, and that folding bytes gives the writer's state. What is added here: that each sender gets one answer,
//! that the same inputs give the same bytes, and that everything comes to an end under a fair worker.

mod line;
mod op;
mod replayed;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Cell, refolded, same};
use crate::record::Record;
use crate::scenario::event_names;
use crate::state::Config;
use op::{Op, run};

/// Short deadlines and windows, so that a short sequence meets them.
fn config() -> Config {
    Config { cleanup_dispatches_max: 4, task_dispatches_max: 2, idempotency_ms: 90_000, ..Config::default() }
}

fn played(ops: &[Op]) -> Cell {
    played_in(config(), ops)
}

fn played_in(config: Config, ops: &[Op]) -> Cell {
    let mut cell = Cell::with_config(config);
    cell.run("backend n0@lvm#p0; backend n1@lvm#p0; backend n2@lvm#p0; type create gold");
    cell.run(r#"do type.create {"id":"<many>","name":"many","extra_specs":{"multiattach":"<is> True"}}"#);
    cell.run(r#"do group_type.create {"id":"<set>","name":"set"}"#);
    // Something to work on, so that a short sequence comes far.
    cell.run("create a 2; report a ok; create b 3 type=gold; report b ok");
    cell.run(r#"do snapshot.create {"id":"<s1>","volume":"<a>"}; report s1 ok"#);
    cell.run(r#"create c 1; report c ok; do attachment.create {"id":"<t1>","volume":"<c>","connector":{"host":"h1"}}"#);
    cell.run(r#"report t1 ok; do attachment.complete {"id":"<t1>"}"#);
    cell.run(r#"do group.create {"id":"<g1>","group_type":"set","volume_types":["gold","__DEFAULT__"]}"#);
    for op in ops {
        run(&mut cell, op);
    }
    cell.flush();
    cell
}

fn records(cell: &Cell) -> impl Iterator<Item = Record> {
    cell.log.iter().filter_map(|entry| serde_json::from_slice(&entry.payload).ok())
}

fn sequences(length: usize) -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(op::any_op(), 1..length)
}

proptest! {
    // Bounded, so that all of these take a few seconds; the simulator goes on where this ends.
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_that_must_hold_holds(ops in sequences(120)) {
        let cell = played(&ops);
        same(&refolded(&cell.log), &cell.standby);
    }

    /// Bytes, not only states: a replay that decides again can be compared with the log.
    #[test]
    fn the_same_inputs_give_the_same_bytes(ops in sequences(60)) {
        let (one, two) = (played(&ops), played(&ops));
        prop_assert!(one.log == two.log);
    }

    #[test]
    fn nobody_is_answered_twice(ops in sequences(80)) {
        let mut cell = played(&ops);
        let mut answered: BTreeMap<u32, u32> = BTreeMap::new();
        for answer in std::mem::take(&mut cell.answers) {
            *answered.entry(op::reply(&answer)).or_default() += 1;
        }
        prop_assert!(answered.values().all(|times| *times == 1), "{answered:?}");
    }

    /// As long as it is remembered, a command is accepted once, however often and whichever way it comes.
    #[test]
    fn a_command_is_accepted_once(ops in sequences(80)) {
        let cell = played_in(Config { idempotency_ms: u64::MAX, ..config() }, &ops);
        let mut accepted: BTreeMap<_, u32> = BTreeMap::new();
        for record in records(&cell) {
            for commit in record.commits.into_iter().filter(|commit| commit.id_given && commit.refusal().is_none()) {
                *accepted.entry((commit.project, commit.id)).or_default() += 1;
            }
        }
        prop_assert!(accepted.values().all(|times| *times == 1), "{accepted:?}");
    }

    /// Workers that answer, heartbeats that come and time that passes lead every flow to its end.
    #[test]
    fn everything_comes_to_an_end(ops in sequences(80)) {
        let mut cell = played(&ops);
        for _ in 0..40 {
            if cell.state().flows.is_empty() {
                break;
            }
            op::be_fair(&mut cell);
        }
        let state = cell.state();
        prop_assert_eq!(state.flows.len(), 0);
        prop_assert!(state.volumes.values().all(|volume| volume.status.flow().is_none()));
        prop_assert!(state.snapshots.values().all(|snapshot| snapshot.status.flow().is_none()));
        prop_assert!(state.attachments.values().all(|attachment| attachment.status.flow().is_none()));
        prop_assert!(cell.state().reservations.is_empty() && cell.state().deadlines.is_empty());
    }

    /// Silence comes to an end as well: no worker ever answers, only time passes.
    #[test]
    fn silence_comes_to_an_end(ops in sequences(60)) {
        let mut cell = played(&ops);
        for _ in 0..60 {
            cell.now = cell.now.plus_ms(3_600_000);
            cell.offer_late();
            cell.flush();
        }
        prop_assert_eq!(cell.state().flows.len(), 0);
    }
}

/// The sequences reach what they are to test: every event occurs in them, and accepted and refused commands both.
#[test]
fn the_sequences_reach_every_event() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met: BTreeMap<&'static str, u32> = BTreeMap::new();
    for _ in 0..1200 {
        let tree = sequences(200).new_tree(&mut runner).unwrap();
        let ops = tree.current();
        let cell = played(&ops);
        let events = records(&cell).flat_map(|record| record.commits).flat_map(|commit| commit.events);
        events.for_each(|event| *met.entry(event.name()).or_default() += 1);
    }
    let missing: Vec<&str> = event_names().into_iter().filter(|name| !met.contains_key(name)).collect();
    assert!(missing.is_empty(), "{missing:?} never happened among {met:?}");
}
