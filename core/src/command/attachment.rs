use serde::Deserialize;

use super::Command;
use super::parse::read;
use super::text::optional;
use crate::id::{AttachmentId, VolumeId};
use crate::refusal::{Refusal, RefusalCode};
use crate::task::{AttachMode, Connector};

/// Keep a volume for a host, and export it when the host is known (`attachment.create`). On the subjects of the project
/// `admin` it is a service's request; an attachment with a server is then the service's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentCreate {
    /// The id that it shall have; made from the command's id when absent.
    #[serde(default)]
    pub id: Option<AttachmentId>,
    /// The volume.
    pub volume: VolumeId,
    /// The server that will use it.
    #[serde(default)]
    pub instance: Option<String>,
    /// The host that will connect.
    #[serde(default)]
    pub connector: Option<Connector>,
    /// What it may do.
    #[serde(default)]
    pub mode: Option<AttachMode>,
}

/// Export the volume of an attachment to a host (`attachment.update`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentUpdate {
    /// The attachment.
    pub id: AttachmentId,
    /// The host.
    pub connector: Connector,
    /// What it may do; as before when absent.
    #[serde(default)]
    pub mode: Option<AttachMode>,
}

/// Names one attachment: `attachment.complete`, `attachment.delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRef {
    /// The attachment.
    pub id: AttachmentId,
}

/// Names one volume: `volume.reserve`, `.unreserve`, `.begin_detaching`, `.roll_detaching`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeRef {
    /// The volume.
    pub id: VolumeId,
}

/// A volume and a host: `volume.initialize_connection`, `volume.terminate_connection`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeConnection {
    /// The volume.
    pub id: VolumeId,
    /// The host; without one `terminate_connection` ends every connection of the volume.
    #[serde(default)]
    pub connector: Option<Connector>,
}

/// The client uses the volume (`volume.attach`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeAttach {
    /// The volume.
    pub id: VolumeId,
    /// The server; or
    #[serde(default)]
    pub instance: Option<String>,
    /// the host.
    #[serde(default)]
    pub host: Option<String>,
    /// The device's name or the mount point.
    #[serde(default)]
    pub mountpoint: Option<String>,
    /// What it may do.
    #[serde(default)]
    pub mode: Option<AttachMode>,
}

/// The client uses the volume no longer (`volume.detach`, and `volume.force_detach` by an operator).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeDetach {
    /// The volume.
    pub id: VolumeId,
    /// Which attachment; may be absent when there is one.
    #[serde(default)]
    pub attachment: Option<AttachmentId>,
    /// The host, whose connection ends as well; only of `force_detach`.
    #[serde(default)]
    pub connector: Option<Connector>,
}

pub(super) fn command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "create" => read::<AttachmentCreate>(json).and_then(AttachmentCreate::check).map(Command::AttachmentCreate),
        "update" => read::<AttachmentUpdate>(json).and_then(AttachmentUpdate::check).map(Command::AttachmentUpdate),
        "complete" => read(json).map(Command::AttachmentComplete),
        "delete" => read(json).map(Command::AttachmentDelete),
        _ => return None,
    })
}

/// The verbs of the resource `volume` that are about attaching.
pub(super) fn volume_command(verb: &str, json: &[u8]) -> Option<Result<Command, Refusal>> {
    Some(match verb {
        "reserve" => read(json).map(Command::VolumeReserve),
        "unreserve" => read(json).map(Command::VolumeUnreserve),
        "begin_detaching" => read(json).map(Command::VolumeBeginDetaching),
        "roll_detaching" => read(json).map(Command::VolumeRollDetaching),
        "initialize_connection" => connection(json).and_then(|asked| match asked.connector {
            Some(_) => Ok(Command::VolumeInitializeConnection(asked)),
            None => Err(Refusal::new(RefusalCode::MalformedBody, "connector is missing", "say which host connects")),
        }),
        "terminate_connection" => connection(json).map(Command::VolumeTerminateConnection),
        "attach" => read::<VolumeAttach>(json).and_then(VolumeAttach::check).map(Command::VolumeAttach),
        "detach" => read(json).map(Command::VolumeDetach),
        "force_detach" => read(json).map(Command::VolumeForceDetach),
        _ => return None,
    })
}

fn connection(json: &[u8]) -> Result<VolumeConnection, Refusal> {
    let asked: VolumeConnection = read(json)?;
    asked.connector.as_ref().map_or(Ok(()), check_connector)?;
    Ok(asked)
}

impl AttachmentCreate {
    fn check(self) -> Result<Self, Refusal> {
        optional(&[("instance", &self.instance)])?;
        self.connector.as_ref().map_or(Ok(()), check_connector)?;
        Ok(self)
    }
}

impl AttachmentUpdate {
    fn check(self) -> Result<Self, Refusal> {
        check_connector(&self.connector)?;
        Ok(self)
    }
}

impl VolumeAttach {
    fn check(self) -> Result<Self, Refusal> {
        optional(&[("instance", &self.instance), ("host", &self.host), ("mountpoint", &self.mountpoint)])?;
        Ok(self)
    }
}

fn check_connector(connector: &Connector) -> Result<(), Refusal> {
    optional(&[
        ("connector.host", &connector.host),
        ("connector.initiator", &connector.initiator),
        ("connector.ip", &connector.ip),
        ("connector.platform", &connector.platform),
        ("connector.os_type", &connector.os_type),
        ("connector.mountpoint", &connector.mountpoint),
    ])
}
