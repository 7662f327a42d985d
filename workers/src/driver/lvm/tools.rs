//! How LVM's tools are run: when, with whom together, and what becomes of it when one fails.

use stele_core::task::{Failure, FailureKind, Task};

use super::argv::Argv;
use super::changes::Place;
use super::looks::Wanted;
use super::report::{self, LogicalVolume, ReportError, VolumeGroup};
use super::{Inner, classify};
use crate::driver::{Applied, failure};
use crate::plan::removes;
use crate::runner::{Invocation, Output};

/// LVM's commands are known to die of SIGSEGV now and then; Cinder runs them again as well
/// (<https://bugs.launchpad.net/cinder/+bug/1901783>).
const ATTEMPTS: u32 = 3;

impl Inner {
    /// Best effort: whoever needs a settled udev finds out by what comes next.
    pub(super) async fn settle(&self) {
        if let Err(error) = self.runner.run(Argv::settle()).await {
            tracing::debug!(%error, "udevadm settle");
        }
    }

    /// The volumes of these names, and what was taken from the first of them.
    pub(super) async fn find_named(&self, names: &[String]) -> Result<Vec<LogicalVolume>, Failure> {
        self.looks.find(names, || std::future::ready(()), |wanted| self.look_for(wanted)).await
    }

    /// The same for a task. Those that remove look together, when it is their turn.
    pub(super) async fn find_for(&self, task: &Task, names: &[String]) -> Result<Vec<LogicalVolume>, Failure> {
        if !removes(task) {
            return self.find_named(names).await;
        }
        self.removal_looks.find(names, || self.changes.removal(), |wanted| self.look_for(wanted)).await
    }

    async fn look_for(&self, wanted: Wanted) -> Result<Vec<LogicalVolume>, Failure> {
        let volumes = self.read(self.argv.lvs_of(&wanted), report::logical_volumes).await?;
        // That LVM understood the selection is checked all the same.
        match volumes.iter().find(|lv| !wanted.has(lv)) {
            None => Ok(volumes),
            Some(other) => {
                let names = wanted.names.into_iter().collect::<Vec<_>>().join(", ");
                let message = format!("lvs was asked for {names} and told of {}", other.name);
                Err(failure(FailureKind::Unparsable, "lvs", message))
            }
        }
    }

    /// What tells a logical volume from every other that ever was.
    pub(super) async fn uuid(&self, name: &str) -> Result<String, Failure> {
        let found = self.read(self.argv.uuid(name), report::uuids).await?;
        let found = found.into_iter().find(|(found, _)| found == name);
        found.map(|(_, uuid)| uuid).ok_or_else(|| {
            failure(FailureKind::NotFound, "lvs", format!("{name} in {} is gone", self.argv.volume_group))
        })
    }

    pub(super) async fn volumes(&self) -> Result<Vec<LogicalVolume>, Failure> {
        self.read(self.argv.lvs(), report::logical_volumes).await
    }

    pub(super) async fn group(&self) -> Result<VolumeGroup, Failure> {
        let groups = self.read(self.argv.vgs(), report::volume_groups).await?;
        let group = groups.into_iter().find(|group| group.name == self.argv.volume_group);
        group.ok_or_else(|| {
            failure(FailureKind::Unparsable, "vgs", "vgs did not tell of the group that it was asked for")
        })
    }

    async fn read<T>(
        &self,
        invocation: Invocation,
        parse: impl FnOnce(&[u8]) -> Result<T, ReportError>,
    ) -> Result<T, Failure> {
        let program = invocation.program;
        let output = self.run(invocation).await?;
        parse(&output.stdout).map_err(|error| classify::not_understood(program, &error, output))
    }

    /// Runs a command that changes something.
    pub(super) async fn change(&self, invocation: Invocation) -> Result<Applied, Failure> {
        self.change_at(self.changes.place().await, invocation).await
    }

    pub(super) async fn change_at(&self, _place: Place<'_>, invocation: Invocation) -> Result<Applied, Failure> {
        let program = invocation.program;
        let output = self.run(invocation).await?;
        Ok(Applied { step: program, exit_status: output.exit_status })
    }

    /// Runs a command that has to end well.
    async fn run(&self, invocation: Invocation) -> Result<Output, Failure> {
        let program = invocation.program;
        let mut attempt = 1;
        loop {
            let output =
                self.runner.run(invocation.clone()).await.map_err(|error| classify::not_run(program, error))?;
            let crashed = output.signal == Some(11) || output.exit_status == Some(139);
            if output.success() {
                return Ok(output);
            }
            if !crashed || attempt == ATTEMPTS {
                return Err(classify::failed(program, output));
            }
            attempt += 1;
        }
    }
}
