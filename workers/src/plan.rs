//! What is missing: from a task and an observation to the steps that make the task's words true. Pure.
//!
//! ```text
//! execute          absent             ours                          foreign            unknown
//! create           Create             nothing, or Extend            Conflict           Create
//! delete           nothing            Activate, Wipe, Remove        Conflict           Remove
//! extend           NotFound           nothing, or Extend            Conflict           Extend
//! revert create    nothing            Remove                        nothing            Remove
//! revert others    nothing            nothing                       nothing            nothing
//! ```
//!
//! An object that was asked for after the task is never touched: the task is an old one that was delivered once more.
//!
//! "Ours" is an object that carries the tag of this very volume: an object that merely has the name was made by
//! somebody else, and is neither taken over nor destroyed. A volume is never shrunk, so an extend has nothing to
//! revert; a deleted volume cannot come back, so a delete has nothing to revert either.

use std::fmt;

use serde::{Deserialize, Serialize};
use stele_core::task::{Failure, FailureKind, Operation, Phase, Task};
use stele_core::unit::Position;

/// What a driver saw under the name of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// Nothing has that name.
    Absent,
    /// Something has it.
    Present(Found),
    /// The driver keeps nothing that could be looked at (the null driver): every step is needed.
    Unknown,
}

/// An object that was found under the name of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its size, in bytes; at least what was asked, for some drivers round up.
    pub size_bytes: u64,
    /// Who made it.
    pub owner: Owner,
    /// The position of the event that asked for it, when its tags tell.
    pub asked_at: Option<Position>,
    /// Something holds it open: a target, a mount, a virtual machine.
    pub open: bool,
    /// Snapshots hang on it and would go, or break, with it.
    pub has_snapshots: bool,
    /// It can be read and written now.
    pub active: bool,
    /// What has to be done to its data before it is removed.
    pub wipe: Option<Wipe>,
}

/// Who made an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// It carries the tag of this volume.
    Ours,
    /// It does not; only its name is that of the volume.
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

/// One thing to do to the object of a task's volume. Doing it twice is harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make it, with the tags of the task.
    Create {
        /// Its size, in bytes.
        size_bytes: u64,
    },
    /// Make it larger.
    Extend {
        /// The size that it shall have, in bytes.
        size_bytes: u64,
    },
    /// Make it readable and writable.
    Activate,
    /// Make its data unreadable.
    Wipe {
        /// How.
        how: Wipe,
        /// Its size, in bytes.
        size_bytes: u64,
    },
    /// Remove it.
    Remove,
}

impl Step {
    /// The step's stable name. Where a step runs a tool, the report names the tool instead.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Extend { .. } => "extend",
            Self::Activate => "activate",
            Self::Wipe { .. } => "wipe",
            Self::Remove => "remove",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The steps that are missing; none when the task's words are true already.
///
/// # Errors
/// A [`Failure`] at the step `plan` when no step of ours would make them true, or when a step would harm somebody.
pub fn plan(task: &Task, observed: &Observed) -> Result<Vec<Step>, Failure> {
    if let Observed::Present(found) = observed
        && found.owner == Owner::Ours
        && found.asked_at.is_some_and(|at| at > task.asked_at)
    {
        return outlived(task);
    }
    match (&task.operation, task.phase) {
        (Operation::CreateVolume { size_gib, .. }, Phase::Execute) => create(task, size_gib.bytes(), observed),
        (Operation::CreateVolume { .. }, Phase::Revert) => revert_create(task, observed),
        (Operation::DeleteVolume { .. }, Phase::Execute) => delete(task, observed),
        (Operation::ExtendVolume { size_gib, .. }, Phase::Execute) => extend(task, size_gib.bytes(), observed),
        (Operation::DeleteVolume { .. } | Operation::ExtendVolume { .. }, Phase::Revert) => Ok(Vec::new()),
    }
}

/// The object was asked for after the task: the queue delivered the task once more when its own object was gone and
/// the volume's id was in use again. What the task speaks of is not there any more; the new one is not touched.
fn outlived(task: &Task) -> Result<Vec<Step>, Failure> {
    match (&task.operation, task.phase) {
        (Operation::DeleteVolume { .. }, _) | (_, Phase::Revert) => Ok(Vec::new()),
        (Operation::CreateVolume { .. } | Operation::ExtendVolume { .. }, Phase::Execute) => {
            Err(failure(FailureKind::Conflict, task, "was asked for after this task: the task is outdated"))
        }
    }
}

fn create(task: &Task, size_bytes: u64, observed: &Observed) -> Result<Vec<Step>, Failure> {
    match observed {
        Observed::Absent | Observed::Unknown => Ok(vec![Step::Create { size_bytes }]),
        Observed::Present(found) if found.owner == Owner::Foreign => Err(foreign(task)),
        // An old task made it too late. It is not taken over: tasks of that life may still remove it. The revert does.
        Observed::Present(found) if found.asked_at.is_some_and(|at| at < task.asked_at) => {
            Err(failure(FailureKind::Conflict, task, "is left of an earlier volume of this id"))
        }
        Observed::Present(found) => grow(task, size_bytes, found),
    }
}

fn extend(task: &Task, size_bytes: u64, observed: &Observed) -> Result<Vec<Step>, Failure> {
    match observed {
        Observed::Absent => Err(failure(FailureKind::NotFound, task, "does not exist, so it cannot be extended")),
        Observed::Unknown => Ok(vec![Step::Extend { size_bytes }]),
        Observed::Present(found) if found.owner == Owner::Foreign => Err(foreign(task)),
        Observed::Present(found) => grow(task, size_bytes, found),
    }
}

fn grow(task: &Task, size_bytes: u64, found: &Found) -> Result<Vec<Step>, Failure> {
    if found.size_bytes >= size_bytes {
        return Ok(Vec::new());
    }
    if found.has_snapshots {
        // LVM extends the origin of thick snapshots only while it is inactive.
        return Err(failure(FailureKind::Busy, task, "has snapshots, so it cannot be extended"));
    }
    Ok(vec![Step::Extend { size_bytes }])
}

fn delete(task: &Task, observed: &Observed) -> Result<Vec<Step>, Failure> {
    let found = match observed {
        Observed::Absent => return Ok(Vec::new()),
        Observed::Unknown => return Ok(vec![Step::Remove]),
        Observed::Present(found) => found,
    };
    if found.owner == Owner::Foreign {
        return Err(foreign(task));
    }
    removable(task, found)?;
    let mut steps = Vec::with_capacity(3);
    if let Some(how) = found.wipe {
        if !found.active {
            steps.push(Step::Activate);
        }
        // A wipe that was cut short cannot be told from none: it is done again, from the start.
        steps.push(Step::Wipe { how, size_bytes: found.size_bytes });
    }
    steps.push(Step::Remove);
    Ok(steps)
}

/// What a failed create left has never been given to anybody, so there is nothing in it to wipe.
fn revert_create(task: &Task, observed: &Observed) -> Result<Vec<Step>, Failure> {
    match observed {
        Observed::Absent => Ok(Vec::new()),
        Observed::Unknown => Ok(vec![Step::Remove]),
        Observed::Present(found) if found.owner == Owner::Foreign => Ok(Vec::new()),
        Observed::Present(found) => removable(task, found).map(|()| vec![Step::Remove]),
    }
}

fn removable(task: &Task, found: &Found) -> Result<(), Failure> {
    if found.has_snapshots {
        return Err(failure(FailureKind::Busy, task, "has snapshots, so it cannot be removed"));
    }
    if found.open {
        return Err(failure(FailureKind::Busy, task, "is in use: something holds it open"));
    }
    Ok(())
}

fn foreign(task: &Task) -> Failure {
    failure(
        FailureKind::Conflict,
        task,
        "exists without the tag of this volume: somebody else made it, so it is left alone",
    )
}

fn failure(kind: FailureKind, task: &Task, what: &str) -> Failure {
    let name = stele_core::task::lv_name(task.operation.volume());
    Failure {
        kind,
        step: "plan".to_owned(),
        message: format!("{name} in {} {what}", task.pool),
        exit_status: None,
        stderr: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use stele_core::unit::SizeGib;

    use super::*;
    use crate::testing::{GIB, create_task, delete_task, extend_task};

    const OURS: Found = Found {
        size_bytes: 2 * GIB,
        owner: Owner::Ours,
        asked_at: Some(Position(42)),
        open: false,
        has_snapshots: false,
        active: true,
        wipe: None,
    };

    fn reverted(task: Task) -> Task {
        Task { phase: Phase::Revert, ..task }
    }

    /// What a plan comes to, in short: the steps, or the class of the failure.
    fn outcome(task: &Task, observed: &Observed) -> String {
        match plan(task, observed) {
            Ok(steps) => format!("{steps:?}"),
            Err(failure) => {
                assert_eq!(failure.step, "plan");
                failure.kind.to_string()
            }
        }
    }

    #[test]
    fn every_operation_meets_every_observation() {
        let present = Observed::Present;
        let observations = [
            Observed::Absent,
            Observed::Unknown,
            present(OURS),
            present(Found { size_bytes: GIB, ..OURS }),
            present(Found { owner: Owner::Foreign, wipe: Some(Wipe::Zero), ..OURS }),
            present(Found { open: true, ..OURS }),
            present(Found { size_bytes: GIB, has_snapshots: true, ..OURS }),
            present(Found { wipe: Some(Wipe::Zero), ..OURS }),
            present(Found { wipe: Some(Wipe::Discard), active: false, ..OURS }),
            present(Found { active: false, ..OURS }),
        ];
        let create = "[Create { size_bytes: 2147483648 }]";
        let extend = "[Extend { size_bytes: 2147483648 }]";
        let zero = "[Wipe { how: Zero, size_bytes: 2147483648 }, Remove]";
        let discard = "[Activate, Wipe { how: Discard, size_bytes: 2147483648 }, Remove]";
        #[rustfmt::skip]
        let table = [
            (create_task(1, 2), [create, create, "[]", extend, "conflict", "[]", "busy", "[]", "[]", "[]"]),
            (extend_task(1, 2), ["not_found", extend, "[]", extend, "conflict", "[]", "busy", "[]", "[]", "[]"]),
            (delete_task(1), ["[]", "[Remove]", "[Remove]", "[Remove]", "conflict", "busy", "busy", zero, discard, "[Remove]"]),
            (reverted(create_task(1, 2)),
                ["[]", "[Remove]", "[Remove]", "[Remove]", "[]", "busy", "busy", "[Remove]", "[Remove]", "[Remove]"]),
            (reverted(extend_task(1, 2)), ["[]"; 10]),
            (reverted(delete_task(1)), ["[]"; 10]),
        ];
        for (task, expected) in table {
            for (observed, expected) in observations.iter().zip(expected) {
                assert_eq!(outcome(&task, observed), expected, "{:?} {:?} {observed:?}", task.operation, task.phase);
            }
        }
    }

    /// Tasks of the tests are of position 42.
    #[test]
    fn what_was_asked_for_later_is_not_touched() {
        let newer = Observed::Present(Found { size_bytes: GIB, asked_at: Some(Position(43)), ..OURS });
        for task in [create_task(1, 2), extend_task(1, 2)] {
            assert_eq!(outcome(&task, &newer), "conflict");
            assert_eq!(outcome(&reverted(task), &newer), "[]");
        }
        assert_eq!(outcome(&delete_task(1), &newer), "[]");
        let older = Observed::Present(Found { asked_at: Some(Position(41)), ..OURS });
        assert_eq!(outcome(&create_task(1, 2), &older), "conflict");
        assert_eq!(outcome(&reverted(create_task(1, 2)), &older), "[Remove]");
        let untold = Observed::Present(Found { asked_at: None, ..OURS });
        assert_eq!(outcome(&delete_task(1), &untold), "[Remove]");
    }

    #[test]
    fn the_largest_volume_is_planned_exactly() {
        let mut task = create_task(1, 1);
        let size_gib = SizeGib::new(i128::from(i32::MAX)).unwrap();
        task.operation = Operation::CreateVolume { volume: task.operation.volume(), size_gib };
        assert_eq!(plan(&task, &Observed::Absent).unwrap(), [Step::Create { size_bytes: 2_147_483_647 << 30 }]);
    }

    #[test]
    fn a_refusal_names_the_object_and_the_pool() {
        let failure = plan(&extend_task(7, 2), &Observed::Absent).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "not_found at plan: volume-00000000-0000-0000-0000-000000000007 in n1@mem#pool does not exist, \
             so it cannot be extended"
        );
    }
}
