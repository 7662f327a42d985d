//! What could be taken over: nothing is listed, because nobody but a worker can look at the storage, and workers are not
//! asked for lists. What is taken over by its name is: [`crate::v3::volumes`], [`crate::v3::snapshots`].

use serde_json::json;

use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::page::Paging;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::services::{VOLUME, backends_on, no_such_service};

/// The version in which the routes without `os-` came.
const SINCE: u16 = 8;

/// The version since which a cluster may be named.
const LIST_CLUSTER_SINCE: u16 = 17;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/os-volume-manage", 0, volumes)
        .get("/os-volume-manage/detail", 0, volumes)
        .get("/manageable_volumes", SINCE, volumes)
        .get("/manageable_volumes/detail", SINCE, volumes)
        .get("/os-snapshot-manage", 0, snapshots)
        .get("/os-snapshot-manage/detail", 0, snapshots)
        .get("/manageable_snapshots", SINCE, snapshots)
        .get("/manageable_snapshots/detail", SINCE, snapshots)
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

/// Whether there is a backend on the host; the name may be that of a pool.
async fn is_known(context: &Context, host: &str) -> Result<bool, Fault> {
    let backend = host.split('#').next().unwrap_or_default().to_owned();
    context.read(move |_, snapshot| Ok(!backends_on(snapshot, &backend)?.is_empty())).await
}
