use std::collections::BTreeSet;

use stele_core::id::ProjectId;
use stele_core::state::{QuotaLimits, QuotaResource, Usage, VolumeType};

use super::{services, types};
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::table::{quotas, usage};
use crate::view::{QuotaLine, QuotaSetView};

/// What a project may use, uses and has reserved: every plain resource in Cinder's order, then three for each volume
/// type by the type's name. A project that nothing is known of has the cell's defaults and uses nothing.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn quotas_of_project(snapshot: &Snapshot, project: &ProjectId) -> Result<QuotaSetView, StoreError> {
    let limits: QuotaLimits = snapshot.get(quotas::TABLE, &quotas::key(project))?.unwrap_or_default();
    let used: Usage = snapshot.get(usage::TABLE, &usage::key(project))?.unwrap_or_default();
    let defaults = services::configuration(snapshot)?.quota_defaults;
    let types = types::all(snapshot)?;
    let mut by_name: Vec<&VolumeType> = types.values().collect();
    by_name.sort_by(|a, b| a.name.cmp(&b.name));
    let of_types = by_name.into_iter().flat_map(|found| {
        [QuotaResource::VolumesOf(found.id), QuotaResource::GigabytesOf(found.id), QuotaResource::SnapshotsOf(found.id)]
    });
    let mut resources: Vec<QuotaResource> = QuotaResource::plain().chain(of_types).collect();
    // What is used and named by nothing above must be seen all the more.
    let shown: BTreeSet<QuotaResource> = resources.iter().copied().collect();
    resources.extend(used.lines.keys().filter(|resource| !shown.contains(resource)));
    let lines = resources.into_iter().map(|resource| {
        let line = used.lines.get(&resource).copied().unwrap_or_default();
        let limit = limits.limits.get(&resource).or_else(|| defaults.get(&resource)).copied();
        QuotaLine {
            resource: resource.name(|id| types.get(&id).map_or_else(|| id.to_string(), |found| found.name.clone())),
            limit: limit.unwrap_or_else(|| resource.default_limit()),
            in_use: line.in_use,
            reserved: line.reserved,
        }
    });
    Ok(QuotaSetView { project: project.clone(), resources: lines.collect() })
}
