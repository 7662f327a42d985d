//! The log beside checkpoints that were kept elsewhere.

use std::collections::BTreeMap;

use stele_core::digest::StateDigest;
use stele_core::unit::Position;

use super::Run;
use super::report::{Bad, BadKind, KEEP};
use crate::checkpoint::{Checkpoint, PublicKey};

/// Checkpoints, and whose signatures are believed.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    believed: Vec<PublicKey>,
    /// By their positions; several may be of one.
    checkpoints: BTreeMap<Position, Vec<Checkpoint>>,
}

impl Kept {
    /// These checkpoints, of which those count that one of these keys has signed.
    #[must_use]
    pub fn new(believed: Vec<PublicKey>, checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut kept = Self { believed, checkpoints: BTreeMap::new() };
        for checkpoint in checkpoints {
            kept.checkpoints.entry(checkpoint.position).or_default().push(checkpoint);
        }
        kept
    }
}

impl Run {
    /// Finds the checkpoints that say nothing.
    pub(super) fn not_believed(&mut self) {
        let Kept { believed, checkpoints } = &mut self.options.kept;
        for (position, of_it) in checkpoints.iter_mut() {
            of_it.retain(|checkpoint| match checkpoint.check(believed) {
                Ok(()) => true,
                Err(why) => {
                    let what = format!("the checkpoint of this position says nothing: {why}");
                    let remedy = "use the checkpoint as it was written, and the key that belongs to who signed it";
                    self.result.bad(bad(*position, what, remedy.to_owned()));
                    false
                }
            });
        }
    }

    /// Compares with the checkpoints of this position.
    pub(super) fn compare_kept(&mut self, position: Position) {
        let Some(checkpoints) = self.options.kept.checkpoints.remove(&position) else { return };
        let chain = &self.folded.chain;
        let digest = StateDigest::of(&self.folded.state).digest;
        for Checkpoint { hash, digest: kept, at, .. } in checkpoints {
            let what = if chain.position != position {
                format!("a checkpoint says that a record of {at} stands here, and the log has none here")
            } else if chain.hash != hash {
                format!("a checkpoint says that the record here, of {at}, has the hash {hash}: it is {}", chain.hash)
            } else if digest != kept {
                // The records are the same, so it is not the log that was changed.
                format!("the records lead to the state {digest}, and led to {kept} when the checkpoint was made")
            } else {
                self.result.checkpoints += 1;
                continue;
            };
            let remedy = format!("{KEEP}; the log was changed at or before this position since {at}");
            self.result.bad(bad(position, what, remedy));
        }
    }

    /// Of checkpoints behind the end the log has lost the records.
    pub(super) fn lost_kept(&mut self, tail: Position) {
        let left = std::mem::take(&mut self.options.kept.checkpoints);
        for (position, checkpoints) in left.into_iter().filter(|(position, _)| *position > tail) {
            if let Some(Checkpoint { at, .. }) = checkpoints.first() {
                let what = format!(
                    "the log ends at position {tail}, and a checkpoint was made at position {position}, of {at}: \
                     acknowledged records are lost"
                );
                let remedy = format!("{KEEP}; start the control that led last: its journal holds the newest records");
                self.result.bad(bad(tail.next(), what, remedy));
            }
        }
    }
}

fn bad(position: Position, what: String, remedy: String) -> Bad {
    Bad { position, kind: BadKind::Checkpoint, what, remedy }
}
