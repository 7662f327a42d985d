//! A volume that gets the data of its snapshot back. The snapshot itself is never changed.
//!
//! ```text
//! storage that clones        Clone(successor, of the snapshot), Replace(volume, by the successor)
//! storage that does not      Overwrite(volume, with the snapshot)
//! ```
//!
//! What was written after the revert must never be lost to a task that comes once more. So a volume says in its tags for
//! which event it has its data: one that has them for this task's event, or for a later one, is left alone.
//!
//! A successor is a whole copy of the snapshot from its first moment, with the volume's tags and this event's position.
//! The volume is removed only when the successor is there, and takes its name at once: whoever dies in between leaves a
//! successor without a volume, and the next attempt only has to give it the name. Removing and looking at the position is
//! one command of the storage, so a worker that is late does not remove what another one has put there.
//!
//! LVM would do something like it by `lvconvert --merge`. But that consumes the snapshot, which would have to be taken
//! again: it would be gone in between, and for good if the worker died there. And of a thin snapshot that is not the
//! origin's own (any more, after the first revert) there is no merge.
//!
//! Where a copy cannot be made at once the bytes go over those of the volume. Storage keeps for the snapshot what is
//! overwritten, so it reads as before, during and after; an attempt that was cut short is begun anew, from the first
//! byte. Until one has come to its end the volume has neither the one data nor the other, and nobody may use it.

use stele_core::task::{Failure, FailureKind};

use super::{Act, Found, Object, Observed, Owner, Seen, Step, failure, ours};

impl Seen<'_> {
    /// The missing steps of a revert.
    pub(super) fn go_back(&self) -> Result<Vec<Step>, Failure> {
        let (Some(from), Some(successor)) = (self.objects.source, self.objects.successor) else {
            return Ok(Vec::new());
        };
        let volume = match &self.look.object {
            Observed::Unknown => return Ok(vec![self.step(Act::Overwrite { from })]),
            Observed::Absent => None,
            Observed::Present(found) => Some(self.to_go_back(found)?),
        };
        if volume.is_some_and(|found| found.asked_at == Some(self.task.asked_at)) {
            let mut steps = self.without_still()?;
            steps.extend(volume.filter(|found| !found.active).map(|_| self.step(Act::Activate)));
            return Ok(steps);
        }
        let withdrawn = self.withdrawn();
        if volume.is_some_and(|found| found.open) && withdrawn.is_none() {
            return Err(self.failure(FailureKind::Busy, "is in use: something holds it open"));
        }
        let Some(snapshot) = self.source(from)? else { return Ok(vec![self.step(Act::Overwrite { from })]) };
        let mut steps: Vec<Step> = withdrawn.into_iter().collect();
        if snapshot.clones {
            steps.extend(self.by_successor(from, successor, volume)?);
            return Ok(steps);
        }
        let Some(volume) = volume else {
            return Err(self.failure(FailureKind::NotFound, "does not exist, so it cannot be reverted"));
        };
        if !snapshot.joined {
            // Its removal has begun: what is left of it has no meaning without its volume.
            let why = "is no snapshot any more: it is being removed";
            return Err(failure(FailureKind::NotFound, self.task, from, why));
        }
        steps.extend((!volume.active).then(|| self.step(Act::Activate)));
        steps.extend((!snapshot.active).then_some(Step { on: from, act: Act::Activate }));
        steps.push(self.step(Act::Overwrite { from }));
        Ok(steps)
    }

    /// What a revert that was given up left beside the volume is removed; where the volume was removed already, what is
    /// beside it is the volume.
    pub(super) fn stop_going_back(&self) -> Result<Vec<Step>, Failure> {
        let left = ours(&self.look.successor).filter(|_| !self.is_anothers(&self.look.successor));
        match (self.objects.successor, &self.look.object, left) {
            (Some(by), Observed::Absent, Some(found)) => {
                let idle = (!found.active).then(|| self.step(Act::Activate));
                Ok([self.step(Act::Replace { by, at: None })].into_iter().chain(idle).collect())
            }
            _ => self.without_still(),
        }
    }

    fn by_successor(&self, from: Object, successor: Object, volume: Option<&Found>) -> Result<Vec<Step>, Failure> {
        if self.is_anothers(&self.look.successor) {
            let why = "exists and is not of this task, so the volume cannot be reverted by way of it";
            return Err(failure(FailureKind::Conflict, self.task, successor, why));
        }
        let whole = ours(&self.look.successor).filter(|found| found.asked_at == Some(self.task.asked_at));
        let mut steps = Vec::with_capacity(4);
        if whole.is_none() {
            // Of an earlier revert that was given up.
            steps.extend(self.without_still()?);
            steps.push(Step { on: successor, act: Act::Clone { from } });
        }
        steps.push(self.step(Act::Replace { by: successor, at: volume.and_then(|found| found.asked_at) }));
        steps.extend(whole.filter(|found| !found.active).map(|_| self.step(Act::Activate)));
        Ok(steps)
    }

    /// The volume, which must be whole and say for which event it has its data.
    fn to_go_back<'a>(&self, found: &'a Found) -> Result<&'a Found, Failure> {
        if found.owner == Owner::Foreign {
            return Err(self.foreign());
        }
        if found.unfinished || found.asked_at.is_none() {
            return Err(
                self.failure(FailureKind::Conflict, "is not complete, or does not say for which event it was made")
            );
        }
        Ok(found)
    }
}
