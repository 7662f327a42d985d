use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use stele_core::id::VolumeId;
use stele_core::state::Volume;

use super::view::Viewer;
use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{pairs, trimmed};
use crate::v3::context::Context;
use crate::v3::policy::Rule;
use crate::v3::schema::{Kind, PAIRS, Rule as Is, Schema, TRIMMED_DESCRIPTION, TRIMMED_NAME, under};

const FIELDS: Is = Is::Keys(&[
    ("name", TRIMMED_NAME),
    ("description", TRIMMED_DESCRIPTION),
    ("display_name", TRIMMED_NAME),
    ("display_description", TRIMMED_DESCRIPTION),
    ("metadata", PAIRS),
]);

const UPDATE: Schema = under!("volume", Schema(&[Is::Kind(&[Kind::Object]), FIELDS, Is::Closed]));

/// From 3.53 on, something has to be asked for.
const UPDATE_53: Schema = under!(
    "volume",
    Schema(&[
        Is::Kind(&[Kind::Object]),
        FIELDS,
        Is::Closed,
        Is::Any(&[
            Schema(&[Is::Required(&["name"])]),
            Schema(&[Is::Required(&["description"])]),
            Schema(&[Is::Required(&["display_name"])]),
            Schema(&[Is::Required(&["display_description"])]),
            Schema(&[Is::Required(&["metadata"])]),
        ]),
    ])
);

/// `volume.update`.
#[derive(Serialize)]
struct Wanted {
    id: VolumeId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, String>>,
}

pub(super) async fn update(context: Context) -> Answered {
    let schema = if context.version.has(53) { &UPDATE_53 } else { &UPDATE };
    let body = context.body_of(schema, "volume")?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeUpdate)?;
    let wanted = Wanted {
        id: volume.id,
        name: trimmed(body, &["name", "display_name"]),
        description: trimmed(body, &["description", "display_description"]),
        metadata: pairs(body, "metadata"),
    };
    context.command(&volume.project, ("volume", "update"), &wanted).await?;
    context
        .read(|context, snapshot| {
            let volume: Volume = context.owned(snapshot, context.path("volume"))?;
            Ok(Answer::ok(&Viewer::new(context, snapshot)?.changed(volume)?))
        })
        .await
}

/// With its snapshots when `cascade`; in any status when `force`, which is for operators.
pub(super) async fn delete(context: Context) -> Answered {
    let cascade = context.query.truth("cascade")?;
    let force = context.version.has(23) && context.query.truth("force")?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeDelete)?;
    let (what, wanted) = (("volume", "delete"), json!({"id": volume.id, "cascade": cascade, "force": force}));
    if force {
        context.allow(Rule::VolumeForceDelete)?;
        context.operate(what, &wanted).await?;
    } else {
        context.command(&volume.project, what, &wanted).await?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}
