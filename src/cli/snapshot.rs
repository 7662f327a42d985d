//! `stele snapshot`.

use serde_json::json;
use stele_core::id::SnapshotId;
use stele_core::unit::Position;
use stele_projections::view::{SnapshotList, SnapshotView};

use super::output::{json, line, or_dash, pairs, table};
use super::{Session, volume, wait};
use crate::args::{Snapshot, SnapshotCreate, SnapshotList as ListArgs, SnapshotManage, Wait};
use crate::client::Accepted;
use crate::failure::Failure;

pub(super) async fn run(session: &Session, command: &Snapshot) -> Result<(), Failure> {
    match command {
        Snapshot::Create(args) => create(session, args).await,
        Snapshot::List(args) => list(&session.as_of(&args.at), args).await,
        Snapshot::Show { snapshot, at } => show(&session.as_of(at), snapshot).await,
        Snapshot::Manage(args) => manage(session, args).await,
        Snapshot::Unmanage { snapshot, wait } => unmanage(session, snapshot, *wait).await,
        Snapshot::Delete { snapshots, wait } => delete(session, snapshots, *wait).await,
    }
}

async fn create(session: &Session, args: &SnapshotCreate) -> Result<(), Failure> {
    let content = json!({
        "id": args.id,
        "volume": volume::find(session, &args.volume).await?,
        "name": args.name,
        "description": args.description,
        "metadata": volume::map(&args.metadata),
        "force": args.force,
    });
    let connection = session.connection().await?;
    let accepted = session.command(&connection, "snapshot", "create", content).await?;
    wait::after::<SnapshotView>(session, snapshot_of(accepted)?, accepted, args.wait, "available").await
}

async fn list(session: &Session, args: &ListArgs) -> Result<(), Failure> {
    let mut query: Vec<(&str, String)> = Vec::new();
    if !args.all_projects {
        query.push(("project", session.project().to_string()));
    }
    if let Some(volume) = &args.volume {
        query.push(("volume", volume::find(session, volume).await?.to_string()));
    }
    let optional = [
        ("name", args.name.clone()),
        ("limit", args.limit.map(|limit| limit.to_string())),
        ("marker", args.marker.map(|marker| marker.to_string())),
    ];
    query.extend(optional.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))));
    let list: SnapshotList = session.api.get("/v1/snapshots", &query, None).await?;
    if session.json {
        return json(&list);
    }
    let row = |s: &SnapshotView| {
        vec![
            s.id.to_string(),
            s.name.clone(),
            s.status.clone(),
            s.size_gib.to_string(),
            s.volume_id.to_string(),
            s.created_at.to_string(),
        ]
    };
    table(&["id", "name", "status", "GiB", "volume", "created at"], list.snapshots.iter().map(row));
    if let Some(marker) = list.next_marker {
        line(&format!("there are more: --marker {marker}"));
    }
    Ok(())
}

async fn show(session: &Session, snapshot: &str) -> Result<(), Failure> {
    let id = find(session, snapshot).await?;
    let view: SnapshotView = wait::look(&session.api, &id, Position(0)).await?.ok_or_else(|| not_found(snapshot))?;
    if session.json {
        return json(&view);
    }
    print(&view);
    Ok(())
}

async fn delete(session: &Session, snapshots: &[String], wait: Wait) -> Result<(), Failure> {
    let connection = session.connection().await?;
    for snapshot in snapshots {
        let id = find(session, snapshot).await?;
        let accepted = session.command(&connection, "snapshot", "delete", json!({"id": id})).await?;
        wait::after::<SnapshotView>(session, id, accepted, wait, "deleted").await?;
    }
    Ok(())
}

async fn manage(session: &Session, args: &SnapshotManage) -> Result<(), Failure> {
    let content = json!({
        "volume": volume::find(session, &args.volume).await?,
        "source_name": args.source_name,
        "name": args.name,
        "description": args.description,
        "metadata": volume::map(&args.metadata),
    });
    let accepted = session.admin("snapshot", "manage", content).await?;
    wait::after::<SnapshotView>(session, snapshot_of(accepted)?, accepted, args.wait, "available").await
}

async fn unmanage(session: &Session, snapshot: &str, wait: Wait) -> Result<(), Failure> {
    let id = find(session, snapshot).await?;
    let accepted = session.admin("snapshot", "unmanage", json!({"id": id})).await?;
    wait::after::<SnapshotView>(session, id, accepted, wait, "unmanaged").await
}

fn snapshot_of(accepted: Accepted) -> Result<SnapshotId, Failure> {
    accepted.subjects.snapshot.ok_or_else(|| {
        Failure::new("UnreadableOutcome", "the outcome names no snapshot", "use a `stele` of the cell's release")
    })
}

pub(super) fn print(snapshot: &SnapshotView) {
    let metadata: Vec<String> = snapshot.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs([
        ("id", snapshot.id.to_string()),
        ("name", snapshot.name.clone()),
        ("description", snapshot.description.clone()),
        ("status", snapshot.status.clone()),
        ("reason", or_dash(snapshot.reason.as_ref())),
        ("size", format!("{} GiB", snapshot.size_gib)),
        ("volume", snapshot.volume_id.to_string()),
        ("pool", snapshot.pool.to_string()),
        ("group snapshot", or_dash(snapshot.group_snapshot_id)),
        ("metadata", metadata.join(" ")),
        ("project", snapshot.project.to_string()),
        ("created at", snapshot.created_at.to_string()),
        ("asked for at position", snapshot.created_position.to_string()),
    ]);
}

/// The id of a snapshot that is given by its id or its name.
pub(super) async fn find(session: &Session, snapshot: &str) -> Result<SnapshotId, Failure> {
    if let Ok(id) = snapshot.parse() {
        return Ok(id);
    }
    let query = [("project", session.project().to_string()), ("name", snapshot.to_owned()), ("limit", "2".to_owned())];
    let found: SnapshotList = session.api.get("/v1/snapshots", &query, None).await?;
    match found.snapshots.as_slice() {
        [] => Err(not_found(snapshot)),
        [one] => Ok(one.id),
        _ => Err(Failure::new("NameNotUnique", format!("several snapshots are called {snapshot}"), "use the id")),
    }
}

fn not_found(snapshot: &str) -> Failure {
    Failure::new(
        "SnapshotNotFound",
        format!("there is no snapshot {snapshot}"),
        "`stele snapshot list` shows those that there are",
    )
}
