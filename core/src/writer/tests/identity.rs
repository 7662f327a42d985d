//! Ids: whose they are, for how long, and what is made of them.

use super::*;
use crate::event::Event;
use crate::refusal::RefusalCode;
use crate::scenario::render::volume_id;
use crate::scenario::script::{task_report, transition};
use crate::state::Config;
use crate::task::{Report, ReportBody, TaskReport};

fn report_of(task: TaskReport) -> Report {
    let worker = crate::id::WorkerName::new("w1").unwrap();
    Report { v: 1, worker, body: ReportBody::Tasks(vec![task]) }
}

#[test]
fn the_window_of_idempotency_forgets() {
    let mut cell = Cell::with_config(Config { idempotency_ms: 60_000, ..Config::default() });
    let outcome = |cell: &mut Cell, size_gib: u32| {
        cell.offer(CREATE, create(1, size_gib), Source::Ask);
        let records = cell.flush();
        let refusal = records.first().and_then(|record| record.commits[0].refusal().cloned());
        (records.len(), refusal.map(|refusal| refusal.code))
    };
    assert_eq!(outcome(&mut cell, 1), (1, None));
    cell.run("wait 60; delete z");
    assert_eq!(outcome(&mut cell, 1), (0, None), "it is still remembered");
    assert_eq!(cell.standby.seen.len(), 1);
    cell.run("wait 1; delete z");
    assert!(cell.standby.seen.is_empty());
    // Its volume is there, so the repetition makes no second one.
    assert_eq!(outcome(&mut cell, 1), (1, Some(RefusalCode::VolumeExists)));
}

/// Each project has its own ids: one cannot be in another's way, by chance or on purpose.
#[test]
fn two_projects_may_use_the_same_command_id() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1 cmd=7; create b 1 cmd=7 project=other; report a ok; report b ok");
    cell.run("extend a 2 cmd=8; extend b 2 cmd=8 project=other");
    assert_eq!((cell.status("a"), cell.status("b")), ("extending", "extending"));
    // The one's report is not the other's.
    cell.run("report a ok");
    assert_eq!((cell.status("a"), cell.status("b")), ("available", "extending"));
    cell.run("report b ok; delete a cmd=9; delete b cmd=9 project=other");
    assert_eq!((cell.status("a"), cell.status("b")), ("deleting", "deleting"));
    cell.run("create - 1 cmd=10; create - 1 cmd=10 project=other");
    assert_eq!(cell.state().volumes.len(), 4);
}

/// An id that is used again after it was forgotten starts another flow, also while the first one is still open.
#[test]
fn a_forgotten_id_starts_a_flow_of_its_own() {
    let mut cell = Cell::with_config(Config { idempotency_ms: 1_000, ..Config::default() });
    cell.run("backend n1@lvm#vg; create a 1 cmd=7; wait 2; delete z; create b 1 cmd=7");
    assert_eq!((cell.status("a"), cell.status("b")), ("creating", "creating"));
    assert_ne!(cell.task("a", None).id, cell.task("b", None).id);
    cell.run("report b ok");
    assert_eq!((cell.status("a"), cell.status("b")), ("creating", "available"));
    // The late report of a delete that failed is not taken for one of the delete that came after it.
    cell.run("delete b cmd=9; report b fail:busy; wait 2; delete z; delete b cmd=9");
    cell.run("report b ok task=2");
    assert_eq!(cell.status("b"), "deleting");
}

/// Even when nothing is remembered at all, one record does not start a flow twice.
#[test]
fn an_id_is_not_used_twice_at_one_position() {
    let mut cell = Cell::with_config(Config { idempotency_ms: 0, ..Config::default() });
    cell.run("backend n1@lvm#vg");
    cell.say("create a 1 cmd=7");
    cell.now = cell.now.plus_ms(1);
    cell.say("delete z");
    cell.say("create b 1 cmd=7");
    let records = cell.flush();
    assert_eq!(records[0].commits[2].refusal().unwrap().code, RefusalCode::CommandIdReused);
}

/// The same command again, after it was forgotten and its volume deleted: the volume's id is the same, and an earlier
/// attempt's leftovers of that name may still be being removed.
#[test]
fn a_derived_volume_id_is_not_used_while_its_leftovers_are_removed() {
    let mut cell = Cell::with_config(Config { idempotency_ms: 1_000, ..Config::default() });
    cell.run("backend n1@lvm#vg; create - 1 cmd=7");
    let volume = *cell.state().volumes.keys().next().unwrap();
    let say = |cell: &mut Cell, number: usize, word: &str| {
        let report = task_report(&cell.dispatched[number], transition(word, cell.now));
        cell.send_report(&report_of(report));
        cell.flush();
    };
    say(&mut cell, 0, "fail:other");
    say(&mut cell, 1, "fail:other");
    let kinds: Vec<_> = cell.state().flows.values().map(|flow| flow.kind.name()).collect();
    assert_eq!(kinds, ["volume_cleanup"]);
    let delete = format!(r#"{{"volume":{{"id":"{volume}"}}}}"#);
    cell.offer("stele.ask.demo.volume.delete", delete, Source::Ask);
    cell.flush();
    assert!(cell.state().volumes.is_empty());
    cell.run("wait 2; delete z");
    let events = cell.run("create - 1 cmd=7");
    assert!(matches!(&events[..], [Event::RequestRefused(refusal)] if refusal.code == RefusalCode::VolumeExists));
    say(&mut cell, 2, "ok");
    cell.run("wait 2; delete z; create - 1 cmd=7");
    assert_eq!(cell.state().volumes.len(), 1);
}

/// A worker that writes a novel does not fill the log: a record must stay within what a message may have.
#[test]
fn what_a_worker_says_is_bounded() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1");
    let mut task = task_report(&cell.task("a", None), transition("fail:other", cell.now));
    let crate::task::Transition::Failed { failure, steps, .. } = &mut task.transition else { panic!("{task:?}") };
    failure.step = "s".repeat(20_000);
    failure.message = "é".repeat(20_000);
    failure.stderr = "ü".repeat(20_000) + "the end";
    let step = crate::task::StepDone { step: "t".repeat(300), took_us: 1, exit_status: None };
    steps.extend(vec![step; 100]);
    cell.send_report(&report_of(task));
    assert!(cell.append());
    let record = cell.land().unwrap();
    let bytes = serde_json::to_vec(&record.commits[0].events).unwrap().len();
    assert!(bytes < 24 * 1024, "{bytes} bytes");
    let failed = record.commits[0].events.iter().find_map(|event| match event {
        Event::TaskFailed { failure, .. } => Some(failure),
        _ => None,
    });
    let failure = failed.unwrap();
    assert!(failure.stderr.len() <= crate::task::STDERR_BYTES_MAX && failure.stderr.ends_with("the end"));
    assert_eq!(cell.state().volumes[&volume_id("a")].status.name(), "creating");
}

/// The largest commits are reports: each transition may place a volume anew, and its decision shows sixteen pools.
#[test]
fn one_transition_needs_a_bounded_place() {
    const TRANSITIONS: usize = crate::task::REPORTS_PER_MESSAGE_MAX;
    let mut cell = Cell::new();
    cell.run("quota demo volumes=-1 gigabytes=-1");
    for n in 10..30 {
        cell.say(&format!(
            "backend host-with-a-long-name-{n}.example.org@lvm-backend#volume-group total=4000 free=4000"
        ));
    }
    for n in 0..TRANSITIONS {
        cell.say(&format!("create v{n} 1"));
    }
    cell.flush();
    for word in ["fail:other", "ok"] {
        let tasks: Vec<TaskReport> = cell.dispatched[cell.dispatched.len() - TRANSITIONS..]
            .iter()
            .map(|task| task_report(task, transition(word, cell.now)))
            .collect();
        let worker = crate::id::WorkerName::new("w1").unwrap();
        cell.send_report(&Report { v: 1, worker, body: ReportBody::Tasks(tasks) });
        assert!(cell.append());
        let bytes = cell.in_flight.as_ref().unwrap().payload.len();
        // With a forming record that is full already it still fits into a NATS message.
        assert!(bytes + crate::writer::RECORD_BYTES_MAX < 1 << 20, "{bytes} bytes for a report of {word}");
        let record = cell.land().unwrap();
        assert!(record.commits[0].refusal().is_none());
    }
}
