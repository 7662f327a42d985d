//! Copies and wipes of the fake. Each has two halves with a moment in between, in which its worker may die: the first half
//! is marked as on real storage, and who comes next does only the second. The halves of an object's data are the lower
//! and the upper half of the number that stands for them.

use stele_core::task::{Failure, FailureKind, Task};

use super::{Memory, MemoryObject, Pool, give_way};
use crate::driver::{Meter, failure, no_such_pool};
use crate::object::{COPYING_TAG, Mark, Object, is_unfinished};
use crate::plan::{Act, Step};

/// The first half of an object's data.
const FIRST: u64 = u32::MAX as u64;

/// What the mark says when the first half is done.
const HALF_BYTES: u64 = 1 << 20;

impl Memory {
    /// Does a step, a slow one with a moment between its halves.
    pub(super) async fn whole(&self, task: &Task, step: &Step, meter: &Meter) -> Result<(), Failure> {
        if step.act.is_slow() {
            self.first_half(task, step)?;
            meter.advance(1, 2);
            give_way().await;
        }
        self.change(task, step)
    }

    /// The first half of a slow step; nothing of any other.
    pub(super) fn first_half(&self, task: &Task, step: &Step) -> Result<(), Failure> {
        let mut state = self.host.lock();
        let pool = state.pools.get_mut(&task.pool).ok_or_else(|| no_such_pool(step.name(), &task.pool))?;
        match step.act {
            Act::Copy { from } => {
                let (data, mark) = pool.copied(task, step, from)?;
                pool.get(step, step.on)?.half(&mark, data);
            }
            Act::Wipe { .. } => {
                let object = pool.get(step, step.on)?;
                object.wipeable(step)?;
                object.half(&Mark::wiped(task.asked_at), 0);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Pool {
    /// The data to copy, and the mark of this copy.
    fn copied(&mut self, task: &Task, step: &Step, from: Object) -> Result<(u64, Mark), Failure> {
        let born = self.born.get(&from.name()).copied().unwrap_or_default();
        let MemoryObject { size_bytes, data, active, .. } = *self.get(step, from)?;
        let into = self.get(step, step.on)?;
        if !(active && into.active && is_unfinished(&into.tags) && size_bytes <= into.size_bytes) {
            return Err(failure(FailureKind::Conflict, step.name(), "not active, not marked, or too small"));
        }
        Ok((data, Mark::copied(task.asked_at, &born.to_string())))
    }

    /// The second half of a copy.
    pub(super) fn copy(&mut self, task: &Task, step: &Step, from: Object) -> Result<(), Failure> {
        let (data, mark) = self.copied(task, step, from)?;
        let into = self.get(step, step.on)?;
        into.data = into.data & FIRST | data & !FIRST;
        let (ours, _) = mark.among(&into.tags);
        into.tags.retain(|tag| tag != COPYING_TAG && !ours.contains(tag));
        Ok(())
    }
}

impl MemoryObject {
    /// Writes the first half of `data`, unless the mark says that it is written.
    fn half(&mut self, mark: &Mark, data: u64) {
        let (_, others) = mark.among(&self.tags);
        self.tags.retain(|tag| !others.contains(tag));
        if mark.done_bytes(&self.tags) < HALF_BYTES {
            self.data = self.data & !FIRST | data & FIRST;
            self.tags.push(mark.tag(HALF_BYTES));
        }
    }

    /// The second half of a wipe.
    pub(super) fn wipe(&mut self, step: &Step) -> Result<(), Failure> {
        self.wipeable(step)?;
        self.data &= FIRST;
        self.wiped = true;
        Ok(())
    }

    fn wipeable(&self, step: &Step) -> Result<(), Failure> {
        if self.active && !self.open && self.joined_to.is_none() {
            return Ok(());
        }
        Err(failure(FailureKind::Busy, step.name(), "not active, open, or not split off"))
    }
}
