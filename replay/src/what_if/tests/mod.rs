mod random;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stele_core::audit::audit;
use stele_core::id::PoolName;
use stele_core::task::FailureKind;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, golden, run, text, volume};
use random::history;

fn changes(set: &[&str], without: &[&str], with: &[&str]) -> Changes {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    Changes::read(&owned(set), &owned(without), &owned(with)).unwrap()
}

fn told<L: Log>(log: &L, changes: Changes) -> (Vec<Difference>, Summary) {
    let mut found = Vec::new();
    let summary = run(what_if(log, changes, None, &mut Silent, &mut |difference| {
        found.push(difference);
        Ok(())
    }));
    (found, summary.unwrap())
}

fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

fn placements(found: &[Difference]) -> Vec<(Option<&str>, Option<&str>)> {
    let of = |difference: &Difference| match &difference.what {
        What::Placement { pool, .. } => {
            Some((pool.recorded.clone(), pool.other.clone())).map(|(then, now)| (leak(then), leak(now)))
        }
        What::Outcome { .. } => None,
    };
    found.iter().filter_map(of).collect()
}

fn leak(pool: Option<PoolName>) -> Option<&'static str> {
    pool.map(|pool| &*Box::leak(pool.as_str().to_owned().into_boxed_str()))
}

fn endings(found: &[Difference]) -> Vec<(String, &'static str, &'static str)> {
    let code = |ended: &Ended| match ended {
        Ended::Accepted => "accepted",
        Ended::Refused { code, .. } => code,
        Ended::Failed { .. } => "failed",
    };
    let of = |difference: &Difference| match &difference.what {
        What::Outcome { outcome, .. } => {
            Some((difference.command.clone(), code(&outcome.recorded), code(&outcome.other)))
        }
        What::Placement { .. } => None,
    };
    found.iter().filter_map(of).collect()
}

fn ends<'a>(summary: &'a Summary, name: &str) -> &'a PoolEnd {
    summary.pools.iter().find(|end| end.pool == pool(name)).unwrap()
}

/// Two volumes that spread over n1 and n2, and what the pools report behind them.
fn spread() -> Cell {
    let mut cell = Cell::with_pools();
    cell.create(1, 12);
    cell.succeed();
    cell.create(2, 5);
    cell.succeed();
    cell.backend("n1@lvm#vg", 18.0);
    cell.backend("n2@lvm#vg", 15.0);
    cell.backend("n3@lvm#vg", 2.0);
    cell
}

#[test]
fn other_weights_place_otherwise() {
    let cell = spread();
    let (found, summary) = told(&cell.log, changes(&["scheduler.weighers.capacity=-1"], &[], &[]));
    let (n1, n2) = (Some("n1@lvm#vg"), Some("n2@lvm#vg"));
    // The first goes to the smaller of two that have room; 8 GiB are left there, so that the second goes there as well.
    assert_eq!(placements(&found), [(n1, n2)]);
    let What::Placement { why, attempt, size_gib, .. } = &found[0].what else { panic!("{found:?}") };
    assert_eq!((*attempt, *size_gib), (1, 12));
    let parts = [
        "recorded: n1@lvm#vg weighs 1.000 (capacity 30.00 x 1), n2@lvm#vg 0.000 (capacity 20.00 x 1)",
        "other: n2@lvm#vg weighs 0.000 (capacity 20.00 x -1), n1@lvm#vg -1.000 (capacity 30.00 x -1)",
    ];
    assert_eq!(*why, parts.join("; "));
    assert!(!summary.identical);
    assert_eq!((summary.volumes.elsewhere, summary.volumes.count), (1, Both { recorded: 2, other: 2 }));
    // `backend` reports the free figure as the total as well, and nothing promised: what it holds is what moves.
    let free = |pool: &PoolEnd| pool.fill.map(|fill| fill.map(|fill| fill.total_gib - fill.claimed_gib));
    assert_eq!(free(ends(&summary, "n1@lvm#vg")), Both { recorded: Some(18.0), other: Some(18.0) });
    assert_eq!(free(ends(&summary, "n2@lvm#vg")), Both { recorded: Some(15.0), other: Some(3.0) });
    assert_eq!(summary.counts.assumed_outcomes, 1);
    assert_eq!(summary.counts.reports_left_out, 1);
}

#[test]
fn a_failure_belongs_to_its_pool() {
    let mut cell = Cell::with_pools();
    cell.create(1, 12);
    cell.fail(FailureKind::NoSpace);
    cell.succeed();
    cell.succeed();
    cell.create(2, 1);
    cell.succeed();
    // On n1 it failed and went on to n2; on n2 it would have been well at once.
    let (found, summary) = told(&cell.log, changes(&["scheduler.weighers=capacity:-1"], &[], &[]));
    assert_eq!(placements(&found)[0], (Some("n1@lvm#vg"), Some("n2@lvm#vg")));
    assert_eq!((summary.volumes.elsewhere, summary.counts.placements), (1, Both { recorded: 3, other: 2 }));
    // With one attempt the failure, which both have, is the end.
    let (found, summary) = told(&cell.log, changes(&["scheduler.attempts_max=1"], &[], &[]));
    assert_eq!(placements(&found), [(Some("n2@lvm#vg"), None)]);
    let What::Placement { attempt, why, .. } = &found[0].what else { panic!("{found:?}") };
    assert!(*attempt == 2 && why.contains("exceeded max scheduling attempts 1"), "{why}");
    assert_eq!(summary.counts.without_place, Both { recorded: 0, other: 1 });
}

#[test]
fn other_limits_refuse_and_accept_otherwise() {
    let mut cell = Cell::with_pools();
    cell.ask("quota.set", &json!({ "project": "demo", "volumes": 2 }));
    cell.create(1, 1);
    cell.succeed();
    cell.create(2, 1);
    cell.succeed();
    cell.create(3, 1);
    cell.ask("volume.extend", &json!({ "id": volume(2), "size_gib": 3 }));
    cell.succeed();
    cell.ask("volume.delete", &json!({ "id": volume(2) }));
    cell.succeed();
    let create = || "volume.create".to_owned();

    let (found, summary) = told(&cell.log, changes(&["quota.demo.volumes=9"], &[], &[]));
    assert_eq!(endings(&found), [(create(), "VolumeLimitExceeded", "accepted")]);
    let What::Outcome { pool: chosen, subject, .. } = &found[0].what else { panic!("{found:?}") };
    assert_eq!((chosen.as_ref(), subject.clone()), (Some(&pool("n1@lvm#vg")), Some(format!("volume {}", volume(3)))));
    assert_eq!((summary.counts.accepted_there, summary.volumes.only_other), (1, 1));
    assert_eq!(summary.counts.assumed_outcomes, 1, "the volume that nobody made is made");

    // What the log says about volume 2 has nothing to say where it was never made.
    let (found, summary) = told(&cell.log, changes(&["quota.demo.volumes=1"], &[], &[]));
    assert_eq!(endings(&found), [(create(), "accepted", "VolumeLimitExceeded")]);
    assert_eq!((summary.counts.refused_there, summary.counts.skipped), (1, 2));
    assert_eq!(summary.counts.refused.other, [("VolumeLimitExceeded", 2), ("VolumeNotFound", 2)].into());
    assert_eq!(summary.volumes.count, Both { recorded: 1, other: 1 });

    // The project has a limit of its own, so that one for all others changes nothing for it.
    let (found, summary) = told(&cell.log, changes(&["quota.default.volumes=1"], &[], &[]));
    assert_eq!((found.len(), summary.differing_tables), (0, vec!["quota_classes".to_owned()]));
}

#[test]
fn pools_come_and_go() {
    let cell = spread();
    let (found, summary) = told(&cell.log, changes(&[], &["n1@lvm#vg"], &[]));
    let (n1, n2) = (Some("n1@lvm#vg"), Some("n2@lvm#vg"));
    assert_eq!(placements(&found), [(n1, n2)]);
    let What::Placement { why, .. } = &found[0].what else { panic!("{found:?}") };
    assert!(why.ends_with("other: n1@lvm#vg was no candidate"), "{why}");
    assert_eq!(ends(&summary, "n1@lvm#vg").fill.other, None);
    assert_eq!(summary.unmet, Vec::<String>::new());

    let (found, summary) = told(&cell.log, changes(&[], &[], &["n9@lvm#big=100,tier=fast"]));
    let n9 = Some("n9@lvm#big");
    assert_eq!(placements(&found), [(n1, n9), (n2, n9)]);
    let end = ends(&summary, "n9@lvm#big").fill;
    assert_eq!(end.recorded, None);
    let fill = end.other.unwrap();
    assert_eq!((fill.total_gib, fill.claimed_gib, fill.provisioned_gib, fill.thin), (100.0, 17.0, 17.0, false));

    // A pool of the log with more room; one in another zone, which nobody asks for.
    let (found, _) = told(&cell.log, changes(&[], &[], &["n2@lvm#vg=50"]));
    assert_eq!(placements(&found), [(n1, n2)]);
    let (found, _) = told(&cell.log, changes(&[], &[], &["n9@lvm#big=100,zone=moon"]));
    assert_eq!(found, []);
    let (_, summary) = told(&cell.log, changes(&["quota.demo.volumes_iron=3"], &["n8@lvm#vg"], &[]));
    let unmet = [
        "volumes_iron: no volume type of that name at the log's end",
        "n8@lvm#vg never reported; these did: n1@lvm#vg, n2@lvm#vg, n3@lvm#vg",
    ];
    assert_eq!(summary.unmet, unmet);
}

#[test]
fn what_is_no_change_is_refused_by_name() {
    let refused = |set: &[&str], without: &[&str], with: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        Changes::read(&owned(set), &owned(without), &owned(with)).unwrap_err().to_string()
    };
    let unknown = refused(&["scheduler.colour=red"], &[], &[]);
    for part in [
        r#"there is no setting "scheduler.colour""#,
        "scheduler.attempts_max, ",
        "scheduler.filters, ",
        "scheduler.weighers.NAME, ",
        "quota.PROJECT.RESOURCE",
        "per_volume_gigabytes, ",
    ] {
        assert!(unknown.contains(part), "{part} is not in {unknown}");
    }
    for (set, part) in [
        ("quota.demo.colour=3", "there is no setting"),
        ("task_deadline_ms=3", "there is no setting"),
        ("scheduler.attempts_max", "not of the form KEY=VALUE"),
        ("scheduler.attempts_max=many", "cannot be \"many\""),
        ("scheduler.filters=capacity,colour", "unknown variant `colour`"),
        ("scheduler.weighers.colour=1", "unknown variant `colour`"),
        ("quota.demo.volumes=-2", "from 0 on, or -1"),
    ] {
        let why = refused(&[set], &[], &[]);
        assert!(why.contains(part), "{set}: {why}");
    }
    assert!(refused(&[], &["n1"], &[]).contains("host@backend#pool"));
    assert!(refused(&[], &[], &["n1@lvm#vg"]).contains("TOTAL_GIB"));
    assert!(refused(&[], &[], &["n1@lvm#vg=-5"]).contains("a capacity is a number"));
    assert!(refused(&[], &[], &["n1@lvm#vg=5,total_volumes=1"]).contains("total_volumes has its own field"));
    assert!(refused(&[], &["n1@lvm#vg"], &["n1@lvm#vg=5"]).contains("--without-pool"));
    let read = changes(&["scheduler.filters=capacity", "scheduler.weighers=[[\"capacity\",2.5]]"], &[], &[]);
    let config = read.scheduler(&stele_core::schedule::SchedulerConfig::default()).unwrap();
    assert_eq!((config.filters.len(), config.weighers[0].1), (1, 2.5));
}

/// Whatever is changed: what must hold holds in the other history, nothing hangs in it that did not hang, and its pools
/// report what a storage would report on which its volumes lie.
#[test]
fn another_history_is_a_sound_one() {
    let options: [(&[&str], &[&str], &[&str]); 6] = [
        (&["scheduler.weighers.capacity=-1"], &[], &[]),
        (&["scheduler.attempts_max=1", "scheduler.filters=capacity"], &[], &[]),
        (&["quota.demo.volumes=8", "quota.demo.gigabytes=40"], &[], &[]),
        (&["quota.demo.volumes=-1", "quota.demo.gigabytes=-1", "quota.demo.snapshots=-1"], &[], &[]),
        (&[], &["n1@lvm#vg"], &[]),
        (&[], &[], &["n5@lvm#vg=200"]),
    ];
    let mut differences = 0;
    for seed in 0..3 {
        let mut cell = history(seed, 1200);
        // After a while a report is recorded also where it brings nothing new.
        cell.wait(30_000);
        random::heartbeats(&mut cell);
        for (set, without, with) in options {
            let changes = changes(set, without, with);
            let mut count = 0;
            let mut each = |_| {
                count += 1;
                Ok(())
            };
            let (engine, walk, _) = run(replayed(&cell.log, changes, None, &mut Silent, &mut each)).unwrap();
            differences += count;
            let what = format!("seed {seed}, {set:?} {without:?} {with:?}");
            let (recorded, other) = (&walk.folded.state, &engine.other.state);
            assert_eq!(audit(other), [], "{what}");
            for (name, total) in random::POOLS.iter().filter(|(name, _)| !without.contains(name)) {
                let stats = &other.pools[&pool(name)].stats;
                let held = random::held_gib(other, &pool(name));
                assert!((stats.provisioned_capacity_gb - held).abs() < 1e-6, "{what}: {name} {stats:?}, not {held}");
                if !stats.thin_provisioning_support && held <= *total {
                    assert_eq!(stats.free_capacity_gb.unwrap().gib(), Some(total - held), "{what}: {name}");
                }
            }
            // Flows that wait for a worker of the log, or for one of the assumed ones a moment later.
            let hanging: Vec<_> = other
                .flows
                .keys()
                .filter(|flow| !recorded.flows.contains_key(*flow) && !engine.is_waiting(**flow))
                .collect();
            assert!(hanging.is_empty(), "{what}: {hanging:?}");
        }
    }
    assert!(differences > 1000, "{differences}");
}

/// With nothing changed the other history is the recorded one, to the last byte of the digest.
#[test]
fn without_changes_nothing_differs() {
    let mut met = BTreeSet::new();
    for seed in 0..6 {
        let cell = history(seed, 1500);
        let (found, summary) = told(&cell.log, Changes::default());
        assert_eq!(found, [], "seed {seed}");
        assert!(summary.identical && summary.differing_tables.is_empty(), "seed {seed}: {summary:?}");
        let counts = &summary.counts;
        let other =
            (counts.assumed_outcomes, counts.reports_left_out, counts.figures_changed, counts.inventories_left_out);
        assert_eq!(other, (0, 0, 0, 0));
        assert_eq!(counts.refused.recorded, counts.refused.other);
        for entry in cell.log.entries() {
            let record: Value = serde_json::from_slice(&entry.payload).unwrap();
            let commits = record["commits"].as_array().unwrap().iter();
            let events = commits.flat_map(|commit| commit["events"].as_array().unwrap());
            met.extend(events.filter_map(|event| event.as_object()?.keys().next().cloned()));
        }
    }
    let wanted = [
        "request_refused",
        "volume_created",
        "volume_create_failed",
        "placement_released",
        "task_failed",
        "task_postponed",
        "task_retried",
        "task_reverting",
        "volume_extended",
        "volume_deleted",
        "volume_retyped",
        "snapshot_created",
        "snapshot_deleted",
        "group_created",
        "volume_grouped",
        "transfer_accepted",
        "attachment_connected",
        "attachment_deleted",
        "service_changed",
        "quota_set",
        "volume_reverted",
    ];
    let missing: Vec<&&str> = wanted.iter().filter(|name| !met.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} never happened among {met:?}");
}

#[test]
fn it_is_told_for_people_and_for_machines() {
    let mut cell = spread();
    cell.ask("quota.set", &json!({ "project": "demo", "volumes": 2 }));
    cell.create(3, 4);
    cell.backend("n1@lvm#vg", 18.0);
    let changes =
        || changes(&["scheduler.weighers.capacity=-1", "quota.demo.volumes=5"], &[], &["n4@lvm#thin=40,thin"]);
    let (found, summary) = told(&cell.log, changes());
    let shown = text(|out| {
        found.iter().try_for_each(|difference| difference.render(out))?;
        summary.render(out)
    });
    assert!(shown.lines().filter(|line| line.contains('|')).all(|line| line.chars().count() <= 100), "{shown}");
    golden("what_if.txt", &shown);
    golden("what_if.svg", &text(|out| summary.plot(PlotFormat::Svg, out)));
    let lines = text(|out| {
        found.iter().try_for_each(|difference| difference.render_json(out))?;
        summary.render_json(out)
    });
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["difference"].as_str()).collect();
    assert_eq!((kinds.len(), lines.len()), (found.len(), found.len() + 1));
    assert!(kinds.contains(&"placement") && kinds.contains(&"outcome"), "{kinds:?}");
    let summary = &lines[found.len()]["summary"];
    assert_eq!((&summary["identical"], &summary["accepted_there"]), (&json!(false), &json!(1)));
    assert_eq!(summary["pools"].as_array().unwrap().len(), 4);
    let points = summary["series"]["points"].as_array().unwrap();
    assert!(!points.is_empty() && points.len() <= 240);
}

/// However long the log, so many moments are kept, and the last one is the end.
#[test]
fn moments_are_bounded_and_the_last_one_is_the_end() {
    let cell = history(7, 2500);
    let (_, summary) = told(&cell.log, changes(&["scheduler.weighers.capacity=-1"], &[], &[]));
    let series = &summary.series;
    assert!((120..=240).contains(&series.points.len()), "{}", series.points.len());
    assert!(series.points.len() as u64 * series.interval_ms > 1_000_000, "{}", series.interval_ms);
    let state = &cell.folded().state;
    let last = &series.points.last().unwrap().samples.recorded;
    for (name, fill) in &last.pools {
        let found = &state.pools[name];
        let claimed = u32::try_from(found.claimed_gib).unwrap();
        assert!((fill.provisioned_gib - found.stats.provisioned_capacity_gb - f64::from(claimed)).abs() < 1e-6);
    }
    assert!(series.points.last().unwrap().at >= summary.to.unwrap());
}
