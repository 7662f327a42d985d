//! Volumes of a node in memory that get the data of a snapshot back.

use stele_core::task::{Failure, FailureKind, Task};
use stele_core::unit::Position;

use super::{MemoryObject, Pool};
use crate::driver::failure;
use crate::object::Object;
use crate::plan::Step;

impl Pool {
    pub(super) fn replace(&mut self, step: &Step, by: Object, at: Option<Position>) -> Result<(), Failure> {
        self.get(step, by)?;
        let name = step.on.name();
        if let Some(volume) = self.objects.get(&name) {
            if step.on.read(&volume.tags).flatten() != at || at.is_none() {
                return Err(failure(FailureKind::Conflict, step.name(), format!("{name} is another one")));
            }
            if self.is_used(step)? {
                return Err(failure(FailureKind::Busy, step.name(), "open"));
            }
        }
        if let Some(successor) = self.objects.remove(&by.name()) {
            self.objects.insert(name, successor);
        }
        Ok(())
    }

    pub(super) fn overwrite(&mut self, task: &Task, step: &Step, from: Object) -> Result<(), Failure> {
        let MemoryObject { data, active, .. } = *self.get(step, from)?;
        if self.is_used(step)? {
            return Err(failure(FailureKind::Busy, step.name(), "open"));
        }
        let volume = self.get(step, step.on)?;
        if !(active && volume.active && step.on.read(&volume.tags).flatten().is_some_and(|at| at < task.asked_at)) {
            return Err(failure(FailureKind::Conflict, step.name(), "not active, or it does not wait for data"));
        }
        (volume.data, volume.tags) = (data, step.on.tags(task.asked_at));
        Ok(())
    }

    /// Something holds it open: a host, or somebody on the node.
    pub(super) fn is_used(&mut self, step: &Step) -> Result<bool, Failure> {
        let exported = matches!(step.on, Object::Volume(volume) if self.targets.contains_key(&volume));
        Ok(exported || self.get(step, step.on)?.open)
    }
}
