//! Every command line of tgtadm that is run.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use stele_core::chap::Chap;
use stele_core::id::VolumeId;

use crate::runner::Invocation;

const WITHIN: Duration = Duration::from_secs(20);

fn tgtadm<'a>(mode: &'a str, op: &'a str, more: impl IntoIterator<Item = &'a str>) -> Invocation {
    let args = ["--lld", "iscsi", "--mode", mode, "--op", op].into_iter().chain(more);
    Invocation::new("tgtadm", WITHIN, args.map(ToOwned::to_owned))
}

pub(super) fn show_targets() -> Invocation {
    tgtadm("target", "show", [])
}

pub(super) fn show_accounts() -> Invocation {
    tgtadm("account", "show", [])
}

pub(super) fn new_target(tid: u64, iqn: &str) -> Invocation {
    tgtadm("target", "new", ["--tid", &tid.to_string(), "--targetname", iqn])
}

pub(super) fn show_portals() -> Invocation {
    tgtadm("portal", "show", [])
}

pub(super) fn new_portal(portal: SocketAddr) -> Invocation {
    tgtadm("portal", "new", ["--param", &format!("portal={portal}")])
}

/// With everything in it and whoever is logged in.
pub(super) fn delete_target(tid: u64) -> Invocation {
    tgtadm("target", "delete", ["--tid", &tid.to_string(), "--force"])
}

pub(super) fn new_lun(tid: u64, lun: u64, device: &Path) -> Invocation {
    let device = device.to_string_lossy();
    tgtadm("logicalunit", "new", ["--tid", &tid.to_string(), "--lun", &lun.to_string(), "--backing-store", &device])
}

/// The volume's id as the LUN's: without it two LUNs of two nodes look alike to multipath
/// (<https://bugs.launchpad.net/cinder/+bug/1398078>).
pub(super) fn set_lun(tid: u64, lun: u64, volume: VolumeId, readonly: bool) -> Invocation {
    let params = format!("scsi_sn={volume},scsi_id={volume},readonly={}", u8::from(readonly));
    update_lun(tid, lun, &params)
}

pub(super) fn online(tid: u64, lun: u64, online: bool) -> Invocation {
    update_lun(tid, lun, &format!("online={}", u8::from(online)))
}

pub(super) fn reopen(tid: u64, lun: u64, device: &Path) -> Invocation {
    update_lun(tid, lun, &format!("path={}", device.display()))
}

fn update_lun(tid: u64, lun: u64, params: &str) -> Invocation {
    tgtadm("logicalunit", "update", ["--tid", &tid.to_string(), "--lun", &lun.to_string(), "--params", params])
}

pub(super) fn new_account(chap: &Chap) -> Invocation {
    tgtadm("account", "new", ["--user", &chap.username, "--password", &chap.password]).with_secret(&chap.password)
}

pub(super) fn delete_account(username: &str) -> Invocation {
    tgtadm("account", "delete", ["--user", username])
}

pub(super) fn bind_account(tid: u64, username: &str) -> Invocation {
    tgtadm("account", "bind", ["--tid", &tid.to_string(), "--user", username])
}

pub(super) fn unbind_account(tid: u64, username: &str) -> Invocation {
    tgtadm("account", "unbind", ["--tid", &tid.to_string(), "--user", username])
}

/// Without a target an account is asked for by discovery.
pub(super) fn bind_to_discovery(username: &str) -> Invocation {
    tgtadm("account", "bind", ["--user", username])
}

pub(super) fn bind_initiator(tid: u64, initiator: &str) -> Invocation {
    tgtadm("target", "bind", ["--tid", &tid.to_string(), "--initiator-name", initiator])
}

pub(super) fn end_connection(tid: u64, session: u64, connection: u64) -> Invocation {
    let (tid, session, connection) = (tid.to_string(), session.to_string(), connection.to_string());
    tgtadm("conn", "delete", ["--tid", &tid, "--sid", &session, "--cid", &connection])
}

#[cfg(test)]
mod tests {
    use stele_core::chap::ChapKey;

    use super::*;
    use crate::testing::volume;

    #[test]
    fn the_command_lines_are_these() {
        let id = "00000000-0000-0000-0000-000000000005";
        let chap = ChapKey::new(&[7; 32]).unwrap().of_discovery();
        let (user, device) = (&chap.username, Path::new("/dev/vg/volume-x"));
        for (invocation, text) in [
            (show_targets(), "--mode target --op show".to_owned()),
            (new_target(7, "iqn.x:y"), "--mode target --op new --tid 7 --targetname iqn.x:y".to_owned()),
            (new_portal("[::1]:3260".parse().unwrap()), "--mode portal --op new --param portal=[::1]:3260".to_owned()),
            (delete_target(7), "--mode target --op delete --tid 7 --force".to_owned()),
            (
                new_lun(7, 1, device),
                "--mode logicalunit --op new --tid 7 --lun 1 --backing-store /dev/vg/volume-x".to_owned(),
            ),
            (
                set_lun(7, 1, volume(5), true),
                format!("--mode logicalunit --op update --tid 7 --lun 1 --params scsi_sn={id},scsi_id={id},readonly=1"),
            ),
            (
                reopen(7, 1, device),
                "--mode logicalunit --op update --tid 7 --lun 1 --params path=/dev/vg/volume-x".to_owned(),
            ),
            (new_account(&chap), format!("--mode account --op new --user {user} --password ***")),
            (bind_account(7, user), format!("--mode account --op bind --tid 7 --user {user}")),
            (bind_to_discovery(user), format!("--mode account --op bind --user {user}")),
            (bind_initiator(7, "iqn.h"), "--mode target --op bind --tid 7 --initiator-name iqn.h".to_owned()),
            (end_connection(7, 2, 0), "--mode conn --op delete --tid 7 --sid 2 --cid 0".to_owned()),
        ] {
            assert_eq!(invocation.to_string(), format!("tgtadm --lld iscsi {text}"));
        }
        let secret = new_account(&chap);
        assert!(!format!("{secret} {secret:?}").contains(&chap.password));
        assert!(secret.args.iter().any(|arg| arg.to_str() == Some(chap.password.as_str())));
    }
}
