//! The two halves of an export on threads of their own, while the caller reads the log: one follows the chain, which
//! reads and hashes every message, the other compresses and writes. Either may take as long as reading does.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use stele_core::port::LogEntry;

use super::error::ExportError;
use super::write::{Exporter, Frames, Tally};

/// Batches that may wait for either half; when it is slower than the log, the caller waits.
const WAITING_MAX: usize = 4;

/// An export underway.
pub(super) struct Pipeline {
    tally: Half<Tally>,
    frames: Half<Frames>,
}

impl Pipeline {
    pub(super) fn start(exporter: Exporter) -> Self {
        let Exporter { tally, frames } = exporter;
        Self { tally: Half::start(tally, Tally::take), frames: Half::start(frames, Frames::take) }
    }

    /// Hands the next messages to both halves; false when one of them has ended with an error.
    pub(super) fn push(&self, entries: Vec<LogEntry>) -> bool {
        // The messages are shared: a copy is some pointers.
        self.tally.sender.send(entries.clone()).is_ok() && self.frames.sender.send(entries).is_ok()
    }

    /// Waits for both to have taken everything.
    pub(super) fn join(self) -> Result<Exporter, ExportError> {
        let (tally, frames) = (self.tally.join(), self.frames.join());
        Ok(Exporter { tally: tally?, frames: frames? })
    }
}

struct Half<T> {
    sender: SyncSender<Vec<LogEntry>>,
    thread: JoinHandle<Result<T, ExportError>>,
}

impl<T: Send + 'static> Half<T> {
    fn start(half: T, take: fn(&mut T, &LogEntry) -> Result<(), ExportError>) -> Self {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        Self { sender, thread: std::thread::spawn(move || take_all(half, take, &receiver)) }
    }

    fn join(self) -> Result<T, ExportError> {
        drop(self.sender);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn take_all<T>(
    mut half: T,
    take: fn(&mut T, &LogEntry) -> Result<(), ExportError>,
    batches: &Receiver<Vec<LogEntry>>,
) -> Result<T, ExportError> {
    while let Ok(entries) = batches.recv() {
        for entry in &entries {
            take(&mut half, entry)?;
        }
    }
    Ok(half)
}
