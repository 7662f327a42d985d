use super::*;

#[test]
fn services_are_set() {
    check(
        "backend n1@lvm#vg",
        &[
            ("", "service disable n1@lvm repair", r#"service_changed n1@lvm Disable("repair")"#),
            ("service disable n1@lvm a", "service disable n1@lvm b", r#"service_changed n1@lvm Disable("b")"#),
            ("", "service enable n1@lvm", "service_changed n1@lvm Enable"),
            ("", "service freeze n1@lvm f", r#"service_changed n1@lvm Freeze("f")"#),
            ("", "service thaw n1@lvm", "service_changed n1@lvm Thaw"),
            ("", "service enable n9@lvm", "refused ServiceNotFound: no backend n9@lvm has ever reported"),
        ],
    );
}

#[test]
fn quotas_are_set() {
    check(
        "type create gold",
        &[
            ("", "quota demo volumes=3 gigabytes=-1", "quota_set demo volumes=3 gigabytes=-1"),
            ("", "quota demo volumes_gold=3", "quota_set demo volumes_gold=3"),
            ("", "quota demo snapshots_gold=3", "quota_set demo snapshots_gold=3"),
            ("", "quota demo colours=3", "refused InvalidQuota: Bad key(s) in quota set: colours"),
            ("", "quota demo a=1 volumes_iron=3", "refused InvalidQuota: Bad key(s) in quota set: a,volumes_iron"),
            ("", "quota demo volumes=-2", "refused InvalidQuota: volumes is -2"),
            ("", "quota demo", "refused InvalidQuota: no limit is named"),
        ],
    );
}

#[test]
fn types_are_made_changed_and_removed() {
    check(
        "backend n1@lvm#vg; type create gold a=b",
        &[
            ("", "type create iron k=v", r#"type_created iron {"k": Some("v")}"#),
            ("", "type create gold", "refused VolumeTypeExists: Volume Type gold already exists."),
            ("", "type create __DEFAULT__", "refused VolumeTypeExists: Volume Type __DEFAULT__ already exists."),
            ("", "type update gold c=d", r#"type_updated gold {"c": Some("d")}"#),
            ("", "type update gold to=silver", r#"type_updated silver {"a": Some("b")}"#),
            ("", "type update gold to=gold", r#"type_updated gold {"a": Some("b")}"#),
            (
                "",
                "type update gold to=__DEFAULT__",
                "refused VolumeTypeExists: Volume Type __DEFAULT__ already exists.",
            ),
            ("", "type update iron to=x", "refused VolumeTypeNotFound: Volume type iron could not be found."),
            ("", "type update __DEFAULT__ to=x", "refused VolumeTypeInUse: the default volume type cannot be renamed"),
            ("", "type update __DEFAULT__ c=d", r#"type_updated __DEFAULT__ {"c": Some("d")}"#),
            ("", "type delete iron", "refused VolumeTypeNotFound: Volume type iron could not be found."),
            (
                "",
                "type delete __DEFAULT__",
                "refused VolumeTypeInUse: The volume type __DEFAULT__ is a default volume type and cannot be deleted.",
            ),
            (
                "create v 1 type=gold",
                "type delete gold",
                "refused VolumeTypeInUse: Target volume type is still in use.",
            ),
            ("create v 1; report v ok; delete v; report v ok", "type create iron", "type_created iron {}"),
        ],
    );
    let mut cell = Cell::new();
    let events = cell.run("type create gold; type update gold to=silver; type delete silver");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].name(), "type_deleted");
    // Its name is free again.
    let events = cell.run("type create silver");
    assert_eq!(cell.render(&events), ["type_created silver {}"]);
}

/// Renaming a type loses no usage, and a limit follows the type's new name.
#[test]
fn quota_is_kept_by_type_id() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; type create gold; create a 5 type=gold; type update gold to=silver");
    cell.run("quota demo volumes_silver=1");
    let events = cell.run("create b 1 type=silver");
    assert_eq!(
        cell.render(&events),
        [
            "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes_silver'."
        ]
    );
}

#[test]
fn a_heartbeat_is_recorded_when_it_is_news() {
    check(
        "backend n1@lvm#vg total=10 free=10",
        &[
            ("wait 24", "backend n1@lvm#vg total=10 free=10", ""),
            ("wait 25", "backend n1@lvm#vg total=10 free=10", "backend_reported n1@lvm w1"),
            ("", "backend n1@lvm#vg total=10 free=9", "backend_reported n1@lvm w1"),
            ("", "backend n1@lvm#other total=10 free=10", "backend_reported n1@lvm w1"),
            ("", "backend n1@lvm#vg total=10 free=10 zone=moon", "backend_reported n1@lvm w1"),
            ("", "backend n2@lvm#vg total=10 free=10", "backend_reported n2@lvm w1"),
            // It frees a claim.
            ("create a 5; report a ok", "backend n1@lvm#vg total=10 free=10", "backend_reported n1@lvm w1"),
            ("create a 5", "backend n1@lvm#vg total=10 free=10", ""),
        ],
    );
}

#[test]
fn a_message_that_is_no_command_is_recorded_as_refused() {
    check(
        "",
        &[
            ("", "noise hello", "refused NotJson: expected value at line 1 column 1"),
            ("", r#"noise {"volume":{"size_gib":0}}"#, "refused InvalidSize: size_gib is 0"),
        ],
    );
}
