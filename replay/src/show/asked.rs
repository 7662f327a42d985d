//! Who asked for what, and which way it came.

use serde_json::{Value, json};
use stele_core::command::{Actor, Command, ServiceChange, Source};
use stele_core::record::{Commit, Verbatim};

use super::follow::command;
use super::words::Words;

/// How much of what somebody sent is shown.
const SHOWN_CHARS_MAX: usize = 200;

/// The words for a commit that somebody asked for; workers' reports and control's clock speak through their events.
pub(crate) fn words(commit: &Commit) -> Option<Words> {
    let way = match commit.source {
        Source::Ask => format!("on {}", commit.subject),
        Source::Inbox(sequence) => format!("on {}, message {sequence} of the inbox", commit.subject),
        Source::Report | Source::Timer => return None,
    };
    let request = commit.actor.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
    let wish = match command(commit) {
        Some(command) => format!("asks to {}", wish(&command).unwrap_or_else(|| plainly(commit))),
        None => format!("sends what is no command: {:?}", cut(commit.command.text())),
    };
    let actor = who(&commit.actor);
    Some(Words {
        text: format!("{actor} of {} {wish}", of_what(commit)),
        lines: vec![format!("{way}{request}, command {}", commit.id)],
        actor,
    })
}

/// The commit without its events.
pub(super) fn detail(commit: &Commit) -> Value {
    let body = match &commit.command {
        Verbatim::Json(json) => serde_json::from_str(json.get()).unwrap_or_default(),
        noise @ Verbatim::Noise { .. } => serde_json::to_value(noise).unwrap_or_default(),
    };
    json!({
        "id": commit.id,
        "source": commit.source,
        "subject": commit.subject,
        "project": commit.project,
        "actor": commit.actor,
        "command": body,
        "subjects": commit.subjects,
    })
}

fn who(actor: &Actor) -> String {
    if actor.user.is_empty() { "somebody".to_owned() } else { actor.user.clone() }
}

fn of_what(commit: &Commit) -> String {
    let project = commit.project.as_ref().map_or("no project".to_owned(), |project| format!("project {project}"));
    let roles = &commit.actor.roles;
    if roles.is_empty() { project } else { format!("{project} ({})", roles.join(", ")) }
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// The words for the commands that are seen most; the others are told by their own words.
fn wish(command: &Command) -> Option<String> {
    Some(match command {
        Command::VolumeCreate(create) => {
            let size = create.size_gib.map_or_else(|| "its source's size".to_owned(), |size| size.to_string());
            let mut wish = format!("create a volume of {size}");
            let named = Some(&create.name).filter(|name| !name.is_empty());
            for (word, value) in [
                ("named", named),
                ("of type", create.volume_type.as_ref()),
                ("in zone", create.availability_zone.as_ref()),
            ] {
                if let Some(value) = value {
                    wish.push_str(&format!(" {word} {value:?}"));
                }
            }
            wish
        }
        Command::VolumeDelete(delete) if delete.force => format!("delete volume {} with force", delete.id),
        Command::VolumeDelete(delete) => format!("delete volume {}", delete.id),
        Command::VolumeRevert(revert) => format!("revert volume {} to snapshot {}", revert.id, revert.snapshot),
        Command::VolumeManage(manage) => {
            format!("take over {} on {} as a volume of project {}", manage.source_name, manage.pool, manage.project)
        }
        Command::VolumeUnmanage(unmanage) => format!("give up volume {}, with its data", unmanage.id),
        Command::SnapshotManage(manage) => {
            format!("take over {} as a snapshot of volume {}", manage.source_name, manage.volume)
        }
        Command::SnapshotUnmanage(unmanage) => format!("give up snapshot {}, with its data", unmanage.id),
        Command::VolumeExtend(extend) => format!("extend volume {} to {}", extend.id, extend.size_gib),
        Command::VolumeUpdate(update) => format!("change what volume {} is called", update.id),
        Command::ServiceSet(set) => {
            let (verb, reason) = match &set.change {
                ServiceChange::Enable => ("enable", ""),
                ServiceChange::Disable(reason) => ("disable", reason.as_str()),
                ServiceChange::Freeze(reason) => ("freeze", reason.as_str()),
                ServiceChange::Thaw => ("thaw", ""),
            };
            let because = if reason.is_empty() { String::new() } else { format!(" because {reason:?}") };
            format!("{verb} backend {}{because}", set.backend)
        }
        Command::QuotaSet(set) => {
            let limits: Vec<String> = set.limits.iter().map(|(name, limit)| format!("{name}={limit}")).collect();
            format!("set limits of project {}: {}", set.project, limits.join(", "))
        }
        Command::TypeCreate(create) => format!("make volume type {:?}", create.name),
        Command::TypeUpdate(update) => format!("change volume type {:?}", update.volume_type),
        Command::TypeDelete(delete) => format!("remove volume type {:?}", delete.volume_type),
        // Neither comes on a subject of its own.
        Command::Report(_) => "report".to_owned(),
        Command::DeadlinePassed(passed) => format!("give up dispatch {} of flow {}", passed.dispatch, passed.flow),
        _ => return None,
    })
}

/// `create snapshot, volume ..., name ...`: the subject's verb and resource, and what the body says of the wish.
fn plainly(commit: &Commit) -> String {
    let mut words = commit.subject.rsplit('.');
    let (verb, resource) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut wish = format!("{} {}", verb.replace('_', " "), resource.replace('_', " "));
    let body: Value = serde_json::from_str(commit.command.text()).unwrap_or_default();
    let Some(asked) = body.get(resource).and_then(Value::as_object) else { return wish };
    if let Some(id) = asked.get("id").and_then(Value::as_str) {
        wish.push_str(&format!(" {id}"));
    }
    for (key, value) in asked {
        match value {
            // Keys are kept as their hashes, which tell nobody anything.
            _ if matches!(key.as_str(), "id" | "salt" | "key_hash") => {}
            Value::String(text) if !text.is_empty() => wish.push_str(&format!(", {key} {:?}", cut(text))),
            Value::Number(_) | Value::Bool(_) => wish.push_str(&format!(", {key} {value}")),
            _ => {}
        }
    }
    cut(&wish)
}
