//! The commands of a log as a file that can be played into another cell.
//!
//! JSON lines. The first is `{"stele_workload":1}`, here with the positions and times that it is from. Each other is a
//! command:
//!
//! | field | holds |
//! | --- | --- |
//! | `after_ms` | how long after the first command it was decided, in milliseconds |
//! | `subject`, `body` | what was sent, as in `docs/commands.md` |
//! | `made` | the id of what it made, where the body does not say it; may be absent |
//! | `outcome` | `accepted`, or the code of its refusal; may be absent |
//!
//! Workers' reports and control's clock are left out: the cell that it is played into has its own. So is what was no
//! JSON or too large. Fields that are not known are passed over, so that other tools may add theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use stele_core::chain::{Chain, Link};
use stele_core::command::{COMMAND_BYTES_MAX, Source as Way};
use stele_core::fold::FoldError;
use stele_core::id::CommandId;
use stele_core::port::Log;
use stele_core::record::{Commit, Subjects};
use stele_core::unit::{Position, Timestamp};
use uuid::Uuid;

use crate::ahead::Ahead;
use crate::progress::Progress;
use crate::source::{Source, SourceError};
use crate::what_if::whole_message;

/// The version of the format that this code writes and reads.
pub const WORKLOAD_VERSION: u32 = 1;

/// The most bytes of a line: a body, and as much again for what stands around it.
const LINE_BYTES_MAX: u64 = 2 * COMMAND_BYTES_MAX as u64;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`WORKLOAD_VERSION`].
    pub stele_workload: u32,
    /// The first position that it is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Position>,
    /// The last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Position>,
    /// When the record at the first position was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_at: Option<Timestamp>,
    /// When the record at the last position was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_at: Option<Timestamp>,
}

/// Every other line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// How long after the first command it comes, in milliseconds.
    pub after_ms: u64,
    /// The subject that it came on.
    pub subject: String,
    /// Its body, byte for byte.
    pub body: Box<RawValue>,
    /// The id of what it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Uuid>,
    /// How it ended: [`ACCEPTED`], or a refusal's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// The outcome of a command that was accepted.
pub const ACCEPTED: &str = "accepted";

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// How many commands.
    pub commands: u64,
    /// How many messages were left out because the log does not hold all of them: no JSON, or too large.
    pub left_out: u64,
    /// The first and the last position.
    pub from: Position,
    /// See `from`.
    pub to: Position,
    /// How long it takes at the speed at which it happened, in milliseconds.
    pub takes_ms: u64,
}

/// Why a workload cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be understood.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// No such range.
    #[error("positions {from} to {to} are no range")]
    Range {
        /// The first.
        from: Position,
        /// The last.
        to: Position,
    },
    /// The file cannot be written.
    #[error("the workload could not be written")]
    Write(#[from] io::Error),
}

/// Why a workload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the workload could not be read")]
    Read(#[from] io::Error),
    /// The first line is none of a workload.
    #[error("line 1 is not the beginning of a workload, {{\"stele_workload\":1}}: {0}")]
    NoWorkload(String),
    /// A format of a later release.
    #[error("the workload has format {0}; this program reads format {WORKLOAD_VERSION}")]
    Newer(u32),
    /// A line is no command.
    #[error("line {number} is no command of a workload: {why}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong.
        why: String,
    },
}

/// Writes the commands of the records from `from` to `to`, or to the tail.
///
/// The log is read from its first record in any case: which messages are its records is known from there only.
///
/// # Errors
/// [`WriteError`]; what was written before is there.
pub async fn write<L: Log>(
    log: &L,
    (from, to): (Position, Option<Position>),
    out: &mut (dyn Write + Send),
    progress: &mut dyn Progress,
) -> Result<Written, WriteError> {
    let mut source = Ahead::of(Source::open(log, to, progress).await?);
    let to = source.until();
    if from.0 == 0 || from > to {
        return Err(WriteError::Range { from, to });
    }
    let to_at = written_at(log, to).await;
    let header = Header {
        stele_workload: WORKLOAD_VERSION,
        from: Some(from),
        to: Some(to),
        from_at: written_at(log, from).await,
        to_at,
    };
    line(out, &header)?;
    let (mut chain, mut first) = (Chain::default(), None);
    let mut written = Written { from, to, ..Written::default() };
    loop {
        let messages = source.batch().await?;
        if messages.is_empty() {
            break;
        }
        progress.advance(messages.len() as u64);
        for message in messages {
            let position = message.entry.position;
            let Link::Record(record, hash) = chain.link_opened(message).map_err(FoldError::from)? else { continue };
            chain.advance(&record.head, position, hash);
            for commit in record.commits.iter().filter(|_| position >= from) {
                if !matches!(commit.source, Way::Ask | Way::Inbox(_)) {
                    continue;
                }
                let start = *first.get_or_insert(commit.at);
                match Line::of(commit, start) {
                    Some(command) => {
                        line(out, &command)?;
                        written.commands += 1;
                        written.takes_ms = command.after_ms;
                    }
                    None => written.left_out += 1,
                }
            }
        }
    }
    progress.finish();
    Ok(written)
}

/// When the record at a position was written; `None` for a message that is none.
async fn written_at<L: Log>(log: &L, position: Position) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Head {
        at: Timestamp,
    }
    let entry = log.get(position).await.ok().flatten()?;
    serde_json::from_slice::<Head>(&entry.payload).ok().map(|head| head.at)
}

fn line<T: Serialize>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

impl Line {
    fn of(commit: &Commit, first: Timestamp) -> Option<Self> {
        let message = whole_message(commit)?;
        let body = serde_json::from_slice(&message.payload).ok()?;
        let outcome = commit.refusal().map_or(ACCEPTED, |refusal| refusal.code.as_str());
        Some(Self {
            after_ms: commit.at.ms_since(first),
            made: made(&message.subject, &commit.subjects),
            subject: message.subject,
            body,
            outcome: Some(outcome.to_owned()),
        })
    }
}

/// The id of what a command made.
fn made(subject: &str, subjects: &Subjects) -> Option<Uuid> {
    let (resource, verb) = resource_and_verb(subject)?;
    let field = if resource == "type" { "volume_type" } else { resource };
    let id = || serde_json::to_value(subjects).ok()?.get(field)?.as_str()?.parse().ok();
    makes(verb).then(id).flatten()
}

fn makes(verb: &str) -> bool {
    matches!(verb, "create" | "manage")
}

fn resource_and_verb(subject: &str) -> Option<(&str, &str)> {
    let mut tokens = subject.split('.').skip(3);
    Some((tokens.next()?, tokens.next()?))
}

/// A workload that is read line by line.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`ReadError`] when it is none of a workload that is known.
    pub fn open(input: R) -> Result<(Self, Header), ReadError> {
        let mut reader = Self { input, number: 0 };
        let text = reader.text()?.unwrap_or_default();
        let header: Header = serde_json::from_str(&text).map_err(|e| ReadError::NoWorkload(e.to_string()))?;
        if header.stele_workload != WORKLOAD_VERSION {
            return Err(ReadError::Newer(header.stele_workload));
        }
        Ok((reader, header))
    }

    /// The next command with the number of its line; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`] names the line.
    pub fn next_line(&mut self) -> Result<Option<(u64, Line)>, ReadError> {
        let Some(text) = self.text()? else { return Ok(None) };
        let number = self.number;
        let wrong = |why: String| ReadError::Line { number, why };
        let line: Line = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if !matches!(line.subject.split_once('.'), Some(("stele", rest)) if rest.starts_with("ask.") || rest.starts_with("cmd."))
            || line.subject.split('.').count() != 5
        {
            return Err(wrong(format!("{:?} is no subject of a command", line.subject)));
        }
        Ok(Some((number, line)))
    }

    fn text(&mut self) -> Result<Option<String>, ReadError> {
        loop {
            let mut text = String::new();
            self.number += 1;
            let read = io::Read::take(&mut self.input, LINE_BYTES_MAX).read_line(&mut text)?;
            if read as u64 == LINE_BYTES_MAX && !text.ends_with('\n') {
                return Err(ReadError::Line {
                    number: self.number,
                    why: format!("it has more than {LINE_BYTES_MAX} bytes"),
                });
            }
            if read == 0 {
                return Ok(None);
            }
            if !text.trim().is_empty() {
                return Ok(Some(text));
            }
        }
    }
}

/// What becomes of a workload's commands when it is played once.
#[derive(Debug)]
pub struct Run {
    id: CommandId,
    new_ids: bool,
    /// What the file makes, as it is called there.
    made: BTreeSet<Uuid>,
    /// What was made of a volume, with the volume, as both are called in this run.
    hangs_on: BTreeMap<Uuid, Uuid>,
}

/// A command as it is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// A subject of request and reply.
    pub subject: String,
    /// The body.
    pub body: Vec<u8>,
    /// What it makes or names, of what the file makes, and the volumes of that: commands of one thing are sent in their
    /// order, and what becomes of an attachment or a snapshot decides what may be done with its volume.
    pub about: BTreeSet<Uuid>,
}

impl Run {
    /// A run; the same `run` makes the same commands. With `new_ids` what is made has other ids in each run.
    #[must_use]
    pub fn new(run: Uuid, new_ids: bool) -> Self {
        Self { id: CommandId(run), new_ids, made: BTreeSet::new(), hangs_on: BTreeMap::new() }
    }

    /// A line's command: with an id of its own, and with the ids of this run. A body that is no object is sent as it is.
    pub fn prepare(&mut self, number: u64, line: &Line) -> Prepared {
        let subject = line.subject.replacen("stele.cmd.", "stele.ask.", 1);
        let Ok(mut body) = serde_json::from_str::<Map<String, Value>>(line.body.get()) else {
            return Prepared { subject, body: line.body.get().as_bytes().to_vec(), about: BTreeSet::new() };
        };
        body.insert("id".to_owned(), Value::String(self.id.derive(&format!("line {number}")).to_string()));
        if let Some((resource, verb)) = resource_and_verb(&line.subject)
            && makes(verb)
            && let Some(Value::Object(content)) = body.get_mut(resource)
        {
            let given = content.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            if let Some(id) = given.or(line.made) {
                content.insert("id".to_owned(), Value::String(id.to_string()));
                self.made.insert(id);
            }
        }
        let mut about = BTreeSet::new();
        for (key, value) in &mut body {
            if key != "id" && key != "actor" {
                self.rename(value, &mut about);
            }
        }
        if let Some((thing, volume)) = hung(&line.subject, &body).filter(|(_, volume)| about.contains(volume)) {
            self.hangs_on.insert(thing, volume);
        }
        let volumes: Vec<Uuid> = about.iter().filter_map(|id| self.hangs_on.get(id).copied()).collect();
        about.extend(volumes);
        Prepared { subject, body: Value::Object(body).to_string().into_bytes(), about }
    }

    fn rename(&self, value: &mut Value, about: &mut BTreeSet<Uuid>) {
        match value {
            Value::String(text) => {
                let Some(id) = Uuid::parse_str(text).ok().filter(|id| self.made.contains(id)) else { return };
                let id = if self.new_ids { self.id.derive(&id.to_string()) } else { id };
                about.insert(id);
                *text = id.to_string();
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.rename(value, about)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.rename(value, about)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// What a command makes of a volume, and the volume.
fn hung(subject: &str, body: &Map<String, Value>) -> Option<(Uuid, Uuid)> {
    let (resource, _) = resource_and_verb(subject).filter(|(_, verb)| makes(verb))?;
    let content = body.get(resource).filter(|_| matches!(resource, "snapshot" | "attachment" | "transfer"))?;
    let id = |name: &str| content.get(name)?.as_str()?.parse().ok();
    Some((id("id")?, id("volume")?))
}

#[cfg(test)]
mod tests;
