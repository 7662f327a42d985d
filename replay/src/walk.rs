//! Following the log commit by commit, with everything that a control knew before each of them.

use stele_core::chain::{Link, Opened};
use stele_core::fold::{FoldError, Folded, Step};
use stele_core::port::Log;
use stele_core::unit::Position;

use crate::ahead::Ahead;
use crate::progress::Progress;
use crate::source::{Source, SourceError};
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
    /// Follows the log to its end, or to `until`, and says where that is. The first error of `each` ends it.
    pub(crate) async fn over<L: Log, E: From<SourceError> + From<FoldError>>(
        log: &L,
        until: Option<Position>,
        progress: &mut dyn Progress,
        each: &mut (dyn FnMut(&Step<'_>) -> Result<(), E> + Send),
    ) -> Result<(Self, Position), E> {
        let mut source = Ahead::of(Source::open(log, until, progress).await?);
        let mut walk = Self::default();
        loop {
            let messages = source.batch().await?;
            if messages.is_empty() {
                break;
            }
            progress.advance(messages.len() as u64);
            for message in messages {
                let mut taken = Ok(());
                walk.take(message, &mut |step| {
                    if taken.is_ok() {
                        taken = each(step);
                    }
                })?;
                taken?;
            }
        }
        walk.end();
        progress.finish();
        Ok((walk, source.until()))
    }

    /// Takes the next message in; `each` gets the commits of a record.
    fn take(&mut self, message: Opened, each: &mut dyn FnMut(&Step<'_>)) -> Result<(), FoldError> {
        let entry = message.entry.clone();
        match self.folded.chain.link_opened(message)? {
            Link::Stray(reason) => {
                self.folded.strays += 1;
                let found = self.breaks.stray(&self.folded.chain, &entry, &reason);
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
    fn end(&mut self) {
        self.damage.extend(self.breaks.end());
    }
}
