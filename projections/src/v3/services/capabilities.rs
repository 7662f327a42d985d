//! `GET /capabilities/{host}`: what a backend can do, for those who write volume types.

use serde::Serialize;
use serde_json::{Value, json};
use stele_core::state::{Backend, Pool};

use super::known::is_on;
use super::pool::text;
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;

#[derive(Debug, Serialize)]
struct CapabilitiesView<'a> {
    namespace: String,
    vendor_name: &'a str,
    volume_backend_name: &'a str,
    pool_name: Option<&'a str>,
    driver_version: &'a str,
    storage_protocol: &'a str,
    display_name: Option<&'a str>,
    description: Option<&'a str>,
    visibility: Option<&'a str>,
    replication_targets: [(); 0],
    properties: Value,
}

/// Of several backends on a host the first, as in Cinder.
pub(super) async fn show(context: Context) -> Answered {
    context.allow(Rule::Capabilities)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let host = context.path("host");
        let shown: String = host.chars().take(255).collect();
        let missing = || Fault::not_found(format!("Can't find service: {shown}"));
        let backend = first_on(snapshot, host)?.ok_or_else(missing)?;
        let first = backend.pools.first().map(|pool| snapshot.find::<Pool>(pool)).transpose()?.flatten();
        let said = |name: &str| first.as_ref().and_then(|pool| text(pool, name)).unwrap_or_default();
        Ok(Answer::ok(&CapabilitiesView {
            namespace: format!("OS::Storage::Capabilities::{}", backend.name),
            vendor_name: said("vendor_name"),
            volume_backend_name: said("volume_backend_name"),
            pool_name: None,
            driver_version: said("driver_version"),
            storage_protocol: said("storage_protocol"),
            display_name: None,
            description: None,
            visibility: None,
            replication_targets: [],
            properties: properties(),
        }))
    };
    context.read(answer).await
}

fn first_on(snapshot: &Snapshot, host: &str) -> Result<Option<Backend>, Fault> {
    for backend in snapshot.entities::<Backend>()?.iter()? {
        let backend = backend?;
        if is_on(host, backend.name.as_str()) {
            return Ok(Some(backend));
        }
    }
    Ok(None)
}

/// What types can say about the way volumes are made. Cinder's LVM driver names three things more, none of which it
/// can do.
fn properties() -> Value {
    json!({"thin_provisioning": {
        "title": "Thin Provisioning",
        "description": "Sets thin provisioning.",
        "type": "boolean",
    }})
}
