use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Actor, COMMAND_VERSION, Command, DeadlinePassed};
use super::{attachment, group, operator, qos, quota, service, snapshot, transfer, volume, volume_type};
use crate::id::{CommandId, ProjectId};
use crate::inventory::INVENTORY_ITEMS_MAX;
use crate::record::Verbatim;
use crate::refusal::{Refusal, RefusalCode};
use crate::task::{REPORT_BYTES_MAX, REPORTS_PER_MESSAGE_MAX, Report, ReportBody, TASK_VERSION};
use crate::unit::Hash;

/// The most bytes of a command's body. Reports may be larger, up to what NATS carries.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// Every resource with its verbs, as they stand in subjects.
pub const RESOURCES: &[(&str, &[&str])] = &[
    (
        "volume",
        &[
            "create",
            "delete",
            "extend",
            "revert",
            "update",
            "retype",
            "reserve",
            "unreserve",
            "begin_detaching",
            "roll_detaching",
            "initialize_connection",
            "terminate_connection",
            "attach",
            "detach",
            "reset_status",
            "force_detach",
            "manage",
            "unmanage",
        ],
    ),
    ("snapshot", &["create", "delete", "update", "set_status", "reset_status", "manage", "unmanage"]),
    ("attachment", &["create", "update", "complete", "delete"]),
    ("transfer", &["create", "accept", "delete"]),
    ("group", &["create", "update", "delete", "reset_status"]),
    ("group_snapshot", &["create", "delete", "reset_status"]),
    ("message", &["delete"]),
    ("service", &["enable", "disable", "freeze", "thaw"]),
    ("quota", &["set", "clear"]),
    ("quota_class", &["set"]),
    ("type", &["create", "update", "delete", "grant", "revoke", "set_encryption", "unset_encryption", "set_default"]),
    ("qos", &["create", "update", "delete", "associate", "disassociate"]),
    ("group_type", &["create", "update", "delete"]),
    ("log", &["set_level"]),
    ("drift", &["scan", "repair"]),
];

/// Resources that belong to a project; all others concern the whole cell.
const OF_PROJECTS: &[&str] = &["volume", "snapshot", "attachment", "transfer", "group", "group_snapshot", "message"];

/// What only operators may do to a project's resources.
const OF_OPERATORS: &[&str] = &["reset_status", "force_detach", "manage", "unmanage"];

/// Whether a command is accepted only on the subjects of the project `admin`.
#[must_use]
pub fn is_admin_only(resource: &str, verb: &str) -> bool {
    !OF_PROJECTS.contains(&resource) || OF_OPERATORS.contains(&verb)
}

/// Which way a command came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// By request and reply, `stele.ask.>`.
    Ask,
    /// By the durable inbox, `stele.cmd.>`, with its sequence there.
    Inbox(u64),
    /// From a worker, `stele.report.>`.
    Report,
    /// From control's own clock.
    Timer,
}

/// A message as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its subject; for the timer `stele.timer`.
    pub subject: String,
    /// Its bytes.
    pub payload: Bytes,
    /// Which way it came.
    pub source: Source,
    /// The id that the command has when it carries none.
    pub fallback_id: CommandId,
}

/// A message of which everything is known that can be known without the state.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The command's id.
    pub id: CommandId,
    /// Whether the sender chose the id, so that it may send the command again.
    pub id_given: bool,
    /// The project of the subject.
    pub project: Option<ProjectId>,
    /// Who asks.
    pub actor: Actor,
    /// The body as it came.
    pub verbatim: Verbatim,
    /// Tells two commands of one id apart: the start of the SHA-256 of subject and body.
    pub fingerprint: u64,
    /// The command, or what is wrong with the message.
    pub command: Result<Command, Refusal>,
}

/// Reads a message. Never fails: what is wrong with it becomes the refusal that its sender gets.
#[must_use]
pub fn parse(incoming: &Incoming) -> Parsed {
    let mut parsed = Parsed {
        id: incoming.fallback_id,
        id_given: false,
        project: None,
        actor: Actor::default(),
        verbatim: Verbatim::of(&incoming.payload),
        fingerprint: fingerprint(incoming),
        command: Err(Refusal::new(RefusalCode::UnknownCommand, String::new(), String::new())),
    };
    parsed.command = match incoming.source {
        Source::Ask | Source::Inbox(_) => read_command(incoming, &mut parsed),
        Source::Report => read_report(&incoming.payload),
        Source::Timer => read_timer(&incoming.payload),
    };
    parsed
}

fn fingerprint(incoming: &Incoming) -> u64 {
    // The way in may differ between the two tries (inbox, then ask): only what is asked for counts.
    let what = incoming.subject.splitn(3, '.').nth(2).unwrap_or_default();
    let mut bytes = Vec::with_capacity(what.len() + 1 + incoming.payload.len());
    bytes.extend_from_slice(what.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&incoming.payload);
    let [a, b, c, d, e, f, g, h, ..] = Hash::of(&bytes).0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    v: Option<u32>,
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default)]
    actor: Option<Actor>,
    #[serde(default)]
    volume: Option<Box<RawValue>>,
    #[serde(default)]
    service: Option<Box<RawValue>>,
    #[serde(default)]
    snapshot: Option<Box<RawValue>>,
    #[serde(default)]
    attachment: Option<Box<RawValue>>,
    #[serde(default)]
    transfer: Option<Box<RawValue>>,
    #[serde(default)]
    group: Option<Box<RawValue>>,
    #[serde(default)]
    group_snapshot: Option<Box<RawValue>>,
    #[serde(default)]
    message: Option<Box<RawValue>>,
    #[serde(default)]
    quota: Option<Box<RawValue>>,
    #[serde(default)]
    quota_class: Option<Box<RawValue>>,
    #[serde(default, rename = "type")]
    volume_type: Option<Box<RawValue>>,
    #[serde(default)]
    qos: Option<Box<RawValue>>,
    #[serde(default)]
    group_type: Option<Box<RawValue>>,
    #[serde(default)]
    log: Option<Box<RawValue>>,
    #[serde(default)]
    drift: Option<Box<RawValue>>,
}

fn read_command(incoming: &Incoming, parsed: &mut Parsed) -> Result<Command, Refusal> {
    let (project, resource, verb) = read_subject(&incoming.subject)?;
    parsed.project = Some(project.clone());
    let size = incoming.payload.len();
    if size > COMMAND_BYTES_MAX {
        return Err(Refusal::new(
            RefusalCode::TooLarge,
            format!("the body has {size} bytes"),
            format!("send at most {COMMAND_BYTES_MAX} bytes"),
        ));
    }
    let body: Body = read(&incoming.payload)?;
    if let Some(id) = body.id {
        parsed.id = CommandId(id);
        parsed.id_given = true;
    }
    if body.v.is_some_and(|v| v != COMMAND_VERSION) {
        return Err(Refusal::new(
            RefusalCode::UnsupportedVersion,
            format!("v is {}", body.v.unwrap_or_default()),
            format!("this cell reads version {COMMAND_VERSION}"),
        ));
    }
    parsed.actor = body.actor.clone().unwrap_or_default();
    check_actor(&parsed.actor, &project)?;
    if is_admin_only(&resource, &verb) && !project.is_admin() {
        return Err(Refusal::new(
            RefusalCode::AdminOnly,
            format!("{resource}.{verb} is for operators and came for project {project}"),
            format!("send it on ...{}.{resource}.{verb}", crate::id::ADMIN_PROJECT),
        ));
    }
    read_resource(&resource, &verb, body)
}

fn read_subject(subject: &str) -> Result<(ProjectId, String, String), Refusal> {
    let unknown = |message: String| {
        let known: Vec<String> =
            RESOURCES.iter().flat_map(|(r, verbs)| verbs.iter().map(move |v| format!("{r}.{v}"))).collect();
        Refusal::new(
            RefusalCode::UnknownCommand,
            message,
            format!("use stele.cmd.<project>.<resource>.<verb> with one of {}", known.join(", ")),
        )
    };
    let shown: String = subject.chars().take(128).collect();
    let tokens: Vec<&str> = subject.split('.').collect();
    let [_, _, project, resource, verb] = tokens.as_slice() else {
        return Err(unknown(format!("the subject {shown} has not five parts")));
    };
    let project = ProjectId::new(project)
        .map_err(|e| Refusal::new(RefusalCode::InvalidName, e.to_string(), "use the project's id"))?;
    let known = RESOURCES.iter().any(|(r, verbs)| r == resource && verbs.contains(verb));
    if !known {
        return Err(unknown(format!("there is no command {resource}.{verb}").chars().take(128).collect()));
    }
    Ok((project, (*resource).to_owned(), (*verb).to_owned()))
}

fn check_actor(actor: &Actor, project: &ProjectId) -> Result<(), Refusal> {
    if let Some(claimed) = actor.project.as_ref().filter(|claimed| *claimed != project) {
        return Err(Refusal::new(
            RefusalCode::ForeignProject,
            format!("the body speaks for project {claimed}, the subject for {project}"),
            "send a project's commands on its own subjects",
        ));
    }
    let texts = actor.roles.iter().chain(actor.request_id.as_ref()).chain([&actor.user]);
    for value in texts {
        super::text::text("actor", value)?;
    }
    if actor.roles.len() > 64 {
        return Err(Refusal::new(RefusalCode::MalformedBody, "actor has more than 64 roles", "name at most 64 roles"));
    }
    Ok(())
}

fn read_resource(resource: &str, verb: &str, body: Body) -> Result<Command, Refusal> {
    let keys = [
        ("volume", body.volume),
        ("snapshot", body.snapshot),
        ("attachment", body.attachment),
        ("transfer", body.transfer),
        ("group", body.group),
        ("group_snapshot", body.group_snapshot),
        ("message", body.message),
        ("service", body.service),
        ("quota", body.quota),
        ("quota_class", body.quota_class),
        ("type", body.volume_type),
        ("qos", body.qos),
        ("group_type", body.group_type),
        ("log", body.log),
        ("drift", body.drift),
    ];
    let mut content = None;
    for (key, value) in keys {
        match value {
            Some(value) if key == resource => content = Some(value),
            Some(_) => {
                return Err(Refusal::new(
                    RefusalCode::UnknownField,
                    format!("{resource}.{verb} has no field {key:?}"),
                    format!("put what is asked for under {resource:?}"),
                ));
            }
            None => {}
        }
    }
    let content = content.ok_or_else(|| {
        Refusal::new(
            RefusalCode::MalformedBody,
            format!("the body has no {resource:?}"),
            format!("put what is asked for under {resource:?}, as docs/commands.md shows"),
        )
    })?;
    let json = content.get().as_bytes();
    let command = match resource {
        "volume" => volume::command(verb, json),
        "snapshot" => snapshot::command(verb, json),
        "attachment" => attachment::command(verb, json),
        "transfer" => transfer::command(verb, json),
        "group" => group::command(verb, json),
        "group_snapshot" => group::snapshot_command(verb, json),
        "message" => operator::message_command(verb, json),
        "service" => service::command(verb, json),
        "quota" => quota::command(verb, json),
        "quota_class" => quota::class_command(verb, json),
        "type" => volume_type::command(verb, json),
        "qos" => qos::command(verb, json),
        "group_type" => group::type_command(verb, json),
        "log" => operator::log_command(verb, json),
        "drift" => operator::drift_command(verb, json),
        _ => None,
    };
    command.unwrap_or_else(|| {
        Err(Refusal::new(RefusalCode::UnknownCommand, format!("no command {resource}.{verb}"), "see docs/commands.md"))
    })
}

pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(json).map_err(|error| {
        let message: String = error.to_string().chars().take(300).collect();
        // serde tells an unknown field apart from other errors of form only in its words.
        let (code, remedy) = if !error.is_data() {
            (RefusalCode::NotJson, "send one JSON object")
        } else if message.starts_with("unknown field") {
            (RefusalCode::UnknownField, "remove the field; docs/commands.md lists those that there are")
        } else {
            (RefusalCode::MalformedBody, "docs/commands.md shows the fields and their types")
        };
        Refusal::new(code, message, remedy)
    })
}

fn read_report(payload: &[u8]) -> Result<Command, Refusal> {
    if payload.len() > REPORT_BYTES_MAX {
        return Err(Refusal::new(
            RefusalCode::TooLarge,
            format!("the report has {} bytes", payload.len()),
            format!("send at most {REPORT_BYTES_MAX} bytes in one message"),
        ));
    }
    let report: Report = read(payload)?;
    if report.v != TASK_VERSION {
        return Err(Refusal::new(
            RefusalCode::UnsupportedVersion,
            format!("the report's v is {}", report.v),
            format!("this cell reads version {TASK_VERSION}; run workers and control of one release"),
        ));
    }
    if let ReportBody::Tasks(tasks) = &report.body
        && tasks.len() > REPORTS_PER_MESSAGE_MAX
    {
        return Err(Refusal::new(
            RefusalCode::TooLarge,
            format!("the report has {} transitions", tasks.len()),
            format!("send at most {REPORTS_PER_MESSAGE_MAX} in one message"),
        ));
    }
    if let ReportBody::Inventory(inventory) = &report.body
        && inventory.items.len() > INVENTORY_ITEMS_MAX
    {
        return Err(Refusal::new(
            RefusalCode::TooLarge,
            format!("the part of the inventory has {} things", inventory.items.len()),
            format!("send at most {INVENTORY_ITEMS_MAX} in one message"),
        ));
    }
    Ok(Command::Report(Box::new(report)))
}

fn read_timer(payload: &[u8]) -> Result<Command, Refusal> {
    read::<DeadlinePassed>(payload).map(Command::DeadlinePassed)
}

#[cfg(test)]
mod tests;
