//! Deleting volumes with what hangs on them, and by force.

use super::*;

/// A volume with two snapshots.
const WITH_SNAPSHOTS: &str = r#"create a 5; report a ok; do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok;
    do snapshot.create {"id":"<t>","volume":"<a>"}; report t ok"#;
const CASCADE: &str = r#"do volume.delete {"id":"<a>","cascade":true}"#;
const FORCE: &str = r#"do@admin volume.delete {"id":"<a>","force":true}"#;
const FORCE_CASCADE: &str = r#"do@admin volume.delete {"id":"<a>","force":true,"cascade":true}"#;

#[test]
fn a_cascade_removes_one_after_the_other() {
    check(
        &format!("{BACKENDS}; {WITH_SNAPSHOTS}"),
        &[
            (
                "",
                CASCADE,
                "flow_started volume_delete a demo
                 volume_deleting a
                 snapshot_deleting s
                 snapshot_deleting t
                 task_pending delete_snapshot s n1@lvm#vg execute #1 +120s",
            ),
            (
                CASCADE,
                "report s ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_used demo snapshots -1 on 2+0 of 10, gigabytes -5 on 15+0 of 1000, snapshots___DEFAULT__ -1 on 2+0 of -1, gigabytes___DEFAULT__ -5 on 15+0 of -1
                 snapshot_deleted s
                 task_pending delete_snapshot t n1@lvm#vg execute #1 +120s",
            ),
            (
                &format!("{CASCADE}; report s ok"),
                "report t ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_used demo snapshots -1 on 1+0 of 10, gigabytes -5 on 10+0 of 1000, snapshots___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -5 on 10+0 of -1
                 snapshot_deleted t
                 task_pending delete_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                &format!("{CASCADE}; report s ok; report t ok"),
                "report a ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 quota_reserved volumes -1 on 1+0 of 10, gigabytes -5 on 5+0 of 1000, volumes___DEFAULT__ -1 on 1+0 of -1, gigabytes___DEFAULT__ -5 on 5+0 of -1
                 quota_committed
                 volume_deleted a
                 flow_finished",
            ),
            // A snapshot in use stops it; what is untouched is as it was.
            (
                &format!("{CASCADE}; report s ok"),
                "report t fail:busy",
                "task_running w1 #1 +120s
                 task_failed w1 #1: busy at lvtool: it broke (exit status 5)
                 snapshot_delete_failed t busy=true: delete of snapshot <t> failed: busy at lvtool: it broke (exit status 5)
                 volume_delete_failed a busy=true: delete of snapshot <t> failed: busy at lvtool: it broke (exit status 5)
                 flow_finished: delete of snapshot <t> failed: busy at lvtool: it broke (exit status 5)
                 message_created VOLUME_VOLUME_000_001 <a>",
            ),
        ],
    );
    // What cannot be removed after several tries is in an error status; the others come back, and all can go by force.
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {WITH_SNAPSHOTS}; {CASCADE}"));
    cell.run("report s fail:other; wait 2; late; report s fail:other; wait 4; late; report s fail:other");
    assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("error_deleting", "error_deleting"));
    assert_eq!(cell.snapshot_status("t"), "available");
    cell.run(r#"do volume.delete {"id":"<a>","cascade":true,"force":true}; report s ok; report t ok; report a ok"#);
    assert_eq!((cell.status("a"), cell.snapshot_status("s"), cell.snapshot_status("t")), ("gone", "gone", "gone"));
}

#[test]
fn each_guard_of_delete_has_its_remedy() {
    let member = r#"do group_type.create {"id":"<set>","name":"set"};
        do group.create {"id":"<g>","group_type":"set","volume_types":["__DEFAULT__"]};
        do group.update {"id":"<g>","add_volumes":["<a>"]}"#;
    let attached = r#"do attachment.create {"id":"<h>","volume":"<a>"}; do attachment.complete {"id":"<h>"}"#;
    let without = r#"do snapshot.delete {"id":"<s>"}; report s ok; do snapshot.delete {"id":"<t>"}; report t ok"#;
    let rows = [
        ("", "delete a", "delete its snapshots first, or delete it with cascade"),
        ("", FORCE, "delete its snapshots first, or delete it with cascade"),
        (r#"do snapshot.create {"id":"<u>","volume":"<a>"}"#, CASCADE, "snapshot <u> is creating"),
        (r#"do snapshot.reset_status {"id":"<t>","status":"backing-up"}"#, CASCADE, "snapshot <t> is backing-up"),
        (&format!("{without}; {member}"), "delete a", "take it out of its group, or delete the group with its volumes"),
        (&format!("{without}; {member}"), FORCE, "take it out of its group, or delete the group with its volumes"),
        (
            r#"do group_type.create {"id":"<set>","name":"set"}; create b 1; report b ok;
               do group.create {"id":"<g>","group_type":"set","volume_types":["__DEFAULT__"]};
               do group.update {"id":"<g>","add_volumes":["<b>"]};
               do group_snapshot.create {"id":"<gs>","group":"<g>"}; report b ok;
               do group.update {"id":"<g>","remove_volumes":["<b>"]}"#,
            r#"do volume.delete {"id":"<b>","cascade":true}"#,
            "delete the group snapshot of snapshot ",
        ),
        (&format!("{without}; {attached}"), "delete a", "detach it first"),
        (&format!("{without}; {attached}"), FORCE, "detach it first"),
        (
            &format!(r#"{without}; do volume.reset_status {{"id":"<a>","migration_status":"migrating"}}"#),
            "delete a",
            "have its migration status reset first",
        ),
        // A snapshot that another project kept when the volume was given away.
        (
            r#"do volume.reset_status {"id":"<a>","status":"available"}"#,
            r#"do volume.delete {"id":"<a>"}"#,
            "delete its snapshots first, or delete it with cascade",
        ),
    ];
    for (given, when, remedy) in rows {
        let mut cell = Cell::new();
        cell.run(&format!("{BACKENDS}; {WITH_SNAPSHOTS}; {given}"));
        let before = cell.status("a");
        match cell.run(when).as_slice() {
            [crate::event::Event::RequestRefused(refusal)] => {
                let shown = cell.named(&refusal.remedy);
                assert!(shown.starts_with(remedy), "{given}: {when}: {shown}");
                assert!(refusal.message.contains("must not be migrating, attached, belong to a group"));
            }
            other => panic!("{given}: {when}: {other:?}"),
        }
        assert_eq!(cell.status("a"), before);
    }
}

/// What becomes of all of them has to fit into one record.
#[test]
fn a_cascade_is_bounded() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=9000 free=9000; quota demo snapshots=-1 gigabytes=-1; create a 1; report a ok");
    for number in 0..=512 {
        cell.say(&format!(r#"do snapshot.create {{"id":"<s{number}>","volume":"<a>"}}"#));
    }
    cell.flush();
    match cell.run(FORCE_CASCADE).as_slice() {
        [crate::event::Event::RequestRefused(refusal)] => {
            assert_eq!(refusal.remedy, "delete some of its 513 snapshots first");
        }
        other => panic!("{other:?}"),
    }
    cell.run(r#"report s7 ok; do snapshot.delete {"id":"<s7>"}; report s7 ok"#);
    cell.run(FORCE_CASCADE);
    assert_eq!((cell.status("a"), cell.state().flows.len()), ("deleting", 1));
    // Every one of them is told of in one record when the first one cannot go.
    cell.run("report s0 fail:busy");
    assert_eq!(
        (cell.status("a"), cell.snapshot_status("s0"), cell.snapshot_status("s9")),
        ("available", "error_deleting", "error_deleting")
    );
}

/// Whatever is at work is abandoned: its quota comes back, and what its worker makes too late is removed.
#[test]
fn force_takes_a_volume_in_every_status() {
    check(
        &format!("{BACKENDS}; create a 5"),
        &[
            (
                "",
                FORCE,
                "flow_finished: abandoned: volume <a> is deleted
                 flow_started volume_delete a demo
                 volume_deleting a
                 task_pending delete_volume n1@lvm#vg execute #1 +120s
                 message_created VOLUME_VOLUME_008_012 <a>",
            ),
            (
                FORCE,
                "report a ok task=1",
                "flow_started volume_cleanup a demo
                 task_pending delete_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                "report a ok; extend a 7",
                FORCE,
                "quota_rolled_back
                 flow_finished: abandoned: volume <a> is deleted
                 flow_started volume_delete a demo
                 volume_deleting a
                 task_pending delete_volume n1@lvm#vg execute #1 +120s
                 message_created VOLUME_VOLUME_007_010 <a>",
            ),
            // What had been made by its flow is removed by the deletion, however often its report comes.
            ("report a ok; delete a", "report a ok task=1", ""),
        ],
    );
    let reset = |status: &str| format!(r#"report a ok; do volume.reset_status {{"id":"<a>","status":"{status}"}}"#);
    let stated = crate::state::StatedStatus::ALL.iter().map(|(_, name)| *name);
    let stated = stated.chain(["available", "error", "error_extending", "reserved", "attaching"]).map(reset);
    let transfer = r#"report a ok; do transfer.create {"id":"<x>","volume":"<a>","salt":"0011223344556677","key_hash":"cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe"}"#;
    for given in stated.chain([transfer.to_owned(), "report a ok; delete a".to_owned()]) {
        let mut cell = Cell::new();
        cell.run(&format!("{BACKENDS}; create a 5; {given}; {FORCE}"));
        assert_eq!(cell.status("a"), "deleting", "{given}");
        cell.run("report a ok");
        assert_eq!((cell.status("a"), cell.state().flows.len()), ("gone", 0), "{given}");
        assert!(cell.state().usage.is_empty() && cell.state().transfers.is_empty(), "{given}");
    }
    // With snapshots whose own flows are at work.
    let mut cell = Cell::new();
    cell.run(&format!(r#"{BACKENDS}; {WITH_SNAPSHOTS}; do snapshot.delete {{"id":"<s>"}}"#));
    cell.run(&format!(r#"do snapshot.create {{"id":"<u>","volume":"<a>"}}; {FORCE_CASCADE}"#));
    for name in ["s", "t", "u", "a"] {
        cell.run(&format!("report {name} ok"));
    }
    assert_eq!((cell.status("a"), cell.state().flows.len(), cell.state().snapshots.len()), ("gone", 0, 0));
    assert!(cell.state().usage.is_empty());
}

/// A volume that lies nowhere is gone at once, from every status, by whoever may delete it.
#[test]
fn what_lies_nowhere_is_gone_at_once() {
    for status in ["available", "error", "maintenance", "creating", "reserved", "error_managing"] {
        let mut cell = Cell::new();
        cell.run(&format!(r#"{BACKENDS}; create a 500; do volume.reset_status {{"id":"<a>","status":"{status}"}}"#));
        assert_eq!(cell.status("a"), status);
        cell.run("delete a");
        assert_eq!((cell.status("a"), cell.state().usage.is_empty()), ("gone", true), "{status}");
    }
}

#[test]
fn operators_delete_what_is_anybodys() {
    let mut cell = Cell::new();
    cell.run(&format!(r#"{BACKENDS}; create a 5; report a ok; do@admin volume.delete {{"id":"<a>"}}; report a ok"#));
    assert_eq!((cell.status("a"), cell.state().usage.is_empty()), ("gone", true));
}
