//! Placement: which pool takes a volume, and why not each other one.
//!
//! ```text
//! candidates (pools with their last stats, claims and service state)
//!     |  service: enabled? not frozen? up? has it reported?
//!     |  filters, in the configured order        filter/<name>.rs
//!     |  the marks of a thin pool                filter/watermark.rs
//!     |  the hints of the request                filter/hinted_volumes.rs, filter/query.rs
//!     |  weighers, normalised and summed         weigh/<name>.rs
//!     v
//! Decision: every candidate, every check with the observed and the required value, the weights, the choice
//! ```
//!
//! The pieces and their semantics are those of Cinder's scheduler (`cinder/scheduler/filters`, `weights`), so that
//! an operator's extra specs mean what they meant; what differs is that a decision is a value that explains itself.

mod capability;
mod config;
mod decision;
pub mod extra_spec;
pub mod filter;
mod free_space;
mod hints;
mod place;
mod stats;
pub mod weigh;

#[cfg(test)]
mod tests;

pub use capability::{Amount, Capabilities, Capability, Ratio};
pub use config::{FilterName, SchedulerConfig, WeigherName};
pub use decision::{
    CANDIDATES_SHOWN, Candidate, Check, CheckName, Decision, EXAMPLES_SHOWN, Rejection, Requested, Verdict, Weight,
};
pub use hints::{Hints, HintsInForce};
pub use place::{PlacementRequest, PoolView, Purpose, place, place_in_full};
pub use stats::{CapabilitiesView, PoolStats};
