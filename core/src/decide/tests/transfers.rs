//! A volume goes to another project.

use super::*;
use crate::scenario::render::{id_of, volume_id};

/// The HMAC of some key under some salt; nothing here computes one.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// KEY, and what makes a transfer of it.
fn long(script: &str) -> String {
    script
        .replace(
            "OFFER",
            &format!(r#"do transfer.create {{"id":"<t>","volume":"<a>","salt":"0011223344556677","key_hash":"{KEY}""#),
        )
        .replace("ACCEPT", &format!(r#"do@other transfer.accept user=bob {{"id":"<t>","key_hash":"{KEY}"}}"#))
}

fn check_long(rows: &[(&str, &str, &str)]) {
    let before = format!(
        r#"{BACKENDS}; create a 5; report a ok; do snapshot.create {{"id":"<s>","volume":"<a>"}}; report s ok"#
    );
    let rows: Vec<[String; 3]> =
        rows.iter().map(|(given, when, then)| [long(given), long(when), then.replace("HASH", KEY)]).collect();
    let rows: Vec<_> = rows.iter().map(|[given, when, then]| (given.as_str(), when.as_str(), then.as_str())).collect();
    check(&before, &rows);
}

#[test]
fn a_volume_is_offered_accepted_or_kept() {
    check_long(&[
        (
            "",
            r#"OFFER,"name":"gift"}"#,
            r#"transfer_created {"transfer":{"id":"<t>","key_hash":"HASH","name":"gift","project":"demo","salt":"0011223344556677","volume":"<a>"}}"#,
        ),
        ("OFFER}", r#"do transfer.delete {"id":"<t>"}"#, r#"transfer_deleted {"transfer":"<t>"}"#),
        (
            "OFFER}",
            "ACCEPT",
            r#"quota_used other volumes +1 on 0+0 of 10, snapshots +1 on 0+0 of 10, gigabytes +10 on 0+0 of 1000, volumes___DEFAULT__ +1 on 0+0 of -1, snapshots___DEFAULT__ +1 on 0+0 of -1, gigabytes___DEFAULT__ +10 on 0+0 of -1
               quota_used demo volumes -1 on 1+0 of 10, snapshots -1 on 1+0 of 10, gigabytes -10 on 10+0 of 1000, volumes___DEFAULT__ -1 on 1+0 of -1, snapshots___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -10 on 10+0 of -1
               transfer_accepted {"project":"other","snapshots":["<s>"],"transfer":"<t>"}"#,
        ),
    ]);
}

#[test]
fn the_volume_its_snapshots_and_their_quota_are_the_takers() {
    for (with_snapshots, offer) in [(true, "OFFER}"), (false, r#"OFFER,"no_snapshots":true}"#)] {
        let mut cell = Cell::new();
        cell.run(BACKENDS);
        cell.run(r#"create a 5; report a ok; do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok"#);
        cell.run(&long(&format!("{offer}; ACCEPT")));
        let volume = &cell.state().volumes[&volume_id("a")];
        let snapshot = &cell.state().snapshots[&crate::id::SnapshotId(id_of("s"))];
        let owner = |with: bool| if with { ("other", "bob") } else { ("demo", "alice") };
        assert_eq!(
            (volume.project.as_str(), volume.user.as_str(), volume.status.name()),
            ("other", "bob", "available")
        );
        assert_eq!((snapshot.project.as_str(), snapshot.user.as_str()), owner(with_snapshots));
        // The audit knows that the quota moved with them.
        assert!(cell.state().transfers.is_empty());
        // What an earlier transfer left behind is not the new owner's to give.
        cell.run(
            &long(&format!("{offer}; ACCEPT"))
                .replace("do ", "do@other ")
                .replace("do@other transfer.accept", "do@third transfer.accept"),
        );
        let snapshot = &cell.state().snapshots[&crate::id::SnapshotId(id_of("s"))];
        assert_eq!(snapshot.project.as_str(), if with_snapshots { "third" } else { "demo" });
        assert_eq!(cell.state().volumes[&volume_id("a")].project.as_str(), "third");
    }
}

#[test]
fn each_guard_of_transfers_has_its_refusal() {
    let not_found = "refused TransferNotFound: Transfer <t> could not be found.";
    check_long(&[
        ("extend a 6", "OFFER}", "refused InvalidVolumeStatus: Invalid volume: status must be available"),
        (
            r#"do volume.initialize_connection {"id":"<a>","connector":{"host":"h"}}"#,
            "OFFER}",
            "refused InvalidVolumeStatus: Invalid volume: status must be available",
        ),
        (
            r#"do snapshot.reset_status {"id":"<s>","status":"error"}"#,
            "OFFER}",
            "refused InvalidSnapshotStatus: Invalid snapshot: snapshot: <s> status must be available",
        ),
        ("OFFER}", "OFFER}", "refused TransferExists: a transfer <t> exists already"),
        ("", "ACCEPT", not_found),
        ("", r#"do transfer.delete {"id":"<t>"}"#, not_found),
        ("OFFER}", r#"do@other transfer.delete {"id":"<t>"}"#, not_found),
        (
            "OFFER}",
            &"ACCEPT".replace(
                "ACCEPT",
                &format!(r#"do@other transfer.accept {{"id":"<t>","key_hash":"{}"}}"#, KEY.replace('f', "e")),
            ),
            "refused InvalidAuthKey: Invalid auth key: Attempt to transfer <t> with invalid auth key.",
        ),
        ("OFFER}; ACCEPT", "ACCEPT", not_found),
        (
            "OFFER}; quota other volumes=0",
            "ACCEPT",
            "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'.",
        ),
        (
            "OFFER}; quota other snapshots=0",
            "ACCEPT",
            "refused SnapshotLimitExceeded: SnapshotLimitExceeded: Maximum number of snapshots allowed (0) exceeded",
        ),
        (
            "OFFER}; quota other gigabytes=9",
            "ACCEPT",
            "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 10G, quota is 9G and 0G has been consumed.",
        ),
        (
            "OFFER}; quota other per_volume_gigabytes=4",
            "ACCEPT",
            "refused VolumeSizeExceedsLimit: VolumeSizeExceedsLimit: Requested volume size 5G is larger than maximum allowed limit 4G.",
        ),
    ]);
}

/// A transfer ends with its volume's wait for it, whoever ends that.
#[test]
fn a_transfer_is_given_up_with_its_volumes_status() {
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; create a 5; report a ok"));
    cell.run(&long(r#"OFFER}; do volume.reset_status {"id":"<a>","status":"error"}"#));
    assert_eq!((cell.status("a"), cell.state().transfers.len()), ("error", 0));
    cell.run(&long(r#"do volume.reset_status {"id":"<a>","status":"available"}; OFFER}; do@admin volume.delete {"id":"<a>","force":true}"#));
    assert_eq!((cell.status("a"), cell.state().transfers.len()), ("deleting", 0));
}
