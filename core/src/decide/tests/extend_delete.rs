use super::*;

const AVAILABLE: &str = "create a 5; report a ok";

#[test]
fn an_extension_is_reserved_claimed_and_committed() {
    check(
        &format!("{BACKENDS}; {AVAILABLE}"),
        &[
            (
                "",
                "extend a 7",
                "flow_started volume_extend a demo
                 quota_reserved gigabytes +2 on 5+0 of 1000, gigabytes___DEFAULT__ +2 on 5+0 of -1
                 volume_extending a 7 GiB
                 placement_decided a 2 GiB attempt 1 n1@lvm#vg
                 task_pending extend_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                "extend a 7",
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_committed
                 volume_extended a 7 GiB
                 flow_finished",
            ),
        ],
    );
}

#[test]
fn each_guard_of_extend_has_its_refusal() {
    check(
        &format!("{BACKENDS}; {AVAILABLE}"),
        &[
            (
                "",
                "extend a 5",
                "refused NotLarger: Invalid input received: New size for extend must be greater than current size. (current: 5, extended: 5).",
            ),
            (
                "",
                "extend a 4",
                "refused NotLarger: Invalid input received: New size for extend must be greater than current size. (current: 5, extended: 4).",
            ),
            (
                "quota demo per_volume_gigabytes=6",
                "extend a 7",
                "refused VolumeSizeExceedsLimit: VolumeSizeExceedsLimit: Requested volume size 7G is larger than maximum allowed limit 6G.",
            ),
            (
                "quota demo gigabytes=6",
                "extend a 7",
                "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 2G, quota is 6G and 5G has been consumed.",
            ),
            // The number of volumes does not change, so its limit does not matter.
            (
                "quota demo volumes=0; extend a 7",
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_committed
                 volume_extended a 7 GiB
                 flow_finished",
            ),
            // 30 GiB free as reported, less the 5 that the report does not contain.
            (
                "",
                "extend a 31",
                "refused NoValidPool: no valid pool: n1@lvm#vg rejected by capacity: free 25.00 GiB (reported 30 − claimed 5), needs 26 GiB more",
            ),
            (
                "service disable n1@lvm repair",
                "extend a 7",
                "refused NoValidPool: no valid pool: n1@lvm#vg rejected by service: disabled: repair (must be enabled)",
            ),
        ],
    );
}

#[test]
fn a_failed_extension_gives_its_quota_back() {
    let last = "task_running w1 #1 +120s
        task_failed w1 #1: KIND at lvtool: it broke (exit status 5)
        quota_rolled_back
        volume_extend_failed a: extend failed: KIND at lvtool: it broke (exit status 5)
        flow_finished: extend failed: KIND at lvtool: it broke (exit status 5)
        message_created VOLUME_VOLUME_007_010 <a>";
    let again = "task_running w1 #1 +120s
        task_failed w1 #1: KIND at lvtool: it broke (exit status 5)
        task_postponed +2s";
    for kind in ["no_space", "not_found", "conflict", "unsupported"] {
        let when = format!("report a fail:{kind}");
        check(&format!("{BACKENDS}; {AVAILABLE}; extend a 7"), &[("", &when, &last.replace("KIND", kind))]);
    }
    for kind in ["busy", "timeout", "tool_unavailable", "unparsable", "other"] {
        let when = format!("report a fail:{kind}");
        check(&format!("{BACKENDS}; {AVAILABLE}; extend a 7"), &[("", &when, &again.replace("KIND", kind))]);
        // The third dispatch is the last.
        let last = last.replace("KIND", kind).replace("#1", "#3");
        check(
            &format!("{BACKENDS}; {AVAILABLE}; extend a 7; {when}; wait 2; late; {when}; wait 4; late"),
            &[("", &when, &last)],
        );
    }
    let mut cell = Cell::new();
    cell.run(BACKENDS);
    cell.run("quota demo gigabytes=10; create a 5; report a ok; extend a 9; report a fail:no_space; create b 5");
    assert_eq!((cell.status("a"), cell.status("b")), ("error_extending", "creating"));
    cell.run("delete a; report a ok; create c 5");
    assert_eq!((cell.status("a"), cell.status("c")), ("gone", "creating"));
}

#[test]
fn a_volume_is_deleted_and_its_quota_given_back() {
    check(
        &format!("{BACKENDS}; {AVAILABLE}"),
        &[
            (
                "",
                "delete a",
                "flow_started volume_delete a demo
                 volume_deleting a
                 task_pending delete_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                "delete a",
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_reserved volumes -1 on 1+0 of 10, gigabytes -5 on 5+0 of 1000, volumes___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -5 on 5+0 of -1
                 quota_committed
                 volume_deleted a
                 flow_finished",
            ),
        ],
    );
}

#[test]
fn a_busy_volume_stays_and_other_failures_are_tried_three_times() {
    check(
        &format!("{BACKENDS}; {AVAILABLE}; delete a"),
        &[
            (
                "",
                "report a fail:busy",
                "task_running w1 #1 +120s
                 task_failed w1 #1: busy at lvtool: it broke (exit status 5)
                 volume_delete_failed a busy=true: delete failed: busy at lvtool: it broke (exit status 5)
                 flow_finished: delete failed: busy at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_000_001 <a>",
            ),
            // The pause doubles; nothing happens before it is over.
            ("report a fail:other; wait 1", "late", ""),
            ("report a fail:other; wait 2", "late", "task_retried delete_volume n1@lvm#vg execute #2 +120s"),
            (
                "report a fail:other; wait 2; late",
                "report a fail:no_space",
                "task_running w1 #2 +120s
                 task_failed w1 #2: no_space at lvtool: it broke (exit status 5)
                 task_postponed +4s",
            ),
            (
                "report a fail:other; wait 2; late; report a fail:other; wait 4; late",
                "report a fail:unparsable",
                "task_running w1 #3 +120s
                 task_failed w1 #3: unparsable at lvtool: it broke (exit status 5)
                 volume_delete_failed a busy=false: delete failed: unparsable at lvtool: it broke (exit status 5)
                 flow_finished: delete failed: unparsable at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_000_001 <a>",
            ),
        ],
    );
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {AVAILABLE}; delete a; report a fail:busy"));
    assert_eq!(cell.status("a"), "available");
    // It can be asked for again; deleting by force begins with a first dispatch.
    cell.run("delete a; report a fail:other; wait 2; late; report a fail:other; wait 4; late; report a fail:other");
    assert_eq!(cell.status("a"), "error_deleting");
    cell.run("delete a force");
    assert_eq!(cell.task("a", None).dispatch, 1);
    cell.run("report a ok");
    assert_eq!(cell.status("a"), "gone");
}
