//! A volume that begins with the data of a snapshot or of another volume.
//!
//! ```text
//! storage that clones        Clone, and Extend where it is to be larger
//! storage that does not      of a volume:   Snapshot(still), Create(marked), Copy, Wipe and Remove(still)
//!                            of a snapshot: Create(marked), Copy
//! ```
//!
//! A volume may be written while it is copied, so what is copied is a still of it: a snapshot under a name of its own.
//! The new volume carries a mark until all bytes are there. One that is found with it is copied into once more, out of
//! the same still; where the driver left a mark of how far it came, from there on (see [`crate::object::Mark`]).

use stele_core::task::{Failure, FailureKind};

use super::{Act, Found, Object, Observed, Owner, Seen, Step, failure, ours, removal};

impl Seen<'_> {
    /// The missing steps of a volume out of `from`; `begun` is what an attempt left that was cut short.
    pub(super) fn create_from(
        &self,
        size_bytes: u64,
        from: Object,
        begun: Option<&Found>,
    ) -> Result<Vec<Step>, Failure> {
        let Some(source) = self.source(from)? else { return Ok(vec![self.step(Act::Clone { from })]) };
        if source.clones {
            let mut steps = vec![self.step(Act::Clone { from })];
            if source.size_bytes < size_bytes {
                steps.push(self.step(Act::Extend { size_bytes }));
            }
            return Ok(steps);
        }
        if matches!(from, Object::Snapshot { .. }) && !source.joined {
            // Its removal has begun: what is left of it has no meaning without its volume.
            return Err(failure(
                FailureKind::NotFound,
                self.task,
                from,
                "is no snapshot any more: it is being removed",
            ));
        }
        if begun.is_some_and(|found| found.open) {
            let why = "is being copied into by somebody else: something holds it open";
            return Err(self.failure(FailureKind::Busy, why));
        }
        let (from, active, mut steps) = self.kept_still(from, source)?;
        match begun {
            None => steps.push(self.step(Act::Create { size_bytes, unfinished: true })),
            Some(found) => {
                steps.extend((!found.active).then(|| self.step(Act::Activate)));
                steps.extend((found.size_bytes < size_bytes).then(|| self.step(Act::Extend { size_bytes })));
            }
        }
        steps.extend((!active).then_some(Step { on: from, act: Act::Activate }));
        steps.push(self.step(Act::Copy { from }));
        if let Object::Still(_) = from {
            let still = Found { has_snapshots: false, joined: true, active: true, open: false, ..source.clone() };
            steps.extend(removal(self.task, from, &still)?);
        }
        Ok(steps)
    }

    /// What is to be copied, whether it can be read, and the steps that make it: a snapshot as it is, a volume as its
    /// still.
    fn kept_still(&self, from: Object, source: &Found) -> Result<(Object, bool, Vec<Step>), Failure> {
        let Some(still) = self.objects.still else { return Ok((from, source.active, Vec::new())) };
        if let Some(found) = ours(&self.look.still)
            && found.asked_at == Some(self.task.asked_at)
            && found.joined
        {
            return Ok((still, found.active, Vec::new()));
        }
        if self.is_anothers(&self.look.still) {
            let why = "exists and is not of this task, so nothing can be copied by way of it";
            return Err(failure(FailureKind::Conflict, self.task, still, why));
        }
        let mut steps = self.without_still()?;
        steps.push(Step { on: still, act: Act::Snapshot { of: from, joined: true } });
        Ok((still, source.active, steps))
    }

    /// The steps that remove what lies beside the volume; none for what this task must not touch.
    pub(super) fn without_still(&self) -> Result<Vec<Step>, Failure> {
        let mut steps = self.without(self.objects.still, &self.look.still)?;
        steps.extend(self.without(self.objects.successor, &self.look.successor)?);
        Ok(steps)
    }

    fn without(&self, beside: Option<Object>, observed: &Observed) -> Result<Vec<Step>, Failure> {
        match (beside, ours(observed)) {
            (Some(beside), Some(found)) if !self.is_anothers(observed) => removal(self.task, beside, found),
            _ => Ok(Vec::new()),
        }
    }

    /// Somebody else made it, or a later task of ours.
    pub(super) fn is_anothers(&self, observed: &Observed) -> bool {
        match observed {
            Observed::Present(found) => {
                found.owner == Owner::Foreign || found.asked_at.is_some_and(|at| at > self.task.asked_at)
            }
            Observed::Absent | Observed::Unknown => false,
        }
    }

    /// The source, which must be as the task means it; `None` when it cannot be looked at.
    pub(super) fn source(&self, from: Object) -> Result<Option<&Found>, Failure> {
        let wrong = |kind, what: &str| Err(failure(kind, self.task, from, what));
        match &self.look.source {
            Observed::Unknown => Ok(None),
            Observed::Absent => wrong(FailureKind::NotFound, "does not exist, so nothing can be made of it"),
            Observed::Present(found) if found.owner == Owner::Foreign => {
                wrong(FailureKind::Conflict, "exists without its tags: somebody else made it, so nothing is made of it")
            }
            Observed::Present(_) if self.is_anothers(&self.look.source) => {
                wrong(FailureKind::Conflict, "was asked for after this task: the task is outdated")
            }
            Observed::Present(found) if found.unfinished => {
                wrong(FailureKind::Conflict, "is not complete: data are still being copied into it")
            }
            Observed::Present(found) => Ok(Some(found)),
        }
    }
}
