use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use stele_core::chap::{CONNECTION_KEY, Chap};
use stele_core::id::{AttachmentId, VolumeId};
use stele_core::state::Attachment;
use stele_core::task::{AttachMode, Connection, ConnectionValue};

use crate::v3::scalar::Moment;

/// What Cinder writes for a mode that nobody said.
const MODE_UNSET: &str = "null";

/// What a connection is shown with and does not hold itself.
#[derive(Debug, Default)]
pub(super) struct More {
    /// The QoS specs that the host has to keep to.
    pub(super) qos: Option<BTreeMap<String, String>>,
    /// What the host logs in with.
    pub(super) chap: Option<Chap>,
}

/// An attachment in a list.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    id: AttachmentId,
    status: &'static str,
    instance: Option<&'a str>,
    volume_id: VolumeId,
}

impl<'a> Summary<'a> {
    pub(super) fn of(attachment: &'a Attachment) -> Self {
        Self {
            id: attachment.id,
            status: attachment.status.name(),
            instance: attachment.instance.as_deref(),
            volume_id: attachment.volume,
        }
    }
}

/// An attachment with everything.
#[derive(Debug, Serialize)]
pub(super) struct Detail<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    attached_at: MomentOrNothing,
    detached_at: &'static str,
    attach_mode: &'static str,
    connection_info: ConnectionInfo<'a>,
}

impl<'a> Detail<'a> {
    pub(super) fn of(attachment: &'a Attachment, more: &'a More) -> Self {
        let connection = attachment.connection.as_ref();
        Self {
            summary: Summary::of(attachment),
            attached_at: attachment
                .attached_at
                .map_or(MomentOrNothing::Nothing(""), |at| MomentOrNothing::At(Moment(at))),
            detached_at: "",
            attach_mode: attachment.mode.map_or(MODE_UNSET, AttachMode::name),
            connection_info: ConnectionInfo { connection, more, attachment: Some(attachment.id) },
        }
    }
}

/// A time, or the empty text that Cinder writes where there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum MomentOrNothing {
    At(Moment),
    Nothing(&'static str),
}

/// How a host reaches a volume, all at one level: of an attachment.
#[derive(Debug)]
pub(super) struct ConnectionInfo<'a> {
    connection: Option<&'a Connection>,
    more: &'a More,
    attachment: Option<AttachmentId>,
}

impl Serialize for ConnectionInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(connection) = self.connection {
            properties(&mut map, connection, self.more)?;
            map.serialize_entry("driver_volume_type", &connection.driver_volume_type)?;
            map.serialize_entry("attachment_id", &self.attachment)?;
            if !connection.data.contains_key("enforce_multipath") {
                map.serialize_entry("enforce_multipath", &false)?;
            }
        }
        map.end()
    }
}

/// How a host reaches a volume, as `os-initialize_connection` answers it.
#[derive(Debug, Serialize)]
pub(super) struct Initialized<'a> {
    driver_volume_type: &'a str,
    data: Data<'a>,
    enforce_multipath: bool,
}

impl<'a> Initialized<'a> {
    pub(super) fn of(connection: &'a Connection, more: &'a More, enforce_multipath: bool) -> Self {
        Self { driver_volume_type: &connection.driver_volume_type, data: Data { connection, more }, enforce_multipath }
    }
}

#[derive(Debug)]
struct Data<'a> {
    connection: &'a Connection,
    more: &'a More,
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        properties(&mut map, self.connection, self.more)?;
        map.end()
    }
}

/// What the worker said, and what Cinder's manager adds to every driver's answer.
fn properties<M: SerializeMap>(map: &mut M, connection: &Connection, more: &More) -> Result<(), M::Error> {
    // By which key the password is derived is between workers and APIs.
    for (name, value) in connection.data.iter().filter(|(name, _)| *name != CONNECTION_KEY) {
        map.serialize_entry(name, &Property(value))?;
    }
    if let Some(chap) = &more.chap {
        map.serialize_entry("auth_password", &chap.password)?;
    }
    let missing = |name: &str| !connection.data.contains_key(name);
    if missing("qos_specs") {
        map.serialize_entry("qos_specs", &more.qos)?;
    }
    for name in ["encrypted", "cacheable"] {
        if missing(name) {
            map.serialize_entry(name, &false)?;
        }
    }
    if missing("access_mode") {
        map.serialize_entry("access_mode", AttachMode::Rw.name())?;
    }
    Ok(())
}

struct Property<'a>(&'a ConnectionValue);

impl Serialize for Property<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ConnectionValue::Text(text) => text.serialize(serializer),
            ConnectionValue::Number(number) => number.serialize(serializer),
            ConnectionValue::Flag(flag) => flag.serialize(serializer),
            ConnectionValue::Texts(texts) => texts.serialize(serializer),
            ConnectionValue::Numbers(numbers) => numbers.serialize(serializer),
        }
    }
}
