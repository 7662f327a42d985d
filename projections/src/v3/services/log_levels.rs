//! How much the programs log. `cinder-scheduler` is the control, `cinder-api` the API, `cinder-volume` the workers;
//! prefixes are module paths of Stele, such as `stele_workers::driver`.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use stele_core::state::{LogLevel, LogTarget};

use super::known::{self, SCHEDULER, VOLUME, is_on};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::schema::{Constant, Kind, Rule as Is, Schema, TEXT_OR_NULL, object};

/// The version in which these routes came.
pub(super) const SINCE: u16 = 32;

/// Cinder's name for the API.
const API: &str = "cinder-api";

const BINARY: Schema = Schema(&[
    Is::Kind(&[Kind::Text]),
    Is::OneOf(&[
        Constant::Text("cinder-scheduler"),
        Constant::Text("cinder-volume"),
        Constant::Text("cinder-backup"),
        Constant::Text("cinder-api"),
        Constant::Text(""),
        Constant::Text("*"),
    ]),
]);

const SET: Schema = object!({
    "binary" => BINARY,
    "server" => TEXT_OR_NULL,
    "prefix" => TEXT_OR_NULL,
    "level" => Schema(&[Is::Kind(&[Kind::Text, Kind::Null])]),
});

const GET: Schema = object!({ "binary" => BINARY, "server" => TEXT_OR_NULL, "prefix" => TEXT_OR_NULL });

/// What a body asks for.
struct Wanted {
    /// Cinder's name of the program; empty for all.
    binary: String,
    /// The host, without the name of a backend; empty for all.
    host: String,
    prefix: String,
}

impl Wanted {
    fn read(given: &Map<String, Value>) -> Self {
        let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let host = text("server").split('@').next().unwrap_or_default().to_owned();
        Self { binary: text("binary").replace('*', ""), host, prefix: text("prefix") }
    }
}

pub(super) async fn set(context: Context) -> Answered {
    let given = context.body(&SET)?;
    context.allow(Rule::ServicesUpdate)?;
    let level = level(given.get("level").and_then(Value::as_str).unwrap_or_default())?;
    let wanted = Wanted::read(given);
    if let Some(binary) = program(&wanted.binary) {
        let content = json!({"binary": binary, "host": wanted.host, "prefix": wanted.prefix, "level": level});
        context.operate(("log", "set_level"), &content).await?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// The program's own name; `None` for one that this cell does not have.
fn program(binary: &str) -> Option<&'static str> {
    match binary {
        "" => Some(""),
        SCHEDULER => Some("stele-control"),
        VOLUME => Some("stele-worker"),
        API => Some("stele-api"),
        _ => None,
    }
}

fn level(text: &str) -> Result<LogLevel, Fault> {
    let known = serde_json::from_value(Value::String(text.to_ascii_uppercase()));
    let shown: String = text.chars().take(255).collect();
    known.map_err(|_| Fault::invalid_input(format!("{shown} is not a valid log level.")))
}

/// What operators chose for a program.
#[derive(Debug, Serialize)]
struct Levels {
    host: String,
    binary: &'static str,
    levels: BTreeMap<String, LogLevel>,
}

/// The levels that were chosen. What nobody chose is the program's own affair, and not shown.
pub(super) async fn get(context: Context) -> Answered {
    let wanted = Wanted::read(context.body(&GET)?);
    context.allow(Rule::ServicesUpdate)?;
    let answer = move |context: &Context, snapshot: &Snapshot| {
        let chosen = snapshot.log_levels()?;
        let services = known::all(snapshot, context.gateway.now())?;
        let up = services.into_iter().filter(|service| service.up).map(|service| (service.binary, service.host));
        // An API does not say where it runs; all of them have what was chosen for every host.
        let programs = [(API, wanted.host.clone())].into_iter().chain(up);
        let rows = programs
            .filter(|(binary, _)| wanted.binary.is_empty() || wanted.binary == *binary)
            .filter(|(_, host)| wanted.host.is_empty() || is_on(&wanted.host, host))
            .map(|(binary, host)| Levels { levels: levels_of(&chosen, binary, &host, &wanted.prefix), binary, host });
        Ok(Answer::ok(&json!({"log_levels": rows.collect::<Vec<_>>()})))
    };
    context.read(answer).await
}

/// The levels that hold for a program on a host; of several for one prefix the last, which is the closest.
fn levels_of(chosen: &[(LogTarget, LogLevel)], binary: &str, host: &str, prefix: &str) -> BTreeMap<String, LogLevel> {
    let (program, node) = (program(binary).unwrap_or_default(), host.split('@').next().unwrap_or_default());
    let holds = |target: &LogTarget| {
        (target.binary.is_empty() || target.binary == program) && (target.host.is_empty() || target.host == node)
    };
    let holding = chosen.iter().filter(|(target, _)| holds(target) && target.prefix.starts_with(prefix));
    holding.map(|(target, level)| (target.prefix.clone(), *level)).collect()
}
