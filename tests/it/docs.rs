//! What the documents say about commands is what the code does.

use std::collections::BTreeSet;

use bytes::Bytes;
use stele_core::command::{Command, Incoming, RESOURCES, Source, is_admin_only, parse};
use stele_core::id::CommandId;
use stele_core::refusal::{Refusal, RefusalCode};

fn commands_md() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md")).unwrap()
}

fn parse_for(project: &str, command: &str, body: &str) -> Result<Command, Refusal> {
    let incoming = Incoming {
        subject: format!("stele.ask.{project}.{command}"),
        payload: Bytes::from(body.to_owned()),
        source: Source::Ask,
        fallback_id: CommandId(uuid::Uuid::nil()),
    };
    parse(&incoming).command
}

#[test]
fn every_command_has_its_section_and_every_example_is_accepted() {
    let text = commands_md();
    let mut documented = BTreeSet::new();
    for section in text.split("\n## ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap();
        if !title.contains('.') {
            continue;
        }
        documented.insert(title.to_owned());
        let example = body.split("```json\n").nth(1).unwrap_or_else(|| panic!("{title} has no example"));
        let example = example.split("```").next().unwrap();
        let (resource, verb) = title.split_once('.').unwrap();
        // What is documented as accepted anywhere is tried where the fewest rights are.
        let project = if is_admin_only(resource, verb) { "admin" } else { "demo" };
        assert_eq!(parse_for("demo", title, example).is_err(), project == "admin", "{title}");
        let command = parse_for(project, title, example);
        assert!(command.is_ok(), "{title}: {command:?}");
    }
    let known: BTreeSet<String> = RESOURCES
        .iter()
        .flat_map(|(resource, verbs)| verbs.iter().map(move |verb| format!("{resource}.{verb}")))
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn every_refusal_code_is_documented() {
    let text = commands_md();
    let table = text.split("## Refusal codes").nth(1).unwrap();
    let documented: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<&str> = RefusalCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, known);
}
