//! The steps that take long, copies and wipes: how they go on where another worker stopped, how fast they go, and what
//! they tell meanwhile.
//!
//! ```text
//! chunk, chunk, ...  every 5 s: flush the device, then lay the mark (a tag)  ... chunk, flush
//! ```
//!
//! Both are done in chunks. Each waits for the worker's pace first and is a sign of progress after. Between two chunks the
//! step can be given up: its future is dropped, and at most the chunk that is under way is still written. What is between
//! the last mark and the end is done again by whoever goes on. When a mark may be believed: [`crate::object::Mark`].
//!
//! A copy is made by this process itself, see [`super::copy`]. A wipe is made by `blkdiscard`, chunk by chunk: zeros are
//! harmless on a volume that is being removed, also those that the tool still writes when its worker was killed, and a
//! device that hangs then hangs a tool that can be given up, not a thread of the worker.

use std::time::Duration;

use stele_core::task::{Failure, FailureKind, Task};
use tokio::time::Instant;

use super::{Inner, copy};
use crate::driver::{Applied, Meter, failure};
use crate::object::{COPYING_TAG, Mark, Object, is_unfinished};
use crate::plan::Wipe;

/// How much is copied at a time.
const COPY_CHUNK_BYTES: u64 = 8 << 20;

/// How much one `blkdiscard --zeroout` overwrites. Each has the time of one command, which is enough for 2 MiB/s.
const ZERO_CHUNK_BYTES: u64 = 256 << 20;

/// How much one `blkdiscard` discards; devices do that without touching the data.
const DISCARD_CHUNK_BYTES: u64 = 64 << 30;

/// How often a mark is laid. Each costs a command of LVM, and what was done since the last one is done again.
pub(super) const MARK_EVERY: Duration = Duration::from_secs(5);

impl Inner {
    /// Nobody else can begin the same copy while this one has the volume's device, and the tag goes before the device is
    /// let go: whoever gets it next sees that there is nothing left to copy.
    pub(super) async fn copy(
        &self,
        task: &Task,
        into: Object,
        from: Object,
        meter: &Meter,
    ) -> Result<Applied, Failure> {
        let name = into.name();
        let devices = copy::Devices::open(self.argv.device(&from.name()), self.argv.device(&name)).await?;
        let found = self.find_named(std::slice::from_ref(&name)).await?;
        let found = found.iter().find(|lv| lv.name == name).ok_or_else(|| self.gone("copy", &name))?;
        if into.read(&found.tags) != Some(Some(task.asked_at)) || !is_unfinished(&found.tags) {
            let message = format!("{name} in {} does not wait for data any more", task.pool);
            return Err(failure(FailureKind::Conflict, "copy", message));
        }
        // It is open, so it stays the one that it is.
        let source = self.uuid(&from.name()).await?;
        let mut marks = Marks::of(self, &name, &found.tags, Mark::copied(task.asked_at, &source)).await?;
        let size_bytes = devices.size_bytes();
        let mut offset = marks.resume(size_bytes);
        while offset < size_bytes {
            let length = self.pace.chunk_bytes(COPY_CHUNK_BYTES).min(size_bytes - offset);
            self.pace.wait(length).await;
            devices.copy(offset, length).await?;
            offset += length;
            meter.advance(offset, size_bytes);
            if marks.are_due() {
                devices.flush().await?;
                marks.lay(offset).await;
            }
        }
        devices.flush().await?;
        marks.laid.push(COPYING_TAG.to_owned());
        self.change(self.argv.retag(&name, &marks.laid, None)).await?;
        Ok(Applied { step: "copy", exit_status: None })
    }

    /// Wipes all of a volume.
    pub(super) async fn wipe(&self, task: &Task, name: &str, how: Wipe, meter: &Meter) -> Result<Applied, Failure> {
        // A snapshot that was split off has another size than before.
        let found = self.find_named(&[name.to_owned()]).await?;
        let found = found.iter().find(|lv| lv.name == name).ok_or_else(|| self.gone("wipe", name))?;
        let mut marks = Marks::of(self, name, &found.tags, Mark::wiped(task.asked_at)).await?;
        let chunk_bytes = match how {
            Wipe::Zero => self.pace.chunk_bytes(ZERO_CHUNK_BYTES),
            Wipe::Discard => DISCARD_CHUNK_BYTES,
        };
        let mut offset = marks.resume(found.size_bytes);
        while offset < found.size_bytes {
            let length = chunk_bytes.min(found.size_bytes - offset);
            if how == Wipe::Zero {
                self.pace.wait(length).await;
            }
            self.change(self.argv.wipe(name, how, offset, length)).await?;
            offset += length;
            meter.advance(offset, found.size_bytes);
            if marks.are_due() {
                self.change(self.argv.flush(name)).await?;
                marks.lay(offset).await;
            }
        }
        // Before its room is given away: zeros that the device only remembers may be lost with its power.
        self.change(self.argv.flush(name)).await?;
        Ok(Applied { step: "blkdiscard", exit_status: Some(0) })
    }

    pub(super) fn gone(&self, step: &str, name: &str) -> Failure {
        failure(FailureKind::NotFound, step, format!("{name} in {} is gone", self.argv.volume_group))
    }
}

/// The marks of one running step on its volume.
struct Marks<'a> {
    inner: &'a Inner,
    name: &'a str,
    mark: Mark,
    /// Those of this work that may lie there.
    laid: Vec<String>,
    laid_at: Instant,
}

impl<'a> Marks<'a> {
    /// Takes the marks of other works away before anything is written.
    async fn of(inner: &'a Inner, name: &'a str, tags: &[String], mark: Mark) -> Result<Self, Failure> {
        let (laid, others) = mark.among(tags);
        if !others.is_empty() {
            inner.change(inner.argv.retag(name, &others, None)).await?;
        }
        Ok(Self { inner, name, mark, laid, laid_at: Instant::now() })
    }

    /// Where to go on.
    fn resume(&self, size_bytes: u64) -> u64 {
        let done_bytes = self.mark.done_bytes(&self.laid).min(size_bytes);
        if done_bytes > 0 {
            tracing::info!(name = self.name, done_bytes, size_bytes, "goes on where it was cut short");
        }
        done_bytes
    }

    fn are_due(&self) -> bool {
        self.laid_at.elapsed() >= self.inner.mark_every
    }

    /// Says that all before `done_bytes` is done and safe. One that cannot be laid costs only time, later.
    async fn lay(&mut self, done_bytes: u64) {
        self.laid_at = Instant::now();
        let tag = self.mark.tag(done_bytes);
        if self.laid.contains(&tag) {
            return;
        }
        match self.inner.change(self.inner.argv.retag(self.name, &self.laid, Some(&tag))).await {
            Ok(_) => self.laid.clear(),
            Err(failure) => tracing::warn!(name = self.name, %failure, "the mark of how far it is could not be laid"),
        }
        self.laid.push(tag);
    }
}
