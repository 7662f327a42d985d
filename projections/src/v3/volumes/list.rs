use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use stele_core::id::ProjectId;
use stele_core::state::Volume;
use stele_core::unit::Timestamp;

use super::view::{Brief, COLLECTION, Viewer, metadata};
use crate::query::{Order, Scope};
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::filter::{FilterValue, Filterable, Filters};
use crate::v3::page::{Collection, Page, Paging, SortValue, Sortable};
use crate::v3::policy::Rule;

/// Filters that are truths: what is none is refused, also where there is no volume.
const TRUTHS: &[&str] = &["bootable", "multiattach", "consumes_quota", "deleted"];

pub(super) async fn summary(context: Context) -> Answered {
    list(context, COLLECTION, |context, _, volumes| {
        Ok(volumes.iter().map(|volume| Brief::of(context, volume)).collect::<Vec<_>>())
    })
    .await
}

pub(super) async fn detail(context: Context) -> Answered {
    list(context, "volumes/detail", |context, snapshot, volumes| {
        let viewer = Viewer::new(context, snapshot)?;
        let views: Result<Vec<_>, _> = volumes.into_iter().map(|volume| viewer.full(volume)).collect();
        Ok(views?)
    })
    .await
}

async fn list<V: Serialize + 'static>(
    context: Context,
    path: &'static str,
    view: impl FnOnce(&Context, &Snapshot, Vec<Volume>) -> Result<Vec<V>, Fault> + Send + 'static,
) -> Answered {
    context.allow(Rule::VolumeGetAll)?;
    let paging = Paging::read_for::<Volume>(&context.query)?;
    let counts = context.version.has(45) && context.query.truth("with_count")?;
    let filters = Filters::read::<Volume>(&context, &[])?;
    filters.check(TRUTHS)?;
    let all = context.all_tenants()?;
    context
        .read(move |context, snapshot| {
            let marker = paging.marker.as_deref().map(|id| context.owned(snapshot, id)).transpose()?;
            // With all projects open, one that is named is read by its own index.
            let named = filters.exact("project_id").filter(|_| all).and_then(|name| ProjectId::new(name).ok());
            let scope = match &named {
                Some(project) => Scope::Project(project),
                None if all => Scope::All,
                None => Scope::Project(&context.caller.project),
            };
            let Page { items, next } =
                paging.page(snapshot, scope, marker.as_ref(), |volume: &Volume| filters.pass(volume))?;
            let count = counts.then(|| count(snapshot, scope, &filters)).transpose()?;
            let views = view(context, snapshot, items)?;
            Ok(Answer::ok(&Collection::at(context, COLLECTION, path, views, next.as_deref()).with_count(count)))
        })
        .await
}

fn count(snapshot: &Snapshot, scope: Scope<'_>, filters: &Filters) -> Result<u64, Fault> {
    if filters.is_empty() {
        return Ok(snapshot.count::<Volume>(scope)?);
    }
    let mut count = 0;
    for volume in snapshot.list::<Volume>(scope, Order::NewestFirst, None)? {
        count += u64::from(filters.pass(&volume?)?);
    }
    Ok(count)
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct TotalsBody {
    volume_summary: Totals,
}

#[derive(Default, Serialize)]
struct Totals {
    total_count: u64,
    total_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, BTreeSet<String>>>,
}

/// How many volumes there are, how large they are together, and which metadata they have.
pub(super) async fn totals(context: Context) -> Answered {
    context.allow(Rule::VolumeGetAll)?;
    let all = context.all_tenants()?;
    context
        .read(move |context, snapshot| {
            let scope = if all { Scope::All } else { Scope::Project(&context.caller.project) };
            let mut totals = Totals::default();
            let mut pairs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for volume in snapshot.list::<Volume>(scope, Order::OldestFirst, None)? {
                let volume = volume?;
                totals.total_count += 1;
                totals.total_size += u64::from(volume.size_gib.gib());
                for (key, value) in volume.metadata {
                    pairs.entry(key).or_default().insert(value);
                }
            }
            totals.metadata = context.version.has(36).then_some(pairs);
            Ok(Answer::ok(&TotalsBody { volume_summary: totals }))
        })
        .await
}

/// Keys of Cinder's table of volumes, by which lists are sorted and filtered. Those of which no volume of this cell has
/// anything are here as well: asking for them is no mistake.
const KEYS_WITHOUT_VALUES: &[&str] = &[
    "ec2_id",
    "cluster_name",
    "scheduled_at",
    "terminated_at",
    "provider_location",
    "provider_auth",
    "provider_geometry",
    "provider_id",
    "encryption_key_id",
    "consistencygroup_id",
    "replication_status",
    "replication_extended_status",
    "replication_driver_data",
    "previous_status",
    "service_uuid",
    "shared_targets",
];

/// The attachment status of Cinder's table of volumes.
fn attach_status(volume: &Volume) -> &'static str {
    match volume.status.name() {
        "in-use" | "detaching" => "attached",
        "reserved" => "reserved",
        "attaching" => "attaching",
        _ => "detached",
    }
}

impl Sortable for Volume {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        self.filter_value(key).map(|value| SortValue::of(&value))
    }

    fn sorts_by(key: &str) -> bool {
        const KEYS: &[&str] = &[
            "name",
            "display_name",
            "display_description",
            "status",
            "size",
            "availability_zone",
            "updated_at",
            "launched_at",
            "bootable",
            "multiattach",
            "host",
            "user_id",
            "project_id",
            "volume_type_id",
            "snapshot_id",
            "source_volid",
            "attach_status",
            "migration_status",
            "group_id",
            "use_quota",
        ];
        KEYS.contains(&key) || KEYS_WITHOUT_VALUES.contains(&key)
    }
}

impl Filterable for Volume {
    const RESOURCE: &'static str = "volume";
    const BEFORE: &'static [&'static str] = &[
        "name",
        "status",
        "metadata",
        "bootable",
        "migration_status",
        "availability_zone",
        "group_id",
        "size",
        "created_at",
        "updated_at",
        "consumes_quota",
    ];
    const ADDED: &'static [(u16, &'static str)] =
        &[(4, "glance_metadata"), (10, "group_id"), (60, "created_at"), (60, "updated_at"), (65, "consumes_quota")];

    fn filter_value(&self, key: &str) -> Option<FilterValue<'_>> {
        let text = |text: Option<String>| text.map_or(FilterValue::Nothing, |text| FilterValue::Text(text.into()));
        Some(match key {
            "id" => text(Some(self.id.to_string())),
            "name" | "display_name" => FilterValue::Name(&self.name),
            "description" | "display_description" => FilterValue::Text(Cow::Borrowed(&self.description)),
            "status" => FilterValue::Text(Cow::Borrowed(self.status.name())),
            "size" => FilterValue::Number(i64::from(self.size_gib.gib())),
            "availability_zone" => FilterValue::Text(Cow::Borrowed(&self.availability_zone)),
            "created_at" => FilterValue::Moment(self.created_at),
            "updated_at" => self.updated_at.map_or(FilterValue::Nothing, FilterValue::Moment),
            "launched_at" => self.launched_at.map_or(FilterValue::Nothing, FilterValue::Moment),
            "bootable" => FilterValue::Truth(self.bootable),
            "multiattach" => FilterValue::Truth(self.multiattach),
            "consumes_quota" | "use_quota" => FilterValue::Truth(true),
            "deleted" => FilterValue::Truth(false),
            "host" => self.pool.as_ref().map_or(FilterValue::Nothing, |pool| FilterValue::Host(pool.as_str())),
            "user_id" => FilterValue::Text(Cow::Borrowed(&self.user)),
            "project_id" => FilterValue::Text(Cow::Borrowed(self.project.as_str())),
            "volume_type_id" => text(Some(self.volume_type.to_string())),
            "snapshot_id" => text(self.source_snapshot.map(|id| id.to_string())),
            "source_volid" => text(self.source_volume.map(|id| id.to_string())),
            "group_id" => text(self.group.map(|id| id.to_string())),
            "attach_status" => FilterValue::Text(Cow::Borrowed(attach_status(self))),
            "migration_status" => text(self.migration_status.as_deref().map(str::to_owned)),
            "metadata" => FilterValue::Pairs(metadata(self, &[])),
            "glance_metadata" => FilterValue::Pairs(Cow::Borrowed(&self.image_metadata)),
            key if KEYS_WITHOUT_VALUES.contains(&key) => FilterValue::Nothing,
            _ => return None,
        })
    }
}
