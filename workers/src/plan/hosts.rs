//! How hosts reach a volume.
//!
//! ```text
//! connect       the host may log in as it shall: nothing    else: Activate, Export
//! disconnect    the host may not, and others may: nothing   else: Unexport
//! ```
//!
//! A host that was asked for after the task is left as it is. One that has another attachment of the volume goes on
//! reaching it. A target without hosts is what a worker left that died in between.

use stele_core::task::{Failure, FailureKind};

use super::{Act, Export, Observed, Owner, Seen, Step};

impl Seen<'_> {
    pub(super) fn connect(&self) -> Result<Vec<Step>, Failure> {
        let mut steps = match &self.look.object {
            Observed::Absent => {
                return Err(self.failure(FailureKind::NotFound, "does not exist, so no host can reach it"));
            }
            Observed::Unknown => vec![self.step(Act::Activate)],
            Observed::Present(found) if found.owner == Owner::Foreign => return Err(self.foreign()),
            Observed::Present(found) if found.unfinished => {
                return Err(self.failure(FailureKind::Conflict, "is not complete: data are still being copied into it"));
            }
            Observed::Present(found) if found.active => Vec::new(),
            Observed::Present(_) => vec![self.step(Act::Activate)],
        };
        let missing = match &self.look.export {
            Export::Direct => false,
            Export::Absent => true,
            Export::Present(exported) => !exported.ready && !self.is_outdated(),
        };
        steps.extend(missing.then(|| self.step(Act::Export)));
        Ok(steps)
    }

    pub(super) fn disconnect(&self, shared: bool) -> Vec<Step> {
        let Export::Present(exported) = &self.look.export else { return Vec::new() };
        let left = exported.host || !exported.others;
        if left && !shared && !self.is_outdated() { vec![self.step(Act::Unexport)] } else { Vec::new() }
    }

    /// The step that takes the volume's target away, if it has one.
    pub(super) fn withdrawn(&self) -> Option<Step> {
        matches!(self.look.export, Export::Present(_)).then(|| self.step(Act::Withdraw))
    }

    /// The step that tells hosts of a new size, if there is a target.
    pub(super) fn told(&self, grows: bool) -> Option<Step> {
        let Export::Present(exported) = &self.look.export else { return None };
        (grows || exported.outgrown).then(|| self.step(Act::Resize))
    }

    /// The host was asked for after the task.
    fn is_outdated(&self) -> bool {
        match &self.look.export {
            Export::Present(exported) => exported.asked_at.is_some_and(|at| at > self.task.asked_at),
            Export::Direct | Export::Absent => false,
        }
    }
}
