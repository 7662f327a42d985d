//! The placement of one volume: check, weigh, choose. Pure: the same arguments give the same decision for ever.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::SchedulerConfig;
use super::decision::{Candidate, Decision, Requested};
use super::filter;
use super::hints::HintsInForce;
use super::stats::PoolStats;
use super::weigh::{self, Passed};
use crate::id::PoolName;
use crate::unit::Position;

/// One pool as the control state sees it at the moment of the decision.
#[derive(Debug, Clone, Copy)]
pub struct PoolView<'a> {
    /// The pool.
    pub pool: &'a PoolName,
    /// The zone of its service.
    pub availability_zone: &'a str,
    /// `Some` when an operator disabled the service; the text is the operator's reason, possibly empty.
    pub disabled_reason: Option<&'a str>,
    /// `Some` when the backend is frozen; the text is the reason, possibly empty.
    pub frozen_reason: Option<&'a str>,
    /// The age of the service's last heartbeat in milliseconds, `None` when it never sent one.
    pub heartbeat_age_ms: Option<u64>,
    /// The pool's last report.
    pub stats: Option<&'a PoolStats>,
    /// Where in the log that report stands.
    pub stats_position: Position,
    /// The claims that the report cannot know of, in GiB: they are taken off what is free and added to what is
    /// provisioned.
    pub claimed_gib: u64,
    /// The sum of the sizes of the volumes in the pool by the control state, in GiB. It answers extra specs about
    /// `allocated_capacity_gb` when the backend reports none.
    pub allocated_gib: u64,
}

/// What the space is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A new volume.
    Create,
    /// A larger volume in the same pool.
    Extend {
        /// Whether somebody uses it meanwhile.
        attached: bool,
    },
    /// A snapshot beside its volume.
    Snapshot,
    /// Another type for a volume that stays where it is.
    Retype,
}

/// A request for space.
#[derive(Debug, Clone)]
pub struct PlacementRequest<'a> {
    /// The space to find in GiB; for an extension the growth. 0 asks for none and always fits.
    pub size_gib: u32,
    /// The size before an extension in GiB, else 0.
    pub current_size_gib: u32,
    /// What the space is for.
    pub purpose: Purpose,
    /// The extra specs of the volume type; a key without a value asks for a capability without one.
    pub extra_specs: &'a BTreeMap<String, Option<String>>,
    /// The zones that would do; none means any.
    pub availability_zones: Vec<String>,
    /// The pools where earlier attempts of the same request failed.
    pub tried_pools: &'a [PoolName],
    /// When set, no other pool is a candidate: an extension cannot move.
    pub only_pool: Option<&'a PoolName>,
    /// The pool that holds the volume already and needs no new space for it.
    pub vol_exists_on: Option<&'a PoolName>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What the user wants of the place.
    pub hints: Option<&'a HintsInForce<'a>>,
}

/// Decides which pool takes the volume.
///
/// Every pool is checked until a check rejects it: first its service, then the configured filters in their order, then
/// the marks of a thin pool, then the hints of the request.
/// Those that pass are weighed, and the heaviest wins. Pools of equal weight share the load: among them the winner is
/// the one for which a fixed function of `seed` and the pool's name is smallest, so a caller that varies the seed from
/// request to request varies the winner, and a replay with the recorded seed repeats it. The order in which `pools`
/// come never matters.
#[must_use]
pub fn place<'a>(
    request: &PlacementRequest<'_>,
    pools: impl IntoIterator<Item = PoolView<'a>>,
    config: &SchedulerConfig,
    seed: u64,
) -> Decision {
    place_in_full(request, pools, config, seed).bounded()
}

/// The same with every candidate, however many they are: nothing is grouped. [`Decision::bounded`] makes of it what is
/// recorded.
#[must_use]
pub fn place_in_full<'a>(
    request: &PlacementRequest<'_>,
    pools: impl IntoIterator<Item = PoolView<'a>>,
    config: &SchedulerConfig,
    seed: u64,
) -> Decision {
    let mut decision = nothing_yet(request, config, seed);
    if request.attempt > config.attempts_max {
        decision.reason = format!("exceeded max scheduling attempts {}", config.attempts_max);
        return decision;
    }
    let wanted = |view: &PoolView<'_>| request.only_pool.is_none_or(|only| only == view.pool);
    let mut views: Vec<PoolView<'a>> = pools.into_iter().filter(wanted).collect();
    views.sort_unstable_by(|a, b| a.pool.cmp(b.pool));
    let (mut passed, mut rejected, mut to_weigh) = (Vec::new(), Vec::new(), Vec::new());
    for view in &views {
        let candidate = examine(view, request, config);
        match view.stats {
            Some(stats) if candidate.rejection().is_none() => {
                passed.push(candidate);
                to_weigh.push(Passed { stats, claimed_gib: view.claimed_gib });
            }
            _ => rejected.push(candidate),
        }
    }
    for (candidate, weights) in passed.iter_mut().zip(weigh::weigh(&to_weigh, request.extra_specs, config)) {
        candidate.weight = Some(weigh::total(&weights));
        candidate.weights = weights;
    }
    decision.candidates_total = count(views.len());
    decision.passed_total = count(passed.len());
    let tied = order(&mut passed, seed);
    decision.chosen = passed.first().map(|winner| winner.pool.clone());
    decision.reason = reason(request, passed.first(), tied, &decision);
    passed.append(&mut rejected);
    decision.candidates = passed;
    decision
}

fn nothing_yet(request: &PlacementRequest<'_>, config: &SchedulerConfig, seed: u64) -> Decision {
    Decision {
        request: Requested {
            size_gib: request.size_gib,
            current_size_gib: request.current_size_gib,
            purpose: request.purpose,
            extra_specs: request.extra_specs.clone(),
            availability_zones: request.availability_zones.clone(),
            tried_pools: request.tried_pools.to_vec(),
            only_pool: request.only_pool.cloned(),
            vol_exists_on: request.vol_exists_on.cloned(),
            hints: request.hints.map(|in_force| in_force.hints.clone()),
        },
        attempt: request.attempt,
        candidates_total: 0,
        passed_total: 0,
        candidates: vec![],
        rejected_groups: vec![],
        chosen: None,
        config_hash: config.hash(),
        seed,
        reason: String::new(),
    }
}

/// Asks until somebody says no. A pool without a report never passes the service check.
fn examine(view: &PoolView<'_>, request: &PlacementRequest<'_>, config: &SchedulerConfig) -> Candidate {
    let mut candidate = Candidate {
        pool: view.pool.clone(),
        stats_position: view.stats_position,
        claimed_gib: view.claimed_gib,
        checks: Vec::with_capacity(1 + config.filters.len()),
        weight: None,
        weights: vec![],
    };
    candidate.checks.push(filter::service::check(view, config.service_down_ms));
    let Some(stats) = view.stats else { return candidate };
    for &name in &config.filters {
        if candidate.rejection().is_some() {
            break;
        }
        candidate.checks.push(filter::check(name, request, view, stats, config));
    }
    if candidate.rejection().is_none() {
        candidate.checks.extend(filter::watermark::check(request, view, stats));
    }
    if let Some(in_force) = request.hints {
        ask_hints(&mut candidate, in_force, view, stats);
    }
    candidate
}

fn ask_hints(candidate: &mut Candidate, in_force: &HintsInForce<'_>, view: &PoolView<'_>, stats: &PoolStats) {
    if candidate.rejection().is_none() && !in_force.hints.same_host.is_empty() {
        candidate.checks.push(filter::hinted_volumes::same_host(in_force, view));
    }
    if candidate.rejection().is_none() && !in_force.hints.different_host.is_empty() {
        candidate.checks.push(filter::hinted_volumes::different_host(in_force, view));
    }
    if let Some(query) = in_force.query.as_ref().filter(|_| candidate.rejection().is_none()) {
        candidate.checks.push(filter::query::check(query, view, stats));
    }
}

/// Sorts by falling weight and name, then brings the winner to the front. Returns how many share the top weight.
fn order(passed: &mut [Candidate], seed: u64) -> usize {
    let weight = |candidate: &Candidate| candidate.weight.unwrap_or_default();
    passed.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| a.pool.cmp(&b.pool)));
    let Some(top) = passed.first().map(weight) else { return 0 };
    let tied = passed.iter().take_while(|candidate| weight(candidate).total_cmp(&top).is_eq()).count();
    let winner = (0..tied).min_by_key(|&index| ticket(seed, &passed[index].pool)).unwrap_or_default();
    passed[..=winner].rotate_right(1);
    tied
}

/// The number that decides among pools of equal weight: FNV-1a of the name, mixed with the seed by SplitMix64.
///
/// Recorded decisions depend on it, so it may never change.
fn ticket(seed: u64, pool: &PoolName) -> u64 {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let name = pool.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The outcome in one short sentence.
fn reason(request: &PlacementRequest<'_>, winner: Option<&Candidate>, tied: usize, decision: &Decision) -> String {
    let (passed, total) = (decision.passed_total, decision.candidates_total);
    let of_total = if total == 1 { "1 pool".to_owned() } else { format!("{total} pools") };
    let Some(Candidate { pool, weight, .. }) = winner else {
        return match request.only_pool {
            _ if total > 0 => format!("0 of {of_total} passed every check"),
            Some(only) => format!("{only} has never reported; start its worker (`stele worker`)"),
            None => "no backend has ever reported; start a worker (`stele worker`)".to_owned(),
        };
    };
    let weight = weight.unwrap_or_default();
    match (passed, tied) {
        (1, _) => format!("{pool} alone passed every check, of {of_total}"),
        (_, 1) => format!("{pool} has the highest weight, {weight:.3}; {passed} of {of_total} passed every check"),
        _ => format!(
            "{pool} was drawn by the seed from {tied} that share the highest weight, {weight:.3}; \
             {passed} of {of_total} passed every check"
        ),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
