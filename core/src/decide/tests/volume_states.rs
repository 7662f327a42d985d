//! Cinder's matrix of volume statuses and actions, and where this cell differs from it on purpose.

use std::collections::BTreeMap;

use super::*;
use crate::event::Event;

const TABLE: &str = include_str!("../../../testdata/volume-states.txt");

/// A group, a second type, and a pool with room.
const BEFORE: &str = r#"
    backend n1@lvm#vg total=100 free=100
    type create other
    do group_type.create {"name":"kind"}
    do group.create {"id":"<g>","group_type":"kind","volume_types":["__DEFAULT__"]}"#;

/// The lines of a section, without comments.
fn section(name: &str) -> impl Iterator<Item = &'static str> {
    let start = format!("[{name}]");
    let lines = TABLE.lines().map(str::trim).skip_while(move |line| *line != start).skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn words(line: &'static str) -> (&'static str, &'static str) {
    let (first, rest) = line.split_once(' ').unwrap();
    (first, rest.trim())
}

fn script(text: &str) -> String {
    let hash = "00112233445566778899aabbccddeeff".repeat(2);
    let mut lines = Vec::new();
    for line in text.split("; ") {
        lines.push(match line.strip_prefix("RESET ") {
            Some(status) => format!(r#"do volume.reset_status {{"id":"<a>","status":"{status}"}}"#),
            None => line.replace("HASH", &hash),
        });
    }
    lines.join("; ")
}

/// The status after each action on each status, by the rows of a section. `*` stands for what no other row names.
fn outcomes(rows: &str) -> BTreeMap<(&'static str, &'static str), &'static str> {
    let mut found = BTreeMap::new();
    let mut of_all = Vec::new();
    for line in section(rows) {
        let (action, rest) = words(line);
        let (statuses, after) = rest.split_once(" -> ").unwrap();
        let after = after.split(' ').next().unwrap();
        for status in statuses.split(' ') {
            if status == "*" {
                of_all.push((action, after));
            } else {
                let before = found.insert((action.trim_end_matches('+'), status), after);
                assert!(before.is_none(), "{action} {status} stands there twice");
            }
        }
    }
    for (action, after) in of_all {
        for (status, _) in section("statuses").map(words) {
            found.entry((action.trim_end_matches('+'), status)).or_insert(after);
        }
    }
    found
}

#[test]
fn every_status_accepts_what_cinder_accepts_but_for_the_deviations() {
    let (cinder, differs) = (outcomes("cinder"), outcomes("differs"));
    let mut wrong = String::new();
    let mut cases = 0;
    for (status, reach) in section("statuses").map(words) {
        let mut reached = Cell::new();
        reached.run(BEFORE);
        reached.run(&script(reach));
        assert_eq!(reached.status("a"), status, "{reach}");
        for (action, rest) in section("actions").map(words) {
            let (code, line) = words(rest);
            let mut cell = Cell::new();
            cell.run(BEFORE);
            cell.run(&script(reach));
            let events = cell.run(&script(line));
            let got = match events.first() {
                Some(Event::RequestRefused(refusal)) if refusal.code.as_str() == code => "refused".to_owned(),
                Some(Event::RequestRefused(_)) => cell.render(&events)[0].clone(),
                _ => cell.status("a").to_owned(),
            };
            let as_is = |after: &'static str| if after == "same" { status } else { after };
            let of_cinder = as_is(cinder.get(&(action, status)).copied().unwrap_or("refused"));
            let ours = as_is(differs.get(&(action, status)).copied().unwrap_or(of_cinder));
            if got != ours {
                wrong.push_str(&format!("\n{action} on {status}: {got}, shall be {ours}"));
            }
            if differs.contains_key(&(action, status)) && ours == of_cinder {
                wrong.push_str(&format!("\n{action} on {status} differs in nothing"));
            }
            cases += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(cases, 25 * 29);
}

/// A deviation without a reason is a fault.
#[test]
fn every_deviation_has_its_reason() {
    for line in section("differs") {
        let (_, after) = line.split_once(" -> ").unwrap();
        assert!(after.split_once(' ').is_some_and(|(_, reason)| reason.trim().len() > 10), "{line}");
    }
}

/// The table knows every status that a volume can have.
#[test]
fn the_table_is_complete() {
    let plain = ["available", "error", "error_extending", "error_deleting", "deleting", "detaching"];
    let more = ["reserved", "attaching", "in-use"];
    let stated = crate::state::StatedStatus::ALL.iter().map(|(_, name)| *name);
    let known: std::collections::BTreeSet<&str> = plain.into_iter().chain(more).chain(stated).collect();
    let table: std::collections::BTreeSet<&str> = section("statuses").map(|line| words(line).0).collect();
    assert_eq!(table, known);
}
