use std::path::Path;

use stele_core::chain::Opened;
use stele_core::id::FlowId;
use stele_core::unit::Position;

use super::rows::{Job, Made, RowsThread};
use crate::history::HistoryBatch;
use crate::projection::ApplyError;
use crate::step::{Known, step};
use crate::store::StoreError;
use crate::table::Rows;
use crate::table::sink::{Quick, Sink, Touched};
use crate::view::FlowHistory;

/// A projection in the making: the state, and the stories that go on. What ends or does not change goes at once to the
/// thread that makes rows, and so does what was before, where the past is kept.
pub(super) struct Bulk {
    known: Known,
    open: Quick<FlowId, FlowHistory>,
    to_rows: ToRows,
    /// Up to here messages are so old that their past is not kept.
    old_until: Position,
}

struct ToRows {
    thread: RowsThread,
    keeping: Option<Position>,
}

impl Bulk {
    /// Of a log up to `tail`; `folder` is where rows are sorted.
    pub(super) fn new(folder: &Path, history: u64, tail: Position) -> Self {
        let to_rows = ToRows { thread: RowsThread::start(folder), keeping: None };
        let old_until = Position(tail.0.saturating_sub(history));
        Self { known: Known::default(), open: Quick::default(), to_rows, old_until }
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Takes the next messages in. After an error nothing is to be made of it any more.
    pub(super) fn apply(&mut self, mut messages: Vec<Opened>) -> Result<(), ApplyError> {
        let before = self.known.state.clone();
        let mut histories = HistoryBatch::new(&before, std::mem::take(&mut self.open));
        let recent = messages.split_off(messages.partition_point(|next| next.entry.position <= self.old_until));
        self.to_rows.keeping = None;
        if !messages.is_empty() {
            step(messages, &mut self.known, &mut histories, &mut self.to_rows)?;
        }
        for message in recent {
            self.to_rows.keeping = Some(message.entry.position);
            step([message], &mut self.known, &mut histories, &mut self.to_rows)?;
        }
        self.open = histories.write_ended(&mut self.to_rows)?;
        Ok(())
    }

    /// What became of it: all that a projection's file is made of.
    pub(super) fn made(self) -> Result<Made, StoreError> {
        let Self { known, open, mut to_rows, old_until } = self;
        open.into_values().try_for_each(|story| to_rows.tell(story))?;
        to_rows.thread.made(known, old_until)
    }
}

impl Sink for ToRows {
    fn keeping(&self) -> Option<Position> {
        self.keeping
    }

    fn follows_state(&self) -> bool {
        self.keeping.is_some()
    }

    fn changed(&mut self, before: Known, after: &Known, touched: Touched) -> Result<(), StoreError> {
        let Some(at) = self.keeping else { return Ok(()) };
        self.thread.give(Job::Changed { at, before: Box::new(before), after: Box::new(after.clone()), touched })
    }

    fn put(&mut self, rows: Rows, key: Vec<u8>, value: Vec<u8>) -> Result<(), StoreError> {
        self.thread.give(Job::Row(rows, key, value))
    }

    fn tell(&mut self, story: FlowHistory) -> Result<(), StoreError> {
        self.thread.give(Job::Story(story))
    }

    fn keep(&mut self, story: &FlowHistory) -> Result<(), StoreError> {
        let Some(at) = self.keeping else { return Ok(()) };
        self.thread.give(Job::StoryBefore { at, story: story.clone() })
    }

    /// Nothing is read back: of a story that has ended no event speaks any more. Only what takes a late export away may begin
    /// again under its id; the past then has the second one alone.
    fn told(&mut self, _flow: FlowId) -> Result<Option<FlowHistory>, StoreError> {
        Ok(None)
    }
}
