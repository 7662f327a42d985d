use super::*;

#[test]
fn a_deadline_counts_only_when_it_is_due_and_current() {
    check(
        &format!("{BACKENDS}; create a 5"),
        &[
            ("wait 119", "deadline a", ""),
            ("wait 119", "late", ""),
            // Another dispatch is under way.
            (&format!("wait 120; {HEARTBEATS}; deadline a; wait 120"), "deadline a task=1", ""),
            ("report a ok; wait 500", "deadline a", ""),
            ("report a started; wait 119; report a progressed; wait 119", "deadline a", ""),
        ],
    );
}

#[test]
fn a_silent_create_is_reverted_while_its_backend_is_up() {
    check(
        &format!("{BACKENDS}; create a 5; wait 120; {HEARTBEATS}"),
        &[
            (
                "",
                "late",
                "task_failed nobody #1: deadline_passed at create_volume: no worker of n1@lvm reported by 2027-01-15T08:02:00.000000Z
                 task_reverting create_volume n1@lvm#vg revert #2 +120s",
            ),
            (
                &format!("late; wait 120; {HEARTBEATS}"),
                "late",
                "task_failed nobody #2: deadline_passed at create_volume: no worker of n1@lvm reported by 2027-01-15T08:04:00.000000Z
                 flow_started volume_cleanup a demo
                 task_pending delete_volume n1@lvm#vg execute #1 +120s
                 placement_released a n1@lvm#vg
                 placement_decided a 5 GiB attempt 2 n2@lvm#vg
                 task_pending create_volume n2@lvm#vg execute #1 +120s",
            ),
        ],
    );
}

#[test]
fn a_create_on_a_backend_that_is_down_goes_elsewhere_at_once() {
    check(
        &format!("{BACKENDS}; create a 5; wait 120; backend n3@lvm#vg total=10 free=10"),
        &[(
            "",
            "late",
            "task_failed nobody #1: deadline_passed at create_volume: no worker of n1@lvm reported by 2027-01-15T08:02:00.000000Z
             flow_started volume_cleanup a demo
             task_pending delete_volume n1@lvm#vg execute #1 +120s
             placement_released a n1@lvm#vg
             placement_decided a 5 GiB attempt 2 n3@lvm#vg
             task_pending create_volume n3@lvm#vg execute #1 +120s",
        )],
    );
}

#[test]
fn deletes_and_extends_are_dispatched_three_times() {
    check(
        &format!("{BACKENDS}; create a 5; report a ok; extend a 7; wait 120"),
        &[
            (
                "",
                "late",
                "task_failed nobody #1: deadline_passed at extend_volume: no worker of n1@lvm reported by 2027-01-15T08:02:00.000000Z
                 task_retried extend_volume n1@lvm#vg execute #2 +120s",
            ),
            (
                "late; wait 120; late; wait 120",
                "late",
                "task_failed nobody #3: deadline_passed at extend_volume: no worker of n1@lvm reported by 2027-01-15T08:06:00.000000Z
                 quota_rolled_back
                 volume_extend_failed a: extend failed: deadline_passed at extend_volume: no worker of n1@lvm reported by 2027-01-15T08:06:00.000000Z
                 flow_finished: extend failed: deadline_passed at extend_volume: no worker of n1@lvm reported by 2027-01-15T08:06:00.000000Z
                 message_created VOLUME_VOLUME_007_010 <a>",
            ),
        ],
    );
    check(
        &format!("{BACKENDS}; create a 5; report a ok; delete a; wait 120"),
        &[(
            "late; wait 120; late; wait 120",
            "late",
            "task_failed nobody #3: deadline_passed at delete_volume: no worker of n1@lvm reported by 2027-01-15T08:06:00.000000Z
             volume_delete_failed a busy=false: delete failed: deadline_passed at delete_volume: no worker of n1@lvm reported by 2027-01-15T08:06:00.000000Z
             flow_finished: delete failed: deadline_passed at delete_volume: no worker of n1@lvm reported by 2027-01-15T08:06:00.000000Z
             message_created VOLUME_VOLUME_000_001 <a>",
        )],
    );
}

#[test]
fn the_patience_of_a_cleanup_doubles_up_to_an_hour() {
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; create a 5; wait 120; late"));
    let waits: Vec<u64> = (0..8)
        .map(|_| {
            let cleanup = cell.task("a", Some(2));
            let open = cell.state().flows.get(&cleanup.flow).unwrap().task.clone().unwrap();
            let wait_ms = open.deadline.ms_since(cell.now);
            cell.now = open.deadline;
            cell.run("late");
            wait_ms / 1000
        })
        .collect();
    assert_eq!(waits, [120, 240, 480, 960, 1920, 3600, 3600, 3600]);
}
