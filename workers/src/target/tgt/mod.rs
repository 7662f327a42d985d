//! tgt, the target that runs as a process, by `tgtadm` (tgtadm(8)).
//!
//! A host is an account, bound to the volume's target: the user name of its secrets. tgt also checks the names of
//! initiators, but keeps them apart from the accounts, so a name stays with the target until the target goes; the
//! account is what a host that is shut out no longer has. LUN 0 is tgt's own controller, LUN 1 the volume.
//!
//! tgtd may be started with a portal that no host knows (`tgtd --iscsi portal=127.0.0.1:3259`): the portals of the settings
//! are opened when everything that is promised is there; see [`super::Target::keeps_hosts_out`].
//!
//! tgtd takes a password only as an argument of `tgtadm`, where whoever may look at root's processes can see it for a
//! moment; that is how tgt is made. What this process logs does not have it.

mod argv;
mod show;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stele_core::id::VolumeId;
use stele_core::task::{AttachMode, Failure, FailureKind};

use super::{Access, ExportHost, ExportItem, Target, Way, export};
use crate::driver::failure;
use crate::plan::Export;
use crate::runner::{Invocation, Output, Runner};
use crate::shared::Shared;
use show::{Found, targets};

/// The volume's LUN.
const LUN: u64 = 1;

/// How often a free number is looked for: others may take it in between.
const TRIES: u32 = 8;

/// See the module.
#[derive(Debug, Clone)]
pub struct Tgt {
    way: Arc<Way>,
    runner: Runner,
    guard_discovery: bool,
    /// All targets, for all who ask at that moment.
    shown: Arc<Shared<Result<Arc<[Found]>, Failure>>>,
    /// The largest number of a target that was seen or tried.
    last_tid: Arc<AtomicU64>,
}

impl Tgt {
    /// Looks whether tgtd runs, and closes discovery where that is wanted.
    ///
    /// # Errors
    /// A [`Failure`] that says what is missing.
    pub async fn open(way: Arc<Way>, guard_discovery: bool, runner: Runner) -> Result<Self, Failure> {
        let tgt = Self { way, runner, guard_discovery, shown: Arc::default(), last_tid: Arc::default() };
        tgt.all().await?;
        tgt.guard().await?;
        Ok(tgt)
    }

    /// Binds the secrets that nobody has to discovery; tgtd forgets them when it ends.
    async fn guard(&self) -> Result<(), Failure> {
        let chap = self.way.of_discovery();
        if self.guard_discovery && !self.accounts().await?.contains(&chap.username) {
            self.run(argv::new_account(&chap)).await?;
            self.run(argv::bind_to_discovery(&chap.username)).await?;
        }
        Ok(())
    }

    async fn all(&self) -> Result<Arc<[Found]>, Failure> {
        self.shown.get(|| self.show()).await
    }

    async fn show(&self) -> Result<Arc<[Found]>, Failure> {
        let output = self.run(argv::show_targets()).await?;
        let all = targets(&output.stdout).map_err(|error| {
            let stderr = String::from_utf8_lossy(&output.stdout).chars().take(1000).collect();
            Failure { stderr, ..failure(FailureKind::Unparsable, "tgtadm", error.to_string()) }
        })?;
        let last = all.iter().map(|target| target.tid).max().unwrap_or(0);
        self.last_tid.fetch_max(last, Ordering::Relaxed);
        Ok(all.into())
    }

    async fn find(&self, volume: VolumeId) -> Result<Option<Found>, Failure> {
        let iqn = self.way.iqn(volume);
        Ok(self.all().await?.iter().find(|target| target.iqn == iqn).cloned())
    }

    /// The portals of the settings at which tgtd does not listen.
    async fn closed(&self) -> Result<Vec<SocketAddr>, Failure> {
        let output = self.run(argv::show_portals()).await?;
        let open =
            show::portals(&output.stdout).map_err(|e| failure(FailureKind::Unparsable, "tgtadm", e.to_string()))?;
        Ok(self
            .way
            .portals()
            .iter()
            .copied()
            .filter(|wanted| !open.iter().any(|open| covers(*open, *wanted)))
            .collect())
    }

    async fn accounts(&self) -> Result<Vec<String>, Failure> {
        let output = self.run(argv::show_accounts()).await?;
        show::accounts(&output.stdout).map_err(|e| failure(FailureKind::Unparsable, "tgtadm", e.to_string()))
    }

    /// The volume's target, made when it is missing. Making it fails where one is, so nobody has to look first.
    async fn target(&self, volume: VolumeId) -> Result<Found, Failure> {
        let iqn = self.way.iqn(volume);
        let mut last = None;
        for _ in 0..TRIES {
            let tid = self.last_tid.fetch_add(1, Ordering::Relaxed) + 1;
            last = match self.run(argv::new_target(tid, &iqn)).await {
                Ok(_) => return Ok(Found { tid, iqn, ..Found::default() }),
                Err(failure) => Some(failure),
            };
            // It is there, or somebody else took the number.
            if let Some(found) = self.find(volume).await? {
                return Ok(found);
            }
        }
        Err(last.unwrap_or_else(|| failure(FailureKind::Other, "tgtadm", format!("{iqn} does not stay"))))
    }

    async fn lun(&self, volume: VolumeId, found: &Found, device: &Path, access: &Access) -> Result<(), Failure> {
        let readonly = access.mode == AttachMode::Ro;
        match found.lun(LUN) {
            None => {
                self.run(argv::new_lun(found.tid, LUN, device)).await?;
                self.run(argv::set_lun(found.tid, LUN, volume, readonly)).await.map(drop)
            }
            Some(lun) if lun.path != device.to_string_lossy() => {
                let what = format!("{} has the device {}: somebody else made it", found.iqn, lun.path);
                Err(failure(FailureKind::Conflict, "export", what))
            }
            Some(lun) if lun.readonly == readonly => Ok(()),
            Some(_) if found.accounts.iter().all(|account| *account == access.chap.username) => {
                self.run(argv::set_lun(found.tid, LUN, volume, readonly)).await.map(drop)
            }
            Some(_) => {
                let what = "tgt lets all hosts write or none: this volume has a host that may do something else";
                Err(failure(FailureKind::Unsupported, "export", what))
            }
        }
    }

    /// Takes an account off a target. tgtd 1.0.85 leaves a hole where an account was that is not the target's last, and
    /// dies when it shows the target next: so those behind it are taken off first, and bound again. Nobody who is
    /// logged in notices.
    async fn unbind(&self, found: &Found, username: &str) -> Result<(), Failure> {
        let Some(place) = found.accounts.iter().position(|account| account == username) else { return Ok(()) };
        for account in found.accounts[place..].iter().rev() {
            self.run(argv::unbind_account(found.tid, account)).await?;
        }
        for account in &found.accounts[place + 1..] {
            self.run(argv::bind_account(found.tid, account)).await?;
        }
        Ok(())
    }

    async fn run(&self, invocation: Invocation) -> Result<Output, Failure> {
        let program = invocation.program;
        let output =
            self.runner.run(invocation).await.map_err(|error| {
                failure(FailureKind::ToolUnavailable, program, format!("{error}; is tgt installed?"))
            })?;
        if output.success() {
            return Ok(output);
        }
        let stderr = output.stderr.trim().to_owned();
        let kind = if stderr.contains("failed to send request hdr") || stderr.contains("can't connect to tgt daemon") {
            FailureKind::ToolUnavailable
        } else {
            FailureKind::Other
        };
        let message = if kind == FailureKind::ToolUnavailable { "tgtd does not run: start it" } else { "it failed" };
        Err(Failure { exit_status: output.exit_status, stderr, ..failure(kind, program, message) })
    }
}

impl Target for Tgt {
    async fn look(&self, volume: VolumeId, access: Option<&Access>) -> Result<Export, Failure> {
        let Some(found) = self.find(volume).await? else { return Ok(Export::Absent) };
        let may = |access: &Access| found.accounts.contains(&access.chap.username);
        let others = found.accounts.iter().any(|name| access.is_none_or(|access| access.chap.username != *name));
        let lets_in = |access: &Access| {
            may(access)
                && found.initiators.contains(&access.initiator)
                && found.lun(LUN).is_some_and(|lun| lun.readonly == (access.mode == AttachMode::Ro))
        };
        let ready = found.is_ready(LUN) && access.is_none_or(lets_in);
        let outgrown = match found.lun(LUN) {
            Some(lun) => is_outgrown(lun),
            None => false,
        };
        Ok(export(ready, access.filter(|access| may(access)).map(|_| None), others, outgrown))
    }

    async fn open(&self, volume: VolumeId, device: &Path, access: &Access) -> Result<(), Failure> {
        let found = self.target(volume).await?;
        self.lun(volume, &found, device, access).await?;
        let (tid, username) = (found.tid, &access.chap.username);
        if !found.accounts.contains(username) {
            if let Err(failure) = self.run(argv::new_account(&access.chap)).await {
                // One that is there and not bound is of a password that nobody knows any more.
                if !self.accounts().await?.contains(username) {
                    return Err(failure);
                }
                self.run(argv::delete_account(username)).await?;
                self.run(argv::new_account(&access.chap)).await?;
            }
            self.run(argv::bind_account(tid, username)).await?;
        }
        if !found.initiators.contains(&access.initiator) {
            self.run(argv::bind_initiator(tid, &access.initiator)).await?;
        }
        Ok(())
    }

    async fn close(&self, volume: VolumeId, access: &Access) -> Result<(), Failure> {
        let Some(found) = self.find(volume).await? else { return Ok(()) };
        let username = &access.chap.username;
        if found.accounts.iter().all(|account| account == username) {
            return self.withdraw(volume).await;
        }
        self.unbind(&found, username).await?;
        if self.accounts().await?.contains(username) {
            self.run(argv::delete_account(username)).await?;
        }
        for (session, connection) in found.connections_of(&access.initiator) {
            self.run(argv::end_connection(found.tid, session, connection)).await?;
        }
        Ok(())
    }

    async fn withdraw(&self, volume: VolumeId) -> Result<(), Failure> {
        let Some(found) = self.find(volume).await? else { return Ok(()) };
        self.run(argv::delete_target(found.tid)).await?;
        let accounts = self.accounts().await?;
        for account in found.accounts.iter().filter(|account| accounts.contains(account)) {
            self.run(argv::delete_account(account)).await?;
        }
        Ok(())
    }

    async fn resize(&self, volume: VolumeId, device: &Path) -> Result<(), Failure> {
        // tgtd looks at the size only when it opens the device, which it does when the LUN is offline for a moment.
        let Some(found) = self.find(volume).await? else { return Ok(()) };
        self.run(argv::online(found.tid, LUN, false)).await?;
        let path = self.run(argv::reopen(found.tid, LUN, device)).await;
        self.run(argv::online(found.tid, LUN, true)).await?;
        path.map(drop)
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        Ok(!self.closed().await?.is_empty())
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        let mut opened = Ok(());
        for portal in self.closed().await? {
            // One at which nobody can listen keeps no host from the others.
            if let Err(failure) = self.run(argv::new_portal(portal)).await {
                opened = Err(Failure { message: format!("{portal} cannot be opened: {}", failure.message), ..failure });
            }
        }
        opened
    }

    async fn exports(&self) -> Result<Vec<ExportItem>, Failure> {
        self.guard().await?;
        let mut items: Vec<ExportItem> = self
            .all()
            .await?
            .iter()
            .filter_map(|found| {
                let host =
                    |username: &String| ExportHost { username: username.clone(), initiator: None, logged_in: None };
                let hosts = found.accounts.iter().map(host).collect();
                Some(ExportItem { volume: self.way.volume(&found.iqn)?, ready: found.is_ready(LUN), hosts })
            })
            .collect();
        items.sort_by_key(|item| item.volume);
        Ok(items)
    }

    fn lun(&self) -> i64 {
        1
    }
}

/// Whether who listens at the one listens at the other: at all addresses of its kind perhaps.
fn covers(open: SocketAddr, wanted: SocketAddr) -> bool {
    open == wanted || open.port() == wanted.port() && open.ip().is_unspecified() && open.is_ipv4() == wanted.is_ipv4()
}

/// tgt tells sizes in millions of bytes, rounded: enough to see that a device grew by a GiB.
fn is_outgrown(lun: &show::Lun) -> bool {
    use std::io::{Seek as _, SeekFrom};
    let size = std::fs::File::open(&lun.path).and_then(|mut device| device.seek(SeekFrom::End(0)));
    // A device that cannot be opened has other troubles.
    size.is_ok_and(|bytes| bytes / 1_000_000 > lun.size_mb + 1)
}
