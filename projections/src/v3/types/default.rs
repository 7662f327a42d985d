//! `/default-types`: which type the volumes of a project have that ask for none.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use stele_core::id::{ProjectId, TypeId};

use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{NAME, Schema, object, under};

/// The version in which these routes came.
pub(super) const SINCE: u16 = 62;

const SET: Schema = under!("default_type", object!({ "volume_type" => NAME } required ["volume_type"]));

#[derive(Serialize)]
struct DefaultType<'a> {
    project_id: &'a ProjectId,
    volume_type_id: TypeId,
}

pub(super) async fn list(context: Context) -> Answered {
    allow(&context, Rule::DefaultGetAll)?;
    let answer = |_: &Context, snapshot: &Snapshot| {
        let all = snapshot.default_types()?;
        let view = |(project_id, id): &(ProjectId, TypeId)| json!(DefaultType { project_id, volume_type_id: *id });
        Ok(Answer::ok(&json!({"default_types": all.iter().map(view).collect::<Vec<Value>>()})))
    };
    context.read(answer).await
}

pub(super) async fn show(context: Context) -> Answered {
    allow(&context, Rule::DefaultGet)?;
    let project = project(&context)?;
    shown(&context, project).await
}

pub(super) async fn set(context: Context) -> Answered {
    let given = context.body_of(&SET, "default_type")?;
    allow(&context, Rule::DefaultSetOrUpdate)?;
    let project = project(&context)?;
    let name = given.get("volume_type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = context.read(move |_, snapshot| {
        let found = snapshot.types()?.find(&name).map(|found| found.id);
        let shown: String = name.chars().take(255).collect();
        found.ok_or_else(|| Fault::bad_request(format!("Volume type with name {shown} could not be found.")))
    });
    let id = found.await?;
    context.operate(("type", "set_default"), &json!({"project": project, "type": id})).await?;
    shown(&context, project).await
}

/// As in Cinder, giving up a choice that was never made is no fault.
pub(super) async fn unset(context: Context) -> Answered {
    allow(&context, Rule::DefaultUnset)?;
    let project = project(&context)?;
    context.operate(("type", "set_default"), &json!({"project": project, "type": null})).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

async fn shown(context: &Context, project: ProjectId) -> Answered {
    let answer = move |_: &Context, snapshot: &Snapshot| {
        let missing = || Fault::not_found(format!("Default type for project {project} not found."));
        let id = snapshot.default_type_of(&project)?.ok_or_else(missing)?;
        Ok(Answer::ok(&json!({"default_type": DefaultType { project_id: &project, volume_type_id: id }})))
    };
    context.read(answer).await
}

fn project(context: &Context) -> Result<ProjectId, Fault> {
    let id = context.path("project");
    let shown: String = id.chars().take(255).collect();
    ProjectId::new(id).map_err(|_| Fault::not_found(format!("Project with id {shown} not found.")))
}

fn allow(context: &Context, rule: Rule) -> Result<(), Fault> {
    let text = "You are not authorized to perform this operation.";
    if context.allows(rule) { Ok(()) } else { Err(Fault::new(StatusCode::FORBIDDEN, text)) }
}
