use super::*;
use crate::state::QuotaResource;

const TYPES: &str = r#"
    backend n1@lvm#vg
    do type.create {"id":"<gold>","name":"gold","extra_specs":{"a":"b","c":null}}
    do type.create {"id":"<own>","name":"own","is_public":false}"#;

#[test]
fn who_may_use_a_private_type() {
    let modify = "refused InvalidVolumeType: Invalid volume type: Type access modification is not applicable to public \
                  volume type.";
    check(
        TYPES,
        &[
            ("", r#"do type.grant {"type":"own","project":"demo"}"#, "type_updated own {} for [demo]"),
            ("", r#"do type.grant {"type":"gold","project":"demo"}"#, modify),
            ("", r#"do type.revoke {"type":"gold","project":"demo"}"#, modify),
            (
                r#"do type.grant {"type":"own","project":"demo"}"#,
                r#"do type.grant {"type":"<own>","project":"demo"}"#,
                "refused TypeAccessExists: Volume type access for <own> / demo combination already exists.",
            ),
            (
                r#"do type.grant {"type":"own","project":"demo"}; do type.grant {"type":"own","project":"other"}"#,
                r#"do type.revoke {"type":"own","project":"demo"}"#,
                "type_updated own {} for [other]",
            ),
            (
                "",
                r#"do type.revoke {"type":"own","project":"demo"}"#,
                "refused TypeAccessNotFound: Volume type access not found for <own> / demo combination.",
            ),
            (
                "",
                r#"do type.grant {"type":"no","project":"demo"}"#,
                "refused VolumeTypeNotFound: Volume type no could not be found.",
            ),
            // Who had access keeps it while the type is public.
            (
                r#"do type.grant {"type":"own","project":"demo"}; do type.update {"type":"own","is_public":true}"#,
                r#"do type.update {"type":"own","is_public":false}"#,
                "type_updated own {} for [demo]",
            ),
            (
                "",
                r#"do type.update {"type":"__DEFAULT__","is_public":false}"#,
                "refused VolumeTypeInUse: the default volume type cannot be made private",
            ),
        ],
    );
}

#[test]
fn some_extra_specs_are_changed() {
    let change = |change: &str| format!(r#"do type.update {{"type":"gold","extra_specs_change":{change}}}"#);
    check(
        TYPES,
        &[
            (
                "",
                &change(r#"{"set":{"a":"x","d":"e"}}"#),
                r#"type_updated gold {"a": Some("x"), "c": None, "d": Some("e")}"#,
            ),
            ("", &change(r#"{"unset":["a"]}"#), r#"type_updated gold {"c": None}"#),
            (
                "",
                &change(r#"{"unset":["z"]}"#),
                "refused MetadataKeyNotFound: Volume Type <gold> has no extra specs with key z.",
            ),
            (
                "",
                &change(r#"{"set":{"k":"v"},"was":{"a":"b"}}"#),
                "refused PreconditionFailed: the extra specs are not what the sender took them for",
            ),
            (
                "create v 1 type=gold",
                &change(r#"{"unset":["a"]}"#),
                "refused VolumeTypeInUse: Volume Type is currently in use.",
            ),
            // To say again what is so changes nothing.
            (
                "create v 1 type=gold",
                &change(r#"{"set":{"a":"b"}}"#),
                r#"type_updated gold {"a": Some("b"), "c": None}"#,
            ),
            (
                "create v 1 type=gold",
                r#"do type.update {"type":"gold","name":"g"}"#,
                r#"type_updated g {"a": Some("b"), "c": None}"#,
            ),
        ],
    );
}

#[test]
fn types_are_encrypted() {
    let create = r#"do type.set_encryption {"type":"own","create":true,"provider":"luks","control_location":"front-end","key_size":256}"#;
    let update = r#"do type.set_encryption {"type":"own","create":false,"cipher":"aes"}"#;
    let unset = r#"do type.unset_encryption {"type":"own"}"#;
    let none = "refused EncryptionNotFound: Volume type encryption for type <own> does not exist.";
    // A volume cannot be made of an encrypted type: one that is there already is of an unencrypted one.
    let used = r#"do type.update {"type":"own","is_public":true}; create v 1 type=own"#;
    let in_use = |verb: &str| format!("refused VolumeTypeInUse: Cannot {verb} encryption specs. Volume type in use.");
    check(
        TYPES,
        &[
            ("", create, "type_updated own {} for [] encrypted luks front-end - 256"),
            (create, create, "refused EncryptionExists: Volume type encryption for type <own> already exists."),
            (create, update, "type_updated own {} for [] encrypted luks front-end aes 256"),
            ("", update, none),
            (create, unset, "type_updated own {} for []"),
            ("", unset, none),
            (used, create, &in_use("create")),
            (used, update, &in_use("update")),
            (used, unset, &in_use("delete")),
        ],
    );
}

#[test]
fn projects_choose_their_default_type() {
    let choose = r#"do type.set_default {"project":"demo","type":"gold"}"#;
    let give_up = r#"do type.set_default {"project":"demo","type":null}"#;
    check(
        TYPES,
        &[
            ("", choose, r#"default_type_set {"project":"demo","volume_type":"<gold>"}"#),
            (choose, give_up, r#"default_type_set {"project":"demo"}"#),
            ("", give_up, r#"default_type_set {"project":"demo"}"#),
            (
                "",
                r#"do type.set_default {"project":"demo","type":"no"}"#,
                "refused VolumeTypeNotFound: Volume type no could not be found.",
            ),
            (
                choose,
                "type delete gold",
                "refused VolumeTypeInUse: The volume type <gold> is a default volume type and cannot be deleted.",
            ),
            (&format!("{choose}; {give_up}"), "type delete gold", "type_deleted <gold>"),
        ],
    );
}

#[test]
fn qos_specs_are_used_by_types() {
    let made = r#"do qos.create {"id":"<q>","name":"fast","consumer":"both","specs":{"iops":"5"}}"#;
    let other = r#"do qos.create {"id":"<r>","name":"slow"}"#;
    let both = format!("{made}; {other}");
    let with = |more: &str| format!("{made}; {other}; {more}");
    let used = with(r#"do qos.associate {"id":"<q>","type":"gold"}; do qos.associate {"id":"<q>","type":"own"}"#);
    let unknown = "refused QosNotFound: No such QoS spec <z>.";
    check(
        TYPES,
        &[
            ("", made, r#"qos_created {"qos":{"consumer":"both","id":"<q>","name":"fast","specs":{"iops":"5"}}}"#),
            (made, r#"do qos.create {"name":"fast"}"#, "refused QosExists: QoS Specs fast already exists."),
            (
                made,
                r#"do qos.update {"id":"<q>","consumer":"back-end","specs_change":{"set":{"a":"b"},"unset":["iops"]}}"#,
                r#"qos_updated {"qos":{"consumer":"back-end","id":"<q>","name":"fast","specs":{"a":"b"}}}"#,
            ),
            (
                made,
                r#"do qos.update {"id":"<q>","specs_change":{"unset":["a"]}}"#,
                "refused MetadataKeyNotFound: QoS spec <q> has no spec with key a.",
            ),
            ("", r#"do qos.update {"id":"<z>"}"#, unknown),
            ("", r#"do qos.delete {"id":"<z>","force":true}"#, unknown),
            ("", r#"do qos.associate {"id":"<z>","type":"gold"}"#, unknown),
            ("", r#"do qos.disassociate {"id":"<z>"}"#, unknown),
            (made, r#"do qos.associate {"id":"<q>","type":"gold"}"#, "type_qos_set <gold> <q>"),
            (&used, r#"do qos.associate {"id":"<q>","type":"gold"}"#, "type_qos_set <gold> <q>"),
            (
                &used,
                r#"do qos.associate {"id":"<r>","type":"gold"}"#,
                "refused InvalidQos: Invalid volume type: Type <gold> is already associated with another qos specs: <q>",
            ),
            (
                made,
                r#"do qos.associate {"id":"<q>","type":"no"}"#,
                "refused VolumeTypeNotFound: Volume type no could not be found.",
            ),
            (made, r#"do qos.associate {"id":"<q>"}"#, "refused MalformedBody: Volume Type id must not be None."),
            (&used, r#"do qos.disassociate {"id":"<q>","type":"gold"}"#, "type_qos_set <gold> none"),
            // Another one's association stays.
            (&used, r#"do qos.disassociate {"id":"<r>","type":"gold"}"#, "type_qos_set <gold> <q>"),
            (&used, r#"do qos.disassociate {"id":"<q>"}"#, "type_qos_set <own> none\ntype_qos_set <gold> none"),
            (
                &both,
                r#"do qos.disassociate {"id":"<r>"}"#,
                r#"qos_updated {"qos":{"consumer":"back-end","id":"<r>","name":"slow"}}"#,
            ),
            (&used, r#"do qos.delete {"id":"<q>"}"#, "refused InvalidQos: Qos specs still in use."),
            (
                &used,
                r#"do qos.delete {"id":"<q>","force":true}"#,
                "type_qos_set <own> none\ntype_qos_set <gold> none\nqos_deleted {\"qos\":\"<q>\"}",
            ),
            (&both, r#"do qos.delete {"id":"<q>"}"#, r#"qos_deleted {"qos":"<q>"}"#),
        ],
    );
}

#[test]
fn group_types_are_made_changed_and_removed() {
    let made = r#"do group_type.create {"id":"<gt>","name":"set","group_specs":{"a":"b"}}"#;
    let group = r#"do group.create {"id":"<g>","group_type":"set","volume_types":["__DEFAULT__"]}"#;
    check(
        "backend n1@lvm#vg",
        &[
            (
                "",
                made,
                r#"group_type_created {"group_type":{"group_specs":{"a":"b"},"id":"<gt>","is_public":true,"name":"set"}}"#,
            ),
            (made, r#"do group_type.create {"name":"set"}"#, "refused GroupTypeExists: Group Type set already exists."),
            (
                made,
                r#"do group_type.update {"id":"<gt>","name":"set","is_public":false,"description":"d","group_specs_change":{"set":{"k":"v"},"unset":["a"]}}"#,
                r#"group_type_updated {"group_type":{"description":"d","group_specs":{"k":"v"},"id":"<gt>","name":"set"}}"#,
            ),
            (
                made,
                r#"do group_type.update {"id":"<gt>","group_specs_change":{"unset":["z"]}}"#,
                "refused MetadataKeyNotFound: Group Type <gt> has no specs with key z.",
            ),
            (
                &format!(r#"{made}; do group_type.create {{"name":"two"}}"#),
                r#"do group_type.update {"id":"<gt>","name":"two"}"#,
                "refused GroupTypeExists: Group Type two already exists.",
            ),
            (made, r#"do group_type.delete {"id":"<gt>"}"#, r#"group_type_deleted {"group_type":"<gt>"}"#),
            (
                &format!("{made}; {group}"),
                r#"do group_type.delete {"id":"<gt>"}"#,
                "refused GroupTypeInUse: Target group type is still in use.",
            ),
            (
                "",
                r#"do group_type.delete {"id":"<gt>"}"#,
                "refused GroupTypeNotFound: Group type <gt> could not be found.",
            ),
            (
                "",
                r#"do group_type.update {"id":"<gt>"}"#,
                "refused GroupTypeNotFound: Group type <gt> could not be found.",
            ),
        ],
    );
}

#[test]
fn a_limit_of_its_own_is_not_set_below_what_a_project_uses() {
    let volumes = "backend n1@lvm#vg; create a 3; create b 4";
    check(
        volumes,
        &[
            // As in Cinder the first one passes, and keeps new use away.
            ("", "quota demo volumes=1", "quota_set demo volumes=1"),
            ("quota demo volumes=5", "quota demo volumes=2", "quota_set demo volumes=2"),
            (
                "quota demo volumes=5",
                "quota demo volumes=1",
                "refused QuotaBelowUsage: Quota volumes limit must be equal or greater than existing resources. \
                 Current usage is 2 and the requested limit is 1.",
            ),
            (
                "quota demo gigabytes=9",
                "quota demo gigabytes=6 volumes=0",
                "refused QuotaBelowUsage: Quota gigabytes limit must be equal or greater than existing resources. \
                 Current usage is 7 and the requested limit is 6.",
            ),
            ("quota demo volumes=5", "quota demo volumes=-1", "quota_set demo volumes=-1"),
            (
                "quota demo volumes=5; do quota.clear {\"project\":\"demo\"}",
                "quota demo volumes=1",
                "quota_set demo volumes=1",
            ),
            ("", "do quota.clear {\"project\":\"demo\"}", "quota_cleared {\"project\":\"demo\"}"),
            (
                "",
                r#"do quota_class.set {"class":"default","bogus":1}"#,
                "refused InvalidQuota: Bad key(s) in quota set: bogus",
            ),
        ],
    );
}

#[test]
fn the_default_class_is_between_the_project_and_the_configuration() {
    let mut cell = Cell::new();
    let project = crate::id::ProjectId::new("demo").unwrap();
    let limit = |cell: &Cell| cell.state().limit(&project, QuotaResource::Volumes);
    assert_eq!(limit(&cell), 10);
    cell.run(r#"do quota_class.set {"class":"default","volumes":7}; do quota_class.set {"class":"other","volumes":8}"#);
    assert_eq!(limit(&cell), 7);
    cell.run("quota demo volumes=6");
    assert_eq!(limit(&cell), 6);
    cell.run(r#"do quota.clear {"project":"demo"}"#);
    assert_eq!(limit(&cell), 7);
}

#[test]
fn log_levels_are_chosen_and_the_last_word_counts() {
    let set = |rest: &str| format!(r#"do log.set_level {{{rest}}}"#);
    let api = set(r#""binary":"stele-api","prefix":"stele_core::decide","level":"DEBUG""#);
    check(
        "",
        &[
            (
                "",
                &api,
                r#"log_level_set {"level":"DEBUG","target":{"binary":"stele-api","prefix":"stele_core::decide"}}"#,
            ),
            (
                "",
                &set(r#""binary":"cinder-api","level":"DEBUG""#),
                "refused InvalidInput: Invalid input received: Invalid binary: cinder-api",
            ),
        ],
    );
    let mut cell = Cell::new();
    let levels = |cell: &mut Cell, line: &str| {
        cell.run(line);
        let levels = cell.state().log_levels.iter();
        levels.map(|(target, level)| format!("{}:{}:{level:?}", target.binary, target.prefix)).collect::<Vec<_>>()
    };
    assert_eq!(levels(&mut cell, &api), ["stele-api:stele_core::decide:Debug"]);
    // What it does not cover stays; what it covers goes.
    let core = set(r#""binary":"stele-api","prefix":"stele_core","level":"INFO""#);
    let worker = set(r#""binary":"stele-worker","level":"ERROR""#);
    levels(&mut cell, &worker);
    assert_eq!(levels(&mut cell, &core), ["stele-api:stele_core:Info", "stele-worker::Error"]);
    assert_eq!(levels(&mut cell, &set(r#""level":"WARNING""#)), ["::Warning"]);
}
