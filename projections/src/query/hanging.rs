//! What hangs on volumes: their snapshots and attachments.

use stele_core::id::{AttachmentId, ProjectId, SnapshotId, VolumeId};
use stele_core::state::{Attachment, Snapshot as VolumeSnapshot};

use super::page::{LIMIT_DEFAULT, LIMIT_MAX};
use super::{Listed, Order, Scope, Stored};
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::view::{AttachmentList, AttachmentView, SnapshotList, SnapshotView};

/// One page of what hangs on volumes, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HangingPageRequest<Id> {
    /// Those of this project.
    pub project: Option<ProjectId>,
    /// Those of this volume.
    pub volume: Option<VolumeId>,
    /// Those of exactly this name, where they have one.
    pub name: Option<String>,
    /// At most so many, 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Only what comes behind this one.
    pub marker: Option<Id>,
}

impl<Id> Default for HangingPageRequest<Id> {
    fn default() -> Self {
        Self { project: None, volume: None, name: None, limit: LIMIT_DEFAULT, marker: None }
    }
}

/// Why there is no such page.
#[derive(Debug, thiserror::Error)]
pub enum HangingPageError {
    /// The marker names nothing that could stand in the list.
    #[error("the marker is nothing of this list; it may have been deleted meanwhile")]
    UnknownMarker,
    /// The limit is out of range.
    #[error("a limit of {0} is outside 1 to {LIMIT_MAX}")]
    InvalidLimit(usize),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One snapshot; `None` when it does not exist (any more).
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn snapshot(stored: &Snapshot, id: SnapshotId) -> Result<Option<SnapshotView>, StoreError> {
    Ok(stored.find::<VolumeSnapshot>(&id)?.map(snapshot_view))
}

/// One page of the snapshots.
///
/// # Errors
/// [`HangingPageError`].
pub fn snapshots(
    snapshot: &Snapshot,
    request: &HangingPageRequest<SnapshotId>,
) -> Result<SnapshotList, HangingPageError> {
    let is_called = |found: &VolumeSnapshot| request.name.as_ref().is_none_or(|name| found.name == *name);
    let (page, next_marker) = page(snapshot, request, |found: &VolumeSnapshot| &found.project, is_called)?;
    let next_marker = next_marker.then(|| page.last().map(|found| found.id)).flatten();
    Ok(SnapshotList { snapshots: page.into_iter().map(snapshot_view).collect(), next_marker })
}

/// One page of the attachments.
///
/// # Errors
/// [`HangingPageError`].
pub fn attachments(
    snapshot: &Snapshot,
    request: &HangingPageRequest<AttachmentId>,
) -> Result<AttachmentList, HangingPageError> {
    let (page, next_marker) = page(snapshot, request, |found: &Attachment| &found.project, |_| true)?;
    let next_marker = next_marker.then(|| page.last().map(|found| found.id)).flatten();
    Ok(AttachmentList { attachments: page.into_iter().map(attachment_view).collect(), next_marker })
}

/// The page, and whether there is more behind it.
fn page<T: Stored + Listed>(
    snapshot: &Snapshot,
    request: &HangingPageRequest<T::Id>,
    project_of: impl Fn(&T) -> &ProjectId,
    is_called: impl Fn(&T) -> bool,
) -> Result<(Vec<T>, bool), HangingPageError> {
    if !(1..=LIMIT_MAX).contains(&request.limit) {
        return Err(HangingPageError::InvalidLimit(request.limit));
    }
    let is_wanted = |found: &T| {
        request.project.as_ref().is_none_or(|project| project_of(found) == project)
            && request.volume.is_none_or(|volume| found.scopes().contains(&Scope::Volume(volume)))
    };
    let marker = match &request.marker {
        Some(id) => {
            let found = snapshot.find::<T>(id)?.filter(is_wanted);
            Some(found.ok_or(HangingPageError::UnknownMarker)?)
        }
        None => None,
    };
    let scope = match (&request.volume, &request.project) {
        (Some(volume), _) => Scope::Volume(*volume),
        (None, Some(project)) => Scope::Project(project),
        (None, None) => Scope::All,
    };
    let list = snapshot.list::<T>(scope, Order::NewestFirst, marker.as_ref())?;
    let wanted = list.filter(|found| found.as_ref().map_or(true, |found| is_wanted(found) && is_called(found)));
    let mut page = wanted.take(request.limit + 1).collect::<Result<Vec<T>, StoreError>>()?;
    let has_more = page.len() > request.limit;
    page.truncate(request.limit);
    Ok((page, has_more))
}

fn snapshot_view(found: VolumeSnapshot) -> SnapshotView {
    SnapshotView {
        id: found.id,
        volume_id: found.volume,
        name: found.name,
        description: found.description,
        project: found.project,
        user: found.user,
        status: found.status.name().to_owned(),
        reason: found.reason,
        flow_id: found.status.flow(),
        size_gib: found.size_gib.gib(),
        progress: found.progress,
        pool: found.pool,
        group_snapshot_id: found.group_snapshot,
        metadata: found.metadata,
        created_at: found.created_at,
        updated_at: found.updated_at,
        created_position: found.created_position,
    }
}

fn attachment_view(found: Attachment) -> AttachmentView {
    AttachmentView {
        id: found.id,
        volume_id: found.volume,
        project: found.project,
        status: found.status.name().to_owned(),
        reason: found.reason,
        flow_id: found.status.flow(),
        instance: found.instance,
        host: found.host,
        mountpoint: found.mountpoint,
        mode: found.mode,
        driver_volume_type: found.connection.map(|connection| connection.driver_volume_type),
        service_owned: found.service_owned,
        created_at: found.created_at,
        updated_at: found.updated_at,
        attached_at: found.attached_at,
        created_position: found.created_position,
    }
}
