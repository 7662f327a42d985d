//! The golden records: what this release writes, and what every later one must read.
//!
//! `STELE_BLESS=1 cargo test -p stele-core golden` writes them anew. They are of format version 1, so that is right
//! only until version 1 is released; after that a new version gets a folder of its own and this one stays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::audit::audit;
use crate::command::RESOURCES;
use crate::digest::StateDigest;
use crate::fold::{Folded, Folding};
use crate::port::LogEntry;
use crate::scenario::{event_names, everything};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/record-v1")
}

/// The records in the order of the log. A file ends with a line end that is not part of the record.
fn golden() -> Vec<LogEntry> {
    let read = |position: u64| {
        let text = std::fs::read_to_string(folder().join(format!("{position:03}.json"))).ok()?;
        let payload = bytes::Bytes::from(text.strip_suffix('\n').unwrap_or(&text).to_owned());
        Some(LogEntry { position: Position(position), payload })
    };
    (1..).map_while(read).collect()
}

fn folded() -> (Folded, Vec<Record>) {
    let mut folded = Folded::default();
    let mut records = Vec::new();
    for entry in golden() {
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
    let (folded, records) = folded();
    assert!(records.len() > 40, "{} records", records.len());
    assert_eq!(audit(&folded.state), []);
    let text = std::fs::read_to_string(folder().join("digest.json")).unwrap();
    let expected: StateDigest = serde_json::from_str(&text).unwrap();
    let digest = StateDigest::of(&folded.state);
    assert_eq!(digest, expected, "{:?}", digest.differences(&expected));
    // They are written as they were: what is in the log is never spelled in another way.
    for (record, entry) in records.iter().zip(golden()) {
        let commits: Vec<Vec<u8>> = record.commits.iter().map(|c| serde_json::to_vec(c).unwrap()).collect();
        assert_eq!(bytes::Bytes::from(assemble(&record.head, &commits)), entry.payload);
    }
}

#[test]
fn golden_records_hold_every_event_and_every_command() {
    bless();
    let (_, records) = folded();
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
    for (entry, golden) in told.iter().zip(golden()) {
        assert_eq!(
            String::from_utf8_lossy(&entry.payload),
            String::from_utf8_lossy(&golden.payload),
            "position {}",
            entry.position
        );
    }
    assert_eq!(told.len(), golden().len());
}

#[expect(clippy::disallowed_methods, reason = "only on demand, to write the golden files")]
fn bless() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    if std::env::var_os("STELE_BLESS").is_none() {
        return;
    }
    ONCE.call_once(|| {
        let cell = everything::told();
        std::fs::create_dir_all(folder()).unwrap();
        for entry in &cell.log {
            let mut text = entry.payload.to_vec();
            text.push(b'\n');
            std::fs::write(folder().join(format!("{:03}.json", entry.position.0)), text).unwrap();
        }
        let digest = serde_json::to_string_pretty(&StateDigest::of(cell.state())).unwrap();
        std::fs::write(folder().join("digest.json"), format!("{digest}\n")).unwrap();
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
