//! Volumes made from snapshots and from other volumes.

use super::*;

const SOURCES: &str = r#"type create gold; create a 5 type=gold; report a ok;
    do volume.update {"id":"<a>","bootable":true,"image_metadata_change":{"set":{"os":"plan9"}}};
    do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok"#;

#[test]
fn a_copy_lies_beside_its_source_and_is_like_it() {
    let created = |source: &str| {
        format!(
            "flow_started volume_create b demo
             quota_reserved volumes +1 on 1+0 of 10, gigabytes +5 on 10+0 of 1000, volumes_gold +1 on 1+0 of -1, gigabytes_gold +5 on 10+0 of -1
             volume_entry_created b 5 GiB creating gold in nova by alice
             quota_committed
             placement_decided b 5 GiB attempt 1 n1@lvm#vg
             task_pending create_volume from {source} n1@lvm#vg execute #1 +120s"
        )
    };
    // Another pool has more room: the source's takes it.
    let given = "backend n2@lvm#vg total=100 free=100";
    check(
        &format!("{BACKENDS}; {SOURCES}"),
        &[
            (given, r#"do volume.create {"id":"<b>","snapshot":"<s>"}"#, &created("s")),
            (given, r#"do volume.create {"id":"<b>","source_volume":"<a>"}"#, &created("a")),
        ],
    );
    let mut cell = Cell::new();
    cell.run(&format!(r#"{BACKENDS}; {SOURCES}; do volume.create {{"id":"<b>","snapshot":"<s>","size_gib":7}}"#));
    let volume = cell.volume("b");
    assert!(volume.bootable && volume.image_metadata.contains_key("os") && volume.size_gib.gib() == 7);
    assert_eq!(volume.source_snapshot.map(|id| id.0), Some(crate::scenario::render::id_of("s")));
}

#[test]
fn each_guard_of_a_source_has_its_refusal() {
    let rows = [
        (
            "",
            r#"do volume.create {"id":"<b>","snapshot":"<z>"}"#,
            "refused SnapshotNotFound: Snapshot <z> could not be found.",
        ),
        (
            "",
            r#"do volume.create {"id":"<b>","source_volume":"<z>"}"#,
            "refused VolumeNotFound: Volume <z> could not be found.",
        ),
        (
            "",
            r#"do@other volume.create {"id":"<b>","source_volume":"<a>"}"#,
            "refused VolumeNotFound: Volume <a> could not be found.",
        ),
        (
            r#"do snapshot.reset_status {"id":"<s>","status":"error"}"#,
            r#"do volume.create {"id":"<b>","snapshot":"<s>"}"#,
            "refused InvalidSnapshotStatus: Invalid snapshot: Originating snapshot status must be one of 'available' values",
        ),
        (
            r#"do volume.reset_status {"id":"<a>","status":"error"}"#,
            r#"do volume.create {"id":"<b>","source_volume":"<a>"}"#,
            "refused InvalidVolumeStatus: Invalid volume: Originating source volume status must be one of 'available, in-use' values",
        ),
        (
            r#"create c 500; do volume.reset_status {"id":"<c>","status":"available"}"#,
            r#"do volume.create {"id":"<b>","source_volume":"<c>"}"#,
            "refused InvalidVolumeStatus: Invalid volume: Volume <c> lies on no pool.",
        ),
        (
            "",
            r#"do volume.create {"id":"<b>","snapshot":"<s>","size_gib":4}"#,
            "refused InvalidInput: Invalid input received: Volume size '4'GB cannot be smaller than the snapshot size 5GB. They must be >= original snapshot size.",
        ),
        (
            "",
            r#"do volume.create {"id":"<b>","source_volume":"<a>","size_gib":4}"#,
            "refused InvalidInput: Invalid input received: Volume size '4'GB cannot be smaller than original volume size  5GB. They must be >= original volume size.",
        ),
        (
            "backend n4@lvm#vg zone=moon",
            r#"do volume.create {"id":"<b>","snapshot":"<s>","availability_zone":"moon"}"#,
            "refused InvalidInput: Invalid input received: Volume must be in the same availability zone as the snapshot",
        ),
        (
            "backend n4@lvm#vg zone=moon",
            r#"do volume.create {"id":"<b>","source_volume":"<a>","availability_zone":"moon"}"#,
            "refused InvalidInput: Invalid input received: Volume must be in the same availability zone as the source volume",
        ),
        (
            r#"do type.create {"id":"<iron>","name":"iron","extra_specs":{"volume_backend_name":"iron"}}"#,
            r#"do volume.create {"id":"<b>","snapshot":"<s>","type":"iron"}"#,
            "refused InvalidInput: Invalid input received: Invalid volume_type provided: <iron> (requested type is not compatible; recommend omitting the type argument).",
        ),
        (
            r#"do type.create {"id":"<iron>","name":"iron","extra_specs":{"volume_backend_name":"iron"}}"#,
            r#"do volume.create {"id":"<b>","source_volume":"<a>","type":"iron"}"#,
            "refused InvalidInput: Invalid input received: Invalid volume_type provided: <iron> (requested type is not compatible; either match source volume, or omit type argument).",
        ),
    ];
    check(&format!("{BACKENDS}; {SOURCES}"), &rows);
}

/// A copy has one place only: when the attempt there failed, there is no other.
#[test]
fn a_failed_copy_is_reverted_and_not_tried_elsewhere() {
    check(
        &format!(r#"{BACKENDS}; {SOURCES}; do volume.create {{"id":"<b>","snapshot":"<s>"}}; report b fail:other"#),
        &[(
            "",
            "report b ok",
            "task_running w1 #2 +120s
             task_succeeded w1 #2
             task_reverted
             placement_released b n1@lvm#vg
             placement_decided b 5 GiB attempt 2 no valid pool: n1@lvm#vg rejected by tried_pools: tried by an earlier attempt, needs a pool that was not tried yet
             volume_create_failed b: attempt 1 on n1@lvm#vg failed: other at lvtool: it broke (exit status 5); no valid pool: n1@lvm#vg rejected by tried_pools: tried by an earlier attempt, needs a pool that was not tried yet
             flow_finished: attempt 1 on n1@lvm#vg failed: other at lvtool: it broke (exit status 5); no valid pool: n1@lvm#vg rejected by tried_pools: tried by an earlier attempt, needs a pool that was not tried yet
             message_created VOLUME_VOLUME_008_012 <b>",
        )],
    );
}

/// A copy is made in many steps: what one that failed too late had made until then is removed as well.
#[test]
fn a_copy_that_failed_too_late_is_removed() {
    let force = r#"do@admin volume.delete {"id":"<b>","force":true}"#;
    check(
        &format!("{BACKENDS}; {SOURCES}"),
        &[
            (
                &format!(r#"do volume.create {{"id":"<b>","source_volume":"<a>"}}; {force}; report b ok"#),
                "report b fail:other task=1",
                "flow_started volume_cleanup b admin
                 task_pending delete_volume n1@lvm#vg execute #1 +120s",
            ),
            (&format!("create b 5; {force}; report b ok"), "report b fail:other task=1", ""),
        ],
    );
}

/// What is being copied stays until the copy is made, one way or the other; then it may go.
#[test]
fn what_is_being_copied_stays() {
    let from_snapshot = r#"do volume.create {"id":"<b>","snapshot":"<s>"}"#;
    let from_volume =
        r#"do snapshot.delete {"id":"<s>"}; report s ok; do volume.create {"id":"<b>","source_volume":"<a>"}"#;
    let of_snapshot = "refused InvalidSnapshotStatus: Invalid snapshot: Snapshot <s> is being copied to volume <b>.";
    let of_volume = "refused InvalidVolumeStatus: Invalid volume: Volume <a> is being copied to volume <b>.";
    let rows = [
        (from_snapshot, r#"do snapshot.delete {"id":"<s>"}"#, of_snapshot),
        (from_snapshot, r#"do@admin snapshot.delete {"id":"<s>","force":true}"#, of_snapshot),
        (from_snapshot, r#"do volume.delete {"id":"<a>","cascade":true}"#, of_volume),
        (from_volume, "delete a", of_volume),
        (from_volume, r#"do@admin volume.delete {"id":"<a>","force":true}"#, of_volume),
        // It has the size that was copied; another one would be the copy's, and nobody would know.
        (from_snapshot, "extend a 7", of_volume),
        (from_volume, "extend a 7", of_volume),
        (
            r#"do snapshot.create {"id":"<t>","volume":"<a>"}"#,
            "extend a 7",
            "refused InvalidVolumeStatus: Invalid volume: Snapshot <t> of volume <a> is being taken.",
        ),
    ];
    check(&format!("{BACKENDS}; {SOURCES}"), &rows);
    for made in ["report b ok", r#"do volume.reset_status {"id":"<b>","status":"error"}"#] {
        let mut cell = Cell::new();
        cell.run(&format!("{BACKENDS}; {SOURCES}; {from_snapshot}; {made}"));
        cell.run(r#"do volume.delete {"id":"<a>","cascade":true}; report a ok; report a ok"#);
        assert_eq!((cell.status("a"), cell.snapshot_status("s")), ("gone", "gone"), "{made}");
    }
}

#[test]
fn a_type_is_asked_for_or_the_sources_or_the_projects() {
    let gold =
        r#"do type.create {"id":"<gold>","name":"gold","is_public":false}; do type.create {"id":"<tin>","name":"tin"}"#;
    let own = r#"do type.grant {"type":"gold","project":"demo"}; do type.set_default {"project":"demo","type":"gold"}"#;
    let typed = |given: &str, name: &str| {
        let mut cell = Cell::new();
        cell.run(&format!("{BACKENDS}; {gold}; {given}"));
        let id = cell.volume(name).volume_type;
        cell.state().types[&id].name.clone()
    };
    assert_eq!(typed("create a 1", "a"), "__DEFAULT__");
    assert_eq!(typed(&format!("{own}; create a 1"), "a"), "gold");
    assert_eq!(typed(&format!("{own}; create a 1 type=tin"), "a"), "tin");
    let copy = r#"create a 1 type=tin; report a ok; do volume.create {"id":"<b>","source_volume":"<a>"}"#;
    assert_eq!(typed(&format!("{own}; {copy}"), "b"), "tin");
    let unknown = "refused VolumeTypeNotFound: Volume type with name gold could not be found.";
    check(
        &format!("{BACKENDS}; {gold}"),
        &[
            ("", "create a 1 type=gold", unknown),
            (
                r#"do type.set_encryption {"type":"tin","create":true,"provider":"luks","control_location":"front-end"}"#,
                "create a 1 type=tin",
                "refused InvalidVolumeType: Invalid volume type: tin encrypts its volumes, and this cell has no key manager.",
            ),
        ],
    );
    assert_eq!(typed(r#"do@admin volume.create {"id":"<a>","size_gib":1,"type":"gold"}"#, "a"), "gold");
}

/// A hint is kept when the first pool failed.
#[test]
fn hints_hold_for_every_attempt() {
    let mut cell = Cell::new();
    cell.run(&format!("{BACKENDS}; create a 1; report a ok"));
    let not_there = r#"do volume.create {"id":"<b>","size_gib":1,"hints":{"different_host":["<a>"]}}"#;
    cell.run(not_there);
    assert_eq!(cell.task("b", None).pool.as_str(), "n2@lvm#vg");
    cell.run("report b fail:other; report b ok");
    assert_eq!(cell.task("b", None).pool.as_str(), "n3@lvm#vg");
    let events = cell.run("report b fail:other; report b ok");
    let text = cell.render(&events).join("\n");
    assert!(
        text.contains("n1@lvm#vg rejected by different_host: holds volume <a>, needs none of the volumes <a>"),
        "{text}"
    );
    check(
        &format!("{BACKENDS}; create a 1; report a ok"),
        &[(
            "",
            r#"do volume.create {"id":"<b>","size_gib":1,"hints":{"query":"[\"!=\", 1]"}}"#,
            "refused InvalidInput: Invalid input received: the scheduler hint query cannot be read: a list begins with \"!=\", which is none of =, <, >, in, <=, >=, not, or, and",
        )],
    );
    // A volume that the project may not see is nowhere.
    cell.run(r#"do@other volume.create {"id":"<c>","size_gib":1,"hints":{"same_host":["<a>"]}}"#);
    assert_eq!(cell.status("c"), "error");
    cell.run(r#"do volume.create {"id":"<d>","size_gib":1,"hints":{"same_host":["<a>"],"query":"[\">\",\"$free_capacity_gb\",5]"}}"#);
    assert_eq!(cell.task("d", None).pool.as_str(), "n1@lvm#vg");
}
