//! Which projects may use types that are not public.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{find, named, view};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{Kind, Rule as Is, Schema, object, under};

const PROJECT: Schema = object!({
    "project" => Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1), Is::CharsMax(255)]),
} required ["project"]);
const GRANT: Schema = under!("addProjectAccess", PROJECT);
const REVOKE: Schema = under!("removeProjectAccess", PROJECT);

pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::VolumeTypeAccessGetAllForType)?;
    let answer = |context: &Context, snapshot: &crate::reader::Snapshot| {
        let found = find(context, snapshot, context.path("id"))?;
        if found.is_public {
            return Err(Fault::not_found("Access list not available for public volume types."));
        }
        Ok(Answer::ok(&json!({"volume_type_access": view::access(&found)})))
    };
    context.read(answer).await
}

pub(super) async fn grant(context: Context) -> Answered {
    let project = context.body_of(&GRANT, "addProjectAccess")?.get("project").cloned();
    context.allow(Rule::VolumeTypeAccessAddprojectaccess)?;
    change(&context, project, "grant").await
}

pub(super) async fn revoke(context: Context) -> Answered {
    let project = context.body_of(&REVOKE, "removeProjectAccess")?.get("project").cloned();
    context.allow(Rule::VolumeTypeAccessRemoveprojectaccess)?;
    change(&context, project, "revoke").await
}

async fn change(context: &Context, project: Option<Value>, verb: &'static str) -> Answered {
    let id = named(context).await?.id;
    context.operate(("type", verb), &json!({"type": id, "project": project})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}
