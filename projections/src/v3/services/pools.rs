//! `GET /scheduler-stats/get_pools`.

use std::collections::BTreeMap;

use serde_json::json;
use stele_core::id::BackendName;
use stele_core::schedule::{PlacementRequest, PoolView as Considered, Purpose, Verdict, filter};
use stele_core::state::{Backend, Pool, VolumeType};

use super::known;
use super::pool::PoolView;
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::types::invalid_filters;

/// The version since which pools can be looked for.
const NAME_SINCE: u16 = 28;

/// The version since which they can be looked for by a type.
const TYPE_SINCE: u16 = 35;

/// The version since which filters that mean nothing are refused.
const FILTERS_CHECKED_SINCE: u16 = 31;

pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::SchedulerStatsGetPools)?;
    let detail = context.query.truth("detail")?;
    let answer = move |context: &Context, snapshot: &Snapshot| {
        let filter = Filter::read(context, snapshot)?;
        let pools = active(snapshot, context)?;
        let kept = pools.iter().filter(|(pool, _)| filter.keeps(pool));
        let views: Vec<_> = kept
            .map(|(pool, backend)| if detail { PoolView::detailed(pool, backend) } else { PoolView::brief(pool) })
            .collect();
        Ok(Answer::ok(&json!({"pools": views})))
    };
    context.read(answer).await
}

/// The pools that may take volumes: those in the last report of a backend that is up and enabled.
fn active(snapshot: &Snapshot, context: &Context) -> Result<Vec<(Pool, Backend)>, Fault> {
    let services = known::all(snapshot, context.gateway.now())?;
    let taking: Vec<&str> =
        services.iter().filter(|service| service.takes_volumes()).map(|service| service.host.as_str()).collect();
    let mut backends: BTreeMap<BackendName, Backend> = BTreeMap::new();
    for backend in snapshot.entities::<Backend>()?.iter()? {
        let backend = backend?;
        if taking.contains(&backend.name.as_str()) {
            backends.insert(backend.name.clone(), backend);
        }
    }
    let mut pools = Vec::new();
    for pool in snapshot.entities::<Pool>()?.iter()? {
        let pool = pool?;
        let backend = backends.get(&pool.name.backend()).filter(|backend| backend.pools.contains(&pool.name));
        if let Some(backend) = backend.cloned() {
            pools.push((pool, backend));
        }
    }
    Ok(pools)
}

/// Which pools are wanted.
#[derive(Default)]
struct Filter {
    name: Option<String>,
    volume_type: Option<VolumeType>,
}

impl Filter {
    fn read(context: &Context, snapshot: &Snapshot) -> Result<Self, Fault> {
        let mut filter = Self::default();
        if !context.version.has(NAME_SINCE) {
            return Ok(filter);
        }
        let mut unknown = Vec::new();
        for (name, value) in context.query.iter().filter(|(name, _)| *name != "detail") {
            match name {
                "name" => filter.name = Some(value.to_owned()),
                "volume_type" if context.version.has(TYPE_SINCE) => {
                    let shown: String = value.chars().take(255).collect();
                    let missing = || Fault::not_found(format!("Volume type with name {shown} could not be found."));
                    filter.volume_type = Some(snapshot.types()?.find(value).cloned().ok_or_else(missing)?);
                }
                "volume_type" | "all_tenants" => {}
                other => unknown.push(other),
            }
        }
        if context.version.has(FILTERS_CHECKED_SINCE) && !unknown.is_empty() {
            return Err(invalid_filters(&unknown));
        }
        Ok(filter)
    }

    fn keeps(&self, pool: &Pool) -> bool {
        self.name.as_ref().is_none_or(|name| *name == pool.name.as_str())
            && self.volume_type.as_ref().is_none_or(|wanted| has_what_is_asked(pool, wanted))
    }
}

/// Whether a pool has what the extra specs of a type ask for, by the scheduler's own filter.
fn has_what_is_asked(pool: &Pool, volume_type: &VolumeType) -> bool {
    let request = PlacementRequest {
        size_gib: 0,
        current_size_gib: 0,
        purpose: Purpose::Create,
        extra_specs: &volume_type.extra_specs,
        availability_zones: Vec::new(),
        tried_pools: &[],
        only_pool: None,
        vol_exists_on: None,
        attempt: 1,
        hints: None,
    };
    let considered = Considered {
        pool: &pool.name,
        availability_zone: "",
        disabled_reason: None,
        frozen_reason: None,
        heartbeat_age_ms: None,
        stats: Some(&pool.stats),
        stats_position: pool.stats_position,
        claimed_gib: pool.claimed_gib,
        allocated_gib: pool.allocated_gib,
    };
    filter::capabilities::check(&request, &considered, &pool.stats).verdict == Verdict::Passed
}
