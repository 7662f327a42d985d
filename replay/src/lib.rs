//! The audit tool: what the log says, read from its first record with the code that the writer decides by.
//!
//! ```text
//! LOG --> source --+--> verify   is it whole, is it sound, is the live projection what it leads to
//!                  +--> show     the story of one volume, request, project or task
//!                  +--> explain  why this pool and not each other one, decided again
//!                  +--> what_if  history under another configuration
//!                  +--> quota    who holds a project's quota, proved
//!                  +--> at       the state at a position or a time
//!                  +--> diff     what changed between two of them
//!                  '--> export   the log as a file, which all of the above read as well
//! LOG -> archive --> FILES, verified and read back, so that the stream need not hold its beginning for ever
//! FILE -> import --> LOG of an empty cell
//! DB --> cinder --> what is wrong with Cinder's quota, and commands that adopt what it holds
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`source`] | reading the log up to a tail that is fixed at the start |
//! | [`verify`] | hash chain, gaps, strays, invariants, comparison with a live digest |
//! | [`checkpoint`] | what the log was at a position, signed |
//! | [`heal`] | a lost tail gets its records back |
//! | [`show`] | stories, streamed entry by entry |
//! | [`explain`] | placements decided again and compared with what was recorded |
//! | [`quota`] | every unit of a project's quota with the event that took it, and three sums that must agree |
//! | [`what_if`] | every message decided again upon another history, with other settings, limits or pools |
//! | [`workload`] | the commands of a log as a file that can be played into another cell |
//! | [`at`] | the state at a moment, as tables |
//! | [`diff`] | two states compared, entity by entity and field by field |
//! | [`export`], [`import`] | the log as a file, and back into a log |
//! | [`archive`] | the log's beginning as files in a folder, and files and stream as one log |
//! | [`cinder`] | a database of OpenStack Cinder: its quota checked, its volumes planned into commands |
//! | [`table`], [`progress`] | columns for people; how far the reading is |
//!
//! Nothing here knows NATS or prints: output goes to a writer that the caller gives. Nothing writes to a log but
//! [`import`] and [`heal`], which only add what a file or a journal holds behind what is there already.

pub mod ahead;
pub mod archive;
pub mod at;
pub mod checkpoint;
pub mod cinder;
pub mod diff;
pub mod explain;
pub mod export;
mod fold;
pub mod heal;
pub mod import;
pub mod progress;
pub mod quota;
pub mod show;
pub mod source;
pub mod table;
#[cfg(test)]
mod testing;
pub mod verify;
mod walk;
pub mod what_if;
pub mod workload;
