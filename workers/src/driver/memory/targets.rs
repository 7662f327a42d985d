//! The targets of a node in memory.

use stele_core::chap::username;
use stele_core::id::AttachmentId;
use stele_core::task::{AttachMode, Failure, FailureKind, Operation, Task};
use stele_core::unit::Position;

use super::Pool;
use crate::driver::failure;
use crate::plan::{Act, Export, Exported, Step};
use crate::target::{ExportHost, ExportItem};

/// A host that may reach a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Host {
    /// The attachment whose secrets it has.
    owner: AttachmentId,
    /// What it may do; nobody asks when it is to go.
    mode: Option<AttachMode>,
    /// The position of the event that asked for it.
    asked_at: Position,
}

impl Pool {
    pub(super) fn export(&self, task: &Task) -> Export {
        let Some(hosts) = self.targets.get(&task.operation.volume()) else { return Export::Absent };
        let wanted = host_of(task);
        let found = wanted.as_ref().and_then(|(initiator, _)| hosts.get(initiator).copied());
        let same = |(wanted, found): (Host, Host)| wanted.owner == found.owner && wanted.mode == found.mode;
        Export::Present(Exported {
            ready: wanted.map(|(_, host)| host).zip(found).is_some_and(same),
            host: found.is_some(),
            others: hosts.len() > usize::from(found.is_some()),
            asked_at: found.map(|host| host.asked_at),
            outgrown: false,
        })
    }

    pub(super) fn exports(&self) -> Vec<ExportItem> {
        let host = |(initiator, host): (&String, &Host)| ExportHost {
            username: username(host.owner),
            initiator: Some(initiator.clone()),
            logged_in: Some(false),
        };
        let targets = self.targets.iter();
        targets
            .map(|(volume, hosts)| ExportItem { volume: *volume, ready: true, hosts: hosts.iter().map(host).collect() })
            .collect()
    }

    pub(super) fn target(&mut self, task: &Task, step: &Step) -> Result<(), Failure> {
        let volume = task.operation.volume();
        match (step.act, host_of(task)) {
            (Act::Export, Some((initiator, host))) => {
                if !self.get(step, step.on)?.active {
                    return Err(failure(FailureKind::NotFound, step.name(), "not active, so it has no device"));
                }
                self.targets.entry(volume).or_default().insert(initiator, host);
            }
            (Act::Unexport, Some((initiator, _))) => {
                let hosts = self.targets.entry(volume).or_default();
                hosts.remove(&initiator);
                if hosts.is_empty() {
                    self.targets.remove(&volume);
                }
            }
            (Act::Withdraw, _) => {
                self.targets.remove(&volume);
            }
            (Act::Resize, _) => {}
            _ => return Err(failure(FailureKind::Unsupported, step.name(), "the task has no host")),
        }
        Ok(())
    }
}

/// The host of a task, by its initiator, and how it is to reach the volume.
fn host_of(task: &Task) -> Option<(String, Host)> {
    let (attachment, connector, chap_of, mode) = match &task.operation {
        Operation::ConnectVolume { attachment, connector, chap_of, mode, .. } => {
            (attachment, connector, chap_of, Some(*mode))
        }
        Operation::DisconnectVolume { attachment, connector, chap_of, .. } => (attachment, connector, chap_of, None),
        _ => return None,
    };
    let owner = chap_of.unwrap_or(*attachment);
    Some((connector.initiator.clone().unwrap_or_default(), Host { owner, mode, asked_at: task.asked_at }))
}
