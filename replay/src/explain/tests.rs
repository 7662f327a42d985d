use serde_json::{Value, json};
use stele_core::record::{Record, assemble};
use stele_core::schedule::Verdict;
use stele_core::task::FailureKind;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, FixedLog, golden, run, text, volume};

fn told<L: Log>(log: &L, subject: Subject) -> (Vec<Explained>, Summary) {
    let mut found = Vec::new();
    let summary = run(explain(log, subject, &mut Silent, &mut |explained| {
        found.push(explained);
        Ok(())
    }));
    let summary = summary.unwrap();
    assert_eq!(summary.explained, found.len() as u64);
    (found, summary)
}

fn rendered(cell: &Cell, subject: Subject) -> String {
    let (found, summary) = told(&cell.log, subject);
    text(|out| {
        found.iter().try_for_each(|explained| render_explained(explained, out))?;
        summary.render(out)
    })
}

fn of_volume(number: u128) -> Subject {
    Subject::Volume(volume(number))
}

#[test]
fn a_placement_a_reschedule_and_a_failure() {
    let mut cell = Cell::with_pools();
    cell.create(1, 15);
    cell.fail(FailureKind::NoSpace);
    cell.succeed();
    cell.fail(FailureKind::NoSpace);
    cell.succeed();
    let text = rendered(&cell, of_volume(1));
    golden("explain_failed.txt", &text);
    let (found, summary) = told(&cell.log, of_volume(1));
    assert!(summary.is_sound());
    let decisions: Vec<&Explanation> = found.iter().flat_map(|explained| &explained.decisions).collect();
    assert_eq!(decisions.len(), 3);
    for explanation in &decisions {
        let recorded = explanation.recorded.as_ref().unwrap();
        assert_eq!(**recorded, explanation.decision.clone().bounded());
        for candidate in &explanation.decision.candidates {
            let rejected = candidate.checks.iter().filter(|check| check.verdict == Verdict::Rejected).count();
            assert_eq!(rejected == 0, candidate.weight.is_some(), "{candidate:?}");
        }
    }
    assert_eq!(decisions[2].decision.chosen, None);
    assert_eq!(told(&cell.log, Subject::request("req-3")).0, found);
}

/// What the log holds as a refusal's text only comes back with every pool and figure.
#[test]
fn what_was_refused_is_explained_as_well() {
    let mut cell = Cell::with_pools();
    cell.ask("type.create", &json!({ "name": "gold", "extra_specs": { "tier": "one" } }));
    cell.create(1, 15);
    cell.succeed();
    cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 80 }));
    cell.ask("volume.retype", &json!({ "id": volume(1), "type": "gold" }));
    cell.ask("quota.set", &json!({ "project": "demo", "volumes": 1 }));
    cell.create(2, 1);
    golden("explain_refused.txt", &rendered(&cell, of_volume(1)));
    let (found, _) = told(&cell.log, of_volume(1));
    let refused: Vec<&Explained> = found.iter().filter(|explained| explained.refused.is_some()).collect();
    assert_eq!(refused.len(), 2);
    for explained in refused {
        let [explanation] = explained.decisions.as_slice() else { panic!("{explained:?}") };
        assert_eq!(explanation.recorded, None);
        assert_eq!(explained.refused.as_ref().unwrap().message, explanation.decision.refusal_text());
    }
    let (found, summary) = told(&cell.log, of_volume(2));
    assert_eq!((found.len(), summary.decisions), (1, 0));
    let text = rendered(&cell, of_volume(2));
    assert!(text.contains("the scheduler was not asked") && text.contains("VolumeLimitExceeded"), "{text}");
}

/// The log holds sixteen pools and groups; the explanation holds all of them.
#[test]
fn pools_that_were_recorded_in_groups_come_one_by_one() {
    let mut cell = Cell::with_pools();
    for number in 10..50 {
        cell.backend(&format!("n{number}@lvm#vg"), 1.0);
    }
    cell.wait(1_000);
    cell.create(1, 5);
    let (found, summary) = told(&cell.log, of_volume(1));
    let [explanation] = found[0].decisions.as_slice() else { panic!("{found:?}") };
    assert_eq!(explanation.decision.candidates.len(), 43);
    let recorded = explanation.recorded.as_ref().unwrap();
    assert!(recorded.candidates.len() < 20 && !recorded.rejected_groups.is_empty());
    assert!(summary.is_sound());
    let line = text(|out| render_explained_json(&found[0], out));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["recomputed"], "same");
    assert_eq!(line["settings"]["attempts_max"], 3);
    assert_eq!(line["decisions"][0]["decision"]["candidates"].as_array().unwrap().len(), 43);
}

/// A log in which one record's bytes were changed, and every later one made to fit.
fn tampered(cell: &Cell, position: u64, change: &dyn Fn(String) -> String) -> FixedLog {
    let mut payloads = Vec::new();
    let mut prev_hash = None;
    for entry in cell.log.entries() {
        let mut record: Record = serde_json::from_slice(&entry.payload).unwrap();
        record.head.prev_hash = prev_hash.unwrap_or(record.head.prev_hash);
        let commits: Vec<Vec<u8>> = record.commits.iter().map(|commit| serde_json::to_vec(commit).unwrap()).collect();
        let mut payload = String::from_utf8(assemble(&record.head, &commits)).unwrap();
        if entry.position == Position(position) {
            let changed = change(payload.clone());
            assert_ne!(changed, payload, "nothing was changed");
            payload = changed;
        }
        prev_hash = Some(stele_core::unit::Hash::of(payload.as_bytes()));
        payloads.push(payload.into());
    }
    FixedLog::of(payloads)
}

#[test]
fn a_decision_that_was_changed_is_found() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.succeed();
    let position = told(&cell.log, of_volume(1)).0[0].position;
    assert!(
        told(&tampered(&cell, 1, &|text| text.replace("\"host\":\"test\"", "\"host\":\"else\"")), of_volume(1))
            .1
            .is_sound()
    );

    // The figures that a pool was judged by.
    let log = tampered(&cell, position.0, &|text| text.replace("\"raw\":20.0", "\"raw\":19.0"));
    let (found, summary) = told(&log, of_volume(1));
    assert_eq!((summary.differing.clone(), summary.is_sound()), (vec![position], false));
    let Recomputed::Differs(differing) = &found[0].recomputed else { panic!("{found:?}") };
    let expected = Differing {
        what: "placement_decided.decision.candidates[n2@lvm#vg].weights[capacity].raw".to_owned(),
        recorded: json!(19.0),
        recomputed: json!(20.0),
    };
    assert_eq!(differing, &[expected]);
    let text = text(|out| render_explained(&found[0], out));
    assert!(text.contains("in the log: 19.0") && text.contains("recomputed: 20.0"), "{text}");

    // The chosen pool, in the decision and in the task.
    let swap = |text: String| {
        let text = text.replace("\"chosen\":\"n1@lvm#vg\"", "\"chosen\":\"n2@lvm#vg\"");
        text.replace("\"pool\":\"n1@lvm#vg\",\"operation\"", "\"pool\":\"n2@lvm#vg\",\"operation\"")
    };
    let log = tampered(&cell, position.0, &swap);
    // The report of the other pool's worker does not matter here: the change itself is found.
    let until = FixedLog { entries: log.entries[..usize::try_from(position.0).unwrap()].to_vec() };
    let (found, _) = told(&until, of_volume(1));
    let Recomputed::Differs(differing) = &found[0].recomputed else { panic!("{found:?}") };
    let what: Vec<&str> = differing.iter().map(|differing| differing.what.as_str()).collect();
    assert_eq!(what, ["placement_decided.decision.chosen", "task_pending.task.pool"]);

    // What the pools had reported before: the decision does not follow from it any more.
    let log = tampered(&cell, 2, &|text| text.replace("30.0", "6.0"));
    assert_eq!(told(&log, of_volume(1)).1.differing, [position]);
}

/// Records that were changed and not made to fit are no part of the log any more.
#[test]
fn a_log_that_does_not_hold_together_is_not_believed() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.succeed();
    let mut payloads: Vec<_> = cell.log.entries().into_iter().map(|entry| entry.payload).collect();
    let changed = String::from_utf8(payloads[4].to_vec()).unwrap().replace("\"raw\":20.0", "\"raw\":19.0");
    assert_ne!(changed.as_bytes(), &payloads[4][..]);
    payloads[4] = changed.into();
    let (_, summary) = told(&FixedLog::of(payloads), of_volume(1));
    assert_eq!(summary.differing, [Position(5)]);
    assert_eq!(summary.damage.first().map(|bad| bad.position), Some(Position(5)), "{summary:?}");
}

#[test]
fn what_the_log_does_not_know_is_not_explained() {
    let cell = Cell::busy_day();
    let (found, summary) = told(&cell.log, of_volume(99));
    assert_eq!((found.len(), summary.is_sound(), summary.position), (0, true, cell.tail()));
}
