use axum::http::StatusCode;
use serde::Serialize;
use stele_core::state::Volume;

use super::view::Viewer;
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;

/// The only thing that there is to say of a volume's encryption.
const KEY: &str = "encryption_key_id";

pub(super) async fn show(context: Context) -> Answered {
    context
        .read(|context, snapshot| {
            let volume: Volume = context.owned(snapshot, context.path("volume"))?;
            context.allow(Rule::VolumeGet)?;
            Ok(Answer::ok(&Viewer::new(context, snapshot)?.body(volume)?))
        })
        .await
}

#[derive(Serialize)]
struct Encryption {
    encryption_key_id: Option<String>,
}

/// No volume of this cell is encrypted.
pub(super) async fn encryption(context: Context) -> Answered {
    let _: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeEncryptionMetadata)?;
    Ok(Answer::ok(&Encryption { encryption_key_id: None }))
}

pub(super) async fn encryption_key(context: Context) -> Answered {
    let _: Volume = context.find("volume").await?;
    context.allow(Rule::VolumeEncryptionMetadata)?;
    if context.path("key") == KEY { Ok(Answer::empty(StatusCode::OK)) } else { Err(Fault::nothing_here()) }
}
