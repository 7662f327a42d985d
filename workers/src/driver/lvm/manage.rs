//! What is taken over from somebody else, and given up; see [`crate::plan`].

use stele_core::id::SourceName;
use stele_core::inventory::Foreign;
use stele_core::task::{Failure, FailureKind, Operation, Task};

use super::Inner;
use super::report::{Kind, LogicalVolume};
use crate::driver::{Applied, failure};
use crate::object::{Object, is_tag};
use crate::plan::Observed;

impl Inner {
    /// What has the source name of a task that takes it over or gives it back. What is something else of ours, or no
    /// volume at all, is not to be had.
    pub(super) fn seen_named(
        &self,
        task: &Task,
        object: Object,
        name: &str,
        volumes: &[LogicalVolume],
    ) -> Result<Observed, Failure> {
        let Some(lv) = volumes.iter().find(|lv| lv.name == name) else { return Ok(Observed::Absent) };
        let takes = matches!(task.operation, Operation::ManageVolume { .. } | Operation::ManageSnapshot { .. });
        if takes && (lv.kind == Kind::ThinPool || object.is_anothers(&lv.tags)) {
            let message = format!("{name} in {} is a thin pool, or is managed already", task.pool);
            return Err(failure(FailureKind::Conflict, "observe", message));
        }
        Ok(self.found(object, lv, volumes))
    }

    /// The tags first: whoever dies in between leaves something that is known by them. What somebody else tagged at the
    /// same time is left to him, or to nobody.
    pub(super) async fn adopt(&self, task: &Task, object: Object) -> Result<Applied, Failure> {
        let (name, source) = (object.name(), source_of(task, "adopt")?);
        let tags = object.tags(task.asked_at);
        let applied = self.change(self.argv.tag(source, &tags)).await?;
        let found = self.find_named(&[source.to_owned()]).await?;
        let found = found.iter().find(|lv| lv.name == source).ok_or_else(|| self.gone("adopt", source))?;
        if found.tags.iter().filter(|tag| is_tag(tag)).any(|tag| !tags.contains(tag)) {
            let message = format!("{source} in {} is being taken over by somebody else as well", task.pool);
            return Err(failure(FailureKind::Conflict, "adopt", message));
        }
        if source == name {
            return Ok(applied);
        }
        let renamed = self.change(self.argv.rename(source, &name)).await?;
        // By its old name nobody can tag it any more; who did so just before sees that he came too late.
        let found = self.find_named(std::slice::from_ref(&name)).await?;
        let of_others = found.iter().filter(|lv| lv.name == name).flat_map(|lv| &lv.tags);
        let of_others: Vec<String> = of_others.filter(|tag| is_tag(tag) && !tags.contains(tag)).cloned().collect();
        if !of_others.is_empty() {
            self.change(self.argv.untag_all(&name, &of_others)).await?;
        }
        Ok(renamed)
    }

    /// The name first, so that it is known by its tags until it has that. A name that somebody else has meanwhile is his.
    pub(super) async fn release(&self, task: &Task, object: Object) -> Result<Applied, Failure> {
        let name = object.name();
        let source = task.operation.source_name().map_or(name.as_str(), |source| source.as_str());
        let found = self.find_named(&[name.clone(), source.to_owned()]).await?;
        let is_ours = |named: &str| found.iter().find(|lv| lv.name == named && object.read(&lv.tags).is_some());
        let Some(lv) = is_ours(&name).or_else(|| is_ours(source)) else { return Err(self.gone("release", &name)) };
        let mut now = lv.name.as_str();
        if now != source && !found.iter().any(|other| other.name == source) {
            self.change(self.argv.rename(now, source)).await?;
            now = source;
        }
        // Somebody else may be taking it over as well: what he has written on it is his.
        let only_own = object.is_anothers(&lv.tags);
        let goes = |tag: &&String| if only_own { object.own_tags().contains(tag) } else { is_tag(tag) };
        let tags: Vec<String> = lv.tags.iter().filter(goes).cloned().collect();
        self.change(self.argv.untag_all(now, &tags)).await
    }
}

/// A logical volume that can be taken over: it is none of ours, can hold data, and has a name that can be given.
pub(super) fn foreign(lv: &LogicalVolume) -> Option<Foreign> {
    let of_others = lv.kind != Kind::ThinPool && !lv.tags.iter().any(|tag| is_tag(tag));
    let name = SourceName::new(&lv.name).ok().filter(|_| of_others)?;
    let origin = lv.origin.as_deref().and_then(|origin| SourceName::new(origin).ok());
    Some(Foreign { name, size_bytes: lv.size_bytes, origin, open: lv.open })
}

fn source_of<'a>(task: &'a Task, step: &str) -> Result<&'a str, Failure> {
    let name = task.operation.source_name().map(|name| name.as_str());
    name.ok_or_else(|| failure(FailureKind::Unsupported, step, "the task names nothing that could be taken over"))
}
