//! Reading the whole log and saying whether it is whole, sound, and what the live projection is made of.
//!
//! ```text
//! every message   position follows; record or stray (chain.rs of core); a stray that proves damage (breaks)
//! every record    rules about records that no state shows (rules): one outcome per command, inbox order, time
//! every N-th      core's audit() of the whole state, and at the end
//! one position    the digest that a live projection gave, compared table by table
//! some positions  hash and digest of the checkpoints that were kept elsewhere
//! ```
//!
//! A file that begins later than with the first record has no state to audit; its chain is followed from the record
//! before it ([`verify_behind`]).
//!
//! **How often the whole state is audited.** An audit looks at every row, so auditing at each of a million records
//! would be quadratic. [`AuditEvery::Adaptive`] spends a bounded effort per record: with `R` rows in the state it
//! audits every `max(1, R / 64)` records. A state of fewer than 128 rows is audited at every record; one of 100 000 rows at
//! every 1 562nd. A violation that is found between two audits is reported with both positions; reading again with
//! [`AuditEvery::Records`]`(1)` names the very record.

pub(crate) mod breaks;
mod kept;
mod report;
mod rules;

use std::collections::BTreeSet;

use stele_core::audit::audit;
use stele_core::chain::{Chain, Link, Opened};
use stele_core::digest::StateDigest;
use stele_core::fold::{FoldError, Folded, Folding};
use stele_core::port::Log;
use stele_core::state::State;
use stele_core::unit::{Hash, Position};

pub use report::{Bad, BadKind, Bounded, Compared, Head, LISTED_MAX, Stray, Verification, Violated};

pub use kept::Kept;

use crate::ahead::Ahead;
use crate::progress::Progress;
use crate::source::{Source, SourceError};
use breaks::Breaks;
use rules::Rules;

/// How many rows may be audited for each record that is read, by [`AuditEvery::Adaptive`].
pub const AUDIT_ROWS_PER_RECORD: usize = 64;

/// How often the whole state is audited. At the end it always is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuditEvery {
    /// Every N records, where N grows with the state; see the module.
    #[default]
    Adaptive,
    /// Every so many records.
    Records(u64),
    /// Only at the end.
    End,
}

/// What a live projection says it holds. It must be asked before the verification begins, so that the log cannot end
/// before it unless it lost something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveDigest {
    /// The last record that it contains.
    pub position: Position,
    /// The digest of its rows.
    pub digest: StateDigest,
    /// The hash of that record, when it says so: the only witness for the bytes of the log's last record.
    pub hash: Option<Hash>,
}

/// What is to be verified.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// How often the whole state is audited.
    pub audit_every: AuditEvery,
    /// What the log is compared with.
    pub live: Option<LiveDigest>,
    /// What was kept elsewhere.
    pub kept: Kept,
    /// Where to end; at the log's end when absent.
    pub until: Option<Position>,
}

/// Why nothing can be said about the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The log cannot be read. Missing messages are not an error but a finding.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Verifies the log up to the tail that it has now, or up to where it was told to end.
///
/// # Errors
/// [`VerifyError`] when the log does not answer; all that is wrong with the log itself stands in the result.
pub async fn verify<L: Log>(
    log: &L,
    options: VerifyOptions,
    progress: &mut dyn Progress,
) -> Result<Verification, VerifyError> {
    let mut run = Run::new(options);
    run.not_believed();
    run.compare_if_at(Position(0));
    run.read(log, Position(1), progress).await
}

/// What stands before a log that does not begin with its first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// The first message that is there.
    pub first: Position,
    /// The last record before it.
    pub before: Chain,
}

/// Verifies a log that begins later: its chain goes on from the record before, and the rules about single records hold.
/// Nothing is known about the state, so no invariant is looked at, and there is no digest.
///
/// # Errors
/// [`VerifyError`], as for [`verify`].
pub async fn verify_behind<L: Log>(
    log: &L,
    beginning: Beginning,
    options: VerifyOptions,
    progress: &mut dyn Progress,
) -> Result<Verification, VerifyError> {
    let mut run = Run::new(VerifyOptions { live: None, ..options });
    run.folded.chain = beginning.before;
    (run.folds, run.sound) = (false, false);
    run.result.begins_behind = Some(Head::from(&beginning.before));
    run.read(log, beginning.first, progress).await
}

/// A verification underway.
struct Run {
    options: VerifyOptions,
    folded: Folded,
    rules: Rules,
    breaks: Breaks,
    result: Verification,
    /// False when there is no state, only the chain.
    folds: bool,
    /// False once the state cannot be used any more.
    sound: bool,
    records_since_audit: u64,
    /// The last record at which the state was audited.
    audited_at: Position,
    /// What the last audit found, so that it is reported once.
    standing: BTreeSet<(String, String)>,
}

impl Run {
    fn new(options: VerifyOptions) -> Self {
        Self {
            options,
            folded: Folded::default(),
            rules: Rules::default(),
            breaks: Breaks::default(),
            result: Verification::default(),
            folds: true,
            sound: true,
            records_since_audit: 0,
            audited_at: Position(0),
            standing: BTreeSet::new(),
        }
    }

    /// Reads to the end.
    async fn read<L: Log>(
        mut self,
        log: &L,
        first: Position,
        progress: &mut dyn Progress,
    ) -> Result<Verification, VerifyError> {
        let mut source = match Source::open_from(log, first, self.options.until, progress).await {
            Ok(source) => Ahead::of(source),
            Err(error) => return self.missing(error).map(|run| run.finish(Position(0))),
        };
        loop {
            let messages = match source.batch().await {
                Ok(messages) if messages.is_empty() => break,
                Ok(messages) => messages,
                Err(error) => return self.missing(error).map(|run| run.finish(source.until())),
            };
            progress.advance(messages.len() as u64);
            for message in messages {
                if let Err(error) = self.take(message) {
                    self.unreadable(&error);
                    progress.finish();
                    return Ok(self.finish(source.until()));
                }
            }
        }
        progress.finish();
        Ok(self.finish(source.until()))
    }

    /// Applies the next message, or follows the chain through it where there is no state to apply it to.
    fn follow(&mut self, message: Opened) -> Result<Folding, FoldError> {
        if self.folds {
            return self.folded.fold_opened(message);
        }
        let position = message.entry.position;
        Ok(match self.folded.chain.link_opened(message)? {
            Link::Stray(reason) => Folding::Skipped(reason),
            Link::Record(record, hash) => {
                self.folded.chain.advance(&record.head, position, hash);
                Folding::Applied(record, hash)
            }
        })
    }

    /// Takes the next message in.
    fn take(&mut self, message: Opened) -> Result<(), FoldError> {
        let entry = message.entry.clone();
        self.result.messages += 1;
        self.result.bytes += entry.payload.len() as u64;
        self.result.first.get_or_insert(entry.position);
        self.result.last = Some(entry.position);
        let (before, seen) = (self.folded.chain, self.folded.seen.clone());
        match self.follow(message)? {
            Folding::Skipped(reason) => {
                for bad in self.breaks.stray(&before, &entry, &reason) {
                    self.result.bad(bad);
                }
                let (position, reason) = (entry.position, reason.to_string());
                self.result.strays.push(Stray { position, reason });
            }
            Folding::Applied(record, _) => {
                if let Some(bad) = self.breaks.record() {
                    self.result.bad(bad);
                }
                self.result.records += 1;
                self.result.commits += record.commits.len() as u64;
                self.result.events += record.commits.iter().map(|commit| commit.events.len() as u64).sum::<u64>();
                let keep_ms = self.folded.state.config.idempotency_ms;
                for (rule, what) in self.rules.check(&before, seen, &record, entry.position, keep_ms) {
                    self.violated(entry.position, entry.position, rule, what);
                }
                self.records_since_audit += 1;
                if self.is_audit_due() {
                    self.audit();
                }
            }
        }
        self.compare_if_at(entry.position);
        self.compare_kept(entry.position);
        Ok(())
    }

    fn is_audit_due(&self) -> bool {
        if !self.folds {
            return false;
        }
        let every = match self.options.audit_every {
            AuditEvery::Adaptive => (rows(&self.folded.state) / AUDIT_ROWS_PER_RECORD) as u64,
            AuditEvery::Records(every) => every,
            AuditEvery::End => return false,
        };
        self.records_since_audit >= every
    }

    fn audit(&mut self) {
        let at = self.folded.chain.position;
        let since = self.audited_at;
        (self.records_since_audit, self.audited_at) = (0, at);
        self.result.audits += 1;
        let found: BTreeSet<(String, String)> =
            audit(&self.folded.state).into_iter().map(|found| (found.rule.to_owned(), found.what)).collect();
        let before = std::mem::replace(&mut self.standing, found.clone());
        for (rule, what) in found.difference(&before) {
            self.violated(since, at, rule, what.clone());
        }
    }

    fn violated(&mut self, since: Position, position: Position, rule: &str, what: String) {
        self.result.bad(Bad::violation(since, position, rule, &what));
        self.result.violations.push(Violated { position, clean_at: since, rule: rule.to_owned(), what });
    }

    /// Compares with the live digest when this is its position.
    fn compare_if_at(&mut self, position: Position) {
        let Some(live) = self.options.live.take_if(|live| live.position == position) else { return };
        let log = StateDigest::of(&self.folded.state);
        let chain = &self.folded.chain;
        let hash_differs = live.hash.is_some_and(|hash| chain.position != position || hash != chain.hash);
        let differing = log.differences(&live.digest);
        let equal = log.digest == live.digest.digest && !hash_differs;
        if !equal {
            self.result.bad(Bad::differs(position, &differing, hash_differs));
        }
        self.result.compared =
            Some(Compared { position, log: log.digest, live: live.digest.digest, hash_differs, differing, equal });
    }

    /// A record that continues the log and cannot be used.
    fn unreadable(&mut self, error: &FoldError) {
        self.sound = false;
        self.result.bad(Bad::unusable(error));
    }

    /// Messages that are missing are what a verification is to find; all else stops it.
    fn missing(mut self, error: SourceError) -> Result<Self, VerifyError> {
        let position = match &error {
            SourceError::FirstMissing { .. } => Position(1),
            SourceError::Hole { from, .. } => *from,
            SourceError::Shortened { now, .. } => now.next(),
            SourceError::BeyondTail { .. } | SourceError::OutOfOrder { .. } | SourceError::Unavailable(_) => {
                return Err(error.into());
            }
        };
        self.result.bad(Bad { position, kind: BadKind::Missing, what: error.to_string(), remedy: report::KEEP.into() });
        Ok(self)
    }

    fn finish(mut self, tail: Position) -> Verification {
        if let Some(bad) = self.breaks.end() {
            self.result.bad(bad);
        }
        if self.sound && (self.records_since_audit > 0 || self.result.audits == 0) {
            self.audit();
        }
        // Nothing is concluded about a live projection when reading ended early: its position was not reached.
        let read_all = self.result.last.unwrap_or_default() >= tail;
        if let Some(live) = self.options.live.take().filter(|live| read_all && live.position > tail) {
            self.result.bad(Bad::lost(tail, live.position));
        }
        if read_all {
            self.lost_kept(tail);
        }
        self.result.head = Head::from(&self.folded.chain);
        self.result.digest = self.sound.then(|| StateDigest::of(&self.folded.state));
        self.result.ok = self.result.first_bad.is_none();
        self.result
    }
}

/// How many rows an audit looks at.
fn rows(state: &State) -> usize {
    let claims_and_pools = state.claims.len() + state.pools.len();
    state.volumes.len() + state.flows.len() + state.reservations.len() + state.usage.len() + claims_and_pools
}

#[cfg(test)]
mod tampering;
#[cfg(test)]
mod tests;
