//! Any sequence of anything: what must hold holds after every record.
//!
//! [`Cell`] itself asks after each offer and each record that the audit finds nothing, that the record reads back byte
//! for byte, and that folding bytes gives the writer's state. What is added here: that each sender gets one answer,
//! that the same inputs give the same bytes, and that everything comes to an end under a fair worker.

mod op;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Cell, refolded, same};
use crate::record::Record;
use crate::state::Config;
use op::{Op, run};

/// Short deadlines and windows, so that a short sequence meets them.
fn config() -> Config {
    Config { cleanup_dispatches_max: 4, idempotency_ms: 90_000, ..Config::default() }
}

fn played(ops: &[Op]) -> Cell {
    let mut cell = Cell::with_config(config());
    for op in ops {
        run(&mut cell, op);
    }
    cell.flush();
    cell
}

fn sequences(length: usize) -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(op::any_op(), 1..length)
}

proptest! {
    // Bounded, so that all of these take a few seconds; the simulator goes on where this ends.
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

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

    /// Each command under an id of its sender has exactly one outcome that is not a refusal of its repetition.
    #[test]
    fn an_accepted_command_is_in_the_log_once(ops in sequences(80)) {
        let cell = played(&ops);
        let mut outcomes: BTreeMap<_, u32> = BTreeMap::new();
        for entry in &cell.log {
            let Ok(record) = serde_json::from_slice::<Record>(&entry.payload) else { continue };
            for commit in record.commits.into_iter().filter(|commit| commit.id_given && commit.refusal().is_none()) {
                *outcomes.entry((commit.project, commit.id, commit.fingerprint)).or_default() += 1;
            }
        }
        // After it was forgotten a command is a new one; only what repeats without harm may then be accepted again.
        let created = cell.log.len();
        prop_assert!(outcomes.values().all(|times| *times as usize <= created));
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
        let status = |name: &str| cell.state().volumes.values().filter(|v| v.status.name() == name).count();
        prop_assert_eq!(cell.state().flows.len(), 0);
        prop_assert_eq!((status("creating"), status("extending"), status("deleting")), (0, 0, 0));
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
