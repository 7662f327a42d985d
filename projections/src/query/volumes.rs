use std::cmp::Ordering;
use std::collections::BTreeMap;

use stele_core::codec::decode;
use stele_core::id::{PoolName, ProjectId, TypeId, VolumeId};
use stele_core::state::{Volume, VolumeStatus};

use super::page::{LIMIT_DEFAULT, LIMIT_MAX, Sort, SortDirection, SortKey};
use super::types::{self, Types};
use super::{Order, Scope};
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table;
use crate::view::{VolumeList, VolumeView};

/// Which volumes are asked for; what is absent is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeFilter {
    /// Those of this project.
    pub project: Option<ProjectId>,
    /// Those in this status.
    pub status: Option<String>,
    /// Those of exactly this name.
    pub name: Option<String>,
    /// Those in this pool.
    pub pool: Option<PoolName>,
    /// Those of this type, by name or id. A type that does not exist has no volumes.
    pub volume_type: Option<String>,
    /// Those in this zone.
    pub availability_zone: Option<String>,
    /// Those with all of these keys and values.
    pub metadata: BTreeMap<String, String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumePageRequest {
    /// Which volumes.
    pub filter: VolumeFilter,
    /// In which order.
    pub sort: Sort,
    /// At most so many, 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Only what comes behind this volume.
    pub marker: Option<VolumeId>,
}

impl Default for VolumePageRequest {
    fn default() -> Self {
        Self { filter: VolumeFilter::default(), sort: Sort::default(), limit: LIMIT_DEFAULT, marker: None }
    }
}

/// Why there is no such page.
#[derive(Debug, thiserror::Error)]
pub enum VolumePageError {
    /// The marker names nothing that could stand in the list.
    #[error("the marker {0} is no volume of this list; it may have been deleted meanwhile")]
    UnknownMarker(VolumeId),
    /// The limit is out of range.
    #[error("a limit of {0} is outside 1 to {LIMIT_MAX}")]
    InvalidLimit(usize),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One volume; `None` when it does not exist (any more).
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn volume(snapshot: &Snapshot, id: VolumeId) -> Result<Option<VolumeView>, StoreError> {
    let Some(found) = stored(snapshot, id)? else { return Ok(None) };
    Ok(Some(view(found, &types::all(snapshot)?)))
}

/// One page of the volumes.
///
/// # Errors
/// [`VolumePageError`].
pub fn volumes(snapshot: &Snapshot, request: &VolumePageRequest) -> Result<VolumeList, VolumePageError> {
    if !(1..=LIMIT_MAX).contains(&request.limit) {
        return Err(VolumePageError::InvalidLimit(request.limit));
    }
    let types = types::all(snapshot)?;
    let nothing = VolumeList { volumes: Vec::new(), next_marker: None };
    let wanted = match &request.filter.volume_type {
        None => Wanted { filter: &request.filter, volume_type: None },
        Some(name_or_id) => match types.find(name_or_id) {
            Some(found) => Wanted { filter: &request.filter, volume_type: Some(found.id) },
            None => return Ok(nothing),
        },
    };
    let marker = request.marker.map(|id| marker(snapshot, &request.filter, id)).transpose()?;
    let mut page = if request.sort.key == SortKey::CreatedAt {
        let scope = request.filter.project.as_ref().map_or(Scope::All, Scope::Project);
        by_index(snapshot, scope, request, &wanted, marker.as_ref())?
    } else {
        by_sorting(snapshot, request, &wanted, marker.as_ref())?
    };
    let has_more = page.len() > request.limit;
    page.truncate(request.limit);
    let next_marker = page.last().filter(|_| has_more).map(|volume| volume.id);
    Ok(VolumeList { volumes: page.into_iter().map(|volume| view(volume, &types)).collect(), next_marker })
}

struct Wanted<'a> {
    filter: &'a VolumeFilter,
    /// The filter's type, found.
    volume_type: Option<TypeId>,
}

impl Wanted<'_> {
    fn matches(&self, volume: &Volume) -> bool {
        let filter = self.filter;
        let meets = |key: &String, value: &String| volume.metadata.get(key) == Some(value);
        filter.project.as_ref().is_none_or(|project| volume.project == *project)
            && filter.status.as_ref().is_none_or(|status| volume.status.name() == status)
            && filter.name.as_ref().is_none_or(|name| volume.name == *name)
            && filter.pool.as_ref().is_none_or(|pool| volume.pool.as_ref() == Some(pool))
            && self.volume_type.is_none_or(|id| volume.volume_type == id)
            && filter.availability_zone.as_ref().is_none_or(|zone| volume.availability_zone == *zone)
            && filter.metadata.iter().all(|(key, value)| meets(key, value))
    }
}

/// The marker's volume. It need not match the filter any more (its status may have changed between two pages), but it
/// must be of the project that is asked for: another project's volumes are not to be found out about.
fn marker(snapshot: &Snapshot, filter: &VolumeFilter, id: VolumeId) -> Result<Volume, VolumePageError> {
    let found = stored(snapshot, id)?;
    let own = found.filter(|volume| filter.project.as_ref().is_none_or(|project| volume.project == *project));
    own.ok_or(VolumePageError::UnknownMarker(id))
}

/// One more than the limit, from the index, without looking at anything before the marker or behind the page.
fn by_index(
    snapshot: &Snapshot,
    scope: Scope<'_>,
    request: &VolumePageRequest,
    wanted: &Wanted<'_>,
    marker: Option<&Volume>,
) -> Result<Vec<Volume>, StoreError> {
    let order = match request.sort.direction {
        SortDirection::Ascending => Order::OldestFirst,
        SortDirection::Descending => Order::NewestFirst,
    };
    let list = snapshot.list(scope, order, marker)?;
    let matching = list.filter(|volume| volume.as_ref().map_or(true, |volume| wanted.matches(volume)));
    matching.take(request.limit + 1).collect()
}

/// One more than the limit, by looking at every volume.
fn by_sorting(
    snapshot: &Snapshot,
    request: &VolumePageRequest,
    wanted: &Wanted<'_>,
    marker: Option<&Volume>,
) -> Result<Vec<Volume>, StoreError> {
    let mut found = Vec::new();
    for row in snapshot.rows(table::volumes::TABLE)? {
        let volume: Volume = decode(row?.1.value())?;
        let behind = marker.is_none_or(|marker| order(request.sort, marker, &volume) == Ordering::Less);
        if behind && wanted.matches(&volume) {
            found.push(volume);
        }
    }
    found.sort_by(|a, b| order(request.sort, a, b));
    found.truncate(request.limit + 1);
    Ok(found)
}

fn order(sort: Sort, a: &Volume, b: &Volume) -> Ordering {
    let by_key = match sort.key {
        SortKey::CreatedAt => a.created_at.cmp(&b.created_at),
        SortKey::UpdatedAt => a.updated_at.cmp(&b.updated_at),
        SortKey::Name => a.name.cmp(&b.name),
        SortKey::Size => a.size_gib.cmp(&b.size_gib),
        SortKey::Status => a.status.name().cmp(b.status.name()),
        SortKey::Id => Ordering::Equal,
    };
    let ascending = by_key.then(a.id.cmp(&b.id));
    if sort.direction == SortDirection::Ascending { ascending } else { ascending.reverse() }
}

fn stored(snapshot: &Snapshot, id: VolumeId) -> Result<Option<Volume>, StoreError> {
    snapshot.find(&id)
}

fn view(volume: Volume, types: &Types) -> VolumeView {
    let type_id = volume.volume_type;
    VolumeView {
        id: volume.id,
        name: volume.name,
        description: volume.description,
        project: volume.project,
        user: volume.user,
        status: volume.status.name().to_owned(),
        reason: volume.reason,
        flow_id: volume.status.flow(),
        size_gib: volume.size_gib.gib(),
        new_size_gib: match volume.status {
            VolumeStatus::Extending { size_gib, .. } => Some(size_gib.gib()),
            _ => None,
        },
        volume_type: types.name(type_id),
        volume_type_id: type_id,
        availability_zone: volume.availability_zone,
        pool: volume.pool,
        metadata: volume.metadata,
        created_at: volume.created_at,
        updated_at: volume.updated_at,
        launched_at: volume.launched_at,
        created_position: volume.created_position,
        source_snapshot_id: volume.source_snapshot,
        source_volume_id: volume.source_volume,
        group_id: volume.group,
        bootable: volume.bootable,
        readonly: volume.readonly,
        multiattach: volume.multiattach,
        image_metadata: volume.image_metadata,
        attachment_ids: volume.attachments.into_iter().collect(),
    }
}
