use serde::{Deserialize, Serialize};
use stele_core::command::Source;
use stele_core::event::Event;
use stele_core::id::{CommandId, FlowId, ProjectId, VolumeId};
use stele_core::unit::{Position, Timestamp};

/// One event of the log, as `GET /v1/events` sends it. Its id there is `<position>.<commit>.<index>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventView {
    /// The record that holds it.
    pub position: Position,
    /// Which commit of the record, from 0.
    pub commit: u32,
    /// Which event of the commit, from 0.
    pub index: u32,
    /// When it was decided.
    pub at: Timestamp,
    /// The id of the command that led to it.
    pub command_id: CommandId,
    /// Which way that command came.
    pub source: Source,
    /// The project that it concerns; absent for what concerns the whole cell.
    pub project: Option<ProjectId>,
    /// The volume that it concerns.
    pub volume_id: Option<VolumeId>,
    /// The flow that it belongs to.
    pub flow_id: Option<FlowId>,
    /// Who asked.
    pub actor: EventActor,
    /// The event's name, as in the log.
    pub name: String,
    /// The event as in the log: an object with its name as the one key.
    pub event: Event,
}

/// Who asked, as far as followers need it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventActor {
    /// The user's name or id; empty for reports and the clock.
    pub user: String,
    /// The client's request id.
    pub request_id: Option<String>,
}
