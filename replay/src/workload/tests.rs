use serde_json::json;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, run, volume};

fn written(cell: &Cell, from: u64) -> (Written, String) {
    let mut out = Vec::new();
    let written = run(write(&cell.log, (Position(from), None), &mut out, &mut Silent)).unwrap();
    (written, String::from_utf8(out).unwrap())
}

fn lines(text: &str) -> Vec<(u64, Line)> {
    let (mut reader, _) = Reader::open(text.as_bytes()).unwrap();
    std::iter::from_fn(|| reader.next_line().unwrap()).collect()
}

#[test]
fn a_history_is_its_commands_with_their_times() {
    let cell = Cell::busy_day();
    let (told, text) = written(&cell, 1);
    assert_eq!((told.commands, told.left_out, told.to), (6, 1, cell.tail()));
    let (_, header) = Reader::open(text.as_bytes()).unwrap();
    assert_eq!((header.from, header.to), (Some(Position(1)), Some(cell.tail())));
    assert!(header.from_at < header.to_at);
    let lines = lines(&text);
    let subjects: Vec<&str> = lines.iter().map(|(_, line)| line.subject.as_str()).collect();
    let wanted = ["create", "extend", "create", "create", "delete"].map(|verb| format!("stele.ask.demo.volume.{verb}"));
    assert_eq!([&subjects[..2], &subjects[3..]].concat(), wanted);
    assert_eq!(subjects[2], "stele.ask.admin.quota.set");
    let outcomes: Vec<&str> = lines.iter().filter_map(|(_, line)| line.outcome.as_deref()).collect();
    assert_eq!(outcomes, [ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED, "VolumeLimitExceeded", ACCEPTED]);
    let after: Vec<u64> = lines.iter().map(|(_, line)| line.after_ms).collect();
    assert_eq!(after[..4], [0, 1_000, 2_000, 2_000]);
    assert_eq!(after.last(), Some(&told.takes_ms));
    // The body is what was sent, to the byte.
    let sent = text.lines().nth(1).unwrap();
    assert!(
        sent.contains(r#""body":{"actor":{"request_id":"req-3","roles":["member"],"user":"alice"},"id":"#),
        "{sent}"
    );
    assert_eq!(lines[0].1.made, Some(volume(1).0));

    // A range counts its times from its own first command.
    let create = run(cell.log.tail()).unwrap().0 - 1;
    let (told, text) = written(&cell, create);
    assert_eq!((told.commands, self::lines(&text)[0].1.after_ms), (1, 0));
    let mut out = Vec::new();
    let beyond = run(write(&cell.log, (Position(9), Some(Position(8))), &mut out, &mut Silent));
    assert!(matches!(beyond, Err(WriteError::Range { .. })) && out.is_empty(), "{beyond:?}");
}

fn line(subject: &str, body: &Value) -> Line {
    let body = serde_json::from_str(&body.to_string()).unwrap();
    Line { after_ms: 0, subject: subject.to_owned(), body, made: None, outcome: None }
}

fn body(prepared: &Prepared) -> Value {
    serde_json::from_slice(&prepared.body).unwrap()
}

/// A history that is played again makes its things under their ids, or under ids of the run; the ids of commands are
/// always the run's.
#[test]
fn a_run_has_command_ids_of_its_own() {
    let id = Uuid::from_u128(7);
    let made = Line { made: Some(id), ..line("stele.cmd.demo.volume.create", &json!({ "volume": { "size_gib": 1 } })) };
    let extend = line("stele.ask.demo.volume.extend", &json!({ "id": id, "volume": { "id": id, "size_gib": 2 } }));
    let other = Uuid::from_u128(9);
    let of_other = line("stele.ask.demo.volume.delete", &json!({ "volume": { "id": other } }));

    let mut kept = Run::new(Uuid::from_u128(1), false);
    let create = kept.prepare(2, &made);
    assert_eq!(create.subject, "stele.ask.demo.volume.create");
    assert_eq!(body(&create)["volume"], json!({ "id": id, "size_gib": 1 }));
    let extended = kept.prepare(3, &extend);
    assert_eq!(body(&extended)["volume"]["id"], json!(id));
    assert_eq!((&create.about, &extended.about), (&[id].into(), &[id].into()));
    assert_ne!(body(&extended)["id"], json!(id), "the command's id is no name of a volume");
    let foreign = kept.prepare(4, &of_other);
    assert_eq!((body(&foreign)["volume"]["id"].clone(), foreign.about.len()), (json!(other), 0));

    let run = |run: u128| {
        let mut run = Run::new(Uuid::from_u128(run), true);
        [run.prepare(2, &made), run.prepare(3, &extend), run.prepare(4, &of_other)]
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one, run(1));
    for (one, two) in one.iter().zip(&two) {
        assert_ne!(body(one)["id"], body(two)["id"]);
    }
    let [create, extend, foreign] = one.each_ref().map(|prepared| body(prepared)["volume"]["id"].clone());
    assert_eq!(create, extend);
    assert!(create != json!(id) && create != body(&two[0])["volume"]["id"]);
    assert_eq!(foreign, json!(other), "what the file does not make keeps its name");
}

/// An attachment that is in use lets its volume be kept for others: what is said about it comes before what follows.
#[test]
fn what_hangs_on_a_volume_is_about_it_as_well() {
    let [volume, one, two] = [7, 8, 9].map(Uuid::from_u128);
    let ask = |what: &str, content: &Value| {
        let resource = what.split('.').next().unwrap();
        line(&format!("stele.ask.admin.{what}"), &json!({ resource: content }))
    };
    for new_ids in [false, true] {
        let mut run = Run::new(Uuid::from_u128(1), new_ids);
        let mut about = |number, line: &Line| run.prepare(number, line).about;
        let managed = about(2, &ask("volume.manage", &json!({ "id": volume, "pool": "n1@lvm#vg" })));
        let first = about(3, &ask("attachment.create", &json!({ "id": one, "volume": volume })));
        let complete = about(4, &ask("attachment.complete", &json!({ "id": one })));
        let second = about(5, &ask("attachment.create", &json!({ "id": two, "volume": volume })));
        assert_eq!((managed.len(), first.len()), (1, 2));
        assert_eq!(complete, first);
        assert_eq!((managed.is_subset(&second), first.intersection(&second).count()), (true, 1));
        // Of a volume that the file does not make nothing is known.
        let other =
            about(6, &ask("snapshot.create", &json!({ "id": Uuid::from_u128(10), "volume": Uuid::from_u128(11) })));
        assert_eq!(other.len(), 1);
    }
}

#[test]
fn what_is_no_workload_is_named() {
    let open = |text: &str| Reader::open(text.as_bytes()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(open("").contains("line 1 is not the beginning of a workload"));
    assert!(open("{\"v\":1}\n").contains("missing field `stele_workload`"));
    assert_eq!(open("{\"stele_workload\":2}\n"), "the workload has format 2; this program reads format 1");
    let second = |text: &str| {
        let text = format!("{{\"stele_workload\":1,\"by\":\"another tool\"}}\n\n{text}\n");
        let (mut reader, _) = Reader::open(text.as_bytes()).unwrap();
        reader.next_line().map(|line| line.map(|(number, _)| number)).map_err(|error| error.to_string())
    };
    assert_eq!(second(r#"{"after_ms":0,"subject":"stele.ask.demo.volume.create","body":{},"why":"new"}"#), Ok(Some(3)));
    assert!(second("{}").unwrap_err().starts_with("line 3 is no command of a workload: missing field"));
    let report = r#"{"after_ms":0,"subject":"stele.report.a.b.c","body":{}}"#;
    assert!(second(report).unwrap_err().contains("is no subject of a command"));
    let long = format!(r#"{{"after_ms":0,"subject":"{}"#, "x".repeat(200_000));
    assert!(second(&long).unwrap_err().contains("more than 131072 bytes"));
}
