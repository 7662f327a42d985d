//! `quota.set`, `quota.clear`, `quota_class.set`.
//!
//! As in Cinder a project's first limit for a resource may be below what is in use, and only keeps new use away; when
//! the project has a limit of its own already, the new one must not be below.

use std::collections::BTreeMap;

use super::{Context, Decided, Decision};
use crate::command::{QuotaClassSet, QuotaClear, QuotaSet};
use crate::event::Event;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::QuotaResource;

pub(super) fn decide(cx: &Context<'_>, set: &QuotaSet) -> Decision {
    let limits = resolved(cx, &set.limits)?;
    let own = cx.state.quotas.get(&set.project);
    for (name, limit) in &set.limits {
        let Some(resource) = resource(cx, name) else { continue };
        let has_own = own.is_some_and(|own| own.limits.contains_key(&resource));
        let usage = cx.state.usage_of(&set.project, resource);
        let used = usage.in_use + usage.reserved;
        if has_own && *limit >= 0 && *limit < used {
            return Err(Refusal::new(
                RefusalCode::QuotaBelowUsage,
                format!(
                    "Quota {name} limit must be equal or greater than existing resources. \
                     Current usage is {used} and the requested limit is {limit}."
                ),
                format!("set it to {used} or more, or clear the quota of project {} first", set.project),
            ));
        }
    }
    Ok(Decided::events(vec![Event::QuotaSet { project: set.project.clone(), limits }]))
}

/// A project that has no limits of its own is as it shall be.
pub(super) fn clear(clear: &QuotaClear) -> Decided {
    Decided::events(vec![Event::QuotaCleared { project: clear.project.clone() }])
}

pub(super) fn class(cx: &Context<'_>, set: &QuotaClassSet) -> Decision {
    let limits = resolved(cx, &set.limits)?;
    Ok(Decided::events(vec![Event::QuotaClassSet { class: set.class.clone(), limits }]))
}

/// The limits by what they limit.
fn resolved(cx: &Context<'_>, named: &BTreeMap<String, i64>) -> Result<BTreeMap<QuotaResource, i64>, Refusal> {
    if named.is_empty() {
        return Err(Refusal::new(RefusalCode::InvalidQuota, "no limit is named", "name at least one limit"));
    }
    let unknown: Vec<String> = named
        .keys()
        .filter(|name| resource(cx, name).is_none())
        .map(|name| name.chars().take(128).collect())
        .take(16)
        .collect();
    if !unknown.is_empty() {
        return Err(Refusal::new(
            RefusalCode::InvalidQuota,
            format!("Bad key(s) in quota set: {}", unknown.join(",")),
            "use volumes, gigabytes, snapshots, per_volume_gigabytes, backups, backup_gigabytes, groups, or \
             volumes_, gigabytes_ or snapshots_ and the name of a volume type",
        ));
    }
    Ok(named.iter().filter_map(|(name, limit)| Some((resource(cx, name)?, *limit))).collect())
}

fn resource(cx: &Context<'_>, name: &str) -> Option<QuotaResource> {
    QuotaResource::from_name(name, |name| cx.state.find_type(name).map(|found| found.id))
}
