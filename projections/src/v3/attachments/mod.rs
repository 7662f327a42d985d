//! Attachments: what compute uses, and on the volume the calls of older clients.
//!
//! What a storage node has to do is waited for: the answer has the connection, or says why there is none. A request
//! with a service's token is sent on the cell's own subjects, where an attachment is the service's; without one such an
//! attachment cannot be ended by anybody, be it an admin (CVE-2023-2088).

mod actions;
mod connector;
mod list;
mod settle;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use stele_core::chap::{CONNECTION_KEY, Chap};
use stele_core::id::{AttachmentId, ProjectId, VolumeId};
use stele_core::state::{Attachment, Qos, QosConsumer, Volume, VolumeType};
use stele_core::task::ConnectionValue;

use super::answer::{Answer, Answered};
use super::context::{Context, Owned};
use super::fault::Fault;
use super::gateway::Accepted;
use super::policy::Rule as Policy;
use super::routes::Routes;
use super::schema::{ANYTHING, Constant, Kind, Rule, Schema, UUID, object, under};
use crate::reader::Snapshot;
use settle::{Settled, settled};
use tracing::warn;
use view::{Detail, More, Summary};

/// The version with attachments.
const ATTACHMENTS: u16 = 27;

const CONNECTOR_OR_NULL: Schema = Schema(&[Rule::Kind(&[Kind::Object, Kind::Null])]);

/// Read-write or read-only.
const MODE: Schema = Schema(&[Rule::Kind(&[Kind::Text]), Rule::OneOf(&[Constant::Text("rw"), Constant::Text("ro")])]);

const CREATE: Schema = under!(
    "attachment",
    object!({
        "instance_uuid" => UUID,
        "connector" => CONNECTOR_OR_NULL,
        "volume_uuid" => UUID,
    } required ["volume_uuid"])
);

/// From 3.54 on.
const CREATE_WITH_MODE: Schema = under!(
    "attachment",
    object!({
        "instance_uuid" => UUID,
        "connector" => CONNECTOR_OR_NULL,
        "volume_uuid" => UUID,
        "mode" => MODE,
    } required ["volume_uuid"])
);

const UPDATE: Schema = under!(
    "attachment",
    object!({
        "connector" => Schema(&[Rule::Kind(&[Kind::Object]), Rule::KeysMin(1)]),
    } required ["connector"])
);

const COMPLETE: Schema = under!("os-complete", ANYTHING);

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get("/attachments", ATTACHMENTS, list::index)
        .get("/attachments/detail", ATTACHMENTS, list::detail)
        .post("/attachments", ATTACHMENTS, create)
        .get("/attachments/{attachment}", ATTACHMENTS, show)
        .put("/attachments/{attachment}", ATTACHMENTS, update)
        .delete("/attachments/{attachment}", ATTACHMENTS, delete)
        .action("/attachments/{attachment}/action", "os-complete", 44, complete);
    actions::routes(routes)
}

impl Owned for Attachment {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        let shown: String = id.chars().take(255).collect();
        Fault::not_found(format!("Volume attachment could not be found with filter: attachment_id = {shown}."))
    }
}

#[derive(Serialize)]
struct One<T> {
    attachment: T,
}

#[derive(Serialize)]
struct Many<T> {
    attachments: Vec<T>,
}

async fn show(context: Context) -> Answered {
    let read = |context: &Context, snapshot: &Snapshot| shown(context, snapshot, &named(context, snapshot)?);
    context.read(read).await
}

async fn create(context: Context) -> Answered {
    context.allow(Policy::VolumeAttachmentCreate)?;
    let schema = if context.version.has(54) { CREATE_WITH_MODE } else { CREATE };
    let body = context.body_of(&schema, "attachment")?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let (wanted, instance, mode) = (text("volume_uuid").unwrap_or_default(), text("instance_uuid"), text("mode"));
    // An empty connector is none, as in Python.
    let connector = match body.get("connector").and_then(Value::as_object).filter(|map| !map.is_empty()) {
        Some(map) => Some(connector::read(map)?),
        None => None,
    };
    let volume: Volume = context.read(move |context, snapshot| context.owned(snapshot, &wanted)).await?;
    let content = json!({
        "volume": volume.id,
        "instance": instance,
        "connector": connector.as_ref().map(|asked| &asked.connector),
        "mode": mode.or_else(|| connector.as_ref()?.mode.clone()),
    });
    let done = send(&context, &volume.project, ("attachment", "create"), &content).await?;
    connected(&context, &done, "Unable to create attachment for volume").await
}

async fn update(context: Context) -> Answered {
    context.allow(Policy::VolumeAttachmentUpdate)?;
    let attachment = find(&context).await?;
    let body = context.body_of(&UPDATE, "attachment")?;
    let connector = connector::read(body.get("connector").and_then(Value::as_object).ok_or_else(Fault::malformed)?)?;
    let content = json!({"id": attachment.id, "connector": connector.connector, "mode": connector.mode});
    let done = send(&context, &attachment.project, ("attachment", "update"), &content).await?;
    connected(&context, &done, "Unable to update attachment").await
}

async fn complete(context: Context) -> Answered {
    context.body(&COMPLETE)?;
    let attachment = find(&context).await?;
    context.allow(Policy::VolumeAttachmentComplete)?;
    let content = json!({"id": attachment.id});
    send(&context, &attachment.project, ("attachment", "complete"), &content).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

async fn delete(context: Context) -> Answered {
    context.allow(Policy::VolumeAttachmentDelete)?;
    let attachment = find(&context).await?;
    guard(&context, &attachment)?;
    let content = json!({"id": attachment.id});
    send(&context, &attachment.project, ("attachment", "delete"), &content).await?;
    ended(&context, attachment.id).await?;
    let volume = attachment.volume;
    let rest = context.read(move |_, snapshot| {
        let rest = attachments_of(snapshot, volume)?;
        Ok(Answer::ok(&Many { attachments: rest.iter().map(Summary::of).collect() }))
    });
    rest.await
}

/// Sends a command about attaching: a service's on the cell's own subjects.
async fn send(
    context: &Context,
    owner: &ProjectId,
    what: (&'static str, &'static str),
    content: &Value,
) -> Result<Accepted, Fault> {
    if context.caller.is_service {
        context.operate(what, content).await
    } else {
        context.command(owner, what, content).await
    }
}

/// Refuses to end what a service made and a server uses to everybody else. For a project's own members the command is
/// refused; an admin's may go on the cell's own subjects, where everything is let through.
fn guard(context: &Context, attachment: &Attachment) -> Result<(), Fault> {
    match &attachment.instance {
        Some(instance) if attachment.service_owned && attachment.is_connected() && !context.caller.is_service => {
            Err(Fault::conflict(format!("Detach volume from instance {instance} using the Compute API")))
        }
        _ => Ok(()),
    }
}

/// The answer once the host can reach the volume, if it shall.
async fn connected(context: &Context, done: &Accepted, trouble: &str) -> Answered {
    let id = done.subjects.attachment.ok_or_else(Fault::malformed)?;
    match settled(context, id).await? {
        Settled::Gone => Err(Attachment::missing(&id.to_string())),
        Settled::Failed(reason) => Err(failed(trouble, &reason)),
        Settled::Stands => {
            context
                .read(move |context, snapshot| match snapshot.find::<Attachment>(&id)? {
                    Some(attachment) => shown(context, snapshot, &attachment),
                    None => Err(Attachment::missing(&id.to_string())),
                })
                .await
        }
    }
}

/// Waits until an attachment is gone.
async fn ended(context: &Context, id: AttachmentId) -> Result<(), Fault> {
    match settled(context, id).await? {
        // Somebody made it anew meanwhile, or it stays until the client detaches it.
        Settled::Gone | Settled::Stands => Ok(()),
        Settled::Failed(reason) => Err(failed("Unable to detach volume", &reason)),
    }
}

/// What a storage node could not do.
fn failed(trouble: &str, reason: &str) -> Fault {
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{trouble} ({reason})."))
}

fn shown(context: &Context, snapshot: &Snapshot, attachment: &Attachment) -> Answered {
    let more = more(context, snapshot, attachment)?;
    Ok(Answer::ok(&One { attachment: Detail::of(attachment, &more) }))
}

async fn find(context: &Context) -> Result<Attachment, Fault> {
    context.read(named).await
}

/// The attachment of the path. One that an older client is about to make is not shown yet.
fn named(context: &Context, snapshot: &Snapshot) -> Result<Attachment, Fault> {
    let id = context.path("attachment");
    let found: Attachment = context.owned(snapshot, id)?;
    if found.is_hidden() { Err(Attachment::missing(id)) } else { Ok(found) }
}

/// The attachments of a volume that are shown.
fn attachments_of(snapshot: &Snapshot, volume: VolumeId) -> Result<Vec<Attachment>, Fault> {
    let Some(volume) = snapshot.find::<Volume>(&volume)? else { return Ok(Vec::new()) };
    let found = volume.attachments.iter().filter_map(|id| snapshot.find::<Attachment>(id).transpose());
    let found = found.collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(|attachment| !attachment.is_hidden()).collect())
}

/// What an attachment's connection is shown with.
fn more(context: &Context, snapshot: &Snapshot, attachment: &Attachment) -> Result<More, Fault> {
    Ok(More { qos: qos(snapshot, attachment)?, chap: chap(context, attachment) })
}

/// What the host logs in with, where it has to: derived by the key by which the worker derived it, and by no other.
fn chap(context: &Context, attachment: &Attachment) -> Option<Chap> {
    let ConnectionValue::Text(made_by) = attachment.connection.as_ref()?.data.get(CONNECTION_KEY)? else { return None };
    let key = context.gateway.chap_key().filter(|key| key.fingerprint() == *made_by);
    if key.is_none() {
        warn!(attachment = %attachment.id, "no password can be shown: this API has not the CHAP key of the worker");
    }
    key.map(|key| key.of(attachment.chap_owner()))
}

/// The QoS specs that the host has to keep to.
fn qos(snapshot: &Snapshot, attachment: &Attachment) -> Result<Option<BTreeMap<String, String>>, Fault> {
    if attachment.connection.is_none() {
        return Ok(None);
    }
    let Some(volume) = snapshot.find::<Volume>(&attachment.volume)? else { return Ok(None) };
    let Some(id) = snapshot.find::<VolumeType>(&volume.volume_type)?.and_then(|found| found.qos) else {
        return Ok(None);
    };
    let qos = snapshot.find::<Qos>(&id)?.filter(|qos| qos.consumer != QosConsumer::BackEnd);
    Ok(qos.map(|qos| qos.specs))
}
