//! The older calls, on the volume itself.

use super::attachments::check_standing;

const RESERVE: &str = r#"do volume.reserve {"id":"<a>"}"#;
const UNRESERVE: &str = r#"do volume.unreserve {"id":"<a>"}"#;
const INITIALIZE: &str = r#"do volume.initialize_connection {"id":"<a>",H1}; report a ok"#;
const ATTACH: &str = r#"do volume.attach {"id":"<a>","instance":"vm","mountpoint":"/dev/vdb"}"#;
const BEGIN: &str = r#"do volume.begin_detaching {"id":"<a>"}"#;
const ROLL: &str = r#"do volume.roll_detaching {"id":"<a>"}"#;
const TERMINATE: &str = r#"do volume.terminate_connection {"id":"<a>",H1}"#;
const DETACH: &str = r#"do volume.detach {"id":"<a>"}"#;

/// The attachments that these calls make have ids of their own, which show as `?`.
#[test]
fn a_volume_is_reserved_connected_attached_and_detached() {
    let connected = format!("{RESERVE}; {INITIALIZE}");
    let attached = format!("{connected}; {ATTACH}");
    let detaching = format!("{attached}; {BEGIN}");
    let terminated = format!("{detaching}; {TERMINATE}; report a ok");
    check_standing(&[
        (RESERVE, "a attaching"),
        (&format!("{RESERVE}; {UNRESERVE}"), "a available"),
        (&connected, "a attaching, ? attaching+?"),
        (&attached, "a in-use, ? attached+ of vm"),
        (&detaching, "a detaching, ? attached+ of vm"),
        (&format!("{detaching}; {ROLL}"), "a in-use, ? attached+ of vm"),
        (&format!("{detaching}; {TERMINATE}"), "a detaching, ? detaching+ of vm"),
        (&terminated, "a detaching, ? attached of vm"),
        (&format!("{terminated}; {DETACH}"), "a available"),
        // Without the client's word on the connection.
        (&format!("{detaching}; {DETACH}"), "a detaching, ? detaching+ of vm"),
        (&format!("{detaching}; {DETACH}; report a ok"), "a available"),
        // The detach does not wait for the end of the connection, and what ends it ends both.
        (&format!("{detaching}; {TERMINATE}; {DETACH}; report a ok"), "a available"),
    ]);
}

#[test]
fn a_connection_that_nobody_attached_ends_and_lets_the_volume_go() {
    let connected = format!("{RESERVE}; {INITIALIZE}");
    let failed = format!(r#"{RESERVE}; do volume.initialize_connection {{"id":"<a>",H1}}; report a fail:unsupported"#);
    check_standing(&[
        (&format!("{connected}; {TERMINATE}"), "a attaching, ? detaching+?"),
        (&format!("{connected}; {TERMINATE}; report a ok"), "a available"),
        (&format!("{connected}; {UNRESERVE}"), "a available, ? detaching+?"),
        (&format!("{connected}; {UNRESERVE}; report a ok"), "a available"),
        (&format!("{connected}; {DETACH}; report a ok"), "a available"),
        (&format!("{RESERVE}; {TERMINATE}"), "a available"),
        (&format!("{RESERVE}; {DETACH}"), "a available"),
        // Another host's connection is none of its.
        (&format!(r#"{connected}; do volume.terminate_connection {{"id":"<a>",H2}}"#), "a available, ? attaching+?"),
        // Without a connector every connection ends.
        (&format!(r#"{connected}; do volume.terminate_connection {{"id":"<a>"}}; report a ok"#), "a available"),
        (&failed, "a attaching, ? error_attaching?"),
        (&format!("{failed}; {INITIALIZE}"), "a attaching, ? attaching+?"),
        (&format!("{failed}; {TERMINATE}; report a ok"), "a available"),
        // Without a reservation the volume's status is as it was, as in Cinder.
        (INITIALIZE, "a available, ? attaching+?"),
        (&format!("{INITIALIZE}; {INITIALIZE}"), "a available, ? attaching+?"),
        (&format!("{INITIALIZE}; {TERMINATE}; report a ok"), "a available"),
    ]);
}

#[test]
fn an_attach_finds_the_connection_that_it_is_about() {
    let on_m = |line: &str| line.replace("<a>", "<m>").replace("report a", "report m");
    let two = on_m(&format!("{INITIALIZE}; {}", INITIALIZE.replace("H1", "H2")));
    check_standing(&[
        (ATTACH, "a in-use, ? attached of vm"),
        (&format!("{RESERVE}; {ATTACH}"), "a in-use, ? attached of vm"),
        (&format!("{RESERVE}; {ATTACH}; {ATTACH}"), "a in-use, ? attached of vm"),
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>","instance":"vm",H1}; report t ok; do volume.attach {"id":"<a>","instance":"vm"}"#,
            "a in-use, t attached+ of vm",
        ),
        (
            &format!(
                r#"{two}; do volume.attach {{"id":"<m>","host":"h2"}}; do volume.detach {{"id":"<m>"}}; report m ok"#
            ),
            "a available, ? attaching+?",
        ),
        (
            &format!("{RESERVE}; {INITIALIZE}; {RESERVE}"),
            "refused InvalidVolumeStatus: Invalid volume: Volume status must be available to reserve, but the status is attaching.",
        ),
        (&on_m(&format!("{ATTACH}; {RESERVE}")), "a available, m attaching, ? attached of vm"),
        (&on_m(&format!("{ATTACH}; {RESERVE}; {UNRESERVE}")), "a available, m in-use, ? attached of vm"),
    ]);
}

#[test]
fn each_guard_of_the_older_calls_has_its_refusal() {
    let maintenance = r#"do volume.reset_status {"id":"<a>","status":"maintenance"}"#;
    let invalid = |text: &str| format!("refused InvalidVolumeStatus: Invalid volume: {text}");
    let attached = format!("{RESERVE}; {INITIALIZE}; {ATTACH}");
    let on_m = ATTACH.replace("<a>", "<m>");
    let two_on_m = format!("{on_m}; {}", on_m.replace("vm", "wm"));
    check_standing(&[
        (
            &format!("{maintenance}; {INITIALIZE}").replace("; report a ok", ""),
            &invalid("The volume connection cannot be initialized in maintenance mode."),
        ),
        (&format!("{maintenance}; {ATTACH}"), &invalid("The volume cannot be attached in maintenance mode.")),
        (&format!("{maintenance}; {DETACH}"), &invalid("The volume cannot be detached in maintenance mode.")),
        (
            BEGIN,
            &invalid(
                "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
            ),
        ),
        (
            &format!("{attached}; {}", ATTACH.replace("vm", "wm")),
            &invalid("volume is already attached and multiple attachments are not enabled"),
        ),
        (
            &format!(r#"{attached}; do volume.initialize_connection {{"id":"<a>",H2}}"#),
            "refused AttachedElsewhere: Resource conflict: duplicate connectors detected on volume <a>",
        ),
        (
            &format!(r#"{two_on_m}; do volume.detach {{"id":"<m>"}}"#),
            &invalid("Detach volume failed: More than one attachment, but no attachment_id provided."),
        ),
        (
            r#"do attachment.create {"id":"<t>","volume":"<m>"}; do volume.detach {"id":"<a>","attachment":"<t>"}"#,
            "refused InvalidInput: Invalid input received: Mismatched volume and attachment",
        ),
        (
            &format!(r#"do volume.update {{"id":"<a>","readonly":true}}; {ATTACH}"#),
            "refused InvalidInput: Invalid attaching mode 'rw' for volume <a>.",
        ),
        (
            r#"do volume.update {"id":"<a>","readonly":true}; do volume.attach {"id":"<a>","instance":"vm","mode":"ro"}"#,
            "a in-use, ? attached of vm",
        ),
        (
            &format!("{RESERVE}; {INITIALIZE}; delete a"),
            &invalid(
                "Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
            ),
        ),
        // A hidden connection is in the way as well.
        (
            &format!("{INITIALIZE}; delete a"),
            &invalid(
                "Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.",
            ),
        ),
        // Somebody else's volume.
        (&RESERVE.replace("do ", "do@other "), "refused VolumeNotFound: Volume <a> could not be found."),
        (&DETACH.replace("do ", "do@other "), "refused VolumeNotFound: Volume <a> could not be found."),
    ]);
}

/// An operator can end what a client left behind.
#[test]
fn an_operator_ends_attachments_by_force() {
    let attached = format!("{RESERVE}; {INITIALIZE}; {ATTACH}");
    check_standing(&[
        (&format!(r#"{attached}; do volume.force_detach {{"id":"<a>"}}; report a ok"#), "a available"),
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>","instance":"vm",H1}; report t ok; do volume.force_detach {"id":"<a>","attachment":"<t>"}; report t ok"#,
            "a available",
        ),
        (
            &format!(r#"{attached}; do volume.reset_status {{"id":"<a>","status":"available"}}"#),
            "refused InvalidStatus: Cannot reset-state to available because volume <a> is attached.",
        ),
        (
            &format!(
                r#"{attached}; do volume.reset_status {{"id":"<a>","status":"available","attach_status":"detached"}}; report a ok"#
            ),
            "a available",
        ),
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>","instance":"vm",H1}; do volume.reset_status {"id":"<a>","status":"error","attach_status":"detached"}; report t ok; report t ok"#,
            "a error",
        ),
        // Reserved ones and those in error go with their volume.
        (
            r#"do attachment.create {"id":"<t>","volume":"<a>"}; do volume.reset_status {"id":"<a>","status":"error"}; delete a; report a ok"#,
            "a gone",
        ),
    ]);
}
