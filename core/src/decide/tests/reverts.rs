use super::*;

const TAKEN: &str = r#"create a 5; report a ok; do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok"#;
const REVERT: &str = r#"do volume.revert {"id":"<a>","snapshot":"<s>"}"#;

#[test]
fn a_volume_goes_back_to_its_snapshot() {
    check(
        &format!("{BACKENDS}; {TAKEN}"),
        &[
            (
                "",
                REVERT,
                "flow_started volume_revert a/s demo
                 volume_reverting a s
                 task_pending revert_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                REVERT,
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 volume_reverted a s
                 flow_finished",
            ),
        ],
    );
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {TAKEN}; {REVERT}"));
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("reverting", "restoring"));
    cell.run("report a ok");
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("available", "available"));
    // Again, and the snapshot can be deleted then.
    cell.run(&format!(r#"{REVERT}; report a ok; do snapshot.delete {{"id":"<s>"}}; report s ok"#));
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("available", "gone"));
}

#[test]
fn each_guard_of_revert_has_its_refusal() {
    let cannot = |what: &str| format!("Can't revert volume <a> to its latest snapshot <s>. {what}");
    let volume =
        format!("refused InvalidVolumeStatus: Invalid volume: {}", cannot("Volume's status must be 'available'."));
    let snapshot = format!(
        "refused InvalidSnapshotStatus: Invalid snapshot: {}",
        cannot("Snapshot's status must be 'available'.")
    );
    let not_latest = |named: &str| {
        format!("refused InvalidInput: Specified snapshot <{named}> is None or not the latest one of volume <a>.")
    };
    let reset =
        |what: &str, id: &str, status: &str| format!(r#"do {what}.reset_status {{"id":"<{id}>","status":"{status}"}}"#);
    let rows = [
        ("", r#"do volume.revert {"id":"<z>","snapshot":"<s>"}"#, "refused VolumeNotFound: Volume <z> could not be found.".to_owned()),
        ("", r#"do@other volume.revert {"id":"<a>","snapshot":"<s>"}"#, "refused VolumeNotFound: Volume <a> could not be found.".to_owned()),
        ("", r#"do volume.revert {"id":"<a>","snapshot":"<z>"}"#, not_latest("z")),
        (r#"wait 1; do snapshot.create {"id":"<t>","volume":"<a>"}; report t ok"#, REVERT, not_latest("s")),
        (
            r#"do snapshot.delete {"id":"<s>"}; report s ok"#,
            REVERT,
            "refused InvalidInput: Volume <a> doesn't have any snapshots.".to_owned(),
        ),
        (
            "extend a 6; report a ok",
            REVERT,
            format!("refused InvalidInput: {}", cannot("The volume size must be equal to the snapshot size.")),
        ),
        (REVERT, REVERT, volume.clone()),
        (&reset("volume", "a", "error"), REVERT, volume.clone()),
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>"}"#,
            REVERT,
            volume.clone(),
        ),
        (r#"do volume.reset_status {"id":"<a>","migration_status":"migrating"}"#, REVERT, volume),
        (&reset("snapshot", "s", "error"), REVERT, snapshot.clone()),
        (r#"do snapshot.delete {"id":"<s>"}"#, REVERT, snapshot),
        (
            r#"do volume.create {"id":"<c>","source_volume":"<a>"}"#,
            REVERT,
            "refused InvalidVolumeStatus: Invalid volume: Volume <a> is being copied to volume <c>.".to_owned(),
        ),
        // While it goes back nobody uses the snapshot, and nobody takes it away.
        (
            REVERT,
            r#"do volume.create {"id":"<c>","snapshot":"<s>"}"#,
            "refused InvalidSnapshotStatus: Invalid snapshot: Originating snapshot status must be one of 'available' values".to_owned(),
        ),
        (
            REVERT,
            r#"do@admin snapshot.delete {"id":"<s>","force":true}"#,
            "refused InvalidSnapshotStatus: Invalid snapshot: Volume <a> is being reverted to its snapshot <s>.".to_owned(),
        ),
        (
            REVERT,
            r#"do snapshot.reset_status {"id":"<s>","status":"error"}"#,
            "refused InvalidSnapshotStatus: Invalid snapshot: Volume <a> is being reverted to its snapshot <s>.".to_owned(),
        ),
    ];
    for (given, when, then) in &rows {
        check(&format!("{BACKENDS}; {TAKEN}"), &[(given, when, then)]);
    }
}

#[test]
fn a_revert_that_fails_leaves_an_error_with_its_reason() {
    let last = "task_running w1 #2 +120s
        task_succeeded w1 #2
        task_reverted
        volume_revert_failed a: revert failed: KIND at lvtool: it broke (exit status 5)
        flow_finished: revert failed: KIND at lvtool: it broke (exit status 5)
        message_created VOLUME_VOLUME_000_001 <a>";
    for kind in ["no_space", "not_found", "conflict", "unsupported"] {
        let failed = format!("report a fail:{kind}");
        let undone = format!(
            "task_running w1 #1 +120s
             task_failed w1 #1: {kind} at lvtool: it broke (exit status 5)
             task_reverting revert_volume n1@lvm#vg revert #2 +120s"
        );
        check(
            &format!("{BACKENDS}; {TAKEN}; {REVERT}"),
            &[("", &failed, &undone), (&failed, "report a ok", &last.replace("KIND", kind))],
        );
    }
    for kind in ["busy", "timeout", "other"] {
        let failed = format!("report a fail:{kind}");
        let again = format!(
            "task_running w1 #1 +120s
             task_failed w1 #1: {kind} at lvtool: it broke (exit status 5)
             task_postponed +2s"
        );
        check(&format!("{BACKENDS}; {TAKEN}; {REVERT}"), &[("", &failed, &again)]);
    }
    // What may be left cannot be removed, or nobody answers any more: it is left to the next revert, or the deletion.
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {TAKEN}; {REVERT}; report a fail:conflict; report a fail:other"));
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("error", "available"));
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {TAKEN}; {REVERT}; wait 121; late; wait 121; late; wait 121; late"));
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("error", "available"));
}

#[test]
fn an_operator_ends_a_revert_and_the_snapshot_is_free() {
    let stated = r#"do volume.reset_status {"id":"<a>","status":"available"}"#;
    check(
        &format!("{BACKENDS}; {TAKEN}; {REVERT}"),
        &[(
            "",
            stated,
            "flow_finished: abandoned: an operator stated the status of volume <a>
             snapshot_status_changed s available
             volume_status_changed a available by Reset
             message_created VOLUME_VOLUME_000_001 <a>",
        )],
    );
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {TAKEN}; {REVERT}; {stated}"));
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("available", "available"));
    // With force the volume goes with its snapshot, also while it goes back to it.
    cell.run(&format!(
        r#"{REVERT}; do@admin volume.delete {{"id":"<a>","cascade":true,"force":true}}; report s ok; report a ok"#
    ));
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("gone", "gone"));
}
