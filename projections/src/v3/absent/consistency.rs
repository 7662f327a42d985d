//! `/consistencygroups` and `/cgsnapshots`: what groups replaced. Cinder keeps them as groups of a type that its
//! migration script makes; here there is none, and it answers as it does then.

use serde_json::{Value, json};

use super::empty_page;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::schema::{
    BOOLEAN, DESCRIPTION, Kind, Rule as Is, Schema, TEXT_OR_NULL, UUID, UUID_OR_NULL, object, under,
};

const SORTS_BY: &[&str] = &["id", "created_at", "updated_at", "name", "status", "availability_zone"];

const CREATE: Schema = under!(
    "consistencygroup",
    object!({
        "name" => TEXT_OR_NULL,
        "description" => DESCRIPTION,
        "volume_types" => Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1), Is::CharsMax(255)]),
        "availability_zone" => TEXT_OR_NULL,
    } required ["volume_types"])
);

const FROM_SOURCE: Schema = under!(
    "consistencygroup-from-src",
    object!({
        "name" => TEXT_OR_NULL,
        "description" => DESCRIPTION,
        "source_cgid" => UUID_OR_NULL,
        "cgsnapshot_id" => UUID_OR_NULL,
    })
);

const UPDATE: Schema = under!(
    "consistencygroup",
    Schema(&[
        Is::Kind(&[Kind::Object, Kind::Null]),
        Is::Keys(&[
            ("name", TEXT_OR_NULL),
            ("description", DESCRIPTION),
            ("add_volumes", TEXT_OR_NULL),
            ("remove_volumes", TEXT_OR_NULL),
        ]),
        Is::Closed,
    ])
);

const DELETE: Schema = under!("consistencygroup", object!({ "force" => BOOLEAN }));

const CREATE_SNAPSHOT: Schema = under!(
    "cgsnapshot",
    object!({
        "consistencygroup_id" => UUID,
        "name" => TEXT_OR_NULL,
        "description" => DESCRIPTION,
    } required ["consistencygroup_id"])
);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/consistencygroups", 0, list)
        .get("/consistencygroups/detail", 0, list)
        .post("/consistencygroups", 0, create)
        .post("/consistencygroups/create_from_src", 0, create_from_source)
        .get("/consistencygroups/{group}", 0, show)
        .put("/consistencygroups/{group}", 0, update)
        .put("/consistencygroups/{group}/update", 0, update)
        .delete("/consistencygroups/{group}", 0, delete)
        .post("/consistencygroups/{group}/delete", 0, delete_with_body)
        .get("/cgsnapshots", 0, list_snapshots)
        .get("/cgsnapshots/detail", 0, list_snapshots)
        .post("/cgsnapshots", 0, create_snapshot)
        .get("/cgsnapshots/{snapshot}", 0, show_snapshot)
        .delete("/cgsnapshots/{snapshot}", 0, delete_snapshot)
}

async fn list(context: Context) -> Answered {
    context.allow(Rule::GroupGetAll)?;
    empty_page(&context, "Group", SORTS_BY)?;
    Ok(Answer::ok(&json!({"consistencygroups": []})))
}

async fn create(context: Context) -> Answered {
    context.body(&CREATE)?;
    context.allow(Rule::GroupCreate)?;
    Err(Fault::bad_request(
        "Group type default_cgsnapshot_type not found. Rerun migration script to create the default cgsnapshot type.",
    ))
}

async fn create_from_source(context: Context) -> Answered {
    let given = context.body_of(&FROM_SOURCE, "consistencygroup-from-src")?;
    context.allow(Rule::GroupCreate)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or("None");
    match (text("source_cgid"), text("cgsnapshot_id")) {
        (None, None) => Err(Fault::bad_request(format!(
            "Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency group {name} from source."
        ))),
        (Some(_), Some(_)) => Err(Fault::bad_request(format!(
            "Cannot provide both 'cgsnapshot_id' and 'source_cgid' to create consistency group {name} from source."
        ))),
        (Some(group), None) => Err(Fault::no_such("Group", group)),
        (None, Some(snapshot)) => Err(Fault::no_such("GroupSnapshot", snapshot)),
    }
}

async fn show(context: Context) -> Answered {
    missing(&context, Rule::GroupGet)
}

async fn update(context: Context) -> Answered {
    context.body(&UPDATE)?;
    missing(&context, Rule::GroupUpdate)
}

async fn delete(context: Context) -> Answered {
    missing(&context, Rule::GroupDelete)
}

async fn delete_with_body(context: Context) -> Answered {
    context.body(&DELETE)?;
    missing(&context, Rule::GroupDelete)
}

fn missing(context: &Context, rule: Rule) -> Answered {
    context.allow(rule)?;
    Err(Fault::no_such("Group", context.path("group")))
}

async fn list_snapshots(context: Context) -> Answered {
    context.allow(Rule::GroupGetAllGroupSnapshots)?;
    empty_page(&context, "GroupSnapshot", SORTS_BY)?;
    Ok(Answer::ok(&json!({"cgsnapshots": []})))
}

async fn create_snapshot(context: Context) -> Answered {
    let given = context.body_of(&CREATE_SNAPSHOT, "cgsnapshot")?;
    context.allow(Rule::GroupCreateGroupSnapshot)?;
    Err(Fault::no_such("Group", given.get("consistencygroup_id").and_then(Value::as_str).unwrap_or_default()))
}

async fn show_snapshot(context: Context) -> Answered {
    missing_snapshot(&context, Rule::GroupGetGroupSnapshot)
}

async fn delete_snapshot(context: Context) -> Answered {
    missing_snapshot(&context, Rule::GroupDeleteGroupSnapshot)
}

fn missing_snapshot(context: &Context, rule: Rule) -> Answered {
    context.allow(rule)?;
    Err(Fault::no_such("GroupSnapshot", context.path("snapshot")))
}
