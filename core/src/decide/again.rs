//! Deciding again what the log holds, from what was known before it: for whoever asks why it was decided so.

use std::cell::RefCell;

use super::{SUBJECT_CHARS_MAX, decided, id_reused};
use crate::command::{Incoming, Parsed, parse};
use crate::evolve::{Corrupt, Meta};
use crate::id::VolumeId;
use crate::record::{Commit, Verbatim};
use crate::schedule::Decision;
use crate::state::{Seen, State};
use crate::unit::Position;

/// A question that was put to the scheduler, with the whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The volume that it was about.
    pub volume: VolumeId,
    /// Every candidate; [`Decision::bounded`] makes of it what is recorded.
    pub decision: Decision,
}

/// A commit that was decided again.
#[derive(Debug)]
pub struct Again {
    /// What comes out now; `None` when nothing would be recorded.
    pub commit: Option<Commit>,
    /// The questions to the scheduler, in order, also those whose answer is recorded as a refusal only.
    pub asked: Vec<Asked>,
}

/// Decides a commit of the log again: `state` and `seen` as they were before it, `position` that of its record.
///
/// `None` for a message that is not in the log with all of its bytes or its whole subject: it was no command, and
/// nothing was decided by it.
///
/// # Errors
/// [`Corrupt`] when what comes out now does not fit the state.
pub fn again(state: &State, seen: &Seen, commit: &Commit, position: Position) -> Result<Option<Again>, Corrupt> {
    let Verbatim::Json(json) = &commit.command else { return Ok(None) };
    if commit.subject.chars().count() >= SUBJECT_CHARS_MAX {
        return Ok(None);
    }
    let incoming = Incoming {
        subject: commit.subject.clone(),
        payload: json.get().as_bytes().to_vec().into(),
        source: commit.source,
        fallback_id: commit.id,
    };
    let mut parsed = parse(&incoming);
    // As the writer looks: the same command again is no commit, so whatever was seen was another one.
    let project = parsed.project.as_ref().filter(|_| parsed.id_given);
    if project.is_some_and(|project| seen.get(project, parsed.id).is_some()) {
        parsed = Parsed { command: Err(id_reused(parsed.id)), ..parsed };
    }
    let asked = RefCell::new(Vec::new());
    let meta = Meta { position, at: commit.at };
    let commit = decided(&mut state.clone(), &incoming, parsed, meta, Some(&asked), &mut |_| {})?;
    Ok(Some(Again { commit, asked: asked.into_inner() }))
}
