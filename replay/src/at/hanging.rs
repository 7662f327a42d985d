//! What hangs on volumes or holds them together, for programs and for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use stele_core::id::{AttachmentId, GroupId, GroupSnapshotId, PoolName, ProjectId, SnapshotId, TransferId, VolumeId};
use stele_core::state::{Attachment, Group, Snapshot, State, Transfer};
use stele_core::task::AttachMode;
use stele_core::unit::{Position, SizeGib, Timestamp};

use super::view::or_nothing;
use crate::table::Table;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotRow {
    pub id: SnapshotId,
    pub volume: VolumeId,
    pub project: ProjectId,
    pub user: String,
    pub name: String,
    pub description: String,
    pub metadata: BTreeMap<String, String>,
    pub size_gib: SizeGib,
    pub status: &'static str,
    pub reason: Option<String>,
    pub pool: PoolName,
    /// The group snapshot that it is a part of.
    pub group_snapshot: Option<GroupSnapshotId>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub created_position: Position,
}

/// An attachment. How the host reaches the volume is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttachmentRow {
    pub id: AttachmentId,
    pub volume: VolumeId,
    pub project: ProjectId,
    /// The server that uses it, when there is one.
    pub instance: Option<String>,
    /// The host, as the client or the connector says it.
    pub host: Option<String>,
    pub mountpoint: Option<String>,
    pub mode: Option<AttachMode>,
    pub status: &'static str,
    pub reason: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub attached_at: Option<Timestamp>,
    pub created_position: Position,
}

/// A group of volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupRow {
    pub id: GroupId,
    pub project: ProjectId,
    pub user: String,
    pub name: String,
    pub description: String,
    /// The type's name; its id when the type is gone.
    pub group_type: String,
    pub status: &'static str,
    pub reason: Option<String>,
    /// Its volumes.
    pub volumes: Vec<VolumeId>,
    /// Its group snapshots.
    pub group_snapshots: Vec<GroupSnapshotId>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub created_position: Position,
}

/// A volume that waits for another project. What proves the key is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferRow {
    pub id: TransferId,
    pub volume: VolumeId,
    /// The project that gives it away.
    pub project: ProjectId,
    pub name: String,
    /// Whether it goes without its snapshots.
    pub no_snapshots: bool,
    pub created_at: Timestamp,
    pub created_position: Position,
}

pub(super) fn snapshots(state: &State) -> Vec<SnapshotRow> {
    let row = |snapshot: &Arc<Snapshot>| SnapshotRow {
        id: snapshot.id,
        volume: snapshot.volume,
        project: snapshot.project.clone(),
        user: snapshot.user.clone(),
        name: snapshot.name.clone(),
        description: snapshot.description.clone(),
        metadata: snapshot.metadata.clone(),
        size_gib: snapshot.size_gib,
        status: snapshot.status.name(),
        reason: snapshot.reason.clone(),
        pool: snapshot.pool.clone(),
        group_snapshot: snapshot.group_snapshot,
        created_at: snapshot.created_at,
        updated_at: snapshot.updated_at,
        created_position: snapshot.created_position,
    };
    state.snapshots.values().map(row).collect()
}

pub(super) fn attachments(state: &State) -> Vec<AttachmentRow> {
    let row = |attachment: &Arc<Attachment>| AttachmentRow {
        id: attachment.id,
        volume: attachment.volume,
        project: attachment.project.clone(),
        instance: attachment.instance.clone(),
        host: attachment.host.clone().or_else(|| attachment.connector.as_ref()?.host.clone()),
        mountpoint: attachment.mountpoint.clone(),
        mode: attachment.mode,
        status: attachment.status.name(),
        reason: attachment.reason.clone(),
        created_at: attachment.created_at,
        updated_at: attachment.updated_at,
        attached_at: attachment.attached_at,
        created_position: attachment.created_position,
    };
    state.attachments.values().map(row).collect()
}

pub(super) fn groups(state: &State) -> Vec<GroupRow> {
    let row = |group: &Arc<Group>| GroupRow {
        id: group.id,
        project: group.project.clone(),
        user: group.user.clone(),
        name: group.name.clone(),
        description: group.description.clone(),
        group_type: state
            .group_types
            .get(&group.group_type)
            .map_or_else(|| group.group_type.to_string(), |found| found.name.clone()),
        status: group.status.name(),
        reason: group.reason.clone(),
        volumes: state.volumes_of_group(group.id).map(|volume| volume.id).collect(),
        group_snapshots: state.group_snapshots.values().filter(|of| of.group == group.id).map(|of| of.id).collect(),
        created_at: group.created_at,
        updated_at: group.updated_at,
        created_position: group.created_position,
    };
    state.groups.values().map(row).collect()
}

pub(super) fn transfers(state: &State) -> Vec<TransferRow> {
    let row = |transfer: &Arc<Transfer>| TransferRow {
        id: transfer.id,
        volume: transfer.volume,
        project: transfer.project.clone(),
        name: transfer.name.clone(),
        no_snapshots: transfer.no_snapshots,
        created_at: transfer.created_at,
        created_position: transfer.created_position,
    };
    state.transfers.values().map(row).collect()
}

pub(super) fn snapshot_table(rows: &[SnapshotRow]) -> Table {
    let mut table = Table::new(&["id", "volume", "project", "name", "gib", "status", "pool", "reason"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.volume.to_string(),
            row.project.to_string(),
            row.name.clone(),
            row.size_gib.gib().to_string(),
            row.status.to_owned(),
            row.pool.to_string(),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

pub(super) fn attachment_table(rows: &[AttachmentRow]) -> Table {
    let mut table =
        Table::new(&["id", "volume", "project", "server", "host", "mountpoint", "mode", "status", "reason"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.volume.to_string(),
            row.project.to_string(),
            row.instance.clone().unwrap_or_default(),
            row.host.clone().unwrap_or_default(),
            row.mountpoint.clone().unwrap_or_default(),
            or_nothing(row.mode.map(AttachMode::name)),
            row.status.to_owned(),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

pub(super) fn group_table(rows: &[GroupRow]) -> Table {
    let mut table = Table::new(&["id", "project", "name", "type", "volumes", "group snapshots", "status", "reason"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.project.to_string(),
            row.name.clone(),
            row.group_type.clone(),
            row.volumes.len().to_string(),
            row.group_snapshots.len().to_string(),
            row.status.to_owned(),
            row.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

pub(super) fn transfer_table(rows: &[TransferRow]) -> Table {
    let mut table = Table::new(&["id", "volume", "project", "name", "with snapshots", "since"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.volume.to_string(),
            row.project.to_string(),
            row.name.clone(),
            if row.no_snapshots { "no" } else { "yes" }.to_owned(),
            row.created_at.to_string(),
        ]);
    }
    table
}
