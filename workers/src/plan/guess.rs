use stele_core::task::{Operation, Phase, Task};

use super::{Act, Step};
use crate::object::Objects;

/// The only step of a task whose object is most likely not there yet, so that nobody has to look first: a volume that was
/// never asked for before. Making it fails when something of its name exists, so a wrong guess harms nobody.
#[must_use]
pub fn guess(task: &Task) -> Option<Step> {
    match task.operation {
        Operation::CreateVolume { size_gib, source: None, .. }
            if task.phase == Phase::Execute && task.dispatch == 1 =>
        {
            let act = Act::Create { size_bytes: size_gib.bytes(), unfinished: false };
            Some(Step { on: Objects::of(task).object, act })
        }
        _ => None,
    }
}
