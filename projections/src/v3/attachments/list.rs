use stele_core::state::Attachment;
use stele_core::unit::Timestamp;

use super::view::{Detail, More, Summary};
use super::{Many, more};
use crate::query::Scope;
use crate::reader::Snapshot;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::filter::{FilterValue, Filterable, Filters};
use crate::v3::page::{Paging, SortValue, Sortable};

pub(super) async fn index(context: Context) -> Answered {
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            Ok(Answer::ok(&Many { attachments: page.iter().map(Summary::of).collect() }))
        })
        .await
}

pub(super) async fn detail(context: Context) -> Answered {
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let mores = page.iter().map(|attachment| more(context, snapshot, attachment));
            let mores = mores.collect::<Result<Vec<More>, Fault>>()?;
            let views = page.iter().zip(&mores).map(|(attachment, more)| Detail::of(attachment, more));
            Ok(Answer::ok(&Many { attachments: views.collect() }))
        })
        .await
}

fn page(context: &Context, snapshot: &Snapshot) -> Result<Vec<Attachment>, Fault> {
    let paging = Paging::read_for::<Attachment>(&context.query)?;
    let filters = Filters::read::<Attachment>(context, &[])?;
    let marker = paging.marker.as_deref().map(|id| context.owned::<Attachment>(snapshot, id)).transpose()?;
    let all = context.caller.is_admin && context.query.truth("all_tenants")?;
    let scope = if all { Scope::All } else { Scope::Project(&context.caller.project) };
    let keep = |attachment: &Attachment| Ok(!attachment.is_hidden() && filters.pass(attachment)?);
    Ok(paging.page(snapshot, scope, marker.as_ref(), keep)?.items)
}

impl Filterable for Attachment {
    const RESOURCE: &'static str = "attachment";
    const BEFORE: &'static [&'static str] = &["volume_id", "status", "instance_id", "attach_status"];
    const ADDED: &'static [(u16, &'static str)] = &[];

    fn filter_value(&self, key: &str) -> Option<FilterValue<'_>> {
        let text = |text: String| FilterValue::Text(text.into());
        Some(match key {
            "id" => text(self.id.to_string()),
            "volume_id" => text(self.volume.to_string()),
            "status" | "attach_status" => FilterValue::Text(self.status.name().into()),
            "instance_id" | "instance_uuid" => {
                self.instance.as_deref().map_or(FilterValue::Nothing, |instance| FilterValue::Text(instance.into()))
            }
            "project_id" => FilterValue::Text(self.project.as_str().into()),
            _ => return None,
        })
    }
}

impl Sortable for Attachment {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        Some(match key {
            "volume_id" => SortValue::text(Some(self.volume)),
            "instance_uuid" => SortValue::text(self.instance.as_ref()),
            "attach_status" => SortValue::text(Some(self.status.name())),
            "attached_host" => SortValue::text(self.host.as_ref()),
            "mountpoint" => SortValue::text(self.mountpoint.as_ref()),
            "attach_mode" => SortValue::text(self.mode.map(stele_core::task::AttachMode::name)),
            "attach_time" => SortValue::moment(self.attached_at),
            "updated_at" => SortValue::moment(self.updated_at),
            _ => return None,
        })
    }

    fn sorts_by(key: &str) -> bool {
        matches!(
            key,
            "volume_id"
                | "instance_uuid"
                | "attach_status"
                | "attached_host"
                | "mountpoint"
                | "attach_mode"
                | "attach_time"
                | "updated_at"
        )
    }
}
