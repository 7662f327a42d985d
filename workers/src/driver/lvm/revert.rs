//! Volumes that get the data of a snapshot back; see [`crate::plan`].

use stele_core::task::{Failure, FailureKind, Task};
use stele_core::unit::Position;

use super::Inner;
use super::overwrite::Pair;
use crate::driver::{Applied, Meter, failure};
use crate::object::{Object, at_tag, volume_tag};

impl Inner {
    /// The volume that has this position in its tags is removed, and no other; the name is free then, or somebody else's.
    pub(super) async fn replace(&self, volume: Object, by: Object, at: Option<Position>) -> Result<Applied, Failure> {
        let name = volume.name();
        if let (Some(at), Object::Volume(id)) = (at, volume) {
            let removal = || self.argv.remove_tagged(&name, &[volume_tag(id), at_tag(at)]);
            if let Err(failure) = self.change(removal()).await {
                tracing::info!(name, %failure, "lvremove failed; once more when udev has settled");
                self.settle().await;
                self.change(removal()).await?;
            }
        }
        self.change(self.argv.rename(&by.name(), &name)).await
    }

    /// Nobody else can use the volume while this one has its device, and the position goes into its tags before the
    /// device is let go: whoever gets it next sees that there is nothing left to do.
    pub(super) async fn overwrite(
        &self,
        task: &Task,
        volume: Object,
        from: Object,
        meter: &Meter,
    ) -> Result<Applied, Failure> {
        let name = volume.name();
        let pair = Pair::open(self.argv.device(&from.name()), self.argv.device(&name)).await?;
        let found = self.find_named(std::slice::from_ref(&name)).await?;
        let found = found.iter().find(|lv| lv.name == name).ok_or_else(|| self.gone("overwrite", &name))?;
        let Some(before) = volume.read(&found.tags).flatten().filter(|at| *at < task.asked_at) else {
            let message = format!("{name} in {} does not wait for the data of a snapshot any more", task.pool);
            return Err(failure(FailureKind::Conflict, "overwrite", message));
        };
        pair.overwrite(&self.pace, meter).await?;
        self.change(self.argv.swap_tag(&name, &at_tag(before), &at_tag(task.asked_at))).await?;
        Ok(Applied { step: "overwrite", exit_status: None })
    }
}
