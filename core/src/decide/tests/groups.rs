//! Groups and group snapshots: what their members do, and what that makes of them.

use super::*;
use crate::event::Event;
use crate::scenario::render::name_of;
use crate::scenario::script::{task_report, transition};
use crate::task::{Report, ReportBody, TASK_VERSION};

/// Group g of type t with the volumes a and b.
const GROUP: &str = r#"
    do group_type.create {"id":"<t>","name":"kind"}
    do group.create {"id":"<g>","name":"web","group_type":"kind","volume_types":["__DEFAULT__"]}
    do volume.create {"id":"<a>","size_gib":5,"type":"__DEFAULT__","group":"<g>"}; report a ok
    do volume.create {"id":"<b>","size_gib":4,"type":"__DEFAULT__","group":"<g>"}; report b ok"#;

const SNAPSHOT: &str = r#"do group_snapshot.create {"id":"<s>","group":"<g>","name":"night"}"#;
const COPY: &str = r#"do group.create {"id":"<h>","source_group":"<g>"}"#;
const COPY_SNAPSHOT: &str = r#"do group.create {"id":"<h>","source_group_snapshot":"<s>"}"#;

/// Runs each script; gives the refusal of its last line, or the groups that it leads to, each with its members.
///
/// `WORK` does every task that is open, `FAIL` fails the first one for good and does the others.
fn check_groups(rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (script, expected) in rows {
        let mut cell = Cell::new();
        cell.run(&format!("{BACKENDS}; {GROUP}"));
        let mut events = Vec::new();
        for line in script.split("; ").filter(|line| !line.is_empty()) {
            match line {
                "WORK" => work(&mut cell, false),
                "FAIL" => work(&mut cell, true),
                line => events = cell.run(line),
            }
        }
        let got = match events.first() {
            Some(Event::RequestRefused(_)) => cell.render(&events)[0].clone(),
            _ => standing(&cell),
        };
        if got != *expected {
            wrong.push_str(&format!("\n{script}\nshall be {expected}\nbut is   {got}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn work(cell: &mut Cell, mut failing: bool) {
    while let Some(task) = cell.state().flows.values().find_map(|flow| flow.task.clone()).map(|open| open.task) {
        let word = if failing { "fail:busy" } else { "ok" };
        failing = failing && task.phase == crate::task::Phase::Revert;
        let report = task_report(&task, transition(word, cell.now));
        let worker = crate::id::WorkerName::new("w1").unwrap();
        cell.send_report(&Report { v: TASK_VERSION, worker, body: ReportBody::Tasks(vec![report]) });
        cell.flush();
    }
}

fn standing(cell: &Cell) -> String {
    let mut words = Vec::new();
    for group in cell.state().groups.values() {
        let mut members: Vec<_> = cell.state().volumes_of_group(group.id).map(|member| member.status.name()).collect();
        members.sort_unstable();
        words.push(format!("{} {} [{}]", name_of(group.id.0), group.status.name(), members.join(" ")));
    }
    for group in cell.state().group_snapshots.values() {
        let mut members: Vec<_> =
            cell.state().snapshots_of_group(group.id).map(|member| member.status.name()).collect();
        members.sort_unstable();
        words.push(format!("{} {} [{}]", name_of(group.id.0), group.status.name(), members.join(" ")));
    }
    words.join(", ")
}

const G: &str = "g available [available available]";

#[test]
fn a_group_snapshot_is_as_far_as_its_members() {
    let taken = format!("{SNAPSHOT}; WORK");
    let delete = r#"do group_snapshot.delete {"id":"<s>"}"#;
    check_groups(&[
        ("", G),
        (SNAPSHOT, &format!("{G}, s creating [creating creating]")),
        (&format!("{SNAPSHOT}; report a ok"), &format!("{G}, s creating [available creating]")),
        (&taken, &format!("{G}, s available [available available]")),
        (&format!("{SNAPSHOT}; FAIL"), &format!("{G}, s error [available error]")),
        (&format!("{taken}; {delete}"), &format!("{G}, s deleting [deleting deleting]")),
        (&format!("{taken}; {delete}; report a ok"), &format!("{G}, s deleting [deleting]")),
        (&format!("{taken}; {delete}; WORK"), G),
        // One that is in use stays, and with it its group snapshot.
        (&format!("{taken}; {delete}; FAIL"), &format!("{G}, s error [available]")),
        (&format!("{taken}; {delete}; FAIL; {delete}; WORK"), G),
        (&format!("{SNAPSHOT}; FAIL; {delete}; WORK"), G),
    ]);
}

#[test]
fn a_group_is_made_like_another_or_like_a_group_snapshot() {
    check_groups(&[
        (COPY, &format!("{G}, h creating [creating creating]")),
        (&format!("{COPY}; WORK"), &format!("{G}, h available [available available]")),
        (
            &format!("{SNAPSHOT}; WORK; {COPY_SNAPSHOT}; WORK"),
            &format!("{G}, h available [available available], s available [available available]"),
        ),
        // No other pool can take the copy that failed.
        (&format!("{COPY}; FAIL"), &format!("{G}, h error [available error]")),
        // There is no room for any of them.
        (&format!("backend n1@lvm#vg total=30 free=0; {COPY}"), &format!("{G}, h error [error error]")),
    ]);
}

#[test]
fn members_keep_to_quotas_and_room_together() {
    check_groups(&[
        (
            "quota demo groups=1; do group.create {\"group_type\":\"kind\",\"volume_types\":[]}",
            "refused GroupLimitExceeded: GroupLimitExceeded: Maximum number of groups allowed (1) exceeded",
        ),
        (
            &format!("quota demo snapshots=1; {SNAPSHOT}"),
            "refused SnapshotLimitExceeded: SnapshotLimitExceeded: Maximum number of snapshots allowed (1) exceeded",
        ),
        (
            &format!("quota demo volumes=3; {COPY}"),
            "refused VolumeLimitExceeded: VolumeLimitExceeded: Maximum number of volumes allowed (3) exceeded for quota 'volumes'.",
        ),
        // Each has room, both have not: the first takes it.
        (&format!("backend n1@lvm#vg total=30 free=6; {SNAPSHOT}"), &format!("{G}, s creating [creating error]")),
        (&format!("backend n1@lvm#vg total=30 free=6; {SNAPSHOT}; WORK"), &format!("{G}, s error [available error]")),
    ]);
}

#[test]
fn a_group_goes_alone_or_with_its_volumes() {
    let delete = r#"do group.delete {"id":"<g>"}"#;
    let with_volumes = r#"do group.delete {"id":"<g>","delete_volumes":true}"#;
    let emptied = r#"do group.update {"id":"<g>","remove_volumes":["<a>","<b>"]}"#;
    let invalid = |text: &str| format!("refused InvalidGroup: Invalid Group: {text}");
    check_groups(&[
        (&format!("{emptied}; {delete}"), ""),
        (with_volumes, "g deleting [deleting deleting]"),
        (&format!("{with_volumes}; report a ok"), "g deleting [deleting]"),
        (&format!("{with_volumes}; WORK"), ""),
        (&format!("{with_volumes}; FAIL"), "g error [available]"),
        (&format!("{with_volumes}; FAIL; {with_volumes}; WORK"), ""),
        // In every status that somebody stated.
        (&format!(r#"do group.reset_status {{"id":"<g>","status":"creating"}}; {with_volumes}; WORK"#), ""),
        (&format!(r#"do volume.reset_status {{"id":"<a>","status":"maintenance"}}; {with_volumes}; WORK"#), ""),
        (delete, &invalid("Group <g> still contains volumes. The delete-volumes flag is required to delete it.")),
        (
            &format!(r#"do group.reset_status {{"id":"<g>","status":"updating"}}; {emptied}"#),
            &invalid("Group status must be available."),
        ),
        (
            &format!(r#"{emptied}; do group.reset_status {{"id":"<g>","status":"updating"}}; {delete}"#),
            &invalid("Group status must be available or error, but current status is: updating"),
        ),
        (&format!("{SNAPSHOT}; WORK; {with_volumes}"), &invalid("Group has existing snapshots.")),
        (
            &format!(r#"do snapshot.create {{"volume":"<a>"}}; {with_volumes}"#),
            &invalid("Volume in group still has dependent snapshots."),
        ),
        (
            &format!(r#"do volume.attach {{"id":"<a>","instance":"vm"}}; {with_volumes}"#),
            &invalid("Volume in group <g> is attached. Need to detach first."),
        ),
        (
            &format!("{COPY}; {with_volumes}"),
            &invalid(
                "Cannot delete group <g>. Group must not have attached volumes, volumes with snapshots, or dependent group snapshots, and it cannot be the source for an ongoing group or group snapshot creation.",
            ),
        ),
        (
            &format!("{with_volumes}; {with_volumes}"),
            &invalid("Group status must be available or error, but current status is: deleting"),
        ),
    ]);
}

/// However a member ends, its group does not wait for ever.
#[test]
fn a_group_does_not_wait_for_a_member_that_an_operator_took_away() {
    let volumes = r#"do group.delete {"id":"<g>","delete_volumes":true}"#;
    check_groups(&[
        (
            &format!(r#"{volumes}; do volume.reset_status {{"id":"<a>","status":"error"}}; report b ok"#),
            "g error [error]",
        ),
        (
            &format!(r#"{volumes}; report b ok; do volume.reset_status {{"id":"<a>","status":"error"}}"#),
            "g error [error]",
        ),
        (
            &format!(r#"{SNAPSHOT}; report a ok; do snapshot.set_status {{"id":"<s>","status":"error"}}"#),
            "refused SnapshotNotFound: Snapshot <s> could not be found.",
        ),
        (
            &format!(r#"{SNAPSHOT}; do group_snapshot.reset_status {{"id":"<s>","status":"available"}}; WORK"#),
            &format!("{G}, s available [available available]"),
        ),
        (&format!(r#"{volumes}; do group.reset_status {{"id":"<g>","status":"available"}}; WORK"#), "g available []"),
    ]);
}

#[test]
fn volumes_come_to_a_group_and_leave_it() {
    let refused = |code: &str, text: &str| format!("refused {code}: Invalid volume: {text}");
    let other = "create c 1; report c ok";
    let add = r#"do group.update {"id":"<g>","add_volumes":["<c>"]}"#;
    let remove = r#"do group.update {"id":"<g>","remove_volumes":["<a>"]}"#;
    check_groups(&[
        (&format!("{other}; {add}"), "g available [available available available]"),
        (remove, "g available [available]"),
        (&format!(r#"{remove}; do group.update {{"id":"<g>","add_volumes":["<a>"]}}"#), G),
        (r#"do group.update {"id":"<g>","name":"new"}"#, G),
        (
            r#"do group.update {"id":"<g>","name":"web"}"#,
            "refused InvalidGroup: Invalid Group: Cannot update group <g> because no valid name, description, add_volumes, or remove_volumes were provided.",
        ),
        (
            r#"do group.update {"id":"<g>","add_volumes":["<a>"]}"#,
            "refused InvalidGroup: Invalid Group: Cannot update group <g> because no valid name, description, add_volumes, or remove_volumes were provided.",
        ),
        (
            r#"do group.update {"id":"<g>","add_volumes":["<a>"],"remove_volumes":["<a>"]}"#,
            &refused("InvalidInput", "UUIDs ['<a>'] are in both add and remove volume list."),
        ),
        (add, &refused("InvalidInput", "Cannot add volume <c> to group <g> because volume cannot be found.")),
        (
            &format!("create c 1; {add}"),
            &refused(
                "InvalidVolumeStatus",
                "Cannot add volume <c> to group <g> because volume is in an invalid state: creating. Valid states are: ('available', 'in-use').",
            ),
        ),
        (
            &format!(r#"type create gold; create c 1 type=gold; report c ok; {add}"#)
                .replace("type create gold", r#"do type.create {"id":"<y>","name":"gold"}"#),
            &refused(
                "InvalidInput",
                "Cannot add volume <c> to group <g> because volume type <y> is not supported by the group.",
            ),
        ),
        (
            &format!(r#"create c 1 project=other; report c ok; {}"#, add.replace("do ", "do@admin ")),
            &refused("InvalidInput", "Cannot add volume <c> to group <g> as they belong to different projects."),
        ),
        (
            &format!("{other}; {}", remove.replace("<a>", "<c>")),
            &refused("InvalidInput", "Cannot remove volume <c> from group <g> because it is not in the group."),
        ),
        (
            &format!("extend a 6; {remove}"),
            &refused(
                "InvalidVolumeStatus",
                "Cannot remove volume <a> from group <g> because volume is in an invalid state: extending. Valid states are: ('available', 'in-use', 'error', 'error_deleting').",
            ),
        ),
    ]);
}

#[test]
fn each_guard_of_groups_has_its_refusal() {
    let missing = "refused GroupNotFound: Group <g> could not be found.";
    check_groups(&[
        (
            r#"do group.create {"id":"<g>","group_type":"kind","volume_types":[]}"#,
            "refused GroupExists: a group <g> exists already",
        ),
        (
            r#"do group.create {"group_type":"none","volume_types":[]}"#,
            "refused GroupTypeNotFound: Group type with name none could not be found.",
        ),
        (
            r#"do group.create {"group_type":"<z>","volume_types":[]}"#,
            "refused GroupTypeNotFound: Group type <z> could not be found.",
        ),
        (
            r#"do group.create {"group_type":"<t>","volume_types":["none"]}"#,
            "refused VolumeTypeNotFound: Volume type with name none could not be found.",
        ),
        (
            r#"do group.create {"group_type":"kind","availability_zone":"mars"}"#,
            "refused InvalidAvailabilityZone: Availability zone 'mars' is invalid.",
        ),
        (r#"do group.create {"volume_types":[]}"#, "refused MalformedBody: missing field `group_type`"),
        (r#"do@other group.delete {"id":"<g>"}"#, missing),
        (r#"do@other group.update {"id":"<g>","name":"n"}"#, missing),
        (r#"do@other group_snapshot.create {"group":"<g>"}"#, missing),
        (r#"do@other group.create {"source_group":"<g>"}"#, missing),
        (
            r#"do group.create {"source_group_snapshot":"<s>"}"#,
            "refused GroupSnapshotNotFound: GroupSnapshot <s> could not be found.",
        ),
        (
            r#"do group_snapshot.delete {"id":"<s>"}"#,
            "refused GroupSnapshotNotFound: GroupSnapshot <s> could not be found.",
        ),
        (
            r#"do group.create {"id":"<e>","group_type":"kind"}; do group.create {"source_group":"<e>"}"#,
            "refused InvalidGroup: Invalid Group: Source Group is empty. No group will be created.",
        ),
        (
            &format!("{SNAPSHOT}; {COPY_SNAPSHOT}"),
            "refused InvalidGroup: Invalid Group: Cannot create group <h> because group snapshot <s> is not in a valid state. Valid states are: ['available'].",
        ),
        (
            &format!("extend a 6; {COPY}"),
            "refused InvalidGroup: Invalid Group: Cannot create group <h> because source volume <a> is not in a valid state. Valid states are: ('available', 'in-use').",
        ),
        (
            &format!(r#"{SNAPSHOT}; do group_snapshot.delete {{"id":"<s>"}}"#),
            "refused InvalidGroupSnapshot: Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no Group can be currently using it as source for its creation.",
        ),
        (
            &format!(r#"{SNAPSHOT}; WORK; {COPY_SNAPSHOT}; do group_snapshot.delete {{"id":"<s>"}}"#),
            "refused InvalidGroupSnapshot: Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no Group can be currently using it as source for its creation.",
        ),
        (
            r#"do group.reset_status {"id":"<g>","status":"bogus"}"#,
            "refused InvalidStatus: Invalid Group Status: bogus is not a status of a group",
        ),
        (
            &format!(r#"{SNAPSHOT}; do group_snapshot.reset_status {{"id":"<s>","status":"in-use"}}"#),
            "refused InvalidStatus: Invalid GroupSnapshot Status: in-use is not a status of a groupsnapshot",
        ),
        (
            "delete a",
            "refused InvalidVolumeStatus: Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
        ),
    ]);
}

/// An empty group needs nobody's work.
#[test]
fn an_empty_group_is_whole_at_once() {
    let empty = r#"do group.create {"id":"<e>","group_type":"kind"}"#;
    let snapshot = r#"do group_snapshot.create {"id":"<s>","group":"<e>"}"#;
    check_groups(&[
        (empty, &format!("e available [], {G}")),
        (&format!("{empty}; {snapshot}"), &format!("e available [], {G}, s available []")),
        (
            &format!(r#"{empty}; {snapshot}; do group_snapshot.delete {{"id":"<s>"}}; do group.delete {{"id":"<e>"}}"#),
            G,
        ),
        (
            &format!(r#"{empty}; {snapshot}; do group.create {{"source_group_snapshot":"<s>"}}"#),
            "refused InvalidGroup: Invalid Group: Group snapshot is empty. No group will be created.",
        ),
    ]);
}
