//! Deciding: `state + command -> events`, or a refusal.
//!
//! One file per command; each is a cascade of guards, every guard with its own refusal, then the facts. [`commit`] is
//! the only way in: it decides a message piece by piece, applies the events as it goes, and gives the commit that the
//! log will hold.

mod backend_report;
mod deadline;
mod placement;
mod quota;
mod quota_set;
mod retry;
mod service_set;
mod task_report;
mod type_create;
mod type_delete;
mod type_update;
mod volume;
mod volume_cleanup;
mod volume_create;
mod volume_delete;
mod volume_extend;
mod volume_update;

#[cfg(test)]
mod tests;

use crate::command::{Command, Incoming, Parsed};
use crate::event::Event;
use crate::evolve::{Corrupt, Meta, evolve};
use crate::id::{CommandId, FlowId, ProjectId, TaskId};
use crate::record::{Commit, Subjects};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Entity, State};
use crate::task::{ReportBody, TaskReport};
use crate::unit::{Position, Timestamp};

/// What a decision may look at besides the command.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    state: &'a State,
    /// Control's clock.
    now: Timestamp,
    /// Where the events will stand, if they will: the compare-and-swap makes sure of it.
    position: Position,
    id: CommandId,
    /// Whether the sender chose the id, so that it may come again.
    id_given: bool,
    project: Option<&'a ProjectId>,
    user: &'a str,
}

/// What was decided.
#[derive(Debug, Default)]
struct Decided {
    subjects: Subjects,
    events: Vec<Event>,
}

impl Decided {
    fn events(events: Vec<Event>) -> Self {
        Self { subjects: Subjects::default(), events }
    }
}

type Decision = Result<Decided, Refusal>;

/// Decides a message, applies what was decided to `state`, and gives the commit.
///
/// `None` when nothing happened that is worth a place in the log (a report of an outdated dispatch, a heartbeat
/// without news). `seen_other` is set when the command's id was used for another command before.
///
/// # Errors
/// [`Corrupt`] when a decided event does not fit the state, which is a fault of this code.
pub fn commit(
    state: &mut State,
    incoming: &Incoming,
    parsed: Parsed,
    now: Timestamp,
    position: Position,
    seen_other: bool,
    touch: &mut dyn FnMut(Entity),
) -> Result<Option<Commit>, Corrupt> {
    let mut commit = Commit {
        id: parsed.id,
        id_given: parsed.id_given,
        fingerprint: parsed.fingerprint,
        at: now,
        source: incoming.source,
        subject: incoming.subject.chars().take(256).collect(),
        project: parsed.project,
        actor: parsed.actor,
        command: parsed.verbatim,
        subjects: Subjects::default(),
        events: Vec::new(),
    };
    let command = if seen_other { Err(id_reused(commit.id)) } else { parsed.command };
    let refusal = match command {
        Ok(command) => decide_pieces(state, &mut commit, &command, position, touch)?,
        Err(refusal) => Some(refusal),
    };
    if let Some(refusal) = refusal {
        commit.events = vec![Event::RequestRefused(refusal)];
    }
    Ok((!commit.events.is_empty()).then_some(commit))
}

fn id_reused(id: CommandId) -> Refusal {
    Refusal::new(
        RefusalCode::CommandIdReused,
        format!("the command id {id} was used for another command"),
        "give each command an id of its own; send the same bytes again only to repeat a command",
    )
}

/// A report's transitions are decided one after the other, each against the state that the one before led to.
fn decide_pieces(
    state: &mut State,
    commit: &mut Commit,
    command: &Command,
    position: Position,
    touch: &mut dyn FnMut(Entity),
) -> Result<Option<Refusal>, Corrupt> {
    let pieces: Vec<Piece<'_>> = match command {
        Command::Report(report) => match &report.body {
            ReportBody::Tasks(tasks) => tasks.iter().map(|task| Piece::Task(&report.worker, task)).collect(),
            ReportBody::Backend(backend) => vec![Piece::Backend(&report.worker, backend)],
        },
        other => vec![Piece::Command(other)],
    };
    for piece in pieces {
        let cx = Context {
            state,
            now: commit.at,
            position,
            id: commit.id,
            id_given: commit.id_given,
            project: commit.project.as_ref(),
            user: &commit.actor.user,
        };
        match decide(&cx, piece) {
            Ok(decided) => {
                let meta = Meta { position, at: commit.at };
                for event in &decided.events {
                    evolve(state, meta, event, touch)?;
                }
                commit.subjects = decided.subjects;
                commit.events.extend(decided.events);
            }
            Err(refusal) => return Ok(Some(refusal)),
        }
    }
    Ok(None)
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Command(&'a Command),
    Task(&'a crate::id::WorkerName, &'a TaskReport),
    Backend(&'a crate::id::WorkerName, &'a crate::task::BackendReport),
}

fn decide(cx: &Context<'_>, piece: Piece<'_>) -> Decision {
    match piece {
        Piece::Task(worker, report) => Ok(task_report::decide(cx, worker, report)),
        Piece::Backend(worker, report) => Ok(backend_report::decide(cx, worker, report)),
        Piece::Command(command) => match command {
            Command::VolumeCreate(create) => volume_create::decide(cx, create),
            Command::VolumeDelete(delete) => volume_delete::decide(cx, delete),
            Command::VolumeExtend(extend) => volume_extend::decide(cx, extend),
            Command::VolumeUpdate(update) => volume_update::decide(cx, update),
            Command::ServiceSet(set) => service_set::decide(cx, set),
            Command::QuotaSet(set) => quota_set::decide(cx, set),
            Command::TypeCreate(create) => type_create::decide(cx, create),
            Command::TypeUpdate(update) => type_update::decide(cx, update),
            Command::TypeDelete(delete) => type_delete::decide(cx, delete),
            Command::DeadlinePassed(passed) => Ok(deadline::decide(cx, *passed)),
            Command::Report(_) => Ok(Decided::default()),
        },
    }
}

impl Context<'_> {
    fn project(&self) -> Result<&ProjectId, Refusal> {
        self.project.ok_or_else(|| {
            Refusal::new(RefusalCode::UnknownCommand, "the command came for no project", "use a project's subject")
        })
    }

    /// When a dispatch that is made now is given up.
    fn deadline(&self) -> Timestamp {
        self.now.plus_ms(self.state.config.task_deadline_ms)
    }
}

/// The id of a flow that a command starts.
///
/// A command's id is only its project's, and only for as long as it is remembered. So the project and the place in the
/// log are part of it: no two flows ever share an id, and no late report of one is taken for another's.
fn new_flow(cx: &Context<'_>) -> Result<FlowId, Refusal> {
    let project = cx.project()?;
    let flow = FlowId(cx.id.derive(&format!("flow {project} {}", cx.position)));
    if cx.state.flows.contains_key(&flow) { Err(id_reused(cx.id)) } else { Ok(flow) }
}

/// The id of a flow's n-th task.
fn task_id(flow: FlowId, number: usize) -> TaskId {
    TaskId(CommandId(flow.0).derive(&format!("task {number}")))
}
