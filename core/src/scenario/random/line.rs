//! Any line of the script language: every command, about few things, so that they meet.

use proptest::prelude::*;
use proptest::sample::select;

/// A line of the script language.
pub(super) fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![4 => short_line(), 6 => any_command()]
}

fn short_line() -> impl Strategy<Value = String> {
    let volume = select(&["a", "b", "c", "d"][..]);
    let project = select(&["", "", " project=other"][..]);
    // Few ids, so that they come again.
    let id = prop_oneof![9 => Just(String::new()), 1 => (0_u8..6).prop_map(|id| format!(" cmd={id}"))];
    let what = prop_oneof![
        6 => (1_u32..9, select(&["", "", " type=gold", " zone=moon"][..]))
            .prop_map(|(size, more)| format!("create V {size}{more}")),
        1 => (1_u32..9).prop_map(|size| format!("create - {size}")),
        3 => select(&["delete V", "delete V force"][..]).prop_map(str::to_owned),
        5 => (1_u32..24).prop_map(|size| format!("extend V {size}")),
        1 => (0_u8..3).prop_map(|name| format!("update V name={name}")),
        1 => (select(&["enable", "disable", "freeze", "thaw"][..]), 0_u8..4)
            .prop_map(|(verb, n)| format!("service {verb} n{n}@lvm why")),
        1 => (-2_i64..12, -1_i64..90)
            .prop_map(|(volumes, gib)| format!("quota demo volumes={volumes} gigabytes={gib} volumes_gold=3")),
        1 => select(
            &["type create gold", "type delete gold", "type update gold to=iron", "type update iron to=gold",
              "type update gold tier=one"][..]
        ).prop_map(str::to_owned),
    ];
    (what, volume, project, id).prop_map(|(what, volume, project, id)| {
        let for_volume = what.contains(" V") || what.starts_with("create");
        let project = if for_volume { project } else { "" };
        format!("{}{project}{id}", what.replace(" V", &format!(" {volume}")))
    })
}

/// Where `?x` stands, one of the names of that kind comes: volumes `?v` and `?w`, snapshots `?s`, attachments `?a`,
/// transfers `?x`, groups `?g`, group snapshots `?h`, statuses and types.
const NAMES: &[(&str, &[&str])] = &[
    // Before `?s`, with which it begins.
    ("?status", &["available", "error", "in-use", "creating", "maintenance", "deleting", "reserved", "downloading"]),
    ("?type", &["gold", "__DEFAULT__", "many"]),
    ("?v", &["<a>", "<b>", "<c>", "<d>"]),
    ("?w", &["<a>", "<b>", "<c>", "<d>"]),
    ("?s", &["<s1>", "<s2>", "<s3>"]),
    ("?a", &["<t1>", "<t2>", "<t3>"]),
    ("?x", &["<x1>", "<x2>"]),
    ("?g", &["<g1>", "<g2>"]),
    ("?h", &["<h1>", "<h2>"]),
];

const VOLUMES: &[&str] = &[
    r#"volume.create {"id":"?v","snapshot":"?s"}"#,
    r#"volume.create {"id":"?v","snapshot":"?s","size_gib":9}"#,
    r#"volume.create {"id":"?v","source_volume":"?w"}"#,
    r#"volume.create {"id":"?v","size_gib":2,"type":"?type","group":"?g"}"#,
    r#"volume.create {"id":"?v","size_gib":1,"hints":{"same_host":["?w"]}}"#,
    r#"volume.create {"id":"?v","size_gib":1,"hints":{"different_host":["?w"],"query":"[\">\",\"$free_capacity_gb\",3]"}}"#,
    r#"volume.delete {"id":"?v","cascade":true}"#,
    r#"volume.delete {"id":"?v","force":true}"#,
    r#"volume.delete {"id":"?v","cascade":true,"force":true}"#,
    r#"volume.update {"id":"?v","metadata_change":{"set":{"k":"v"}}}"#,
    r#"volume.update {"id":"?v","bootable":true,"readonly":true,"metadata_change":{"unset":["k"]}}"#,
    r#"volume.retype {"id":"?v","type":"?type"}"#,
    r#"volume.revert {"id":"?v","snapshot":"?s"}"#,
    r#"volume.revert {"id":"?v","snapshot":"?s"}"#,
    r#"volume.revert {"id":"?v","snapshot":"?s"}"#,
    r#"volume.manage {"id":"?v","project":"demo","pool":"n0@lvm#p0","source_name":"old"}"#,
    r#"volume.manage {"id":"?v","project":"demo","pool":"n1@lvm#p0","source_name":"old","type":"?type"}"#,
    r#"volume.unmanage {"id":"?v"}"#,
    r#"volume.unmanage {"id":"?v"}"#,
    r#"volume.reset_status {"id":"?v","status":"?status"}"#,
    r#"volume.reset_status {"id":"?v","status":"available","attach_status":"detached"}"#,
    r#"volume.reset_status {"id":"?v","migration_status":"success"}"#,
];

const SNAPSHOTS: &[&str] = &[
    r#"snapshot.create {"id":"?s","volume":"?v"}"#,
    r#"snapshot.create {"id":"?s","volume":"?v"}"#,
    r#"snapshot.create {"id":"?s","volume":"?v","force":true}"#,
    r#"snapshot.delete {"id":"?s"}"#,
    r#"snapshot.delete {"id":"?s","force":true}"#,
    r#"snapshot.update {"id":"?s","name":"x"}"#,
    r#"snapshot.manage {"id":"?s","volume":"?v","source_name":"old"}"#,
    r#"snapshot.manage {"id":"?s","volume":"?v","source_name":"old"}"#,
    r#"snapshot.unmanage {"id":"?s"}"#,
    r#"snapshot.unmanage {"id":"?s"}"#,
    r#"snapshot.set_status {"id":"?s","status":"?status","progress":50}"#,
    r#"snapshot.reset_status {"id":"?s","status":"?status"}"#,
];

const ATTACHMENTS: &[&str] = &[
    r#"attachment.create {"id":"?a","volume":"?v"}"#,
    r#"attachment.create {"id":"?a","volume":"?v","instance":"vm","connector":{"host":"h1"}}"#,
    r#"attachment.update {"id":"?a","connector":{"host":"h2"}}"#,
    r#"attachment.complete {"id":"?a"}"#,
    r#"attachment.delete {"id":"?a"}"#,
    r#"volume.reserve {"id":"?v"}"#,
    r#"volume.unreserve {"id":"?v"}"#,
    r#"volume.initialize_connection {"id":"?v","connector":{"host":"h1"}}"#,
    r#"volume.attach {"id":"?v","host":"h1"}"#,
    r#"volume.begin_detaching {"id":"?v"}"#,
    r#"volume.roll_detaching {"id":"?v"}"#,
    r#"volume.terminate_connection {"id":"?v","connector":{"host":"h1"}}"#,
    r#"volume.detach {"id":"?v"}"#,
    r#"volume.force_detach {"id":"?v"}"#,
];

const GROUPS: &[&str] = &[
    r#"transfer.create {"id":"?x","volume":"?v","salt":"0011223344556677","key_hash":"KEY"}"#,
    r#"transfer.create {"id":"?x","volume":"?v","no_snapshots":true,"salt":"0011223344556677","key_hash":"KEY"}"#,
    r#"transfer.accept {"id":"?x","key_hash":"KEY"}"#,
    r#"transfer.delete {"id":"?x"}"#,
    r#"group.create {"id":"?g","group_type":"set","volume_types":["?type"]}"#,
    r#"group.create {"id":"?g","source_group":"<g1>"}"#,
    r#"group.create {"id":"?g","source_group_snapshot":"?h"}"#,
    r#"group.update {"id":"?g","add_volumes":["?v"]}"#,
    r#"group.update {"id":"?g","remove_volumes":["?v"]}"#,
    r#"group.delete {"id":"?g"}"#,
    r#"group.delete {"id":"?g","delete_volumes":true}"#,
    r#"group.reset_status {"id":"?g","status":"?status"}"#,
    r#"group_snapshot.create {"id":"?h","group":"?g"}"#,
    r#"group_snapshot.create {"id":"?h","group":"?g"}"#,
    r#"group_snapshot.delete {"id":"?h"}"#,
    r#"group_snapshot.reset_status {"id":"?h","status":"?status"}"#,
];

const CATALOGUE: &[&str] = &[
    r#"type.create {"id":"<many>","name":"many","extra_specs":{"multiattach":"<is> True"}}"#,
    r#"type.update {"type":"many","is_public":false}"#,
    r#"type.grant {"type":"many","project":"demo"}"#,
    r#"type.revoke {"type":"many","project":"demo"}"#,
    r#"type.set_encryption {"type":"?type","create":true,"provider":"luks","control_location":"front-end"}"#,
    r#"type.unset_encryption {"type":"?type"}"#,
    r#"type.set_default {"project":"other","type":"?type"}"#,
    r#"type.set_default {"project":"other","type":null}"#,
    r#"qos.create {"id":"<q>","name":"q","consumer":"front-end"}"#,
    r#"qos.update {"id":"<q>","specs_change":{"set":{"a":"b"}}}"#,
    r#"qos.associate {"id":"<q>","type":"?type"}"#,
    r#"qos.disassociate {"id":"<q>","type":"?type"}"#,
    r#"qos.delete {"id":"<q>","force":true}"#,
    r#"group_type.create {"id":"<set>","name":"set"}"#,
    r#"group_type.update {"id":"<set>","description":"d"}"#,
    r#"group_type.delete {"id":"<set>"}"#,
    r#"quota_class.set {"class":"default","volumes":9,"snapshots":4}"#,
    r#"quota.clear {"project":"demo"}"#,
    r#"log.set_level {"binary":"stele-api","level":"DEBUG"}"#,
    r#"drift.scan {}"#,
    r#"drift.repair {}"#,
    r#"drift.repair {"remove":true}"#,
    r#"drift.repair {"object":"volume-00000000-0000-0000-0000-000000000061","remove":true}"#,
];

fn any_command() -> impl Strategy<Value = String> {
    let what = prop_oneof![
        5 => select(VOLUMES), 4 => select(SNAPSHOTS), 4 => select(ATTACHMENTS), 3 => select(GROUPS), 2 => select(CATALOGUE)
    ];
    let project = prop_oneof![6 => Just("do "), 1 => Just("do@other "), 2 => Just("do@admin ")];
    let id = prop_oneof![9 => Just(String::new()), 1 => (0_u8..6).prop_map(|id| format!(" cmd={id}"))];
    let picks = proptest::collection::vec(any::<proptest::sample::Index>(), NAMES.len());
    (what, project, id, picks).prop_map(|(what, project, id, picks)| {
        let (command, json) = what.split_once(' ').unwrap_or((what, "{}"));
        let resource = command.split('.').next().unwrap_or_default();
        let of_cell = matches!(resource, "type" | "qos" | "group_type" | "quota_class" | "quota" | "log" | "drift");
        let of_operators = json.is_empty() || command.ends_with("manage");
        let project = if of_cell || of_operators { "do " } else { project };
        let mut json = json.replace("KEY", &"cafe".repeat(16));
        for ((kind, names), pick) in NAMES.iter().zip(&picks) {
            json = json.replace(kind, pick.get::<&str>(names));
        }
        format!("{project}{command}{id} {json}")
    })
}
