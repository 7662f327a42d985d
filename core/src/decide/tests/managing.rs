use super::*;

const MANAGE: &str =
    r#"do volume.manage {"id":"<m>","project":"demo","pool":"n1@lvm#vg","source_name":"old-1","name":"web"}"#;
const MANAGED: &str = "report m ok";
const TAKE: &str = r#"do snapshot.manage {"id":"<s>","volume":"<m>","source_name":"old-2"}"#;

/// The worker of the scripts finds 2.5 GiB.
#[test]
fn a_volume_is_taken_over_with_its_size() {
    check(
        BACKENDS,
        &[
            (
                "",
                MANAGE,
                "flow_started volume_manage m demo
                 quota_reserved volumes +1 on 0+0 of 10, gigabytes +1 on 0+0 of 1000, volumes___DEFAULT__ +1 on 0+0 of -1, gigabytes___DEFAULT__ +1 on 0+0 of -1
                 volume_entry_created m 1 GiB managing __DEFAULT__ in nova by alice
                 quota_committed
                 task_pending manage_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                MANAGE,
                MANAGED,
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_used demo gigabytes +2 on 1+0 of 1000, gigabytes___DEFAULT__ +2 on 1+0 of -1
                 volume_managed m 3 GiB
                 flow_finished",
            ),
            (
                &format!("{MANAGE}; {MANAGED}"),
                r#"do volume.unmanage {"id":"<m>"}"#,
                "flow_started volume_unmanage m demo
                 volume_unmanaging m
                 task_pending unmanage_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                &format!(r#"{MANAGE}; {MANAGED}; do volume.unmanage {{"id":"<m>"}}"#),
                "report m ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_reserved volumes -1 on 1+0 of 10, gigabytes -3 on 3+0 of 1000, volumes___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -3 on 3+0 of -1
                 quota_committed
                 volume_deleted m
                 flow_finished",
            ),
        ],
    );
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {MANAGE}; {MANAGED}; extend m 5; report m ok; {TAKE}; report s ok"));
    assert_eq!((cell.status("m"), cell.snapshot_status("s")), ("available", "available"));
    cell.run(r#"do snapshot.unmanage {"id":"<s>"}"#);
    assert_eq!(cell.snapshot_status("s"), "unmanaging");
    cell.run(r#"report s ok; do volume.unmanage {"id":"<m>"}; report m ok"#);
    assert_eq!((cell.status("m"), cell.snapshot_status("s")), ("gone", "gone"));
}

#[test]
fn what_does_not_fit_into_the_quota_is_given_back() {
    for (quota, why) in [
        (
            "gigabytes=2",
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 2G, quota is 2G and 1G has been consumed.",
        ),
        (
            "per_volume_gigabytes=2",
            "VolumeSizeExceedsLimit: Requested volume size 3G is larger than maximum allowed limit 2G.",
        ),
    ] {
        check(
            &format!("{BACKENDS}; quota demo {quota}; {MANAGE}"),
            &[(
                "",
                MANAGED,
                &format!(
                    "task_running w1 #1 +120s
                     task_succeeded w1 #1
                     flow_started volume_cleanup m demo
                     task_pending unmanage_volume n1@lvm#vg execute #1 +120s
                     volume_manage_failed m: manage failed: {why}
                     flow_finished: manage failed: {why}
                     message_created VOLUME_VOLUME_000_001 <m>"
                ),
            )],
        );
    }
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; quota demo gigabytes=2; {MANAGE}; {MANAGED}"));
    assert_eq!((cell.status("m"), cell.volume("m").pool.clone()), ("error_managing", None));
    // Its entry goes at once, without a look at the storage; its id is free when the name was given back.
    let refused = format!("{MANAGE}; do volume.delete {{\"id\":\"<m>\"}}");
    cell.run("do volume.delete {\"id\":\"<m>\"}");
    assert_eq!(cell.status("m"), "gone");
    cell.run(&refused.replace("; do volume.delete {\"id\":\"<m>\"}", ""));
    assert_eq!(cell.status("m"), "gone", "it is still being given back");
    cell.run(&format!("report m ok; {MANAGE}"));
    assert_eq!(cell.status("m"), "managing");
}

#[test]
fn a_failure_is_taken_back_if_anything_was_done() {
    let failed = "manage failed: KIND at lvtool: it broke (exit status 5)";
    let taken_back = format!(
        "task_running w1 #1 +120s
         task_failed w1 #1: KIND at lvtool: it broke (exit status 5)
         flow_started volume_cleanup m demo
         task_pending unmanage_volume n1@lvm#vg execute #1 +120s
         volume_manage_failed m: {failed}
         flow_finished: {failed}
         message_created VOLUME_VOLUME_000_001 <m>"
    );
    for kind in ["no_space", "not_found", "conflict", "unsupported"] {
        let when = format!("report m fail:{kind}");
        check(&format!("{BACKENDS}; {MANAGE}"), &[("", &when, &taken_back.replace("KIND", kind))]);
    }
    let again = "task_running w1 #1 +120s
        task_failed w1 #1: busy at lvtool: it broke (exit status 5)
        task_postponed +2s";
    check(&format!("{BACKENDS}; {MANAGE}"), &[("", "report m fail:busy", again)]);
    // A snapshot as well; it cannot be deleted before its name is given back.
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {MANAGE}; {MANAGED}; {TAKE}; report s fail:conflict"));
    assert_eq!(cell.snapshot_status("s"), "error");
    let delete = r#"do snapshot.delete {"id":"<s>"}"#;
    let events = cell.run(delete);
    let refusal = "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot <s> is being given back to whom it was taken over from.";
    assert_eq!(cell.render(&events), [refusal]);
    cell.run(&format!("report s ok; {delete}; report s ok"));
    assert_eq!(cell.snapshot_status("s"), "gone");
    // What cannot be given up says so, and can be tried again.
    cell.run(r#"do volume.unmanage {"id":"<m>"}; report m fail:conflict"#);
    assert_eq!(cell.status("m"), "error_unmanaging");
    // Silence ends as well; what the worker did late is taken back.
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {MANAGE}; wait 121; late; wait 121; late; wait 121; late"));
    assert_eq!(cell.status("m"), "error_managing");
    let text = cell.run("report m ok task=1");
    assert_eq!(cell.render(&text)[1], "task_pending unmanage_volume n1@lvm#vg execute #1 +120s");
}

#[test]
fn each_guard_of_managing_has_its_refusal() {
    let unmanage = r#"do volume.unmanage {"id":"<m>"}"#;
    let not_deletable = "refused InvalidVolumeStatus: Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.";
    let of = |more: &str| format!(r#"do volume.manage {{"id":"<m>","project":"demo","source_name":"old"{more}}}"#);
    let rows = [
        (
            "",
            r#"do@demo volume.manage {"project":"demo","pool":"n1@lvm#vg","source_name":"a"}"#.to_owned(),
            "refused AdminOnly: volume.manage is for operators and came for project demo",
        ),
        ("", of(r#","pool":"n9@lvm#vg""#), "refused InvalidInput: Host 'n9@lvm#vg' not found"),
        (
            "",
            of(r#","pool":"n1@lvm#vg","type":"nope""#),
            "refused VolumeTypeNotFound: Volume type with name nope could not be found.",
        ),
        (
            "",
            of(r#","pool":"n1@lvm#vg","availability_zone":"moon""#),
            "refused InvalidAvailabilityZone: Availability zone 'moon' is invalid.",
        ),
        (
            "quota demo volumes=0",
            MANAGE.to_owned(),
            "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'.",
        ),
        (MANAGE, MANAGE.to_owned(), "refused VolumeExists: a volume <m> exists already or is still being removed"),
        (
            "service disable n1@lvm repair",
            MANAGE.to_owned(),
            "refused NoValidPool: no valid pool: n1@lvm#vg rejected by service: disabled: repair (must be enabled)",
        ),
        ("", TAKE.to_owned(), "refused VolumeNotFound: Volume <m> could not be found."),
        (
            MANAGE,
            TAKE.to_owned(),
            "refused InvalidVolumeStatus: Invalid volume: Volume <m> status must be available or in-use, but is: managing.",
        ),
        (MANAGE, unmanage.to_owned(), not_deletable),
        (&format!("{MANAGE}; {MANAGED}; {TAKE}; report s ok"), unmanage.to_owned(), not_deletable),
        (
            &format!("{MANAGE}; {MANAGED}; {TAKE}"),
            r#"do snapshot.unmanage {"id":"<s>"}"#.to_owned(),
            "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot status must be available or error and must not be part of a group.",
        ),
    ];
    for (given, when, then) in &rows {
        check(BACKENDS, &[(given, when, then)]);
    }
}

/// Not by force either: what is being taken over may still be somebody else's, and so is what is being given back.
#[test]
fn what_is_being_taken_over_is_not_deleted() {
    let rows = [
        (
            MANAGE,
            r#"do@admin volume.delete {"id":"<m>","force":true}"#,
            "refused InvalidVolumeStatus: Invalid volume: Volume must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
        ),
        (
            &format!("{MANAGE}; {MANAGED}; {TAKE}"),
            r#"do@admin volume.delete {"id":"<m>","force":true,"cascade":true}"#,
            "refused InvalidVolumeStatus: Invalid volume: Volume must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
        ),
        (
            &format!("{MANAGE}; {MANAGED}; {TAKE}; report s fail:conflict"),
            r#"do@admin volume.delete {"id":"<m>","force":true,"cascade":true}"#,
            "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot <s> is being given back to whom it was taken over from.",
        ),
        (
            &format!("{MANAGE}; {MANAGED}; {TAKE}"),
            r#"do@admin snapshot.delete {"id":"<s>","force":true}"#,
            "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot <s> is being taken over.",
        ),
    ];
    for (given, when, then) in rows {
        check(BACKENDS, &[(given, when, then)]);
    }
}
