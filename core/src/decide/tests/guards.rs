use super::*;

/// How a volume comes into each status.
const STATUSES: &[(&str, &str)] = &[
    ("creating", "create a 5"),
    ("available", "create a 5; report a ok"),
    ("extending", "create a 5; report a ok; extend a 7"),
    ("deleting", "create a 5; report a ok; delete a"),
    ("error", "service disable n1@lvm; service disable n2@lvm; service disable n3@lvm; create a 5"),
    ("error_extending", "create a 5; report a ok; extend a 7; report a fail:no_space"),
    (
        "error_deleting",
        "create a 5; report a ok; delete a; report a fail:other; wait 2; late; report a fail:other; wait 4; late; \
         report a fail:other",
    ),
];

/// Every status with every command: the status afterwards, or the refusal.
#[test]
fn every_status_answers_every_command() {
    const NO_DELETE: &str = "Invalid volume: Volume status must be available or error or error_restoring or \
        error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, \
        awaiting a transfer, or be disassociated from snapshots after volume transfer.";
    const NO_FORCE: &str = "Invalid volume: Volume must not be migrating, attached, belong to a group, have snapshots, \
        awaiting a transfer, or be disassociated from snapshots after volume transfer.";
    const NO_EXTEND: &str =
        "Invalid volume: Volume <a> status must be '{'status': 'available'}' to extend, currently STATUS.";
    let rows: &[(&str, &str, &str)] = &[
        ("creating", "delete a", NO_DELETE),
        ("creating", "delete a force", NO_FORCE),
        ("creating", "extend a 9", NO_EXTEND),
        ("creating", "update a name=x", "creating"),
        ("available", "delete a", "deleting"),
        ("available", "delete a force", "deleting"),
        ("available", "extend a 9", "extending"),
        ("available", "update a name=x", "available"),
        ("extending", "delete a", NO_DELETE),
        ("extending", "delete a force", NO_FORCE),
        ("extending", "extend a 9", NO_EXTEND),
        ("extending", "update a name=x", "extending"),
        ("deleting", "delete a", NO_DELETE),
        ("deleting", "delete a force", NO_FORCE),
        ("deleting", "extend a 9", NO_EXTEND),
        ("deleting", "update a name=x", "deleting"),
        ("error", "delete a", "gone"),
        ("error", "delete a force", "gone"),
        ("error", "extend a 9", NO_EXTEND),
        ("error", "update a name=x", "error"),
        ("error_extending", "delete a", "deleting"),
        ("error_extending", "delete a force", "deleting"),
        ("error_extending", "extend a 9", NO_EXTEND),
        ("error_extending", "update a name=x", "error_extending"),
        ("error_deleting", "delete a", NO_DELETE),
        ("error_deleting", "delete a force", "deleting"),
        ("error_deleting", "extend a 9", NO_EXTEND),
        ("error_deleting", "update a name=x", "error_deleting"),
    ];
    assert_eq!(rows.len(), STATUSES.len() * 4);
    for (status, when, then) in rows {
        let mut cell = Cell::new();
        cell.run(BACKENDS);
        cell.run(STATUSES.iter().find(|(name, _)| name == status).unwrap().1);
        assert_eq!(cell.status("a"), *status);
        let events = cell.run(when);
        let text = cell.render(&events);
        if [NO_DELETE, NO_FORCE, NO_EXTEND].contains(then) {
            let then = then.replace("STATUS", status);
            assert_eq!(text, [format!("refused InvalidVolumeStatus: {then}")], "{status}: {when}");
            assert_eq!(cell.status("a"), *status);
        } else {
            assert!(!text.concat().contains("refused"), "{status}: {when}: {text:?}");
            assert_eq!(cell.status("a"), *then, "{status}: {when}");
        }
    }
}

/// In every status a volume is unknown to every other project, as one that never was.
#[test]
fn a_foreign_volume_is_unknown() {
    for (status, given) in STATUSES {
        for when in ["delete a project=other", "extend a 9 project=other", "update a name=x project=other"] {
            let mut cell = Cell::new();
            cell.run(BACKENDS);
            cell.run(given);
            let events = cell.run(when);
            let refusal = ["refused VolumeNotFound: Volume <a> could not be found."];
            assert_eq!(cell.render(&events), refusal, "{status}: {when}");
            let events = cell.run(&when.replace(" a ", " z ").replace("other", "demo"));
            let refusal = ["refused VolumeNotFound: Volume <z> could not be found."];
            assert_eq!(cell.render(&events), refusal, "{status}: {when}");
        }
    }
}

#[test]
fn a_refusal_says_what_would_make_it_pass() {
    let rows = [
        ("create a 5", "delete a", "is at work and ends by itself"),
        (
            STATUSES[6].1,
            "delete a",
            "it could not be deleted before (delete failed: other at lvtool: it broke (exit status 5)); delete it with force",
        ),
        (STATUSES[5].1, "extend a 9", "bring the volume to available first"),
        (STATUSES[1].1, "extend a 5", "ask for more than 5 GiB"),
        (STATUSES[1].1, "extend a 500", "ask for less, or make room on n1@lvm#vg"),
        (
            "quota demo volumes=0",
            "create a 5",
            "delete something of project demo, or have its quota volumes raised (0 in use, 0 reserved, limit 0)",
        ),
    ];
    for (given, when, remedy) in rows {
        let mut cell = Cell::new();
        cell.run(BACKENDS);
        cell.run(given);
        match cell.run(when).as_slice() {
            [crate::event::Event::RequestRefused(refusal)] => {
                assert!(refusal.remedy.contains(remedy), "{when}: {}", refusal.remedy);
            }
            other => panic!("{when}: {other:?}"),
        }
    }
}

#[test]
fn an_update_carries_only_what_changes() {
    check(
        BACKENDS,
        &[
            ("create a 5", "update a name=web", r#"volume_updated a Some("web") None None"#),
            ("create a 5", "update a metadata=v", r#"volume_updated a None None Some({"k": "v"})"#),
            ("create a 5", "update a description=d", r#"volume_updated a None Some("d") None"#),
            ("create a 5", "update a", "volume_updated a None None None"),
        ],
    );
}
