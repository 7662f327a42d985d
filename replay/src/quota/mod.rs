//! The proof of a project's quota: every unit that is in use or reserved, with the event that took it.
//!
//! ```text
//! the units      what volumes, snapshots and groups hold, followed from the first record (stele_core::ledger)
//! the counters   what the state says, folded from the quota events
//! the API        what a live projection answers at the same position, when it was asked
//! ```
//!
//! All three must say the same, the first two behind every commit. Where they do not, the proof names the position.

mod render;

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use stele_core::command::Command;
use stele_core::event::QuotaDelta;
use stele_core::fold::Step;
use stele_core::id::{FlowId, ProjectId};
use stele_core::ledger::{Cause, Difference, Holder, Ledger, Unit};
use stele_core::port::Log;
use stele_core::record::Commit;
use stele_core::refusal::RefusalCode;
use stele_core::state::{QuotaResource, State, UsageLine};
use stele_core::unit::{Position, Timestamp};

use crate::at::AtError;
use crate::progress::Progress;
use crate::show::asked;
use crate::show::follow::command;
use crate::show::words::resource_name;
use crate::verify::Bad;
use crate::walk::Walk;

/// How many refusals are kept, the newest.
pub const REFUSALS_KEPT: usize = 10;

/// What the API says about one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveLine {
    /// Cinder's name for it.
    pub resource: String,
    /// -1 is unlimited.
    pub limit: i64,
    /// What is in use.
    pub in_use: i64,
    /// What is reserved.
    pub reserved: i64,
}

/// What the API says. It must be asked before the log is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveQuota {
    /// Up to where the log is in its answer.
    pub position: Position,
    /// Every resource that it names.
    pub lines: Vec<LiveLine>,
}

/// A project's quota with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// True when nothing differs and the log shows no damage.
    pub ok: bool,
    /// The project.
    pub project: ProjectId,
    /// The last record that it contains.
    pub position: Position,
    /// When that was written.
    pub at: Timestamp,
    /// Whether the API was asked.
    pub compared_with_api: bool,
    /// How many messages of the log were no records.
    pub strays: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Every resource that has a limit or is used.
    pub resources: Vec<Resource>,
    /// How many requests were refused for quota since the first record.
    pub refused_total: u64,
    /// The newest of them, newest first.
    pub refused: Vec<Refused>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: FindingCode,
    /// Where it was found.
    pub position: Position,
    /// What it is.
    pub what: String,
}

/// The kinds of what can be wrong, by stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FindingCode {
    /// The units do not sum to the state's counters.
    UnitsDiffer,
    /// The API says something else than the log leads to.
    ApiDiffers,
    /// Something in the log was changed.
    LogDamaged,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Cinder's name for it.
    pub resource: String,
    /// -1 is unlimited.
    pub limit: i64,
    /// What the state counts.
    #[serde(flatten)]
    pub counted: UsageLine,
    /// What the units and open reservations sum to.
    pub proved: UsageLine,
    /// What the API says; absent when it was not asked or does not name it.
    pub api: Option<UsageLine>,
    /// True when not one more fits.
    pub at_limit: bool,
    /// Who holds what is in use, largest first.
    pub holders: Vec<Holding>,
    /// The open reservations, oldest first.
    pub reservations: Vec<Reserving>,
}

/// What one thing holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// What it is.
    pub holder: Holder,
    /// What it is called.
    pub name: String,
    /// Its status.
    pub status: String,
    /// All that it holds.
    pub amount: i64,
    /// By event, oldest first.
    pub units: Vec<Unit>,
}

/// An open reservation of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reserving {
    /// What it is for.
    pub holder: Holder,
    /// With which flow it ends.
    pub flow: FlowId,
    /// How much.
    pub amount: i64,
    /// By what.
    #[serde(flatten)]
    pub cause: Cause,
}

/// A request that was refused for quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// Who asked for what.
    pub asked: String,
    /// The stable code.
    pub code: RefusalCode,
    /// Why.
    pub message: String,
    /// What would make it pass.
    pub remedy: String,
}

/// Proves a project's quota at the position of `live`, else at the tail that the log has now.
///
/// # Errors
/// [`AtError`] when the log cannot be read or understood. All that differs stands in the result.
pub async fn quota<L: Log>(
    log: &L,
    project: ProjectId,
    live: Option<LiveQuota>,
    progress: &mut dyn Progress,
) -> Result<Proof, AtError> {
    let until = live.as_ref().map(|live| live.position);
    let mut ledger = Ledger::new(project.clone());
    let mut refusals = Refusals { project: project.clone(), total: 0, newest: VecDeque::new() };
    let mut take = |step: &Step<'_>| {
        ledger.take(step);
        refusals.take(step);
        Ok::<(), AtError>(())
    };
    let (walk, _) = Walk::over(log, until, progress, &mut take).await?;
    Ok(prove(project, &walk, &ledger, refusals, live.as_ref()))
}

/// The refusals for quota so far.
struct Refusals {
    project: ProjectId,
    total: u64,
    newest: VecDeque<Refused>,
}

impl Refusals {
    fn take(&mut self, step: &Step<'_>) {
        let Some(refusal) = step.commit.refusal().filter(|refusal| is_for_quota(refusal.code)) else { return };
        if !self.concerns(step.commit) {
            return;
        }
        self.total += 1;
        if self.newest.len() == REFUSALS_KEPT {
            self.newest.pop_back();
        }
        self.newest.push_front(Refused {
            position: step.position,
            at: step.commit.at,
            asked: asked::words(step.commit).map(|words| words.text).unwrap_or_default(),
            code: refusal.code,
            message: refusal.message.clone(),
            remedy: refusal.remedy.clone(),
        });
    }

    /// Whether it was the project's quota: an operator may take something over for another one.
    fn concerns(&self, commit: &Commit) -> bool {
        match command(commit) {
            Some(Command::VolumeManage(manage)) => manage.project == self.project,
            _ => commit.project.as_ref() == Some(&self.project),
        }
    }
}

fn is_for_quota(code: RefusalCode) -> bool {
    matches!(
        code,
        RefusalCode::VolumeLimitExceeded
            | RefusalCode::SnapshotLimitExceeded
            | RefusalCode::GroupLimitExceeded
            | RefusalCode::VolumeSizeExceedsAvailableQuota
            | RefusalCode::VolumeSizeExceedsLimit
    )
}

fn prove(project: ProjectId, walk: &Walk, ledger: &Ledger, refusals: Refusals, live: Option<&LiveQuota>) -> Proof {
    let (state, chain) = (&walk.folded.state, &walk.folded.chain);
    let api: Option<BTreeMap<&str, &LiveLine>> =
        live.map(|live| live.lines.iter().map(|line| (line.resource.as_str(), line)).collect());
    let mut findings: Vec<Finding> = walk.damage.iter().map(damaged).collect();
    findings.extend(ledger.differences().0.iter().map(|difference| differs(state, difference)));
    let mut resources: Vec<Resource> =
        named(state, &project, ledger).into_iter().map(|named| resource(state, &project, ledger, named)).collect();
    if let (Some(api), Some(live)) = (&api, live) {
        for resource in &mut resources {
            let line = api.get(resource.resource.as_str());
            resource.api = line.map(|line| UsageLine { in_use: line.in_use, reserved: line.reserved });
        }
        findings.extend(resources.iter().filter_map(|resource| {
            let said = api.get(resource.resource.as_str()).copied();
            api_differs(resource, said).map(|what| Finding {
                code: FindingCode::ApiDiffers,
                position: live.position,
                what,
            })
        }));
        let unknown = live.lines.iter().filter(|line| {
            (line.in_use, line.reserved) != (0, 0) && !resources.iter().any(|known| known.resource == line.resource)
        });
        findings.extend(unknown.map(|line| {
            let what = format!("{}: the API says {} in use, the log knows nothing of it", line.resource, line.in_use);
            Finding { code: FindingCode::ApiDiffers, position: live.position, what }
        }));
    }
    Proof {
        ok: findings.is_empty(),
        project,
        position: chain.position,
        at: chain.at,
        compared_with_api: live.is_some(),
        strays: walk.folded.strays,
        findings,
        resources,
        refused_total: refusals.total,
        refused: refusals.newest.into(),
    }
}

/// The resources to be shown: all plain ones, and those per type that have a limit or are used.
fn named(state: &State, project: &ProjectId, ledger: &Ledger) -> Vec<QuotaResource> {
    let mut resources: Vec<QuotaResource> = QuotaResource::plain().collect();
    let used = state.usage.get(project).into_iter().flat_map(|usage| usage.lines.keys().copied());
    let limited = state.quotas.get(project).into_iter().flat_map(|limits| limits.limits.keys().copied());
    for resource in used.chain(limited).chain(ledger.resources()) {
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    resources
}

fn resource(state: &State, project: &ProjectId, ledger: &Ledger, resource: QuotaResource) -> Resource {
    let (limit, counted) = (state.limit(project, resource), state.usage_of(project, resource));
    let of_resource = ledger.taken().filter(|(of, ..)| *of == resource);
    let mut holders: Vec<Holding> = of_resource
        .map(|(_, holder, units)| {
            let (name, status) = called(state, holder);
            let amount = units.iter().map(|unit| unit.amount).sum();
            Holding { holder, name, status, amount, units: units.to_vec() }
        })
        .collect();
    let since = |holding: &Holding| holding.units.first().map(|unit| unit.cause.position);
    holders.sort_by(|a, b| b.amount.cmp(&a.amount).then_with(|| since(a).cmp(&since(b))));
    let mut reservations: Vec<Reserving> = ledger
        .holds()
        .flat_map(|hold| {
            let of_resource = |delta: &&QuotaDelta| delta.resource == resource;
            hold.deltas.iter().filter(of_resource).map(|delta| Reserving {
                holder: hold.holder,
                flow: hold.flow,
                amount: delta.delta,
                cause: hold.cause.clone(),
            })
        })
        .collect();
    reservations.sort_by_key(|reserving| (reserving.cause.position, reserving.cause.commit));
    Resource {
        resource: resource_name(state, resource),
        limit,
        counted,
        proved: ledger.held(resource),
        api: None,
        // The size of one volume is a limit that nothing counts up to.
        at_limit: resource != QuotaResource::PerVolumeGigabytes
            && limit >= 0
            && counted.in_use + counted.reserved >= limit,
        holders,
        reservations,
    }
}

/// What a holder is called, and its status; empty for one that is gone.
fn called(state: &State, holder: Holder) -> (String, String) {
    let found = match holder {
        Holder::Volume(id) => state.volumes.get(&id).map(|found| (found.name.clone(), found.status.name())),
        Holder::Snapshot(id) => state.snapshots.get(&id).map(|found| (found.name.clone(), found.status.name())),
        Holder::Group(id) => state.groups.get(&id).map(|found| (found.name.clone(), found.status.name())),
    };
    found.map(|(name, status)| (name, status.to_owned())).unwrap_or_default()
}

fn differs(state: &State, difference: &Difference) -> Finding {
    let Difference { position, resource, counted, held } = difference;
    let what = format!(
        "{}: {} in use and {} reserved are counted from here on, the units sum to {} and {}",
        resource_name(state, *resource),
        counted.in_use,
        counted.reserved,
        held.in_use,
        held.reserved
    );
    Finding { code: FindingCode::UnitsDiffer, position: *position, what }
}

fn damaged(bad: &Bad) -> Finding {
    Finding { code: FindingCode::LogDamaged, position: bad.position, what: bad.what.clone() }
}

fn api_differs(resource: &Resource, said: Option<&LiveLine>) -> Option<String> {
    let Resource { resource: name, limit, counted, .. } = resource;
    let Some(said) = said else {
        let is_known = (counted.in_use, counted.reserved) == (0, 0);
        return (!is_known).then(|| format!("{name}: the API does not name it, {} are in use", counted.in_use));
    };
    let same = (said.in_use, said.reserved, said.limit) == (counted.in_use, counted.reserved, *limit);
    (!same).then(|| {
        format!(
            "{name}: the API says {} in use, {} reserved, limit {}; the log leads to {}, {} and {limit}",
            said.in_use, said.reserved, said.limit, counted.in_use, counted.reserved
        )
    })
}

#[cfg(test)]
mod tests;
