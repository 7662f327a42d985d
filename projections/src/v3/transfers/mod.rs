//! Volume transfers, under their old path and the one of 3.55.

mod key;
#[cfg(test)]
mod tests;
mod view;

use std::borrow::Cow;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use stele_core::id::ProjectId;
use stele_core::state::{Transfer, Volume};
use stele_core::unit::Timestamp;

use super::answer::{Answer, Answered};
use super::context::{Context, Owned};
use super::fault::Fault;
use super::page::{Collection, Page, Paging, SortValue, Sortable};
use super::policy::Rule as Policy;
use super::python::truth_of;
use super::routes::Routes;
use super::schema::{BOOLEAN, Kind, Misfit, NULL, Rule, Schema, UUID, object, under};
use crate::query::Scope;
use crate::reader::Snapshot;
use key::{NewKey, hash};
use view::{Detail, Summary};

/// The version with pages, and with the newest first.
const PAGES: u16 = 59;

/// What can be filtered by. Cinder restricts that to nobody here.
const KNOWN: &[&str] = &["name", "display_name", "volume_id", "id", "source_project_id"];

const NAME: Schema = Schema(&[Rule::One(&[Schema(&[Rule::Kind(&[Kind::Text]), Rule::Format(name)]), NULL])]);

const CREATE: Schema = under!("transfer", object!({ "volume_id" => UUID, "name" => NAME } required ["volume_id"]));

/// From 3.55 on.
const CREATE_WITH_SNAPSHOTS: Schema = under!(
    "transfer",
    object!({ "volume_id" => UUID, "name" => NAME, "no_snapshots" => BOOLEAN } required ["volume_id"])
);

const ACCEPT: Schema = under!(
    "accept",
    object!({ "auth_key" => Schema(&[Rule::Kind(&[Kind::Text, Kind::Integer])]) } required ["auth_key"])
);

/// The paths of the two collections.
const OLD: [&str; 4] = [
    "/os-volume-transfer",
    "/os-volume-transfer/detail",
    "/os-volume-transfer/{transfer}",
    "/os-volume-transfer/{transfer}/accept",
];
const NEW: [&str; 4] = [
    "/volume-transfers",
    "/volume-transfers/detail",
    "/volume-transfers/{transfer}",
    "/volume-transfers/{transfer}/accept",
];

pub(super) fn routes(routes: Routes) -> Routes {
    // Both answer in every version, as in Cinder.
    [OLD, NEW].into_iter().fold(routes, |routes, [all, detailed, one, accepted]| {
        routes
            .get(all, 0, index)
            .get(detailed, 0, detail)
            .post(all, 0, create)
            .get(one, 0, show)
            .delete(one, 0, delete)
            .post(accepted, 0, accept)
    })
}

impl Owned for Transfer {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        Fault::no_such("Transfer", id)
    }
}

#[derive(Serialize)]
struct One<T> {
    transfer: T,
}

async fn index(context: Context) -> Answered {
    context.allow(Policy::VolumeGetAllTransfers)?;
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let views = page.items.iter().map(|transfer| Summary::of(context, transfer)).collect();
            let list = Collection::at(context, "transfers", "os-volume-transfer", views, page.next.as_deref());
            Ok(Answer::ok(&list))
        })
        .await
}

async fn detail(context: Context) -> Answered {
    context.allow(Policy::VolumeGetAllTransfers)?;
    context
        .read(|context, snapshot| {
            let page = page(context, snapshot)?;
            let views = page.items.iter().map(|transfer| Detail::of(context, transfer, None)).collect();
            let list = Collection::at(context, "transfers", "os-volume-transfer/detail", views, page.next.as_deref());
            Ok(Answer::ok(&list))
        })
        .await
}

async fn show(context: Context) -> Answered {
    context.allow(Policy::VolumeGetTransfer)?;
    let transfer: Transfer = context.find("transfer").await?;
    Ok(Answer::ok(&One { transfer: Detail::of(&context, &transfer, None) }))
}

async fn create(context: Context) -> Answered {
    context.allow(Policy::VolumeCreateTransfer)?;
    let schema = if context.version.has(55) { CREATE_WITH_SNAPSHOTS } else { CREATE };
    let body = context.body_of(&schema, "transfer")?;
    let wanted = body.get("volume_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    let no_snapshots = body.get("no_snapshots").and_then(truth_of).unwrap_or(false);
    let volume: Volume = context.read(move |context, snapshot| context.owned(snapshot, &wanted)).await?;
    let key = NewKey::new();
    let content = json!({
        "volume": volume.id,
        "name": name,
        "no_snapshots": no_snapshots,
        "salt": key.salt,
        "key_hash": key.hash,
    });
    let done = context.command(&volume.project, ("transfer", "create"), &content).await?;
    let id = done.subjects.transfer.ok_or_else(Fault::malformed)?;
    let answer = context.read(move |context, snapshot| {
        let transfer: Transfer = context.owned(snapshot, &id.to_string())?;
        Ok(Answer::accepted(&One { transfer: Detail::of(context, &transfer, Some(key.key)) }))
    });
    answer.await
}

async fn accept(context: Context) -> Answered {
    context.allow(Policy::VolumeAcceptTransfer)?;
    let body = context.body_of(&ACCEPT, "accept")?;
    let key = match body.get("auth_key") {
        Some(Value::String(text)) => text.clone(),
        // Clients that do not quote what looks like a number.
        Some(number) => number.to_string(),
        None => String::new(),
    };
    // It belongs to the project that gives; whoever knows the key may see that much of it.
    let transfer = context.read(|context, snapshot| {
        let id = context.path("transfer");
        let found = id.parse().ok().map(|id| snapshot.find::<Transfer>(&id)).transpose()?.flatten();
        found.ok_or_else(|| Transfer::missing(id))
    });
    let transfer = transfer.await?;
    let content = json!({"id": transfer.id, "key_hash": hash(&transfer.salt, &key)});
    context.command(&context.caller.project, ("transfer", "accept"), &content).await?;
    Ok(Answer::accepted(&One { transfer: Summary::of(&context, &transfer) }))
}

async fn delete(context: Context) -> Answered {
    context.allow(Policy::VolumeDeleteTransfer)?;
    let transfer: Transfer = context.find("transfer").await?;
    context.command(&transfer.project, ("transfer", "delete"), &json!({"id": transfer.id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn page(context: &Context, snapshot: &Snapshot) -> Result<Page<Transfer>, Fault> {
    let mut paging = Paging::read_for::<Transfer>(&context.query)?;
    if !context.version.has(PAGES) {
        // As before there were pages: in the order in which they were made.
        paging.sort = vec![("created_at".to_owned(), true)];
    }
    let known = context.query.iter().filter(|(key, _)| KNOWN.contains(key));
    let wanted: Vec<(&str, &str)> = known.collect();
    let marker = paging.marker.as_deref().map(|id| context.owned::<Transfer>(snapshot, id)).transpose()?;
    let all = context.caller.is_admin && context.query.truth("all_tenants")?;
    let scope = if all { Scope::All } else { Scope::Project(&context.caller.project) };
    paging.page(snapshot, scope, marker.as_ref(), |transfer: &Transfer| {
        Ok(wanted.iter().all(|(key, text)| value(transfer, key).is_some_and(|own| own == *text)))
    })
}

fn value<'a>(transfer: &'a Transfer, key: &str) -> Option<Cow<'a, str>> {
    match key {
        "id" => Some(transfer.id.to_string().into()),
        "name" | "display_name" => Some(transfer.name.as_str().into()),
        "volume_id" => Some(transfer.volume.to_string().into()),
        "source_project_id" => Some(transfer.project.as_str().into()),
        _ => None,
    }
}

impl Sortable for Transfer {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        Some(match key {
            "display_name" | "name" => SortValue::text(Some(&self.name)),
            "volume_id" => SortValue::text(Some(self.volume)),
            "no_snapshots" => SortValue::Number(i64::from(self.no_snapshots)),
            // A transfer is never changed.
            "updated_at" => SortValue::Nothing,
            _ => return None,
        })
    }

    fn sorts_by(key: &str) -> bool {
        matches!(key, "display_name" | "name" | "volume_id" | "no_snapshots" | "updated_at")
    }
}

/// A name that is more than spaces, and not too long without those around it.
fn name(value: &Value) -> Result<(), Misfit> {
    let chars = value.as_str().map_or(0, |text| text.trim().chars().count());
    if (1..=255).contains(&chars) { Ok(()) } else { Err(Misfit::NotA("name")) }
}
