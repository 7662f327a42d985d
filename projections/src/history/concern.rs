use std::collections::BTreeMap;

use stele_core::event::Event;
use stele_core::id::{FlowId, ProjectId, VolumeId};
use stele_core::record::Commit;
use stele_core::state::{Attachment, Entity, FlowKind, MessageResource, Snapshot as VolumeSnapshot, Volume};

use super::{entity_ended_by, owned_by};
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::view::FlowHistory;

/// Finds out whom events concern, with the help of what is stored: a worker's report names no project, and some events
/// name only a reservation or a volume.
#[derive(Debug)]
pub(crate) struct Concerns<'a> {
    snapshot: &'a Snapshot,
    /// The flows that were looked up already.
    flows: BTreeMap<FlowId, Option<FlowHistory>>,
}

/// Whom an event concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Concern {
    pub(crate) project: Option<ProjectId>,
    pub(crate) volume: Option<VolumeId>,
    pub(crate) flow: Option<FlowId>,
}

impl<'a> Concerns<'a> {
    /// `snapshot` must contain the events that will be asked about.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, flows: BTreeMap::new() }
    }

    /// `event` must be one of the commit's own.
    pub(crate) fn of(&mut self, commit: &Commit, event: &Event) -> Result<Concern, StoreError> {
        let flow = match event.flow() {
            Some(flow) => Some(flow),
            None => self.flow_beside(commit, event)?,
        };
        if let Some(history) = flow.map(|flow| self.history(flow)).transpose()?.flatten() {
            let (project, volume) = (history.project.clone(), history.volume_id);
            return Ok(Concern { project: Some(project), volume: Some(volume), flow });
        }
        Ok(match self.named_by(event)? {
            // What is gone was the sender's, as far as can be known.
            Named::Gone => Concern { project: commit.project.clone(), volume: commit.subjects.volume, flow },
            Named::Of(project, volume) => Concern { project: Some(project), volume, flow },
            Named::Nobody => Concern { flow, ..Concern::default() },
        })
    }

    /// Whom the event itself names, or what it is about.
    fn named_by(&self, event: &Event) -> Result<Named, StoreError> {
        Ok(match event {
            Event::QuotaSet { project, .. }
            | Event::QuotaCleared { project }
            | Event::QuotaUsed { project, .. }
            | Event::DefaultTypeSet { project, .. } => Named::Of(project.clone(), None),
            Event::AttachmentCreated { attachment } => Named::Of(attachment.project.clone(), Some(attachment.volume)),
            Event::TransferCreated { transfer } => Named::Of(transfer.project.clone(), Some(transfer.volume)),
            Event::GroupCreated { group } | Event::GroupUpdated { group } => Named::Of(group.project.clone(), None),
            Event::GroupSnapshotCreated { group_snapshot } | Event::GroupSnapshotUpdated { group_snapshot } => {
                Named::Of(group_snapshot.project.clone(), None)
            }
            Event::MessageCreated { message } => {
                let volume = (message.resource_type == MessageResource::Volume).then_some(VolumeId(message.resource));
                Named::Of(message.project.clone(), volume)
            }
            Event::RequestRefused(_)
            | Event::TransferDeleted { .. }
            | Event::TransferAccepted { .. }
            | Event::GroupDeleted { .. }
            | Event::GroupSnapshotDeleted { .. }
            | Event::MessageDeleted { .. } => Named::Gone,
            _ => match entity_named_by(event) {
                Some(entity) => self.stored(&entity)?,
                None => Named::Nobody,
            },
        })
    }

    fn stored(&self, entity: &Entity) -> Result<Named, StoreError> {
        let found = match entity {
            Entity::Volume(id) => {
                let stored: Option<Volume> = self.snapshot.find(id)?;
                return Ok(stored.map_or(Named::Gone, |stored| Named::Of(stored.project, Some(*id))));
            }
            Entity::Snapshot(id) => {
                let stored: Option<VolumeSnapshot> = self.snapshot.find(id)?;
                stored.map(|stored| (stored.project, stored.volume))
            }
            Entity::Attachment(id) => {
                let stored: Option<Attachment> = self.snapshot.find(id)?;
                stored.map(|stored| (stored.project, stored.volume))
            }
            _ => None,
        };
        Ok(found.map_or(Named::Gone, |(project, volume)| Named::Of(project, Some(volume))))
    }

    /// The flow of an event that does not name it: another event of the same commit does, since a flow's steps are
    /// decided together. Those before it come first, the nearest of them first: a commit may hold the reports of
    /// several flows one after the other.
    fn flow_beside(&mut self, commit: &Commit, event: &Event) -> Result<Option<FlowId>, StoreError> {
        let place = commit.events.iter().position(|other| std::ptr::eq(other, event)).unwrap_or_default();
        let (before, behind) = commit.events.split_at(place);
        for flow in before.iter().rev().chain(behind).filter_map(Event::flow) {
            let Some(history) = self.history(flow)? else { continue };
            let is_it = match (event, entity_ended_by(event)) {
                (Event::QuotaCommitted { reservation } | Event::QuotaRolledBack { reservation }, _) => {
                    history.reservation == Some(*reservation)
                }
                // A volume's flow deletes its snapshots with it.
                (_, Some(Entity::Snapshot(_))) if history.kind == FlowKind::VolumeDelete => true,
                (_, Some(ended)) => owned_by(history) == Some(ended),
                _ => false,
            };
            if is_it {
                return Ok(Some(flow));
            }
        }
        Ok(None)
    }

    fn history(&mut self, flow: FlowId) -> Result<Option<&FlowHistory>, StoreError> {
        if !self.flows.contains_key(&flow) {
            let stored = crate::query::flow(self.snapshot, flow)?;
            self.flows.insert(flow, stored);
        }
        Ok(self.flows.get(&flow).and_then(Option::as_ref))
    }
}

/// What can be known from an event alone and from what it is about.
enum Named {
    /// It is about something that is not there (any more).
    Gone,
    /// A project, and a volume of it.
    Of(ProjectId, Option<VolumeId>),
    /// It concerns the whole cell.
    Nobody,
}

fn entity_named_by(event: &Event) -> Option<Entity> {
    match event {
        Event::VolumeUpdated { volume, .. }
        | Event::VolumeStatusChanged { volume, .. }
        | Event::VolumeMigrationStated { volume, .. }
        | Event::VolumeRetyped { volume, .. }
        | Event::VolumeGrouped { volume, .. } => Some(Entity::Volume(*volume)),
        Event::SnapshotUpdated { snapshot, .. } | Event::SnapshotStatusChanged { snapshot, .. } => {
            Some(Entity::Snapshot(*snapshot))
        }
        Event::AttachmentCompleted { attachment, .. } => Some(Entity::Attachment(*attachment)),
        ended => entity_ended_by(ended),
    }
}
