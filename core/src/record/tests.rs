//! The golden records: what this release writes, and what every later one must read.
//!
//! `STELE_BLESS=1 cargo test -p stele-core golden` writes them anew. They are of format version 1, so that is right
//! only until version 1 is released; after that a new version gets a folder of its own and this one stays. Those of the
//! folder `record-v1-first` were written before snapshots, attachments and groups; they are never written anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::audit::audit;
use crate::command::RESOURCES;
use crate::digest::StateDigest;
use crate::fold::{Folded, Folding};
use crate::port::LogEntry;
use crate::scenario::{event_names, everything};

/// What this release writes.
const TODAY: &str = "record-v1";
/// What was written first.
const FIRST: &str = "record-v1-first";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The records in the order of the log. A file ends with a line end that is not part of the record.
fn golden(name: &str) -> Vec<LogEntry> {
    let read = |position: u64| {
        let text = std::fs::read_to_string(folder(name).join(format!("{position:03}.json"))).ok()?;
        let payload = bytes::Bytes::from(text.strip_suffix('\n').unwrap_or(&text).to_owned());
        Some(LogEntry { position: Position(position), payload })
    };
    (1..).map_while(read).collect()
}

fn folded(name: &str) -> (Folded, Vec<Record>) {
    let mut folded = Folded::default();
    let mut records = Vec::new();
    for entry in golden(name) {
        match folded.fold(&entry) {
            Ok(Folding::Applied(record, _)) => records.push(*record),
            other => panic!("position {}: {other:?}", entry.position),
        }
    }
    (folded, records)
}

#[test]
fn golden_records_are_read_and_fold_to_the_same() {
    bless();
    let (folded, records) = folded(TODAY);
    assert!(records.len() > 40, "{} records", records.len());
    assert_eq!(audit(&folded.state), []);
    let text = std::fs::read_to_string(folder(TODAY).join("digest.json")).unwrap();
    let expected: StateDigest = serde_json::from_str(&text).unwrap();
    let digest = StateDigest::of(&folded.state);
    assert_eq!(digest, expected, "{:?}", digest.differences(&expected));
    // They are written as they were: what is in the log is never spelled in another way.
    for (record, entry) in records.iter().zip(golden(TODAY)) {
        let commits: Vec<Vec<u8>> = record.commits.iter().map(|c| serde_json::to_vec(c).unwrap()).collect();
        assert_eq!(bytes::Bytes::from(assemble(&record.head, &commits)), entry.payload);
    }
}

/// Records without the fields that were added since are read as what they meant: they fold to as many rows as then, and
/// what is read is written with those fields.
#[test]
fn the_first_golden_records_are_still_read() {
    let (folded, records) = folded(FIRST);
    assert_eq!(records.len(), 51);
    assert_eq!(audit(&folded.state), []);
    let text = std::fs::read_to_string(folder(FIRST).join("digest.json")).unwrap();
    let then: StateDigest = serde_json::from_str(&text).unwrap();
    let now = StateDigest::of(&folded.state);
    for (table, digest) in &then.tables {
        assert_eq!(now.tables[table].rows, digest.rows, "{table}");
    }
    assert!(folded.state.volumes.values().all(|volume| volume.group.is_none() && volume.attachments.is_empty()));
    for event in records.iter().flat_map(|record| &record.commits).flat_map(|commit| &commit.events) {
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<crate::event::Event>(&json).unwrap(), event);
    }
}

#[test]
fn golden_records_hold_every_event_and_every_command() {
    bless();
    let (_, records) = folded(TODAY);
    let commits: Vec<&Commit> = records.iter().flat_map(|record| &record.commits).collect();
    let events: BTreeSet<&str> = commits.iter().flat_map(|commit| &commit.events).map(|event| event.name()).collect();
    assert_eq!(events, event_names().into_iter().collect::<BTreeSet<_>>());
    for (resource, verbs) in RESOURCES {
        for verb in *verbs {
            let asked = |commit: &&Commit| {
                commit.subject.ends_with(&format!(".{resource}.{verb}")) && commit.refusal().is_none()
            };
            assert!(commits.iter().any(asked), "{resource}.{verb} is not among them");
        }
    }
    let some = |what: &str, found: &dyn Fn(&Commit) -> bool| {
        assert!(commits.iter().any(|commit| found(commit)), "no {what}");
    };
    some("refusal", &|commit| commit.refusal().is_some());
    some("noise", &|commit| matches!(commit.command, Verbatim::Noise { .. }));
    some("report", &|commit| commit.source == Source::Report);
    some("timer", &|commit| commit.source == Source::Timer);
    some("inbox", &|commit| matches!(commit.source, Source::Inbox(_)));
    some("chosen id", &|commit| commit.id_given);
    assert!(records.iter().filter(|record| record.head.claim.is_some()).count() >= 3);
    assert!(records.iter().any(|record| record.commits.len() > 2));
}

/// Today's code decides the story as the golden records tell it. When that changes on purpose, the records stay (they
/// are history) and this test gets a story of its own.
#[test]
fn golden_records_are_what_is_written_today() {
    bless();
    let told = everything::told().log;
    for (entry, golden) in told.iter().zip(golden(TODAY)) {
        assert_eq!(
            String::from_utf8_lossy(&entry.payload),
            String::from_utf8_lossy(&golden.payload),
            "position {}",
            entry.position
        );
    }
    assert_eq!(told.len(), golden(TODAY).len());
}

#[expect(clippy::disallowed_methods, reason = "only on demand, to write the golden files")]
fn bless() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    if std::env::var_os("STELE_BLESS").is_none() {
        return;
    }
    ONCE.call_once(|| {
        let cell = everything::told();
        std::fs::create_dir_all(folder(TODAY)).unwrap();
        for entry in &cell.log {
            let mut text = entry.payload.to_vec();
            text.push(b'\n');
            std::fs::write(folder(TODAY).join(format!("{:03}.json", entry.position.0)), text).unwrap();
        }
        let digest = serde_json::to_string_pretty(&StateDigest::of(cell.state())).unwrap();
        std::fs::write(folder(TODAY).join("digest.json"), format!("{digest}\n")).unwrap();
    });
}

#[test]
fn a_message_is_kept_whole_or_by_its_beginning() {
    let json = br#" {"a": 1,  "b":"\u00e4"} "#;
    assert_eq!(Verbatim::of(json).text(), r#"{"a": 1,  "b":"\u00e4"}"#);
    let long = vec![b'x'; 10_000];
    let broken = [b"ab\xff\xfe".as_slice(), &long].concat();
    let big = format!("\"{}\"", "y".repeat(192 * 1024));
    for noise in [&long[..], &broken, big.as_bytes(), b"", b"{", b"\xff"] {
        let kept = Verbatim::of(noise);
        let Verbatim::Noise { text, bytes, sha256 } = &kept else { panic!("{kept:?}") };
        assert!(text.chars().count() <= NOISE_CHARS_MAX);
        assert_eq!((*bytes, *sha256), (noise.len(), Hash::of(noise)));
        let json = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Verbatim>(&json).unwrap(), kept);
        assert!(json.len() < 4096);
    }
}
