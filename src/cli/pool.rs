//! `stele pool`.

use stele_core::id::PoolName;
use stele_core::inventory::Foreign;
use stele_core::schedule::Amount;
use stele_projections::view::{PoolList, PoolView};

use super::Session;
use super::output::{json, line, table};
use crate::failure::Failure;

pub(super) async fn list(session: &Session) -> Result<(), Failure> {
    let list: PoolList = session.api.get("/v1/pools", &[], None).await?;
    if session.json {
        return json(&list);
    }
    let row = |p: &PoolView| {
        vec![
            p.name.to_string(),
            amount(Some(p.stats.total_capacity_gb)),
            amount(p.stats.free_capacity_gb),
            p.virtual_free_gib.map_or_else(|| "-".to_owned(), |gib| format!("{gib:.2}")),
            p.allocated_gib.to_string(),
            p.claimed_gib.to_string(),
            p.volumes.to_string(),
            percent(p.stats.data_percent),
            percent(p.stats.metadata_percent),
        ]
    };
    let headings = [
        "pool",
        "total GiB",
        "free GiB",
        "to promise GiB",
        "allocated GiB",
        "claimed GiB",
        "volumes",
        "data %",
        "metadata %",
    ];
    table(&headings, list.pools.iter().map(row));
    Ok(())
}

/// What could be taken over.
pub(super) async fn foreign(session: &Session, pool: &PoolName) -> Result<(), Failure> {
    let path = format!("/v1/pools/{}", pool.as_str().replace('#', "%23"));
    let view: PoolView = session.api.get(&path, &[], None).await?;
    let found = view.foreign.unwrap_or_default();
    if session.json {
        return json(&found);
    }
    let row = |item: &Foreign| {
        let size = format!("{:.2}", item.size_bytes as f64 / f64::from(1 << 30));
        let taken_from = item.origin.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        vec![item.name.to_string(), size, taken_from, if item.open { "yes" } else { "no" }.to_owned()]
    };
    table(&["name", "GiB", "taken from", "open"], found.items.iter().map(row));
    if found.left_out > 0 {
        line(&format!("and {} more", found.left_out));
    }
    Ok(())
}

/// Only thin pools have them.
fn percent(percent: Option<f64>) -> String {
    percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.2}"))
}

fn amount(amount: Option<Amount>) -> String {
    match amount {
        Some(Amount::Number(gib)) => format!("{gib:.2}"),
        Some(Amount::Infinite) => "infinite".to_owned(),
        Some(Amount::Unknown) | None => "unknown".to_owned(),
    }
}
