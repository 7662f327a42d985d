//! Cinder's quota, counted again.
//!
//! Cinder keeps a counter for each resource of a project and adjusts it before and after each request. What it should say is the
//! sum over the rows, by the rules of `cinder-manage quota check`:
//!
//! ```text
//! volumes, gigabytes      volumes that are not deleted and have use_quota
//! snapshots, gigabytes    snapshots likewise; their GiB do not count with no_snapshot_gb_quota
//! ..._<type>              the same by the type of the volume, also for its snapshots
//! backups, groups         what is not deleted
//! reserved                the sum of positive reservations that name the counter
//! ```

mod render;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use stele_core::unit::Timestamp;

use super::estate::{Estate, Reservation, Usage};

/// What is counted whatever types there are.
const PLAIN: &[&str] =
    &["volumes", "gigabytes", "snapshots", "per_volume_gigabytes", "groups", "backups", "backup_gigabytes"];
/// What is counted for each type.
const PER_TYPE: &[&str] = &["volumes_", "gigabytes_", "snapshots_"];
/// Statuses in which somebody must be at work.
const UNDERWAY: &[&str] = &[
    "creating",
    "deleting",
    "managing",
    "unmanaging",
    "attaching",
    "detaching",
    "extending",
    "retyping",
    "restoring",
    "restoring-backup",
    "backing-up",
    "downloading",
    "uploading",
    "updating",
    "reverting",
];

/// How it is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Only this project.
    pub project: Option<String>,
    /// Cinder runs with `no_snapshot_gb_quota`.
    pub no_snapshot_gib: bool,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// True when there is no drift.
    pub ok: bool,
    /// The moment for which it is said what is expired and for how long something is stuck.
    pub as_of: Timestamp,
    /// How many projects have a counter or a row.
    pub projects: usize,
    /// How many counters were compared.
    pub counters: usize,
    /// How many of them have findings.
    pub drifted: usize,
    /// Every resource of a project that has a counter or a row.
    pub lines: Vec<Line>,
    /// What has a status in which somebody must be at work, oldest first.
    pub underway: Vec<Underway>,
    /// How many rows of each table are deleted; they count for nothing.
    pub deleted_rows: BTreeMap<&'static str, u64>,
}

/// One resource of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The project.
    pub project: String,
    /// Cinder's name for the resource.
    pub resource: String,
    /// The limit in force, of the project or of the class `default`; -1 is unlimited. Absent when the database has none.
    pub limit: Option<i64>,
    /// What the counter says; absent where there is none, which Cinder makes from the rows at the next request.
    pub in_use: Option<i64>,
    /// What the rows sum to.
    pub rows: i64,
    /// The counter less the rows: units that nobody has, or, below 0, that nobody pays for.
    pub difference: i64,
    /// What the counter of reservations says.
    pub reserved: i64,
    /// What the reservations sum to.
    pub reservations: i64,
    /// How much of that is expired.
    pub expired: i64,
    /// Since when the oldest of these is.
    pub expired_since: Option<Timestamp>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// What can be wrong with a counter, by stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Finding {
    /// It says more than there is: requests are refused for units that nobody has.
    CounterTooHigh,
    /// It says less than there is: more can be had than the limit allows.
    CounterTooLow,
    /// Its reservations do not sum to what it says is reserved.
    ReservedDiffers,
    /// Reservations that are expired hold units.
    ReservationExpired,
    /// There are several counters of it.
    CounterDoubled,
    /// It counts what does not exist, such as a deleted type. `cinder-manage quota check` ends with an error at it.
    CounterOfNothing,
    /// Reservations name a counter that is gone.
    ReservationWithoutCounter,
}

/// Something that has a status in which somebody must be at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Underway {
    /// What it is.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// The status.
    pub status: String,
    /// When its row was changed last.
    pub since: Option<Timestamp>,
    /// How long ago that was, in seconds.
    pub for_s: Option<u64>,
}

/// Counts it all again, as of `now`.
#[must_use]
pub fn check(estate: &Estate, options: &CheckOptions, now: Timestamp) -> Check {
    let wanted = |project: &str| options.project.as_deref().is_none_or(|only| only == project);
    let limits = Limits::of(estate);
    let mut lines: BTreeMap<(String, String), Line> = BTreeMap::new();
    for ((project, resource), rows) in sums(estate, options.no_snapshot_gib) {
        if wanted(&project) {
            line(&mut lines, &limits, &project, &resource).rows = rows;
        }
    }
    let mut counters: BTreeMap<(String, String), Vec<&Usage>> = BTreeMap::new();
    for usage in estate.usages.iter().filter(|usage| wanted(&usage.project)) {
        counters.entry((usage.project.clone(), usage.resource.clone())).or_default().push(usage);
    }
    let held = by_counter(&estate.reservations);
    for ((project, resource), usages) in &counters {
        let line = line(&mut lines, &limits, project, resource);
        counted(line, usages, &held, now);
        let is_known = PLAIN.contains(&resource.as_str()) || is_of_type(estate, resource);
        if !is_known && (line.in_use, line.reserved) != (Some(0), 0) {
            line.findings = vec![Finding::CounterOfNothing];
        }
    }
    let there: BTreeSet<i64> = estate.usages.iter().map(|usage| usage.id).collect();
    for reservation in estate.reservations.iter().filter(|held| held.delta > 0 && wanted(&held.project)) {
        if reservation.usage.is_none_or(|usage| !there.contains(&usage)) {
            let line = line(&mut lines, &limits, &reservation.project, &reservation.resource);
            line.reservations += reservation.delta;
            if !line.findings.contains(&Finding::ReservationWithoutCounter) {
                line.findings.push(Finding::ReservationWithoutCounter);
            }
        }
    }
    let lines: Vec<Line> = lines.into_values().collect();
    let mut projects: Vec<&str> = lines.iter().map(|line| line.project.as_str()).collect();
    projects.dedup();
    let drifted = lines.iter().filter(|line| !line.findings.is_empty()).count();
    Check {
        ok: drifted == 0,
        as_of: now,
        projects: projects.len(),
        counters: lines.iter().filter(|line| line.in_use.is_some()).count(),
        drifted,
        underway: underway(estate, now).into_iter().filter(|found| wanted(&found.project)).collect(),
        deleted_rows: estate.deleted.clone(),
        lines,
    }
}

/// What the rows sum to, by project and resource.
pub(super) fn sums(estate: &Estate, no_snapshot_gib: bool) -> BTreeMap<(String, String), i64> {
    let mut sums = BTreeMap::new();
    let mut add = |project: &str, resource: String, amount: i64| {
        if !project.is_empty() {
            *sums.entry((project.to_owned(), resource)).or_insert(0) += amount;
        }
    };
    for volume in estate.volumes.values().filter(|volume| volume.use_quota) {
        add(&volume.project, "volumes".to_owned(), 1);
        add(&volume.project, "gigabytes".to_owned(), volume.size_gib);
        if let Some(name) = estate.type_name(volume.volume_type.as_deref()) {
            add(&volume.project, format!("volumes_{name}"), 1);
            add(&volume.project, format!("gigabytes_{name}"), volume.size_gib);
        }
    }
    for snapshot in estate.snapshots.values().filter(|snapshot| snapshot.use_quota) {
        let gib = if no_snapshot_gib { 0 } else { snapshot.size_gib };
        add(&snapshot.project, "snapshots".to_owned(), 1);
        add(&snapshot.project, "gigabytes".to_owned(), gib);
        let volume = estate.volumes.get(&snapshot.volume);
        if let Some(name) = estate.type_name(volume.and_then(|volume| volume.volume_type.as_deref())) {
            add(&snapshot.project, format!("snapshots_{name}"), 1);
            add(&snapshot.project, format!("gigabytes_{name}"), gib);
        }
    }
    for backup in estate.backups.values() {
        add(&backup.project, "backups".to_owned(), 1);
        add(&backup.project, "backup_gigabytes".to_owned(), backup.size_gib);
    }
    for group in estate.groups.values() {
        add(&group.project, "groups".to_owned(), 1);
    }
    sums
}

/// The limits of a database, to be asked by name.
#[derive(Debug)]
pub(super) struct Limits<'a> {
    own: BTreeMap<(&'a str, &'a str), i64>,
    of_default_class: BTreeMap<&'a str, i64>,
}

impl<'a> Limits<'a> {
    pub(super) fn of(estate: &'a Estate) -> Self {
        let of_default = estate.class_limits.iter().filter(|limit| limit.owner == "default");
        Self {
            own: estate
                .limits
                .iter()
                .filter_map(|limit| Some(((limit.owner.as_str(), limit.resource.as_str()), limit.limit?)))
                .collect(),
            of_default_class: of_default.filter_map(|limit| Some((limit.resource.as_str(), limit.limit?))).collect(),
        }
    }

    /// The limit in force for a project's resource. `None` where only Cinder's configuration says it.
    pub(super) fn in_force(&self, project: &str, resource: &str) -> Option<i64> {
        let found = self.own.get(&(project, resource)).or_else(|| self.of_default_class.get(resource));
        // A type has no limit until it gets one.
        found.copied().or_else(|| (!PLAIN.contains(&resource)).then_some(-1))
    }
}

fn line<'a>(
    lines: &'a mut BTreeMap<(String, String), Line>,
    limits: &Limits<'_>,
    project: &str,
    resource: &str,
) -> &'a mut Line {
    lines.entry((project.to_owned(), resource.to_owned())).or_insert_with(|| Line {
        project: project.to_owned(),
        resource: resource.to_owned(),
        limit: limits.in_force(project, resource),
        in_use: None,
        rows: 0,
        difference: 0,
        reserved: 0,
        reservations: 0,
        expired: 0,
        expired_since: None,
        findings: Vec::new(),
    })
}

fn by_counter(reservations: &[Reservation]) -> BTreeMap<i64, Vec<&Reservation>> {
    let mut held: BTreeMap<i64, Vec<&Reservation>> = BTreeMap::new();
    for reservation in reservations.iter().filter(|reservation| reservation.delta > 0) {
        held.entry(reservation.usage.unwrap_or_default()).or_default().push(reservation);
    }
    held
}

/// As `cinder-manage` does, the first of several counters is the one that counts.
fn counted(line: &mut Line, usages: &[&Usage], held: &BTreeMap<i64, Vec<&Reservation>>, now: Timestamp) {
    let Some(first) = usages.first() else { return };
    line.in_use = Some(first.in_use);
    line.reserved = first.reserved;
    line.difference = first.in_use - line.rows;
    for reservation in held.get(&first.id).into_iter().flatten() {
        line.reservations += reservation.delta;
        if reservation.expire.is_some_and(|expire| expire < now) {
            line.expired += reservation.delta;
            line.expired_since = line.expired_since.into_iter().chain(reservation.expire).min();
        }
    }
    let findings = [
        (line.difference > 0, Finding::CounterTooHigh),
        (line.difference < 0, Finding::CounterTooLow),
        (line.reserved != line.reservations, Finding::ReservedDiffers),
        (line.expired > 0, Finding::ReservationExpired),
        (usages.len() > 1, Finding::CounterDoubled),
    ];
    line.findings = findings.into_iter().filter(|(is_so, _)| *is_so).map(|(_, finding)| finding).collect();
}

fn is_of_type(estate: &Estate, resource: &str) -> bool {
    let names = PER_TYPE.iter().filter_map(|prefix| resource.strip_prefix(prefix));
    names.into_iter().any(|name| estate.types.values().any(|found| found.name == name))
}

fn underway(estate: &Estate, now: Timestamp) -> Vec<Underway> {
    let mut found = Vec::new();
    let mut add = |kind, id: &String, project: &String, name: &String, status: &String, since: Option<Timestamp>| {
        if UNDERWAY.contains(&status.as_str()) {
            found.push(Underway {
                kind,
                id: id.clone(),
                project: project.clone(),
                name: name.clone(),
                status: status.clone(),
                since,
                for_s: since.map(|since| now.ms_since(since) / 1000),
            });
        }
    };
    for (id, volume) in &estate.volumes {
        add("volume", id, &volume.project, &volume.name, &volume.status, volume.changed_at);
    }
    for (id, snapshot) in &estate.snapshots {
        add("snapshot", id, &snapshot.project, &snapshot.name, &snapshot.status, snapshot.changed_at);
    }
    for (id, backup) in &estate.backups {
        add("backup", id, &backup.project, &backup.name, &backup.status, backup.changed_at);
    }
    for (id, group) in &estate.groups {
        add("group", id, &group.project, &group.name, &group.status, group.changed_at);
    }
    found.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    found
}
