//! The log's beginning, out of JetStream: exports in a folder that join each other, and the live log behind them.
//!
//! ```text
//! DIR/log-<first>-<last>.stele     positions first to last, in the format of exports; each begins where the one before ends
//! DIR/projection-<through>.redb    a projection that is folded up to there, for an API that begins anew
//! DIR/state-<through>.json         the head and the digest of the state there
//! DIR/checkpoints                  the same, signed, where a key was given
//!
//! positions   1 ........ 5000 | 5001 ........ 9000 | 9001 ...... tail
//!             a file            a file               the stream, whose beginning was purged
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | `folder` | [`Archive`]: the files, which are a [`Log`](stele_core::port::Log) by themselves |
//! | `archived` | [`Archived`]: files and stream, one log |
//! | `joint` | whether the two are one history, and nothing is missing between them |
//! | `steps` | how a part of the stream becomes a file, and what must be true before it may go |
//! | `state` | what is known about the state at the end of the archive |
//!
//! Nothing is purged here. Who purges needs a [`Covered`], which only [`cover`] gives: after every file was read back,
//! compared with the stream message by message, and found to go on where the stream will begin.

mod archived;
mod error;
mod folder;
mod joint;
mod state;
mod steps;

pub use archived::{Archived, ArchivedReader};
pub use error::ArchiveError;
pub use folder::{Archive, ArchiveReader, log_file, snapshot_file};
pub use state::{CHECKPOINTS_FILE, Described};
pub use steps::{
    Covered, KEEP_DEFAULT, Named, Plan, Wish, Writing, cover, is_purged, plan, purged, verify_through, write,
};

#[cfg(test)]
mod tests;
