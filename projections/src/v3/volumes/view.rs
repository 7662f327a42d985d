use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use stele_core::id::TypeId;
use stele_core::state::{Attachment, AttachmentStatus, StatedStatus, Volume, VolumeStatus};
use uuid::Uuid;

use crate::query::{Entities, Types};
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::v3::context::Context;
use crate::v3::links::Link;
use crate::v3::policy::Rule;
use crate::v3::scalar::{Moment, unless_empty};

/// Names in the views' fields, for lists.
pub(super) const COLLECTION: &str = "volumes";

/// A volume in a short list.
#[derive(Debug, Serialize)]
pub(super) struct Brief {
    id: Uuid,
    name: Option<String>,
    links: [Link; 2],
}

impl Brief {
    pub(super) fn of(context: &Context, volume: &Volume) -> Self {
        let name = unless_empty(&volume.name).map(ToOwned::to_owned);
        Self { id: volume.id.0, name, links: context.links.of(COLLECTION, &volume.id.to_string()) }
    }
}

/// A volume under its name.
#[derive(Debug, Serialize)]
pub(super) struct Body {
    volume: VolumeView,
}

/// A volume; what is not there in the request's version, or not for the caller, is left out. `Some(None)` is a null.
#[derive(Debug, Serialize)]
pub(super) struct VolumeView {
    id: Uuid,
    status: &'static str,
    size: u32,
    availability_zone: String,
    created_at: Moment,
    updated_at: Option<Moment>,
    name: Option<String>,
    description: Option<String>,
    volume_type: String,
    snapshot_id: Option<Uuid>,
    source_volid: Option<Uuid>,
    metadata: BTreeMap<String, String>,
    links: [Link; 2],
    user_id: String,
    bootable: &'static str,
    encrypted: bool,
    replication_status: Option<&'static str>,
    consistencygroup_id: Option<Uuid>,
    multiattach: bool,
    attachments: Vec<AttachmentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    migration_status: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<Option<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_targets: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_uuid: Option<Option<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_type_id: Option<TypeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumes_quota: Option<bool>,
    #[serde(flatten)]
    extended: Option<Extended>,
}

/// What is shown of a volume that was asked for, and not in the answers to its creation and change.
#[derive(Debug, Serialize)]
struct Extended {
    #[serde(rename = "os-vol-tenant-attr:tenant_id", skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    #[serde(rename = "os-vol-mig-status-attr:migstat", skip_serializing_if = "Option::is_none")]
    migration_status: Option<Option<String>>,
    #[serde(rename = "os-vol-mig-status-attr:name_id", skip_serializing_if = "Option::is_none")]
    name_id: Option<Option<Uuid>>,
    #[serde(rename = "os-vol-host-attr:host", skip_serializing_if = "Option::is_none")]
    host: Option<Option<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    volume_image_metadata: BTreeMap<String, String>,
}

/// An attachment that a server uses.
#[derive(Debug, Serialize)]
struct AttachmentView {
    /// The volume's, as in Cinder.
    id: Uuid,
    attachment_id: Uuid,
    volume_id: Uuid,
    server_id: Option<String>,
    host_name: Option<String>,
    device: Option<String>,
    attached_at: Option<Moment>,
}

/// Makes views from one snapshot for one caller: what all of a page need is looked up once.
pub(super) struct Viewer<'a> {
    context: &'a Context,
    types: Types,
    attachments: Entities<Attachment>,
    sees_host: bool,
    sees_tenant: bool,
    sees_migration: bool,
    sees_image: bool,
    sees_attached_host: bool,
}

impl<'a> Viewer<'a> {
    pub(super) fn new(context: &'a Context, snapshot: &Snapshot) -> Result<Self, StoreError> {
        Ok(Self {
            context,
            types: snapshot.types()?,
            attachments: snapshot.entities()?,
            sees_host: context.allows(Rule::VolumeHostAttribute),
            sees_tenant: context.allows(Rule::VolumeTenantAttribute),
            sees_migration: context.allows(Rule::VolumeMigStatusAttribute),
            sees_image: context.allows(Rule::VolumeImageMetadataShow),
            sees_attached_host: context.caller.is_admin || context.caller.has_role("service"),
        })
    }

    /// A volume that was asked for.
    pub(super) fn full(&self, volume: Volume) -> Result<VolumeView, StoreError> {
        let extended = Extended {
            tenant_id: self.sees_tenant.then(|| volume.project.to_string()),
            migration_status: self.sees_migration.then(|| volume.migration_status.as_deref().map(str::to_owned)),
            name_id: self.sees_migration.then_some(None),
            host: self.sees_host.then(|| volume.pool.as_ref().map(ToString::to_string)),
            volume_image_metadata: if self.sees_image { volume.image_metadata.clone() } else { BTreeMap::new() },
        };
        Ok(VolumeView { extended: Some(extended), ..self.plain(volume)? })
    }

    /// The same under its name.
    pub(super) fn body(&self, volume: Volume) -> Result<Body, StoreError> {
        Ok(Body { volume: self.full(volume)? })
    }

    /// A volume that was just changed.
    pub(super) fn changed(&self, volume: Volume) -> Result<Body, StoreError> {
        Ok(Body { volume: self.plain(volume)? })
    }

    /// A volume that was just asked for: as it was then, though its flow may be further by now.
    pub(super) fn made(&self, volume: Volume) -> Result<Body, StoreError> {
        let view = self.plain(volume)?;
        Ok(Body { volume: VolumeView { status: "creating", updated_at: None, ..view } })
    }

    fn plain(&self, volume: Volume) -> Result<VolumeView, StoreError> {
        let version = self.context.version;
        let is_admin = self.context.caller.is_admin;
        let used = self.used(&volume)?;
        let backend = volume.pool.as_ref().map(stele_core::id::PoolName::backend);
        let service = backend.map(|backend| Uuid::new_v5(&Uuid::NAMESPACE_OID, backend.as_str().as_bytes()));
        Ok(VolumeView {
            id: volume.id.0,
            status: status(volume.status),
            size: volume.size_gib.gib(),
            created_at: Moment(volume.created_at),
            updated_at: volume.updated_at.map(Moment),
            name: unless_empty(&volume.name).map(ToOwned::to_owned),
            description: unless_empty(&volume.description).map(ToOwned::to_owned),
            volume_type: self.types.name(volume.volume_type),
            snapshot_id: volume.source_snapshot.map(|id| id.0),
            source_volid: volume.source_volume.map(|id| id.0),
            links: self.context.links.of(COLLECTION, &volume.id.to_string()),
            bootable: if volume.bootable { "true" } else { "false" },
            encrypted: false,
            replication_status: None,
            consistencygroup_id: None,
            multiattach: volume.multiattach,
            attachments: used.iter().map(|attachment| self.attachment(&volume, attachment)).collect(),
            migration_status: is_admin.then(|| volume.migration_status.as_deref().map(str::to_owned)),
            group_id: version.has(13).then(|| volume.group.map(|id| id.0)),
            provider_id: (is_admin && version.has(21)).then_some(None),
            shared_targets: version.has(48).then_some(false),
            service_uuid: version.has(48).then_some(service),
            cluster_name: (is_admin && version.has(61)).then_some(None),
            volume_type_id: version.has(63).then_some(volume.volume_type),
            consumes_quota: version.has(65).then_some(true),
            extended: None,
            metadata: metadata(&volume, &used).into_owned(),
            availability_zone: volume.availability_zone,
            user_id: volume.user,
        })
    }

    /// The attachments that servers use.
    fn used(&self, volume: &Volume) -> Result<Vec<Attachment>, StoreError> {
        let found = volume.attachments.iter().map(|id| self.attachments.get(id));
        let used = |attachment: &Attachment| attachment.status == AttachmentStatus::Attached;
        found.filter_map(|found| found.map(|found| found.filter(used)).transpose()).collect()
    }

    fn attachment(&self, volume: &Volume, attachment: &Attachment) -> AttachmentView {
        AttachmentView {
            id: volume.id.0,
            attachment_id: attachment.id.0,
            volume_id: volume.id.0,
            server_id: attachment.instance.clone(),
            host_name: attachment.host.clone().filter(|_| self.sees_attached_host),
            device: attachment.mountpoint.clone(),
            attached_at: attachment.attached_at.map(Moment),
        }
    }
}

/// The metadata that users see: their own, and what Cinder keeps beside it. The latter wins.
pub(super) fn metadata<'a>(volume: &'a Volume, used: &[Attachment]) -> Cow<'a, BTreeMap<String, String>> {
    let mut shown = Cow::Borrowed(&volume.metadata);
    if let Some(readonly) = volume.readonly {
        let text = if readonly { "True" } else { "False" };
        shown.to_mut().insert("readonly".to_owned(), text.to_owned());
    }
    if let Some(mode) = used.iter().find_map(|attachment| attachment.mode) {
        shown.to_mut().insert("attached_mode".to_owned(), mode.name().to_owned());
    }
    shown
}

/// Cinder shows statuses of managing as others that clients know.
pub(super) fn status(status: VolumeStatus) -> &'static str {
    match status {
        VolumeStatus::Managing { .. } | VolumeStatus::Stated(StatedStatus::Managing) => "creating",
        VolumeStatus::Stated(StatedStatus::ErrorManaging) => "error",
        other => other.name(),
    }
}
