use imbl::{OrdMap, Vector};

use crate::id::{CommandId, ProjectId};
use crate::record::Commit;
use crate::unit::{Position, Timestamp};

/// The commands of the last while whose senders chose their ids, so that one that comes again gets its first outcome.
///
/// It is folded from the log like the state, but only by controls: readers have no use for it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    commands: OrdMap<(ProjectId, CommandId), SeenCommand>,
    /// In the order in which they will be forgotten.
    order: Vector<(Timestamp, ProjectId, CommandId)>,
}

/// Where a command's first outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenCommand {
    /// The record.
    pub position: Position,
    /// Which commit of the record.
    pub commit: usize,
    /// Tells another command under the same id apart.
    pub fingerprint: u64,
}

impl Seen {
    /// The first outcome of a command.
    #[must_use]
    pub fn get(&self, project: &ProjectId, id: CommandId) -> Option<SeenCommand> {
        self.commands.get(&(project.clone(), id)).copied()
    }

    /// Takes a commit in and forgets what is older than `keep_ms` before it.
    pub fn apply(&mut self, commit: &Commit, position: Position, index: usize, keep_ms: u64) {
        self.forget(commit.at, keep_ms);
        let Some(project) = commit.project.as_ref().filter(|_| commit.id_given) else { return };
        let key = (project.clone(), commit.id);
        if self.commands.contains_key(&key) {
            // Another command under a used id was refused: the first one keeps its place.
            return;
        }
        self.commands.insert(key, SeenCommand { position, commit: index, fingerprint: commit.fingerprint });
        self.order.push_back((commit.at, project.clone(), commit.id));
    }

    fn forget(&mut self, now: Timestamp, keep_ms: u64) {
        while let Some((at, _, _)) = self.order.front()
            && now.ms_since(*at) > keep_ms
        {
            if let Some((_, project, id)) = self.order.pop_front() {
                self.commands.remove(&(project, id));
            }
        }
    }

    /// How many commands are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// True when none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }
}
