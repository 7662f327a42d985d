//! What a verification found, for programs and for people.

use std::io::{self, Write};

use serde::Serialize;
use stele_core::chain::Chain;
use stele_core::digest::StateDigest;
use stele_core::fold::FoldError;
use stele_core::id::WriterId;
use stele_core::unit::{Hash, Position, Timestamp};

use crate::table::plain;

/// How many strays and violations are listed; all of them are counted.
pub const LISTED_MAX: usize = 100;

/// The first thing to do about a damaged log.
pub(super) const KEEP: &str = "stop the cell's controls and keep a copy of the stream as it is";

/// What a verification found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// True when nothing is wrong. Strays alone are not wrong: every reader skips them.
    pub ok: bool,
    /// The earliest thing that is wrong.
    pub first_bad: Option<Bad>,
    /// The last record before the first message, where that is not the log's first: then the chain was followed from
    /// there, and there is no state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins_behind: Option<Head>,
    /// The position of the first message.
    pub first: Option<Position>,
    /// The position of the last message that was read.
    pub last: Option<Position>,
    /// How many messages were read.
    pub messages: u64,
    /// How many of them are records.
    pub records: u64,
    /// How many commits the records hold.
    pub commits: u64,
    /// How many events the commits hold.
    pub events: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// How often the whole state was audited.
    pub audits: u64,
    /// The last good record.
    pub head: Head,
    /// The messages that are no records.
    pub strays: Bounded<Stray>,
    /// The invariants that do not hold.
    pub violations: Bounded<Violated>,
    /// The digest of the state at `head`; absent when a record could be applied in part only.
    pub digest: Option<StateDigest>,
    /// How many checkpoints that were kept elsewhere say the same as the log.
    pub checkpoints: u64,
    /// The comparison with the live projection, when one was asked for and its position was reached.
    pub compared: Option<Compared>,
}

/// The first ones of many, and how many they are.
#[derive(Debug, Clone, Serialize)]
pub struct Bounded<T> {
    /// All of them.
    pub total: u64,
    /// The first [`LISTED_MAX`].
    pub listed: Vec<T>,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { total: 0, listed: Vec::new() }
    }
}

impl<T> Bounded<T> {
    pub(super) fn push(&mut self, item: T) {
        self.total += 1;
        if self.listed.len() < LISTED_MAX {
            self.listed.push(item);
        }
    }
}

/// The last good record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Where it stands; 0 when there is none.
    pub position: Position,
    /// Its hash.
    pub hash: Hash,
    /// Which record it is, counted from 1.
    pub index: u64,
    /// The epoch of its writer.
    pub epoch: u64,
    /// Its writer.
    pub writer: WriterId,
    /// When it was written.
    pub at: Timestamp,
}

impl From<&Chain> for Head {
    fn from(chain: &Chain) -> Self {
        let Chain { position, hash, index, epoch, writer, at } = *chain;
        Self { position, hash, index, epoch, writer, at }
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::from(&Chain::default())
    }
}

/// A message that is no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stray {
    /// Where it stands.
    pub position: Position,
    /// Why it is none.
    pub reason: String,
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violated {
    /// The record at which it was found.
    pub position: Position,
    /// The last record at which the state was looked at before; the same position when the record itself is wrong.
    pub clean_at: Position,
    /// The rule that is broken.
    pub rule: String,
    /// By what.
    pub what: String,
}

/// A live projection beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The position of both.
    pub position: Position,
    /// The digest of the state that the log leads to.
    pub log: Hash,
    /// The digest that the projection gave.
    pub live: Hash,
    /// True when the projection has seen another record there.
    pub hash_differs: bool,
    /// The tables that differ, with the number of rows by the log and in the projection.
    pub differing: Vec<String>,
    /// True when they are the same.
    pub equal: bool,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Where.
    pub position: Position,
    /// Of which kind.
    pub kind: BadKind,
    /// What it is.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// The kinds of what can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BadKind {
    /// Messages are missing.
    Missing,
    /// The chain of hashes is broken.
    Chain,
    /// A record that continues the chain cannot be read.
    Unreadable,
    /// A record does not fit what was before it.
    Corrupt,
    /// An invariant does not hold.
    Violation,
    /// The live projection holds something else than the log leads to.
    Differs,
    /// The live projection holds more than the log.
    Lost,
    /// A checkpoint that was kept elsewhere says something else.
    Checkpoint,
}

impl Bad {
    pub(super) fn violation(since: Position, position: Position, rule: &str, what: &str) -> Self {
        let (what, remedy) = if since.next() < position {
            (
                format!("between positions {} and {position}: {rule}: {what}", since.next()),
                "verify again with an audit at every record to find the very position; then read `stele replay show` \
                 of what is named",
            )
        } else {
            (format!("{rule}: {what}"), "read `stele replay show` of what is named, and report it with this output")
        };
        Self { position, kind: BadKind::Violation, what, remedy: remedy.to_owned() }
    }

    pub(super) fn differs(position: Position, differing: &[String], hash_differs: bool) -> Self {
        let (what, remedy) = if hash_differs {
            (
                "the live projection has applied another record at this position: the log was changed behind its last \
                 reader, or the projection belongs to another log"
                    .to_owned(),
                format!("{KEEP}, and the projection's folder with it; compare both with a copy of the stream"),
            )
        } else {
            (
                format!("the live projection differs from the log in {}", differing.join(", ")),
                "the log is the truth: stop the API, rebuild its folder with `stele replay rebuild`, and report this"
                    .to_owned(),
            )
        };
        Self { position, kind: BadKind::Differs, what, remedy }
    }

    pub(super) fn lost(tail: Position, live: Position) -> Self {
        Self {
            position: tail.next(),
            kind: BadKind::Lost,
            what: format!(
                "the log ends at position {tail}, and the live projection has applied position {live}: acknowledged \
                 records are lost"
            ),
            remedy: format!(
                "{KEEP}; start the control that led last on its own disk: its journal holds the newest records"
            ),
        }
    }

    pub(super) fn unusable(error: &FoldError) -> Self {
        match error {
            FoldError::Unreadable(unreadable) => Self {
                position: unreadable.position,
                kind: BadKind::Unreadable,
                what: format!("the record continues the log and cannot be read: {}", unreadable.why),
                remedy: "if a newer release wrote it, verify with that release; else its bytes were changed: restore \
                         it from a copy of the stream"
                    .to_owned(),
            },
            FoldError::Corrupt(corrupt) => Self {
                position: corrupt.position,
                kind: BadKind::Corrupt,
                what: format!("the record does not fit what was before it: {}: {}", corrupt.event, corrupt.what),
                remedy: format!("{KEEP}; restore the record from a copy of the stream, or report it with this output"),
            },
        }
    }
}

impl Verification {
    /// Takes something bad in; the earliest is kept.
    pub(super) fn bad(&mut self, bad: Bad) {
        if self.first_bad.as_ref().is_none_or(|first| bad.position < first.position) {
            self.first_bad = Some(bad);
        }
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        match (self.first, self.last) {
            (Some(first), Some(last)) => writeln!(out, "read      positions {first} to {last}, {} bytes", self.bytes)?,
            _ => writeln!(out, "read      nothing: the log is empty")?,
        }
        if let Some(before) = &self.begins_behind {
            writeln!(out, "begins    behind the record at position {}, which is not in it", before.position)?;
            writeln!(out, "          sha256 {}", before.hash)?;
        }
        writeln!(out, "records   {}, with {} commits and {} events", self.records, self.commits, self.events)?;
        let head = &self.head;
        writeln!(out, "head      position {}, epoch {}, written {}", head.position, head.epoch, head.at)?;
        writeln!(out, "          sha256 {}", head.hash)?;
        if let Some(digest) = &self.digest {
            writeln!(out, "state     sha256 {}", digest.digest)?;
        }
        match self.begins_behind {
            Some(_) => writeln!(
                out,
                "audited   no state: the records before are not there; violations: {}",
                self.violations.total
            )?,
            None => {
                writeln!(
                    out,
                    "audited   the whole state {} times, violations: {}",
                    self.audits, self.violations.total
                )?;
            }
        }
        for found in &self.violations.listed {
            let since = if found.clean_at.next() < found.position {
                format!(", not yet at {}", found.clean_at)
            } else {
                String::new()
            };
            writeln!(out, "          at {}{since}: {}: {}", found.position, found.rule, plain(&found.what))?;
        }
        more(out, self.violations.total, self.violations.listed.len())?;
        writeln!(out, "strays    {}", self.strays.total)?;
        for stray in &self.strays.listed {
            writeln!(out, "          at {}: {}", stray.position, plain(&stray.reason))?;
        }
        more(out, self.strays.total, self.strays.listed.len())?;
        if self.checkpoints > 0 {
            writeln!(out, "kept      checkpoints that say the same: {}", self.checkpoints)?;
        }
        match &self.compared {
            Some(compared) if compared.equal => writeln!(out, "live      equal at position {}", compared.position)?,
            Some(compared) => writeln!(out, "live      differs at position {}", compared.position)?,
            None => writeln!(out, "live      not compared")?,
        }
        match &self.first_bad {
            None => writeln!(out, "ok"),
            Some(bad) => {
                writeln!(out, "BAD       first at position {}: {}", bad.position, plain(&bad.what))?;
                writeln!(out, "to do     {}", bad.remedy)
            }
        }
    }
}

fn more(out: &mut dyn Write, total: u64, listed: usize) -> io::Result<()> {
    let rest = total.saturating_sub(listed as u64);
    if rest > 0 { writeln!(out, "          and {rest} more") } else { Ok(()) }
}
