//! What is missing: from a task and what was seen to the steps that make the task's words true. Pure.
//!
//! ```text
//! execute           absent             ours                          foreign            unknown
//! create            Create             nothing, or Extend            Conflict           Create
//! create from ...   Clone, or Copy     nothing, Extend, or Copy      Conflict           Clone
//! delete            nothing            Wipe, Remove                  Conflict           Remove
//! revert            Clone, Replace     Clone, Replace or Overwrite   Conflict           Overwrite
//! extend            NotFound           nothing, or Extend            Conflict           Extend
//! snapshot          Snapshot           nothing                       Conflict           Snapshot
//! delete snapshot   nothing            Split, Wipe, Remove           Conflict           Remove
//! manage            Adopt              nothing, or Extend            Conflict           Adopt
//! unmanage          nothing            Release                       nothing            nothing
//! connect           NotFound           Activate, Export              Conflict           Activate
//! disconnect        nothing            Unexport                      nothing            nothing
//! withdraw          Withdraw           Withdraw                      Withdraw           nothing
//! revert of a make  nothing            Remove, wiped if copied into  nothing            Remove
//! revert of others  nothing            nothing                       nothing            nothing
//! ```
//!
//! An object that was asked for after the task is never touched: the task is an old one that was delivered once more.
//!
//! "Ours" is an object that carries the tags of this very volume or snapshot: an object that merely has the name was
//! made by somebody else, and is neither taken over nor destroyed. A volume is never shrunk, so an extend has nothing
//! to revert; a deleted volume cannot come back, so a delete has nothing to revert either.
//!
//! Copies are in [`copy`], hosts in [`hosts`], volumes that get the data of a snapshot back in [`revert`], what is
//! taken over and given up in [`manage`].

mod copy;
mod guess;
mod hosts;
mod manage;
mod revert;
mod step;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use stele_core::task::{Failure, FailureKind, Operation, Phase, Task};
use stele_core::unit::Position;

use crate::object::{Object, Objects};
pub use guess::guess;
pub use step::{Act, Step, removes};

/// What a driver saw under the names of a task's [`Objects`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Of what the task is about.
    pub object: Observed,
    /// Of what it takes data from, or of what is to be taken over or given back; absent when there is no such thing.
    pub source: Observed,
    /// Of what may lie beside it while it is made; absent when nothing may.
    pub still: Observed,
    /// Of what may lie beside it while it is reverted; absent when nothing may.
    pub successor: Observed,
    /// Of how hosts reach it.
    pub export: Export,
}

/// How hosts reach a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Export {
    /// By its path, on the node itself: nothing is exported.
    Direct,
    /// No host does.
    Absent,
    /// It has a target, whole or not.
    Present(Exported),
}

/// A volume's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// It is whole; where the task is about a host, that host may log in as it shall.
    pub ready: bool,
    /// The task's host may log in, in some way.
    pub host: bool,
    /// Other hosts may.
    pub others: bool,
    /// The position of the event that asked for the host, when the target tells.
    pub asked_at: Option<Position>,
    /// The volume has become larger than hosts are told.
    pub outgrown: bool,
}

/// What a driver saw under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// Nothing has that name.
    Absent,
    /// Something has it.
    Present(Found),
    /// The driver keeps nothing that could be looked at (the null driver): every step is needed.
    Unknown,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its size, in bytes; at least what was asked, for some drivers round up. Of a snapshot that hangs on its volume,
    /// the room that it has for differences.
    pub size_bytes: u64,
    /// Who made it.
    pub owner: Owner,
    /// The position of the event that asked for it, when its tags tell.
    pub asked_at: Option<Position>,
    /// Something holds it open: a target, a mount, a virtual machine, a copy.
    pub open: bool,
    /// Snapshots of it exist. It is not removed before them.
    pub has_snapshots: bool,
    /// It hangs together with others: a volume with its snapshots, a snapshot with its volume. Such a volume grows only
    /// while it is inactive; such a snapshot is split off before its data can be wiped.
    pub joined: bool,
    /// It can be read and written now.
    pub active: bool,
    /// Data are still being copied into it.
    pub unfinished: bool,
    /// A copy of it can be made at once. Else it is copied byte by byte.
    pub clones: bool,
    /// What has to be done to its data before it is removed.
    pub wipe: Option<Wipe>,
}

/// Who made an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// It carries the tags of this volume or snapshot.
    Ours,
    /// It does not; only its name is that of the volume or snapshot.
    Foreign,
}

/// How data is made unreadable before its room is given to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wipe {
    /// Every byte is overwritten with zeros.
    Zero,
    /// The device is told to discard all of it. Quick; whether old data can still be read depends on the device.
    Discard,
}

/// The steps that are missing; none when the task's words are true already.
///
/// # Errors
/// A [`Failure`] at the step `plan` when no step of ours would make them true, or when a step would harm somebody.
pub fn plan(task: &Task, look: &Look) -> Result<Vec<Step>, Failure> {
    let seen = Seen { task, objects: Objects::of(task), look };
    if ours(&look.object).is_some_and(|found| found.asked_at.is_some_and(|at| at > task.asked_at)) {
        return seen.outlived();
    }
    match (&task.operation, task.phase) {
        (Operation::CreateVolume { size_gib, .. }, Phase::Execute) => seen.create(size_gib.bytes()),
        (Operation::CreateVolume { .. } | Operation::CreateSnapshot { .. }, Phase::Revert) => seen.revert(),
        (Operation::DeleteVolume { .. } | Operation::DeleteSnapshot { .. }, Phase::Execute) => seen.delete(),
        (Operation::ExtendVolume { size_gib, .. }, Phase::Execute) => seen.extend(size_gib.bytes()),
        (Operation::RevertVolume { .. }, Phase::Execute) => seen.go_back(),
        (Operation::RevertVolume { .. }, Phase::Revert) => seen.stop_going_back(),
        (Operation::ManageVolume { .. } | Operation::ManageSnapshot { .. }, Phase::Execute) => seen.adopt(),
        (Operation::UnmanageVolume { .. } | Operation::UnmanageSnapshot { .. }, Phase::Execute) => seen.release(),
        (Operation::CreateSnapshot { .. }, Phase::Execute) => seen.snapshot(),
        (Operation::ConnectVolume { .. }, Phase::Execute) => seen.connect(),
        (Operation::DisconnectVolume { shared, .. }, Phase::Execute) => Ok(seen.disconnect(*shared)),
        (Operation::WithdrawVolume { .. }, Phase::Execute) => Ok(seen.withdrawn().into_iter().collect()),
        (Operation::DisconnectVolume { .. } | Operation::WithdrawVolume { .. }, Phase::Revert)
        | (
            Operation::DeleteVolume { .. }
            | Operation::DeleteSnapshot { .. }
            | Operation::ExtendVolume { .. }
            | Operation::ManageVolume { .. }
            | Operation::UnmanageVolume { .. }
            | Operation::ManageSnapshot { .. }
            | Operation::UnmanageSnapshot { .. }
            | Operation::ConnectVolume { .. },
            Phase::Revert,
        ) => Ok(Vec::new()),
    }
}

/// A task and all that is known for it.
struct Seen<'a> {
    task: &'a Task,
    objects: Objects,
    look: &'a Look,
}

impl Seen<'_> {
    /// The object was asked for after the task: the queue delivered the task once more when its own object was gone and
    /// the id was in use again. What the task speaks of is not there any more; the new one is not touched.
    fn outlived(&self) -> Result<Vec<Step>, Failure> {
        match (&self.task.operation, self.task.phase) {
            (
                Operation::DeleteVolume { .. }
                | Operation::DeleteSnapshot { .. }
                | Operation::UnmanageVolume { .. }
                | Operation::UnmanageSnapshot { .. }
                | Operation::DisconnectVolume { .. }
                | Operation::WithdrawVolume { .. },
                _,
            )
            | (_, Phase::Revert) => Ok(Vec::new()),
            (
                Operation::CreateVolume { .. }
                | Operation::ExtendVolume { .. }
                | Operation::RevertVolume { .. }
                | Operation::ManageVolume { .. }
                | Operation::ManageSnapshot { .. }
                | Operation::CreateSnapshot { .. }
                | Operation::ConnectVolume { .. },
                Phase::Execute,
            ) => Err(self.failure(FailureKind::Conflict, "was asked for after this task: the task is outdated")),
        }
    }

    fn create(&self, size_bytes: u64) -> Result<Vec<Step>, Failure> {
        let found = match (&self.look.object, self.objects.source) {
            (Observed::Absent | Observed::Unknown, Some(from)) => return self.create_from(size_bytes, from, None),
            (Observed::Absent | Observed::Unknown, None) => {
                return Ok(vec![self.step(Act::Create { size_bytes, unfinished: false })]);
            }
            (Observed::Present(found), _) => found,
        };
        self.not_of_others(found)?;
        if let Some(from) = self.objects.source.filter(|_| found.unfinished) {
            return self.create_from(size_bytes, from, Some(found));
        }
        let mut steps = self.grow(size_bytes, found)?;
        // A worker that died right after the copy left it.
        steps.extend(self.without_still()?);
        Ok(steps)
    }

    fn extend(&self, size_bytes: u64) -> Result<Vec<Step>, Failure> {
        match &self.look.object {
            Observed::Absent => Err(self.failure(FailureKind::NotFound, "does not exist, so it cannot be extended")),
            Observed::Unknown => Ok(vec![self.step(Act::Extend { size_bytes })]),
            Observed::Present(found) if found.owner == Owner::Foreign => Err(self.foreign()),
            Observed::Present(found) => {
                let mut steps = self.grow(size_bytes, found)?;
                steps.extend(self.told(!steps.is_empty()));
                Ok(steps)
            }
        }
    }

    fn grow(&self, size_bytes: u64, found: &Found) -> Result<Vec<Step>, Failure> {
        let missing = found.size_bytes < size_bytes;
        if !(found.joined && found.has_snapshots) {
            return Ok(if missing { vec![self.step(Act::Extend { size_bytes })] } else { Vec::new() });
        }
        if missing && found.open {
            return Err(self
                .failure(FailureKind::Busy, "is in use and has snapshots: LVM extends it only while nobody uses it"));
        }
        let mut acts = Vec::with_capacity(3);
        if missing {
            acts.extend(found.active.then_some(Act::Deactivate));
            acts.push(Act::Extend { size_bytes });
        }
        // Also when a worker died between these steps.
        acts.extend((missing || !found.active).then_some(Act::Activate));
        Ok(acts.into_iter().map(|act| self.step(act)).collect())
    }

    fn snapshot(&self) -> Result<Vec<Step>, Failure> {
        if let Observed::Present(found) = &self.look.object {
            return self.not_of_others(found).map(|()| Vec::new());
        }
        let Some(of) = self.objects.source else { return Ok(Vec::new()) };
        let joined = self.source(of)?.is_some_and(|found| !found.clones);
        Ok(vec![self.step(Act::Snapshot { of, joined })])
    }

    fn delete(&self) -> Result<Vec<Step>, Failure> {
        let mut steps = self.without_still()?;
        // Nobody has an attachment: a target that is there is what was left.
        let withdrawn = self.withdrawn();
        match &self.look.object {
            Observed::Absent => steps.extend(withdrawn),
            Observed::Unknown => steps.push(self.step(Act::Remove)),
            Observed::Present(found) if found.owner == Owner::Foreign => return Err(self.foreign()),
            Observed::Present(found) => {
                let open = found.open && withdrawn.is_none();
                steps.extend(withdrawn);
                steps.extend(removal(self.task, self.objects.object, &Found { open, ..found.clone() })?);
            }
        }
        Ok(steps)
    }

    /// What a failed create left has never been given to anybody. There is nothing in it to wipe, unless it was made of
    /// data that somebody has.
    fn revert(&self) -> Result<Vec<Step>, Failure> {
        let mut steps = self.without_still()?;
        match &self.look.object {
            Observed::Absent => {}
            Observed::Unknown => steps.push(self.step(Act::Remove)),
            Observed::Present(found) if found.owner == Owner::Foreign => {}
            Observed::Present(found) => {
                let wipe = found.wipe.filter(|_| self.objects.source.is_some());
                steps.extend(removal(self.task, self.objects.object, &Found { wipe, ..found.clone() })?);
            }
        }
        Ok(steps)
    }

    /// What was found for a task that makes it is as this task made it.
    fn not_of_others(&self, found: &Found) -> Result<(), Failure> {
        if found.owner == Owner::Foreign {
            return Err(self.foreign());
        }
        // An old task made it too late. It is not taken over: tasks of that life may still remove it. The revert does.
        if found.asked_at.is_some_and(|at| at < self.task.asked_at) {
            return Err(self.failure(FailureKind::Conflict, "is left of an earlier object of this id"));
        }
        Ok(())
    }

    fn step(&self, act: Act) -> Step {
        Step { on: self.objects.object, act }
    }

    fn foreign(&self) -> Failure {
        self.failure(FailureKind::Conflict, "exists without its tags: somebody else made it, so it is left alone")
    }

    fn failure(&self, kind: FailureKind, what: &str) -> Failure {
        failure(kind, self.task, self.objects.object, what)
    }
}

/// The steps that remove an object, and nothing else with it.
fn removal(task: &Task, on: Object, found: &Found) -> Result<Vec<Step>, Failure> {
    if found.has_snapshots {
        return Err(failure(FailureKind::Busy, task, on, "has snapshots, so it cannot be removed"));
    }
    if found.open {
        return Err(failure(FailureKind::Busy, task, on, "is in use: something holds it open"));
    }
    let mut acts = Vec::with_capacity(4);
    if let Some(how) = found.wipe {
        acts.extend(found.joined.then_some(Act::Split));
        // Split off, a snapshot is as its volume was.
        acts.extend((!found.active || found.joined).then_some(Act::Activate));
        // One that was cut short goes on where it stopped, by the driver's mark.
        acts.push(Act::Wipe { how });
    }
    acts.push(Act::Remove);
    Ok(acts.into_iter().map(|act| Step { on, act }).collect())
}

fn ours(observed: &Observed) -> Option<&Found> {
    match observed {
        Observed::Present(found) if found.owner == Owner::Ours => Some(found),
        Observed::Present(_) | Observed::Absent | Observed::Unknown => None,
    }
}

fn failure(kind: FailureKind, task: &Task, on: Object, what: &str) -> Failure {
    Failure {
        kind,
        step: "plan".to_owned(),
        message: format!("{} in {} {what}", on.name(), task.pool),
        exit_status: None,
        stderr: String::new(),
    }
}
