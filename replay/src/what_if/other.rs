//! The other history: a state of its own that the writer's code decides upon.

use std::collections::BTreeSet;

use stele_core::command::{Incoming, Source, parse};
use stele_core::decide;
use stele_core::evolve::Corrupt;
use stele_core::id::{CommandId, VolumeId};
use stele_core::record::{Commit, Verbatim};
use stele_core::schedule::Decision;
use stele_core::state::{Entity, Seen, State};
use stele_core::unit::{Position, Timestamp};

/// A longer subject stands in the log with its beginning only.
const SUBJECT_CHARS_MAX: usize = 256;

/// What is true in the other history.
#[derive(Debug, Clone, Default)]
pub(super) struct Other {
    pub(super) state: State,
    pub(super) seen: Seen,
}

/// Something that was decided there.
#[derive(Debug)]
pub(super) struct Decided {
    /// What was true before.
    pub(super) before: Other,
    pub(super) commit: Commit,
    /// Where it would stand.
    pub(super) position: Position,
    pub(super) touched: BTreeSet<Entity>,
}

impl Other {
    /// Decides a message as the writer does; `None` when it is not worth a place in a log.
    pub(super) fn offer(
        &mut self,
        incoming: &Incoming,
        now: Timestamp,
        position: Position,
        index: usize,
    ) -> Result<Option<Decided>, Corrupt> {
        let parsed = parse(incoming);
        let known = parsed.project.as_ref().filter(|_| parsed.id_given);
        let known = known.and_then(|project| self.seen.get(project, parsed.id));
        if known.is_some_and(|known| known.fingerprint == parsed.fingerprint) {
            return Ok(None);
        }
        let before = self.clone();
        let mut touched = BTreeSet::new();
        let touch = &mut |entity| {
            touched.insert(entity);
        };
        let commit = decide::commit(&mut self.state, incoming, parsed, now, position, known.is_some(), touch)?;
        let Some(commit) = commit else { return Ok(None) };
        self.seen.apply(&commit, position, index, self.state.config.idempotency_ms);
        Ok(Some(Decided { before, commit, position, touched }))
    }

    /// A message that was no command is none there either: it was refused, which changes nothing.
    pub(super) fn repeat(&mut self, commit: &Commit, position: Position, index: usize) {
        self.seen.apply(commit, position, index, self.state.config.idempotency_ms);
    }
}

/// The message that a commit was decided from; `None` when the log does not hold all of it.
pub(crate) fn incoming(commit: &Commit) -> Option<Incoming> {
    let Verbatim::Json(json) = &commit.command else { return None };
    if commit.subject.chars().count() >= SUBJECT_CHARS_MAX {
        return None;
    }
    Some(Incoming {
        subject: commit.subject.clone(),
        payload: json.get().as_bytes().to_vec().into(),
        source: commit.source,
        fallback_id: commit.id,
    })
}

/// A worker's word that nobody said.
pub(super) fn assumed_report(payload: Vec<u8>, id: CommandId) -> Incoming {
    let subject = "stele.report.assumed".to_owned();
    Incoming { subject, payload: payload.into(), source: Source::Report, fallback_id: id }
}

/// The whole answer of the scheduler about a volume, which the log may hold in groups only.
pub(super) fn in_full(
    (state, seen): (&State, &Seen),
    commit: &Commit,
    position: Position,
    volume: VolumeId,
) -> Result<Option<Decision>, Corrupt> {
    let again = decide::again(state, seen, commit, position)?;
    let asked = again.into_iter().flat_map(|again| again.asked);
    Ok(asked.filter(|asked| asked.volume == volume).map(|asked| asked.decision).last())
}
