//! What operators do to services.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use stele_core::id::BackendName;

use super::known::{self, Service, VOLUME};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{Kind, Pattern, Rule as Is, Schema, TEXT_OR_NULL, object};

/// The version since which Cinder freezes whole clusters.
const CLUSTER_SINCE: u16 = 26;

const TEXT: Schema = Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1), Is::CharsMax(255)]);

/// A host in a body.
const HOST: Schema = Schema(&[
    Is::Kind(&[Kind::Text, Kind::Null]),
    Is::CharsMin(1),
    Is::CharsMax(255),
    Is::Text(Pattern {
        shown: r"^[a-zA-Z0-9-._#@:/+\[\]]*$",
        fits: |text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._#@:/+[]".contains(&byte)),
    }),
]);

const SET: Schema = Schema(&[
    Is::Kind(&[Kind::Object]),
    Is::Keys(&[("binary", TEXT), ("host", HOST), ("cluster", TEXT_OR_NULL), ("service", TEXT)]),
    Is::Any(&[Schema(&[Is::Required(&["binary"])]), Schema(&[Is::Required(&["service"])])]),
    Is::Closed,
]);

const DISABLE_LOG_REASON: Schema = Schema(&[
    Is::Kind(&[Kind::Object]),
    Is::Keys(&[
        ("binary", TEXT),
        ("host", HOST),
        ("cluster", TEXT_OR_NULL),
        ("service", TEXT),
        ("disabled_reason", TEXT),
    ]),
    Is::Any(&[Schema(&[Is::Required(&["binary"])]), Schema(&[Is::Required(&["service"])])]),
    Is::Closed,
]);

const FREEZE: Schema = object!({ "cluster" => TEXT_OR_NULL, "host" => HOST });

const FAILOVER: Schema = object!({ "host" => HOST, "backend_id" => TEXT_OR_NULL, "cluster" => TEXT_OR_NULL });

pub(super) async fn enable(context: Context) -> Answered {
    Ok(Answer::ok(&set(&context, &SET, "enable").await?))
}

pub(super) async fn disable(context: Context) -> Answered {
    Ok(Answer::ok(&set(&context, &SET, "disable").await?))
}

/// The only answer that names the reason.
pub(super) async fn disable_log_reason(context: Context) -> Answered {
    let mut answer = set(&context, &DISABLE_LOG_REASON, "disable").await?;
    answer["disabled_reason"] = json!(context.body(&DISABLE_LOG_REASON)?.get("disabled_reason"));
    Ok(Answer::ok(&answer))
}

async fn set(context: &Context, schema: &Schema, verb: &'static str) -> Result<Value, Fault> {
    let given = context.body(schema)?;
    context.allow(Rule::ServicesUpdate)?;
    let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("host").is_empty() {
        return Err(Fault::invalid_input("Host field is missing."));
    }
    // `service` is the old name; clients may send either.
    let binary = if text("binary").is_empty() { text("service") } else { text("binary") };
    let service = find(context, text("host"), binary).await?;
    change(context, &service, verb, given.get("disabled_reason")).await?;
    let enabled = verb == "enable";
    Ok(json!({
        "host": text("host"),
        "service": text("service"),
        "binary": text("binary"),
        "status": if enabled { "enabled" } else { "disabled" },
        "disabled": !enabled,
    }))
}

async fn find(context: &Context, host: &str, binary: &str) -> Result<Service, Fault> {
    let (host, binary) = (host.to_owned(), binary.to_owned());
    let found = context.read(move |context, snapshot| {
        let services = known::all(snapshot, context.gateway.now())?;
        let found = services.into_iter().find(|service| service.host == host && service.binary == binary);
        found.ok_or_else(|| no_such_service(&binary, &host))
    });
    found.await
}

/// Enables or disables a volume service; a scheduler is always enabled.
///
/// # Errors
/// 400 when a scheduler shall be disabled.
pub(super) async fn change(
    context: &Context,
    service: &Service,
    verb: &'static str,
    reason: Option<&Value>,
) -> Result<(), Fault> {
    if service.binary != VOLUME {
        let text = "The control that leads cannot be disabled: stop it, and another one takes over.";
        return if verb == "enable" { Ok(()) } else { Err(Fault::invalid_input(text)) };
    }
    let mut content = json!({"backend": service.host});
    if let Some(reason) = reason.filter(|_| verb == "disable") {
        content["reason"] = reason.clone();
    }
    context.operate(("service", verb), &content).await.map(drop)
}

pub(super) async fn freeze(context: Context) -> Answered {
    freeze_or_thaw(&context, "freeze", Rule::VolumeFreezeHost).await
}

pub(super) async fn thaw(context: Context) -> Answered {
    freeze_or_thaw(&context, "thaw", Rule::VolumeThawHost).await
}

async fn freeze_or_thaw(context: &Context, verb: &'static str, rule: Rule) -> Answered {
    let given = context.body(&FREEZE)?;
    context.allow(Rule::ServicesUpdate)?;
    context.allow(rule)?;
    for backend in backends(context, given).await? {
        context.operate(("service", verb), &json!({"backend": backend})).await?;
    }
    Ok(Answer::empty(StatusCode::OK))
}

/// No backend of this cell replicates, so none can fail over.
pub(super) async fn failover(context: Context) -> Answered {
    let given = context.body(&FAILOVER)?;
    context.allow(Rule::ServicesUpdate)?;
    context.allow(Rule::VolumeFailoverHost)?;
    let hosts: Vec<String> = backends(&context, given).await?.iter().map(|name| format!("'{name}'")).collect();
    Err(Fault::invalid_input(format!(
        "No service could be changed: replication_status in [{}] must be ['enabled', 'failed-over'] and must be up \
         to failover.",
        hosts.join(", ")
    )))
}

/// The backends of the host in a body. There are no clusters.
async fn backends(context: &Context, given: &Map<String, Value>) -> Result<Vec<BackendName>, Fault> {
    let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let clusters = context.version.has(CLUSTER_SINCE);
    let (host, cluster) = (text("host"), if clusters { text("cluster") } else { String::new() });
    if host.is_empty() == cluster.is_empty() {
        let message =
            if clusters { "One and only one of cluster and host must be set." } else { "Host field is missing." };
        return Err(Fault::invalid_input(message));
    }
    if !cluster.is_empty() {
        return Err(Fault::bad_request(format!("No service found with cluster={cluster}")));
    }
    let found = context.read(move |_, snapshot| {
        let found = known::backends_on(snapshot, &host)?;
        if found.is_empty() { Err(Fault::bad_request(format!("No service found with host={host}"))) } else { Ok(found) }
    });
    found.await
}

/// 404 in the words of Cinder's `ServiceNotFound`.
pub(in crate::v3) fn no_such_service(binary: &str, host: &str) -> Fault {
    let cut = |text: &str| text.chars().take(255).collect::<String>();
    Fault::not_found(format!("Service {} could not be found on host {}.", cut(binary), cut(host)))
}
