use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::state::Snapshot;
use uuid::Uuid;

use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::policy::Rule;
use crate::v3::scalar::{Moment, unless_empty};

/// A snapshot under its name.
#[derive(Debug, Serialize)]
pub(super) struct Body {
    snapshot: SnapshotView,
}

/// A snapshot; what is not there in the request's version, or not for the caller, is left out. `Some(None)` is a null.
#[derive(Debug, Serialize)]
pub(super) struct SnapshotView {
    id: Uuid,
    created_at: Moment,
    updated_at: Option<Moment>,
    name: Option<String>,
    description: Option<String>,
    volume_id: Uuid,
    status: &'static str,
    size: u32,
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_snapshot_id: Option<Option<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumes_quota: Option<bool>,
    #[serde(rename = "os-extended-snapshot-attributes:project_id", skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(rename = "os-extended-snapshot-attributes:progress", skip_serializing_if = "Option::is_none")]
    progress: Option<String>,
}

impl SnapshotView {
    /// In a short list.
    pub(super) fn brief(snapshot: Snapshot) -> Self {
        Self {
            id: snapshot.id.0,
            created_at: Moment(snapshot.created_at),
            updated_at: snapshot.updated_at.map(Moment),
            name: unless_empty(&snapshot.name).map(ToOwned::to_owned),
            description: unless_empty(&snapshot.description).map(ToOwned::to_owned),
            volume_id: snapshot.volume.0,
            status: snapshot.status.name(),
            size: snapshot.size_gib.gib(),
            metadata: snapshot.metadata,
            group_snapshot_id: None,
            user_id: None,
            consumes_quota: None,
            project_id: None,
            progress: None,
        }
    }

    /// One that was just changed.
    fn plain(context: &Context, snapshot: Snapshot) -> Self {
        let version = context.version;
        Self {
            group_snapshot_id: version.has(14).then(|| snapshot.group_snapshot.map(|id| id.0)),
            user_id: version.has(41).then(|| snapshot.user.clone()),
            consumes_quota: version.has(65).then_some(true),
            ..Self::brief(snapshot)
        }
    }

    /// One that was asked for.
    pub(super) fn full(context: &Context, snapshot: Snapshot) -> Self {
        let extended = context.allows(Rule::ExtendedSnapshotAttributes);
        Self {
            project_id: extended.then(|| snapshot.project.to_string()),
            progress: extended.then(|| format!("{}%", snapshot.progress)),
            ..Self::plain(context, snapshot)
        }
    }
}

impl Body {
    /// One that was just changed.
    pub(super) fn changed(context: &Context, snapshot: Snapshot) -> Self {
        Self { snapshot: SnapshotView::plain(context, snapshot) }
    }

    /// One that was just asked for: as it was then, though its flow may be further by now.
    pub(super) fn made(context: &Context, snapshot: Snapshot) -> Self {
        let view = SnapshotView::plain(context, snapshot);
        Self { snapshot: SnapshotView { status: "creating", updated_at: None, ..view } }
    }
}

pub(super) async fn show(context: Context) -> Answered {
    let found: Snapshot = context.find("snapshot").await?;
    context.allow(Rule::VolumeGetSnapshot)?;
    Ok(Answer::ok(&Body { snapshot: SnapshotView::full(&context, found) }))
}
