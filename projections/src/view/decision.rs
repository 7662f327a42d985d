use serde::{Deserialize, Serialize};
use stele_core::id::{FlowId, VolumeId};
use stele_core::schedule::Decision;
use stele_core::unit::{Position, Timestamp};

/// A placement decision and where it stands; to be written, with one that is somewhere else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionView<D = Decision> {
    /// The record that holds it.
    pub position: Position,
    /// When it was made.
    pub at: Timestamp,
    /// The flow that asked.
    pub flow_id: FlowId,
    /// The volume that was to be placed.
    pub volume_id: VolumeId,
    /// Which attempt of the flow it is, from 1.
    pub attempt: u32,
    /// The decision with its reasons.
    pub decision: D,
}

/// `GET /v1/volumes/{id}/decisions`: oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionList {
    /// The decisions.
    pub decisions: Vec<DecisionView>,
}
