use serde::Serialize;
use stele_core::id::{GroupId, GroupSnapshotId, GroupTypeId, ProjectId, TypeId, VolumeId};
use stele_core::state::Group;

use crate::v3::scalar::{Moment, unless_empty};
use crate::v3::version::Version;

/// A group in a list, and as it is answered when it is made.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    id: GroupId,
    name: Option<&'a str>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(group: &'a Group) -> Self {
        Self { id: group.id, name: unless_empty(&group.name) }
    }
}

/// A group with everything that its version and the caller's rights show.
#[derive(Debug, Serialize)]
pub(super) struct Detail<'a> {
    id: GroupId,
    status: &'static str,
    availability_zone: &'a str,
    created_at: Moment,
    name: Option<&'a str>,
    description: Option<&'a str>,
    group_type: GroupTypeId,
    volume_types: &'a [TypeId],
    #[serde(flatten)]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<VolumeId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'a ProjectId>,
}

#[derive(Debug, Serialize)]
struct Source {
    group_snapshot_id: Option<GroupSnapshotId>,
    source_group_id: Option<GroupId>,
}

impl<'a> Detail<'a> {
    /// `volumes` where they were asked for, `shows_project` where the caller may see it.
    pub(super) fn of(group: &'a Group, version: Version, volumes: Option<Vec<VolumeId>>, shows_project: bool) -> Self {
        let source = Source { group_snapshot_id: group.source_group_snapshot, source_group_id: group.source_group };
        Self {
            id: group.id,
            status: group.status.name(),
            availability_zone: &group.availability_zone,
            created_at: Moment(group.created_at),
            name: unless_empty(&group.name),
            description: unless_empty(&group.description),
            group_type: group.group_type,
            volume_types: &group.volume_types,
            source: version.has(14).then_some(source),
            volumes: volumes.filter(|_| version.has(25)),
            replication_status: version.has(38).then_some("disabled"),
            project_id: (version.has(58) && shows_project).then_some(&group.project),
        }
    }
}
