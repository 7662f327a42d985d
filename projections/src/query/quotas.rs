use std::collections::{BTreeMap, BTreeSet};

use stele_core::id::ProjectId;
use stele_core::state::{DEFAULT_QUOTA_CLASS, QuotaLimits, QuotaResource, Usage, VolumeType};

use super::types::{self, Types};
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::quota_classes;
use crate::view::{QuotaLine, QuotaSetView};

/// What a project may use, uses and has reserved: every plain resource in Cinder's order, then three for each volume
/// type by the type's name. A project that nothing is known of has the cell's defaults and uses nothing.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn quotas_of_project(snapshot: &Snapshot, project: &ProjectId) -> Result<QuotaSetView, StoreError> {
    let own: QuotaLimits = snapshot.find(project)?.unwrap_or_default();
    let used: Usage = snapshot.find(project)?.unwrap_or_default();
    let resources = Figures::read(snapshot)?.lines(&own, &used);
    Ok(QuotaSetView { project: project.clone(), resources })
}

/// The limits of a project that has none of its own, in the same order; nothing is in use.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn quota_defaults(snapshot: &Snapshot) -> Result<Vec<QuotaLine>, StoreError> {
    Ok(Figures::read(snapshot)?.lines(&QuotaLimits::default(), &Usage::default()))
}

/// The limits of a quota class; where it has none of its own, the defaults. A class that nobody has set is like that.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn quota_class(snapshot: &Snapshot, class: &str) -> Result<Vec<QuotaLine>, StoreError> {
    Ok(Figures::read(snapshot)?.lines(&of_class(snapshot, class)?, &Usage::default()))
}

fn of_class(snapshot: &Snapshot, class: &str) -> Result<QuotaLimits, StoreError> {
    Ok(snapshot.get(quota_classes::TABLE, &quota_classes::key(class))?.unwrap_or_default())
}

/// What every quota is made of.
struct Figures {
    /// The limits of the class `default`.
    default_class: QuotaLimits,
    /// Those of the configuration.
    configured: BTreeMap<QuotaResource, i64>,
    types: Types,
}

impl Figures {
    fn read(snapshot: &Snapshot) -> Result<Self, StoreError> {
        Ok(Self {
            default_class: of_class(snapshot, DEFAULT_QUOTA_CLASS)?,
            configured: snapshot.configuration()?.quota_defaults,
            types: types::all(snapshot)?,
        })
    }

    fn lines(&self, own: &QuotaLimits, used: &Usage) -> Vec<QuotaLine> {
        let mut by_name: Vec<&VolumeType> = self.types.iter().collect();
        by_name.sort_by(|a, b| a.name.cmp(&b.name));
        let of_types = by_name.into_iter().flat_map(|found| {
            let id = found.id;
            [QuotaResource::VolumesOf(id), QuotaResource::GigabytesOf(id), QuotaResource::SnapshotsOf(id)]
        });
        let mut resources: Vec<QuotaResource> = QuotaResource::plain().chain(of_types).collect();
        // What is used and named by nothing above must be seen all the more.
        let shown: BTreeSet<QuotaResource> = resources.iter().copied().collect();
        resources.extend(used.lines.keys().filter(|resource| !shown.contains(resource)));
        let line = |resource: QuotaResource| {
            let usage = used.lines.get(&resource).copied().unwrap_or_default();
            QuotaLine {
                resource: resource.name(|id| self.types.name(id)),
                limit: self.limit(own, resource),
                in_use: usage.in_use,
                reserved: usage.reserved,
            }
        };
        resources.into_iter().map(line).collect()
    }

    /// As [`stele_core::state::State::limit`] decides by.
    fn limit(&self, own: &QuotaLimits, resource: QuotaResource) -> i64 {
        let found = own.limits.get(&resource).or_else(|| self.default_class.limits.get(&resource));
        found.or_else(|| self.configured.get(&resource)).copied().unwrap_or_else(|| resource.default_limit())
    }
}
