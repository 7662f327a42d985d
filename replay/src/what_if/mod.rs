//! History under another configuration: which placements, refusals and fill levels would have been other.
//!
//! The log holds every message that was decided, byte for byte. They are taken in their order and decided once more, by
//! the writer's code, upon a state of their own that began empty and is decided with other settings, limits or pools.
//!
//! ```text
//! LOG --> walk --> step: the state before, the commit, the state behind      the recorded history
//!                   |
//!                   '--> message, or what a worker would have said instead
//!                          '--> decide (the writer's) --> the other history's state
//!                   both --> differences, one by one; fill levels, at a bounded number of moments
//! ```
//!
//! What nobody can know is assumed, and these are all the assumptions (`docs/audit.md` repeats them for operators):
//!
//! - People ask for the same at the same moments, whatever they were answered. What names something that the other
//!   history refused to make is skipped there. What only the other history has stays until its end.
//! - Workers: see [`tasks`]. What both histories dispatch alike ends as it did. Other work ends well, when the recorded
//!   one ended, or after the mean time of its kind. Failures belong to the pool where they happened.
//! - Pools: see [`capacity`]. They report when they did, less what lies elsewhere and more what lies there only now.
//! - A backend is up when it was. A pool that is given is there from the first record on, and always up unless its
//!   backend is one of the log's.
//! - An inventory of a pool in which anything differs is left out: it would find drift that is none.
//!
//! Ids of volumes, flows and tasks are made of the command's id and its position, which are the same in both histories;
//! so the same draw among pools of equal weight is made. Without any change the other history is the recorded one, to
//! the last byte of the state's digest.

mod capacity;
mod changes;
mod chart;
mod difference;
mod engine;
mod other;
mod plot;
mod render;
mod series;
mod summary;
mod tasks;

use std::io;

use stele_core::digest::StateDigest;
use stele_core::evolve::Corrupt;
use stele_core::fold::{FoldError, Step};
use stele_core::port::Log;
use stele_core::unit::Position;

pub(crate) use other::incoming as whole_message;

pub use changes::{Changes, GivenPool, InvalidChange};
pub use difference::{Difference, Ended, What};
pub use engine::Counts;
pub use plot::PlotFormat;
pub use series::{Both, Fill, MEASURE, Point, Sample, Series};
pub use summary::{Holdings, PoolEnd, Summary};

use crate::progress::Progress;
use crate::source::SourceError;
use crate::walk::Walk;
use engine::Engine;

/// Why the other history cannot be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be understood from some position on; `verify` says what is wrong.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// What is decided in the other history does not fit its state.
    #[error("the other history gives events that do not fit: {0}")]
    Other(#[from] Corrupt),
    /// A setting does not fit those of the log.
    #[error("the settings do not fit those of the log: {0}")]
    Settings(#[from] serde_json::Error),
    /// What was assumed cannot be said as a worker would.
    #[error("an assumed report cannot be written: {0}")]
    Assumed(String),
    /// The listener has had enough.
    #[error("the differences could not be written")]
    Write(#[from] io::Error),
}

/// Replays the log up to its tail, or to `until`, with `changes`; `each` gets the differences as they are found.
///
/// # Errors
/// [`WhatIfError`]; what was told before stays true.
pub async fn what_if<L: Log>(
    log: &L,
    changes: Changes,
    until: Option<Position>,
    progress: &mut dyn Progress,
    each: &mut (dyn FnMut(Difference) -> io::Result<()> + Send),
) -> Result<Summary, WhatIfError> {
    let (engine, walk, until) = replayed(log, changes, until, progress, each).await?;
    Ok(Summary::of(engine, walk, until))
}

/// Both histories at their end.
async fn replayed<L: Log>(
    log: &L,
    changes: Changes,
    until: Option<Position>,
    progress: &mut dyn Progress,
    each: &mut (dyn FnMut(Difference) -> io::Result<()> + Send),
) -> Result<(Engine, Walk, Position), WhatIfError> {
    let mut engine = Engine::new(changes);
    let mut take = |step: &Step<'_>| engine.take(step, each);
    let (walk, position) = Walk::over(log, until, progress, &mut take).await?;
    engine.configure(&walk.folded.state)?;
    Ok((engine, walk, position))
}

/// The digests of both histories' states.
fn digests(walk: &Walk, engine: &Engine) -> Both<StateDigest> {
    Both { recorded: StateDigest::of(&walk.folded.state), other: StateDigest::of(&engine.other.state) }
}

#[cfg(test)]
mod tests;
