//! Following the log commit by commit, with everything that a control knew before each of them.

use stele_core::chain::Link;
use stele_core::fold::{FoldError, Folded, Step};
use stele_core::port::LogEntry;

use crate::verify::Bad;
use crate::verify::breaks::Breaks;

/// How many damages are kept: one is enough for a log that cannot be trusted.
const DAMAGES_KEPT: usize = 16;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) folded: Folded,
    /// What its strays prove to be damaged.
    pub(crate) damage: Vec<Bad>,
    breaks: Breaks,
}

impl Walk {
    /// Takes the next message in; `each` gets the commits of a record.
    pub(crate) fn take(&mut self, entry: &LogEntry, each: &mut dyn FnMut(&Step<'_>)) -> Result<(), FoldError> {
        match self.folded.chain.link(entry)? {
            Link::Stray(reason) => {
                self.folded.strays += 1;
                let found = self.breaks.stray(&self.folded.chain, entry, &reason);
                self.damage.extend(found);
            }
            Link::Record(record, hash) => {
                self.damage.extend(self.breaks.record());
                self.folded.fold_steps(&record, entry.position, hash, each)?;
            }
        }
        self.damage.truncate(DAMAGES_KEPT);
        Ok(())
    }

    /// Nothing follows.
    pub(crate) fn end(&mut self) {
        self.damage.extend(self.breaks.end());
    }
}
