//! Folding records into what a control or a reader knows.

use crate::chain::{Chain, Link, Opened, StrayReason, Unreadable};
use crate::evolve::{Corrupt, Meta, evolve, evolve_head};
use crate::port::LogEntry;
use crate::record::{Commit, InboxMark, Record};
use crate::state::{Entity, Seen, State};
use crate::unit::{Hash, Position};

/// Everything that a control knows; a clone costs a few reference counts.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    /// What is true.
    pub state: State,
    /// The commands that may come again.
    pub seen: Seen,
    /// The last accepted record.
    pub chain: Chain,
    /// How far the inbox was read.
    pub inbox: InboxMark,
    /// How many messages of the stream were not records.
    pub strays: u64,
}

/// Why folding cannot go on. The process that meets it stops: it must not serve what it cannot know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// A record cannot be understood.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A record does not fit what was before it.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// What became of a message.
#[derive(Debug, Clone)]
pub enum Folding {
    /// It was a record and is applied.
    Applied(Box<Record>, Hash),
    /// It was none and is skipped.
    Skipped(StrayReason),
}

/// A commit of a record, between what was known before it and what is true behind it.
#[derive(Debug)]
pub struct Step<'a> {
    /// The state before the commit; what stands before it in its record is applied.
    pub before: &'a State,
    /// The commands that could come again at that moment.
    pub seen: &'a Seen,
    /// The state behind the commit.
    pub after: &'a State,
    /// The record.
    pub position: Position,
    /// Which commit of the record, from 0.
    pub index: usize,
    /// The commit.
    pub commit: &'a Commit,
    /// What the commit changed, each as often as it did.
    pub touched: &'a [Entity],
}

impl Folded {
    /// Takes a record of the stream in that [`Chain::link`] accepted, and gives `each` of its commits with the states
    /// before and behind it.
    ///
    /// # Errors
    /// [`Corrupt`] as [`Folded::fold`].
    pub fn fold_steps(
        &mut self,
        record: &Record,
        position: Position,
        hash: Hash,
        each: &mut dyn FnMut(&Step<'_>),
    ) -> Result<(), Corrupt> {
        evolve_head(&mut self.state, &record.head, &mut |_| {});
        let keep_ms = self.state.config.idempotency_ms;
        for (index, commit) in record.commits.iter().enumerate() {
            let before = self.state.clone();
            let mut touched = Vec::new();
            let meta = Meta { position, at: commit.at };
            for event in &commit.events {
                evolve(&mut self.state, meta, event, &mut |entity| touched.push(entity))?;
            }
            let (seen, after, touched) = (&self.seen, &self.state, touched.as_slice());
            each(&Step { before: &before, seen, after, position, index, commit, touched });
            self.seen.apply(commit, position, index, keep_ms);
        }
        self.inbox = record.head.inbox;
        self.chain.advance(&record.head, position, hash);
        Ok(())
    }

    /// Takes the next message of the stream in.
    ///
    /// # Errors
    /// [`FoldError`] when the log cannot be understood from here on; the state is then not to be used any more.
    pub fn fold(&mut self, entry: &LogEntry) -> Result<Folding, FoldError> {
        self.fold_opened(Opened::of(entry.clone()))
    }

    /// The same of a message that was read ahead.
    ///
    /// # Errors
    /// [`FoldError`], as [`Folded::fold`].
    pub fn fold_opened(&mut self, opened: Opened) -> Result<Folding, FoldError> {
        let position = opened.entry.position;
        match self.chain.link_opened(opened)? {
            Link::Stray(reason) => {
                self.strays += 1;
                Ok(Folding::Skipped(reason))
            }
            Link::Record(record, hash) => {
                apply(&mut self.state, &record, position, &mut |_| {})?;
                let keep_ms = self.state.config.idempotency_ms;
                for (index, commit) in record.commits.iter().enumerate() {
                    self.seen.apply(commit, position, index, keep_ms);
                }
                self.inbox = record.head.inbox;
                self.chain.advance(&record.head, position, hash);
                Ok(Folding::Applied(record, hash))
            }
        }
    }
}

/// Applies a record that was accepted to a state; `touch` is told every entity that it changes.
///
/// # Errors
/// [`Corrupt`] when an event does not fit.
pub fn apply(
    state: &mut State,
    record: &Record,
    position: Position,
    touch: &mut dyn FnMut(Entity),
) -> Result<(), Corrupt> {
    evolve_head(state, &record.head, touch);
    for commit in &record.commits {
        let meta = Meta { position, at: commit.at };
        for event in &commit.events {
            evolve(state, meta, event, touch)?;
        }
    }
    Ok(())
}
