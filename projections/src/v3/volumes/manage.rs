//! Taking over volumes that somebody else made, and giving volumes up.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use stele_core::id::{BackendName, PoolName, ProjectId, SourceName};
use stele_core::state::{Backend, Volume};

use super::ACTION;
use super::view::Viewer;
use crate::reader::Snapshot as Stored;
use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{pairs, source_name, text, trimmed};
use crate::v3::context::{Context, Owned as _};
use crate::v3::fault::Fault;
use crate::v3::manageable::one_host;
use crate::v3::policy::Rule;
use crate::v3::python::truth_of;
use crate::v3::routes::Routes;
use crate::v3::schema::{
    ANYTHING, BOOLEAN, DESCRIPTION, Kind, PAIRS_OR_NULL, Rule as Is, Schema, TEXT_OR_NULL, object, under,
};

/// The version in which the route without `os-` came.
const SINCE: u16 = 8;

/// The version since which a cluster may be named.
const CLUSTER_SINCE: u16 = 16;

const REFERENCE: Schema = Schema(&[Is::Kind(&[Kind::Object, Kind::Text])]);
const BODY: Schema = under!(
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
const UNMANAGE: Schema = under!("os-unmanage", ANYTHING);

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post("/os-volume-manage", 0, manage).post("/manageable_volumes", SINCE, manage).action(
        ACTION,
        "os-unmanage",
        0,
        unmanage,
    )
}

/// `volume.manage`.
#[derive(Serialize)]
struct Wanted {
    project: ProjectId,
    pool: PoolName,
    source_name: SourceName,
    name: String,
    description: String,
    #[serde(rename = "type")]
    volume_type: Option<String>,
    availability_zone: Option<String>,
    bootable: bool,
    metadata: BTreeMap<String, String>,
}

async fn manage(context: Context) -> Answered {
    let given = context.body_of(&BODY, "volume")?;
    context.allow(Rule::VolumeManage)?;
    let host = one_host(&context, text(given, "host"), text(given, "cluster"), CLUSTER_SINCE)?;
    let named = host.clone();
    let pool = context.read(move |_, stored| pool_of(stored, &named)).await?;
    let wanted = Wanted {
        project: context.caller.project.clone(),
        pool: pool.ok_or_else(|| Fault::bad_request(format!("Host '{host}' not found")))?,
        source_name: source_name(given)?,
        name: trimmed(given, &["name"]).unwrap_or_default(),
        description: trimmed(given, &["description"]).unwrap_or_default(),
        volume_type: text(given, "volume_type").filter(|name| !name.is_empty()).map(ToOwned::to_owned),
        availability_zone: text(given, "availability_zone").map(ToOwned::to_owned),
        bootable: given.get("bootable").and_then(truth_of).unwrap_or_default(),
        metadata: pairs(given, "metadata").unwrap_or_default(),
    };
    let made = context.operate(("volume", "manage"), &wanted).await?;
    context
        .read(move |context, stored| {
            let id = made.subjects.volume.ok_or_else(Fault::malformed)?;
            let volume: Volume = stored.find(&id)?.ok_or_else(|| Volume::missing(&id.to_string()))?;
            Ok(Answer::accepted(&Viewer::new(context, stored)?.body(volume)?))
        })
        .await
}

/// The pool of that name, or the only one of the backend of that name.
fn pool_of(stored: &Stored, host: &str) -> Result<Option<PoolName>, Fault> {
    let (backend, is_pool) = host.split_once('#').map_or((host, false), |(backend, _)| (backend, true));
    let Ok(name) = BackendName::new(backend) else { return Ok(None) };
    let Some(found) = stored.find::<Backend>(&name)? else { return Ok(None) };
    Ok(match (is_pool, found.pools.as_slice()) {
        (false, [only]) => Some(only.clone()),
        (false, _) => None,
        (true, pools) => pools.iter().find(|pool| pool.as_str() == host).cloned(),
    })
}

async fn unmanage(context: Context) -> Answered {
    context.body(&UNMANAGE)?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeUnmanage)?;
    context.operate(("volume", "unmanage"), &json!({"id": volume.id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}
