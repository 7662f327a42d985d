use super::*;

const AVAILABLE: &str = r#"create a 5; report a ok; do volume.update {"id":"<a>","metadata":{"k":"v","l":"w"}}"#;

fn update(fields: &str) -> String {
    format!(r#"do volume.update {{"id":"<a>",{fields}}}"#)
}

#[test]
fn pairs_are_replaced_or_changed() {
    let rows = [
        (r#""metadata":{}"#, r#"volume_updated a None None Some({})"#),
        (
            r#""metadata_change":{"set":{"m":"x"}}"#,
            r#"volume_updated a None None Some({"k": "v", "l": "w", "m": "x"})"#,
        ),
        (r#""metadata_change":{"unset":["k"]}"#, r#"volume_updated a None None Some({"l": "w"})"#),
        (
            r#""metadata_change":{"unset":["nope"]}"#,
            "refused MetadataKeyNotFound: Volume <a> has no metadata with key nope.",
        ),
        (
            r#""metadata_change":{"set":{"m":"x"},"was":{"k":"v","l":"w"}}"#,
            r#"volume_updated a None None Some({"k": "v", "l": "w", "m": "x"})"#,
        ),
        (
            r#""metadata_change":{"set":{"m":"x"},"was":{"k":"v"}}"#,
            "refused PreconditionFailed: the metadata are not what the sender took them for",
        ),
        (
            r#""metadata":{"z":"y"},"metadata_change":{"was":{"k":"v","l":"w"}}"#,
            r#"volume_updated a None None Some({"z": "y"})"#,
        ),
        (
            r#""metadata":{"z":"y"},"metadata_change":{"was":{}}"#,
            "refused PreconditionFailed: the metadata are not what the sender took them for",
        ),
        (
            r#""image_metadata_change":{"set":{"os":"plan9"}}"#,
            r#"volume_updated a None None None image={"os": "plan9"}"#,
        ),
        (
            r#""image_metadata_change":{"unset":["os"]}"#,
            "refused MetadataKeyNotFound: Glance metadata for volume/snapshot <a> cannot be found.",
        ),
        (r#""bootable":true"#, "volume_updated a None None None bootable=true"),
        (r#""readonly":false"#, "volume_updated a None None None readonly=false"),
    ];
    for (fields, then) in rows {
        check(&format!("{BACKENDS}; {AVAILABLE}"), &[("", &update(fields), then)]);
    }
    let snapshot = r#"do snapshot.create {"id":"<s>","volume":"<a>","metadata":{"k":"v"}}"#;
    check(
        &format!("{BACKENDS}; {AVAILABLE}; {snapshot}"),
        &[
            (
                "",
                r#"do snapshot.update {"id":"<s>","description":"d","metadata_change":{"set":{"l":"w"},"unset":["k"]}}"#,
                r#"snapshot_updated {"description":"d","metadata":{"l":"w"},"snapshot":"<s>"}"#,
            ),
            (
                "",
                r#"do snapshot.update {"id":"<s>","metadata_change":{"unset":["nope"]}}"#,
                "refused MetadataKeyNotFound: Snapshot <s> has no metadata with key nope.",
            ),
        ],
    );
}

/// What a status forbids is forbidden; a name can be changed in all but one.
#[test]
fn some_statuses_forbid_changes() {
    const NAME: &str = r#""name":"x""#;
    const SET: &str = r#""metadata_change":{"set":{"m":"x"}}"#;
    const UNSET: &str = r#""metadata_change":{"unset":["k"]}"#;
    const READONLY: &str = r#""readonly":true"#;
    let maintenance = "The volume cannot be updated during maintenance.";
    let metadata =
        |verb: &str, status: &str| format!("{verb} volume metadata is not allowed for volumes in {status} status.");
    let readonly = |status: &str| {
        format!("Volume <a> status must be available to update readonly flag, but current status is: {status}.")
    };
    let rows = [
        ("maintenance", NAME, maintenance.to_owned()),
        ("maintenance", r#""bootable":true"#, maintenance.to_owned()),
        ("maintenance", SET, metadata("Updating", "maintenance")),
        ("maintenance", r#""metadata":{}"#, metadata("Updating", "maintenance")),
        ("maintenance", UNSET, metadata("Deleting", "maintenance")),
        ("maintenance", READONLY, readonly("maintenance")),
        ("uploading", NAME, String::new()),
        ("uploading", SET, metadata("Updating", "uploading")),
        ("uploading", UNSET, metadata("Deleting", "uploading")),
        ("uploading", r#""image_metadata_change":{"set":{"m":"x"}}"#, metadata("Updating", "uploading")),
        ("error", NAME, String::new()),
        ("error", SET, String::new()),
        ("error", READONLY, readonly("error")),
    ];
    for (status, fields, refusal) in rows {
        let mut cell = Cell::new();
        cell.run(&format!(r#"{BACKENDS}; {AVAILABLE}; do volume.reset_status {{"id":"<a>","status":"{status}"}}"#));
        let events = cell.run(&update(fields));
        let text = cell.render(&events).join("\n");
        if refusal.is_empty() {
            assert!(text.starts_with("volume_updated"), "{status} {fields}: {text}");
        } else {
            assert_eq!(text, format!("refused InvalidVolumeStatus: Invalid volume: {refusal}"), "{status} {fields}");
        }
    }
}

/// A volume in use grows where its backend can do that, and is in use afterwards.
#[test]
fn an_attached_volume_grows() {
    let attached = r#"do attachment.create {"id":"<t>","volume":"<a>"}; do attachment.complete {"id":"<t>"}"#;
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; {AVAILABLE}; {attached}; extend a 7"));
    assert_eq!(cell.status("a"), "extending");
    cell.run("report a ok");
    assert_eq!((cell.status("a"), cell.volume("a").size_gib.gib()), ("in-use", 7));
    cell.run("extend a 9; report a fail:no_space");
    assert_eq!((cell.status("a"), cell.volume("a").size_gib.gib()), ("error_extending", 7));
    check(
        &format!("{BACKENDS}; {AVAILABLE}; {attached}; backend n1@lvm#vg total=30 free=30 online_extend_support=false"),
        &[(
            "",
            "extend a 7",
            "refused NoValidPool: no valid pool: n1@lvm#vg rejected by capabilities: online_extend_support is false and the volume is attached, needs a detached volume or online_extend_support",
        )],
    );
}
