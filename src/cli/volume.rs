//! `stele volume`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stele_core::id::VolumeId;
use stele_core::unit::Position;
use stele_projections::view::{DecisionList, FlowList, VolumeList, VolumeView};

use super::output::{json, line, or_dash, pairs, table};
use super::{Session, snapshot, wait};
use crate::args::{Volume, VolumeCreate, VolumeList as ListArgs, VolumeManage, Wait};
use crate::client::Accepted;
use crate::failure::Failure;

pub(super) async fn run(session: &Session, command: &Volume) -> Result<(), Failure> {
    match command {
        Volume::Create(args) => create(session, args).await,
        Volume::List(args) => list(&session.as_of(&args.at), args).await,
        Volume::Show { volume, at } => show(&session.as_of(at), volume).await,
        Volume::Delete { volumes, force, wait } => delete(session, volumes, *force, *wait).await,
        Volume::Extend { volume, size_gib, wait } => extend(session, volume, *size_gib, *wait).await,
        Volume::Manage(args) => manage(session, args).await,
        Volume::Unmanage { volume, wait } => unmanage(session, volume, *wait).await,
        Volume::Revert { volume, snapshot, wait } => revert(session, volume, snapshot, *wait).await,
        Volume::Update { volume, name, description, metadata } => {
            let content =
                json!({"name": name, "description": description, "metadata": metadata.as_ref().map(|m| map(m))});
            update(session, volume, content).await
        }
    }
}

async fn create(session: &Session, args: &VolumeCreate) -> Result<(), Failure> {
    let of_snapshot = match &args.snapshot {
        Some(named) => Some(snapshot::find(session, named).await?),
        None => None,
    };
    let of_volume = match &args.source {
        Some(named) => Some(find(session, named).await?),
        None => None,
    };
    let content = json!({
        "id": args.id,
        "snapshot": of_snapshot,
        "source_volume": of_volume,
        "size_gib": args.size,
        "name": args.name,
        "description": args.description,
        "type": args.volume_type,
        "availability_zone": args.availability_zone,
        "metadata": map(&args.metadata),
    });
    let connection = session.connection().await?;
    let accepted = session.command(&connection, "volume", "create", content).await?;
    let id = volume_of(accepted)?;
    wait::after::<VolumeView>(session, id, accepted, args.wait, "available").await
}

async fn list(session: &Session, args: &ListArgs) -> Result<(), Failure> {
    let mut query: Vec<(&str, String)> = Vec::new();
    if !args.all_projects {
        query.push(("project", session.project().to_string()));
    }
    let optional = [
        ("status", args.status.clone()),
        ("name", args.name.clone()),
        ("sort", args.sort.clone()),
        ("limit", args.limit.map(|limit| limit.to_string())),
        ("marker", args.marker.map(|marker| marker.to_string())),
    ];
    query.extend(optional.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))));
    let list: VolumeList = session.api.get("/v1/volumes", &query, None).await?;
    if session.json {
        return json(&list);
    }
    let row = |v: &VolumeView| {
        vec![
            v.id.to_string(),
            v.name.clone(),
            v.status.clone(),
            v.size_gib.to_string(),
            v.volume_type.clone(),
            or_dash(v.pool.as_ref()),
        ]
    };
    table(&["id", "name", "status", "GiB", "type", "pool"], list.volumes.iter().map(row));
    if let Some(marker) = list.next_marker {
        line(&format!("there are more: --marker {marker}"));
    }
    Ok(())
}

async fn show(session: &Session, volume: &str) -> Result<(), Failure> {
    let id = find(session, volume).await?;
    let view: VolumeView = wait::look(&session.api, &id, Position(0)).await?.ok_or_else(|| not_found(volume))?;
    let flows: FlowList = session.api.get(&format!("/v1/volumes/{id}/flows"), &[], None).await?;
    let decisions: DecisionList = session.api.get(&format!("/v1/volumes/{id}/decisions"), &[], None).await?;
    if session.json {
        return json(&json!({"volume": view, "flows": flows.flows, "decisions": decisions.decisions}));
    }
    print(&view);
    for flow in &flows.flows {
        let end = match (&flow.finished_at, &flow.failure) {
            (None, _) => "at work".to_owned(),
            (Some(at), None) => format!("done in {} ms", at.ms_since(flow.started_at)),
            (Some(_), Some(failure)) => format!("failed: {failure}"),
        };
        line(&format!("\n{} {} ({end})", flow.kind.name(), flow.started_at));
        let rows = flow.tasks.iter().map(|task| {
            let last = task.transitions.last();
            vec![
                task.name.clone(),
                task.state.name().to_owned(),
                or_dash(task.detail.as_ref()),
                or_dash(task.pool.as_ref()),
                or_dash(last.map(|transition| transition.position)),
            ]
        });
        table(&["task", "state", "detail", "pool", "position"], rows);
    }
    for decision in &decisions.decisions {
        line(&format!("\nplacement, attempt {}: {}", decision.attempt, decision.decision.reason));
        let rows = decision.decision.candidates.iter().map(|candidate| {
            let rejected = candidate.rejection();
            let verdict = rejected.map_or_else(
                || format!("passed, weight {:.3}", candidate.weight.unwrap_or_default()),
                |check| format!("rejected by {}: {}, needs {}", check.filter, check.observed, check.required),
            );
            vec![candidate.pool.to_string(), verdict]
        });
        table(&["pool", "verdict"], rows);
    }
    Ok(())
}

async fn delete(session: &Session, volumes: &[String], force: bool, wait: Wait) -> Result<(), Failure> {
    let connection = session.connection().await?;
    for volume in volumes {
        let id = find(session, volume).await?;
        let accepted = session.command(&connection, "volume", "delete", json!({"id": id, "force": force})).await?;
        wait::after::<VolumeView>(session, id, accepted, wait, "deleted").await?;
    }
    Ok(())
}

async fn extend(session: &Session, volume: &str, size_gib: u32, wait: Wait) -> Result<(), Failure> {
    let id = find(session, volume).await?;
    let connection = session.connection().await?;
    let accepted = session.command(&connection, "volume", "extend", json!({"id": id, "size_gib": size_gib})).await?;
    wait::after::<VolumeView>(session, id, accepted, wait, "available").await
}

async fn manage(session: &Session, args: &VolumeManage) -> Result<(), Failure> {
    let content = json!({
        "id": args.id,
        "project": session.project(),
        "pool": args.pool,
        "source_name": args.source_name,
        "name": args.name,
        "description": args.description,
        "type": args.volume_type,
        "availability_zone": args.availability_zone,
        "bootable": args.bootable,
        "metadata": map(&args.metadata),
    });
    let accepted = session.admin("volume", "manage", content).await?;
    wait::after::<VolumeView>(session, volume_of(accepted)?, accepted, args.wait, "available").await
}

async fn unmanage(session: &Session, volume: &str, wait: Wait) -> Result<(), Failure> {
    let id = find(session, volume).await?;
    let accepted = session.admin("volume", "unmanage", json!({"id": id})).await?;
    wait::after::<VolumeView>(session, id, accepted, wait, "unmanaged").await
}

async fn revert(session: &Session, volume: &str, to: &str, wait: Wait) -> Result<(), Failure> {
    let id = find(session, volume).await?;
    let snapshot = snapshot::find(session, to).await?;
    let connection = session.connection().await?;
    let content = json!({"id": id, "snapshot": snapshot});
    let accepted = session.command(&connection, "volume", "revert", content).await?;
    wait::after::<VolumeView>(session, id, accepted, wait, "available").await
}

async fn update(session: &Session, volume: &str, mut content: Value) -> Result<(), Failure> {
    let id = find(session, volume).await?;
    content["id"] = json!(id);
    let connection = session.connection().await?;
    let accepted = session.command(&connection, "volume", "update", content).await?;
    let no_wait = Wait { wait: false, timeout: 0 };
    wait::after::<VolumeView>(session, id, accepted, no_wait, "available").await
}

pub(super) fn print(volume: &VolumeView) {
    let metadata: Vec<String> = volume.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs([
        ("id", volume.id.to_string()),
        ("name", volume.name.clone()),
        ("description", volume.description.clone()),
        ("status", volume.status.clone()),
        ("reason", or_dash(volume.reason.as_ref())),
        ("size", format!("{} GiB", volume.size_gib)),
        ("type", volume.volume_type.clone()),
        ("pool", or_dash(volume.pool.as_ref())),
        ("availability zone", volume.availability_zone.clone()),
        ("metadata", metadata.join(" ")),
        ("project", volume.project.to_string()),
        ("created at", volume.created_at.to_string()),
        ("asked for at position", volume.created_position.to_string()),
    ]);
}

/// The id of a volume that is given by its id or its name.
pub(super) async fn find(session: &Session, volume: &str) -> Result<VolumeId, Failure> {
    if let Ok(id) = volume.parse() {
        return Ok(id);
    }
    let query = [("project", session.project().to_string()), ("name", volume.to_owned()), ("limit", "2".to_owned())];
    let found: VolumeList = session.api.get("/v1/volumes", &query, None).await?;
    match found.volumes.as_slice() {
        [] => Err(not_found(volume)),
        [one] => Ok(one.id),
        _ => Err(Failure::new("NameNotUnique", format!("several volumes are called {volume}"), "use the id")),
    }
}

fn not_found(volume: &str) -> Failure {
    Failure::new(
        "VolumeNotFound",
        format!("there is no volume {volume}"),
        "`stele volume list` shows those that there are",
    )
}

fn volume_of(accepted: Accepted) -> Result<VolumeId, Failure> {
    accepted.subjects.volume.ok_or_else(|| {
        Failure::new("UnreadableOutcome", "the outcome names no volume", "use a `stele` of the cell's release")
    })
}

pub(super) fn map(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
