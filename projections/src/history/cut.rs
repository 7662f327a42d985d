//! The past of a story is the story itself without what was added later: everything in it says where it was added.

use stele_core::event::Event;
use stele_core::unit::Position;

use super::tasks::QUOTA_RESERVE;
use crate::view::FlowHistory;

/// The story as it was at a position; `None` when it had not begun.
pub(crate) fn until(mut story: FlowHistory, position: Position) -> Option<FlowHistory> {
    if story.started_position > position {
        return None;
    }
    if story.finished_position.is_some_and(|finished| finished > position) {
        (story.finished_at, story.finished_position, story.failure) = (None, None, None);
    }
    for task in &mut story.tasks {
        task.transitions.retain(|transition| transition.position <= position);
        if let Some(last) = task.transitions.last() {
            task.state = last.state;
        }
    }
    story.tasks.retain(|task| !task.transitions.is_empty());
    if !story.tasks.iter().any(|task| task.name == QUOTA_RESERVE) {
        story.reservation = None;
    }
    Some(story)
}

/// Whether an event writes over something that stands in the story already. [`until`] cannot bring that back, so the
/// story has to be kept as it was.
pub(super) fn overwrites(story: &FlowHistory, event: &Event) -> bool {
    match event {
        // Progress within one step is one transition, however often it is reported.
        Event::TaskProgressed { task, step, .. } => {
            let told = story.tasks.iter().find(|told| told.task_id == Some(*task));
            let last = told.and_then(|told| told.transitions.last());
            last.is_some_and(|last| last.step.as_deref() == Some(step))
        }
        Event::QuotaReserved { .. } => story.reservation.is_some(),
        Event::FlowFinished { .. } => story.finished_position.is_some(),
        _ => false,
    }
}
