use std::collections::BTreeMap;

use stele_core::event::Event;
use stele_core::id::{FlowId, ProjectId, VolumeId};
use stele_core::record::Commit;
use stele_core::state::{FlowKind, Volume};

use super::flow_named_by;
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::{flow_history, volumes};
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

    pub(crate) fn of(&mut self, commit: &Commit, event: &Event) -> Result<Concern, StoreError> {
        let flow = match flow_named_by(event) {
            Some(flow) => Some(flow),
            None => self.flow_beside(commit, event)?,
        };
        if let Some(history) = flow.map(|flow| self.history(flow)).transpose()?.flatten() {
            let (project, volume) = (history.project.clone(), history.volume_id);
            return Ok(Concern { project: Some(project), volume: Some(volume), flow });
        }
        Ok(match event {
            Event::QuotaSet { project, .. } => Concern { project: Some(project.clone()), ..Concern::default() },
            Event::RequestRefused(_) => Concern { project: commit.project.clone(), ..Concern::default() },
            _ => match volume_named_by(event) {
                Some(volume) => {
                    let stored: Option<Volume> = self.snapshot.get(volumes::TABLE, &volumes::key(volume))?;
                    let project = stored.map(|stored| stored.project).or_else(|| commit.project.clone());
                    Concern { project, volume: Some(volume), flow }
                }
                None => Concern { flow, ..Concern::default() },
            },
        })
    }

    /// The flow of an event that does not name it: another event of the same commit does, since a flow's steps are
    /// decided together.
    fn flow_beside(&mut self, commit: &Commit, event: &Event) -> Result<Option<FlowId>, StoreError> {
        for flow in commit.events.iter().filter_map(flow_named_by) {
            let Some(history) = self.history(flow)? else { continue };
            let is_it = match event {
                Event::QuotaCommitted { reservation } | Event::QuotaRolledBack { reservation } => {
                    history.reservation == Some(*reservation)
                }
                Event::VolumeUpdated { .. } => false,
                _ => history.kind != FlowKind::VolumeCleanup && volume_named_by(event) == Some(history.volume_id),
            };
            if is_it {
                return Ok(Some(flow));
            }
        }
        Ok(None)
    }

    fn history(&mut self, flow: FlowId) -> Result<Option<&FlowHistory>, StoreError> {
        if !self.flows.contains_key(&flow) {
            let stored = self.snapshot.get(flow_history::TABLE, &flow_history::key(flow))?;
            self.flows.insert(flow, stored);
        }
        Ok(self.flows.get(&flow).and_then(Option::as_ref))
    }
}

fn volume_named_by(event: &Event) -> Option<VolumeId> {
    match event {
        Event::VolumeCreateFailed { volume, .. }
        | Event::VolumeDeleted { volume }
        | Event::VolumeDeleteFailed { volume, .. }
        | Event::VolumeUpdated { volume, .. } => Some(*volume),
        _ => None,
    }
}
