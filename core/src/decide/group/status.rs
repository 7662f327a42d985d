//! `group.reset_status`.

use super::super::{Context, Decided, Decision};
use super::own;
use crate::command::GroupStatusSet;
use crate::event::Event;
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Group, GroupStatus};

/// An operator states the group's status. Its members go on with what they are doing.
pub(in crate::decide) fn reset(cx: &Context<'_>, set: &GroupStatusSet) -> Decision {
    let group = own(cx, set.id)?;
    let status = GroupStatus::stated(&set.status).ok_or_else(|| not_a_status("Group", &set.status))?;
    let group = Group { status, reason: None, updated_at: Some(cx.now), ..Group::clone(group) };
    let subjects = Subjects { group: Some(group.id), ..Subjects::default() };
    Ok(Decided { subjects, events: vec![Event::GroupUpdated { group: Box::new(group) }] })
}

pub(super) fn not_a_status(what: &str, status: &str) -> Refusal {
    let status: String = status.chars().take(64).collect();
    Refusal::new(
        RefusalCode::InvalidStatus,
        format!("Invalid {what} Status: {status} is not a status of a {}", what.to_lowercase()),
        "state one of available, error, creating, deleting, deleted, updating, error_deleting; a group also in-use",
    )
}
