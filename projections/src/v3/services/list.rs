//! `GET /os-services`.

use serde::Serialize;
use serde_json::json;

use super::known::{self, Service, VOLUME, is_on};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::policy::Rule;
use crate::v3::scalar::{Moment, unless_empty};
use crate::v3::version::Version;

/// The version since which services name their cluster.
const CLUSTER_SINCE: u16 = 7;

/// The version since which backends say how they are.
const BACKEND_STATE_SINCE: u16 = 49;

pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::ServicesIndex)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let services = known::all(snapshot, context.gateway.now())?;
        let host = |service: &&Service| context.query.get("host").is_none_or(|host| is_on(host, &service.host));
        let binary = |service: &&Service| context.query.get("binary").is_none_or(|binary| binary == service.binary);
        let wanted = services.iter().filter(host).filter(binary);
        let views: Vec<_> = wanted.map(|service| ServiceView::new(service, context.version)).collect();
        Ok(Answer::ok(&json!({"services": views})))
    };
    context.read(answer).await
}

/// A service as Cinder shows it.
#[derive(Debug, Serialize)]
struct ServiceView<'a> {
    binary: &'static str,
    host: &'a str,
    zone: &'a str,
    status: &'static str,
    state: &'static str,
    updated_at: Moment,
    disabled_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_state: Option<Option<&'static str>>,
    #[serde(flatten)]
    volume: Option<VolumeServiceView>,
}

/// What only volume services show.
#[derive(Debug, Serialize)]
struct VolumeServiceView {
    replication_status: &'static str,
    active_backend_id: Option<&'static str>,
    frozen: bool,
}

impl<'a> ServiceView<'a> {
    fn new(service: &'a Service, version: Version) -> Self {
        let volume = service.binary == VOLUME;
        let state = volume && version.has(BACKEND_STATE_SINCE);
        Self {
            binary: service.binary,
            host: &service.host,
            zone: &service.zone,
            status: if service.disabled.is_some() { "disabled" } else { "enabled" },
            state: if service.up { "up" } else { "down" },
            updated_at: Moment(service.updated_at),
            disabled_reason: service.disabled.as_deref().and_then(unless_empty),
            cluster: version.has(CLUSTER_SINCE).then_some(None),
            // Cinder's scheduler knows nothing of a backend that takes no volumes.
            backend_state: state.then_some(service.takes_volumes().then_some("up")),
            volume: volume.then_some(VolumeServiceView {
                replication_status: "disabled",
                active_backend_id: None,
                frozen: service.frozen,
            }),
        }
    }
}
