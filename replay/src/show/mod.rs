//! The story of one thing, told from the log alone: who asked for what, what was reserved, which pools were weighed and
//! why they were rejected, which worker ran which steps, and how it ended.
//!
//! The log is read once from its start; entries are handed out as they are read, and memory holds only what the story
//! still needs (its open flows). A story contains what follows from it: the flows that a request began, the cleanups
//! that its failed attempts left behind.

pub(crate) mod asked;
mod catalogue;
pub(crate) mod follow;
mod placement;
mod render;
mod resource;
mod task;
pub(crate) mod words;
mod worker;

use std::io;

use serde::Serialize;
use serde_json::Value;
use stele_core::chain::Opened;
use stele_core::event::Event;
use stele_core::fold::FoldError;
use stele_core::id::FlowId;
use stele_core::port::Log;
use stele_core::record::{Commit, Record};
use stele_core::unit::{Position, Timestamp};

pub use follow::{InvalidSubject, Subject};
pub use render::{render_entry, render_json};
pub use worker::{Service, ServiceState, Tally, Work};

use crate::ahead::Ahead;
use crate::fold::Follower;
use crate::progress::Progress;
use crate::source::{Source, SourceError};
use follow::{Following, Relevant};
use words::{Teller, Words};
use worker::{Counting, is_news};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The record.
    pub position: Position,
    /// Which commit of the record, from 0.
    pub commit: usize,
    /// When it was decided, by control's clock.
    pub at: Timestamp,
    /// Time since its flow began, in milliseconds; absent outside of flows.
    pub after_ms: Option<u64>,
    /// Who did it: a user, a worker, or control.
    pub actor: String,
    /// `asked`, or the event's name.
    pub kind: &'static str,
    /// What happened, in one line.
    pub text: String,
    /// More about it, line by line: candidates, steps, remedies.
    pub lines: Vec<String>,
    /// The flow that it belongs to.
    pub flow: Option<FlowId>,
    /// The event as it is in the log; for `asked` the commit's head and the command.
    pub detail: Value,
}

/// What was read for a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// How many entries the story has; 0 when the log says nothing about its subject.
    pub entries: u64,
    /// Up to where the log was read.
    pub position: Position,
    /// How many messages of it were no records.
    pub strays: u64,
    /// What the service is and did, when the story is a worker's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work: Option<Work>,
}

/// Why a story could not be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be understood from some position on; `verify` says what is wrong.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The listener has had enough.
    #[error("the story could not be written")]
    Write(#[from] io::Error),
}

/// Tells the story of `subject` up to `until`, else up to the tail; `each` gets the entries as they are read.
///
/// # Errors
/// [`ShowError`]; what was told before stays true.
pub async fn show<L: Log>(
    log: &L,
    subject: Subject,
    until: Option<Position>,
    progress: &mut dyn Progress,
    each: &mut (dyn FnMut(Entry) -> io::Result<()> + Send),
) -> Result<Told, ShowError> {
    let mut source = Ahead::of(Source::open(log, until, progress).await?);
    let mut story = Story::new(subject);
    loop {
        let messages = source.batch().await?;
        if messages.is_empty() {
            break;
        }
        progress.advance(messages.len() as u64);
        for message in messages {
            story.take(message, each)?;
        }
    }
    progress.finish();
    Ok(story.told(source.until()))
}

/// Tells the story of `subject` so far, then goes on with what happens, each time for about a second, as long as `idle`
/// says so; it is asked whenever the log has nothing new.
///
/// # Errors
/// [`ShowError`]; what was told before stays true.
pub async fn show_on<L: Log>(
    log: &L,
    subject: Subject,
    progress: &mut dyn Progress,
    each: &mut (dyn FnMut(Entry) -> io::Result<()> + Send),
    idle: &mut (dyn FnMut() -> io::Result<bool> + Send),
) -> Result<Told, ShowError> {
    let mut source = Ahead::of(Source::open(log, None, progress).await?);
    let mut story = Story::new(subject);
    let mut so_far = true;
    loop {
        let messages = if so_far { source.batch().await? } else { source.news().await? };
        let count = messages.len();
        for message in messages {
            story.take(message, each)?;
        }
        match (so_far, count == 0) {
            (true, false) => progress.advance(count as u64),
            (true, true) => {
                so_far = false;
                progress.finish();
            }
            (false, true) if !idle()? => return Ok(story.told(source.until())),
            (false, _) => {}
        }
    }
}

/// A story underway.
struct Story {
    follower: Follower,
    following: Following,
    teller: Teller,
    counting: Counting,
    told: u64,
}

impl Story {
    fn new(subject: Subject) -> Self {
        Self {
            follower: Follower::default(),
            following: Following::new(subject),
            teller: Teller::default(),
            counting: Counting::default(),
            told: 0,
        }
    }

    fn told(self, position: Position) -> Told {
        let Follower { state, chain, strays } = self.follower;
        let service = self.following.service();
        let work = service.map(|service| self.counting.work(service, &state, chain.at));
        Told { entries: self.told, position, strays, work }
    }

    fn take(&mut self, message: Opened, each: &mut dyn FnMut(Entry) -> io::Result<()>) -> Result<(), ShowError> {
        let position = message.entry.position;
        let Some((record, hash)) = self.follower.read(message)? else { return Ok(()) };
        self.tell(&record, position, each)?;
        self.follower.apply(position, &record, hash)?;
        Ok(())
    }

    fn tell(
        &mut self,
        record: &Record,
        position: Position,
        each: &mut dyn FnMut(Entry) -> io::Result<()>,
    ) -> Result<(), ShowError> {
        for (index, commit) in record.commits.iter().enumerate() {
            if let Some(relevant) = self.following.relevant(commit) {
                self.tell_commit(commit, position, index, &relevant, each)?;
            }
        }
        Ok(())
    }

    fn tell_commit(
        &mut self,
        commit: &Commit,
        position: Position,
        index: usize,
        relevant: &[Relevant],
        each: &mut dyn FnMut(Entry) -> io::Result<()>,
    ) -> Result<(), ShowError> {
        let state = &self.follower.state;
        // A flow that is not in the state yet begins with this record.
        let after_ms = |flow: Option<FlowId>| {
            flow.map(|flow| state.flows.get(&flow).map_or(0, |flow| commit.at.ms_since(flow.started_at)))
        };
        let mut hand_out = |words: Words, kind: &'static str, flow: Option<FlowId>, detail: Value| {
            let Words { actor, text, lines } = words;
            let (at, after_ms) = (commit.at, after_ms(flow));
            self.told += 1;
            each(Entry { position, commit: index, at, after_ms, actor, kind, text, lines, flow, detail })
        };
        if let Some(words) = asked::words(commit) {
            hand_out(words, "asked", relevant.first().and_then(|first| first.flow), asked::detail(commit))?;
        }
        for Relevant { index, flow } in relevant {
            let Some(event) = commit.events.get(*index) else { continue };
            if let Some(service) = self.following.service() {
                self.counting.take(service, state, event);
                if matches!(event, Event::BackendReported { report, worker } if !is_news(state, report, worker, commit.at))
                {
                    continue;
                }
            }
            let words = self.teller.tell(state, commit, event, *flow);
            // An event is one object with its name as the only key: the value is what it says.
            let mut detail = serde_json::to_value(event).unwrap_or_default();
            let detail = detail.get_mut(event.name()).map(Value::take).unwrap_or_default();
            hand_out(words, event.name(), *flow, detail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
