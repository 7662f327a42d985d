use super::*;

const AVAILABLE: &str = "create a 5; report a ok";
const TAKEN: &str = r#"do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok"#;

#[test]
fn a_snapshot_is_reserved_claimed_and_taken() {
    check(
        &format!("{BACKENDS}; {AVAILABLE}"),
        &[
            (
                "",
                r#"do snapshot.create {"id":"<s>","volume":"<a>","name":"daily"}"#,
                "flow_started snapshot_create a/s demo
                 quota_reserved snapshots +1 on 0+0 of 10, gigabytes +5 on 5+0 of 1000, snapshots___DEFAULT__ +1 on 0+0 of -1, gigabytes___DEFAULT__ +5 on 5+0 of -1
                 snapshot_entry_created s of a 5 GiB creating on n1@lvm#vg by alice
                 quota_committed
                 placement_decided a 5 GiB attempt 1 n1@lvm#vg
                 task_pending create_snapshot s n1@lvm#vg execute #1 +120s",
            ),
            (
                r#"do snapshot.create {"id":"<s>","volume":"<a>"}"#,
                "report s ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 snapshot_created s
                 flow_finished",
            ),
            // An operator's snapshot of a project's volume is that project's.
            (
                "service disable n1@lvm repair",
                r#"do@admin snapshot.create {"id":"<s>","volume":"<a>"}"#,
                "flow_started snapshot_create a/s demo
                 quota_reserved snapshots +1 on 0+0 of 10, gigabytes +5 on 5+0 of 1000, snapshots___DEFAULT__ +1 on 0+0 of -1, gigabytes___DEFAULT__ +5 on 5+0 of -1
                 snapshot_entry_created s of a 5 GiB creating on n1@lvm#vg by alice
                 quota_committed
                 placement_decided a 5 GiB attempt 1 no valid pool: n1@lvm#vg rejected by service: disabled: repair (must be enabled)
                 snapshot_create_failed s: no valid pool: n1@lvm#vg rejected by service: disabled: repair (must be enabled)
                 flow_finished: no valid pool: n1@lvm#vg rejected by service: disabled: repair (must be enabled)
                 message_created VOLUME_VOLUME_SNAPSHOT_009_013 <s>",
            ),
        ],
    );
}

#[test]
fn each_guard_of_snapshot_create_has_its_refusal() {
    const CREATE: &str = r#"do snapshot.create {"id":"<s>","volume":"<a>"}"#;
    const FORCED: &str = r#"do snapshot.create {"id":"<s>","volume":"<a>","force":true}"#;
    let reset = |status: &str| format!(r#"do volume.reset_status {{"id":"<a>","status":"{status}"}}"#);
    let attached = r#"do attachment.create {"id":"<t>","volume":"<a>"}; do attachment.complete {"id":"<t>"}"#;
    let (extending, creating) = ("extend a 6".to_owned(), "delete a; report a ok; create a 5".to_owned());
    let wrong = |allowed: &str, status: &str| {
        format!(
            "refused InvalidVolumeStatus: Invalid volume: Volume <a> status must be {allowed}, but current status is: {status}."
        )
    };
    let invalid = |text: &str| format!("refused InvalidVolumeStatus: Invalid volume: {text}");
    let rows = [
        (String::new(), r#"do@other snapshot.create {"id":"<s>","volume":"<a>"}"#, "refused VolumeNotFound: Volume <a> could not be found.".to_owned()),
        (TAKEN.to_owned(), CREATE, "refused SnapshotExists: a snapshot <s> exists already or is still being removed".to_owned()),
        (extending.clone(), CREATE, wrong("available", "extending")),
        (extending, FORCED, wrong("available, in-use", "extending")),
        (creating, FORCED, wrong("available, in-use", "creating")),
        (attached.to_owned(), CREATE, wrong("available", "in-use")),
        (reset("maintenance"), FORCED, invalid("The snapshot cannot be created when the volume is in maintenance mode.")),
        (reset("error"), FORCED, invalid("The snapshot cannot be created when the volume is in error status.")),
        (
            r#"do volume.reset_status {"id":"<a>","migration_status":"migrating"}"#.to_owned(),
            CREATE,
            invalid("Snapshot cannot be created while volume is migrating."),
        ),
        (
            "delete a; report a ok; create a 500".to_owned(),
            CREATE,
            invalid("The snapshot cannot be created because volume has not been scheduled to any host."),
        ),
        (
            "quota demo snapshots=0".to_owned(),
            CREATE,
            "refused SnapshotLimitExceeded: SnapshotLimitExceeded: Maximum number of snapshots allowed (0) exceeded".to_owned(),
        ),
        (
            "quota demo gigabytes=9".to_owned(),
            CREATE,
            "refused VolumeSizeExceedsAvailableQuota: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 5G, quota is 9G and 5G has been consumed.".to_owned(),
        ),
    ];
    for (given, when, then) in &rows {
        check(&format!("{BACKENDS}; {AVAILABLE}"), &[(given, when, then)]);
    }
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {AVAILABLE}; {attached}"));
    cell.run(FORCED);
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("in-use", "creating"));
}

#[test]
fn a_snapshot_that_cannot_be_taken_is_reverted_and_stays_in_error() {
    check(
        &format!(r#"{BACKENDS}; {AVAILABLE}; do snapshot.create {{"id":"<s>","volume":"<a>"}}"#),
        &[
            (
                "",
                "report s fail:no_space",
                "task_running w1 #1 +120s
                 task_failed w1 #1: no_space at lvtool: it broke (exit status 5)
                 task_reverting create_snapshot s n1@lvm#vg revert #2 +120s",
            ),
            (
                "report s fail:no_space",
                "report s ok",
                "task_running w1 #2 +120s
                 task_succeeded w1 #2
                 task_reverted
                 snapshot_create_failed s: snapshot failed: no_space at lvtool: it broke (exit status 5)
                 flow_finished: snapshot failed: no_space at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_SNAPSHOT_009_013 <s>",
            ),
            // The removal failed as well: it is left to a flow of its own, and the reason is the first one.
            (
                "report s fail:no_space",
                "report s fail:other",
                "task_running w1 #2 +120s
                 task_failed w1 #2: other at lvtool: it broke (exit status 5)
                 flow_started snapshot_cleanup a/s demo
                 task_pending delete_snapshot s n1@lvm#vg execute #1 +120s
                 snapshot_create_failed s: snapshot failed: no_space at lvtool: it broke (exit status 5)
                 flow_finished: snapshot failed: no_space at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_SNAPSHOT_009_013 <s>",
            ),
            // Nobody answers for the backend.
            (
                "wait 120",
                "late",
                "task_failed nobody #1: deadline_passed at create_snapshot: no worker of n1@lvm reported by 2027-01-15T08:02:00.000000Z
                 flow_started snapshot_cleanup a/s demo
                 task_pending delete_snapshot s n1@lvm#vg execute #1 +120s
                 snapshot_create_failed s: snapshot failed: deadline_passed at create_snapshot: no worker of n1@lvm reported by 2027-01-15T08:02:00.000000Z
                 flow_finished: snapshot failed: deadline_passed at create_snapshot: no worker of n1@lvm reported by 2027-01-15T08:02:00.000000Z
                 message_created VOLUME_VOLUME_SNAPSHOT_009_013 <s>",
            ),
        ],
    );
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=12 free=12; create a 5; report a ok");
    cell.run(r#"do snapshot.create {"id":"<s>","volume":"<a>"}; report s fail:other; report s ok"#);
    assert_eq!((cell.snapshot_status("s"), cell.claimed_gib("n1@lvm#vg")), ("error", 5), "its claim is given back");
    // It counts until it is deleted, and its name is not free before.
    cell.run(r#"do snapshot.create {"id":"<t>","volume":"<a>"}; report t ok"#);
    assert_eq!((cell.snapshot_status("t"), cell.claimed_gib("n1@lvm#vg")), ("available", 10));
    cell.run(r#"do snapshot.delete {"id":"<s>"}; report s ok"#);
    assert_eq!(cell.snapshot_status("s"), "gone");
}

/// The worker was slow, its attempt was given up, and then it took the snapshot: that one is removed.
#[test]
fn a_snapshot_taken_too_late_is_removed() {
    let cleanup = "flow_started snapshot_cleanup a/s demo
        task_pending delete_snapshot s n1@lvm#vg execute #1 +120s";
    let of_nobody = cleanup.replace("demo", "admin");
    let reset = r#"do snapshot.reset_status {"id":"<s>","status":"error"}"#;
    let delete = r#"do@admin snapshot.delete {"id":"<s>","force":true}"#;
    check(
        &format!(r#"{BACKENDS}; {AVAILABLE}; do snapshot.create {{"id":"<s>","volume":"<a>"}}"#),
        &[
            ("report s fail:other", "report s ok task=1", cleanup),
            ("report s fail:other; report s ok", "report s ok task=1", cleanup),
            (delete, "report s ok task=1", cleanup),
            (&format!("{delete}; report s ok"), "report s ok task=1", &of_nobody),
            // Its data, after all.
            (reset, "report s ok task=1", ""),
            ("report s ok", "report s ok task=1", ""),
            (&format!("report s ok; {delete}"), "report s ok task=1", ""),
        ],
    );
}

#[test]
fn a_snapshot_is_deleted_and_its_quota_given_back() {
    let other = "report s fail:other";
    check(
        &format!("{BACKENDS}; {AVAILABLE}; {TAKEN}"),
        &[
            (
                "",
                r#"do snapshot.delete {"id":"<s>"}"#,
                "flow_started snapshot_delete a/s demo
                 snapshot_deleting s
                 task_pending delete_snapshot s n1@lvm#vg execute #1 +120s",
            ),
            (
                r#"do snapshot.delete {"id":"<s>"}"#,
                "report s ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_used demo snapshots -1 on 1+0 of 10, gigabytes -5 on 10+0 of 1000, snapshots___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -5 on 10+0 of -1
                 snapshot_deleted s
                 flow_finished",
            ),
            (
                r#"do snapshot.delete {"id":"<s>"}"#,
                "report s fail:busy",
                "task_running w1 #1 +120s
                 task_failed w1 #1: busy at lvtool: it broke (exit status 5)
                 snapshot_delete_failed s busy=true: delete failed: busy at lvtool: it broke (exit status 5)
                 flow_finished: delete failed: busy at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_SNAPSHOT_010_015 <s>",
            ),
            (
                &format!(r#"do snapshot.delete {{"id":"<s>"}}; {other}; wait 2; late; {other}; wait 4; late"#),
                other,
                "task_running w1 #3 +120s
                 task_failed w1 #3: other at lvtool: it broke (exit status 5)
                 snapshot_delete_failed s busy=false: delete failed: other at lvtool: it broke (exit status 5)
                 flow_finished: delete failed: other at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_SNAPSHOT_010_016 <s>",
            ),
        ],
    );
}

/// Every snapshot status with the commands of its project and of an operator.
#[test]
fn every_snapshot_status_answers_every_command() {
    const NO_DELETE: &str = "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot status must be available or error \
        and must not be part of a group.";
    let set = |status: &str| format!(r#"do snapshot.set_status {{"id":"<s>","status":"{status}","progress":80}}"#);
    let not_settable = |status: &str| {
        format!("refused InvalidSnapshotStatus: Snapshot status {status} not allowed for update_snapshot_status")
    };
    let statuses = [
        "error",
        "available",
        "creating",
        "deleting",
        "deleted",
        "updating",
        "error_deleting",
        "unmanaging",
        "backing-up",
        "restoring",
    ];
    for status in statuses {
        let given =
            format!(r#"{BACKENDS}; {AVAILABLE}; {TAKEN}; do snapshot.reset_status {{"id":"<s>","status":"{status}"}}"#);
        let at = |when: &str| {
            let mut cell = Cell::new();
            cell.run(&given);
            assert_eq!(cell.snapshot_status("s"), status);
            let events = cell.run(when);
            (cell.render(&events).join("\n"), cell.snapshot_status("s"))
        };
        let (text, after) = at(r#"do snapshot.delete {"id":"<s>"}"#);
        if matches!(status, "available" | "error") {
            assert_eq!(after, "deleting", "{text}");
        } else {
            assert_eq!((text.as_str(), after), (NO_DELETE, status));
        }
        assert_eq!(at(r#"do@admin snapshot.delete {"id":"<s>","force":true}"#).1, "deleting", "{status}");
        let (text, after) = at(r#"do snapshot.delete {"id":"<s>","force":true}"#);
        assert!(text.starts_with("refused AdminOnly") && after == status, "{text}");
        for to in ["creating", "available", "error", "deleting", "error_deleting", "nope"] {
            let allowed: &[&str] = match status {
                "creating" => &["creating", "available", "error"],
                "deleting" => &["deleting", "error_deleting"],
                _ => &[],
            };
            let (text, after) = at(&set(to));
            if allowed.contains(&to) {
                assert_eq!((text, after), (format!("snapshot_status_changed s {to} 80%"), to));
            } else if allowed.is_empty() {
                assert_eq!((text, after), (not_settable(status), status));
            } else {
                let refusal = format!(
                    "refused InvalidSnapshotStatus: Provided snapshot status {to} not allowed for snapshot with status {status}."
                );
                assert_eq!((text, after), (refusal, status));
            }
        }
    }
}

#[test]
fn what_cannot_be_stated_of_a_snapshot() {
    check(
        &format!("{BACKENDS}; {AVAILABLE}; {TAKEN}"),
        &[
            (
                "",
                r#"do snapshot.reset_status {"id":"<s>","status":"nope"}"#,
                "refused InvalidStatus: Snapshot status: nope is invalid, valid statuses are: ('error', 'available', 'creating', 'deleting', 'deleted', 'updating', 'error_deleting', 'unmanaging', 'backing-up', 'restoring').",
            ),
            (
                "",
                r#"do@demo snapshot.reset_status {"id":"<s>","status":"error"}"#,
                "refused AdminOnly: snapshot.reset_status is for operators and came for project demo",
            ),
        ],
    );
}

/// A flow at work ends with the word that contradicts it, and goes on with one that does not.
#[test]
fn what_is_stated_ends_the_flow_at_work() {
    let set = |status: &str| format!(r#"do snapshot.set_status {{"id":"<s>","status":"{status}","progress":30}}"#);
    check(
        &format!(r#"{BACKENDS}; {AVAILABLE}; do snapshot.create {{"id":"<s>","volume":"<a>"}}"#),
        &[
            ("", &set("creating"), "snapshot_status_changed s creating 30%"),
            (
                &set("creating"),
                "report s ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 snapshot_created s
                 flow_finished",
            ),
            (
                "",
                &set("available"),
                "flow_finished: abandoned: the status of snapshot <s> was stated
                 snapshot_status_changed s available 30%
                 message_created VOLUME_VOLUME_SNAPSHOT_009_013 <s>",
            ),
            (&set("available"), "report s ok", ""),
            (
                "report s ok",
                r#"do@admin snapshot.delete {"id":"<s>","force":true}"#,
                "flow_started snapshot_delete a/s demo
                 snapshot_deleting s
                 task_pending delete_snapshot s n1@lvm#vg execute #1 +120s",
            ),
            (
                r#"report s ok; do snapshot.delete {"id":"<s>"}"#,
                r#"do@admin snapshot.delete {"id":"<s>","force":true}"#,
                "flow_finished: abandoned: snapshot <s> is deleted
                 flow_started snapshot_delete a/s demo
                 snapshot_deleting s
                 task_pending delete_snapshot s n1@lvm#vg execute #1 +120s
                 message_created VOLUME_VOLUME_SNAPSHOT_010_016 <s>",
            ),
        ],
    );
    // What was abandoned at work keeps its claim until a report contains it.
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=30 free=30; create a 5; report a ok");
    cell.run(
        r#"do snapshot.create {"id":"<s>","volume":"<a>"}; do snapshot.reset_status {"id":"<s>","status":"error"}"#,
    );
    assert_eq!(cell.claimed_gib("n1@lvm#vg"), 10);
    cell.run("backend n1@lvm#vg total=30 free=20");
    assert_eq!(cell.claimed_gib("n1@lvm#vg"), 0);
}

#[test]
fn a_foreign_snapshot_is_unknown_but_not_to_operators() {
    let unknown = "refused SnapshotNotFound: Snapshot <s> could not be found.";
    let commands = [
        r#"do@other snapshot.delete {"id":"<s>"}"#,
        r#"do@other snapshot.update {"id":"<s>","name":"x"}"#,
        r#"do@other snapshot.set_status {"id":"<s>","status":"error"}"#,
        r#"do@other volume.create {"id":"<b>","snapshot":"<s>"}"#,
    ];
    for when in commands {
        check(&format!("{BACKENDS}; {AVAILABLE}; {TAKEN}"), &[("", when, unknown)]);
    }
    check(
        &format!("{BACKENDS}; {AVAILABLE}; {TAKEN}"),
        &[(
            "",
            r#"do@admin snapshot.update {"id":"<s>","name":"x"}"#,
            r#"snapshot_updated {"name":"x","snapshot":"<s>"}"#,
        )],
    );
}
