//! How hosts reach the volumes: by a target, or by paths on this node.

use stele_core::task::{Failure, Operation, Phase, Task};

use super::{Inner, no_host};
use crate::driver::Applied;
use crate::plan::{Act, Export, Step};
use crate::target::{ExportItem, Target as _};

impl Inner {
    /// How hosts reach the volume of a task, where that matters to it.
    pub(super) async fn export(&self, task: &Task) -> Result<Export, Failure> {
        let Some(target) = &self.target else { return Ok(Export::Direct) };
        let matters = matches!(
            (&task.operation, task.phase),
            (
                Operation::ConnectVolume { .. }
                    | Operation::DisconnectVolume { .. }
                    | Operation::ExtendVolume { .. }
                    | Operation::RevertVolume { .. }
                    | Operation::UnmanageVolume { .. }
                    | Operation::DeleteVolume { .. }
                    | Operation::WithdrawVolume { .. },
                Phase::Execute
            )
        );
        if !matters {
            return Ok(Export::Direct);
        }
        target.look(task.operation.volume(), target.way().access(task)?.as_ref()).await
    }

    /// Does a step that is about how hosts reach the volume.
    pub(super) async fn target(&self, task: &Task, step: &Step) -> Result<Applied, Failure> {
        let name = step.name();
        let target = self.target.as_ref().ok_or_else(|| no_host(name))?;
        let (volume, device) = (task.operation.volume(), self.argv.device(&step.on.name()));
        let access = target.way().access(task)?;
        match (step.act, &access) {
            (Act::Export, Some(access)) => target.open(volume, device.as_ref(), access).await?,
            (Act::Unexport, Some(access)) => target.close(volume, access).await?,
            (Act::Withdraw, _) => target.withdraw(volume).await?,
            (Act::Resize, _) => target.resize(volume, device.as_ref()).await?,
            _ => return Err(no_host(name)),
        }
        Ok(Applied { step: name, exit_status: None })
    }

    pub(super) async fn exports(&self) -> Result<Option<Vec<ExportItem>>, Failure> {
        match &self.target {
            Some(target) => target.exports().await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        match &self.target {
            Some(target) => target.keeps_hosts_out().await,
            None => Ok(false),
        }
    }

    pub(super) async fn let_hosts_in(&self) -> Result<(), Failure> {
        match &self.target {
            Some(target) => target.let_hosts_in().await,
            None => Ok(()),
        }
    }
}
