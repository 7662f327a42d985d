//! `/qos-specs`: what whoever moves the data of a volume type shall keep to.

mod change;
#[cfg(test)]
mod tests;
mod view;

use serde::Serialize;
use stele_core::id::QosId;
use stele_core::state::Qos;
use stele_core::unit::Timestamp;

use super::answer::{Answer, Answered};
use super::context::Context;
use super::fault::Fault;
use super::links::Link;
use super::page::{PAGING, Paging, SortValue, Sortable};
use super::policy::Rule;
use super::routes::Routes;
use super::short_list::{self, ShortList};
use crate::reader::Snapshot;
use view::{AssociationView, QosView};

/// Cinder associates and disassociates on GET: clients do so too.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/qos-specs", 0, list)
        .post("/qos-specs", 0, change::create)
        .get("/qos-specs/{id}", 0, show)
        .put("/qos-specs/{id}", 0, change::update)
        .delete("/qos-specs/{id}", 0, change::delete)
        .put("/qos-specs/{id}/delete_keys", 0, change::delete_keys)
        .get("/qos-specs/{id}/associations", 0, associations)
        .get("/qos-specs/{id}/associate", 0, change::associate)
        .get("/qos-specs/{id}/disassociate", 0, change::disassociate)
        .get("/qos-specs/{id}/disassociate_all", 0, change::disassociate_all)
}

#[derive(Serialize)]
struct Body<'a> {
    qos_specs: QosView<'a>,
    links: [Link; 2],
}

async fn list(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageGetAll)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let paging = Paging::read_for::<Qos>(&context.query)?;
        let all: Vec<Qos> = snapshot.entities::<Qos>()?.iter()?.collect::<Result<_, _>>()?;
        let kept = all.into_iter().filter(|qos| keeps(context, qos)).collect();
        let page = short_list::page(&paging, kept, Some(missing))?;
        let views = page.items.iter().map(QosView::new).collect();
        let names = ("qos_specs", "qos_specs_links");
        Ok(Answer::ok(&ShortList::new(context, names, "qos-specs", views, page.next.as_deref())))
    };
    context.read(answer).await
}

/// Whether specs are what the parameters ask for. What specs do not have, none of them is.
fn keeps(context: &Context, qos: &Qos) -> bool {
    let mut filters = context.query.iter().filter(|(name, _)| !PAGING.contains(name));
    filters.all(|(name, wanted)| match name {
        "id" => wanted == qos.id.to_string(),
        "name" => wanted == qos.name,
        "consumer" => wanted == qos.consumer.name(),
        _ => false,
    })
}

async fn show(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageGet)?;
    shown(&context, None).await
}

/// The specs of an id, or those that the path names.
async fn shown(context: &Context, id: Option<QosId>) -> Answered {
    let answer = move |context: &Context, snapshot: &Snapshot| {
        let id = id.map_or_else(|| context.path("id").to_owned(), |id| id.to_string());
        let found = find(snapshot, &id)?;
        let links = context.links.of("qos-specs", &found.id.to_string());
        Ok(Answer::ok(&Body { qos_specs: QosView::new(&found), links }))
    };
    context.read(answer).await
}

async fn associations(context: Context) -> Answered {
    context.allow(Rule::QosSpecsManageGetAll)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let id = find(snapshot, context.path("id"))?.id;
        let types = snapshot.types()?;
        let users: Vec<_> = types.iter().filter(|found| found.qos == Some(id)).map(AssociationView::new).collect();
        Ok(Answer::ok(&serde_json::json!({"qos_associations": users})))
    };
    context.read(answer).await
}

fn find(snapshot: &Snapshot, id: &str) -> Result<Qos, Fault> {
    let parsed: Option<QosId> = id.parse().ok();
    let found = parsed.map(|id| snapshot.find::<Qos>(&id)).transpose()?.flatten();
    found.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Fault {
    let shown: String = id.chars().take(255).collect();
    Fault::not_found(format!("No such QoS spec {shown}."))
}

impl Sortable for Qos {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, _: &str) -> Option<SortValue> {
        None
    }

    fn sorts_by(_: &str) -> bool {
        false
    }
}
