//! The commands that adopt what a Cinder database holds, in an order in which each finds what it needs.
//!
//! ```text
//! catalogue    QoS specs, volume types, encryption, access, defaults, group types
//! limits       of the class `default` and of projects; those that the rows exceed are opened
//! volumes      volume.manage: what lies on the pool becomes the volume of the same id
//! details      image metadata, read-only
//! groups       groups, and which volumes belong to them
//! snapshots    snapshot.manage
//! attachments  what a server had is kept for it: reserved, not exported; of several servers one is said to use it
//! closing      limits that were opened are as they were in Cinder
//! ```
//!
//! A project that has more than its limit allows is adopted as it is: its limits are lifted before and set again behind it. What
//! is not adopted stands in [`Plan::left`] with its reason. Every command goes through the parser of the writer here, so what
//! could not be understood is left out by name.

mod attachments;
mod catalogue;
mod hosts;
mod render;
mod step;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use hosts::{HostMap, InvalidHostMap};
pub use step::{About, Stage, Step};

use super::estate::Estate;

/// What shall be adopted, and where it lies.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Only this project; the catalogue is adopted whole.
    pub project: Option<String>,
    /// Which pools are called otherwise here.
    pub hosts: Vec<HostMap>,
}

/// The commands, and what they leave out.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// In the order in which they are to be sent.
    pub steps: Vec<Step>,
    /// What is not adopted.
    pub left: Vec<Left>,
    /// How many rows there are of each kind, and how many are adopted.
    pub counts: BTreeMap<&'static str, Count>,
    /// How many volumes lie on each of Cinder's pools, and what it is called here.
    pub pools: BTreeMap<String, PoolCount>,
    /// How many rows of each table are deleted; they are not adopted, and not listed.
    pub deleted_rows: BTreeMap<&'static str, u64>,
    /// What the adopted volumes, snapshots and groups of each project sum to when all of it is done.
    pub usage: BTreeMap<String, BTreeMap<String, i64>>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Rows.
    pub rows: usize,
    /// Of them are adopted.
    pub adopted: usize,
}

/// A pool of Cinder's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PoolCount {
    /// What it is called here; absent when the name cannot be one.
    pub pool: Option<String>,
    /// How many volumes that are to be adopted lie there.
    pub volumes: usize,
}

/// Something that is not adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// What it is.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The project; empty for what belongs to none.
    pub project: String,
    /// Its name.
    pub name: String,
    /// A stable name of the reason.
    pub code: LeftCode,
    /// The reason, and what can be done.
    pub why: String,
}

/// Why something is not adopted, by stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum LeftCode {
    /// It is encrypted, and a cell has no key manager.
    Encrypted,
    /// It has a status in which somebody is at work, or should be.
    Underway,
    /// Its status says that something is wrong with it.
    InError,
    /// It is part of a migration.
    Migrating,
    /// It is replicated.
    Replicated,
    /// Cinder made it for itself.
    Internal,
    /// It is the image cache's.
    ImageCache,
    /// It lies nowhere.
    NoHost,
    /// Where it lies is no name of a pool here.
    NoPool,
    /// Its type is not there.
    NoType,
    /// What it belongs to is not adopted.
    Orphan,
    /// A snapshot that is not as large as its volume.
    SizeDiffers,
    /// A volume has several attachments, and here it cannot be kept for all of them.
    SeveralAttachments,
    /// There is nothing of the kind in a cell.
    NotHere,
    /// A cell would not understand it.
    Invalid,
}

impl Plan {
    /// Whether anything in it belongs to a project, adopted or left out.
    #[must_use]
    pub fn is_about_projects(&self) -> bool {
        !self.usage.is_empty() || self.left.iter().any(|left| !left.project.is_empty())
    }
}

/// Plans the whole way.
#[must_use]
pub fn plan(estate: &Estate, options: &PlanOptions) -> Plan {
    let mut planner = Planner {
        estate,
        options,
        plan: Plan { deleted_rows: estate.deleted.clone(), ..Plan::default() },
        types: BTreeMap::new(),
        volumes: BTreeSet::new(),
        largest: BTreeMap::new(),
    };
    planner.catalogue();
    planner.volumes();
    planner.groups();
    planner.snapshots();
    planner.attachments();
    planner.not_here();
    planner.limits();
    let mut plan = planner.plan;
    // What belongs to one stage stays in the order in which it was planned.
    plan.steps.sort_by_key(|step| step.stage);
    plan
}

/// A plan that is being made.
struct Planner<'a> {
    estate: &'a Estate,
    options: &'a PlanOptions,
    plan: Plan,
    /// How types are named in commands, by Cinder's ids.
    types: BTreeMap<String, String>,
    /// Volumes that are adopted.
    volumes: BTreeSet<String>,
    /// The size of each project's largest, in GiB.
    largest: BTreeMap<String, i64>,
}

impl Planner<'_> {
    fn wants(&self, project: &str) -> bool {
        self.options.project.as_deref().is_none_or(|only| only == project)
    }

    fn leave(&mut self, kind: &'static str, of: (&str, &str, &str), code: LeftCode, why: impl Into<String>) {
        let (id, project, name) = of;
        self.plan.left.push(Left {
            kind,
            id: id.to_owned(),
            project: project.to_owned(),
            name: name.to_owned(),
            code,
            why: why.into(),
        });
    }

    fn count(&mut self, kind: &'static str, adopted: bool) {
        let count = self.plan.counts.entry(kind).or_default();
        count.rows += 1;
        count.adopted += usize::from(adopted);
    }

    fn uses(&mut self, project: &str, amounts: &[(String, i64)]) {
        let usage = self.plan.usage.entry(project.to_owned()).or_default();
        for (resource, amount) in amounts {
            *usage.entry(resource.clone()).or_default() += amount;
        }
    }

    /// Adds a command that the parser of a cell understands; else what it is about is left out.
    fn add(&mut self, step: Step, kind: &'static str, of: (&str, &str, &str)) -> bool {
        match step.understood() {
            Ok(()) => {
                self.plan.steps.push(step);
                true
            }
            Err(refusal) => {
                let why = format!("{}: {}; {}", refusal.code.as_str(), refusal.message, refusal.remedy);
                self.leave(kind, of, LeftCode::Invalid, why);
                false
            }
        }
    }
}
