//! A client of a cell: commands over NATS, with the outcome as the answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use stele_core::command::COMMAND_VERSION;
use stele_core::record::{Outcome, OutcomeResult, Subjects};
use stele_core::unit::Position;
use uuid::Uuid;

use crate::failure::Failure;
use crate::nats::{Connection, ask};

/// How long a command waits for its outcome: long enough for a control to take over from another.
pub const OUTCOME_WITHIN: Duration = Duration::from_secs(15);

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
    let payload = Bytes::from(body.to_string());
    let subject = format!("stele.ask.{project}.{resource}.{verb}");
    let deadline = Instant::now() + OUTCOME_WITHIN;
    let outcome = loop {
        let reply = ask(connection, &subject, payload.clone(), OUTCOME_WITHIN).await?;
        let outcome: Outcome = serde_json::from_slice(&reply)
            .map_err(|e| Failure::new("UnreadableOutcome", e.to_string(), "use a `stele` of the cell's release"))?;
        // Not recorded: an earlier copy of it may still be waiting, so it is sent again under the same id.
        if outcome.position.is_some() || Instant::now() >= deadline {
            break outcome;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    match (outcome.result, outcome.position) {
        (OutcomeResult::Accepted(subjects), Some(position)) => Ok(Accepted { position, subjects }),
        (OutcomeResult::Accepted(_), None) => Err(Failure::new(
            "UnreadableOutcome",
            "an accepted command without a position",
            "use a `stele` of the cell's release",
        )),
        (OutcomeResult::Refused(refusal), _) => {
            Err(Failure::new(refusal.code.as_str(), refusal.message, refusal.remedy))
        }
    }
}

/// Who is at the keyboard; it stands in the log beside the command.
fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "stele".to_owned()).chars().take(64).collect()
}
