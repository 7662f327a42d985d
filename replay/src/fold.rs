//! Following the log with the state alone: what stories, snapshots and differences need.

use stele_core::chain::{Chain, Link, Opened};
use stele_core::fold::{FoldError, apply};
use stele_core::record::Record;
use stele_core::state::State;
use stele_core::unit::{Hash, Position};

/// The state that the log led to so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Follower {
    pub(crate) state: State,
    pub(crate) chain: Chain,
    pub(crate) strays: u64,
}

impl Follower {
    /// The record that a message is, before it is applied; `None` for a stray, which is counted.
    pub(crate) fn read(&mut self, opened: Opened) -> Result<Option<(Box<Record>, Hash)>, FoldError> {
        match self.chain.link_opened(opened)? {
            Link::Record(record, hash) => Ok(Some((record, hash))),
            Link::Stray(_) => {
                self.strays += 1;
                Ok(None)
            }
        }
    }

    /// Applies a record that [`Follower::read`] gave for the message at `position`.
    pub(crate) fn apply(&mut self, position: Position, record: &Record, hash: Hash) -> Result<(), FoldError> {
        apply(&mut self.state, record, position, &mut |_| {})?;
        self.chain.advance(&record.head, position, hash);
        Ok(())
    }
}
