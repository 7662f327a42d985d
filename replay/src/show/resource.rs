//! What became of snapshots, attachments, transfers and groups, in words.

use stele_core::event::{Event, StatusChange};
use stele_core::state::{State, Volume};
use stele_core::task::{Connection, ConnectionValue, Connector};

use super::words::Words;

/// The words for an event of theirs; `None` for any other.
pub(super) fn words(state: &State, event: &Event) -> Option<Words> {
    let told = of_volume(state, event).or_else(|| snapshot(event)).or_else(|| attachment(event));
    told.or_else(|| transfer(event)).or_else(|| group(event)).map(Words::control)
}

/// What is about a volume and comes not from a worker.
fn of_volume(state: &State, event: &Event) -> Option<String> {
    Some(match event {
        Event::VolumeStatusChanged { status, by, .. } => {
            let who = match by {
                StatusChange::Reserve => "a client keeps it for an attachment",
                StatusChange::Unreserve => "a client lets it go",
                StatusChange::BeginDetaching => "a client begins to detach it",
                StatusChange::RollDetaching => "a client does not detach it after all",
                StatusChange::Reset => "an operator said so",
            };
            format!("volume is {}: {who}", status.name())
        }
        Event::VolumeMigrationStated { migration_status, .. } => {
            format!("volume has migration status {}", migration_status.as_deref().unwrap_or("none"))
        }
        Event::VolumeRetyped { volume_type, .. } => {
            let name = state.types.get(volume_type).map_or_else(|| volume_type.to_string(), |found| found.name.clone());
            format!("volume is of type {name}")
        }
        Event::VolumeGrouped { group: Some(group), .. } => format!("volume is in group {group}"),
        Event::VolumeGrouped { group: None, .. } => "volume is in no group".to_owned(),
        _ => return None,
    })
}

fn snapshot(event: &Event) -> Option<String> {
    Some(match event {
        Event::SnapshotEntryCreated { snapshot } => {
            let (id, status, size) = (snapshot.id, snapshot.status.name(), snapshot.size_gib);
            format!("snapshot {id} of volume {} is {status}: {size}", snapshot.volume)
        }
        Event::SnapshotCreated { snapshot, .. } => format!("snapshot {snapshot} is available"),
        Event::SnapshotCreateFailed { snapshot, reason, .. } => format!("snapshot {snapshot} is in error: {reason}"),
        Event::SnapshotManaged { snapshot, .. } => format!("snapshot {snapshot} is available, taken over as it was"),
        Event::SnapshotUnmanaging { snapshot, .. } => format!("snapshot {snapshot} is unmanaging: its data stay"),
        Event::SnapshotDeleting { snapshot, .. } => format!("snapshot {snapshot} is deleting"),
        Event::SnapshotDeleted { snapshot } => format!("snapshot {snapshot} is gone"),
        Event::SnapshotDeleteFailed { snapshot, busy: true, reason } => {
            format!("snapshot {snapshot} is in use and stays available: {reason}")
        }
        Event::SnapshotDeleteFailed { snapshot, reason, .. } => {
            format!("snapshot {snapshot} is in error_deleting: {reason}")
        }
        Event::SnapshotUpdated { snapshot, .. } => format!("snapshot {snapshot} is called or described otherwise"),
        Event::SnapshotStatusChanged { snapshot, status, progress } => {
            let progress = progress.map(|percent| format!(", {percent} %")).unwrap_or_default();
            format!("snapshot {snapshot} is {}{progress}: somebody said so", status.name())
        }
        _ => return None,
    })
}

fn attachment(event: &Event) -> Option<String> {
    Some(match event {
        Event::AttachmentCreated { attachment } => {
            let server = attachment.instance.as_ref().map(|server| format!(" for server {server}")).unwrap_or_default();
            format!(
                "attachment {} of volume {} is {}{server}",
                attachment.id,
                attachment.volume,
                attachment.status.name()
            )
        }
        Event::AttachmentConnecting { attachment, connector, mode, .. } => {
            format!("attachment {attachment}: to be exported to {} ({})", host(connector), mode.name())
        }
        Event::AttachmentConnected { attachment, connection, .. } => {
            format!("attachment {attachment}: its host can connect: {}", way(connection))
        }
        Event::AttachmentConnectFailed { attachment, reason, .. } => {
            format!("attachment {attachment}: could not be exported: {reason}")
        }
        Event::AttachmentCompleted { attachment, .. } => format!("attachment {attachment}: its host uses the volume"),
        Event::AttachmentDisconnecting { attachment, keep, .. } => {
            let then = if *keep { "stays" } else { "goes with it" };
            format!("attachment {attachment}: its export is to be taken away, and it {then}")
        }
        Event::AttachmentDisconnected { attachment, .. } => format!("attachment {attachment}: its export is gone"),
        Event::AttachmentDisconnectFailed { attachment, reason, .. } => {
            format!("attachment {attachment}: its export could not be taken away: {reason}")
        }
        Event::AttachmentDeleted { attachment } => format!("attachment {attachment} is gone"),
        _ => return None,
    })
}

fn host(connector: &Connector) -> String {
    let known = connector.host.as_ref().or(connector.ip.as_ref()).or(connector.initiator.as_ref());
    known.map_or_else(|| "a host without a name".to_owned(), |name| format!("host {name}"))
}

fn way(connection: &Connection) -> String {
    let text = |key: &str| match connection.data.get(key) {
        Some(ConnectionValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    match (text("target_portal"), text("target_iqn"), text("device_path")) {
        (Some(portal), Some(iqn), _) => format!("{} {iqn} at {portal}", connection.driver_volume_type),
        (_, _, Some(path)) => format!("{} {path}", connection.driver_volume_type),
        _ => connection.driver_volume_type.clone(),
    }
}

fn transfer(event: &Event) -> Option<String> {
    Some(match event {
        Event::TransferCreated { transfer } => {
            let snapshots = if transfer.no_snapshots { "without" } else { "with" };
            format!(
                "volume {} waits for another project, {snapshots} its snapshots: transfer {}",
                transfer.volume, transfer.id
            )
        }
        Event::TransferDeleted { transfer } => format!("transfer {transfer} is off"),
        Event::TransferAccepted { transfer, project, user, snapshots } => {
            let snapshots = match snapshots.len() {
                0 => String::new(),
                1 => " with 1 snapshot".to_owned(),
                count => format!(" with {count} snapshots"),
            };
            format!("transfer {transfer}: the volume belongs to project {project} now{snapshots}, accepted by {user}")
        }
        _ => return None,
    })
}

fn group(event: &Event) -> Option<String> {
    Some(match event {
        Event::GroupCreated { group } | Event::GroupUpdated { group } => {
            let reason = group.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("group {} {:?} is {}{reason}", group.id, group.name, group.status.name())
        }
        Event::GroupDeleted { group } => format!("group {group} is gone"),
        Event::GroupSnapshotCreated { group_snapshot } | Event::GroupSnapshotUpdated { group_snapshot } => {
            let reason = group_snapshot.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let (id, group, status) = (group_snapshot.id, group_snapshot.group, group_snapshot.status.name());
            format!("group snapshot {id} of group {group} is {status}{reason}")
        }
        Event::GroupSnapshotDeleted { group_snapshot } => format!("group snapshot {group_snapshot} is gone"),
        _ => return None,
    })
}

/// ` from snapshot ...` or ` from volume ...`, for a volume that does not begin blank.
pub(super) fn source(volume: &Volume) -> String {
    match (volume.source_snapshot, volume.source_volume) {
        (Some(snapshot), _) => format!(", from snapshot {snapshot}"),
        (None, Some(source)) => format!(", from volume {source}"),
        (None, None) => String::new(),
    }
}
