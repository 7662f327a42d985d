//! `stele quota`.

use std::collections::BTreeMap;

use serde_json::json;
use stele_core::id::ProjectId;
use stele_core::unit::Position;
use stele_projections::view::{QuotaLine, QuotaSetView};

use super::Session;
use super::output::{json, table};
use crate::args::Quota;
use crate::failure::Failure;

pub(super) async fn run(session: &Session, command: &Quota) -> Result<(), Failure> {
    match command {
        Quota::Show { project, at } => {
            show(&session.as_of(at), project.as_ref().unwrap_or(session.project()), None).await
        }
        Quota::Set { project, limits } => {
            let limits: BTreeMap<&str, i64> = limits.iter().map(|(name, limit)| (name.as_str(), *limit)).collect();
            let mut content = json!(limits);
            content["project"] = json!(project);
            let accepted = session.admin("quota", "set", content).await?;
            show(session, project, Some(accepted.position)).await
        }
    }
}

async fn show(session: &Session, project: &ProjectId, since: Option<Position>) -> Result<(), Failure> {
    let quotas: QuotaSetView = session.api.get(&format!("/v1/quotas/{project}"), &[], since).await?;
    if session.json {
        return json(&quotas);
    }
    let row = |q: &QuotaLine| {
        let limit = if q.limit < 0 { "unlimited".to_owned() } else { q.limit.to_string() };
        vec![q.resource.clone(), q.in_use.to_string(), q.reserved.to_string(), limit]
    };
    table(&["resource", "in use", "reserved", "limit"], quotas.resources.iter().map(row));
    Ok(())
}
