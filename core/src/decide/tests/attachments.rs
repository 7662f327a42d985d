//! Attachments: what each call makes of the volume and of its attachments.

use super::*;
use crate::event::Event;
use crate::scenario::render::name_of;
use crate::task::Operation;

/// Volume a of 5 GiB on its pool, and m, which may have several attachments.
pub(super) const VOLUMES: &str = r#"
    backend n1@lvm#vg total=30 free=30
    create a 5; report a ok
    do type.create {"id":"<many>","name":"many","extra_specs":{"multiattach":"\u003cis> True"}}
    backend n1@lvm#vg total=30 free=30 multiattach=true
    create m 5 type=many; report m ok"#;

/// Runs each script; gives the refusal of its last line, or the statuses that it leads to: `+` is a connection, `?` one
/// that is not shown.
pub(super) fn check_standing(rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (script, expected) in rows {
        let mut cell = Cell::new();
        cell.run(VOLUMES);
        let events = cell.run(&long(script));
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

/// H1, H2: two hosts.
fn long(script: &str) -> String {
    let host = |name: &str| format!(r#""connector":{{"host":"{name}","initiator":"iqn.{name}"}}"#);
    script.replace("H1", &host("h1")).replace("H2", &host("h2"))
}

fn standing(cell: &Cell) -> String {
    let mut words = Vec::new();
    for volume in ["a", "m"] {
        let status = cell.status(volume);
        if status != "available" || volume == "a" {
            words.push(format!("{volume} {status}"));
        }
    }
    for attachment in cell.state().attachments.values() {
        let connected = if attachment.connection.is_some() { "+" } else { "" };
        let hidden = if attachment.is_hidden() { "?" } else { "" };
        let instance = attachment.instance.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
        words.push(format!("{} {}{connected}{hidden}{instance}", name_of(attachment.id.0), attachment.status.name()));
    }
    words.join(", ")
}

const ATTACHED: &str = r#"do@admin attachment.create {"id":"<t>","volume":"<a>","instance":"vm",H1}; report t ok
    do@admin attachment.complete {"id":"<t>"}"#;

#[test]
fn an_attachment_is_kept_connected_used_and_ended() {
    let create = r#"do attachment.create {"id":"<t>","volume":"<a>","instance":"vm""#;
    let reserved = format!("{create}}}");
    let connecting = format!(r#"{reserved}; do attachment.update {{"id":"<t>",H1}}"#);
    let attaching = format!("{connecting}; report t ok");
    let complete = r#"do attachment.complete {"id":"<t>"}"#;
    let delete = r#"do attachment.delete {"id":"<t>"}"#;
    check_standing(&[
        (&reserved, "a reserved, t reserved of vm"),
        (&connecting, "a attaching, t attaching of vm"),
        (&attaching, "a attaching, t attaching+ of vm"),
        (&format!("{create},H1}}"), "a attaching, t attaching of vm"),
        (&format!("{attaching}; {complete}"), "a in-use, t attached+ of vm"),
        // As in Cinder the client's word is enough.
        (&format!("{reserved}; {complete}"), "a in-use, t attached of vm"),
        (&format!("{reserved}; {complete}; {complete}"), "a in-use, t attached of vm"),
        (&format!("{reserved}; {complete}; {delete}"), "a available"),
        (&format!("{reserved}; {delete}"), "a available"),
        (&format!("{attaching}; {complete}; {delete}"), "a detaching, t detaching+ of vm"),
        (&format!("{attaching}; {complete}; {delete}; {delete}"), "a detaching, t detaching+ of vm"),
        (&format!("{attaching}; {complete}; {delete}; report t ok"), "a available"),
        (&format!("{attaching}; {delete}; report t ok"), "a available"),
        // The same host again: the same once more, and a host that uses the volume goes on doing so.
        (&format!(r#"{connecting}; do attachment.update {{"id":"<t>",H1}}"#), "a attaching, t attaching of vm"),
        (
            &format!(r#"{attaching}; do attachment.update {{"id":"<t>",H1}}; report t ok"#),
            "a attaching, t attaching+ of vm",
        ),
        (
            &format!(r#"{attaching}; {complete}; do attachment.update {{"id":"<t>",H1}}"#),
            "a in-use, t attaching+ of vm",
        ),
        (
            &format!(r#"{attaching}; {complete}; do attachment.update {{"id":"<t>",H1}}; report t ok"#),
            "a in-use, t attached+ of vm",
        ),
        (
            &format!(r#"{attaching}; {complete}; do attachment.update {{"id":"<t>",H1}}; report t fail:not_found"#),
            "a in-use, t attached+ of vm",
        ),
    ]);
}

#[test]
fn an_attached_volume_is_extended_under_its_server() {
    check_standing(&[
        (&format!("{ATTACHED}; extend a 6"), "a extending, t attached+ of vm"),
        (&format!("{ATTACHED}; extend a 6; report a ok"), "a in-use, t attached+ of vm"),
        (&format!("{ATTACHED}; extend a 6; report a fail:no_space"), "a error_extending, t attached+ of vm"),
        (&format!(r#"{ATTACHED}; extend a 6; do@admin attachment.delete {{"id":"<t>"}}; report t ok"#), "a extending"),
        (
            &format!(r#"{ATTACHED}; extend a 6; do@admin attachment.delete {{"id":"<t>"}}; report t ok; report a ok"#),
            "a available",
        ),
    ]);
}

#[test]
fn what_cannot_be_connected_or_disconnected_says_so_and_can_be_tried_again() {
    let connecting = r#"do attachment.create {"id":"<t>","volume":"<a>",H1}"#;
    let thrice = "report t fail:other; wait 2; late; report t fail:other; wait 4; late; report t fail:other";
    let delete = r#"do attachment.delete {"id":"<t>"}"#;
    let detaching = format!("{connecting}; report t ok; {delete}");
    check_standing(&[
        (&format!("{connecting}; report t fail:other"), "a attaching, t attaching"),
        (&format!("{connecting}; {thrice}"), "a available, t error_attaching"),
        (&format!("{connecting}; report t fail:unsupported"), "a available, t error_attaching"),
        // What a failed attempt left is taken away with it.
        (&format!("{connecting}; {thrice}; {delete}"), "a detaching, t detaching"),
        (&format!("{connecting}; {thrice}; {delete}; report t ok"), "a available"),
        (
            &format!(r#"{connecting}; {thrice}; do attachment.update {{"id":"<t>",H1}}; report t ok"#),
            "a attaching, t attaching+",
        ),
        // A volume that a host may still reach is never available.
        (&format!("{detaching}; {thrice}"), "a detaching, t error_detaching+"),
        (&format!("{detaching}; {thrice}; {delete}; report t ok"), "a available"),
    ]);
    let failed = long(&format!("{VOLUMES}; {connecting}"));
    check(
        &failed,
        &[(
            "report t fail:other; wait 2; late; report t fail:other; wait 4; late",
            "report t fail:other",
            r#"task_running w1 #3 +120s
               task_failed w1 #3: other at lvtool: it broke (exit status 5)
               attachment_connect_failed {"attachment":"<t>","reason":"connect failed: other at lvtool: it broke (exit status 5)"}
               flow_finished: connect failed: other at lvtool: it broke (exit status 5)
               message_created VOLUME_VOLUME_002_021 <a>"#,
        )],
    );
}

/// The connect and the disconnect of one attachment never run beside each other.
#[test]
fn what_is_ended_while_it_is_connected_is_disconnected_by_the_same_flow() {
    let connecting = long(&format!(r#"{VOLUMES}; do attachment.create {{"id":"<t>","volume":"<a>",H1}}"#));
    let goes_on = "task_pending disconnect_volume t n1@lvm#vg execute #1 +120s";
    check(
        &connecting,
        &[
            ("", r#"do attachment.delete {"id":"<t>"}"#, r#"attachment_disconnecting {"attachment":"<t>"}"#),
            (
                r#"do attachment.delete {"id":"<t>"}"#,
                "report t ok",
                &format!("task_running w1 #1 +120s\ntask_succeeded w1 #1\n{goes_on}"),
            ),
            (
                r#"do attachment.delete {"id":"<t>"}"#,
                "report t fail:other",
                &format!(
                    "task_running w1 #1 +120s\ntask_failed w1 #1: other at lvtool: it broke (exit status 5)\n{goes_on}"
                ),
            ),
            (
                r#"do attachment.delete {"id":"<t>"}; report t ok"#,
                "report t ok",
                "task_running w1 #1 +120s\ntask_succeeded w1 #1\nattachment_deleted {\"attachment\":\"<t>\"}\nflow_finished",
            ),
            (
                r#"do attachment.delete {"id":"<t>"}; report t ok; report t ok"#,
                r#"do attachment.create {"id":"<t>","volume":"<a>"}"#,
                r#"attachment_created {"attachment":{"id":"<t>","project":"demo","status":"reserved","volume":"<a>"}}"#,
            ),
        ],
    );
}

/// A worker that was given up exports for nobody: that is taken away.
#[test]
fn a_late_export_is_taken_away_again() {
    let given_up = r#"do attachment.create {"id":"<t>","volume":"<a>",H1}; report t fail:unsupported
        do attachment.delete {"id":"<t>"}; report t ok"#;
    check(
        &long(&format!("{VOLUMES}; {given_up}")),
        &[
            (
                "",
                "report t ok task=1",
                "flow_started attachment_disconnect a/t demo
                 task_pending disconnect_volume t n1@lvm#vg execute #1 +120s",
            ),
            ("report t ok task=1", "report t ok task=1", ""),
            (
                "report t ok task=1",
                "report t ok task=3",
                "task_running w1 #1 +120s\ntask_succeeded w1 #1\nflow_finished",
            ),
            (
                "report t ok task=1",
                r#"do attachment.create {"id":"<t>","volume":"<a>"}"#,
                "refused AttachmentExists: an attachment <t> exists already or is still being removed",
            ),
            ("", "report t fail:other task=1", ""),
        ],
    );
}

#[test]
fn one_host_at_a_time_unless_the_volume_may_have_several_or_its_server_moves() {
    let second = r#"do@admin attachment.create {"id":"<u>","volume":"<a>","instance":"vm""#;
    let many =
        r#"do attachment.create {"id":"<t>","volume":"<m>",H1}; report t ok; do attachment.complete {"id":"<t>"}"#;
    check_standing(&[
        (
            &format!(r#"{ATTACHED}; do attachment.create {{"id":"<u>","volume":"<a>","instance":"other"}}"#),
            "refused InvalidVolumeStatus: Invalid volume: Volume <a> status must be available or downloading to reserve, but the current status is in-use.",
        ),
        (
            &format!(r#"{ATTACHED}; do attachment.create {{"id":"<u>","volume":"<a>"}}"#),
            "refused InvalidVolumeStatus: Invalid volume: Volume <a> status must be available or downloading to reserve, but the current status is in-use.",
        ),
        // The server moves: both of its hosts are connected for a while.
        (&format!("{ATTACHED}; {second}}}"), "a in-use, t attached+ of vm, u reserved of vm"),
        (&format!("{ATTACHED}; {second},H2}}; report u ok"), "a in-use, t attached+ of vm, u attaching+ of vm"),
        (
            &format!(
                r#"{ATTACHED}; {second},H2}}; report u ok; do@admin attachment.complete {{"id":"<u>"}}; do@admin attachment.delete {{"id":"<t>"}}; report t ok"#
            ),
            "a in-use, u attached+ of vm",
        ),
        (
            &format!(r#"{ATTACHED}; {second}}}; do@admin attachment.update {{"id":"<u>",H2}}"#),
            "refused AttachedElsewhere: Resource conflict: duplicate connectors detected on volume <a>",
        ),
        (
            &format!(r#"{ATTACHED}; do@admin attachment.update {{"id":"<t>",H2}}"#),
            "refused AttachedElsewhere: Resource conflict: duplicate connectors detected on volume <a>",
        ),
        (
            &format!(r#"{many}; do attachment.create {{"id":"<u>","volume":"<m>"}}"#),
            "a available, m in-use, t attached+, u reserved",
        ),
        (
            &format!(r#"{many}; do attachment.create {{"id":"<u>","volume":"<m>",H2}}; report u ok"#),
            "a available, m in-use, t attached+, u attaching+",
        ),
        (
            &format!(
                r#"{many}; do attachment.create {{"id":"<u>","volume":"<m>",H2}}; report u ok; do attachment.delete {{"id":"<t>"}}; report t ok"#
            ),
            "a available, m attaching, u attaching+",
        ),
        (
            r#"do attachment.create {"id":"<t>","volume":"<m>"}; do attachment.create {"id":"<u>","volume":"<m>"}"#,
            "refused InvalidVolumeStatus: Invalid volume: Volume <m> status must be available or in-use or downloading to reserve, but the current status is reserved.",
        ),
    ]);
}

#[test]
fn a_servers_attachment_is_ended_by_its_service_only() {
    let told = "refused ServiceTokenNeeded: Detach volume from instance vm using the Compute API";
    let gone = "a detaching, t detaching+ of vm";
    check_standing(&[
        (&format!(r#"{ATTACHED}; do attachment.delete {{"id":"<t>"}}"#), told),
        (&format!(r#"{ATTACHED}; do volume.detach {{"id":"<a>"}}"#), told),
        (&format!(r#"{ATTACHED}; do volume.detach {{"id":"<a>","attachment":"<t>"}}"#), told),
        (&format!(r#"{ATTACHED}; do volume.terminate_connection {{"id":"<a>",H1}}"#), told),
        (&format!(r#"{ATTACHED}; do@admin attachment.delete {{"id":"<t>"}}"#), gone),
        (&format!(r#"{ATTACHED}; do@admin volume.detach {{"id":"<a>"}}"#), gone),
        (&format!(r#"{ATTACHED}; do volume.force_detach {{"id":"<a>"}}"#), gone),
        // While nothing is exported nothing can leak.
        (
            r#"do@admin attachment.create {"id":"<t>","volume":"<a>","instance":"vm"}; do attachment.delete {"id":"<t>"}"#,
            "a available",
        ),
        // A user's own attachment is the user's, also with a server's name.
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>","instance":"vm",H1}; report t ok; do attachment.delete {"id":"<t>"}"#,
            gone,
        ),
    ]);
}

#[test]
fn each_guard_of_attachments_has_its_refusal() {
    let not_found =
        "refused AttachmentNotFound: Volume attachment could not be found with filter: attachment_id = <t>.";
    let error = r#"do volume.reset_status {"id":"<a>","status":"error"}"#;
    let deleting = format!(r#"{ATTACHED}; do@admin attachment.delete {{"id":"<t>"}}"#);
    check_standing(&[
        (r#"do attachment.create {"volume":"<z>"}"#, "refused VolumeNotFound: Volume <z> could not be found."),
        (r#"do@other attachment.create {"volume":"<a>"}"#, "refused VolumeNotFound: Volume <a> could not be found."),
        (r#"do attachment.delete {"id":"<t>"}"#, not_found),
        (r#"do attachment.create {"id":"<t>","volume":"<a>"}; do@other attachment.delete {"id":"<t>"}"#, not_found),
        (r#"do attachment.create {"id":"<t>","volume":"<a>"}; do@other attachment.update {"id":"<t>",H1}"#, not_found),
        (r#"do attachment.create {"id":"<t>","volume":"<a>"}; do@other attachment.complete {"id":"<t>"}"#, not_found),
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>"}; do attachment.create {"id":"<t>","volume":"<m>"}"#,
            "refused AttachmentExists: an attachment <t> exists already or is still being removed",
        ),
        (
            &format!(r#"{error}; do attachment.create {{"volume":"<a>"}}"#),
            "refused InvalidVolumeStatus: Invalid volume: Volume attachments can not be created if the volume is in an error state. The Volume <a> currently has a status of: error ",
        ),
        (
            &format!(
                r#"do attachment.create {{"id":"<t>","volume":"<a>"}}; {error}; do attachment.update {{"id":"<t>",H1}}"#
            ),
            "refused InvalidAttachment: Resource conflict: Volume attachments can not be updated if the volume is in an error state. The Volume <a> currently has a status of: error ",
        ),
        (
            &format!(r#"{deleting}; do@admin attachment.update {{"id":"<t>",H1}}"#),
            "refused InvalidAttachment: Invalid attachment: Attachment <t> cannot be updated while its status is detaching.",
        ),
        (
            &format!(r#"{deleting}; do@admin attachment.complete {{"id":"<t>"}}"#),
            "refused InvalidAttachment: Invalid attachment: Attachment <t> cannot be completed while its status is detaching.",
        ),
    ]);
}

/// A read-only volume is exported read-only, whatever was asked for.
#[test]
fn the_mode_is_the_volumes_else_the_attachments_else_the_hosts() {
    let read_only = r#"do volume.update {"id":"<a>","readonly":true}"#;
    let create = r#"do attachment.create {"id":"<t>","volume":"<a>""#;
    let rows = [
        (format!("{create},H1}}"), "Rw"),
        (format!(r#"{create},"mode":"ro",H1}}"#), "Ro"),
        (format!(r#"{create},"mode":"ro"}}; do attachment.update {{"id":"<t>","mode":"rw",H1}}"#), "Ro"),
        (format!(r#"{create}}}; do attachment.update {{"id":"<t>","mode":"ro",H1}}"#), "Ro"),
        (format!(r#"{read_only}; {create},"mode":"rw",H1}}"#), "Ro"),
    ];
    for (script, mode) in rows {
        let mut cell = Cell::new();
        cell.run(VOLUMES);
        cell.run(&long(&script));
        let crate::task::Operation::ConnectVolume { mode: asked, .. } = cell.task("t", None).operation else {
            panic!("{script} connects nothing")
        };
        let kept = cell.state().attachments.values().next().and_then(|attachment| attachment.mode);
        assert_eq!((format!("{asked:?}").as_str(), kept), (mode, Some(asked)), "{script}");
    }
}

/// What somebody asks for and needs no change is answered, and stands in the log, like all else.
#[test]
fn a_command_that_changes_nothing_is_accepted_and_recorded() {
    let mut cell = Cell::new();
    cell.run(VOLUMES);
    for line in [r#"do volume.unreserve {"id":"<a>"}"#, r#"do volume.roll_detaching {"id":"<a>"}"#] {
        let before = cell.log.len();
        assert_eq!(cell.run(line), []);
        assert_eq!(cell.log.len(), before + 1);
        let Some(crate::writer::Answer::Outcome(_, outcome)) = cell.answers.last() else { panic!("{line}: no answer") };
        assert!(matches!(outcome.result, crate::record::OutcomeResult::Accepted(_)), "{outcome:?}");
    }
}

/// What the open tasks say about logins: whose secrets, and whether the host goes on.
fn logins(cell: &Cell) -> Vec<String> {
    let open = cell.state().flows.values().filter_map(|flow| flow.task.as_ref());
    let shown = open.filter_map(|open| match &open.task.operation {
        Operation::ConnectVolume { attachment, chap_of, .. } => {
            let owner = chap_of.map(|owner| format!(" with the login of {}", name_of(owner.0))).unwrap_or_default();
            Some(format!("{} connects{owner}", name_of(attachment.0)))
        }
        Operation::DisconnectVolume { attachment, chap_of, shared, .. } => {
            let owner = chap_of.map(|owner| format!(" with the login of {}", name_of(owner.0))).unwrap_or_default();
            let stays = if *shared { ", its host stays" } else { "" };
            Some(format!("{} disconnects{owner}{stays}", name_of(attachment.0)))
        }
        _ => None,
    });
    shown.collect()
}

#[test]
fn a_host_has_one_login_for_all_its_attachments_of_a_volume() {
    let create = |id: &str, host: &str| format!(r#"do attachment.create {{"id":"<{id}>","volume":"<m>",{host}}}"#);
    let delete = |id: &str| format!(r#"do attachment.delete {{"id":"<{id}>"}}"#);
    let used = |id: &str| format!(r#"report {id} ok; do attachment.complete {{"id":"<{id}>"}}"#);
    let first = format!("{}; {}", create("t", "H1"), used("t"));
    let both = format!("{first}; {}", create("u", "H1"));
    let first_left = format!("{both}; {}; {}; report t ok", used("u"), delete("t"));
    for (script, expected) in [
        (create("t", "H1"), "t connects"),
        (both.clone(), "u connects with the login of t"),
        // Another host has its own.
        (format!("{first}; {}", create("u", "H2")), "u connects"),
        (format!("{both}; {}; {}", used("u"), delete("t")), "t disconnects, its host stays"),
        // The login stays what it is when the one whose it was is gone, also when it is made again.
        (format!("{first_left}; {}", delete("u")), "u disconnects with the login of t"),
        (format!(r#"{first_left}; do attachment.update {{"id":"<u>",H1}}"#), "u connects with the login of t"),
        (format!("{first_left}; {}", create("v", "H1")), "v connects with the login of t"),
        // Both at once: whoever is told last takes it away.
        (
            format!("{both}; {}; {}; {}", used("u"), delete("t"), delete("u")),
            "t disconnects, its host stays | u disconnects with the login of t",
        ),
    ] {
        let mut cell = Cell::new();
        cell.run(VOLUMES);
        cell.run(&long(&script));
        let mut found = logins(&cell);
        found.sort();
        assert_eq!(found.join(" | "), expected, "{script}");
    }
}
