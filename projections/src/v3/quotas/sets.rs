//! `/os-quota-sets`: what a project may use.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::id::ProjectId;

use super::{known_keys, limits_of, short_name, usage_of};
use crate::query::{quota_defaults, quotas_of_project};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{INTEGER_MAX, Kind, Rule as Is, Schema, under};
use crate::view::QuotaLine;

const UPDATE: Schema = under!("quota_set", Schema(&[Is::Kind(&[Kind::Object]), Is::KeysMin(1)]));

/// Keys that clients send back from what they read, and that are no quotas.
const NO_QUOTAS: [&str; 2] = ["id", "tenant_id"];

pub(super) async fn show(context: Context) -> Answered {
    let project = visible(&context, Rule::QuotasShow)?;
    let usage = context.query.truth("usage")?;
    let answer = move |context: &Context, snapshot: &Snapshot| {
        let (id, lines) = (context.path("project"), lines(snapshot, project.as_ref())?);
        let set = if usage { usage_of(&lines, id) } else { limits_of(&lines, Some(id)) };
        Ok(Answer::ok(&json!({"quota_set": set})))
    };
    context.read(answer).await
}

pub(super) async fn defaults(context: Context) -> Answered {
    visible(&context, Rule::QuotasShow)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let lines = quota_defaults(snapshot)?;
        Ok(Answer::ok(&json!({"quota_set": limits_of(&lines, Some(context.path("project")))})))
    };
    context.read(answer).await
}

pub(super) async fn update(context: Context) -> Answered {
    let given = context.body_of(&UPDATE, "quota_set")?;
    let wanted: Map<String, Value> = given
        .iter()
        .filter(|(key, _)| !NO_QUOTAS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    // What types there are is not for everybody to find out.
    context.allow(Rule::QuotasUpdate)?;
    let keys: Vec<String> = wanted.keys().cloned().collect();
    context.read(move |_, snapshot| known_keys(&snapshot.types()?, keys.iter(), "quota set")).await?;
    wanted.iter().try_for_each(|(key, value)| limit(key, value))?;
    let project = project(&context)?;
    if !wanted.is_empty() {
        let mut content = wanted;
        content.insert("project".to_owned(), json!(project));
        context.operate(("quota", "set"), &content).await?;
    }
    let answer = move |_: &Context, snapshot: &Snapshot| {
        let lines = lines(snapshot, Some(&project))?;
        Ok(Answer::ok(&json!({"quota_set": limits_of(&lines, None)})))
    };
    context.read(answer).await
}

pub(super) async fn delete(context: Context) -> Answered {
    context.allow(Rule::QuotasDelete)?;
    let project = project(&context)?;
    context.operate(("quota", "clear"), &json!({"project": project})).await?;
    Ok(Answer::empty(StatusCode::OK))
}

/// The project of the path, when the caller may know of its quotas; `None` when no project can have that name.
fn visible(context: &Context, rule: Rule) -> Result<Option<ProjectId>, Fault> {
    let project = ProjectId::new(context.path("project")).ok();
    context.allow(rule)?;
    if !context.caller.is_admin && project.as_ref() != Some(&context.caller.project) {
        let text = format!("Policy doesn't allow {} to be performed.", rule.name());
        return Err(Fault::new(StatusCode::FORBIDDEN, text));
    }
    Ok(project)
}

/// A project whose quotas can be set.
fn project(context: &Context) -> Result<ProjectId, Fault> {
    let name = short_name(context.path("project"), "quota_set_name")?;
    ProjectId::new(name).map_err(|error| Fault::invalid_input(error.to_string()))
}

fn lines(snapshot: &Snapshot, project: Option<&ProjectId>) -> Result<Vec<QuotaLine>, Fault> {
    Ok(match project {
        Some(project) => quotas_of_project(snapshot, project)?.resources,
        None => quota_defaults(snapshot)?,
    })
}

fn limit(key: &str, value: &Value) -> Result<(), Fault> {
    match value.as_i64() {
        _ if value.as_u64().is_some_and(|limit| i64::try_from(limit).is_err()) => Err(too_large(key)),
        None => Err(Fault::bad_request(format!("{key} must be an integer"))),
        Some(limit) if limit < -1 => Err(Fault::bad_request(format!("{key} must be >= -1"))),
        Some(limit) if limit > INTEGER_MAX => Err(too_large(key)),
        Some(_) => Ok(()),
    }
}

fn too_large(key: &str) -> Fault {
    Fault::bad_request(format!("{key} must be <= {INTEGER_MAX}"))
}
