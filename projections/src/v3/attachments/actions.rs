//! `POST /volumes/{volume}/action`: attaching as older clients do it.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use stele_core::id::AttachmentId;
use stele_core::state::{Attachment, Volume};

use super::connector::{self, Asked};
use super::settle::{Settled, settled};
use super::view::Initialized;
use super::{MODE, ended, failed, guard, more, send};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::{Context, Owned as _};
use crate::v3::fault::Fault;
use crate::v3::policy::Rule as Policy;
use crate::v3::routes::Routes;
use crate::v3::schema::{ANYTHING, Kind, Rule, Schema, TEXT_OR_NULL, UUID, UUID_OR_NULL, object, under};

const PATH: &str = "/volumes/{volume}/action";

const RESERVE: Schema = under!("os-reserve", ANYTHING);
const UNRESERVE: Schema = under!("os-unreserve", ANYTHING);
const BEGIN_DETACHING: Schema = under!("os-begin_detaching", ANYTHING);
const ROLL_DETACHING: Schema = under!("os-roll_detaching", ANYTHING);

const ATTACH: Schema = under!(
    "os-attach",
    Schema(&[
        Rule::Kind(&[Kind::Object]),
        Rule::Keys(&[
            ("instance_uuid", UUID),
            ("mountpoint", Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMin(1), Rule::CharsMax(255)])),
            ("host_name", Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMax(255)])),
            ("mode", MODE),
        ]),
        Rule::Required(&["mountpoint"]),
        Rule::Any(&[Schema(&[Rule::Required(&["instance_uuid"])]), Schema(&[Rule::Required(&["host_name"])])]),
        Rule::Closed,
    ])
);

const DETACH: Schema = under!(
    "os-detach",
    Schema(&[Rule::Kind(&[Kind::Object, Kind::Null]), Rule::Keys(&[("attachment_id", UUID_OR_NULL)]), Rule::Closed,])
);

const INITIALIZE: Schema = under!(
    "os-initialize_connection",
    object!({ "connector" => Schema(&[Rule::Kind(&[Kind::Object, Kind::Text])]) } required ["connector"])
);

const CONNECTOR: Schema = Schema(&[Rule::Kind(&[Kind::Text, Kind::Object, Kind::Null])]);

const TERMINATE: Schema =
    under!("os-terminate_connection", object!({ "connector" => CONNECTOR } required ["connector"]));

const FORCE_DETACH: Schema =
    under!("os-force_detach", object!({ "connector" => CONNECTOR, "attachment_id" => TEXT_OR_NULL }));

pub(super) fn routes(routes: Routes) -> Routes {
    let state = |schema, policy, verb| move |context| stated(context, schema, policy, verb);
    routes
        .action(PATH, "os-reserve", 0, state(&RESERVE, Policy::VolumeActionsReserve, "reserve"))
        .action(PATH, "os-unreserve", 0, state(&UNRESERVE, Policy::VolumeActionsUnreserve, "unreserve"))
        .action(
            PATH,
            "os-begin_detaching",
            0,
            state(&BEGIN_DETACHING, Policy::VolumeActionsBeginDetaching, "begin_detaching"),
        )
        .action(
            PATH,
            "os-roll_detaching",
            0,
            state(&ROLL_DETACHING, Policy::VolumeActionsRollDetaching, "roll_detaching"),
        )
        .action(PATH, "os-attach", 0, attach)
        .action(PATH, "os-detach", 0, detach)
        .action(PATH, "os-initialize_connection", 0, initialize)
        .action(PATH, "os-terminate_connection", 0, terminate)
        .action(PATH, "os-force_detach", 0, force_detach)
}

/// An action that says nothing but its name.
async fn stated(context: Context, schema: &'static Schema, policy: Policy, verb: &'static str) -> Answered {
    let volume = volume(&context, schema).await?;
    context.allow(policy)?;
    send(&context, &volume.project, ("volume", verb), &json!({"id": volume.id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn attach(context: Context) -> Answered {
    let volume = volume(&context, &ATTACH).await?;
    context.allow(Policy::VolumeActionsAttach)?;
    let body = context.body_of(&ATTACH, "os-attach")?;
    let content = json!({
        "id": volume.id,
        "instance": body.get("instance_uuid"),
        "host": body.get("host_name"),
        "mountpoint": body.get("mountpoint"),
        "mode": body.get("mode").and_then(Value::as_str).unwrap_or("rw"),
    });
    send(&context, &volume.project, ("volume", "attach"), &content).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn detach(context: Context) -> Answered {
    let volume = volume(&context, &DETACH).await?;
    context.allow(Policy::VolumeActionsDetach)?;
    // Clients send null as well.
    let body = context.body(&DETACH)?.get("os-detach").and_then(Value::as_object);
    let attachment = named(body)?;
    guard_all(&context, &volume, attachment).await?;
    let content = json!({"id": volume.id, "attachment": attachment});
    let done = send(&context, &volume.project, ("volume", "detach"), &content).await?;
    if let Some(attachment) = done.subjects.attachment {
        ended(&context, attachment).await?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

#[derive(Serialize)]
struct Initializes<'a> {
    connection_info: Initialized<'a>,
}

async fn initialize(context: Context) -> Answered {
    const TROUBLE: &str = "Unable to fetch connection information from backend";
    let volume = volume(&context, &INITIALIZE).await?;
    context.allow(Policy::VolumeActionsInitializeConnection)?;
    let body = context.body_of(&INITIALIZE, "os-initialize_connection")?;
    let asked = body.get("connector").and_then(Value::as_object).filter(|map| !map.is_empty());
    let no_host = || Fault::invalid_input("Connector doesn't have required information: host");
    let asked = connector::read(asked.ok_or_else(no_host)?)?;
    let content = json!({"id": volume.id, "connector": asked.connector});
    let done = send(&context, &volume.project, ("volume", "initialize_connection"), &content).await?;
    let id = done.subjects.attachment.ok_or_else(Fault::malformed)?;
    if let Settled::Failed(reason) = settled(&context, id).await? {
        return Err(failed(TROUBLE, &reason));
    }
    let answer = context.read(move |context, snapshot| {
        let found = snapshot.find::<Attachment>(&id)?.ok_or_else(|| Attachment::missing(&id.to_string()))?;
        let more = more(context, snapshot, &found)?;
        let connection = found.connection.as_ref().ok_or_else(|| failed(TROUBLE, "it was ended meanwhile"))?;
        let info = Initialized::of(connection, &more, asked.enforce_multipath);
        Ok(Answer::ok(&Initializes { connection_info: info }))
    });
    answer.await
}

async fn terminate(context: Context) -> Answered {
    let volume = volume(&context, &TERMINATE).await?;
    context.allow(Policy::VolumeActionsTerminateConnection)?;
    let body = context.body_of(&TERMINATE, "os-terminate_connection")?;
    let asked = host(body)?;
    guard_all(&context, &volume, None).await?;
    let connector = asked.map(|asked| asked.connector);
    let content = json!({"id": volume.id, "connector": connector});
    let done = send(&context, &volume.project, ("volume", "terminate_connection"), &content).await?;
    if let Some(attachment) = done.subjects.attachment {
        ended(&context, attachment).await?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

async fn force_detach(context: Context) -> Answered {
    let volume = volume(&context, &FORCE_DETACH).await?;
    context.allow(Policy::VolumeAdminActionsForceDetach)?;
    let body = context.body_of(&FORCE_DETACH, "os-force_detach")?;
    let attachment = named(Some(body))?;
    let connector = host(body)?.map(|asked| asked.connector);
    guard_all(&context, &volume, attachment).await?;
    let content = json!({"id": volume.id, "attachment": attachment, "connector": connector});
    let done = context.operate(("volume", "force_detach"), &content).await?;
    if let Some(attachment) = done.subjects.attachment {
        ended(&context, attachment).await?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// The attachment that is named, if one is.
fn named(body: Option<&Map<String, Value>>) -> Result<Option<AttachmentId>, Fault> {
    let id = body.and_then(|body| body.get("attachment_id")).and_then(Value::as_str);
    id.map(|id| id.parse().map_err(|_| Attachment::missing(id))).transpose()
}

/// The volume of the path, once the body fits.
async fn volume(context: &Context, schema: &Schema) -> Result<Volume, Fault> {
    context.body(schema)?;
    context.find("volume").await
}

/// The host that is named, if one is.
fn host(body: &Map<String, Value>) -> Result<Option<Asked>, Fault> {
    let map = body.get("connector").and_then(Value::as_object).filter(|map| !map.is_empty());
    map.map(connector::read).transpose()
}

/// [`guard`] for what may be ended: one attachment of a volume, or any of them.
async fn guard_all(context: &Context, volume: &Volume, named: Option<AttachmentId>) -> Result<(), Fault> {
    let ids: Vec<AttachmentId> = named.map_or_else(|| volume.attachments.iter().copied().collect(), |id| vec![id]);
    let guarded = context.read(move |context, snapshot| {
        for id in &ids {
            if let Some(attachment) = snapshot.find::<Attachment>(id)? {
                guard(context, &attachment)?;
            }
        }
        Ok(())
    });
    guarded.await
}
