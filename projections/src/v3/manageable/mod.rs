//! What could be taken over from a pool: what others have there, as its last inventory found it, and beside it what is
//! managed already. `stele drift scan` has the worker look again.
//!
//! What was taken from something else is listed with the snapshots, as Cinder's LVM driver does.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use stele_core::id::PoolName;
use stele_core::inventory::Foreign;
use stele_core::state::{Backend, Pool, Snapshot, Volume, VolumeStatus};
use stele_core::task::{lv_name, snapshot_lv_name};

use super::answer::{Answer, Answered};
use super::context::Context;
use super::fault::Fault;
use super::page::{Paging, SortValue};
use super::policy::Rule;
use super::routes::Routes;
use super::services::{VOLUME, backends_on, no_such_service};
use crate::query::{Order, Scope};
use crate::reader::Snapshot as Stored;
use crate::store::StoreError;

/// The version in which the routes without `os-` came.
const SINCE: u16 = 8;

/// The version since which a cluster may be named.
const LIST_CLUSTER_SINCE: u16 = 17;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/os-volume-manage", 0, volumes)
        .get("/os-volume-manage/detail", 0, volumes_in_detail)
        .get("/manageable_volumes", SINCE, volumes)
        .get("/manageable_volumes/detail", SINCE, volumes_in_detail)
        .get("/os-snapshot-manage", 0, snapshots)
        .get("/os-snapshot-manage/detail", 0, snapshots_in_detail)
        .get("/manageable_snapshots", SINCE, snapshots)
        .get("/manageable_snapshots/detail", SINCE, snapshots_in_detail)
}

/// One thing on the storage.
struct Thing {
    name: String,
    size_gib: u64,
    /// Why it is not to be had.
    why_not: Option<&'static str>,
    /// The id of what it is already.
    managed: Option<String>,
    /// Of a snapshot: what it was taken from.
    source: Option<String>,
}

#[derive(Serialize)]
struct View<'a> {
    reference: BTreeMap<&'static str, &'a str>,
    size: u64,
    safe_to_manage: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_reference: Option<BTreeMap<&'static str, &'a str>>,
    #[serde(flatten)]
    detail: Option<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    reason_not_safe: Option<&'a str>,
    cinder_id: Option<&'a str>,
    /// Nothing more is known.
    extra_info: Option<&'a str>,
}

async fn volumes(context: Context) -> Answered {
    list_volumes(&context, false).await
}

async fn volumes_in_detail(context: Context) -> Answered {
    list_volumes(&context, true).await
}

async fn snapshots(context: Context) -> Answered {
    list_snapshots(&context, false).await
}

async fn snapshots_in_detail(context: Context) -> Answered {
    list_snapshots(&context, true).await
}

async fn list_volumes(context: &Context, in_detail: bool) -> Answered {
    context.allow(Rule::ListManageable)?;
    list(context, "manageable-volumes", in_detail, |stored, pool| {
        let of_others = pool.foreign.items.iter().filter(|found| found.origin.is_none());
        let mut things: Vec<Thing> = of_others.map(|found| of_another(found, "volume in use")).collect();
        for volume in stored.list::<Volume>(Scope::All, Order::OldestFirst, None)? {
            let volume = volume?;
            let lies_here = volume.pool.as_ref() == Some(&pool.name);
            if lies_here && !matches!(volume.status, VolumeStatus::Creating { .. }) {
                things.push(managed(lv_name(volume.id), volume.size_gib.gib(), &volume.id, None));
            }
        }
        Ok(things)
    })
    .await
}

async fn list_snapshots(context: &Context, in_detail: bool) -> Answered {
    context.allow(Rule::SnapshotListManageable)?;
    list(context, "manageable-snapshots", in_detail, |stored, pool| {
        let of_others = pool.foreign.items.iter().filter(|found| found.origin.is_some());
        let mut things: Vec<Thing> = of_others.map(|found| of_another(found, "snapshot in use")).collect();
        for snapshot in stored.list::<Snapshot>(Scope::All, Order::OldestFirst, None)? {
            let snapshot = snapshot?;
            if snapshot.pool == pool.name {
                let (name, source) = (snapshot_lv_name(snapshot.id), lv_name(snapshot.volume));
                things.push(managed(name, snapshot.size_gib.gib(), &snapshot.id, Some(source)));
            }
        }
        Ok(things)
    })
    .await
}

fn of_another(found: &Foreign, in_use: &'static str) -> Thing {
    Thing {
        name: found.name.to_string(),
        size_gib: found.size_bytes.div_ceil(1 << 30),
        why_not: found.open.then_some(in_use),
        managed: None,
        source: found.origin.as_ref().map(ToString::to_string),
    }
}

fn managed(name: String, size_gib: u32, id: &impl ToString, source: Option<String>) -> Thing {
    let (why_not, managed) = (Some("already managed"), Some(id.to_string()));
    Thing { name, size_gib: u64::from(size_gib), why_not, managed, source }
}

/// Everything on the pools of the host that is asked for, in the order and the part that is asked for.
async fn list(
    context: &Context,
    name: &'static str,
    in_detail: bool,
    things_of: impl Fn(&Stored, &Pool) -> Result<Vec<Thing>, StoreError> + Send + 'static,
) -> Answered {
    let host = one_host(context, context.query.get("host"), context.query.get("cluster"), LIST_CLUSTER_SINCE)?;
    let paging = paging(context)?;
    context
        .read(move |_, stored| {
            let mut things = Vec::new();
            for pool in pools_of(stored, &host)? {
                things.extend(things_of(stored, &pool)?);
            }
            sort(&mut things, &paging);
            let missing = |marker: &str| {
                let shown: String = marker.chars().take(255).collect();
                Fault::bad_request(format!("marker not found: {shown}"))
            };
            let page = paging.cut(things, |thing| thing.name.clone(), missing)?;
            let views: Vec<View<'_>> = page.items.iter().map(|thing| view(thing, in_detail)).collect();
            Ok(Answer::ok(&json!({name: views})))
        })
        .await
}

/// Sorted by the reference when nothing is said; a marker is a reference, or its name alone.
fn paging(context: &Context) -> Result<Paging, Fault> {
    let mut paging = Paging::read(&context.query)?;
    if context.query.get("sort").or_else(|| context.query.get("sort_key")).is_none() {
        for (key, _) in &mut paging.sort {
            "reference".clone_into(key);
        }
    }
    let keys = paging.sort.iter().map(|(key, _)| key.as_str());
    let unknown: Vec<&str> = keys.filter(|key| !["reference", "size"].contains(key)).collect();
    if !unknown.is_empty() {
        let shown: String = unknown.join(", ").chars().take(255).collect();
        return Err(Fault::bad_request(format!("Invalid sort keys passed: {shown}")));
    }
    let name = |marker: &String| {
        let reference: Value = serde_json::from_str(&marker.replace('\'', "\"")).ok()?;
        Some(reference.get("source-name")?.as_str()?.to_owned())
    };
    paging.marker = paging.marker.map(|marker| name(&marker).unwrap_or(marker));
    Ok(paging)
}

fn sort(things: &mut [Thing], paging: &Paging) {
    let value = |thing: &Thing, key: &str| match key {
        "size" => SortValue::Number(i64::try_from(thing.size_gib).unwrap_or(i64::MAX)),
        _ => SortValue::Text(thing.name.clone()),
    };
    things.sort_by(|a, b| {
        let orders = paging.sort.iter().map(|(key, ascends)| {
            let order = value(a, key).cmp(&value(b, key));
            if *ascends { order } else { order.reverse() }
        });
        orders.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.name.cmp(&b.name))
    });
}

fn view(thing: &Thing, in_detail: bool) -> View<'_> {
    let detail = Detail { reason_not_safe: thing.why_not, cinder_id: thing.managed.as_deref(), extra_info: None };
    View {
        reference: BTreeMap::from([("source-name", thing.name.as_str())]),
        size: thing.size_gib,
        safe_to_manage: thing.why_not.is_none(),
        source_reference: thing.source.as_deref().map(|source| BTreeMap::from([("source-name", source)])),
        detail: in_detail.then_some(detail),
    }
}

/// The pool of that name, or the pools of the backends on the host of that name.
fn pools_of(stored: &Stored, host: &str) -> Result<Vec<Pool>, Fault> {
    let backend = host.split('#').next().unwrap_or_default();
    let backends = backends_on(stored, backend)?;
    if backends.is_empty() {
        return Err(no_such_service(VOLUME, host));
    }
    let mut pools = Vec::new();
    for name in backends {
        let names: Vec<PoolName> = stored.find::<Backend>(&name)?.map(|backend| backend.pools).unwrap_or_default();
        for name in names.iter().filter(|name| !host.contains('#') || name.as_str() == host) {
            pools.extend(stored.find::<Pool>(name)?);
        }
    }
    Ok(pools)
}

/// The host that is named; there are no clusters.
pub(in crate::v3) fn one_host(
    context: &Context,
    host: Option<&str>,
    cluster: Option<&str>,
    since: u16,
) -> Result<String, Fault> {
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    let clusters = context.version.has(since);
    match (given(host), given(cluster).filter(|_| clusters)) {
        (Some(host), None) => Ok(host),
        (None, Some(cluster)) => {
            let shown: String = cluster.chars().take(255).collect();
            Err(Fault::not_found(format!("Cluster {shown} could not be found.")))
        }
        _ if clusters => Err(Fault::invalid_input("One and only one of cluster and host must be set.")),
        _ => Err(Fault::invalid_input("Host field is missing.")),
    }
}
