use super::*;

const TYPES: &str = r#"type create tin; type create gold;
    do type.create {"id":"<many>","name":"many","extra_specs":{"multiattach":"<is> True"}};
    do type.create {"id":"<own>","name":"own","is_public":false};
    do type.create {"id":"<fast>","name":"fast","extra_specs":{"tier":"fast"}}"#;
const MANY: &str = r#"do volume.retype {"id":"<a>","type":"many"}"#;

fn retype(to: &str) -> String {
    format!(r#"do volume.retype {{"id":"<a>","type":"{to}"}}"#)
}

#[test]
fn a_retype_moves_the_quota_in_the_same_commit() {
    check(
        &format!("{BACKENDS}; {TYPES}; create a 5 type=tin; report a ok"),
        &[
            (
                "",
                &retype("gold"),
                r#"quota_used demo volumes_gold +1 on 0+0 of -1, gigabytes_gold +5 on 0+0 of -1, volumes_tin -1 on 1+0 of -1, gigabytes_tin -5 on 5+0 of -1
                   volume_retyped {"volume":"<a>","volume_type":"gold"}"#,
            ),
            (
                r#"do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok"#,
                &retype("gold"),
                r#"quota_used demo volumes_gold +1 on 0+0 of -1, snapshots_gold +1 on 0+0 of -1, gigabytes_gold +10 on 0+0 of -1, volumes_tin -1 on 1+0 of -1, snapshots_tin -1 on 1+0 of -1, gigabytes_tin -10 on 10+0 of -1
                   volume_retyped {"volume":"<a>","volume_type":"gold"}"#,
            ),
            (
                "quota demo volumes_gold=0",
                &retype("gold"),
                "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes_gold'.",
            ),
            // The project has no more and no less than before.
            (
                "quota demo volumes=0 gigabytes=0",
                &retype("gold"),
                r#"quota_used demo volumes_gold +1 on 0+0 of -1, gigabytes_gold +5 on 0+0 of -1, volumes_tin -1 on 1+0 of -1, gigabytes_tin -5 on 5+0 of -1
                   volume_retyped {"volume":"<a>","volume_type":"gold"}"#,
            ),
        ],
    );
    let mut cell = Cell::new();
    let many = "backend n1@lvm#vg total=30 free=30 multiattach=true";
    cell.run(&format!("{many}; {TYPES}; create a 5; report a ok; {MANY}"));
    assert!(cell.volume("a").multiattach);
    cell.run(&retype("tin"));
    assert!(!cell.volume("a").multiattach);
}

/// A snapshot that another project has since a transfer goes from type to type on that project's account.
#[test]
fn a_foreign_snapshot_pays_for_itself() {
    let mut cell = Cell::new();
    cell.run(&format!(r#"{BACKENDS}; {TYPES}; create a 5 type=tin; report a ok"#));
    cell.run(r#"do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok"#);
    let hash = "cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe";
    cell.run(&format!(
        r#"do transfer.create {{"id":"<x>","volume":"<a>","no_snapshots":true,"salt":"0011223344556677","key_hash":"{hash}"}}"#
    ));
    cell.run(&format!(r#"do@other transfer.accept {{"id":"<x>","key_hash":"{hash}"}}"#));
    let events = cell.run(&retype("gold").replace("do ", "do@other "));
    let text = cell.render(&events);
    assert_eq!(text.len(), 3, "{text:#?}");
    assert!(
        text[0].starts_with("quota_used demo gigabytes_gold +5")
            || text[0].starts_with("quota_used demo snapshots_gold +1"),
        "{text:#?}"
    );
    assert!(text[1].starts_with("quota_used other volumes_gold +1"), "{text:#?}");
    // The volume's owner does not see it, and so cannot remove it with the volume.
    let refusal = cell.run(r#"do@other volume.delete {"id":"<a>","cascade":true}"#);
    assert!(cell.render(&refusal)[0].starts_with("refused InvalidVolumeStatus"), "{refusal:?}");
    cell.run(r#"do@admin volume.delete {"id":"<a>","cascade":true}; report a ok; report a ok"#);
    assert_eq!((cell.status("a"), cell.state().usage.is_empty()), ("gone", true));
}

#[test]
fn each_guard_of_retype_has_its_refusal() {
    const RULES: &str = "refused InvalidVolumeStatus: Invalid volume: Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.";
    let attached = r#"do attachment.create {"id":"<t>","volume":"<a>"}; do attachment.complete {"id":"<t>"}"#;
    let qos = |consumer: &str| {
        format!(
            r#"{attached}; do qos.create {{"id":"<q>","name":"q","consumer":"{consumer}"}};
               do qos.associate {{"id":"<q>","type":"gold"}}"#
        )
    };
    let (front, back) = (qos("front-end"), qos("back-end"));
    let member = r#"do group_type.create {"id":"<set>","name":"set"};
        do group.create {"id":"<g>","group_type":"set","volume_types":["tin"]};
        do group.update {"id":"<g>","add_volumes":["<a>"]}"#;
    let retyped = r#"quota_used demo volumes_gold +1 on 0+0 of -1, gigabytes_gold +5 on 0+0 of -1, volumes_tin -1 on 1+0 of -1, gigabytes_tin -5 on 5+0 of -1
        volume_retyped {"volume":"<a>","volume_type":"gold"}"#;
    let rows = [
        ("", retype("nope"), "refused VolumeTypeNotFound: Volume type with name nope could not be found."),
        ("", retype("own"), "refused VolumeTypeNotFound: Volume type with name own could not be found."),
        ("", retype("tin"), RULES),
        ("extend a 6", retype("gold"), RULES),
        (member, retype("gold"), RULES),
        (r#"do volume.reset_status {"id":"<a>","migration_status":"migrating"}"#, retype("gold"), RULES),
        (attached, retype("gold"), retyped),
        (&front, retype("gold"), RULES),
        (&back, retype("gold"), retyped),
        (
            attached,
            retype("many"),
            "refused InvalidInput: Invalid input received: Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: in-use.",
        ),
        (
            r#"do type.set_encryption {"type":"gold","create":true,"provider":"luks","control_location":"front-end"}"#,
            retype("gold"),
            "refused InvalidVolumeType: Invalid volume type: gold encrypts its volumes, and this cell has no key manager.",
        ),
        (
            "",
            retype("fast"),
            r#"refused NoValidPool: no valid pool: n1@lvm#vg rejected by capabilities: tier is not reported, needs tier "fast""#,
        ),
    ];
    for (given, when, then) in rows {
        check(&format!("{BACKENDS}; {TYPES}; create a 5 type=tin; report a ok"), &[(given, &when, then)]);
    }
}
