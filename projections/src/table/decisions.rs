//! The placement decisions about a volume, in order; kept when the volume is gone.
//!
//! Key: as in [`super::flows_by_volume`]. Value: [`crate::view::DecisionView`].

use super::{PastIn, Rows};

pub(crate) use super::flows_by_volume::key;

pub(crate) const TABLE: Rows = Rows::new(6, "decisions").with_past_in(PastIn::Key(16));
