//! Deciding: `state + command -> events`, or a refusal.
//!
//! One file per command; each is a cascade of guards, every guard with its own refusal, then the facts. [`commit`] is
//! the only way in: it decides a message piece by piece, applies the events as it goes, and gives the commit that the
//! log will hold.

mod again;
mod attachment;
mod backend_report;
mod catalogue;
mod deadline;
mod drift;
mod group;
mod inventory;
mod message;
mod operator;
mod placement;
mod quota;
mod quota_set;
mod retry;
mod service_set;
mod snapshot;
mod task_report;
mod transfer;
mod type_create;
mod type_delete;
mod type_update;
mod volume;
mod volume_cleanup;
mod volume_create;
mod volume_delete;
mod volume_extend;
mod volume_manage;
mod volume_reset_status;
mod volume_retype;
mod volume_revert;
mod volume_source;
mod volume_type;
mod volume_update;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

pub use again::{Again, Asked, again};

use crate::command::{Command, Incoming, Parsed, Source};
use crate::event::Event;
use crate::evolve::{Corrupt, Meta, evolve};
use crate::id::{CommandId, FlowId, ProjectId, TaskId, VolumeId};
use crate::record::{Commit, Subjects};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Entity, FlowKind, State};
use crate::task::{ReportBody, TaskReport};
use crate::unit::{Position, Timestamp};

/// How much of a subject is kept; no command's is as long.
const SUBJECT_CHARS_MAX: usize = 256;

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
    /// The id of the client's request, for messages to its users.
    request_id: Option<&'a str>,
    /// Where questions to the scheduler are noted with their full answers, when somebody wants to see them.
    asked: Option<&'a RefCell<Vec<Asked>>>,
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
    let parsed = if seen_other { Parsed { command: Err(id_reused(parsed.id)), ..parsed } } else { parsed };
    decided(state, incoming, parsed, Meta { position, at: now }, None, touch)
}

/// See [`commit`]; questions to the scheduler are noted in `asked`.
fn decided(
    state: &mut State,
    incoming: &Incoming,
    parsed: Parsed,
    meta: Meta,
    asked: Option<&RefCell<Vec<Asked>>>,
    touch: &mut dyn FnMut(Entity),
) -> Result<Option<Commit>, Corrupt> {
    let mut commit = Commit {
        id: parsed.id,
        id_given: parsed.id_given,
        fingerprint: parsed.fingerprint,
        at: meta.at,
        source: incoming.source,
        subject: incoming.subject.chars().take(SUBJECT_CHARS_MAX).collect(),
        project: parsed.project,
        actor: parsed.actor,
        command: parsed.verbatim,
        subjects: Subjects::default(),
        events: Vec::new(),
    };
    let refusal = match parsed.command {
        Ok(command) => decide_pieces(state, &mut commit, &command, (meta.position, asked), touch)?,
        Err(refusal) => Some(refusal),
    };
    if let Some(refusal) = refusal {
        commit.events = vec![Event::RequestRefused(refusal)];
    }
    // Somebody asked and was told yes: that is worth its place also when nothing had to change.
    let asked = matches!(incoming.source, Source::Ask | Source::Inbox(_));
    Ok((asked || !commit.events.is_empty()).then_some(commit))
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
    (position, asked): (Position, Option<&RefCell<Vec<Asked>>>),
    touch: &mut dyn FnMut(Entity),
) -> Result<Option<Refusal>, Corrupt> {
    let pieces: Vec<Piece<'_>> = match command {
        Command::Report(report) => match &report.body {
            ReportBody::Tasks(tasks) => tasks.iter().map(|task| Piece::Task(&report.worker, task)).collect(),
            ReportBody::Backend(backend) => vec![Piece::Backend(&report.worker, backend)],
            ReportBody::Inventory(inventory) => vec![Piece::Inventory(inventory)],
        },
        other => vec![Piece::Command(other)],
    };
    for piece in pieces {
        let cx = Context { asked, ..context(state, commit, position) };
        match decide(&cx, piece) {
            Ok(mut decided) => {
                let messages = message::of_failures(&cx, &decided.events);
                decided.events.extend(messages);
                let mut groups = group::Groups::default();
                group::concerned(state, &decided.events, &mut groups);
                apply(state, commit, position, &decided.events, touch)?;
                group::concerned(state, &decided.events, &mut groups);
                let follow_up = group::after(&context(state, commit, position), &groups);
                apply(state, commit, position, &follow_up, touch)?;
                commit.subjects = decided.subjects;
                commit.events.extend(decided.events);
                commit.events.extend(follow_up);
            }
            Err(refusal) => return Ok(Some(refusal)),
        }
    }
    Ok(None)
}

fn context<'a>(state: &'a State, commit: &'a Commit, position: Position) -> Context<'a> {
    Context {
        state,
        now: commit.at,
        position,
        id: commit.id,
        id_given: commit.id_given,
        project: commit.project.as_ref(),
        user: &commit.actor.user,
        request_id: commit.actor.request_id.as_deref(),
        asked: None,
    }
}

fn apply(
    state: &mut State,
    commit: &Commit,
    position: Position,
    events: &[Event],
    touch: &mut dyn FnMut(Entity),
) -> Result<(), Corrupt> {
    let meta = Meta { position, at: commit.at };
    events.iter().try_for_each(|event| evolve(state, meta, event, touch))
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Command(&'a Command),
    Task(&'a crate::id::WorkerName, &'a TaskReport),
    Backend(&'a crate::id::WorkerName, &'a crate::task::BackendReport),
    Inventory(&'a crate::inventory::InventoryReport),
}

fn decide(cx: &Context<'_>, piece: Piece<'_>) -> Decision {
    match piece {
        Piece::Task(worker, report) => Ok(task_report::decide(cx, worker, report)),
        Piece::Backend(worker, report) => Ok(backend_report::decide(cx, worker, report)),
        Piece::Inventory(report) => Ok(inventory::decide(cx, report)),
        Piece::Command(command) => match command {
            Command::VolumeCreate(create) => volume_create::decide(cx, create),
            Command::VolumeDelete(delete) => volume_delete::decide(cx, delete),
            Command::VolumeExtend(extend) => volume_extend::decide(cx, extend),
            Command::VolumeRevert(revert) => volume_revert::decide(cx, *revert),
            Command::VolumeManage(manage) => volume_manage::decide(cx, manage),
            Command::VolumeUnmanage(unmanage) => volume_manage::give_up(cx, *unmanage),
            Command::VolumeUpdate(update) => volume_update::decide(cx, update),
            Command::VolumeResetStatus(reset) => volume_reset_status::decide(cx, reset),
            Command::VolumeRetype(retype) => volume_retype::decide(cx, retype),
            Command::SnapshotCreate(create) => snapshot::create::decide(cx, create),
            Command::SnapshotDelete(delete) => snapshot::delete::decide(cx, delete),
            Command::SnapshotUpdate(update) => snapshot::update::decide(cx, update),
            Command::SnapshotManage(manage) => snapshot::manage::decide(cx, manage),
            Command::SnapshotUnmanage(unmanage) => snapshot::manage::give_up(cx, *unmanage),
            Command::SnapshotSetStatus(set) => snapshot::status::set(cx, set),
            Command::SnapshotResetStatus(set) => snapshot::status::reset(cx, set),
            Command::TransferCreate(create) => transfer::create(cx, create),
            Command::TransferAccept(accept) => transfer::accept(cx, accept),
            Command::TransferDelete(delete) => transfer::delete(cx, *delete),
            Command::GroupCreate(create) => group::create::decide(cx, create),
            Command::GroupUpdate(update) => group::update::decide(cx, update),
            Command::GroupDelete(delete) => group::delete::decide(cx, *delete),
            Command::GroupResetStatus(set) => group::status::reset(cx, set),
            Command::GroupSnapshotCreate(create) => group::snapshot::create(cx, create),
            Command::GroupSnapshotDelete(delete) => group::snapshot::delete(cx, *delete),
            Command::GroupSnapshotResetStatus(set) => group::snapshot::reset(cx, set),
            Command::DeadlinePassed(passed) => Ok(deadline::decide(cx, *passed)),
            Command::Report(_) => Ok(Decided::default()),
            attaching_or_cell_wide => {
                attachment::decide(cx, attaching_or_cell_wide).unwrap_or_else(|| cell_wide(cx, attaching_or_cell_wide))
            }
        },
    }
}

/// What concerns the whole cell.
fn cell_wide(cx: &Context<'_>, command: &Command) -> Decision {
    match command {
        Command::ServiceSet(set) => service_set::decide(cx, set),
        Command::QuotaSet(set) => quota_set::decide(cx, set),
        Command::QuotaClear(clear) => Ok(quota_set::clear(clear)),
        Command::QuotaClassSet(set) => quota_set::class(cx, set),
        Command::TypeCreate(create) => type_create::decide(cx, create),
        Command::TypeUpdate(update) => type_update::decide(cx, update),
        Command::TypeDelete(delete) => type_delete::decide(cx, delete),
        Command::TypeGrant(access) => catalogue::access::grant(cx, access),
        Command::TypeRevoke(access) => catalogue::access::revoke(cx, access),
        Command::TypeSetEncryption(set) => catalogue::encryption::set(cx, set),
        Command::TypeUnsetEncryption(unset) => catalogue::encryption::unset(cx, unset),
        Command::TypeSetDefault(set) => catalogue::default_type::set(cx, set),
        Command::QosCreate(create) => catalogue::qos::create(cx, create),
        Command::QosUpdate(update) => catalogue::qos::update(cx, update),
        Command::QosDelete(delete) => catalogue::qos::delete(cx, *delete),
        Command::QosAssociate(association) => catalogue::qos::associate(cx, association),
        Command::QosDisassociate(association) => catalogue::qos::disassociate(cx, association),
        Command::GroupTypeCreate(create) => catalogue::group_type::create(cx, create),
        Command::GroupTypeUpdate(update) => catalogue::group_type::update(cx, update),
        Command::GroupTypeDelete(delete) => catalogue::group_type::delete(cx, *delete),
        Command::MessageDelete(delete) => message::delete(cx, *delete),
        Command::LogSetLevel(set) => operator::set_log_level(cx, set),
        Command::DriftScan(asked) => drift::scan(cx, asked),
        Command::DriftRepair(asked) => drift::repair(cx, asked),
        _ => Ok(Decided::default()),
    }
}

impl Context<'_> {
    fn project(&self) -> Result<&ProjectId, Refusal> {
        self.project.ok_or_else(|| {
            Refusal::new(RefusalCode::UnknownCommand, "the command came for no project", "use a project's subject")
        })
    }

    /// Whether it came on the subjects of the project `admin`, which may touch every project's resources.
    fn is_admin(&self) -> bool {
        self.project.is_some_and(ProjectId::is_admin)
    }

    /// Whether the sender may see what belongs to `owner`.
    fn may_touch(&self, owner: &ProjectId) -> bool {
        self.is_admin() || self.project == Some(owner)
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

/// The fact that a flow began, for a volume and the request that is being decided.
fn flow_started(cx: &Context<'_>, flow: FlowId, kind: FlowKind, volume: VolumeId, project: &ProjectId) -> Event {
    Event::FlowStarted {
        flow,
        kind,
        volume,
        project: project.clone(),
        snapshot: None,
        attachment: None,
        request_id: cx.request_id.map(str::to_owned),
    }
}

/// The id of a flow's n-th task.
fn task_id(flow: FlowId, number: usize) -> TaskId {
    TaskId(CommandId(flow.0).derive(&format!("task {number}")))
}
