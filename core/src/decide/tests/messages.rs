use super::*;
use crate::event::Event;
use crate::state::{MESSAGE_TTL_MS, MESSAGES_MAX, Message, State};

/// The message that a script leaves: event id, what it is about and text.
fn left(script: &str) -> Vec<String> {
    let mut cell = Cell::new();
    cell.run(BACKENDS);
    cell.run(script);
    let messages = cell.state().messages.values();
    let mut shown: Vec<String> = messages
        .map(|message| {
            let about = crate::scenario::render::name_of(message.resource);
            let request = message.request_id.as_deref().unwrap_or("-");
            format!("{} {about} {request} {}: {}", message.event_id, message.project, message.text)
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn every_failed_flow_leaves_a_message_that_names_the_reason() {
    let begins = |script: &str, expected: &str| {
        let left = left(script);
        assert!(left.len() == 1 && left[0].starts_with(expected), "{script}: {left:#?}");
    };
    begins(
        r#"do volume.create request=req-1 {"id":"<a>","size_gib":500}"#,
        "VOLUME_VOLUME_001_003 a req-1 demo: schedule allocate volume:Could not find any available weighted backend. \
         no valid pool",
    );
    begins(
        "create a 25; report a fail:other; report a ok",
        "VOLUME_VOLUME_008_012 a - demo: create volume from backend storage:Driver failed to create the volume. \
         attempt 1 on n1@lvm#vg failed: ",
    );
    begins(
        "create a 5; report a ok; extend a 7; report a fail:no_space",
        "VOLUME_VOLUME_007_010 a - demo: extend volume:Volume Driver failed to extend volume. extend failed: no_space",
    );
    begins(
        "create a 5; report a ok; delete a; report a fail:busy",
        "VOLUME_VOLUME_000_001 a - demo: delete volume:An unknown error occurred. delete failed: busy",
    );
    assert_eq!(left("create a 5; report a ok; extend a 7; report a ok; delete a; report a ok"), [""; 0]);
}

#[test]
fn snapshots_and_attachments_leave_theirs() {
    let volume = r#"create a 5; report a ok"#;
    let snapshot = r#"do snapshot.create {"id":"<s>","volume":"<a>"}"#;
    let rows = [
        (
            format!("{volume}; {snapshot}; report s fail:no_space; report s ok"),
            "VOLUME_VOLUME_SNAPSHOT_009_013 s - demo: create snapshot:Snapshot failed to create. ",
        ),
        (
            format!(r#"{volume}; {snapshot}; report s ok; do snapshot.delete {{"id":"<s>"}}; report s fail:busy"#),
            "VOLUME_VOLUME_SNAPSHOT_010_015 s - demo: delete snapshot:Snapshot is busy. ",
        ),
    ];
    for (script, expected) in rows {
        let left = left(&script);
        assert!(left.len() == 1 && left[0].starts_with(expected), "{script}: {left:#?}");
    }
}

#[test]
fn a_message_is_deleted_by_its_project_or_an_operator() {
    let failed = "backend n1@lvm#vg; create a 500";
    let id = {
        let mut cell = Cell::new();
        cell.run(failed);
        cell.state().messages.keys().next().copied().unwrap()
    };
    let delete = |project: &str| format!(r#"do@{project} message.delete {{"id":"{id}"}}"#);
    let unknown = format!("refused MessageNotFound: Message {id} could not be found.");
    let deleted = format!(r#"message_deleted {{"message":"{id}"}}"#);
    check(
        failed,
        &[
            ("", &delete("other"), &unknown),
            ("", &delete("demo"), &deleted),
            ("", &delete("admin"), &deleted),
            (&delete("demo"), &delete("demo"), &unknown),
        ],
    );
}

/// Too old or too many: the oldest go with the next one.
#[test]
fn messages_are_kept_for_a_time_and_up_to_a_number() {
    let at = crate::scenario::Cell::new().now;
    let message = |number: u128, at| Message {
        id: crate::id::MessageId(uuid::Uuid::from_u128(number)),
        project: crate::id::ProjectId::new("demo").unwrap(),
        resource_type: crate::state::MessageResource::Volume,
        resource: uuid::Uuid::nil(),
        event_id: String::new(),
        text: String::new(),
        request_id: None,
        created_at: at,
    };
    let mut state = State::default();
    let create = |state: &mut State, number, at| {
        let meta = crate::evolve::Meta { position: crate::unit::Position(1), at };
        let event = Event::MessageCreated { message: Box::new(message(number, at)) };
        let mut touched = Vec::new();
        crate::evolve::evolve(state, meta, &event, &mut |entity| touched.push(entity)).unwrap();
        touched.len()
    };
    for number in 0..MESSAGES_MAX as u128 {
        assert_eq!(create(&mut state, number, at.plus_ms(u64::try_from(number).unwrap())), 1);
    }
    let last = at.plus_ms(MESSAGES_MAX as u64);
    assert_eq!(create(&mut state, 1 << 40, last), 2, "the oldest goes");
    assert_eq!(state.messages.len(), MESSAGES_MAX);
    assert!(!state.messages.contains_key(&message(0, at).id));
    // All but those of the very last milliseconds are too old.
    create(&mut state, 2 << 40, last.plus_ms(MESSAGE_TTL_MS));
    assert_eq!(state.messages.len(), 2);
    assert_eq!(state.message_ages.len(), 2);
}

/// A failure that the flow's own command meets at once is told in the same commit, behind it.
#[test]
fn the_message_stands_in_the_commit_of_the_failure() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg");
    let names: Vec<&str> = cell.run("create a 500").iter().map(Event::name).collect();
    assert_eq!(&names[names.len() - 2..], ["flow_finished", "message_created"]);
}
