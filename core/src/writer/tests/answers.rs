//! Who is told what, and when.

use super::*;
use crate::record::OutcomeResult;
use crate::refusal::RefusalCode;

/// The answers so far, in short: reply and what it says.
fn answers(cell: &Cell) -> Vec<String> {
    cell.answers.iter().map(short).collect()
}

fn short(answer: &Answer<u32>) -> String {
    match answer {
        Answer::Outcome(reply, outcome) => match &outcome.result {
            OutcomeResult::Accepted(_) => format!("{reply} accepted at {}", outcome.position.unwrap()),
            OutcomeResult::Refused(refusal) => {
                format!("{reply} refused at {}: {}", outcome.position.unwrap(), refusal.code.as_str())
            }
        },
        Answer::Before(reply, position, commit) => format!("{reply} before at {position}, {commit}"),
        Answer::Recorded(reply, position) => format!("{reply} recorded at {position}"),
        Answer::Refused(reply, refusal) => format!("{reply} report refused: {}", refusal.code.as_str()),
    }
}

#[test]
fn nobody_is_told_before_the_log_has_it() {
    let mut cell = Cell::new();
    let offered = cell.offer(CREATE, create(1, 1), Source::Ask);
    assert!(matches!(offered, Offered::Taken));
    cell.append();
    cell.offer(CREATE, create(2, 1), Source::Ask);
    cell.offer(CREATE, "hello", Source::Ask);
    assert_eq!(answers(&cell), [""; 0]);
    cell.land();
    assert_eq!(answers(&cell), ["1 accepted at 2"]);
    cell.flush();
    assert_eq!(answers(&cell), ["1 accepted at 2", "2 accepted at 3", "3 refused at 3: NotJson"]);
}

/// Before the first one is acknowledged the repetition waits with it; afterwards it is answered at once.
#[test]
fn a_repeated_command_gets_the_first_outcome() {
    let mut cell = Cell::new();
    cell.offer(CREATE, create(9, 1), Source::Ask);
    cell.offer(CREATE, create(1, 1), Source::Ask);
    // While it is in the forming record, while that is in flight, and while another one forms behind it.
    cell.offer(CREATE, create(1, 1), Source::Ask);
    cell.append();
    cell.offer(CREATE, create(1, 1), Source::Ask);
    cell.offer(CREATE, create(8, 1), Source::Ask);
    cell.offer("stele.cmd.demo.volume.create", create(1, 1), Source::Inbox(1));
    assert!(cell.answers.is_empty());
    cell.land();
    let first = ["1 accepted at 2", "2 accepted at 2", "3 before at 2, 1", "4 before at 2, 1", "6 before at 2, 1"];
    assert_eq!(answers(&cell), first);
    cell.flush();
    let Offered::Answered(answer) = cell.offer(CREATE, create(1, 1), Source::Ask) else { panic!("it has to wait") };
    assert_eq!(short(&answer), "7 before at 2, 1");
    // The outcome stands in the log, as the first sender got it.
    let outcome = outcome_in(&cell.log[1], 1).unwrap();
    let Answer::Outcome(2, told) = &cell.answers[1] else { panic!("{:?}", cell.answers[1]) };
    assert_eq!(&outcome, told.as_ref());
    assert_eq!(outcome_in(&cell.log[1], 2), None);
    assert_eq!(cell.state().volumes.len(), 3);
    // Also by another control, and also when the first outcome was a refusal.
    let delete = r#"{"id":"6f1c1d6c-3b0e-4a43-9f0a-0d9b5a1f2c3d"}"#;
    cell.offer("stele.ask.demo.volume.delete", delete, Source::Ask);
    cell.flush();
    cell.crash(false);
    let again = cell.offer("stele.ask.demo.volume.delete", delete, Source::Ask);
    let Offered::Answered(answer) = again else { panic!("it has to wait") };
    assert_eq!(short(&answer), "9 before at 4, 0");
}

#[test]
fn a_used_id_with_another_command_is_refused_and_recorded() {
    let mut cell = Cell::new();
    cell.offer(CREATE, create(1, 1), Source::Ask);
    cell.offer(CREATE, create(1, 2), Source::Ask);
    let records = cell.flush();
    assert_eq!(records[0].commits[1].refusal().unwrap().code, RefusalCode::CommandIdReused);
    assert_eq!(answers(&cell), ["1 accepted at 2", "2 refused at 2: CommandIdReused"]);
    // The first command keeps its place.
    let Offered::Answered(answer) = cell.offer(CREATE, create(1, 1), Source::Ask) else { panic!("it has to wait") };
    assert_eq!(short(&answer), "3 before at 2, 0");
    // Ids are a project's own.
    cell.offer("stele.ask.other.volume.create", create(1, 2), Source::Ask);
    cell.flush();
    assert_eq!(answers(&cell).last().unwrap(), "4 accepted at 3");
}

#[test]
fn a_report_is_answered_when_what_it_met_is_in_the_log() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1; report a ok");
    cell.answers.clear();
    let asked = cell.asked;
    // Nothing comes of it, and everything that it depends on is acknowledged.
    let task = cell.task("a", None);
    let worker = crate::id::WorkerName::new("w1").unwrap();
    let report = crate::scenario::script::task_report(&task, crate::scenario::script::transition("ok", cell.now));
    let body = crate::task::ReportBody::Tasks(vec![report]);
    let report = serde_json::to_vec(&crate::task::Report { v: 1, worker, body }).unwrap();
    // A worker lets its task go at this answer: only a record proves that the writer still leads.
    let offered = cell.offer("stele.report.x", report.clone(), Source::Report);
    assert!(matches!(offered, Offered::Taken));
    assert!(cell.append());
    assert!(cell.answers.is_empty());
    assert_eq!(cell.land().unwrap().commits.len(), 0);
    assert_eq!(answers(&cell), [format!("{} recorded at 5", asked + 1)]);
    cell.answers.clear();
    // Something is in flight or forming: it may be why nothing came of it.
    cell.say("create b 1");
    assert!(matches!(cell.offer("stele.report.x", report.clone(), Source::Report), Offered::Taken));
    cell.append();
    assert!(matches!(cell.offer("stele.report.x", report, Source::Report), Offered::Taken));
    cell.offer("stele.report.x", "hello", Source::Report);
    cell.offer("stele.report.x", r#"{"v":2,"worker":"w","body":{"tasks":[]}}"#, Source::Report);
    assert!(cell.answers.is_empty());
    cell.land();
    let n = |offset: u32| (asked + offset).to_string();
    let expected = [n(2) + " accepted at 6", n(3) + " recorded at 6"];
    assert_eq!(answers(&cell), expected);
    cell.flush();
    let expected =
        [n(4) + " recorded at 7", n(5) + " report refused: NotJson", n(6) + " report refused: UnsupportedVersion"];
    assert_eq!(answers(&cell)[2..], expected);
}
