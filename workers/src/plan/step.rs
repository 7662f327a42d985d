//! What is done to one object.

use std::fmt;

use stele_core::task::{Operation, Phase, Task};
use stele_core::unit::Position;

use super::Wipe;
use crate::object::Object;
use crate::turn::Lane;

/// One thing to do to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// To this.
    pub on: Object,
    /// This is done.
    pub act: Act,
}

/// What is done. Doing it twice is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Make a blank volume, with the tags of the task.
    Create {
        /// Its size, in bytes.
        size_bytes: u64,
        /// Data are to be copied into it: it gets the mark for that.
        unfinished: bool,
    },
    /// Make a volume that has the data of another object from the first moment, with the tags of the task.
    Clone {
        /// The other object.
        from: Object,
    },
    /// Make an object that keeps the data that a volume has now, with the tags of the task.
    Snapshot {
        /// The volume.
        of: Object,
        /// Its differences from the volume get room of their own, as much as the volume has.
        joined: bool,
    },
    /// Copy all bytes of another object into a marked volume, and take the mark away when all are there.
    Copy {
        /// The other object.
        from: Object,
    },
    /// Put another object, which has all its tags already, in the place of a volume, which is removed.
    Replace {
        /// The other object. It gets the volume's name.
        by: Object,
        /// The position in the volume's tags. A volume with another one is not touched: somebody was quicker. `None`
        /// when the volume was not there.
        at: Option<Position>,
    },
    /// Make a volume read as its snapshot does, byte by byte, and put the position of the task in the volume's tags when
    /// all are there.
    Overwrite {
        /// The snapshot.
        from: Object,
    },
    /// Make it of what has the task's source name: it gets the tags of the task, then its name.
    Adopt,
    /// Make it nobody's: it gets the task's source name, if there is one, and loses our tags.
    Release,
    /// Make it larger.
    Extend {
        /// The size that it shall have, in bytes.
        size_bytes: u64,
    },
    /// Make it readable and writable.
    Activate,
    /// Make it unreachable, together with its snapshots.
    Deactivate,
    /// Separate a snapshot from its volume. What is left of it are data that nobody can make sense of.
    Split,
    /// Make its data unreadable.
    Wipe {
        /// How.
        how: Wipe,
    },
    /// Remove it.
    Remove,
    /// Let the task's host reach it.
    Export,
    /// Let the task's host reach it no longer; the last host takes the target with it.
    Unexport,
    /// Take its target away, whoever may use it.
    Withdraw,
    /// Tell hosts how large it is.
    Resize,
}

impl Act {
    /// Whether it reads or writes all the data, which may take hours. Everything else takes a moment.
    #[must_use]
    pub fn is_slow(self) -> bool {
        matches!(self, Self::Copy { .. } | Self::Overwrite { .. } | Self::Wipe { .. })
    }

    /// Where it gives way to other tasks; `None` when it does not.
    #[must_use]
    pub fn gives_way(self) -> Option<Lane> {
        match self {
            Self::Remove => Some(Lane::Removal),
            _ => self.is_slow().then_some(Lane::Slow),
        }
    }
}

/// Whether all that a task does is to take something away for good. Nobody waits for the room, so everybody else comes first.
#[must_use]
pub fn removes(task: &Task) -> bool {
    let deletes = matches!(task.operation, Operation::DeleteVolume { .. } | Operation::DeleteSnapshot { .. });
    deletes && task.phase == Phase::Execute
}

impl Step {
    /// The step's stable name. Where a step runs a tool, the report names the tool instead.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.act {
            Act::Create { .. } => "create",
            Act::Clone { .. } => "clone",
            Act::Snapshot { .. } => "snapshot",
            Act::Copy { .. } => "copy",
            Act::Replace { .. } => "replace",
            Act::Adopt => "adopt",
            Act::Release => "release",
            Act::Overwrite { .. } => "overwrite",
            Act::Extend { .. } => "extend",
            Act::Activate => "activate",
            Act::Deactivate => "deactivate",
            Act::Split => "split",
            Act::Wipe { .. } => "wipe",
            Act::Remove => "remove",
            Act::Export => "export",
            Act::Unexport => "unexport",
            Act::Withdraw => "withdraw",
            Act::Resize => "resize",
        }
    }

    /// Whether it puts older data in the place of a volume's own, which somebody may go on using.
    #[must_use]
    pub fn takes_data_away(&self) -> bool {
        matches!(self.act, Act::Replace { .. } | Act::Overwrite { .. })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
