use std::borrow::Cow;

use serde::Serialize;
use stele_core::state::{Snapshot, Volume};
use stele_core::unit::Timestamp;

use super::view::SnapshotView;
use crate::query::{Order, Scope};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::filter::{FilterValue, Filterable, Filters};
use crate::v3::page::{Collection, Page, Paging, SortValue, Sortable};
use crate::v3::policy::Rule;
use crate::v3::python::truth;

const COLLECTION: &str = "snapshots";

/// Filters that are those of the volume.
const OF_VOLUME: &[&str] = &["availability_zone", "host", "cluster_name"];

pub(super) async fn summary(context: Context) -> Answered {
    list(context, COLLECTION, |_, snapshot| SnapshotView::brief(snapshot)).await
}

pub(super) async fn detail(context: Context) -> Answered {
    list(context, "snapshots/detail", SnapshotView::full).await
}

async fn list<V: Serialize + 'static>(
    context: Context,
    path: &'static str,
    view: impl Fn(&Context, Snapshot) -> V + Send + 'static,
) -> Answered {
    context.allow(Rule::VolumeGetAllSnapshots)?;
    let paging = Paging::read_for::<Snapshot>(&context.query)?;
    if !context.version.has(30) && paging.sort.iter().any(|(key, _)| key == "name") {
        return Err(Fault::invalid_input("Invalid sort key"));
    }
    let counts = context.version.has(45) && context.query.truth("with_count")?;
    let filters = Filters::read::<Snapshot>(&context, OF_VOLUME)?;
    let of_volume = Filters::of_volume(&context, OF_VOLUME)?;
    if filters.exact("consumes_quota").is_some() {
        context.query.truth("consumes_quota")?;
    }
    let all = context.caller.is_admin && context.query.get("all_tenants").and_then(truth).unwrap_or_default();
    context
        .read(move |context, snapshot| {
            let marker = paging.marker.as_deref().map(|id| context.owned(snapshot, id)).transpose()?;
            let scope = if all { Scope::All } else { Scope::Project(&context.caller.project) };
            let volumes = snapshot.entities::<Volume>()?;
            let keep = |item: &Snapshot| {
                if !filters.pass(item)? {
                    return Ok(false);
                }
                match (of_volume.is_empty(), volumes.get(&item.volume)?) {
                    (true, _) => Ok(true),
                    (false, Some(volume)) => of_volume.pass(&volume),
                    (false, None) => Ok(false),
                }
            };
            let Page { items, next } = paging.page(snapshot, scope, marker.as_ref(), keep)?;
            let mut count = None;
            if counts {
                let mut kept = 0;
                for item in snapshot.list::<Snapshot>(scope, Order::NewestFirst, None)? {
                    kept += u64::from(keep(&item?)?);
                }
                count = Some(kept);
            }
            let views = items.into_iter().map(|item| view(context, item)).collect();
            Ok(Answer::ok(&Collection::at(context, COLLECTION, path, views, next.as_deref()).with_count(count)))
        })
        .await
}

impl Sortable for Snapshot {
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
            "volume_id",
            "volume_size",
            "updated_at",
            "progress",
            "user_id",
            "project_id",
            "group_snapshot_id",
            "volume_type_id",
            "use_quota",
        ];
        KEYS.contains(&key)
    }
}

impl Filterable for Snapshot {
    const RESOURCE: &'static str = "snapshot";
    const BEFORE: &'static [&'static str] = &["status", "volume_id", "name", "metadata"];
    const ADDED: &'static [(u16, &'static str)] = &[(22, "metadata"), (65, "consumes_quota")];

    fn filter_value(&self, key: &str) -> Option<FilterValue<'_>> {
        Some(match key {
            "id" => FilterValue::Text(self.id.to_string().into()),
            "name" | "display_name" => FilterValue::Name(&self.name),
            "description" | "display_description" => FilterValue::Text(Cow::Borrowed(&self.description)),
            "status" => FilterValue::Text(Cow::Borrowed(self.status.name())),
            "volume_id" => FilterValue::Text(self.volume.to_string().into()),
            "volume_size" => FilterValue::Number(i64::from(self.size_gib.gib())),
            "progress" => FilterValue::Text(format!("{}%", self.progress).into()),
            "user_id" => FilterValue::Text(Cow::Borrowed(&self.user)),
            "project_id" => FilterValue::Text(Cow::Borrowed(self.project.as_str())),
            "group_snapshot_id" => {
                self.group_snapshot.map_or(FilterValue::Nothing, |id| FilterValue::Text(id.to_string().into()))
            }
            "metadata" => FilterValue::Pairs(Cow::Borrowed(&self.metadata)),
            "consumes_quota" | "use_quota" => FilterValue::Truth(true),
            "created_at" => FilterValue::Moment(self.created_at),
            "updated_at" => self.updated_at.map_or(FilterValue::Nothing, FilterValue::Moment),
            "cgsnapshot_id" | "encryption_key_id" | "provider_location" => FilterValue::Nothing,
            _ => return None,
        })
    }
}
