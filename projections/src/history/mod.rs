//! The second fold of the events: what happened to every flow and where every volume was placed.
//!
//! [`stele_core::evolve`] keeps what is true now and forgets a flow when it ends. This fold keeps the story, in the
//! vocabulary of Cinder's TaskFlow tasks: what control does by itself is a task with one transition, what a worker does
//! has them all. It decides nothing and never fails on a record that evolve accepted.

mod concern;
mod tasks;
#[cfg(test)]
mod tests;

pub(crate) use concern::Concerns;

use std::collections::{HashMap, HashSet};

use stele_core::codec::encode;
use stele_core::event::Event;
use stele_core::id::{FlowId, ReservationId};
use stele_core::record::{Commit, Record};
use stele_core::state::{Entity, FlowKind, State};
use stele_core::unit::{Position, Timestamp};

use crate::store::StoreError;
use crate::table::writer::Writer;
use crate::table::{decisions, flow_history, flows_by_volume};
use crate::view::{DecisionView, FlowHistory};

/// The stories of one batch; those that changed are written as often as the caller likes.
pub(crate) struct HistoryBatch<'a> {
    /// The state before the batch: it knows the flows and reservations that were open then.
    before: &'a State,
    flows: HashMap<FlowId, FlowHistory>,
    /// Those of them that are not written yet.
    changed: HashSet<FlowId>,
    started: Vec<(Vec<u8>, FlowId)>,
    decisions: Vec<(Vec<u8>, Vec<u8>)>,
    /// Reservations that the batch itself made.
    reservations: HashMap<ReservationId, FlowId>,
    /// Who is at work on what the batch changed: the flow that an entity's status carries, or nobody any more.
    owners: HashMap<Entity, Option<FlowId>>,
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
    pub(crate) fn new(before: &'a State) -> Self {
        Self {
            before,
            flows: HashMap::new(),
            changed: HashSet::new(),
            started: Vec::new(),
            decisions: Vec::new(),
            reservations: HashMap::new(),
            owners: HashMap::new(),
        }
    }

    /// Takes a record in.
    pub(crate) fn take_in(
        &mut self,
        record: &Record,
        position: Position,
        writer: &mut Writer<'_>,
    ) -> Result<(), StoreError> {
        let mut number = 0;
        for commit in &record.commits {
            for event in &commit.events {
                self.event(commit, event, Place { position, at: commit.at, event: number }, writer)?;
                number += 1;
            }
        }
        Ok(())
    }

    /// Writes what has changed since the last time.
    pub(crate) fn write(&mut self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        for id in std::mem::take(&mut self.changed) {
            if let Some(history) = self.flows.get(&id) {
                writer.put(flow_history::TABLE, flow_history::key(id), Some(encode(history)))?;
            }
        }
        for (key, flow) in self.started.drain(..) {
            writer.put(flows_by_volume::TABLE, key, Some(flow.0.as_bytes().to_vec()))?;
        }
        for (key, decision) in self.decisions.drain(..) {
            writer.put(decisions::TABLE, key, Some(decision))?;
        }
        Ok(())
    }

    fn event(
        &mut self,
        commit: &Commit,
        event: &Event,
        place: Place,
        writer: &mut Writer<'_>,
    ) -> Result<(), StoreError> {
        match event {
            Event::FlowStarted { flow, kind, volume, project, snapshot, attachment, .. } => {
                let history = FlowHistory {
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
                };
                self.owners.extend(owned_by(&history).map(|owned| (owned, Some(*flow))));
                self.flows.insert(*flow, history);
                self.started.push((flows_by_volume::key(*volume, place.position, place.event), *flow));
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
                    decision: decision.as_ref().clone(),
                };
                self.decisions.push((decisions::key(*volume, place.position, place.event), encode(&view)));
            }
            _ => {}
        }
        if let Some(flow) = self.flow_of(event)
            && let Some(history) = self.history(flow, writer)?
        {
            tasks::take_in(history, event, place);
            if matches!(event, Event::FlowFinished { .. })
                && let Some(owned) = owned_by(history)
            {
                self.owners.insert(owned, None);
            }
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

    /// A story that is going to be changed.
    fn history(&mut self, flow: FlowId, writer: &mut Writer<'_>) -> Result<Option<&mut FlowHistory>, StoreError> {
        if !self.flows.contains_key(&flow)
            && let Some(stored) = writer.get(flow_history::TABLE, flow_history::key(flow))?
        {
            self.flows.insert(flow, stored);
        }
        let history = self.flows.get_mut(&flow);
        if history.is_some() {
            self.changed.insert(flow);
        }
        Ok(history)
    }
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
