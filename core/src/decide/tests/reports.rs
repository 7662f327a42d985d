use super::*;

#[test]
fn progress_is_recorded_and_moves_the_deadline() {
    check(
        &format!("{BACKENDS}; create a 5; wait 100"),
        &[
            ("", "report a started", "task_running w1 #1 +120s"),
            ("", "report a progressed", "task_progressed wipe 40% +120s"),
            // Who is known to be at it need not be named again.
            (
                "report a started",
                "report a ok",
                "task_succeeded w1 #1
                 volume_created a
                 flow_finished",
            ),
            (
                "report a started",
                "report a ok worker=w2",
                "task_running w2 #1 +120s
                 task_succeeded w2 #1
                 volume_created a
                 flow_finished",
            ),
            ("report a started; wait 100; report a progressed; wait 100", "deadline a", ""),
            (
                "report a started; wait 100; report a progressed; wait 100; late",
                "report a progressed",
                "task_progressed wipe 40% +120s",
            ),
        ],
    );
}

#[test]
fn a_failed_create_is_reverted_and_goes_elsewhere() {
    check(
        &format!("{BACKENDS}; create a 5"),
        &[
            (
                "",
                "report a fail:no_space",
                "task_running w1 #1 +120s
                 task_failed w1 #1: no_space at lvtool: it broke (exit status 5)
                 task_reverting create_volume n1@lvm#vg revert #2 +120s",
            ),
            (
                "report a fail:no_space",
                "report a ok",
                "task_running w1 #2 +120s
                 task_succeeded w1 #2
                 task_reverted
                 placement_released a n1@lvm#vg
                 placement_decided a 5 GiB attempt 2 n2@lvm#vg
                 task_pending create_volume n2@lvm#vg execute #1 +120s",
            ),
            // The removal failed as well: it is left to a flow of its own.
            (
                "report a fail:no_space",
                "report a fail:other",
                "task_running w1 #2 +120s
                 task_failed w1 #2: other at lvtool: it broke (exit status 5)
                 flow_started volume_cleanup a demo
                 task_pending delete_volume n1@lvm#vg execute #1 +120s
                 placement_released a n1@lvm#vg
                 placement_decided a 5 GiB attempt 2 n2@lvm#vg
                 task_pending create_volume n2@lvm#vg execute #1 +120s",
            ),
            (
                "report a fail:no_space; report a ok; report a fail:other; report a ok; report a fail:conflict",
                "report a ok",
                "task_running w1 #2 +120s
                 task_succeeded w1 #2
                 task_reverted
                 placement_released a n3@lvm#vg
                 placement_decided a 5 GiB attempt 4 no valid pool: exceeded max scheduling attempts 3
                 volume_create_failed a: attempt 3 on n3@lvm#vg failed: conflict at lvtool: it broke (exit status 5); tried before: n1@lvm#vg, n2@lvm#vg; no valid pool: exceeded max scheduling attempts 3
                 flow_finished: attempt 3 on n3@lvm#vg failed: conflict at lvtool: it broke (exit status 5); tried before: n1@lvm#vg, n2@lvm#vg; no valid pool: exceeded max scheduling attempts 3
                 message_created VOLUME_VOLUME_008_012 <a>",
            ),
        ],
    );
}

/// Every pool of which the volume was tried is named when there is no other one left.
#[test]
fn the_reason_names_every_pool() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=30 free=30; backend n2@lvm#vg total=3 free=3; create a 5");
    cell.run("report a fail:other");
    let events = cell.run("report a ok");
    let text = cell.render(&events).join("\n");
    for part in [
        "volume_create_failed a: attempt 1 on n1@lvm#vg failed: other at lvtool: it broke (exit status 5); ",
        "n1@lvm#vg rejected by tried_pools: tried by an earlier attempt",
        "n2@lvm#vg rejected by capacity: free 3.00 GiB, needs 5 GiB",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(cell.status("a"), "error");
    cell.run("delete a");
    assert_eq!(cell.status("a"), "gone");
}

/// A word on another dispatch, phase or task than the one that is waited for changes nothing.
#[test]
fn an_outdated_or_repeated_report_changes_nothing() {
    check(
        BACKENDS,
        &[
            ("create a 5; report a ok", "report a ok", ""),
            ("create a 5; report a ok", "report a fail:other", ""),
            ("create a 5; report a fail:other", "report a fail:other task=1", ""),
            ("create a 5; report a fail:other", "report a started task=1", ""),
            ("create a 5; report a fail:other; report a ok", "report a ok task=2", ""),
            ("create a 5; report a ok; extend a 7; report a fail:other; wait 2; late", "report a ok task=2", ""),
            // While it waits for its next dispatch, only a success would be news.
            ("create a 5; report a ok; extend a 7; report a fail:other", "report a fail:other", ""),
            ("create a 5; report a ok; extend a 7; report a fail:other", "report a started", ""),
            ("create a 5; report a ok; extend a 7; report a fail:other", "report a progressed", ""),
            ("create a 5; report a ok; extend a 7; report a ok", "report a ok", ""),
            ("create a 5; report a ok; delete a; report a fail:other; wait 2; late", "report a ok task=2", ""),
            ("create a 5; report a ok; delete a; report a ok", "report a ok", ""),
            ("create a 5; report a ok; delete a; report a ok", "report a fail:busy", ""),
        ],
    );
}

/// The worker was slow, its attempt was given up, and then it made the volume: that one is removed.
#[test]
fn a_volume_made_too_late_is_removed() {
    let cleanup = |project: &str| {
        format!(
            "flow_started volume_cleanup a {project}
             task_pending delete_volume n1@lvm#vg execute #1 +120s"
        )
    };
    let (demo, admin) = (cleanup("demo"), cleanup("admin"));
    check(
        &format!("{BACKENDS}; create a 5; report a fail:other"),
        &[
            // While the attempt is being reverted: the removal may have come before it.
            ("", "report a ok task=1", &demo),
            ("report a ok", "report a ok task=1", &demo),
            ("report a ok; report a ok", "report a ok task=1", &demo),
            ("report a ok; report a ok; delete a; report a ok", "report a ok task=1", &admin),
            // Only a success leaves something behind.
            ("report a ok", "report a fail:other task=1", ""),
            ("report a ok", "report a started task=1", ""),
            (
                "report a ok; report a ok task=1",
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 flow_finished",
            ),
        ],
    );
}

#[test]
fn what_is_being_removed_is_no_place_for_a_new_volume() {
    let mut cell = Cell::new();
    cell.run(BACKENDS);
    cell.run("create a 5; report a fail:other; report a fail:other; report a ok; delete a; report a ok");
    assert_eq!(cell.status("a"), "gone");
    assert_eq!(cell.state().flows.len(), 1);
    let events = cell.run("create a 5");
    let refusal = ["refused VolumeExists: a volume <a> exists already or is still being removed"];
    assert_eq!(cell.render(&events), refusal);
    cell.run("report a ok task=3; create a 5");
    assert_eq!(cell.status("a"), "creating");
}

#[test]
fn a_cleanup_is_tried_again_up_to_its_bound() {
    let config = || Config { cleanup_dispatches_max: 3, ..Config::default() };
    // The create on n2 is the fourth dispatch; the cleanup of n1 the third.
    let given = format!("{BACKENDS}; create a 5; report a fail:other; report a fail:other");
    check_in(
        || Cell::with_config(config()),
        &given,
        &[
            (
                "",
                "report a fail:busy task=3",
                "task_running w1 #1 +120s
                 task_failed w1 #1: busy at lvtool: it broke (exit status 5)
                 task_postponed +2s",
            ),
            ("report a fail:busy task=3; wait 2", "late", "task_retried delete_volume n1@lvm#vg execute #2 +240s"),
            (
                "report a fail:busy task=3; wait 2; late",
                "report a fail:other",
                "task_running w1 #2 +120s
                 task_failed w1 #2: other at lvtool: it broke (exit status 5)
                 task_postponed +4s",
            ),
            (
                "report a fail:busy task=3; wait 2; late; report a fail:other; wait 4; late",
                "report a fail:other",
                "task_running w1 #3 +120s
                 task_failed w1 #3: other at lvtool: it broke (exit status 5)
                 flow_finished: other at lvtool: it broke (exit status 5)",
            ),
        ],
    );
}
