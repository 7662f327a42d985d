//! `/clusters` and `/workers`: any number of workers may serve a backend and any number of controls stand by, without
//! a name for them together; and work that somebody left is taken up by itself.

use serde_json::{Value, json};

use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::schema::{
    BOOLEAN, Constant, Kind, NAME, Pattern, Rule as Is, Schema, TEXT_OR_NULL, UUID_OR_NULL, object,
};

/// The version in which clusters came.
const CLUSTERS_SINCE: u16 = 7;

/// The version since which clusters can be looked for by their replication.
const REPLICATION_SINCE: u16 = 26;

/// The version in which cleaning up came.
const CLEANUP_SINCE: u16 = 24;

const UPDATE: Schema = object!({ "name" => NAME, "binary" => TEXT_OR_NULL } required ["name"]);

const DISABLE: Schema =
    object!({ "name" => NAME, "binary" => TEXT_OR_NULL, "disabled_reason" => TEXT_OR_NULL } required ["name"]);

const HOST: Schema = Schema(&[
    Is::Kind(&[Kind::Text, Kind::Null]),
    Is::CharsMin(1),
    Is::CharsMax(255),
    Is::Text(Pattern {
        shown: "^[a-zA-Z0-9-._#@:/+]*$",
        fits: |text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._#@:/+".contains(&byte)),
    }),
]);

const CLEANUP: Schema = object!({
    "cluster_name" => HOST,
    "disabled" => BOOLEAN,
    "host" => HOST,
    "is_up" => BOOLEAN,
    "binary" => Schema(&[Is::OneOf(&[Constant::Text("cinder-volume"), Constant::Text("cinder-scheduler")])]),
    "resource_id" => UUID_OR_NULL,
    "resource_type" => Schema(&[Is::Kind(&[Kind::Text, Kind::Null]), Is::CharsMax(40)]),
    "service_id" => Schema(&[
        Is::Kind(&[Kind::Integer, Kind::Text, Kind::Null]),
        Is::Text(Pattern { shown: "^[0-9]*$", fits: |text| text.bytes().all(|byte| byte.is_ascii_digit()) }),
        Is::CharsMax(11),
    ]),
});

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/clusters", CLUSTERS_SINCE, list)
        .get("/clusters/detail", CLUSTERS_SINCE, list)
        .get("/clusters/{name}", CLUSTERS_SINCE, show)
        .put("/clusters/enable", CLUSTERS_SINCE, enable)
        .put("/clusters/disable", CLUSTERS_SINCE, disable)
        .post("/workers/cleanup", CLEANUP_SINCE, cleanup)
}

async fn list(context: Context) -> Answered {
    context.allow(Rule::ClustersGetAll)?;
    let known = ["name", "binary", "is_up", "disabled", "num_hosts", "num_down_hosts"];
    let replication = ["replication_status", "frozen", "active_backend_id"];
    let allowed =
        |name: &&str| known.contains(name) || (context.version.has(REPLICATION_SINCE) && replication.contains(name));
    let unknown: Vec<&str> = context.query.iter().map(|(name, _)| name).filter(|name| !allowed(name)).collect();
    if !unknown.is_empty() {
        let shown: String = unknown.join(", ").chars().take(255).collect();
        return Err(Fault::invalid_input(format!("Invalid filter keys: {shown}")));
    }
    context.query.truth("disabled")?;
    context.query.truth("is_up")?;
    Ok(Answer::ok(&json!({"clusters": []})))
}

async fn show(context: Context) -> Answered {
    context.allow(Rule::ClustersGet)?;
    Err(missing(context.path("name"), "cinder-volume"))
}

async fn enable(context: Context) -> Answered {
    change(&context, &UPDATE)
}

async fn disable(context: Context) -> Answered {
    change(&context, &DISABLE)
}

fn change(context: &Context, schema: &Schema) -> Answered {
    let given = context.body(schema)?;
    context.allow(Rule::ClustersUpdate)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    Err(missing(text("name").unwrap_or_default(), text("binary").unwrap_or("cinder-volume")))
}

fn missing(name: &str, binary: &str) -> Fault {
    let cut = |text: &str| text.chars().take(255).collect::<String>();
    let (name, binary) = (cut(name), cut(binary));
    Fault::not_found(format!("Cluster {{'binary': '{binary}', 'name': '{name}'}} could not be found."))
}

/// Nothing ever waits for somebody to clean up behind a service that died: its tasks go to another worker.
async fn cleanup(context: Context) -> Answered {
    let given = context.body(&CLEANUP)?;
    context.allow(Rule::WorkersCleanup)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(kind) = text("resource_type").map(title)
        && !["Volume", "Snapshot"].contains(&kind.as_str())
    {
        return Err(Fault::invalid_input(format!("Resource type {kind} not valid, must be Volume or Snapshot")));
    }
    let located = ["service_id", "cluster_name", "host"].iter().any(|key| given.contains_key(*key));
    if let Some(id) = text("resource_id").filter(|_| !located) {
        return Err(Fault::invalid_input(format!("There is no resource with UUID {id} pending cleanup.")));
    }
    Ok(Answer::accepted(&json!({"cleaning": [], "unavailable": []})))
}

/// As Python's `str.title` does it to one word.
fn title(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
