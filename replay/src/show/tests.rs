use serde_json::json;
use stele_core::task::FailureKind;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, GrowingLog, golden, golden_log, run, text, volume};

fn tell(cell: &Cell, subject: Subject) -> Vec<Entry> {
    let mut entries = Vec::new();
    let told = run(show(&cell.log, subject, None, &mut Silent, &mut |entry| {
        entries.push(entry);
        Ok(())
    }));
    assert_eq!(told.unwrap().entries, entries.len() as u64);
    entries
}

fn story(cell: &Cell, subject: Subject) -> String {
    text(|out| tell(cell, subject).iter().try_for_each(|entry| render_entry(entry, out)))
}

fn of_volume(number: u128) -> Subject {
    Subject::Volume(volume(number))
}

fn kinds(entries: &[Entry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.kind).collect()
}

#[test]
fn a_volume_s_life() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.create(7, 1);
    cell.tasks.swap_remove(1);
    cell.succeed();
    cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 8 }));
    cell.succeed();
    cell.ask("volume.update", &json!({ "id": volume(1), "name": "new\nname" }));
    cell.ask("volume.delete", &json!({ "id": volume(1) }));
    cell.succeed();
    golden("show_volume.txt", &story(&cell, of_volume(1)));
}

#[test]
fn an_attempt_that_fails_and_another_one() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.fail(FailureKind::NoSpace);
    cell.succeed();
    cell.succeed();
    golden("show_reschedule.txt", &story(&cell, of_volume(1)));
}

#[test]
fn attempts_that_all_fail() {
    let mut cell = Cell::with_pools();
    cell.create(1, 15);
    cell.wait(90_000);
    cell.backend("n2@lvm#vg", 1.0);
    cell.wait(40_000);
    cell.pass_deadlines();
    golden("show_failed.txt", &story(&cell, of_volume(1)));
    let request = tell(&cell, Subject::request("req-3"));
    assert_eq!(request, tell(&cell, of_volume(1)), "the cleanup belongs to the request that made it necessary");
}

#[test]
fn refusals_say_what_would_help() {
    let mut cell = Cell::with_pools();
    cell.ask("quota.set", &json!({ "project": "demo", "volumes": 1 }));
    cell.create(1, 5);
    cell.create(2, 5);
    cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 4 }));
    cell.publish("volume.create", "this is no JSON");
    golden("show_refused.txt", &story(&cell, Subject::project("demo").unwrap()));
    assert_eq!(kinds(&tell(&cell, of_volume(2))), ["asked", "request_refused"]);
}

#[test]
fn retries_progress_and_a_busy_volume() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.succeed();
    cell.ask("volume.delete", &json!({ "id": volume(1) }));
    cell.fail(FailureKind::Timeout);
    cell.wait(2000);
    cell.pass_deadlines();
    let task = cell.last_task();
    cell.transition(&task, stele_core::task::Transition::Started { at: cell.now });
    cell.wait(30_000);
    let (at, step) = (cell.now, "wipe".to_owned());
    cell.transition(&task, stele_core::task::Transition::Progressed { at, step, percent: 40 });
    cell.fail(FailureKind::Busy);
    let delete = Subject::request(&uuid::Uuid::from_u128(0xc0de_0005).to_string());
    golden("show_retry.txt", &story(&cell, delete));
}

#[test]
fn a_story_holds_its_own_and_nothing_else() {
    let cell = Cell::busy_day();
    let entries = tell(&cell, of_volume(2));
    let foreign: Vec<&Entry> =
        entries.iter().filter(|entry| entry.detail.to_string().contains(&volume(1).to_string())).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
    let flow = entries.iter().find_map(|entry| entry.flow).unwrap();
    let of_flow = tell(&cell, Subject::task(&flow.to_string()).unwrap());
    assert_eq!(of_flow, entries, "the volume has had this flow only");
    let task = cell.tasks.iter().find(|task| task.operation.volume() == volume(2)).unwrap().id;
    let of_task = tell(&cell, Subject::task(&task.to_string()).unwrap());
    let expected = [
        "asked",
        "task_pending",
        "task_running",
        "task_failed",
        "task_reverting",
        "task_running",
        "task_succeeded",
        "task_reverted",
    ];
    assert_eq!(kinds(&of_task), expected);
    assert!(tell(&cell, of_volume(99)).is_empty());
    assert!(tell(&cell, Subject::request("req-99")).is_empty());
}

#[test]
fn admin_requests_have_stories_too() {
    let mut cell = Cell::with_pools();
    cell.ask("type.create", &json!({ "name": "gold", "extra_specs": { "k": "v" } }));
    cell.ask("service.freeze", &json!({ "backend": "n1@lvm", "reason": "failover" }));
    cell.ask("quota.set", &json!({ "project": "demo", "volumes_gold": 1 }));
    cell.ask("volume.create", &json!({ "size_gib": 1, "type": "gold", "availability_zone": "nova" }));
    golden("show_admin.txt", &story(&cell, Subject::project("admin").unwrap()));
    let create = story(&cell, Subject::request("req-6"));
    assert!(create.contains("reserved 1 volume (limit 10, 0 in use), 1 GiB (limit 1000, 0 in use), 1 volume of type gold (limit 1, 0 in use)"), "{create}");
    assert!(create.contains("no pool for 1 GiB"), "{create}");
}

#[test]
fn entries_are_lines_of_json() {
    let cell = Cell::busy_day();
    for entry in tell(&cell, Subject::project("demo").unwrap()) {
        let line = text(|out| render_json(&entry, out));
        assert_eq!(line.matches('\n').count(), 1);
        let back: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["position"], entry.position.0);
        assert!(back["detail"].is_object() || entry.kind == "request_refused", "{line}");
    }
}

#[test]
fn a_listener_that_stops_ends_the_reading() {
    let cell = Cell::busy_day();
    let mut heard = 0;
    let told = run(show(&cell.log, of_volume(1), None, &mut Silent, &mut |_| {
        heard += 1;
        if heard < 3 { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }));
    assert!(matches!(told, Err(ShowError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe));
    assert_eq!(heard, 3);
}

#[test]
fn a_snapshot_s_life() {
    let mut cell = Cell::with_pools();
    cell.create(1, 2);
    cell.succeed();
    let id = uuid::Uuid::from_u128(0x51);
    // `ask` takes another project for what is not a volume's.
    cell.ask("snapshot.create", &json!({ "id": id, "volume": volume(1), "name": "monday" }));
    cell.succeed();
    cell.ask("volume.revert", &json!({ "id": volume(1), "snapshot": id }));
    cell.succeed();
    cell.ask("snapshot.delete", &json!({ "id": id }));
    cell.succeed();
    cell.ask("snapshot.delete", &json!({ "id": id }));
    golden("show_snapshot.txt", &story(&cell, Subject::snapshot(&id.to_string()).unwrap()));
}

fn worked(cell: &Cell, name: &str) -> String {
    let mut out = Vec::new();
    let told = run(show(&cell.log, Subject::worker(name).unwrap(), None, &mut Silent, &mut |entry| {
        render_entry(&entry, &mut out)
    }));
    told.unwrap().work.unwrap().render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_backend_s_story_tells_what_it_ran_and_when_it_was_silent() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    cell.succeed();
    // Only figures: no news.
    cell.backend("n1@lvm#vg", 25.0);
    cell.create(2, 4);
    cell.fail(FailureKind::NoSpace);
    cell.succeed();
    cell.succeed();
    cell.ask("volume.delete", &json!({ "id": volume(1) }));
    cell.wait(90_000);
    cell.pass_deadlines();
    cell.backend("n1@lvm#vg", 25.0);
    cell.succeed();
    cell.ask("service.freeze", &json!({ "backend": "n1@lvm", "reason": "new disks" }));
    let of_backend = worked(&cell, "n1@lvm");
    golden("show_worker.txt", &of_backend);
    assert_eq!(worked(&cell, "n1@lvm#vg"), of_backend, "a pool's backend");
    assert!(worked(&cell, "n3@lvm").contains("it ran nothing"));
    let of_worker = tell(&cell, Subject::worker("n1:w1").unwrap());
    assert!(of_worker.iter().all(|entry| entry.kind != "service_changed"), "that is the backend's");
    let of_host = tell(&cell, Subject::worker("n1").unwrap());
    assert_eq!(of_host, tell(&cell, Subject::worker("n1@lvm").unwrap()), "it has one backend and one worker");
    assert!(tell(&cell, Subject::worker("n9").unwrap()).is_empty());
}

#[test]
fn a_story_goes_on_with_what_happens() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    let log = GrowingLog::default();
    log.grow(&cell.log.entries());
    let mut entries = Vec::new();
    let (mut asked, mut heard) = (0, Vec::new());
    let told = run(show_on(
        &log,
        of_volume(1),
        &mut Silent,
        &mut |entry| {
            entries.push(entry);
            Ok(())
        },
        &mut || {
            asked += 1;
            heard.push(cell.tail());
            match asked {
                1 => cell.succeed(),
                // Of another volume.
                2 => cell.create(2, 1),
                3 => cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 8 })),
                _ => return Ok(false),
            }
            log.grow(&cell.log.entries());
            Ok(true)
        },
    ));
    let told = told.unwrap();
    assert_eq!((told.position, told.entries), (cell.tail(), entries.len() as u64));
    assert_eq!(entries, tell(&cell, of_volume(1)), "the same as is told afterwards");
    assert_eq!((asked, heard.len()), (4, 4));
}

#[test]
fn a_log_that_loses_messages_while_it_is_followed_is_named() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    let log = GrowingLog::default();
    log.grow(&cell.log.entries());
    let tail = cell.tail();
    let told = run(show_on(&log, of_volume(1), &mut Silent, &mut |_| Ok(()), &mut || {
        log.lose_behind(Position(2));
        Ok(true)
    }));
    let shortened = SourceError::Shortened { before: tail, now: Position(2) };
    assert!(matches!(told, Err(ShowError::Source(error)) if error == shortened));
}

#[test]
fn ids_of_the_wrong_kind_are_refused() {
    assert_eq!(Subject::snapshot("x"), Err(InvalidSubject::NotAnId("x".to_owned())));
    assert_eq!(Subject::worker("a b"), Err(InvalidSubject::NotAWorker("a b".to_owned())));
    assert_eq!(Subject::volume("x"), Err(InvalidSubject::NotAnId("x".to_owned())));
    assert!(matches!(Subject::project("a b"), Err(InvalidSubject::NotAProject(_))));
}

/// The golden records hold every event and every command.
#[test]
fn everything_has_words() {
    let (mut follower, mut teller, mut lines) = (Follower::default(), Teller::default(), Vec::new());
    for entry in golden_log().entries() {
        let at = entry.position;
        let record: Record = serde_json::from_slice(&entry.payload).unwrap();
        for commit in &record.commits {
            lines.extend(asked::words(commit).map(|words| format!("asked: {}", words.text)));
            for event in &commit.events {
                let words = teller.tell(&follower.state, commit, event, None);
                assert_ne!(words.text, event.name(), "nobody tells of it");
                lines.push(format!("{}: {}", event.name(), words.text));
            }
        }
        let (record, hash) = follower.read(Opened::of(entry)).unwrap().unwrap();
        follower.apply(at, &record, hash).unwrap();
    }
    golden("show_everything.txt", &(lines.join("\n") + "\n"));
}
