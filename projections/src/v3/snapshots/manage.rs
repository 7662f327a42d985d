//! Taking over snapshots that somebody else made, and giving snapshots up.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use stele_core::id::{SourceName, VolumeId};
use stele_core::state::{Snapshot, Volume};

use super::ACTION;
use super::view::Body;
use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{pairs, source_name, text, trimmed};
use crate::v3::context::{Context, Owned as _};
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::schema::{
    ANYTHING, DESCRIPTION, Kind, PAIRS_OR_NULL, Rule as Is, Schema, TEXT_OR_NULL, UUID, object, under,
};

/// The version in which the route without `os-` came.
const SINCE: u16 = 8;

const REFERENCE: Schema = Schema(&[Is::Kind(&[Kind::Object, Kind::Null, Kind::Text])]);
const BODY: Schema = under!(
    "snapshot",
    object!({
        "description" => DESCRIPTION,
        "metadata" => PAIRS_OR_NULL,
        "name" => TEXT_OR_NULL,
        "volume_id" => UUID,
        "ref" => REFERENCE,
    } required ["ref", "volume_id"])
);
const UNMANAGE: Schema = under!("os-unmanage", ANYTHING);

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post("/os-snapshot-manage", 0, manage).post("/manageable_snapshots", SINCE, manage).action(
        ACTION,
        "os-unmanage",
        0,
        unmanage,
    )
}

/// `snapshot.manage`.
#[derive(Serialize)]
struct Wanted {
    volume: VolumeId,
    source_name: SourceName,
    name: String,
    description: String,
    metadata: BTreeMap<String, String>,
}

async fn manage(context: Context) -> Answered {
    let given = context.body_of(&BODY, "snapshot")?;
    let id = text(given, "volume_id").unwrap_or_default().to_owned();
    let volume: Volume = context.read(move |context, stored| context.owned(stored, &id)).await?;
    context.allow(Rule::SnapshotManage)?;
    let wanted = Wanted {
        volume: volume.id,
        source_name: source_name(given)?,
        name: trimmed(given, &["name"]).unwrap_or_default(),
        description: trimmed(given, &["description"]).unwrap_or_default(),
        metadata: pairs(given, "metadata").unwrap_or_default(),
    };
    let made = context.operate(("snapshot", "manage"), &wanted).await?;
    context
        .read(move |context, stored| {
            let id = made.subjects.snapshot.ok_or_else(Fault::malformed)?;
            let found: Snapshot = stored.find(&id)?.ok_or_else(|| Snapshot::missing(&id.to_string()))?;
            Ok(Answer::accepted(&Body::made(context, found)))
        })
        .await
}

async fn unmanage(context: Context) -> Answered {
    context.body(&UNMANAGE)?;
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::SnapshotUnmanage)?;
    context.operate(("snapshot", "unmanage"), &json!({"id": found.id})).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}
