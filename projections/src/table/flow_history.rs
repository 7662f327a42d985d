//! The story of every flow, finished or not; kept when its volume is gone.
//!
//! Key: the flow's id, 16 bytes. Value: [`crate::view::FlowHistory`].

use stele_core::id::FlowId;

use super::{PastIn, Rows};

pub(crate) const TABLE: Rows = Rows::new(9, "flow_history").with_past_in(PastIn::Story);

pub(crate) fn key(id: FlowId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}
