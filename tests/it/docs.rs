//! What the documents say about commands is what the code does.

use std::collections::BTreeSet;

use bytes::Bytes;
use stele_core::command::{Incoming, RESOURCES, Source, parse};
use stele_core::id::CommandId;
use stele_core::refusal::RefusalCode;

fn commands_md() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md")).unwrap()
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
        let project = if title.starts_with("volume") { "demo" } else { "admin" };
        let parsed = parse(&Incoming {
            subject: format!("stele.ask.{project}.{title}"),
            payload: Bytes::from(example.to_owned()),
            source: Source::Ask,
            fallback_id: CommandId(uuid::Uuid::nil()),
        });
        assert!(parsed.command.is_ok(), "{title}: {:?}", parsed.command);
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
