use super::*;

#[test]
fn a_volume_is_entered_placed_and_made() {
    check(
        BACKENDS,
        &[
            (
                "",
                "create a 5",
                "flow_started volume_create a demo
                 quota_reserved volumes +1 on 0+0 of 10, gigabytes +5 on 0+0 of 1000, volumes___DEFAULT__ +1 on 0+0 of -1, gigabytes___DEFAULT__ +5 on 0+0 of -1
                 volume_entry_created a 5 GiB creating __DEFAULT__ in nova by alice
                 quota_committed
                 placement_decided a 5 GiB attempt 1 n1@lvm#vg
                 task_pending create_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                "type create gold; quota demo volumes=2 gigabytes_gold=7; create a 4 type=gold",
                "create b 3 type=gold zone=nova",
                "flow_started volume_create b demo
                 quota_reserved volumes +1 on 1+0 of 2, gigabytes +3 on 4+0 of 1000, volumes_gold +1 on 1+0 of -1, gigabytes_gold +3 on 4+0 of 7
                 volume_entry_created b 3 GiB creating gold in nova by alice
                 quota_committed
                 placement_decided b 3 GiB attempt 1 n1@lvm#vg
                 task_pending create_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                "create a 5",
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 volume_created a
                 flow_finished",
            ),
        ],
    );
}

#[test]
fn a_volume_without_a_pool_stays_in_error_and_counts() {
    check(
        "",
        &[(
            "",
            "create a 5",
            "flow_started volume_create a demo
             quota_reserved volumes +1 on 0+0 of 10, gigabytes +5 on 0+0 of 1000, volumes___DEFAULT__ +1 on 0+0 of -1, gigabytes___DEFAULT__ +5 on 0+0 of -1
             volume_entry_created a 5 GiB creating __DEFAULT__ in nova by alice
             quota_committed
             placement_decided a 5 GiB attempt 1 no valid pool: no backend has ever reported; start a worker (`stele worker`)
             volume_create_failed a: no valid pool: no backend has ever reported; start a worker (`stele worker`)
             flow_finished: no valid pool: no backend has ever reported; start a worker (`stele worker`)
             message_created VOLUME_VOLUME_001_003 <a>",
        )],
    );
    check(
        "quota demo volumes=1; create a 5",
        &[
            (
                "",
                "create b 1",
                "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.",
            ),
            (
                "",
                "delete a",
                "flow_started volume_delete a demo
                 volume_deleting a
                 quota_reserved volumes -1 on 1+0 of 1, gigabytes -5 on 5+0 of 1000, volumes___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -5 on 5+0 of -1
                 quota_committed
                 volume_deleted a
                 flow_finished",
            ),
        ],
    );
}

#[test]
fn each_guard_of_create_has_its_refusal() {
    check(
        BACKENDS,
        &[
            ("create a 5", "create a 5", "refused VolumeExists: a volume <a> exists already or is still being removed"),
            (
                "create a 5",
                "create a 5 project=other",
                "refused VolumeExists: a volume <a> exists already or is still being removed",
            ),
            ("", "create a 5 type=nope", "refused VolumeTypeNotFound: Volume type with name nope could not be found."),
            ("", "create a 5 zone=mars", "refused InvalidAvailabilityZone: Availability zone 'mars' is invalid."),
            (
                "quota demo per_volume_gigabytes=4",
                "create a 5",
                "refused VolumeSizeExceedsLimit: VolumeSizeExceedsLimit: Requested volume size 5G is larger than maximum allowed limit 4G.",
            ),
            (
                "quota demo volumes=0",
                "create a 5",
                "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'.",
            ),
            (
                "quota demo gigabytes=7; create a 5; report a ok",
                "create b 3",
                "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 3G, quota is 7G and 5G has been consumed.",
            ),
            (
                "quota demo volumes=0 gigabytes=0",
                "create a 5",
                "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 5G, quota is 0G and 0G has been consumed.",
            ),
            (
                "type create gold; quota demo volumes_gold=0",
                "create a 5 type=gold",
                "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes_gold'.",
            ),
            (
                "type create gold; quota demo gigabytes_gold=4",
                "create a 5 type=gold",
                "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes_gold quota. Requested 5G, quota is 4G and 0G has been consumed.",
            ),
            // What is reserved for an extension counts, though it is not in use.
            (
                "quota demo gigabytes=10; create a 5; report a ok; extend a 9",
                "create b 2",
                "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 2G, quota is 10G and 9G has been consumed.",
            ),
        ],
    );
}

#[test]
fn a_limit_is_reached_exactly_and_each_project_has_its_own() {
    let mut cell = Cell::new();
    cell.run(BACKENDS);
    cell.run("quota demo volumes=2 gigabytes=5; create a 3; create b 2; create c 1 project=other");
    assert_eq!((cell.status("a"), cell.status("b"), cell.status("c")), ("creating", "creating", "creating"));
    // Limits below what is in use only keep new use away.
    cell.run("quota demo volumes=0 gigabytes=0; report a ok; report b ok; delete a; report a ok");
    assert_eq!((cell.status("a"), cell.status("b")), ("gone", "available"));
}

/// Backends that are disabled, frozen, down, full or elsewhere are not chosen, and the decision says so.
#[test]
fn a_decision_names_what_kept_each_pool_away() {
    let rows = [
        (
            "service disable n1@lvm repair",
            "create a 5",
            "n1@lvm#vg rejected by service: disabled: repair (must be enabled)",
        ),
        (
            "service freeze n1@lvm failover",
            "create a 5",
            "n1@lvm#vg rejected by service: frozen: failover (must not be frozen)",
        ),
        ("wait 61", "create a 5", "n1@lvm#vg rejected by service: down, no heartbeat for 61 s (limit 60 s)"),
        ("", "create a 11", "n1@lvm#vg rejected by capacity: free 10.00 GiB, needs 11 GiB"),
        (
            "create b 6",
            "create a 5",
            "n1@lvm#vg rejected by capacity: free 4.00 GiB (reported 10 − claimed 6), needs 5 GiB",
        ),
        ("type create gold tier=gold", "create a 5 type=gold", "n1@lvm#vg rejected by capabilities"),
        ("backend n2@lvm#vg zone=moon free=0", "create a 5 zone=moon", "n1@lvm#vg rejected by availability_zone"),
    ];
    for (given, when, why) in rows {
        let mut cell = Cell::new();
        cell.run("backend n1@lvm#vg total=10 free=10");
        cell.run(given);
        let events = cell.run(when);
        let text = cell.render(&events).join("\n");
        assert_eq!(cell.status("a"), "error", "{given}: {text}");
        assert!(text.contains(why), "{given}: {text}");
    }
    // Enabled, thawed and up again, it is chosen again.
    check(
        "backend n1@lvm#vg total=10 free=10; service disable n1@lvm x; service freeze n1@lvm y; wait 61",
        &[(
            "service enable n1@lvm; service thaw n1@lvm; backend n1@lvm#vg total=10 free=10; create a 5",
            "report a ok",
            "task_running w1 #1 +120s
             task_succeeded w1 #1
             volume_created a
             flow_finished",
        )],
    );
}
