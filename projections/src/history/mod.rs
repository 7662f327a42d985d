//! The second fold of the events: what happened to every flow and where every volume was placed.
//!
//! [`stele_core::evolve`] keeps what is true now and forgets a flow when it ends. This fold keeps the story, in the
//! vocabulary of Cinder's TaskFlow tasks: what control does by itself is a task with one transition, what a worker does
//! has them all. It decides nothing and never fails on a record that evolve accepted.

mod concern;
mod cut;
mod tasks;
#[cfg(test)]
mod tests;

pub(crate) use concern::Concerns;
pub(crate) use cut::until;

use stele_core::codec::encode;
use stele_core::event::Event;
use stele_core::id::{FlowId, ReservationId};
use stele_core::record::{Commit, Record};
use stele_core::state::{Entity, FlowKind, State};
use stele_core::unit::{Position, Timestamp};

use crate::store::StoreError;
use crate::table::sink::{Quick, Sink};
use crate::table::{decisions, flows_by_volume};
use crate::view::{DecisionView, FlowHistory};

/// The stories of one batch.
pub(crate) struct HistoryBatch<'a> {
    /// The state before the batch: it knows the flows and reservations that were open then.
    before: &'a State,
    flows: Quick<FlowId, FlowHistory>,
    /// Those that were kept as they were before a message, each with the newest such message.
    kept_before: Quick<FlowId, Position>,
    /// Reservations that the batch itself made.
    reservations: Quick<ReservationId, FlowId>,
    /// Who is at work on what the batch changed: the flow that an entity's status carries, or nobody any more.
    owners: Quick<Entity, Option<FlowId>>,
}

/// Where and when one event stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    position: Position,
    at: Timestamp,
    /// Its number within the record.
    event: u32,
}

impl<'a> HistoryBatch<'a> {
    /// Goes on with stories that are open.
    pub(crate) fn new(before: &'a State, open: Quick<FlowId, FlowHistory>) -> Self {
        Self {
            before,
            flows: open,
            kept_before: Quick::default(),
            reservations: Quick::default(),
            owners: Quick::default(),
        }
    }

    /// Takes a record in.
    pub(crate) fn take_in<S: Sink>(
        &mut self,
        record: &Record,
        position: Position,
        sink: &mut S,
    ) -> Result<(), StoreError> {
        let mut number = 0;
        for commit in &record.commits {
            for event in &commit.events {
                self.event(commit, event, Place { position, at: commit.at, event: number }, sink)?;
                number += 1;
            }
        }
        Ok(())
    }

    /// Tells the stories, those that go on as well.
    pub(crate) fn write<S: Sink>(self, sink: &mut S) -> Result<(), StoreError> {
        self.flows.into_values().try_for_each(|story| sink.tell(story))
    }

    /// Tells the stories that have ended, and gives those that go on.
    pub(crate) fn write_ended<S: Sink>(mut self, sink: &mut S) -> Result<Quick<FlowId, FlowHistory>, StoreError> {
        let mut ended = self.flows.extract_if(|_, story| story.finished_at.is_some());
        ended.try_for_each(|(_, story)| sink.tell(story))?;
        drop(ended);
        Ok(self.flows)
    }

    fn event<S: Sink>(&mut self, commit: &Commit, event: &Event, place: Place, sink: &mut S) -> Result<(), StoreError> {
        match event {
            Event::FlowStarted { flow, kind, volume, .. } => {
                let Some(story) = begun(commit, event, place) else { return Ok(()) };
                self.owners.extend(owned_by(&story).map(|owned| (owned, Some(*flow))));
                // What takes a late export away has its id from the worker's task: a second report of it begins it again.
                if *kind == FlowKind::AttachmentDisconnect {
                    self.load(*flow, sink)?;
                }
                if let Some(before) = self.flows.insert(*flow, story)
                    && self.kept_before.insert(*flow, place.position) != Some(place.position)
                {
                    sink.keep(&before)?;
                }
                let key = flows_by_volume::key(*volume, place.position, place.event);
                sink.put(flows_by_volume::TABLE, key, flow.0.as_bytes().to_vec())?;
            }
            // With a volume its snapshots are deleted, by its flow.
            Event::SnapshotDeleting { snapshot, flow } => {
                self.owners.insert(Entity::Snapshot(*snapshot), Some(*flow));
            }
            Event::QuotaReserved { reservation, flow, .. } => {
                self.reservations.insert(*reservation, *flow);
            }
            Event::PlacementDecided { flow, volume, decision } => {
                let view = DecisionView {
                    position: place.position,
                    at: place.at,
                    flow_id: *flow,
                    volume_id: *volume,
                    attempt: decision.attempt,
                    decision: decision.as_ref(),
                };
                let key = decisions::key(*volume, place.position, place.event);
                sink.put(decisions::TABLE, key, encode(&view))?;
            }
            _ => {}
        }
        let Some(flow) = self.flow_of(event) else { return Ok(()) };
        self.load(flow, sink)?;
        let Some(history) = self.flows.get_mut(&flow) else { return Ok(()) };
        // Of several in one message the first knows what was before it.
        if sink.keeping().is_some()
            && cut::overwrites(history, event)
            && self.kept_before.insert(flow, place.position) != Some(place.position)
        {
            sink.keep(history)?;
        }
        tasks::take_in(history, event, place);
        if matches!(event, Event::FlowFinished { .. })
            && let Some(owned) = owned_by(history)
        {
            self.owners.insert(owned, None);
        }
        Ok(())
    }

    /// The flow that an event belongs to.
    fn flow_of(&self, event: &Event) -> Option<FlowId> {
        match event {
            Event::QuotaCommitted { reservation } | Event::QuotaRolledBack { reservation } => {
                let made_here = self.reservations.get(reservation).copied();
                made_here.or_else(|| self.before.reservations.get(reservation).map(|found| found.flow))
            }
            other => other.flow().or_else(|| self.owner(&entity_ended_by(other)?)),
        }
    }

    /// The flow that is at work on it.
    fn owner(&self, entity: &Entity) -> Option<FlowId> {
        if let Some(owner) = self.owners.get(entity) {
            return *owner;
        }
        match entity {
            Entity::Volume(id) => self.before.volumes.get(id)?.status.flow(),
            Entity::Snapshot(id) => self.before.snapshots.get(id)?.status.flow(),
            Entity::Attachment(id) => self.before.attachments.get(id)?.status.flow(),
            _ => None,
        }
    }

    /// Brings a story that is going to be changed into memory.
    fn load<S: Sink>(&mut self, flow: FlowId, sink: &mut S) -> Result<(), StoreError> {
        if !self.flows.contains_key(&flow)
            && let Some(stored) = sink.told(flow)?
        {
            self.flows.insert(flow, stored);
        }
        Ok(())
    }
}

/// The story of a flow that begins.
fn begun(commit: &Commit, event: &Event, place: Place) -> Option<FlowHistory> {
    let Event::FlowStarted { flow, kind, volume, project, snapshot, attachment, .. } = event else { return None };
    Some(FlowHistory {
        id: *flow,
        kind: *kind,
        volume_id: *volume,
        snapshot_id: *snapshot,
        attachment_id: *attachment,
        project: project.clone(),
        command_id: commit.id,
        source: commit.source,
        actor: commit.actor.clone(),
        reservation: None,
        started_at: place.at,
        started_position: place.position,
        finished_at: None,
        finished_position: None,
        failure: None,
        tasks: Vec::new(),
    })
}

/// What a flow is at work on, when that thing's status carries the flow.
fn owned_by(history: &FlowHistory) -> Option<Entity> {
    match history.kind {
        FlowKind::VolumeCreate
        | FlowKind::VolumeDelete
        | FlowKind::VolumeExtend
        | FlowKind::VolumeRevert
        | FlowKind::VolumeManage
        | FlowKind::VolumeUnmanage => Some(Entity::Volume(history.volume_id)),
        FlowKind::SnapshotCreate | FlowKind::SnapshotDelete | FlowKind::SnapshotManage | FlowKind::SnapshotUnmanage => {
            history.snapshot_id.map(Entity::Snapshot)
        }
        FlowKind::AttachmentConnect | FlowKind::AttachmentDisconnect => history.attachment_id.map(Entity::Attachment),
        FlowKind::VolumeCleanup | FlowKind::SnapshotCleanup | FlowKind::DriftRepair => None,
    }
}

/// What a flow's last event but one is about, when that event does not name the flow.
fn entity_ended_by(event: &Event) -> Option<Entity> {
    match event {
        Event::VolumeCreateFailed { volume, .. }
        | Event::VolumeDeleted { volume }
        | Event::VolumeDeleteFailed { volume, .. } => Some(Entity::Volume(*volume)),
        Event::SnapshotDeleted { snapshot } | Event::SnapshotDeleteFailed { snapshot, .. } => {
            Some(Entity::Snapshot(*snapshot))
        }
        Event::AttachmentDeleted { attachment } => Some(Entity::Attachment(*attachment)),
        _ => None,
    }
}
