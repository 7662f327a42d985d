//! Counters against rows.

use super::super::check::{Check, CheckOptions, Finding, check};
use super::{ALPHA, BETA, Estate, GAMMA, estate};
use crate::testing::{golden, text};
use stele_core::unit::Timestamp;

/// The moment at which the estate was made.
fn noon() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

fn checked(estate: &Estate, options: &CheckOptions) -> Check {
    check(estate, options, noon())
}

/// Project, resource, counter and rows of what `cinder-manage quota check` of the same database says; it ends with a
/// `KeyError` at the last one.
const SAID_BY_CINDER: &[(&str, &str, i64, i64)] = &[
    (ALPHA, "gigabytes", 23, 14),
    (ALPHA, "gigabytes___DEFAULT__", 15, 6),
    (ALPHA, "volumes", 7, 6),
    (ALPHA, "volumes___DEFAULT__", 4, 3),
    (BETA, "gigabytes", 8, 14),
    (BETA, "volumes", 7, 8),
];

#[test]
fn it_says_what_cinder_says() {
    let found = checked(&estate(), &CheckOptions::default());
    let differing = found.lines.iter().filter(|line| line.difference != 0 && line.project != GAMMA);
    let differing: Vec<_> = differing
        .map(|line| (line.project.as_str(), line.resource.as_str(), line.in_use.unwrap(), line.rows))
        .collect();
    assert_eq!(differing, SAID_BY_CINDER);
    let with = |finding: Finding| -> Vec<(&str, &str)> {
        let lines = found.lines.iter().filter(|line| line.findings.contains(&finding));
        lines.map(|line| (line.project.as_str(), line.resource.as_str())).collect()
    };
    assert_eq!(with(Finding::CounterDoubled), [(BETA, "volumes")]);
    assert_eq!(with(Finding::CounterOfNothing), [(GAMMA, "volumes_gone")]);
    assert_eq!(with(Finding::ReservedDiffers), []);
    let expired = [(ALPHA, "gigabytes"), (ALPHA, "gigabytes_gold"), (ALPHA, "volumes"), (ALPHA, "volumes_gold")];
    assert_eq!(with(Finding::ReservationExpired), expired);
    let line = found.lines.iter().find(|line| (line.project.as_str(), line.resource.as_str()) == expired[0]).unwrap();
    assert_eq!((line.reserved, line.reservations, line.expired, line.limit), (12, 12, 7, Some(100)));
    assert_eq!((found.ok, found.drifted), (false, 9));
}

#[test]
fn people_are_shown_what_drifted_and_what_is_stuck() {
    let found = checked(&estate(), &CheckOptions::default());
    golden("cinder/check.txt", &text(|out| found.render(false, out)));
    let only = checked(&estate(), &CheckOptions { project: Some(GAMMA.to_owned()), ..CheckOptions::default() });
    golden("cinder/check_project.txt", &text(|out| only.render(true, out)));
}

#[test]
fn each_rule_counts() {
    let counter = |estate: &Estate, options: &CheckOptions, resource: &str| {
        let found = checked(estate, options);
        found.lines.into_iter().find(|line| line.project == ALPHA && line.resource == resource).unwrap()
    };
    let (whole, all) = (estate(), CheckOptions::default());
    let bare = CheckOptions { no_snapshot_gib: true, ..CheckOptions::default() };
    // Three snapshots with 5 GiB.
    assert_eq!((counter(&whole, &all, "gigabytes").rows, counter(&whole, &bare, "gigabytes").rows), (14, 9));
    assert_eq!(counter(&whole, &all, "snapshots").rows, counter(&whole, &bare, "snapshots").rows);

    let mut other = estate();
    other.volumes.get_mut("000000c1-0000-0000-0000-000000000003").unwrap().use_quota = false;
    assert_eq!(counter(&other, &all, "volumes").rows, 5);
    // A snapshot counts for the type of its volume, whatever its own row says.
    other
        .snapshots
        .values_mut()
        .for_each(|snapshot| "000000c1-0000-0000-0000-000000000003".clone_into(&mut snapshot.volume));
    assert_eq!(counter(&other, &all, "snapshots___DEFAULT__").rows, 3);
    assert_eq!(counter(&other, &all, "snapshots_gold").findings, [Finding::CounterTooHigh]);

    let mut other = estate();
    other.reservations.retain(|held| held.resource != "volumes");
    assert_eq!(counter(&other, &all, "volumes").findings, [Finding::CounterTooHigh, Finding::ReservedDiffers]);
    let mut other = estate();
    other.usages.retain(|usage| usage.resource != "volumes_gold");
    assert_eq!(counter(&other, &all, "volumes_gold").findings, [Finding::ReservationWithoutCounter]);
    // What was taken off is no reservation that holds something.
    let mut other = estate();
    other.reservations.iter_mut().for_each(|held| held.delta = -held.delta);
    other.usages.iter_mut().for_each(|usage| usage.reserved = 0);
    assert_eq!(counter(&other, &all, "gigabytes_gold").findings, []);
}

/// A database without drift has none.
#[test]
fn nothing_is_found_where_nothing_is() {
    let mut sound = estate();
    sound.reservations.clear();
    let mut seen = std::collections::BTreeSet::new();
    sound.usages.retain(|usage| {
        usage.resource != "volumes_gone" && seen.insert((usage.project.clone(), usage.resource.clone()))
    });
    let rows = checked(&sound, &CheckOptions::default()).lines;
    for usage in &mut sound.usages {
        let line = rows.iter().find(|line| line.project == usage.project && line.resource == usage.resource);
        usage.in_use = line.unwrap().rows;
        usage.reserved = 0;
    }
    let found = checked(&sound, &CheckOptions::default());
    assert_eq!((found.ok, found.drifted), (true, 0), "{found:?}");
    assert!(text(|out| found.render(false, out)).contains("no drift: every counter is what its rows sum to"));
}
