//! What somebody else made becomes ours, and the other way round. Its data are not touched.
//!
//! ```text
//! manage        Adopt, and Extend to whole GiB, for that is what a volume has
//! unmanage      Release
//! ```
//!
//! Who is taken over gets our tags first and our name then, and loses them in the other order: whoever dies in between
//! leaves something with our tags under its old name, which the next attempt knows by them.

use stele_core::task::{Failure, FailureKind, Operation};

use super::{Act, Found, Object, Observed, Seen, Step, ours};

const GIB: u64 = 1 << 30;

impl Seen<'_> {
    pub(super) fn adopt(&self) -> Result<Vec<Step>, Failure> {
        let Some(source_name) = self.task.operation.source_name() else { return Ok(Vec::new()) };
        if let Some(found) = ours(&self.look.object) {
            if found.asked_at == Some(self.task.asked_at) {
                return self.whole(found);
            }
            return Err(self.failure(FailureKind::Conflict, "exists already"));
        }
        let about_source = |kind, what: &str| {
            let message = format!("{source_name} in {} {what}", self.task.pool);
            Err(Failure { message, ..self.failure(kind, "") })
        };
        let source = match (&self.look.object, &self.look.source) {
            (Observed::Unknown, _) | (_, Observed::Unknown) => return Ok(vec![self.step(Act::Adopt)]),
            (Observed::Present(_), _) if self.objects.object.name() != source_name.as_str() => {
                return Err(self.foreign());
            }
            (_, Observed::Absent) => return about_source(FailureKind::NotFound, "does not exist"),
            (_, Observed::Present(found)) => found,
        };
        if source.asked_at.is_some_and(|at| at != self.task.asked_at) {
            return about_source(FailureKind::Conflict, "is being taken over for another task");
        }
        if source.open {
            return about_source(FailureKind::Busy, "is in use: something holds it open");
        }
        if source.joined || source.unfinished {
            return about_source(FailureKind::Conflict, "has snapshots that would go with it, or is one");
        }
        if !source.clones && matches!(self.objects.object, Object::Snapshot { .. }) {
            return about_source(
                FailureKind::Unsupported,
                "is no thin volume, and no other can be taken over as a snapshot",
            );
        }
        let mut steps = vec![self.step(Act::Adopt)];
        steps.extend(self.whole(source)?);
        Ok(steps)
    }

    /// The steps that make of its size what the cell counts in.
    fn whole(&self, found: &Found) -> Result<Vec<Step>, Failure> {
        if let Operation::ManageSnapshot { size_gib, .. } = &self.task.operation {
            if found.size_bytes.div_ceil(GIB) != size_gib.bytes() / GIB {
                let what = format!("has {} bytes, and its volume has {size_gib}", found.size_bytes);
                return Err(self.failure(FailureKind::Conflict, &what));
            }
            return Ok(Vec::new());
        }
        let mut steps = self.grow(found.size_bytes.div_ceil(GIB).saturating_mul(GIB), found)?;
        steps.extend((!found.active && !found.joined).then(|| self.step(Act::Activate)));
        Ok(steps)
    }

    pub(super) fn release(&self) -> Result<Vec<Step>, Failure> {
        if let Some(found) = ours(&self.look.object) {
            if found.joined && matches!(self.objects.object, Object::Snapshot { .. }) {
                let what = "hangs on its volume, which could not be removed without it any more";
                return Err(self.failure(FailureKind::Unsupported, what));
            }
            return Ok(self.withdrawn().into_iter().chain([self.step(Act::Release)]).collect());
        }
        let left = ours(&self.look.source).filter(|_| !self.is_anothers(&self.look.source));
        Ok(left.map(|_| self.step(Act::Release)).into_iter().collect())
    }
}
