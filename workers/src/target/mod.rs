//! Targets: how hosts reach volumes over iSCSI.
//!
//! A volume has one target, `<prefix>volume-<id>`, with one LUN, from the first attachment of it to the last. A host
//! may log in when it has an attachment: by its initiator's name and by the CHAP secrets of that attachment
//! ([`stele_core::chap`]). What a target is shall be follows from the log alone, so all of it can be made again at any
//! time: nothing is saved on the node.
//!
//! | target | is                                                          |
//! | ------ | ----------------------------------------------------------- |
//! | lio    | the kernel's own, written straight into configfs            |
//! | tgt    | tgtd, a process; by tgtadm                                  |
//!
//! Both keep the drivers' contract with the driver that they export for, as does the memory of
//! [`crate::driver::memory`].

mod configfs;
pub mod lio;
pub mod tgt;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stele_core::chap::{Chap, ChapKey};
use stele_core::id::{AttachmentId, VolumeId};
use stele_core::task::{AttachMode, Connection, ConnectionValue, Connector, Failure, FailureKind, Operation, Task};
use stele_core::unit::Position;

use crate::config::InvalidConfig;
use crate::driver::failure;
use crate::plan::{Export, Exported};
use crate::runner::Runner;
use lio::Lio;
use tgt::Tgt;

/// The longest name of an initiator or target (RFC 7143, 4.2.7.1).
const NAME_BYTES_MAX: usize = 223;

/// Settings of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// What exports the volumes.
    pub kind: TargetKind,
    /// Where it listens, `address:port`; several for several paths. Loopback by default.
    #[serde(default = "loopback")]
    pub portals: Vec<SocketAddr>,
    /// What comes before `volume-<id>` in a target's name.
    #[serde(default = "prefix")]
    pub iqn_prefix: String,
    /// The file with the key of the CHAP secrets: 32 bytes or more, the same for all workers and APIs of a cell.
    pub chap_key_file: PathBuf,
    /// Nobody is told what targets there are. It holds for the whole node, for targets of others on it as well.
    #[serde(default = "yes")]
    pub guard_discovery: bool,
}

/// What exports volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// The kernel's target.
    Lio,
    /// tgtd.
    Tgt,
}

impl TargetConfig {
    /// Settings of this kind with the defaults.
    #[must_use]
    pub fn new(kind: TargetKind, chap_key_file: PathBuf) -> Self {
        Self { kind, portals: loopback(), iqn_prefix: prefix(), chap_key_file, guard_discovery: true }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidConfig> {
        if self.portals.is_empty() || self.portals.len() > 8 {
            return Err(InvalidConfig::new("target.portals", &self.portals.len(), "there must be 1 to 8"));
        }
        let named = initiator(&format!("{}volume-x", self.iqn_prefix)).is_some();
        if !named || !self.iqn_prefix.ends_with(':') || self.iqn_prefix.len() > 128 {
            let rule = "it begins with iqn., has a date and a domain, ends with ':', and only lower case: RFC 7143";
            return Err(InvalidConfig::new("target.iqn_prefix", &self.iqn_prefix, rule));
        }
        Ok(())
    }
}

fn loopback() -> Vec<SocketAddr> {
    vec![SocketAddr::from(([127, 0, 0, 1], 3260))]
}

fn prefix() -> String {
    "iqn.2010-10.org.openstack:".to_owned()
}

fn yes() -> bool {
    true
}

/// What comes of a change.
type Done = Result<(), Failure>;

/// What makes volumes reachable. The methods have no default bodies, and each may be repeated.
pub trait Target: Clone + Send + Sync + 'static {
    /// What there is for a volume, and for a host of it.
    ///
    /// # Errors
    /// A [`Failure`] when that could not be found out, or when somebody else's target has the name.
    fn look(&self, volume: VolumeId, access: Option<&Access>) -> impl Future<Output = Result<Export, Failure>> + Send;

    /// Lets a host reach the volume.
    ///
    /// # Errors
    /// A [`Failure`]; some of it may be there.
    fn open(&self, volume: VolumeId, device: &Path, access: &Access) -> impl Future<Output = Done> + Send;

    /// Lets a host reach the volume no longer, logged in or not; the last one takes the target with it.
    ///
    /// # Errors
    /// A [`Failure`]; the host may still reach it.
    fn close(&self, volume: VolumeId, access: &Access) -> impl Future<Output = Done> + Send;

    /// Takes the volume's target away, whoever may use it.
    ///
    /// # Errors
    /// A [`Failure`]; some of it may be left.
    fn withdraw(&self, volume: VolumeId) -> impl Future<Output = Done> + Send;

    /// Tells hosts the device's size of today.
    ///
    /// # Errors
    /// A [`Failure`]; they may still see the one before.
    fn resize(&self, volume: VolumeId, device: &Path) -> impl Future<Output = Done> + Send;

    /// Every target of ours, in order of their volumes. What a restart of the target forgot that is of no volume (that
    /// nobody is told what there is) is set right by the way.
    ///
    /// # Errors
    /// A [`Failure`] when they could not be looked at.
    fn exports(&self) -> impl Future<Output = Result<Vec<ExportItem>, Failure>> + Send;

    /// Whether hosts cannot log in yet since it was started: a host that asks before everything is back gives up
    /// (open-iscsi takes "target not found" and "forbidden" as final), and one that finds nobody, or is told that the
    /// target is not available, asks again. A target that runs as a process may be started without portals.
    ///
    /// # Errors
    /// A [`Failure`] when that could not be found out.
    fn keeps_hosts_out(&self) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Listens wherever hosts look for it, and lets them log in.
    ///
    /// # Errors
    /// A [`Failure`]; it may do so at some places.
    fn let_hosts_in(&self) -> impl Future<Output = Done> + Send;

    /// The LUN at which hosts find the volume.
    fn lun(&self) -> i64;
}

/// A host that shall or shall not reach a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Its initiator's name.
    pub initiator: String,
    /// What it may do.
    pub mode: AttachMode,
    /// What it logs in with.
    pub chap: Chap,
    /// The position of the event that asked for this.
    pub asked_at: Position,
}

/// A target of ours, as an inventory tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportItem {
    /// The volume.
    pub volume: VolumeId,
    /// Whether hosts can log in at all.
    pub ready: bool,
    /// The hosts that may.
    pub hosts: Vec<ExportHost>,
}

/// A host that may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportHost {
    /// The user name of its secrets: the attachment that they are of.
    pub username: String,
    /// Its initiator's name, when the target tells by which secrets it logs in.
    pub initiator: Option<String>,
    /// Whether it is logged in; unknown when the target does not say by which secrets.
    pub logged_in: Option<bool>,
}

/// A target of any kind, with the names and secrets of the cell.
#[derive(Debug, Clone)]
pub struct AnyTarget {
    way: Arc<Way>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Lio(Lio),
    Tgt(Tgt),
}

/// How everything is called, and what is secret.
#[derive(Debug)]
pub struct Way {
    portals: Vec<SocketAddr>,
    iqn_prefix: String,
    key: ChapKey,
}

impl Way {
    /// The names and secrets that these settings lead to.
    ///
    /// # Errors
    /// A [`Failure`] when the key cannot be read.
    pub fn open(config: &TargetConfig) -> Result<Self, Failure> {
        let path = config.chap_key_file.display();
        let bytes = std::fs::read(&config.chap_key_file).map_err(|error| {
            let what =
                format!("the CHAP key {path} cannot be read: {error}; make one: head -c 32 /dev/urandom | base64");
            failure(FailureKind::ToolUnavailable, "open", what)
        })?;
        let key = ChapKey::new(&bytes).map_err(|e| failure(FailureKind::Other, "open", format!("{path}: {e}")))?;
        Ok(Self { portals: config.portals.clone(), iqn_prefix: config.iqn_prefix.clone(), key })
    }

    /// The name of a volume's target.
    #[must_use]
    pub fn iqn(&self, volume: VolumeId) -> String {
        format!("{}volume-{volume}", self.iqn_prefix)
    }

    /// The volume of a target, if it is one of ours.
    #[must_use]
    pub fn volume(&self, iqn: &str) -> Option<VolumeId> {
        iqn.strip_prefix(&self.iqn_prefix)?.strip_prefix("volume-")?.parse().ok()
    }

    /// Where it listens.
    #[must_use]
    pub fn portals(&self) -> &[SocketAddr] {
        &self.portals
    }

    /// What a node asks for before it tells what it has.
    #[must_use]
    pub fn of_discovery(&self) -> Chap {
        self.key.of_discovery()
    }

    /// The host of a task that connects or disconnects one; `None` for any other task.
    ///
    /// # Errors
    /// A [`Failure`] when the host has no initiator, or its name is none.
    pub fn access(&self, task: &Task) -> Result<Option<Access>, Failure> {
        let (attachment, connector, mode, chap_of) = match &task.operation {
            Operation::ConnectVolume { attachment, connector, mode, chap_of, .. } => {
                (attachment, connector, *mode, chap_of)
            }
            Operation::DisconnectVolume { attachment, connector, chap_of, .. } => {
                (attachment, connector, AttachMode::Rw, chap_of)
            }
            _ => return Ok(None),
        };
        let owner: AttachmentId = chap_of.unwrap_or(*attachment);
        let (initiator, chap) = (named(connector)?, self.key.of(owner));
        Ok(Some(Access { initiator, mode, chap, asked_at: task.asked_at }))
    }

    /// How the host of a task reaches the volume at a LUN; without its secrets, which whoever shows it derives.
    #[must_use]
    pub fn connection(&self, volume: VolumeId, access: &Access, lun: i64, discard: bool) -> Connection {
        let text = |text: String| ConnectionValue::Text(text);
        let (iqn, portals) = (self.iqn(volume), &self.portals);
        let portal = portals.first().map(ToString::to_string).unwrap_or_default();
        let data = BTreeMap::from([
            ("target_discovered", ConnectionValue::Flag(false)),
            ("target_portal", text(portal)),
            ("target_iqn", text(iqn.clone())),
            ("target_lun", ConnectionValue::Number(lun)),
            ("target_portals", ConnectionValue::Texts(portals.iter().map(ToString::to_string).collect())),
            ("target_iqns", ConnectionValue::Texts(vec![iqn; portals.len()])),
            ("target_luns", ConnectionValue::Numbers(vec![lun; portals.len()])),
            ("volume_id", text(volume.to_string())),
            ("access_mode", text(access.mode.name().to_owned())),
            ("encrypted", ConnectionValue::Flag(false)),
            ("discard", ConnectionValue::Flag(discard)),
            ("auth_method", text("CHAP".to_owned())),
            ("auth_username", text(access.chap.username.clone())),
            (CHAP_KEY, text(self.key.fingerprint())),
        ]);
        let data = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Connection { driver_volume_type: "iscsi".to_owned(), data }
    }
}

/// Where a connection says by which key its password is derived.
pub use stele_core::chap::CONNECTION_KEY as CHAP_KEY;

fn named(connector: &Connector) -> Result<String, Failure> {
    let name = connector.initiator.as_deref().unwrap_or_default();
    initiator(name).ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        let what = format!("the host's initiator is {shown:?}, which is no iSCSI name: see its initiatorname.iscsi");
        failure(FailureKind::Unsupported, "connect", what)
    })
}

/// An initiator's name in the form in which names are compared (RFC 3722: lower case), if it is one. It becomes the
/// name of a folder, so nothing else may pass.
fn initiator(name: &str) -> Option<String> {
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
    let form = ["iqn.", "eui.", "naa."].iter().any(|form| name.len() > form.len() && name.starts_with(form));
    (form && name.len() <= NAME_BYTES_MAX && name.bytes().all(letters)).then(|| name.to_ascii_lowercase())
}

impl AnyTarget {
    /// Opens the target that the settings name.
    ///
    /// # Errors
    /// A [`Failure`] says what is missing on the node.
    pub async fn open(config: &TargetConfig, runner: &Runner) -> Result<Self, Failure> {
        let way = Arc::new(Way::open(config)?);
        let kind = match config.kind {
            TargetKind::Lio => Kind::Lio(Lio::open(way.clone(), config.guard_discovery).await?),
            TargetKind::Tgt => Kind::Tgt(Tgt::open(way.clone(), config.guard_discovery, runner.clone()).await?),
        };
        Ok(Self { way, kind })
    }

    /// How everything is called.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.way
    }
}

macro_rules! dispatch {
    ($self:ident, $target:ident => $call:expr) => {
        match &$self.kind {
            Kind::Lio($target) => $call,
            Kind::Tgt($target) => $call,
        }
    };
}

impl Target for AnyTarget {
    async fn look(&self, volume: VolumeId, access: Option<&Access>) -> Result<Export, Failure> {
        dispatch!(self, target => target.look(volume, access).await)
    }

    async fn open(&self, volume: VolumeId, device: &Path, access: &Access) -> Result<(), Failure> {
        dispatch!(self, target => target.open(volume, device, access).await)
    }

    async fn close(&self, volume: VolumeId, access: &Access) -> Result<(), Failure> {
        dispatch!(self, target => target.close(volume, access).await)
    }

    async fn withdraw(&self, volume: VolumeId) -> Result<(), Failure> {
        dispatch!(self, target => target.withdraw(volume).await)
    }

    async fn resize(&self, volume: VolumeId, device: &Path) -> Result<(), Failure> {
        dispatch!(self, target => target.resize(volume, device).await)
    }

    async fn exports(&self) -> Result<Vec<ExportItem>, Failure> {
        dispatch!(self, target => target.exports().await)
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        dispatch!(self, target => target.keeps_hosts_out().await)
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        dispatch!(self, target => target.let_hosts_in().await)
    }

    fn lun(&self) -> i64 {
        dispatch!(self, target => target.lun())
    }
}

/// What a target found, as the planner wants it.
fn export(ready: bool, host: Option<Option<Position>>, others: bool, outgrown: bool) -> Export {
    let asked_at = host.flatten();
    Export::Present(Exported { ready, host: host.is_some(), others, asked_at, outgrown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{connect_task, volume};

    pub(super) fn way() -> Way {
        let key = ChapKey::new(&[7; 32]).unwrap();
        let portals = vec!["10.0.0.5:3260".parse().unwrap(), "[fd00::5]:3260".parse().unwrap()];
        Way { portals, iqn_prefix: prefix(), key }
    }

    #[test]
    fn names_are_read_back() {
        let way = way();
        assert_eq!(way.iqn(volume(5)), "iqn.2010-10.org.openstack:volume-00000000-0000-0000-0000-000000000005");
        assert_eq!(way.volume(&way.iqn(volume(5))), Some(volume(5)));
        for other in ["iqn.2010-10.org.openstack:volume-x", "iqn.2003-01.org.linux-iscsi.x:y", ""] {
            assert_eq!(way.volume(other), None, "{other}");
        }
    }

    #[test]
    fn only_names_of_initiators_become_folders() {
        assert_eq!(initiator("iqn.1993-08.org.debian:01:ABC"), Some("iqn.1993-08.org.debian:01:abc".to_owned()));
        let long = format!("iqn.{}", "a".repeat(220));
        for other in ["", "iqn.", "../../x", "iqn.a/../../b", "iqn.a b", "iqn.\u{e4}", "abc", long.as_str()] {
            assert_eq!(initiator(other), None, "{other}");
        }
    }

    #[test]
    fn a_connection_has_all_that_os_brick_takes_and_no_secret() {
        let way = way();
        let task = connect_task(5);
        let access = way.access(&task).unwrap().unwrap();
        let connection = way.connection(volume(5), &access, 1, true);
        let text = serde_json::to_string(&connection.data).unwrap();
        assert!(!text.contains(&access.chap.password), "{text}");
        let data = |key: &str| connection.data.get(key).cloned();
        assert_eq!(data("target_portal"), Some(ConnectionValue::Text("10.0.0.5:3260".to_owned())));
        let portals = vec!["10.0.0.5:3260".to_owned(), "[fd00::5]:3260".to_owned()];
        assert_eq!(data("target_portals"), Some(ConnectionValue::Texts(portals)));
        assert_eq!(data("target_luns"), Some(ConnectionValue::Numbers(vec![1, 1])));
        assert_eq!(data("auth_method"), Some(ConnectionValue::Text("CHAP".to_owned())));
    }

    #[test]
    fn settings_are_checked() {
        let good = TargetConfig::new(TargetKind::Lio, "/etc/stele/chap.key".into());
        assert_eq!(good.check(), Ok(()));
        for prefix in ["", "iqn.x", "IQN.x:", "iqn.x/y:"] {
            let bad = TargetConfig { iqn_prefix: prefix.to_owned(), ..good.clone() };
            assert_eq!(bad.check().unwrap_err().setting, "target.iqn_prefix", "{prefix}");
        }
        let none = TargetConfig { portals: Vec::new(), ..good };
        assert_eq!(none.check().unwrap_err().setting, "target.portals");
    }
}
