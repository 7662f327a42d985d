//! Index: the flows of a volume in the order in which they began.
//!
//! Key: the volume's id in 16 bytes, the position in 8, the number of the event within its record in 4 (one record can
//! hold a create that fails, the delete and the next create). Value: the flow's id, 16 bytes.

use stele_core::id::{FlowId, VolumeId};
use stele_core::unit::Position;

use super::{PastIn, Rows};

pub(crate) const TABLE: Rows = Rows::new(11, "flows_by_volume").with_past_in(PastIn::Key(16));

pub(crate) fn key(volume: VolumeId, started: Position, event: u32) -> Vec<u8> {
    let mut key = volume.0.as_bytes().to_vec();
    key.extend_from_slice(&started.0.to_be_bytes());
    key.extend_from_slice(&event.to_be_bytes());
    key
}

/// The flow that a value names.
pub(crate) fn flow_of(value: &[u8]) -> Option<FlowId> {
    uuid::Uuid::from_slice(value).ok().map(FlowId)
}
