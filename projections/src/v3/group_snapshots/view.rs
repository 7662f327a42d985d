use serde::Serialize;
use stele_core::id::{GroupId, GroupSnapshotId, GroupTypeId, ProjectId};
use stele_core::state::GroupSnapshot;

use crate::v3::scalar::{Moment, unless_empty};
use crate::v3::version::Version;

/// A group snapshot in a list.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    id: GroupSnapshotId,
    name: Option<&'a str>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(snapshot: &'a GroupSnapshot) -> Self {
        Self { id: snapshot.id, name: unless_empty(&snapshot.name) }
    }
}

/// A group snapshot as it is answered when it is made.
#[derive(Debug, Serialize)]
pub(super) struct Created<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    group_type_id: GroupTypeId,
}

impl<'a> Created<'a> {
    pub(super) fn of(snapshot: &'a GroupSnapshot) -> Self {
        Self { summary: Summary::of(snapshot), group_type_id: snapshot.group_type }
    }
}

/// A group snapshot with everything that its version and the caller's rights show.
#[derive(Debug, Serialize)]
pub(super) struct Detail<'a> {
    id: GroupSnapshotId,
    group_id: GroupId,
    group_type_id: GroupTypeId,
    status: &'static str,
    created_at: Moment,
    name: Option<&'a str>,
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'a ProjectId>,
}

impl<'a> Detail<'a> {
    pub(super) fn of(snapshot: &'a GroupSnapshot, version: Version, shows_project: bool) -> Self {
        Self {
            id: snapshot.id,
            group_id: snapshot.group,
            group_type_id: snapshot.group_type,
            status: snapshot.status.name(),
            created_at: Moment(snapshot.created_at),
            name: unless_empty(&snapshot.name),
            description: unless_empty(&snapshot.description),
            project_id: (version.has(58) && shows_project).then_some(&snapshot.project),
        }
    }
}
