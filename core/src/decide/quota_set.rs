//! `quota.set`. As in Cinder a limit may be set below what is in use: it then only keeps new use away.

use std::collections::BTreeMap;

use super::{Context, Decided, Decision};
use crate::command::QuotaSet;
use crate::event::Event;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::QuotaResource;

pub(super) fn decide(cx: &Context<'_>, set: &QuotaSet) -> Decision {
    let mut limits = BTreeMap::new();
    for (name, limit) in &set.limits {
        let resource = QuotaResource::from_name(name, |name| cx.state.find_type(name).map(|found| found.id));
        let resource = resource.ok_or_else(|| {
            Refusal::new(
                RefusalCode::InvalidQuota,
                format!("there is no quota {:?}", name.chars().take(128).collect::<String>()),
                "use volumes, gigabytes, snapshots, per_volume_gigabytes, backups, backup_gigabytes, groups, or \
                 volumes_, gigabytes_ or snapshots_ and the name of a volume type",
            )
        })?;
        limits.insert(resource, *limit);
    }
    if limits.is_empty() {
        return Err(Refusal::new(RefusalCode::InvalidQuota, "no limit is named", "name at least one limit"));
    }
    Ok(Decided::events(vec![Event::QuotaSet { project: set.project.clone(), limits }]))
}
