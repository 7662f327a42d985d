use super::*;
use crate::inventory::INVENTORY_ITEMS_MAX;

/// A volume with a snapshot and an attached host, all of it at rest and on one pool.
const ATTACHED: &str = r#"
    backend n1@lvm#vg total=30 free=30
    create a 5; report a ok
    do snapshot.create {"id":"<s>","volume":"<a>"}; report s ok
    do attachment.create {"id":"<t>","volume":"<a>","connector":{"host":"h1","initiator":"iqn.h1"}}; report t ok
    do attachment.complete {"id":"<t>"}
    inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1"#;

#[test]
fn what_is_as_promised_is_no_news() {
    check(
        ATTACHED,
        &[
            ("", "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1", ""),
            // Drivers round up; what was taken over may be a little smaller.
            ("", "inventory n1@lvm#vg volume:a:5 snapshot:a:s:9 target:a host:a:t:iqn.h1", ""),
            // Nobody asks what another backend's pool has.
            ("", "inventory n2@lvm#vg volume:b:5", ""),
        ],
    );
}

#[test]
fn each_difference_is_named_with_its_reason() {
    check(
        ATTACHED,
        &[
            (
                "",
                "inventory n1@lvm#vg snapshot:a:s:5 host:a:t:iqn.h1",
                "drift_found volume-<a> on n1@lvm#vg missing, by_hand: the volume is in-use and its data are not there: bring them back (vgcfgrestore), or reset its status to error and delete it
                 inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
            (
                "",
                "inventory n1@lvm#vg volume:a:4 host:a:t:iqn.h1",
                "drift_found volume-<a> on n1@lvm#vg wrong_size, extend: it has 4294967296 bytes where 5 GiB were promised
                 drift_found _snapshot-<s> on n1@lvm#vg missing, by_hand: the snapshot is available and its data are not there: bring them back, or delete it
                 inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
            (
                "",
                "inventory n1@lvm#vg volume:a:5:copying volume:b:1 snapshot:a:s:5 snapshot:a:x:5 still:a host:a:t:iqn.h1 host:a:u:iqn.h2",
                "drift_found volume-<a> on n1@lvm#vg not_whole, by_hand: data were still being copied into it when that stopped: delete it and make it again
                 drift_found volume-<b> on n1@lvm#vg unexpected, remove: no volume of that id exists
                 drift_found _snapshot-<x> on n1@lvm#vg unexpected, remove: no snapshot of that id lies here
                 drift_found clone-snap-<a> on n1@lvm#vg unexpected, remove: no copy is under way that needs it
                 drift_found host-<u> on n1@lvm#vg unexpected, withdraw: no attachment lets this host in; it is logged in
                 inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
            // A part speaks only of its range.
            ("", "inventory n1@lvm#vg after=volume:a snapshot:a:s:5 host:a:t:iqn.h1", ""),
            ("", "inventory n1@lvm#vg through=volume:a volume:a:5", ""),
            (
                "",
                "inventory n1@lvm#vg after=still:a through=target:z volume:b:1",
                "drift_found volume-<b> on n1@lvm#vg unexpected, remove: no volume of that id exists",
            ),
        ],
    );
}

/// One commit holds a bounded part of what differs; the worker is asked to look again, and finds the next part.
#[test]
fn what_does_not_fit_into_one_commit_is_asked_for_again() {
    let names: Vec<String> = (10..10 + INVENTORY_ITEMS_MAX + 1).map(|number| format!("v{number}")).collect();
    let made: Vec<String> = names.iter().map(|name| format!("create {name} 1; report {name} ok")).collect();
    let given = format!("backend n1@lvm#vg total=300 free=300\nquota demo volumes=-1\n{}", made.join("; "));
    let reason = "missing, by_hand: the volume is available and its data are not there: bring them back (vgcfgrestore), or \
                  reset its status to error and delete it";
    let found = |names: &[String]| -> String {
        names.iter().map(|name| format!("drift_found volume-<{name}> on n1@lvm#vg {reason}\n")).collect()
    };
    let (first, last) = names.split_at(INVENTORY_ITEMS_MAX);
    let taken = |at: usize| format!("inventory_taken {{\"as_of\":{at},\"pool\":\"n1@lvm#vg\"}}");
    let tail = 3 + 2 * names.len();
    check(
        &given,
        &[
            (
                "",
                "inventory n1@lvm#vg",
                &format!("{}{}\ninventory_asked {{\"backend\":\"n1@lvm\"}}", found(first), taken(tail)),
            ),
            ("inventory n1@lvm#vg", "inventory n1@lvm#vg", &format!("{}{}", found(last), taken(tail + 1))),
        ],
    );
}

#[test]
fn what_others_have_there_is_recorded_when_it_changes() {
    const ALL: &str = "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1";
    let with = |foreign: &str| format!("{ALL} foreign={foreign}");
    check(
        ATTACHED,
        &[
            ("", &with(""), ""),
            (
                "",
                &with("web/3,old/1/volume-x"),
                r#"inventory_taken {"as_of":10,"foreign":{"items":[{"name":"old","origin":"volume-x","size_bytes":1073741824},{"name":"web","size_bytes":3221225472}],"left_out":0},"pool":"n1@lvm#vg"}"#,
            ),
            (&with("web/3"), &with("web/3"), ""),
            // A worker that does not look at them says nothing of them.
            (&with("web/3"), ALL, ""),
            (&with("web/3"), &with(""), r#"inventory_taken {"as_of":11,"foreign":{"left_out":0},"pool":"n1@lvm#vg"}"#),
        ],
    );
}

#[test]
fn what_is_not_at_rest_is_not_judged() {
    check(
        ATTACHED,
        &[
            // A flow is at work.
            (r#"do volume.extend {"id":"<a>","size_gib":6}"#, "inventory n1@lvm#vg", ""),
            (
                r#"do snapshot.create {"id":"<x>","volume":"<a>","force":true}"#,
                "inventory n1@lvm#vg snapshot:a:x:5",
                "",
            ),
            // The worker looked before the flow ended.
            (
                r#"do attachment.delete {"id":"<t>"}; report t ok"#,
                "inventory n1@lvm#vg as_of=10 volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1",
                "",
            ),
            ("create b 1; report b ok", "inventory n1@lvm#vg as_of=10 volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1", ""),
            (
                "create b 1; report b ok; delete b; report b ok",
                "inventory n1@lvm#vg as_of=13 volume:a:5 volume:b:1 snapshot:a:s:5 host:a:t:iqn.h1",
                "",
            ),
            (
                "create b 1; report b ok; delete b; report b ok",
                "inventory n1@lvm#vg volume:a:5 volume:b:1 snapshot:a:s:5 host:a:t:iqn.h1",
                "drift_found volume-<b> on n1@lvm#vg unexpected, remove: no volume of that id exists
                 inventory_taken {\"as_of\":14,\"pool\":\"n1@lvm#vg\"}",
            ),
        ],
    );
}

const NO_HOST: &str = "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5";

#[test]
fn exports_that_are_gone_are_made_again_at_once() {
    check(
        ATTACHED,
        &[
            (
                "",
                NO_HOST,
                "drift_found host-<t> on n1@lvm#vg missing, restore: attachment <t> promises the volume to h1, which cannot log in
                 flow_started drift_repair a/t demo
                 drift_repairing host-<t> on n1@lvm#vg
                 task_pending connect_volume t n1@lvm#vg execute #1 +120s
                 inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
            // While that is at work it is not judged again.
            (NO_HOST, NO_HOST, ""),
            (
                NO_HOST,
                "report t ok",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 drift_gone host-<t> on n1@lvm#vg
                 flow_finished",
            ),
            (
                "",
                "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 target:a:broken host:a:t:iqn.h1",
                "drift_found target-<a> on n1@lvm#vg not_whole, restore: hosts are promised it and cannot log in
                 flow_started drift_repair a/t demo
                 drift_repairing target-<a> on n1@lvm#vg
                 task_pending connect_volume t n1@lvm#vg execute #1 +120s
                 inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
            // Somebody ended the attachment meanwhile: its host is shut out again.
            (
                &format!(r#"{NO_HOST}; do attachment.delete {{"id":"<t>"}}; report t ok task=3"#),
                "report t ok task=2",
                "task_running w1 #1 +120s
                 task_succeeded w1 #1
                 task_pending disconnect_volume t n1@lvm#vg execute #1 +120s",
            ),
            // It failed for good: the next inventory tries again after a pause, not before.
            (&format!("{NO_HOST}; report t fail:unsupported"), NO_HOST, ""),
            (
                &format!("{NO_HOST}; report t fail:unsupported; wait 60"),
                NO_HOST,
                "flow_started drift_repair a/t demo
                 drift_repairing host-<t> on n1@lvm#vg
                 task_pending connect_volume t n1@lvm#vg execute #1 +120s
                 inventory_taken {\"as_of\":12,\"pool\":\"n1@lvm#vg\"}",
            ),
        ],
    );
}

#[test]
fn a_cell_may_leave_everything_to_its_operators() {
    let cell = || Cell::with_config(Config { restore_exports: false, ..Config::default() });
    check_in(
        cell,
        ATTACHED,
        &[
            (
                "",
                NO_HOST,
                "drift_found host-<t> on n1@lvm#vg missing, restore: attachment <t> promises the volume to h1, which cannot log in
                 inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
            (
                NO_HOST,
                r#"do drift.repair {"object":"host-00000000-0000-0000-0000-000000000074"}"#,
                "flow_started drift_repair a/t demo
                 drift_repairing host-<t> on n1@lvm#vg
                 task_pending connect_volume t n1@lvm#vg execute #1 +120s",
            ),
        ],
    );
}

#[test]
fn drifts_end_when_they_are_none_any_more() {
    check(
        ATTACHED,
        &[
            (
                "inventory n1@lvm#vg volume:a:4 volume:b:1 snapshot:a:s:5 host:a:t:iqn.h1",
                "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1",
                "drift_gone volume-<a> on n1@lvm#vg
                 drift_gone volume-<b> on n1@lvm#vg
                 inventory_taken {\"as_of\":11,\"pool\":\"n1@lvm#vg\"}",
            ),
            // It differs in another way.
            (
                "inventory n1@lvm#vg volume:a:4 snapshot:a:s:5 host:a:t:iqn.h1",
                "inventory n1@lvm#vg snapshot:a:s:5 host:a:t:iqn.h1",
                "drift_found volume-<a> on n1@lvm#vg missing, by_hand: the volume is in-use and its data are not there: bring them back (vgcfgrestore), or reset its status to error and delete it
                 inventory_taken {\"as_of\":11,\"pool\":\"n1@lvm#vg\"}",
            ),
        ],
    );
}

#[test]
fn repairs_are_asked_for_by_name_and_data_go_only_by_an_express_word() {
    const FOUND: &str =
        "inventory n1@lvm#vg volume:a:4 volume:b:1 snapshot:a:x:5 still:a host:a:t:iqn.h1 host:a:u:iqn.h2";
    let b = "volume-00000000-0000-0000-0000-000000000062";
    let (x, s) = ("_snapshot-00000000-0000-0000-0000-000000000078", "_snapshot-00000000-0000-0000-0000-000000000073");
    let one = |object: &str, more: &str| format!(r#"do drift.repair {{"object":"{object}"{more}}}"#);
    check(
        &format!("{ATTACHED}; {FOUND}"),
        &[
            ("", &one("volume-x", ""), "refused DriftNotFound: there is no drift of volume-x"),
            ("", &one(b, ""), "refused InvalidInput: the repair of volume-<b> on n1@lvm#vg removes it with its data"),
            (
                "",
                &one(b, r#","remove":true"#),
                "flow_started drift_repair b admin
                 drift_repairing volume-<b> on n1@lvm#vg
                 task_pending delete_volume n1@lvm#vg execute #1 +120s",
            ),
            (
                "",
                &one(x, r#","remove":true"#),
                "flow_started drift_repair a/x demo
                 drift_repairing _snapshot-<x> on n1@lvm#vg
                 task_pending delete_snapshot x n1@lvm#vg execute #1 +120s",
            ),
            (
                "",
                &one(s, ""),
                "refused DriftNotRepairable: _snapshot-<s> on n1@lvm#vg cannot be repaired: the snapshot is available and its data are not there: bring them back, or delete it",
            ),
            // One volume is repaired step by step: each waits for the one before.
            (
                "",
                "do drift.repair {}",
                "flow_started drift_repair a demo
                 drift_repairing volume-<a> on n1@lvm#vg
                 task_pending extend_volume n1@lvm#vg execute #1 +120s
                 flow_started drift_repair a/u demo
                 drift_repairing host-<u> on n1@lvm#vg
                 task_pending disconnect_volume u n1@lvm#vg execute #1 +120s",
            ),
            (
                "do drift.repair {}",
                &one(b, r#","remove":true"#),
                "flow_started drift_repair b admin
                 drift_repairing volume-<b> on n1@lvm#vg
                 task_pending delete_volume n1@lvm#vg execute #1 +120s",
            ),
            ("", r#"do drift.repair {"pool":"n2@lvm#vg"}"#, ""),
        ],
    );
}

#[test]
fn a_target_that_nobody_needs_is_withdrawn_when_asked() {
    check(
        &format!(r#"{ATTACHED}; do attachment.delete {{"id":"<t>"}}; report t ok"#),
        &[
            (
                "",
                "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 target:a",
                "drift_found target-<a> on n1@lvm#vg unexpected, withdraw: no attachment needs it
                 inventory_taken {\"as_of\":12,\"pool\":\"n1@lvm#vg\"}",
            ),
            (
                "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t",
                "do drift.repair {}",
                "flow_started drift_repair a demo
                 drift_repairing host-<t> on n1@lvm#vg
                 task_pending withdraw_volume n1@lvm#vg execute #1 +120s",
            ),
        ],
    );
}

#[test]
fn an_inventory_that_was_asked_for_is_told_of() {
    check(
        ATTACHED,
        &[
            (
                r#"do drift.scan {"backend":"n1@lvm"}"#,
                "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1",
                "inventory_taken {\"as_of\":11,\"pool\":\"n1@lvm#vg\"}",
            ),
            // It was begun before somebody asked.
            ("do drift.scan {}", "inventory n1@lvm#vg as_of=10 volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1", ""),
            (
                "",
                r#"do drift.scan {"backend":"n9@lvm"}"#,
                "refused ServiceNotFound: no backend n9@lvm has ever reported",
            ),
            (
                "wait 600",
                "inventory n1@lvm#vg volume:a:5 snapshot:a:s:5 host:a:t:iqn.h1",
                "inventory_taken {\"as_of\":10,\"pool\":\"n1@lvm#vg\"}",
            ),
        ],
    );
}
