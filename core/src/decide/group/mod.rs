//! Groups and group snapshots. A group has no place of its own: its volumes lie where they lie, and what is done to all
//! of them is done by their ordinary flows. The last of these to end moves the group on ([`after`]).

pub(super) mod create;
pub(super) mod delete;
mod member;
pub(super) mod snapshot;
pub(super) mod status;
pub(super) mod update;

use std::sync::Arc;

pub(super) use member::{Groups, after, concerned};

use super::Context;
use crate::id::{GroupId, GroupSnapshotId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::{Group, GroupSnapshot};

/// The group, if it exists and the sender may touch it.
fn own<'a>(cx: &Context<'a>, id: GroupId) -> Result<&'a Arc<Group>, Refusal> {
    cx.state.groups.get(&id).filter(|group| cx.may_touch(&group.project)).ok_or_else(|| {
        Refusal::new(
            RefusalCode::GroupNotFound,
            format!("Group {id} could not be found."),
            "list the groups of the project; ids of deleted groups are only in the log",
        )
    })
}

/// The group snapshot, if it exists and the sender may touch it.
fn own_snapshot<'a>(cx: &Context<'a>, id: GroupSnapshotId) -> Result<&'a Arc<GroupSnapshot>, Refusal> {
    cx.state.group_snapshots.get(&id).filter(|found| cx.may_touch(&found.project)).ok_or_else(|| {
        Refusal::new(
            RefusalCode::GroupSnapshotNotFound,
            format!("GroupSnapshot {id} could not be found."),
            "list the group snapshots of the project; ids of deleted ones are only in the log",
        )
    })
}

fn invalid_group(reason: &str, remedy: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidGroup, format!("Invalid Group: {reason}"), remedy)
}
