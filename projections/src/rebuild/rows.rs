use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use stele_core::codec::encode;
use stele_core::unit::Position;

use super::runs::Runs;
use crate::step::{Known, change_rows};
use crate::store::StoreError;
use crate::table::past::Kept;
use crate::table::sink::{Changes, Touched, Value};
use crate::table::{Rows, flow_history, lists};
use crate::view::FlowHistory;

/// How many jobs go to the thread at a time, and how many such pieces may wait. A change ends a piece: it holds on to what
/// its message has changed, which is some MiB. While rows are sorted the others are not to stand still.
const PIECE_JOBS: usize = 256;
const PIECES_MAX: usize = 8;

/// Something that rows are made of.
pub(super) enum Job {
    Row(Rows, Vec<u8>, Vec<u8>),
    Story(FlowHistory),
    /// A story as it was before the message at a position.
    StoryBefore {
        at: Position,
        story: FlowHistory,
    },
    /// What the message at a position changed.
    Changed {
        at: Position,
        before: Box<Known>,
        after: Box<Known>,
        touched: Touched,
    },
}

/// All that a projection's file is made of.
pub(super) struct Made {
    pub(super) known: Known,
    pub(super) kept: Kept,
    /// The rows of all tables but those of the state.
    pub(super) rows: Runs,
    /// What rows were before.
    pub(super) images: Runs,
}

/// The thread that makes and sorts rows while the log is folded.
pub(super) struct RowsThread {
    sender: SyncSender<Vec<Job>>,
    /// Absent once it was waited for.
    thread: Option<JoinHandle<Result<Sorting, StoreError>>>,
    waiting: Vec<Job>,
}

impl RowsThread {
    pub(super) fn start(folder: &Path) -> Self {
        let (sender, pieces) = sync_channel(PIECES_MAX);
        let sorting = Sorting { rows: Runs::new(folder), images: Runs::new(folder), at: Position(0) };
        let thread = std::thread::spawn(move || sorting.take_all(&pieces));
        Self { sender, thread: Some(thread), waiting: Vec::new() }
    }

    pub(super) fn give(&mut self, job: Job) -> Result<(), StoreError> {
        let is_large = matches!(job, Job::Changed { .. });
        self.waiting.push(job);
        if is_large || self.waiting.len() >= PIECE_JOBS { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), StoreError> {
        match self.sender.send(std::mem::take(&mut self.waiting)) {
            Ok(()) => Ok(()),
            // Only an error ends it before its time.
            Err(_) => self.joined().map(drop).and(Err(StoreError::Abandoned)),
        }
    }

    fn joined(&mut self) -> Result<Sorting, StoreError> {
        let thread = self.thread.take().ok_or(StoreError::Abandoned)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Waits until everything is sorted in.
    pub(super) fn made(mut self, known: Known, old_until: Position) -> Result<Made, StoreError> {
        self.send()?;
        // It ends when nobody can give it anything any more.
        self.sender = sync_channel(0).0;
        let Sorting { mut rows, images, .. } = self.joined()?;
        lists::each_key(&known.state, &mut |key| rows.row(lists::TABLE, &key, &[]))?;
        let kept = Kept::from(old_until.min(known.cursor.seen));
        Ok(Made { known, kept, rows, images })
    }
}

struct Sorting {
    rows: Runs,
    images: Runs,
    /// The message whose changes are taken.
    at: Position,
}

impl Sorting {
    fn take_all(mut self, pieces: &Receiver<Vec<Job>>) -> Result<Self, StoreError> {
        while let Ok(jobs) = pieces.recv() {
            jobs.into_iter().try_for_each(|job| self.take(job))?;
        }
        Ok(self)
    }

    fn take(&mut self, job: Job) -> Result<(), StoreError> {
        let table = flow_history::TABLE;
        match job {
            Job::Row(rows, key, value) => self.rows.row(rows, &key, &value),
            Job::Story(story) => self.rows.row(table, &flow_history::key(story.id), &encode(&story)),
            Job::StoryBefore { at, story } => {
                self.images.image(table, &flow_history::key(story.id), at, Some(&encode(&story)))
            }
            Job::Changed { at, before, after, touched } => {
                self.at = at;
                change_rows(self, &before, &after, &touched)
            }
        }
    }
}

impl Changes for Sorting {
    fn change(
        &mut self,
        rows: Rows,
        key: Vec<u8>,
        before: impl FnOnce() -> Value,
        after: impl FnOnce() -> Value,
    ) -> Result<(), StoreError> {
        let before = before();
        // What comes and goes within one message leaves no trace. What stays the same is hardly ever named as changed.
        if before.is_none() && after().is_none() {
            return Ok(());
        }
        self.images.image(rows, &key, self.at, before.as_deref())
    }
}
