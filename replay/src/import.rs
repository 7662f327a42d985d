//! An exported file into a log: an empty one, or one that holds the beginning of the file already.
//!
//! What the log holds is compared message by message; the rest is appended, each message naming the position that it must
//! come behind, as the writer does it. Positions and bytes are thereby those of the file, and with them every hash.
//!
//! Many messages are under way at once. A writer must not do that: when somebody else's record takes the place of one,
//! the one behind it still finds the end that it names. Here nobody else is to write, and if somebody does, the import
//! ends with [`ImportError::Taken`] and the log is of no use anyway. When one is lost, those behind it find another end
//! than they name and are refused. The answers are looked at in order; what was refused is offered once more by itself,
//! when everything before it is there, and the first failure ends the import. What is in the log then is a beginning of
//! the file, and the next import goes on behind it.

use std::io::{self, Write};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use serde::Serialize;
use stele_core::chain::{Chain, Link, Unreadable};
use stele_core::port::{AppendError, Log, LogEntry, Unavailable};
use stele_core::unit::Position;

use crate::export::{ExportedLog, FileError};
use crate::progress::{Progress, Silent};
use crate::source::{Source, SourceError};
use crate::verify::Head;

/// The most messages that are under way at once.
const UNDER_WAY_MAX: usize = 256;

/// The most bytes that are under way at once; one message more may be.
const UNDER_WAY_BYTES_MAX: usize = 8 << 20;

/// Why a file was not imported to its end. What was appended before is a beginning of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A record continues the chain and cannot be understood.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The log does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log ends before the file begins.
    #[error("the file begins with position {first}, and the log ends at {tail}")]
    Gap {
        /// The file's first position.
        first: Position,
        /// The log's last.
        tail: Position,
    },
    /// The log did not say whether it holds a message now. Everything before it is there.
    #[error("the import came to position {}, and then {why}", position.0 - 1)]
    CutShort {
        /// The message that was not acknowledged.
        position: Position,
        /// What the log said.
        why: Unavailable,
    },
    /// The two histories are not the same.
    #[error("the log and the file hold different messages at position {0}: they are different histories from there on")]
    Diverged(Position),
    /// Somebody else appended during the import.
    #[error("somebody else appended to the log at position {0}, where a message of the file belongs")]
    Taken(Position),
    /// The log does not take a message.
    #[error("position {position}: {why}")]
    Refused {
        /// Which one.
        position: Position,
        /// Why.
        why: String,
    },
    /// The file's records do not lead to what its footer says.
    #[error(
        "the file's records end with position {found}, and its footer says {said}: the export was made by faulty code"
    )]
    HeadDiffers {
        /// The last record that was found.
        found: Position,
        /// The last record by the footer.
        said: Position,
    },
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The file's first position.
    pub first: Position,
    /// The file's last position.
    pub last: Position,
    /// How many messages were there already, and are the same.
    pub present: u64,
    /// How many were appended.
    pub appended: u64,
    /// Where the log ends now.
    pub tail: Position,
    /// The last record of the file.
    pub head: Head,
}

/// Makes the log hold what the file holds. The file is to be [checked](ExportedLog::check) before.
///
/// # Errors
/// [`ImportError`]; trying again goes on where it ended, unless the histories differ.
pub async fn import<L: Log>(file: &ExportedLog, log: &L, progress: &mut dyn Progress) -> Result<Imported, ImportError> {
    let (first, last) = (file.header().first, file.footer().last);
    let tail = log.tail().await?;
    if tail.next() < first {
        return Err(ImportError::Gap { first, tail });
    }
    progress.set_total(file.footer().messages);
    reaches_the_beginning(file, log).await?;
    let mut reader = file.reader(first);
    let mut chain = file.header().before;
    let mut next = || -> Result<Option<LogEntry>, ImportError> {
        let entry = reader.next_entry()?;
        entry.iter().try_for_each(|entry| follow(&mut chain, entry))?;
        Ok(entry)
    };

    let mut present = 0;
    let mut source = Source::open_from(log, first, Some(tail.min(last)), &mut Silent).await?;
    loop {
        let entries = source.batch().await?;
        if entries.is_empty() {
            break;
        }
        for there in entries {
            if next()?.as_ref() != Some(&there) {
                return Err(ImportError::Diverged(there.position));
            }
            present += 1;
            progress.advance(1);
        }
    }

    let appended = append(log, &mut next, progress).await?;
    if chain != file.footer().head {
        return Err(ImportError::HeadDiffers { found: chain.position, said: file.footer().head.position });
    }
    progress.finish();
    Ok(Imported { first, last, present, appended, tail: tail.max(last), head: Head::from(&chain) })
}

/// Appends what `next` gives, and gives how many that were.
async fn append<L: Log>(
    log: &L,
    next: &mut (dyn FnMut() -> Result<Option<LogEntry>, ImportError> + Send),
    progress: &mut dyn Progress,
) -> Result<u64, ImportError> {
    let mut under_way = FuturesOrdered::new();
    let (mut bytes_under_way, mut appended) = (0, 0);
    loop {
        while under_way.len() < UNDER_WAY_MAX && bytes_under_way < UNDER_WAY_BYTES_MAX {
            let Some(LogEntry { position, payload }) = next()? else { break };
            let (log, bytes) = (log.clone(), payload.len());
            bytes_under_way += bytes;
            under_way.push_back(async move {
                let landed = log.append(payload.clone(), Position(position.0 - 1)).await;
                (LogEntry { position, payload }, bytes, landed)
            });
        }
        let Some((LogEntry { position, payload }, bytes, landed)) = under_way.next().await else { return Ok(appended) };
        // It may have been refused because those before it were not there yet. Now they are: they were answered first.
        let landed = match landed {
            Err(AppendError::Refused(_)) => log.append(payload, Position(position.0 - 1)).await,
            landed => landed,
        };
        landed.map_err(|error| match error {
            AppendError::Conflict(position) => ImportError::Taken(position),
            AppendError::Refused(why) => ImportError::Refused { position, why },
            AppendError::Unavailable(why) => ImportError::CutShort { position, why },
        })?;
        bytes_under_way -= bytes;
        appended += 1;
        progress.advance(1);
    }
}

/// Follows the log up to where the file begins: it must come to the record that the file builds on.
async fn reaches_the_beginning<L: Log>(file: &ExportedLog, log: &L) -> Result<(), ImportError> {
    let before = file.header().before;
    let until = Position(file.header().first.0.saturating_sub(1));
    let mut chain = Chain::default();
    let mut source = Source::open(log, Some(until), &mut Silent).await?;
    loop {
        let entries = source.batch().await?;
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            follow(&mut chain, entry)?;
        }
    }
    if chain == before { Ok(()) } else { Err(ImportError::Diverged(chain.position.min(before.position))) }
}

fn follow(chain: &mut Chain, entry: &LogEntry) -> Result<(), Unreadable> {
    if let Link::Record(head, hash) = chain.link_head(entry)? {
        chain.advance(&head, entry.position, hash);
    }
    Ok(())
}

impl Imported {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { first, last, present, appended, tail, head } = self;
        writeln!(out, "imported  positions {first} to {last}: {appended} appended, {present} were there already")?;
        writeln!(out, "head      position {}, epoch {}, written {}", head.position, head.epoch, head.at)?;
        writeln!(out, "          sha256 {}", head.hash)?;
        writeln!(out, "log       ends at position {tail}")
    }
}

#[cfg(test)]
mod tests;
