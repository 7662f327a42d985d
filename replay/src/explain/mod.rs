//! Why this pool and not each other one: the placements of one volume or request, decided again.
//!
//! The log is folded up to right before each commit of the story, and the commit's own words go through the code that
//! the writer decides by (`stele_core::decide::again`). What comes out is shown, with every candidate, also where the log
//! holds groups of them or nothing but a refusal; and it is compared with what was recorded. The two are the same unless
//! somebody changed the log or the code decides otherwise than it did.

mod compare;
mod render;

use std::io;

use serde::Serialize;
use stele_core::command::Source as Way;
use stele_core::decide::{Again, again};
use stele_core::event::Event;
use stele_core::evolve::Corrupt;
use stele_core::fold::{FoldError, Step};
use stele_core::id::{FlowId, VolumeId};
use stele_core::port::Log;
use stele_core::refusal::Refusal;
use stele_core::schedule::{Decision, SchedulerConfig};
use stele_core::unit::{Position, Timestamp};

pub use compare::Differing;
pub use render::{render_explained, render_explained_json};

use crate::progress::Progress;
use crate::show::follow::{Following, Relevant};
use crate::show::words::Teller;
use crate::show::{Subject, asked};
use crate::source::SourceError;
use crate::verify::Bad;
use crate::walk::Walk;

/// One commit of the story at which the scheduler was asked, or after which nobody had to ask any more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The record.
    pub position: Position,
    /// Which commit of the record, from 0.
    pub commit: usize,
    /// When it was decided, by control's clock.
    pub at: Timestamp,
    /// Who asked for what, or what had failed before.
    pub because: String,
    /// The settings of the scheduler that were in force.
    pub settings: SchedulerConfig,
    /// The questions to the scheduler, in order.
    pub decisions: Vec<Explanation>,
    /// How the request or the attempt ended here, in words.
    pub outcome: Vec<String>,
    /// Why the request was refused, when it was.
    pub refused: Option<Refusal>,
    /// What deciding it again gave.
    pub recomputed: Recomputed,
}

/// One question to the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The volume that it was about.
    pub volume: VolumeId,
    /// The answer as it comes out again, with every candidate.
    pub decision: Decision,
    /// The answer in the log; absent where the log holds a refusal with its text only, or nothing (a retype).
    pub recorded: Option<Box<Decision>>,
}

/// What deciding again gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recomputed {
    /// What is in the log.
    Same,
    /// Something else: where, and what on either side.
    Differs(Vec<Differing>),
    /// The message was no command: there was nothing to decide.
    NoCommand,
}

/// What was read for an explanation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many commits were explained; 0 when the log says nothing about placements of the subject.
    pub explained: u64,
    /// How many questions to the scheduler they had.
    pub decisions: u64,
    /// The positions whose decisions come out otherwise than they were recorded.
    pub differing: Vec<Position>,
    /// What shows that the log was damaged.
    pub damage: Vec<Bad>,
    /// Up to where the log was read.
    pub position: Position,
    /// How many messages of it were no records.
    pub strays: u64,
}

impl Summary {
    /// True when nothing differs and the log shows no damage.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.differing.is_empty() && self.damage.is_empty()
    }
}

/// Why something cannot be explained to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be understood from some position on; `verify` says what is wrong.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// What is decided now does not fit the state at that position.
    #[error("deciding again gives events that do not fit: {0}")]
    Again(Corrupt),
    /// The listener has had enough.
    #[error("the explanation could not be written")]
    Write(#[from] io::Error),
}

/// Explains the placements of `subject` up to the tail that the log has now; `each` gets them as they are read.
///
/// # Errors
/// [`ExplainError`]; what was explained before stays true.
pub async fn explain<L: Log>(
    log: &L,
    subject: Subject,
    progress: &mut dyn Progress,
    each: &mut (dyn FnMut(Explained) -> io::Result<()> + Send),
) -> Result<Summary, ExplainError> {
    let mut explaining = Explaining::new(subject);
    let mut take = |step: &Step<'_>| explaining.take(step, each);
    let (walk, position) = Walk::over(log, None, progress, &mut take).await?;
    let Summary { explained, decisions, differing, .. } = explaining.summary;
    let (damage, strays) = (walk.damage, walk.folded.strays);
    Ok(Summary { explained, decisions, differing, damage, position, strays })
}

/// An explanation underway.
struct Explaining {
    /// The volume, when the story is of one: a commit may place others as well.
    volume: Option<VolumeId>,
    following: Following,
    teller: Teller,
    summary: Summary,
}

impl Explaining {
    fn new(subject: Subject) -> Self {
        let volume = match &subject {
            Subject::Volume(volume) => Some(*volume),
            _ => None,
        };
        let following = Following::new(subject);
        Self { volume, following, teller: Teller::default(), summary: Summary::default() }
    }

    fn take(&mut self, step: &Step<'_>, each: &mut dyn FnMut(Explained) -> io::Result<()>) -> Result<(), ExplainError> {
        let Some(relevant) = self.following.relevant(step.commit) else { return Ok(()) };
        let outcome = self.outcome(step, &relevant);
        let (decisions, recomputed) = self.decide_again(step)?;
        let refused = step.commit.refusal().cloned();
        let differs = matches!(recomputed, Recomputed::Differs(_));
        if decisions.is_empty() && outcome.is_empty() && refused.is_none() && !differs {
            return Ok(());
        }
        self.summary.explained += 1;
        self.summary.decisions += decisions.len() as u64;
        if differs {
            self.summary.differing.push(step.position);
        }
        each(Explained {
            position: step.position,
            commit: step.index,
            at: step.commit.at,
            because: because(step, &relevant),
            settings: step.before.config.scheduler.clone(),
            decisions,
            outcome,
            refused,
            recomputed,
        })?;
        Ok(())
    }

    /// The questions about the subject with their answers, and whether all that was recorded comes out again.
    fn decide_again(&self, step: &Step<'_>) -> Result<(Vec<Explanation>, Recomputed), ExplainError> {
        let Step { before, seen, commit, position, .. } = *step;
        let Some(Again { commit: now, asked }) = again(before, seen, commit, position).map_err(ExplainError::Again)?
        else {
            return Ok((Vec::new(), Recomputed::NoCommand));
        };
        let mut recorded: Vec<(VolumeId, &Decision)> = commit.events.iter().filter_map(recorded).collect();
        let mut decisions = Vec::new();
        for asked in asked {
            let found = recorded.iter().position(|(volume, decision)| {
                *volume == asked.volume && decision.request.purpose == asked.decision.request.purpose
            });
            let recorded = found.map(|index| Box::new(recorded.remove(index).1.clone()));
            if self.volume.is_none_or(|volume| volume == asked.volume) {
                decisions.push(Explanation { volume: asked.volume, decision: asked.decision, recorded });
            }
        }
        let events = now.map(|commit| commit.events).unwrap_or_default();
        let differing = compare::differing(&commit.events, &events);
        let recomputed = if differing.is_empty() { Recomputed::Same } else { Recomputed::Differs(differing) };
        Ok((decisions, recomputed))
    }

    /// How it ended, in the words of a story.
    fn outcome(&mut self, step: &Step<'_>, relevant: &[Relevant]) -> Vec<String> {
        let mut lines = Vec::new();
        for Relevant { index, flow } in relevant {
            let Some(event) = step.commit.events.get(*index) else { continue };
            // The teller remembers what it was told, so it is told everything.
            let words = self.teller.tell(step.before, step.commit, event, *flow);
            if is_outcome(event) {
                lines.push(words.text);
                lines.extend(words.lines);
            }
        }
        lines
    }
}

fn recorded(event: &Event) -> Option<(VolumeId, &Decision)> {
    match event {
        Event::PlacementDecided { volume, decision, .. } => Some((*volume, decision)),
        _ => None,
    }
}

/// What ends a story about a place.
fn is_outcome(event: &Event) -> bool {
    matches!(
        event,
        Event::RequestRefused(_)
            | Event::VolumeCreated { .. }
            | Event::VolumeCreateFailed { .. }
            | Event::VolumeExtended { .. }
            | Event::VolumeExtendFailed { .. }
            | Event::VolumeRetyped { .. }
            | Event::VolumeManaged { .. }
            | Event::VolumeManageFailed { .. }
            | Event::SnapshotCreated { .. }
            | Event::SnapshotCreateFailed { .. }
    )
}

/// Who asked for what, or what had failed so that another pool was looked for.
fn because(step: &Step<'_>, relevant: &[Relevant]) -> String {
    if let Some(words) = asked::words(step.commit) {
        return words.text;
    }
    let events = || relevant.iter().filter_map(|relevant| step.commit.events.get(relevant.index));
    let flow = relevant.iter().find_map(|relevant| relevant.flow);
    let released = events().find_map(|event| match event {
        Event::PlacementReleased { flow, pool, .. } => Some((*flow, pool)),
        _ => None,
    });
    match (failure(step, events(), released.map(|(flow, _)| flow).or(flow)), released) {
        (Some(why), Some((_, pool))) => format!("the attempt on {pool} failed: {why}"),
        (None, Some((_, pool))) => format!("{pool} was given up"),
        (Some(why), None) => format!("the task failed: {why}"),
        (None, None) if step.commit.source == Way::Timer => "a deadline passed".to_owned(),
        (None, None) => "a worker reported".to_owned(),
    }
}

/// Why the flow's task failed: by this commit, or before its leftovers were removed.
fn failure<'a>(step: &Step<'_>, mut events: impl Iterator<Item = &'a Event>, flow: Option<FlowId>) -> Option<String> {
    let open = flow.and_then(|flow| step.before.flows.get(&flow)).and_then(|flow| flow.task.as_ref());
    let before = open.and_then(|open| open.failure.as_ref()).map(ToString::to_string);
    before.or_else(|| {
        events.find_map(|event| match event {
            Event::TaskFailed { failure, .. } => Some(failure.to_string()),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests;
