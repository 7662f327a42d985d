//! What comes from somebody else, or goes back to him, on a node in memory.

use stele_core::task::{Failure, FailureKind, Operation, Task};

use super::{Memory, Pool};
use crate::driver::failure;
use crate::object::{Objects, is_tag};
use crate::plan::{Observed, Step};

impl Memory {
    /// What has the source name of a task.
    pub(super) fn seen_source(&self, pool: &Pool, task: &Task, name: &str) -> Result<Observed, Failure> {
        let object = Objects::of(task).object;
        let takes = matches!(task.operation, Operation::ManageVolume { .. } | Operation::ManageSnapshot { .. });
        if takes && pool.objects.get(name).is_some_and(|found| object.is_anothers(&found.tags)) {
            return Err(failure(FailureKind::Conflict, "observe", format!("{name} is managed already")));
        }
        Ok(self.seen_named(pool, object, name))
    }
}

impl Pool {
    pub(super) fn adopt(&mut self, task: &Task, step: &Step) -> Result<(), Failure> {
        let (name, source) = (step.on.name(), task.operation.source_name().map_or("", |name| name.as_str()));
        if source != name && self.objects.contains_key(&name) {
            return Err(failure(FailureKind::Conflict, step.name(), format!("{name} exists")));
        }
        let missing = || failure(FailureKind::NotFound, step.name(), format!("{source} does not exist"));
        let mut taken = self.objects.remove(source).ok_or_else(missing)?;
        taken.tags.retain(|tag| !is_tag(tag));
        taken.tags.extend(step.on.tags(task.asked_at));
        self.objects.insert(name, taken);
        Ok(())
    }

    pub(super) fn release(&mut self, task: &Task, step: &Step) -> Result<(), Failure> {
        let name = step.on.name();
        let wanted = task.operation.source_name().map_or_else(|| name.clone(), |name| name.as_str().to_owned());
        let is_ours =
            |named: &&String| self.objects.get(*named).is_some_and(|found| step.on.read(&found.tags).is_some());
        let missing = || failure(FailureKind::NotFound, step.name(), format!("{name} does not exist"));
        let now = [&name, &wanted].into_iter().find(is_ours).ok_or_else(missing)?.clone();
        let then = if self.objects.contains_key(&wanted) { now.clone() } else { wanted };
        if let Some(mut given) = self.objects.remove(&now) {
            given.tags.retain(|tag| !is_tag(tag));
            self.objects.insert(then, given);
        }
        Ok(())
    }
}
