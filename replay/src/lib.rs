//! The audit tool: what the log says, read from its first record with the code that the writer decides by.
//!
//! ```text
//! LOG --> source --+--> verify   is it whole, is it sound, is the live projection what it leads to
//!                  +--> show     the story of one volume, request, project or task
//!                  +--> explain  why this pool and not each other one, decided again
//!                  +--> quota    who holds a project's quota, proved
//!                  +--> at       the state at a position or a time
//!                  '--> diff     what changed between two of them
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`source`] | reading the log up to a tail that is fixed at the start |
//! | [`verify`] | hash chain, gaps, strays, invariants, comparison with a live digest |
//! | [`show`] | stories, streamed entry by entry |
//! | [`explain`] | placements decided again and compared with what was recorded |
//! | [`quota`] | every unit of a project's quota with the event that took it, and three sums that must agree |
//! | [`at`], [`moment`] | the state at a moment, as tables |
//! | [`diff`] | two states compared, entity by entity and field by field |
//! | [`table`], [`progress`] | columns for people; how far the reading is |
//!
//! Nothing here writes to a log, knows NATS, or prints: output goes to a writer that the caller gives.

pub mod at;
pub mod diff;
pub mod explain;
mod fold;
pub mod moment;
pub mod progress;
pub mod quota;
pub mod show;
pub mod source;
pub mod table;
#[cfg(test)]
mod testing;
pub mod verify;
mod walk;
