//! `GET /os-availability-zone`.

use std::collections::BTreeMap;

use serde_json::json;

use super::known::{self, VOLUME};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;

/// A zone is available when a backend there is enabled, also when it is down: so in Cinder.
pub(super) async fn list(context: Context) -> Answered {
    let answer = |context: &Context, snapshot: &Snapshot| {
        let mut zones: BTreeMap<String, bool> = BTreeMap::new();
        for service in known::all(snapshot, context.gateway.now())? {
            if service.binary == VOLUME {
                *zones.entry(service.zone).or_default() |= service.disabled.is_none();
            }
        }
        let view = |(name, available)| json!({"zoneName": name, "zoneState": {"available": available}});
        Ok(Answer::ok(&json!({"availabilityZoneInfo": zones.into_iter().map(view).collect::<Vec<_>>()})))
    };
    context.read(answer).await
}
