use axum::http::StatusCode;
use serde_json::{Value, json};
use stele_core::state::Volume;

use crate::v3::answer::{Answer, Answered};
use crate::v3::body::{pairs as pairs_of, text};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::pairs;
use crate::v3::policy::Rule;
use crate::v3::schema::{ANYTHING, IMAGE_PAIRS, Kind, Rule as Is, Schema, object, under};

const SET: Schema = under!("os-set_image_metadata", object!({ "metadata" => IMAGE_PAIRS } required ["metadata"]));
const SHOW: Schema = under!("os-show_image_metadata", ANYTHING);
const UNSET: Schema = under!(
    "os-unset_image_metadata",
    object!({
        "key" => Schema(&[Is::Kind(&[Kind::Text]), Is::CharsMin(1), Is::CharsMax(255)])
    } required ["key"])
);

pub(super) async fn set(context: Context) -> Answered {
    let set = pairs_of(context.body_of(&SET, "os-set_image_metadata")?, "metadata").unwrap_or_default();
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeImageMetadataSet)?;
    change(&context, &volume, json!({"set": set})).await?;
    let volume: Volume = context.find("volume").await?;
    Ok(pairs::shown(&volume.image_metadata))
}

pub(super) async fn show(context: Context) -> Answered {
    context.body(&SHOW)?;
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeImageMetadataShow)?;
    if volume.image_metadata.is_empty() {
        return Err(missing(&volume));
    }
    Ok(pairs::shown(&volume.image_metadata))
}

pub(super) async fn unset(context: Context) -> Answered {
    let key = text(context.body_of(&UNSET, "os-unset_image_metadata")?, "key").unwrap_or_default();
    let volume: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeImageMetadataRemove)?;
    change(&context, &volume, json!({"unset": [key]})).await?;
    Ok(Answer::empty(StatusCode::OK))
}

async fn change(context: &Context, volume: &Volume, change: Value) -> Result<(), Fault> {
    let wanted = json!({"id": volume.id, "image_metadata_change": change});
    context.command(&volume.project, ("volume", "update"), &wanted).await.map(|_| ())
}

fn missing(volume: &Volume) -> Fault {
    Fault::not_found(format!("Glance metadata for volume/snapshot {} cannot be found.", volume.id))
}
