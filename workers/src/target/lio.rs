//! LIO, the kernel's target, written straight into configfs
//! (<https://docs.kernel.org/target/scripts.html>, and what targetcli does by way of rtslib).
//!
//! ```text
//! core/iblock_<HBA>/volume-<id>/{control,udev_path,enable,wwn/vpd_unit_serial}           the volume's device
//! iscsi/<iqn>/tpgt_1/lun/lun_0/volume-<id> -> ../../../../../core/iblock_<HBA>/...       its only LUN
//! iscsi/<iqn>/tpgt_1/np/<portal>                                                          where it listens
//! iscsi/<iqn>/tpgt_1/acls/<initiator>/{auth/userid,auth/password,tag}                     a host that may log in
//! iscsi/<iqn>/tpgt_1/acls/<initiator>/lun_0/{lun_0 -> ../../../lun/lun_0, write_protect}  what it may do
//! core/iblock_<LET_IN>/                                                                   hosts are let in
//! ```
//!
//! Where the kernel has just been started it has forgotten the last of these with all others. Then targets are made and not
//! enabled, for which the kernel tells hosts to try again later, until everything is back: a host that asks for a volume of
//! several hosts before it was made one of them would be told that it is forbidden, and give up.
//!
//! A host's tag is the position of the event that asked for it: a task that is older than that does not touch it. The
//! kernel does every write at once and whole; what takes time is to end the sessions of a host that is shut out.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use stele_core::id::VolumeId;
use stele_core::task::{AttachMode, Failure, FailureKind, lv_name};
use stele_core::unit::Position;

use super::configfs::{entries, folder, link, names, remove_folder, remove_link, settle, value, write};
use super::{Access, ExportHost, ExportItem, Target, Way, export};
use crate::driver::failure;
use crate::plan::Export;

/// The number of our HBA; all of our devices are under it. Any number does; rtslib counts from 0.
const HBA: &str = "iblock_3260";

/// The number of an HBA that never has devices. That it is there says that hosts are let in.
const LET_IN: &str = "iblock_3261";

const ROOT: &str = "/sys/kernel/config/target";

/// What comes before the position in a host's tag.
const TAG: &str = "stele.at.";

/// How many volumes may be changed at the same time, at most.
const CHANGES: usize = 64;

/// See the module.
#[derive(Debug, Clone)]
pub struct Lio {
    way: Arc<Way>,
    root: Arc<Path>,
    guard_discovery: bool,
    alone: Arc<[Mutex<()>; CHANGES]>,
}

impl Lio {
    /// Looks whether the kernel has a target, and closes discovery where that is wanted.
    ///
    /// # Errors
    /// A [`Failure`] that says what is missing.
    pub async fn open(way: Arc<Way>, guard_discovery: bool) -> Result<Self, Failure> {
        let lio = Self::of(way, Path::new(ROOT), guard_discovery);
        lio.blocking("open", move |lio| lio.begin(guard_discovery)).await?;
        Ok(lio)
    }

    fn of(way: Arc<Way>, root: &Path, guard_discovery: bool) -> Self {
        Self { way, root: root.into(), guard_discovery, alone: Arc::new([const { Mutex::new(()) }; CHANGES]) }
    }

    /// Changes a volume's target, while nothing else of this worker does. What a task was planned by may be over when it
    /// comes to its change: an old one that is delivered once more runs beside the next one of its volume.
    fn alone<T>(&self, volume: VolumeId, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let place = volume.0.as_bytes().iter().fold(0, |sum, byte| sum + usize::from(*byte)) % CHANGES;
        let _held = self.alone[place].lock().unwrap_or_else(PoisonError::into_inner);
        change()
    }

    /// Configfs is the kernel's memory, but some of its writes wait for sessions to end.
    async fn blocking<T: Send + 'static>(
        &self,
        step: &'static str,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let lio = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&lio)).await.unwrap_or_else(|e| Err(io::Error::other(e)));
        done.map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::ResourceBusy | io::ErrorKind::DirectoryNotEmpty => FailureKind::Busy,
                io::ErrorKind::PermissionDenied => FailureKind::ToolUnavailable,
                io::ErrorKind::AlreadyExists => FailureKind::Conflict,
                io::ErrorKind::InvalidData => FailureKind::Unparsable,
                _ => FailureKind::Other,
            };
            failure(kind, step, format!("lio: {error}"))
        })
    }

    fn begin(&self, guard_discovery: bool) -> io::Result<()> {
        if !self.root.join("core").is_dir() {
            let what = "the kernel has no target: modprobe iscsi_target_mod target_core_iblock, and mount configfs on \
                        /sys/kernel/config";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        folder(&self.root.join("iscsi"))?;
        if guard_discovery {
            let (auth, chap) = (self.root.join("iscsi/discovery_auth"), self.way.of_discovery());
            settle(&auth.join("userid"), &chap.username)?;
            settle(&auth.join("password"), &chap.password)?;
            settle(&auth.join("enforce_discovery_auth"), "1")?;
        }
        Ok(())
    }

    fn paths(&self, volume: VolumeId) -> Paths {
        let tpg = self.root.join("iscsi").join(self.way.iqn(volume)).join("tpgt_1");
        Paths { device: self.root.join("core").join(HBA).join(lv_name(volume)), lun: tpg.join("lun/lun_0"), tpg }
    }
}

impl Target for Lio {
    async fn look(&self, volume: VolumeId, access: Option<&Access>) -> Result<Export, Failure> {
        let access = access.cloned();
        self.blocking("observe", move |lio| lio.seen(volume, access.as_ref())).await
    }

    async fn open(&self, volume: VolumeId, device: &Path, access: &Access) -> Result<(), Failure> {
        let (device, access) = (device.to_owned(), access.clone());
        self.blocking("export", move |lio| lio.alone(volume, || lio.make(volume, &device, &access))).await
    }

    async fn close(&self, volume: VolumeId, access: &Access) -> Result<(), Failure> {
        let access = access.clone();
        self.blocking("unexport", move |lio| lio.alone(volume, || lio.shut_out(volume, &access))).await
    }

    async fn withdraw(&self, volume: VolumeId) -> Result<(), Failure> {
        self.blocking("withdraw", move |lio| lio.alone(volume, || lio.paths(volume).remove())).await
    }

    async fn resize(&self, _volume: VolumeId, _device: &Path) -> Result<(), Failure> {
        // The kernel asks the device for its size each time that it is asked.
        Ok(())
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        self.blocking("observe", |lio| Ok(!lio.lets_hosts_in())).await
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        self.blocking("let hosts in", Self::enable_all).await
    }

    async fn exports(&self) -> Result<Vec<ExportItem>, Failure> {
        let guard = self.guard_discovery;
        self.blocking("inventory", move |lio| lio.begin(guard).and_then(|()| lio.all())).await
    }

    fn lun(&self) -> i64 {
        0
    }
}

impl Lio {
    fn seen(&self, volume: VolumeId, access: Option<&Access>) -> io::Result<Export> {
        let paths = self.paths(volume);
        if !paths.device.exists() && !paths.iqn().exists() {
            return Ok(Export::Absent);
        }
        paths.check_ours()?;
        let hosts = names(&paths.tpg.join("acls"))?;
        let mut host = None;
        if let Some(access) = access
            && hosts.contains(&access.initiator)
        {
            host = Some(position(&paths.host(&access.initiator))?);
        }
        let others = hosts.iter().any(|name| access.is_none_or(|access| access.initiator != *name));
        let ready = self.is_ready(&paths)?
            && match access {
                Some(access) => host.is_some() && paths.lets_in(access)?,
                None => true,
            };
        Ok(export(ready, host, others, false))
    }

    fn lets_hosts_in(&self) -> bool {
        self.root.join("core").join(LET_IN).is_dir()
    }

    /// From now on what is made is enabled at once. That is said first: what is made meanwhile is enabled by one or the other.
    fn enable_all(&self) -> io::Result<()> {
        folder(&self.root.join("core").join(LET_IN))?;
        for volume in names(&self.root.join("iscsi"))?.iter().filter_map(|name| self.way.volume(name)) {
            let paths = self.paths(volume);
            if self.is_whole(&paths)? && !names(&paths.tpg.join("acls"))?.is_empty() {
                settle(&paths.tpg.join("enable"), "1")?;
            }
        }
        Ok(())
    }

    /// Ready for hosts as soon as they are let in.
    fn is_ready(&self, paths: &Paths) -> io::Result<bool> {
        Ok(self.is_whole(paths)? && (!self.lets_hosts_in() || value(&paths.tpg.join("enable"))? == "1"))
    }

    fn is_whole(&self, paths: &Paths) -> io::Result<bool> {
        let listens = names(&paths.tpg.join("np"))?;
        Ok(value(&paths.device.join("enable"))? == "1"
            && paths.link().exists()
            && self.way.portals().iter().all(|portal| listens.contains(&portal.to_string())))
    }

    fn make(&self, volume: VolumeId, device: &Path, access: &Access) -> io::Result<()> {
        let paths = self.paths(volume);
        paths.check_ours()?;
        folder(&self.root.join("core").join(HBA))?;
        folder(&paths.device)?;
        if value(&paths.device.join("enable"))? != "1" {
            let device = device.to_str().ok_or_else(|| io::Error::other("the device's path is not UTF-8"))?;
            write(&paths.device.join("control"), &format!("udev_path={device}"))?;
            write(&paths.device.join("udev_path"), device)?;
            write(&paths.device.join("enable"), "1")?;
            write(&paths.device.join("wwn/vpd_unit_serial"), &volume.to_string())?;
            // Discards pass through where the device knows them.
            if value(&paths.device.join("attrib/max_unmap_lba_count"))? != "0" {
                write(&paths.device.join("attrib/emulate_tpu"), "1")?;
            }
        }
        folder(&paths.iqn())?;
        folder(&paths.tpg)?;
        folder(&paths.lun)?;
        link(&paths.device, &paths.link())?;
        for (attribute, wanted) in [("authentication", "1"), ("generate_node_acls", "0")] {
            settle(&paths.tpg.join("attrib").join(attribute), wanted)?;
        }
        for portal in self.way.portals() {
            folder(&paths.tpg.join("np").join(portal.to_string()))?;
        }
        paths.let_in(access)?;
        if self.lets_hosts_in() { settle(&paths.tpg.join("enable"), "1") } else { Ok(()) }
    }

    fn shut_out(&self, volume: VolumeId, access: &Access) -> io::Result<()> {
        let paths = self.paths(volume);
        if paths.is_of_later(access)? {
            return Ok(());
        }
        remove_host(&paths.host(&access.initiator))?;
        if names(&paths.tpg.join("acls"))?.is_empty() { paths.remove() } else { Ok(()) }
    }

    fn all(&self) -> io::Result<Vec<ExportItem>> {
        let mut volumes: Vec<VolumeId> =
            names(&self.root.join("iscsi"))?.iter().filter_map(|name| self.way.volume(name)).collect();
        // A device without a target is what a worker left that died in between.
        let devices = names(&self.root.join("core").join(HBA))?;
        volumes.extend(devices.iter().filter_map(|name| name.strip_prefix("volume-")?.parse::<VolumeId>().ok()));
        volumes.sort_unstable();
        volumes.dedup();
        volumes.into_iter().map(|volume| self.item(volume)).collect()
    }

    fn item(&self, volume: VolumeId) -> io::Result<ExportItem> {
        let paths = self.paths(volume);
        let mut hosts = Vec::new();
        for name in names(&paths.tpg.join("acls"))? {
            let host = paths.host(&name);
            let logged_in = value(&host.join("info"))?.contains("TARG_SESS_STATE_LOGGED_IN");
            let username = value(&host.join("auth/userid"))?;
            hosts.push(ExportHost { username, initiator: Some(name), logged_in: Some(logged_in) });
        }
        Ok(ExportItem { volume, ready: self.is_ready(&paths)?, hosts })
    }
}

/// Where a volume's things are.
struct Paths {
    device: PathBuf,
    tpg: PathBuf,
    lun: PathBuf,
}

impl Paths {
    fn iqn(&self) -> PathBuf {
        self.tpg.parent().unwrap_or(&self.tpg).to_owned()
    }

    /// The link from the LUN to the device.
    fn link(&self) -> PathBuf {
        self.lun.join(self.device.file_name().unwrap_or_default())
    }

    fn host(&self, initiator: &str) -> PathBuf {
        self.tpg.join("acls").join(initiator)
    }

    /// A LUN that is another device's was made by somebody else.
    fn check_ours(&self) -> io::Result<()> {
        let other = |path: &Path| {
            let what = format!("{} is not of this volume's device: somebody else made it", path.display());
            io::Error::new(io::ErrorKind::AlreadyExists, what)
        };
        let ours = self.link();
        for lun in names(&self.tpg.join("lun"))?.iter().map(|name| self.tpg.join("lun").join(name)) {
            for entry in entries(&lun)? {
                let path = entry.path();
                if entry.file_type()?.is_symlink()
                    && (path != ours || path.canonicalize()? != self.device.canonicalize()?)
                {
                    return Err(other(&path));
                }
            }
        }
        Ok(())
    }

    /// The tag is a part of it: a host without one, whose worker died before it wrote that, would be taken for the host
    /// of any older task, and shut out by one that is delivered once more.
    fn lets_in(&self, access: &Access) -> io::Result<bool> {
        let host = self.host(&access.initiator);
        Ok(position(&host)?.is_some_and(|asked_at| asked_at >= access.asked_at)
            && value(&host.join("auth/userid"))? == access.chap.username
            && value(&host.join("auth/password"))? == access.chap.password
            && host.join("lun_0/lun_0").exists()
            && value(&host.join("lun_0/write_protect"))? == protected(access.mode))
    }

    /// Whether the host was let in for something that was asked for later.
    fn is_of_later(&self, access: &Access) -> io::Result<bool> {
        Ok(position(&self.host(&access.initiator))?.is_some_and(|asked_at| asked_at > access.asked_at))
    }

    fn let_in(&self, access: &Access) -> io::Result<()> {
        if self.is_of_later(access)? {
            return Ok(());
        }
        let host = self.host(&access.initiator);
        folder(&host)?;
        settle(&host.join("auth/userid"), &access.chap.username)?;
        settle(&host.join("auth/password"), &access.chap.password)?;
        folder(&host.join("lun_0"))?;
        link(&self.lun, &host.join("lun_0/lun_0"))?;
        settle(&host.join("lun_0/write_protect"), protected(access.mode))?;
        write(&host.join("tag"), &format!("{TAG}{}", access.asked_at))
    }

    /// From the outside to the inside; each of it may be gone already.
    fn remove(&self) -> io::Result<()> {
        if self.tpg.exists() {
            settle(&self.tpg.join("enable"), "0")?;
        }
        for name in names(&self.tpg.join("acls"))? {
            remove_host(&self.host(&name))?;
        }
        for name in names(&self.tpg.join("np"))? {
            remove_folder(&self.tpg.join("np").join(name))?;
        }
        remove_link(&self.link())?;
        for path in [&self.lun, &self.tpg, &self.iqn(), &self.device] {
            remove_folder(path)?;
        }
        Ok(())
    }
}

fn protected(mode: AttachMode) -> &'static str {
    match mode {
        AttachMode::Rw => "0",
        AttachMode::Ro => "1",
    }
}

fn position(host: &Path) -> io::Result<Option<Position>> {
    Ok(value(&host.join("tag"))?.strip_prefix(TAG).and_then(|position| position.parse().ok()))
}

fn remove_host(host: &Path) -> io::Result<()> {
    for lun in names(host)?.iter().filter(|name| name.starts_with("lun_")).map(|name| host.join(name)) {
        for entry in entries(&lun)? {
            if entry.file_type()?.is_symlink() {
                remove_link(&entry.path())?;
            }
        }
        remove_folder(&lun)?;
    }
    remove_folder(host)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::target::tests::way;
    use crate::testing::{connect_task, volume};

    /// What the kernel would have made with the folders: attributes that can be written, and nothing else.
    fn attributes(lio: &Lio, access: &Access) {
        let (paths, hba) = (lio.paths(volume(5)), lio.root.join("core").join(HBA));
        let host = paths.host(&access.initiator);
        let mut files = Vec::new();
        for (folder, names) in [
            (paths.device.clone(), ["control", "udev_path", "enable"].as_slice()),
            (paths.device.join("wwn"), ["vpd_unit_serial"].as_slice()),
            (paths.device.join("attrib"), ["max_unmap_lba_count", "emulate_tpu"].as_slice()),
            (paths.tpg.clone(), ["enable"].as_slice()),
            (paths.tpg.join("attrib"), ["authentication", "generate_node_acls"].as_slice()),
            (host.join("auth"), ["userid", "password"].as_slice()),
            (host.join("lun_0"), ["write_protect"].as_slice()),
            (host.clone(), ["tag"].as_slice()),
        ] {
            files.extend(names.iter().map(|name| folder.join(name)));
        }
        for folder in [&hba, &paths.lun, &paths.tpg.join("np")] {
            fs::create_dir_all(folder).unwrap();
        }
        for file in files {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
    }

    /// A disconnect of an earlier attachment of the same host is delivered once more, and was planned before the host's new
    /// attachment was there.
    #[test]
    fn what_was_asked_for_later_is_left_by_what_comes_late() {
        let root = tempfile::tempdir().unwrap();
        let way = Arc::new(way());
        let access = way.access(&connect_task(5)).unwrap().unwrap();
        let lio = Lio::of(way, root.path(), false);
        attributes(&lio, &access);
        let paths = lio.paths(volume(5));
        let at = |asked_at: u64| Access { asked_at: Position(asked_at), ..access.clone() };
        let ready = |access: &Access| match lio.seen(volume(5), Some(access)).unwrap() {
            Export::Present(exported) => exported.ready,
            other => panic!("{other:?}"),
        };
        lio.make(volume(5), Path::new("/dev/vg/volume"), &at(20)).unwrap();
        assert!(ready(&at(20)));
        lio.shut_out(volume(5), &at(10)).unwrap();
        lio.make(volume(5), Path::new("/dev/vg/volume"), &Access { mode: AttachMode::Ro, ..at(10) }).unwrap();
        assert!(ready(&at(20)), "what is older changes nothing");
        assert_eq!(position(&paths.host(&access.initiator)).unwrap(), Some(Position(20)));

        // A worker that died before the last write has not let anybody in: else anything old could shut the host out.
        fs::write(paths.host(&access.initiator).join("tag"), "").unwrap();
        assert!(!ready(&at(20)));
        lio.make(volume(5), Path::new("/dev/vg/volume"), &at(20)).unwrap();
        assert!(ready(&at(20)));
    }

    #[test]
    fn targets_are_enabled_when_hosts_are_let_in_and_then_at_once() {
        let root = tempfile::tempdir().unwrap();
        let way = Arc::new(way());
        let access = way.access(&connect_task(5)).unwrap().unwrap();
        let lio = Lio::of(way, root.path(), false);
        attributes(&lio, &access);
        let enabled = || value(&lio.paths(volume(5)).tpg.join("enable")).unwrap();
        let make = || lio.make(volume(5), Path::new("/dev/vg/volume"), &access).unwrap();

        make();
        assert_eq!((enabled().as_str(), lio.lets_hosts_in()), ("", false), "another of its hosts may not be known yet");
        assert!(lio.is_ready(&lio.paths(volume(5))).unwrap(), "nothing of it is missing");
        lio.enable_all().unwrap();
        assert_eq!((enabled().as_str(), lio.lets_hosts_in()), ("1", true));
        settle(&lio.paths(volume(5)).tpg.join("enable"), "0").unwrap();
        assert!(!lio.is_ready(&lio.paths(volume(5))).unwrap(), "somebody shut hosts out");
        make();
        assert_eq!(enabled(), "1");
    }
}
