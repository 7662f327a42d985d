//! Taking over volumes and snapshots that somebody else made: no backend can do that yet.

use serde_json::{Value, json};
use stele_core::state::Volume;

use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::page::Paging;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::schema::{
    BOOLEAN, DESCRIPTION, Kind, PAIRS_OR_NULL, Rule as Is, Schema, TEXT_OR_NULL, UUID, object, under,
};
use crate::v3::services::{VOLUME, backends_on, no_such_service};

/// The version in which the routes without `os-` came.
const SINCE: u16 = 8;

/// The versions since which a cluster may be named, where something is listed and where it is taken over.
const LIST_CLUSTER_SINCE: u16 = 17;
const CLUSTER_SINCE: u16 = 16;

const REFERENCE: Schema = Schema(&[Is::Kind(&[Kind::Object, Kind::Text])]);
const REFERENCE_OR_NULL: Schema = Schema(&[Is::Kind(&[Kind::Object, Kind::Null, Kind::Text])]);

const VOLUME_BODY: Schema = under!(
    "volume",
    object!({
        "description" => DESCRIPTION,
        "availability_zone" => TEXT_OR_NULL,
        "bootable" => BOOLEAN,
        "volume_type" => TEXT_OR_NULL,
        "name" => TEXT_OR_NULL,
        "host" => TEXT_OR_NULL,
        "cluster" => TEXT_OR_NULL,
        "ref" => REFERENCE,
        "metadata" => PAIRS_OR_NULL,
    } required ["ref"])
);

const SNAPSHOT_BODY: Schema = under!(
    "snapshot",
    object!({
        "description" => DESCRIPTION,
        "metadata" => PAIRS_OR_NULL,
        "name" => TEXT_OR_NULL,
        "volume_id" => UUID,
        "ref" => REFERENCE_OR_NULL,
    } required ["ref", "volume_id"])
);

/// The text of Cinder's `ServiceUnavailable`, which is a 400 there.
const UNAVAILABLE: &str = "Service is unavailable at this time.";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/os-volume-manage", 0, volumes)
        .get("/os-volume-manage/detail", 0, volumes)
        .post("/os-volume-manage", 0, manage_volume)
        .get("/manageable_volumes", SINCE, volumes)
        .get("/manageable_volumes/detail", SINCE, volumes)
        .post("/manageable_volumes", SINCE, manage_volume)
        .get("/os-snapshot-manage", 0, snapshots)
        .get("/os-snapshot-manage/detail", 0, snapshots)
        .post("/os-snapshot-manage", 0, manage_snapshot)
        .get("/manageable_snapshots", SINCE, snapshots)
        .get("/manageable_snapshots/detail", SINCE, snapshots)
        .post("/manageable_snapshots", SINCE, manage_snapshot)
}

async fn volumes(context: Context) -> Answered {
    context.allow(Rule::ListManageable)?;
    nothing(&context, "manageable-volumes").await
}

async fn snapshots(context: Context) -> Answered {
    context.allow(Rule::SnapshotListManageable)?;
    nothing(&context, "manageable-snapshots").await
}

async fn nothing(context: &Context, name: &'static str) -> Answered {
    let host = one_host(context, context.query.get("host"), context.query.get("cluster"), LIST_CLUSTER_SINCE)?;
    // What is listed here is sorted by other keys than anything else.
    let mut paging = Paging::read(&context.query)?;
    if context.query.get("sort").or_else(|| context.query.get("sort_key")).is_none() {
        paging.sort.clear();
    }
    let unknown: Vec<&str> =
        paging.sort.iter().map(|(key, _)| key.as_str()).filter(|key| !["reference", "size"].contains(key)).collect();
    if !unknown.is_empty() {
        let shown: String = unknown.join(", ").chars().take(255).collect();
        return Err(Fault::bad_request(format!("Invalid sort keys passed: {shown}")));
    }
    if !is_known(context, &host).await? {
        return Err(no_such_service(VOLUME, &host));
    }
    Ok(Answer::ok(&json!({name: []})))
}

async fn manage_volume(context: Context) -> Answered {
    let given = context.body_of(&VOLUME_BODY, "volume")?;
    context.allow(Rule::VolumeManage)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let host = one_host(&context, text("host"), text("cluster"), CLUSTER_SINCE)?;
    if !is_known(&context, &host).await? {
        return Err(Fault::bad_request(format!("Host '{host}' not found")));
    }
    Err(Fault::bad_request(UNAVAILABLE))
}

async fn manage_snapshot(context: Context) -> Answered {
    let given = context.body_of(&SNAPSHOT_BODY, "snapshot")?;
    let volume = given.get("volume_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    context.read(move |context, snapshot| context.owned::<Volume>(snapshot, &volume).map(drop)).await?;
    context.allow(Rule::SnapshotManage)?;
    Err(Fault::bad_request(UNAVAILABLE))
}

/// The host that is named; there are no clusters.
fn one_host(context: &Context, host: Option<&str>, cluster: Option<&str>, since: u16) -> Result<String, Fault> {
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

/// Whether there is a backend on the host; the name may be that of a pool.
async fn is_known(context: &Context, host: &str) -> Result<bool, Fault> {
    let backend = host.split('#').next().unwrap_or_default().to_owned();
    context.read(move |_, snapshot| Ok(!backends_on(snapshot, &backend)?.is_empty())).await
}
