//! Does the pool hold the volumes that a hint names? (`cinder/scheduler/filters/affinity_filter.py`)
//!
//! Cinder's `host` of a volume is its pool, so both hints speak of pools. A volume that the user may not see, or that
//! lies nowhere, is on no pool.

use std::collections::BTreeSet;

use crate::id::VolumeId;
use crate::schedule::decision::{Check, CheckName};
use crate::schedule::hints::HintsInForce;
use crate::schedule::place::PoolView;

/// How many volumes a check names.
const VOLUMES_SHOWN: usize = 3;

/// Passes the pools that hold at least one of the volumes.
#[must_use]
pub fn same_host(hints: &HintsInForce<'_>, pool: &PoolView<'_>) -> Check {
    let wanted = &hints.hints.same_host;
    let held = held(hints, wanted, pool);
    let required = format!("one of the volumes {}", shown(wanted.iter()));
    Check::new(CheckName::SameHost, held.is_some(), observed(held), required)
}

/// Passes the pools that hold none of the volumes.
#[must_use]
pub fn different_host(hints: &HintsInForce<'_>, pool: &PoolView<'_>) -> Check {
    let unwanted = &hints.hints.different_host;
    let held = held(hints, unwanted, pool);
    let required = format!("none of the volumes {}", shown(unwanted.iter()));
    Check::new(CheckName::DifferentHost, held.is_none(), observed(held), required)
}

fn held(hints: &HintsInForce<'_>, volumes: &BTreeSet<VolumeId>, pool: &PoolView<'_>) -> Option<VolumeId> {
    volumes.iter().find(|volume| hints.pools.get(volume) == Some(pool.pool)).copied()
}

fn observed(held: Option<VolumeId>) -> String {
    held.map_or_else(|| "holds none of them".to_owned(), |volume| format!("holds volume {volume}"))
}

fn shown<'a>(volumes: impl ExactSizeIterator<Item = &'a VolumeId>) -> String {
    let more = if volumes.len() > VOLUMES_SHOWN { ", ..." } else { "" };
    let names: Vec<String> = volumes.take(VOLUMES_SHOWN).map(ToString::to_string).collect();
    format!("{}{more}", names.join(", "))
}
