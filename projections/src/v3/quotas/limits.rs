//! `/limits`: a project's limits and what it uses of them.

use serde_json::{Map, Value, json};
use stele_core::id::ProjectId;

use crate::query::{quota_defaults, quotas_of_project};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::policy::Rule;

/// The version since which an admin may ask for another project.
const PROJECT_SINCE: u16 = 39;

/// The resources that are shown, with their names as a limit and as a use.
const SHOWN: [(&str, &str, &str); 5] = [
    ("volumes", "maxTotalVolumes", "totalVolumesUsed"),
    ("snapshots", "maxTotalSnapshots", "totalSnapshotsUsed"),
    ("gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    ("backups", "maxTotalBackups", "totalBackupsUsed"),
    ("backup_gigabytes", "maxTotalBackupGigabytes", "totalBackupGigabytesUsed"),
];

pub(super) async fn show(context: Context) -> Answered {
    let answer = |context: &Context, snapshot: &Snapshot| {
        let lines = match project(context) {
            Some(project) => quotas_of_project(snapshot, &project)?.resources,
            None => quota_defaults(snapshot)?,
        };
        let uses = context.allows(Rule::UsedLimits);
        let mut absolute: Map<String, Value> = Map::new();
        for (resource, limit, used) in SHOWN {
            let Some(line) = lines.iter().find(|line| line.resource == resource) else { continue };
            absolute.insert(limit.to_owned(), json!(line.limit));
            if uses {
                absolute.insert(used.to_owned(), json!(line.in_use));
            }
        }
        Ok(Answer::ok(&json!({"limits": {"rate": [], "absolute": absolute}})))
    };
    context.read(answer).await
}

/// Whose limits are asked for; `None` when no project can have that name.
fn project(context: &Context) -> Option<ProjectId> {
    let may_ask = context.caller.is_admin && context.version.has(PROJECT_SINCE);
    let asked = context.query.get("project_id").or_else(|| context.query.get("tenant_id"));
    match asked.filter(|_| may_ask) {
        Some(asked) => ProjectId::new(asked).ok(),
        None => Some(context.caller.project.clone()),
    }
}
