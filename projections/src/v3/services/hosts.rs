//! `/os-hosts`: services once more, and what projects have on them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use stele_core::id::{ProjectId, VolumeId};
use stele_core::state::{Snapshot as VolumeSnapshot, Volume};

use super::change::{change, no_such_service};
use super::known::{self, Service, VOLUME, backends_on, is_on};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::scalar::Moment;
use crate::v3::schema::{Constant, Kind, Rule as Is, Schema};

/// Other keys are told apart later, because Cinder takes `STATUS` as well.
const UPDATE: Schema = Schema(&[
    Is::Kind(&[Kind::Object]),
    Is::Keys(&[(
        "status",
        Schema(&[Is::Kind(&[Kind::Text]), Is::OneOf(&[Constant::Text("enable"), Constant::Text("disable")])]),
    )]),
]);

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct HostView {
    #[serde(rename = "host_name")]
    host_name: String,
    service: &'static str,
    zone: String,
    service_status: &'static str,
    service_state: &'static str,
    last_update: Moment,
}

/// Services that are disabled are not listed, as in Cinder.
pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::Hosts)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let zone = context.query.get("zone").filter(|zone| !zone.is_empty());
        let services = known::all(snapshot, context.gateway.now())?.into_iter();
        let listed =
            services.filter(|service| service.disabled.is_none() && zone.is_none_or(|zone| zone == service.zone));
        let view = |service: Service| HostView {
            host_name: service.host,
            service: service.binary,
            zone: service.zone,
            service_status: if service.up { "available" } else { "unavailable" },
            service_state: "enabled",
            last_update: Moment(service.updated_at),
        };
        Ok(Answer::ok(&json!({"hosts": listed.map(view).collect::<Vec<_>>()})))
    };
    context.read(answer).await
}

/// What there is of one project, or of all.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    volumes: u64,
    volume_gib: u64,
    snapshots: u64,
    snapshot_gib: u64,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.volumes += other.volumes;
        self.volume_gib += other.volume_gib;
        self.snapshots += other.snapshots;
        self.snapshot_gib += other.snapshot_gib;
    }

    /// Cinder shows these numbers as texts.
    fn view(self, host: &str, project: &str) -> Value {
        json!({"resource": {
            "host": host,
            "project": project,
            "volume_count": self.volumes.to_string(),
            "total_volume_gb": self.volume_gib.to_string(),
            "snapshot_count": self.snapshots.to_string(),
            "total_snapshot_gb": self.snapshot_gib.to_string(),
        }})
    }
}

pub(super) async fn show(context: Context) -> Answered {
    let answer = |context: &Context, snapshot: &Snapshot| {
        context.allow(Rule::Hosts)?;
        let host = context.path("host");
        if backends_on(snapshot, host)?.is_empty() {
            return Err(no_such_service(VOLUME, host));
        }
        let projects = by_project(snapshot, host)?;
        let mut total = Sums::default();
        projects.values().for_each(|sums| total.add(*sums));
        let rows = projects.iter().map(|(project, sums)| sums.view(host, project.as_str()));
        let rows: Vec<Value> = [total.view(host, "(total)")].into_iter().chain(rows).collect();
        Ok(Answer::ok(&json!({"host": rows})))
    };
    context.read(answer).await
}

/// What each project has on a host.
fn by_project(snapshot: &Snapshot, host: &str) -> Result<BTreeMap<ProjectId, Sums>, Fault> {
    let mut sums: BTreeMap<ProjectId, Sums> = BTreeMap::new();
    let mut here: BTreeMap<VolumeId, ()> = BTreeMap::new();
    for volume in snapshot.entities::<Volume>()?.iter()? {
        let volume = volume?;
        if volume.pool.as_ref().is_some_and(|pool| is_on(host, pool.backend().as_str())) {
            let size = volume.size_gib.gib().into();
            sums.entry(volume.project).or_default().add(Sums { volumes: 1, volume_gib: size, ..Sums::default() });
            here.insert(volume.id, ());
        }
    }
    for found in snapshot.entities::<VolumeSnapshot>()?.iter()? {
        let found = found?;
        if here.contains_key(&found.volume) {
            let size = found.size_gib.gib().into();
            sums.entry(found.project).or_default().add(Sums { snapshots: 1, snapshot_gib: size, ..Sums::default() });
        }
    }
    Ok(sums)
}

/// Enables or disables the service of a host.
pub(super) async fn update(context: Context) -> Answered {
    let given = context.body(&UPDATE)?;
    context.allow(Rule::Hosts)?;
    let found = context.read(|context, snapshot| {
        let host = context.path("host");
        let mut services = known::all(snapshot, context.gateway.now())?.into_iter();
        services.find(|service| service.host == host).ok_or_else(|| Fault::no_such("Host", host))
    });
    let service = found.await?;
    let mut answer = json!({});
    for (key, value) in given {
        let cut = |text: &str| text.chars().take(255).collect::<String>();
        if !key.trim().eq_ignore_ascii_case("status") {
            return Err(Fault::bad_request(format!("Invalid update setting: '{}'", cut(key))));
        }
        let text = value.as_str().unwrap_or_default();
        let (verb, status) = match text.trim().to_ascii_lowercase().as_str() {
            "enable" => ("enable", "enabled"),
            "disable" => ("disable", "disabled"),
            _ => return Err(Fault::bad_request(format!("Invalid status: '{}'", cut(text)))),
        };
        change(&context, &service, verb, None).await?;
        answer = json!({"host": service.host, "status": status});
    }
    Ok(Answer::ok(&answer))
}
