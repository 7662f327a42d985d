//! Which commits and events belong to a story.

use std::collections::{BTreeMap, BTreeSet};

use stele_core::command::{Command, Incoming, parse};
use stele_core::event::Event;
use stele_core::id::{FlowId, InvalidName, ProjectId, ReservationId, SnapshotId, TaskId, VolumeId};
use stele_core::record::{Commit, Verbatim};
use stele_core::state::{FlowKind, Message, MessageResource};
use uuid::Uuid;

use super::worker::{Concerns, Service};

/// What a story is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One volume, from the request for it to its end.
    Volume(VolumeId),
    /// One request, by the command's id or by the client's request id, and what followed from it.
    Request(String),
    /// All that was asked for a project, and what followed.
    Project(ProjectId),
    /// One flow, or one of its tasks.
    Task(Uuid),
    /// One snapshot, from the request for it to its end.
    Snapshot(SnapshotId),
    /// A backend, a worker or a host: its services and what was run there.
    Worker(Service),
}

/// An id that cannot be one of what is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Volumes, flows and tasks have UUIDs.
    #[error("{0:?} is not a UUID")]
    NotAnId(String),
    /// Projects have names of letters, digits, `-` and `_`.
    #[error(transparent)]
    NotAProject(#[from] InvalidName),
    /// Backends and workers have names of their own form.
    #[error("{0:?} is neither HOST@BACKEND, nor HOST:WORKER, nor a host")]
    NotAWorker(String),
}

impl Subject {
    /// A volume by the text of its id.
    ///
    /// # Errors
    /// [`InvalidSubject::NotAnId`].
    pub fn volume(text: &str) -> Result<Self, InvalidSubject> {
        uuid(text).map(|id| Self::Volume(VolumeId(id)))
    }

    /// A request by the text of either of its ids.
    #[must_use]
    pub fn request(text: &str) -> Self {
        Self::Request(text.to_owned())
    }

    /// A project by its id.
    ///
    /// # Errors
    /// [`InvalidSubject::NotAProject`].
    pub fn project(text: &str) -> Result<Self, InvalidSubject> {
        Ok(Self::Project(ProjectId::new(text)?))
    }

    /// A flow or a task by the text of its id.
    ///
    /// # Errors
    /// [`InvalidSubject::NotAnId`].
    pub fn task(text: &str) -> Result<Self, InvalidSubject> {
        uuid(text).map(Self::Task)
    }

    /// A snapshot by the text of its id.
    ///
    /// # Errors
    /// [`InvalidSubject::NotAnId`].
    pub fn snapshot(text: &str) -> Result<Self, InvalidSubject> {
        uuid(text).map(|id| Self::Snapshot(SnapshotId(id)))
    }

    /// A backend, a worker or a host by its name.
    ///
    /// # Errors
    /// [`InvalidSubject::NotAWorker`].
    pub fn worker(text: &str) -> Result<Self, InvalidSubject> {
        let service = Service::named(text);
        service.map(Self::Worker).ok_or_else(|| InvalidSubject::NotAWorker(text.chars().take(64).collect()))
    }
}

fn uuid(text: &str) -> Result<Uuid, InvalidSubject> {
    Uuid::parse_str(text).map_err(|_| InvalidSubject::NotAnId(text.chars().take(64).collect()))
}

/// An event of a commit that belongs to a story.
pub(crate) struct Relevant {
    /// Which event of the commit.
    pub(crate) index: usize,
    /// The flow that it belongs to.
    pub(crate) flow: Option<FlowId>,
}

/// What of the log belongs to a subject, as far as it was read.
pub(crate) struct Following {
    subject: Subject,
    /// The subject, when it is a request given by its command's id.
    command: Option<Uuid>,
    /// The open flows of the story, with their volumes.
    flows: BTreeMap<FlowId, VolumeId>,
    /// The open reservations of those flows.
    reservations: BTreeSet<ReservationId>,
    /// The flows whose task is one of the worker's.
    running: BTreeSet<FlowId>,
}

impl Following {
    pub(crate) fn new(subject: Subject) -> Self {
        let command = match &subject {
            Subject::Request(text) => Uuid::parse_str(text).ok(),
            _ => None,
        };
        Self { subject, command, flows: BTreeMap::new(), reservations: BTreeSet::new(), running: BTreeSet::new() }
    }

    /// The service, when the story is a worker's.
    pub(super) fn service(&self) -> Option<&Service> {
        match &self.subject {
            Subject::Worker(service) => Some(service),
            _ => None,
        }
    }

    /// The events of a commit that belong to the story; `None` when it has nothing to do with it.
    pub(crate) fn relevant(&mut self, commit: &Commit) -> Option<Vec<Relevant>> {
        let whole = self.is_asked_for(commit);
        let mut current = None;
        let mut relevant = Vec::new();
        for (index, event) in commit.events.iter().enumerate() {
            let flow = Keys::of(event).flow.or(current);
            if whole || self.ran(event).unwrap_or_else(|| self.belongs(event, current)) {
                relevant.push(Relevant { index, flow });
                self.learn(event);
            }
            current = flow;
        }
        (whole || !relevant.is_empty()).then_some(relevant)
    }

    /// True when the commit itself is what the story is about.
    fn is_asked_for(&self, commit: &Commit) -> bool {
        match &self.subject {
            Subject::Volume(volume) => commit.refusal().is_some() && names_volume(commit, *volume),
            Subject::Request(text) => {
                self.command == Some(commit.id.0) || commit.actor.request_id.as_ref() == Some(text)
            }
            Subject::Project(project) => commit.project.as_ref() == Some(project),
            Subject::Snapshot(snapshot) => commit.refusal().is_some() && names_snapshot(commit, *snapshot),
            Subject::Task(_) | Subject::Worker(_) => false,
        }
    }

    /// Whether a worker's story has an event; `None` for every other story.
    fn ran(&mut self, event: &Event) -> Option<bool> {
        let Subject::Worker(service) = &self.subject else { return None };
        let flow = Keys::of(event).flow;
        match service.concerns(event) {
            Some(Concerns::Service) => Some(true),
            Some(Concerns::Task) => {
                self.running.extend(flow);
                Some(true)
            }
            // The flow's task went to somebody else.
            None if matches!(event, Event::TaskPending { .. } | Event::TaskRetried { .. }) && !service.is_worker() => {
                self.running.retain(|running| Some(*running) != flow);
                Some(false)
            }
            None if matches!(event, Event::FlowFinished { .. }) => {
                self.running.retain(|running| Some(*running) != flow);
                Some(false)
            }
            None => Some(is_of_task(event) && flow.is_some_and(|flow| self.running.contains(&flow))),
        }
    }

    /// `current` is the flow of the events right before this one: an event that names no flow belongs to it.
    fn belongs(&self, event: &Event, current: Option<FlowId>) -> bool {
        let keys = Keys::of(event);
        let followed = |flow: FlowId| self.flows.get(&flow);
        if keys.flow.or(current).is_some_and(|flow| followed(flow).is_some())
            || keys.reservation.is_some_and(|reservation| self.reservations.contains(&reservation))
        {
            return true;
        }
        match &self.subject {
            Subject::Volume(volume) => keys.volume == Some(*volume),
            Subject::Project(project) => keys.project == Some(project),
            Subject::Task(id) => keys.flow == Some(FlowId(*id)) || keys.task == Some(TaskId(*id)),
            Subject::Snapshot(snapshot) => keys.snapshot == Some(*snapshot),
            Subject::Worker(_) => false,
            Subject::Request(text) => {
                let told = |message: &Message| message.request_id.as_ref() == Some(text);
                matches!(event, Event::MessageCreated { message } if told(message))
                    || is_cleanup_of(event, current.and_then(followed).copied())
            }
        }
    }

    /// Remembers what an event of the story began and forgets what it ended.
    fn learn(&mut self, event: &Event) {
        match event {
            Event::FlowStarted { flow, volume, .. } => {
                self.flows.insert(*flow, *volume);
            }
            Event::FlowFinished { flow, .. } => {
                self.flows.remove(flow);
            }
            Event::QuotaReserved { reservation, .. } => {
                self.reservations.insert(*reservation);
            }
            Event::QuotaCommitted { reservation } | Event::QuotaRolledBack { reservation } => {
                self.reservations.remove(reservation);
            }
            _ => {}
        }
    }
}

/// Whether a cleanup begins for the volume of the flow that the events right before it were about.
fn is_cleanup_of(event: &Event, current: Option<VolumeId>) -> bool {
    matches!(event, Event::FlowStarted { kind: FlowKind::VolumeCleanup, volume, .. } if current == Some(*volume))
}

/// Whether a refused command was about a volume; the command is read again, because a refusal names nothing.
fn names_volume(commit: &Commit, volume: VolumeId) -> bool {
    match command(commit) {
        Some(Command::VolumeCreate(create)) => create.id == Some(volume),
        Some(Command::VolumeDelete(delete)) => delete.id == volume,
        Some(Command::VolumeExtend(extend)) => extend.id == volume,
        Some(Command::VolumeRevert(revert)) => revert.id == volume,
        Some(Command::VolumeUnmanage(unmanage)) => unmanage.id == volume,
        Some(Command::VolumeUpdate(update)) => update.id == volume,
        Some(Command::VolumeRetype(retype)) => retype.id == volume,
        Some(Command::VolumeManage(manage)) => manage.id == Some(volume),
        Some(Command::VolumeResetStatus(reset)) => reset.id == volume,
        Some(Command::SnapshotCreate(create)) => create.volume == volume,
        _ => false,
    }
}

/// The same for a snapshot.
fn names_snapshot(commit: &Commit, snapshot: SnapshotId) -> bool {
    match command(commit) {
        Some(Command::SnapshotCreate(create)) => create.id == Some(snapshot),
        Some(Command::SnapshotDelete(delete)) => delete.id == snapshot,
        Some(Command::SnapshotUpdate(update)) => update.id == snapshot,
        Some(Command::SnapshotManage(manage)) => manage.id == Some(snapshot),
        Some(Command::SnapshotUnmanage(unmanage)) => unmanage.id == snapshot,
        Some(Command::SnapshotSetStatus(set) | Command::SnapshotResetStatus(set)) => set.id == snapshot,
        Some(Command::VolumeRevert(revert)) => revert.snapshot == snapshot,
        Some(Command::VolumeCreate(create)) => create.snapshot == Some(snapshot),
        _ => false,
    }
}

/// What a worker does, or what becomes of it.
fn is_of_task(event: &Event) -> bool {
    matches!(
        event,
        Event::TaskPending { .. }
            | Event::TaskRunning { .. }
            | Event::TaskProgressed { .. }
            | Event::TaskSucceeded { .. }
            | Event::TaskFailed { .. }
            | Event::TaskPostponed { .. }
            | Event::TaskRetried { .. }
            | Event::TaskReverting { .. }
            | Event::TaskReverted { .. }
    )
}

/// The command of a commit, read from its own words; `None` when it has not the form of one.
pub(crate) fn command(commit: &Commit) -> Option<Command> {
    let Verbatim::Json(json) = &commit.command else { return None };
    let incoming = Incoming {
        subject: commit.subject.clone(),
        payload: json.get().as_bytes().to_vec().into(),
        source: commit.source,
        fallback_id: commit.id,
    };
    parse(&incoming).command.ok()
}

/// What an event is about.
#[derive(Default)]
struct Keys<'a> {
    flow: Option<FlowId>,
    volume: Option<VolumeId>,
    project: Option<&'a ProjectId>,
    task: Option<TaskId>,
    snapshot: Option<SnapshotId>,
    reservation: Option<ReservationId>,
}

impl<'a> Keys<'a> {
    fn of(event: &'a Event) -> Self {
        let mut keys = Self { flow: event.flow(), ..Self::default() };
        match event {
            Event::FlowStarted { volume, project, snapshot, .. } => {
                (keys.volume, keys.project, keys.snapshot) = (Some(*volume), Some(project), *snapshot);
            }
            Event::QuotaReserved { reservation, project, .. } => {
                (keys.reservation, keys.project) = (Some(*reservation), Some(project));
            }
            Event::QuotaCommitted { reservation } | Event::QuotaRolledBack { reservation } => {
                keys.reservation = Some(*reservation);
            }
            Event::QuotaSet { project, .. }
            | Event::QuotaCleared { project }
            | Event::QuotaUsed { project, .. }
            | Event::DefaultTypeSet { project, .. } => keys.project = Some(project),
            Event::VolumeEntryCreated { volume } => {
                (keys.volume, keys.project) = (Some(volume.id), Some(&volume.project));
            }
            Event::PlacementDecided { volume, .. }
            | Event::PlacementReleased { volume, .. }
            | Event::VolumeCreated { volume, .. }
            | Event::VolumeExtending { volume, .. }
            | Event::VolumeExtended { volume, .. }
            | Event::VolumeExtendFailed { volume, .. }
            | Event::VolumeReverting { volume, .. }
            | Event::VolumeReverted { volume, .. }
            | Event::VolumeRevertFailed { volume, .. }
            | Event::VolumeManaged { volume, .. }
            | Event::VolumeManageFailed { volume, .. }
            | Event::VolumeUnmanaging { volume, .. }
            | Event::VolumeUnmanageFailed { volume, .. }
            | Event::VolumeDeleting { volume, .. }
            | Event::VolumeCreateFailed { volume, .. }
            | Event::VolumeDeleted { volume }
            | Event::VolumeDeleteFailed { volume, .. }
            | Event::VolumeUpdated { volume, .. }
            | Event::VolumeStatusChanged { volume, .. }
            | Event::VolumeMigrationStated { volume, .. }
            | Event::VolumeRetyped { volume, .. }
            | Event::VolumeGrouped { volume, .. } => keys.volume = Some(*volume),
            Event::TaskPending { task } | Event::TaskRetried { task } | Event::TaskReverting { task } => {
                (keys.task, keys.volume) = (Some(task.id), Some(task.operation.volume()));
            }
            Event::TaskRunning { task, .. }
            | Event::TaskProgressed { task, .. }
            | Event::TaskSucceeded { task, .. }
            | Event::TaskFailed { task, .. }
            | Event::TaskPostponed { task, .. }
            | Event::TaskReverted { task, .. } => keys.task = Some(*task),
            other => keys.of_what_hangs_on_volumes(other),
        }
        keys
    }

    /// Snapshots, attachments, transfers, groups, messages.
    fn of_what_hangs_on_volumes(&mut self, event: &'a Event) {
        let keys = self;
        match event {
            Event::SnapshotEntryCreated { snapshot } => {
                (keys.volume, keys.project) = (Some(snapshot.volume), Some(&snapshot.project));
                keys.snapshot = Some(snapshot.id);
            }
            Event::SnapshotCreated { snapshot, .. }
            | Event::SnapshotCreateFailed { snapshot, .. }
            | Event::SnapshotManaged { snapshot, .. }
            | Event::SnapshotUnmanaging { snapshot, .. }
            | Event::SnapshotDeleting { snapshot, .. }
            | Event::SnapshotDeleted { snapshot }
            | Event::SnapshotDeleteFailed { snapshot, .. }
            | Event::SnapshotUpdated { snapshot, .. }
            | Event::SnapshotStatusChanged { snapshot, .. } => keys.snapshot = Some(*snapshot),
            Event::AttachmentCreated { attachment } => {
                (keys.volume, keys.project) = (Some(attachment.volume), Some(&attachment.project));
            }
            Event::TransferCreated { transfer } => {
                (keys.volume, keys.project) = (Some(transfer.volume), Some(&transfer.project));
            }
            Event::DriftFound { drift } => keys.volume = Some(drift.what.volume()),
            Event::DriftGone { what, .. } | Event::DriftRepairing { what, .. } => keys.volume = Some(what.volume()),
            Event::TransferAccepted { project, .. } => keys.project = Some(project),
            Event::GroupCreated { group } | Event::GroupUpdated { group } => keys.project = Some(&group.project),
            Event::GroupSnapshotCreated { group_snapshot } | Event::GroupSnapshotUpdated { group_snapshot } => {
                keys.project = Some(&group_snapshot.project);
            }
            Event::MessageCreated { message } => {
                keys.project = Some(&message.project);
                if message.resource_type == MessageResource::Volume {
                    keys.volume = Some(VolumeId(message.resource));
                }
            }
            // The others belong to the flow beside them, or to nobody: what they name says neither project nor volume.
            _ => {}
        }
    }
}
