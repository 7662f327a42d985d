use super::*;

const AVAILABLE: &str = "create a 5; report a ok";
const ATTACHED: &str = r#"do attachment.create {"id":"<t>","volume":"<a>","instance":"vm","connector":{"host":"h1"}};
    report t ok; do attachment.complete {"id":"<t>"}"#;

fn reset(fields: &str) -> String {
    format!(r#"do volume.reset_status {{"id":"<a>",{fields}}}"#)
}

#[test]
fn what_can_be_stated_and_what_not() {
    let rows = [
        (r#""status":"error""#, "volume_status_changed a error by Reset"),
        (r#""status":"ERROR""#, "volume_status_changed a error by Reset"),
        (r#""status":"maintenance""#, "volume_status_changed a maintenance by Reset"),
        (r#""status":"deleting""#, "refused InvalidStatus: Cannot reset-state to deleting"),
        (r#""status":"error_deleting""#, "refused InvalidStatus: Cannot reset-state to error_deleting"),
        (r#""status":"detaching""#, "refused InvalidStatus: Cannot reset-state to detaching"),
        (
            r#""status":"bogus""#,
            "refused InvalidStatus: Volume status: bogus is invalid, valid statuses are: ('available', 'error', 'error_extending', 'reserved', 'attaching', 'in-use', 'creating', 'extending', 'maintenance', 'managing', 'error_managing', 'restoring-backup', 'error_restoring', 'backing-up', 'error_backing-up', 'downloading', 'uploading', 'retyping', 'awaiting-transfer', 'reverting', 'unmanaging', 'error_unmanaging').",
        ),
        (
            r#""status":"in-use""#,
            "refused InvalidStatus: Cannot reset-state to in-use because volume does not have any attachments.",
        ),
        (r#""migration_status":"error""#, r#"volume_migration_stated {"migration_status":"error","volume":"<a>"}"#),
        (r#""migration_status":"none""#, r#"volume_migration_stated {"volume":"<a>"}"#),
        (r#""migration_status":"lost""#, "refused InvalidStatus: Migration status: lost is invalid."),
        (
            r#""attach_status":"attached""#,
            "refused InvalidStatus: Cannot reset-state to attached because volume <a> has no attachment in use.",
        ),
        (
            r#""attach_status":"lost""#,
            "refused InvalidStatus: Attach status: lost is invalid, valid statuses are: ('attached', 'detached').",
        ),
    ];
    for (fields, then) in rows {
        check(&format!("{BACKENDS}; {AVAILABLE}"), &[("", &reset(fields), then)]);
    }
    let nothing = r#"do volume.reset_status {"id":"<a>"}"#;
    check(
        &format!("{BACKENDS}; {AVAILABLE}"),
        &[("", nothing, "refused InvalidInput: Invalid input received: nothing is stated")],
    );
}

#[test]
fn a_flow_at_work_is_abandoned() {
    check(
        &format!("{BACKENDS}; create a 5"),
        &[
            (
                "",
                &reset(r#""status":"error""#),
                "flow_finished: abandoned: an operator stated the status of volume <a>
                 volume_status_changed a error by Reset
                 message_created VOLUME_VOLUME_008_012 <a>",
            ),
            (&reset(r#""status":"available""#), "report a ok task=1", ""),
            (
                "report a ok; extend a 9",
                &reset(r#""status":"available""#),
                "quota_rolled_back
                 flow_finished: abandoned: an operator stated the status of volume <a>
                 volume_status_changed a available by Reset
                 message_created VOLUME_VOLUME_007_010 <a>",
            ),
            (
                r#"report a ok; do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok;
                   do volume.delete {"id":"<a>","cascade":true}"#,
                &reset(r#""status":"available""#),
                "flow_finished: abandoned: an operator stated the status of volume <a>
                 snapshot_status_changed s error_deleting
                 volume_status_changed a available by Reset
                 message_created VOLUME_VOLUME_000_001 <a>",
            ),
            (
                r#"report a ok; do transfer.create {"id":"<x>","volume":"<a>","salt":"0011223344556677","key_hash":"cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe"}"#,
                &reset(r#""status":"error""#),
                r#"transfer_deleted {"transfer":"<x>"}
                   volume_status_changed a error by Reset"#,
            ),
            // Only the status is a word against the flow.
            (
                "",
                &reset(r#""migration_status":"error""#),
                r#"volume_migration_stated {"migration_status":"error","volume":"<a>"}"#,
            ),
        ],
    );
    // A snapshot that goes with its volume is not taken out of that flow.
    let refused = "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot <s> is being deleted with its volume <a>.";
    let given = r#"report a ok; do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok;
        do volume.delete {"id":"<a>","cascade":true}"#;
    check(
        &format!("{BACKENDS}; create a 5; {given}"),
        &[
            ("", r#"do snapshot.reset_status {"id":"<s>","status":"error"}"#, refused),
            ("", r#"do@admin snapshot.delete {"id":"<s>","force":true}"#, refused),
        ],
    );
}

/// No word makes an attached volume look free, and detaching it by word takes every export away.
#[test]
fn a_status_never_contradicts_the_attachments() {
    let refused =
        |status: &str| format!("refused InvalidStatus: Cannot reset-state to {status} because volume <a> is attached.");
    for status in ["available", "reserved", "attaching", "downloading", "awaiting-transfer"] {
        let when = reset(&format!(r#""status":"{status}""#));
        check(&format!("{BACKENDS}; {AVAILABLE}; {ATTACHED}"), &[("", &when, &refused(status))]);
    }
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {AVAILABLE}; {ATTACHED}"));
    cell.run(&reset(r#""status":"error""#));
    assert_eq!(cell.status("a"), "error");
    cell.run(&reset(r#""status":"in-use","attach_status":"attached""#));
    assert_eq!(cell.status("a"), "in-use");
    let events = cell.run(&reset(r#""status":"available","attach_status":"detached""#));
    let text = cell.render(&events).join("\n");
    assert!(
        text.contains("task_pending disconnect_volume t")
            && text.ends_with("volume_status_changed a available by Reset"),
        "{text}"
    );
    assert_eq!((cell.status("a"), cell.state().attachments.len()), ("available", 1));
    cell.run("report t ok");
    assert_eq!((cell.status("a"), cell.state().attachments.len(), cell.state().flows.len()), ("available", 0, 0));
}
