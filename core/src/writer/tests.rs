mod answers;
mod identity;

use uuid::Uuid;

use super::*;
use crate::scenario::{Cell, INBOX_CREATED, refolded, same};

/// The body of a create whose sender chose the id.
fn create(id: u128, size_gib: u32) -> String {
    format!(r#"{{"id":"{}","volume":{{"size_gib":{size_gib}}}}}"#, Uuid::from_u128(id))
}

const CREATE: &str = "stele.ask.demo.volume.create";

#[test]
fn an_idle_cell_appends_one_command_per_record() {
    let mut cell = Cell::new();
    let before = cell.log.len();
    cell.run("backend n1@lvm#vg; create a 1; report a ok; delete z");
    assert_eq!(cell.log.len(), before + 4);
    assert!(!cell.append(), "nothing is left to append");
}

#[test]
fn what_comes_while_a_record_is_in_flight_forms_one_next_record() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg total=10 free=10");
    cell.say("create a 6");
    assert!(cell.append() && cell.writer.is_in_flight());
    // Decided against what the record in flight will lead to: there is no room for both.
    cell.say("create b 6");
    cell.say("create c 4");
    cell.say("delete z");
    assert!(!cell.append(), "one record in flight");
    assert_eq!(cell.state().volumes.len(), 0, "nobody sees what is not acknowledged");
    assert_eq!(cell.land().unwrap().commits.len(), 1);
    let records = cell.flush();
    assert_eq!(records.iter().map(|record| record.commits.len()).collect::<Vec<_>>(), [3]);
    assert_eq!((cell.status("a"), cell.status("b"), cell.status("c")), ("creating", "error", "creating"));
}

#[test]
fn a_record_is_bounded_by_commits_and_bytes() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; quota demo volumes=-1; create a 1");
    for _ in 0..COMMITS_MAX {
        assert!(!cell.writer.is_full());
        cell.say("update a name=x");
    }
    assert!(cell.writer.is_full());
    assert_eq!(cell.flush().len(), 1);
    assert!(!cell.writer.is_full());

    let value = "v".repeat(240);
    let metadata: Vec<String> = (0..128).map(|n| format!(r#""{n}":"{value}""#)).collect();
    let id = crate::scenario::render::volume_id("a");
    let body = format!(r#"{{"volume":{{"id":"{id}","metadata":{{{}}}}}}}"#, metadata.join(","));
    let mut commits = 0;
    while !cell.writer.is_full() {
        cell.offer("stele.ask.demo.volume.update", body.clone(), Source::Ask);
        commits += 1;
    }
    assert!((2..16).contains(&commits), "{commits}");
    assert!(cell.append());
    let bytes = cell.in_flight.as_ref().unwrap().payload.len();
    assert!((RECORD_BYTES_MAX..2 * RECORD_BYTES_MAX).contains(&bytes), "{bytes}");
    cell.land();
}

#[test]
fn the_inbox_mark_moves_with_the_decisions() {
    let mut cell = Cell::new();
    cell.run("inbox create a 1");
    assert_eq!(cell.standby.inbox.sequence, 1);
    // What was read before is read again after a reconnect: nothing happens.
    let offered = cell.offer("stele.cmd.demo.volume.create", r#"{"volume":{"size_gib":1}}"#, Source::Inbox(1));
    assert!(matches!(offered, Offered::Taken) && !cell.append());
    // Noise is a refusal in the log, and is behind the mark like everything else.
    cell.run("noise hello; noise {\"volume\":7}");
    assert_eq!((cell.standby.inbox.sequence, cell.state().volumes.len()), (3, 1));
    // A gap is no obstacle: what is not in the inbox any more will never come.
    cell.offer("stele.cmd.demo.volume.create", "x", Source::Inbox(9));
    cell.flush();
    assert_eq!(cell.standby.inbox.sequence, 9);
    // A repeated command under its first id makes no commit, but the mark has to move.
    cell.offer(CREATE, create(7, 1), Source::Ask);
    cell.flush();
    cell.offer("stele.cmd.demo.volume.create", create(7, 1), Source::Inbox(10));
    let records = cell.flush();
    assert_eq!((records.len(), records[0].commits.len()), (1, 0));
    assert_eq!(cell.standby.inbox.sequence, 10);
    // An uncommitted mark is lost with the speculation, so that the message is read again.
    cell.offer("stele.cmd.demo.volume.create", "y", Source::Inbox(11));
    cell.crash(false);
    assert_eq!(cell.writer.speculative().inbox.sequence, 10);
}

#[test]
fn a_new_inbox_is_read_from_its_beginning() {
    let mut cell = Cell::new();
    cell.run("inbox create a 1; inbox create b 1");
    for (created, sequence) in [(INBOX_CREATED, 2), (INBOX_CREATED + 1, 0)] {
        let claim = Claim { config: crate::state::Config::default(), host: "h".to_owned() };
        let created = Timestamp::from_millis(created);
        let id = WriterId(Uuid::from_u128(9));
        let (writer, _) = Writer::<u32>::claim(cell.standby.clone(), id, claim, cell.tail(), created, cell.now);
        assert_eq!(writer.speculative().inbox, InboxMark { created, sequence });
    }
}

#[test]
fn a_lost_append_takes_everything_undecided_with_it() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1");
    cell.say("create b 1");
    assert!(cell.append());
    cell.say("create c 1");
    let lost = cell.in_flight.clone().unwrap();
    // Another control claims: the first one's append finds its place taken.
    let known = refolded(&cell.log);
    let first = std::mem::replace(&mut cell.writer, Cell::new().writer);
    cell.in_flight = None;
    cell.lead();
    assert_eq!(lost.expected.next(), cell.tail());
    let back = first.into_folded();
    same(&back, &known);
    assert_eq!(back.state.volumes.len(), 1);
    cell.stray(&lost.payload);
    cell.lead();
    cell.run("create d 1");
    assert_eq!((cell.status("a"), cell.status("b"), cell.status("c")), ("creating", "gone", "gone"));
    assert_eq!(cell.standby.chain.epoch, 3);
}

#[test]
fn a_new_leader_dispatches_every_open_task_again() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; backend n2@lvm#vg total=50 free=50; create a 1; create b 1; report b ok; delete b");
    cell.run("create c 1; report c ok; extend c 2; report c started; create d 1; report d fail:other");
    let claim = Claim { config: crate::state::Config::default(), host: "h".to_owned() };
    let (mut writer, _) = Writer::<u32>::claim(
        cell.standby.clone(),
        WriterId(Uuid::from_u128(9)),
        claim,
        cell.tail(),
        Timestamp::from_millis(INBOX_CREATED),
        cell.now,
    );
    let tasks = writer.appended().unwrap().tasks;
    let mut expected: Vec<Task> = ["a", "b", "c", "d"].iter().map(|name| cell.task(name, None)).collect();
    expected.sort_by_key(|task| task.flow);
    assert_eq!(tasks, expected);
    assert!(writer.appended().is_none(), "nothing is in flight any more");
}

#[test]
fn a_new_leader_brings_its_configuration() {
    let mut cell = Cell::new();
    let config = crate::state::Config { default_availability_zone: "moon".to_owned(), ..Default::default() };
    let claim = Claim { config, host: "h".to_owned() };
    let id = WriterId(Uuid::from_u128(9));
    let created = Timestamp::from_millis(INBOX_CREATED);
    let (writer, append) = Writer::claim(cell.standby.clone(), id, claim, cell.tail(), created, cell.now);
    (cell.writer, cell.in_flight) = (writer, Some(append));
    cell.land();
    cell.run("create a 1");
    assert_eq!(cell.state().volumes.values().next().unwrap().availability_zone, "moon");
}

#[test]
fn time_in_the_log_never_goes_back() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1; wait 50; update a name=x");
    cell.now = Timestamp::from_millis(1_000);
    cell.run("update a name=y; create b 1; crash; create c 1");
    cell.now = Timestamp::from_millis(1_900_000_000_000);
    cell.run("update a name=z");
    let records = cell.log.iter().map(|entry| serde_json::from_slice::<Record>(&entry.payload).unwrap());
    let times: Vec<Timestamp> = records
        .flat_map(|record| record.commits.iter().map(|c| c.at).chain([record.head.at]).collect::<Vec<_>>())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(times.last().copied(), Some(cell.now));
}

#[test]
fn what_is_late_is_told_once_and_up_to_a_bound() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1; wait 1; create b 1; wait 1; create c 1");
    assert_eq!(cell.writer.late(cell.now, 10).len(), 0);
    cell.run("wait 119");
    assert_eq!(cell.writer.late(cell.now, 10).len(), 2);
    cell.run("wait 100");
    assert_eq!(cell.writer.late(cell.now, 2).len(), 2);
    assert_eq!(cell.writer.late(cell.now, 10).len(), 3);
    cell.offer_late();
    assert_eq!(cell.writer.late(cell.now, 10).len(), 0, "before they are acknowledged");
    cell.flush();
    assert_eq!(cell.writer.late(cell.now, 10).len(), 0);
}
