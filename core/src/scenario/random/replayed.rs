//! What the log can be asked later: why it was decided so, and who holds what.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{played, sequences};
use crate::chain::Link;
use crate::decide::{Again, again};
use crate::event::Event;
use crate::fold::{Folded, Step};
use crate::id::ProjectId;
use crate::ledger::Ledger;
use crate::port::LogEntry;
use crate::scenario::everything;
use crate::schedule::Decision;
use crate::state::{QuotaResource, UsageLine};

/// Folds step by step, as the audit tool does.
fn steps(log: &[LogEntry], each: &mut dyn FnMut(&Step<'_>)) -> Folded {
    let mut folded = Folded::default();
    for entry in log {
        match folded.chain.link(entry).unwrap() {
            Link::Record(record, hash) => folded.fold_steps(&record, entry.position, hash, each).unwrap(),
            Link::Stray(_) => folded.strays += 1,
        }
    }
    folded
}

fn decisions(events: &[Event]) -> Vec<&Decision> {
    events.iter().filter_map(decided).collect()
}

fn decided(event: &Event) -> Option<&Decision> {
    match event {
        Event::PlacementDecided { decision, .. } => Some(decision),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every commit of a history comes out again, and every recorded decision is one of the questions that were asked.
    #[test]
    fn deciding_again_gives_what_was_decided(ops in sequences(100)) {
        let cell = played(&ops);
        let mut asked_total = 0;
        let folded = steps(&cell.log, &mut |step| {
            let Step { before, seen, commit, position, .. } = *step;
            let Some(Again { commit: again, asked }) = again(before, seen, commit, position).unwrap() else {
                assert!(commit.refusal().is_some(), "what is no JSON is refused");
                return;
            };
            let again = again.expect("it was worth a place in the log");
            assert_eq!(again.events, commit.events, "at position {position}: {}", commit.command.text());
            assert_eq!((&again.subjects, again.fingerprint), (&commit.subjects, commit.fingerprint));
            let mut asked = asked.iter().map(|asked| asked.decision.clone().bounded());
            asked_total += asked.len();
            for recorded in decisions(&commit.events) {
                assert!(asked.any(|asked| asked == *recorded), "{recorded:?} was not asked for, in this order");
            }
        });
        super::super::same(&folded, &cell.standby);
        prop_assert!(asked_total >= 4, "every history begins with some placements");
    }

    /// Who holds what sums to the counters behind every commit, for every project, and everything that is held was
    /// taken by an event that says so.
    #[test]
    fn what_is_held_sums_to_the_counters(ops in sequences(150)) {
        let cell = played(&ops);
        let mut ledgers = ["demo", "other", "admin"].map(|name| Ledger::new(ProjectId::new(name).unwrap()));
        let folded = steps(&cell.log, &mut |step| ledgers.iter_mut().for_each(|ledger| ledger.take(step)));
        for (name, ledger) in ["demo", "other", "admin"].iter().zip(&ledgers) {
            let project = ProjectId::new(name).unwrap();
            prop_assert_eq!(ledger.differences().0, &[]);
            let mut sums: BTreeMap<QuotaResource, UsageLine> = BTreeMap::new();
            for (resource, holder, units) in ledger.taken() {
                for unit in units {
                    prop_assert!(unit.amount > 0 && !unit.cause.event.is_empty(), "{} {:?}", holder, unit);
                    sums.entry(resource).or_default().in_use += unit.amount;
                }
            }
            for delta in ledger.holds().flat_map(|hold| &hold.deltas) {
                sums.entry(delta.resource).or_default().reserved += delta.delta;
            }
            let counted = folded.state.usage.get(&project).map(|usage| usage.lines.clone()).unwrap_or_default();
            prop_assert_eq!(sums, counted);
        }
    }
}

/// The history with every event in it: a transfer to another project as well, which chance seldom brings.
#[test]
fn everything_comes_out_again_and_is_held_by_somebody() {
    let cell = everything::told();
    let mut ledgers = ["demo", "other", "admin"].map(|name| Ledger::new(ProjectId::new(name).unwrap()));
    let mut moved = 0;
    steps(&cell.log, &mut |step| {
        ledgers.iter_mut().for_each(|ledger| ledger.take(step));
        moved +=
            ledgers[1].taken().flat_map(|(.., units)| units).filter(|u| u.cause.event == "transfer_accepted").count();
        let Some(again) = again(step.before, step.seen, step.commit, step.position).unwrap() else { return };
        assert_eq!(again.commit.unwrap().events, step.commit.events, "at position {}", step.position);
    });
    assert!(moved > 0, "nothing was transferred");
    ledgers.iter().for_each(|ledger| assert_eq!(ledger.differences(), ([].as_slice(), 0)));
}

/// The histories hold what they are to prove: rescheduled and refused placements, and quota of every kind.
#[test]
fn the_histories_reach_what_they_are_to_prove() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..150 {
        let ops = sequences(200).new_tree(&mut runner).unwrap().current();
        let mut ledgers = ["demo", "other"].map(|name| Ledger::new(ProjectId::new(name).unwrap()));
        steps(&played(&ops).log, &mut |step| {
            ledgers.iter_mut().for_each(|ledger| ledger.take(step));
            let Ok(Some(again)) = again(step.before, step.seen, step.commit, step.position) else { return };
            for asked in again.asked {
                let Decision { request, chosen, attempt, .. } = asked.decision;
                let what = serde_json::to_value(request.purpose).unwrap().to_string();
                let found = if chosen.is_some() { "found" } else { "none" };
                *met.entry(format!("{what} {found}")).or_default() += 1;
                *met.entry(format!("attempt {attempt}")).or_default() += 1;
            }
            for (resource, holder, units) in ledgers.iter().flat_map(Ledger::taken) {
                let kind = resource.to_string().split('_').next().unwrap().to_owned();
                let of = holder.to_string().split(' ').next().unwrap().to_owned();
                *met.entry(format!("{kind} of a {of}")).or_default() += 1;
                units.iter().for_each(|unit| *met.entry(unit.cause.event.to_owned()).or_default() += 1);
            }
            *met.entry("reserved".to_owned()).or_default() +=
                u32::from(ledgers.iter().any(|ledger| ledger.holds().next().is_some()));
        });
    }
    let wanted = [
        "\"create\" found",
        "\"create\" none",
        "\"snapshot\" found",
        "\"snapshot\" none",
        "\"retype\" found",
        "attempt 2",
        "attempt 3",
        "volumes of a volume",
        "gigabytes of a snapshot",
        "snapshots of a snapshot",
        "groups of a group",
        "volume_entry_created",
        "volume_extended",
        "volume_managed",
        "volume_retyped",
        "snapshot_entry_created",
        "group_created",
        "reserved",
    ];
    let missing: Vec<&&str> = wanted.iter().filter(|name| !met.contains_key(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} never happened among {met:?}");
}
