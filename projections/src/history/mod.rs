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

use std::collections::BTreeMap;

use redb::{ReadableTable as _, WriteTransaction};
use stele_core::codec::{decode, encode};
use stele_core::event::Event;
use stele_core::id::{FlowId, ReservationId, VolumeId};
use stele_core::record::{Commit, Record};
use stele_core::state::{FlowKind, State};
use stele_core::unit::{Position, Timestamp};

use crate::store::StoreError;
use crate::table::{decisions, flow_history, flows_by_volume};
use crate::view::{DecisionView, FlowHistory};

/// The stories of one batch, until they are written.
pub(crate) struct HistoryBatch<'a> {
    transaction: &'a WriteTransaction,
    /// The state before the batch: it knows the flows and reservations that were open then.
    before: &'a State,
    flows: BTreeMap<FlowId, FlowHistory>,
    started: Vec<(Vec<u8>, FlowId)>,
    decisions: Vec<(Vec<u8>, Vec<u8>)>,
    /// Reservations that the batch itself made.
    reservations: BTreeMap<ReservationId, FlowId>,
    /// The flows that the batch itself began, by the volume whose status they carry.
    owners: BTreeMap<VolumeId, FlowId>,
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
    pub(crate) fn new(transaction: &'a WriteTransaction, before: &'a State) -> Self {
        Self {
            transaction,
            before,
            flows: BTreeMap::new(),
            started: Vec::new(),
            decisions: Vec::new(),
            reservations: BTreeMap::new(),
            owners: BTreeMap::new(),
        }
    }

    /// Takes a record in.
    pub(crate) fn take_in(&mut self, record: &Record, position: Position) -> Result<(), StoreError> {
        let mut number = 0;
        for commit in &record.commits {
            for event in &commit.events {
                self.event(commit, event, Place { position, at: commit.at, event: number })?;
                number += 1;
            }
        }
        Ok(())
    }

    /// Writes what the batch changed.
    pub(crate) fn write(self) -> Result<(), StoreError> {
        let mut table = self.transaction.open_table(flow_history::TABLE)?;
        for (id, history) in &self.flows {
            table.insert(flow_history::key(*id).as_slice(), encode(history).as_slice())?;
        }
        let mut table = self.transaction.open_table(flows_by_volume::TABLE)?;
        for (key, flow) in &self.started {
            table.insert(key.as_slice(), flow.0.as_bytes().as_slice())?;
        }
        let mut table = self.transaction.open_table(decisions::TABLE)?;
        for (key, decision) in &self.decisions {
            table.insert(key.as_slice(), decision.as_slice())?;
        }
        Ok(())
    }

    fn event(&mut self, commit: &Commit, event: &Event, place: Place) -> Result<(), StoreError> {
        match event {
            Event::FlowStarted { flow, kind, volume, project } => {
                let history = FlowHistory {
                    id: *flow,
                    kind: *kind,
                    volume_id: *volume,
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
                self.flows.insert(*flow, history);
                self.started.push((flows_by_volume::key(*volume, place.position, place.event), *flow));
                if *kind != FlowKind::VolumeCleanup {
                    self.owners.insert(*volume, *flow);
                }
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
            && let Some(history) = self.history(flow)?
        {
            tasks::take_in(history, event, place);
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
            Event::VolumeCreateFailed { volume, .. }
            | Event::VolumeDeleted { volume }
            | Event::VolumeDeleteFailed { volume, .. } => {
                let began_here = self.owners.get(volume).copied();
                began_here.or_else(|| self.before.volumes.get(volume)?.status.flow())
            }
            other => flow_named_by(other),
        }
    }

    fn history(&mut self, flow: FlowId) -> Result<Option<&mut FlowHistory>, StoreError> {
        if !self.flows.contains_key(&flow) {
            let table = self.transaction.open_table(flow_history::TABLE)?;
            if let Some(stored) = table.get(flow_history::key(flow).as_slice())? {
                self.flows.insert(flow, decode(stored.value())?);
            }
        }
        Ok(self.flows.get_mut(&flow))
    }
}

/// The flow that stands in the event itself.
pub(crate) fn flow_named_by(event: &Event) -> Option<FlowId> {
    match event {
        Event::FlowStarted { flow, .. }
        | Event::FlowFinished { flow, .. }
        | Event::QuotaReserved { flow, .. }
        | Event::PlacementDecided { flow, .. }
        | Event::PlacementReleased { flow, .. }
        | Event::VolumeCreated { flow, .. }
        | Event::VolumeExtending { flow, .. }
        | Event::VolumeExtended { flow, .. }
        | Event::VolumeExtendFailed { flow, .. }
        | Event::VolumeDeleting { flow, .. }
        | Event::TaskRunning { flow, .. }
        | Event::TaskProgressed { flow, .. }
        | Event::TaskSucceeded { flow, .. }
        | Event::TaskFailed { flow, .. }
        | Event::TaskPostponed { flow, .. }
        | Event::TaskReverted { flow, .. } => Some(*flow),
        Event::TaskPending { task } | Event::TaskRetried { task } | Event::TaskReverting { task } => Some(task.flow),
        Event::VolumeEntryCreated { volume } => volume.status.flow(),
        Event::QuotaCommitted { .. }
        | Event::QuotaRolledBack { .. }
        | Event::VolumeCreateFailed { .. }
        | Event::VolumeDeleted { .. }
        | Event::VolumeDeleteFailed { .. }
        | Event::RequestRefused(_)
        | Event::QuotaSet { .. }
        | Event::VolumeUpdated { .. }
        | Event::BackendReported { .. }
        | Event::ServiceChanged { .. }
        | Event::TypeCreated { .. }
        | Event::TypeUpdated { .. }
        | Event::TypeDeleted { .. } => None,
    }
}
