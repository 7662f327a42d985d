//! A client of a cell: commands over NATS, with the outcome as the answer.

use bytes::Bytes;
use serde_json::{Value, json};
use stele_core::command::COMMAND_VERSION;
use stele_core::id::ProjectId;
use stele_core::port::Ask as _;
use stele_core::record::{Outcome, OutcomeResult, Subjects};
use stele_core::unit::Position;
use uuid::Uuid;

use crate::failure::Failure;
pub use crate::nats::OUTCOME_WITHIN;
use crate::nats::{Commands, Connection};

/// A command that was accepted: where it is in the log, and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its position.
    pub position: Position,
    /// What it is about.
    pub subjects: Subjects,
}

/// Sends a command and waits for its outcome. `content` stands under the resource's name in the body.
///
/// # Errors
/// The refusal as a [`Failure`] with its code, or `Unavailable` when no control answered.
pub async fn command(
    connection: &Connection,
    project: &str,
    resource: &str,
    verb: &str,
    content: Value,
) -> Result<Accepted, Failure> {
    let mut body = json!({
        "v": COMMAND_VERSION,
        "id": Uuid::now_v7(),
        "actor": {"user": user()},
    });
    body[resource] = content;
    let outcome = outcome(connection, project, resource, verb, &body).await?;
    match (outcome.result, outcome.position) {
        (OutcomeResult::Accepted(subjects), Some(position)) => Ok(Accepted { position, subjects }),
        (OutcomeResult::Accepted(_), None) => Err(unreadable()),
        (OutcomeResult::Refused(refusal), _) => {
            Err(Failure::new(refusal.code.as_str(), refusal.message, refusal.remedy))
        }
    }
}

/// Sends a command with its whole body, id and all, and waits for its outcome, whatever that is.
///
/// # Errors
/// `Unavailable` when no control answered.
pub async fn outcome(
    connection: &Connection,
    project: &str,
    resource: &str,
    verb: &str,
    body: &Value,
) -> Result<Outcome, Failure> {
    let project = ProjectId::new(project)
        .map_err(|error| Failure::new("InvalidName", error.to_string(), "name the project with --project"))?;
    let commands = Commands::new(connection.clone());
    Ok(commands.ask(&project, resource, verb, Bytes::from(body.to_string())).await?)
}

/// An accepted command that stands nowhere.
pub(crate) fn unreadable() -> Failure {
    let remedy = "use a `stele` of the cell's release";
    Failure::new("UnreadableOutcome", "an accepted command without a position", remedy)
}

/// Who is at the keyboard; it stands in the log beside the command.
fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "stele".to_owned()).chars().take(64).collect()
}
