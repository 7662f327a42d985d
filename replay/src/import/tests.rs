use std::path::PathBuf;

use bytes::Bytes;
use stele_core::port::Log as _;
use stele_core::port::memory::{AppendFault, MemoryLog};
use stele_core::unit::Position;
use tempfile::TempDir;

use super::*;
use crate::export::{ExportOptions, export};
use crate::testing::{Cell, run, text};

/// An export of a part of a log.
fn file(log: &MemoryLog, from: u64, to: Option<u64>) -> (TempDir, ExportedLog) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("log.stele");
    let options = ExportOptions {
        path: path.clone(),
        from: Position(from),
        to: to.map(Position),
        force: false,
        stream: "STELE_LOG".to_owned(),
        shard: 0,
        frame_bytes: 4096,
    };
    run(export(log, &options, &mut Silent)).unwrap();
    (folder, ExportedLog::open(&path).unwrap())
}

fn log() -> MemoryLog {
    let mut cell = Cell::busy_day();
    cell.stray(b"noise");
    cell.create(9, 1);
    cell.log
}

/// A log with the first messages of another.
fn beginning(log: &MemoryLog, count: usize) -> MemoryLog {
    let new = MemoryLog::new();
    for entry in log.entries().into_iter().take(count) {
        new.inject(entry.payload);
    }
    new
}

fn put(file: &ExportedLog, log: &MemoryLog) -> Result<Imported, ImportError> {
    run(import(file, log, &mut Silent))
}

#[test]
fn any_beginning_becomes_the_whole_and_twice_is_once() {
    let log = log();
    let tail = log.entries().len();
    let (_folder, file) = file(&log, 1, None);
    for count in 0..=tail {
        let new = beginning(&log, count);
        let imported = put(&file, &new).unwrap();
        assert_eq!((imported.present, imported.appended), (count as u64, (tail - count) as u64));
        assert_eq!(new.entries(), log.entries(), "from {count}");
        let again = put(&file, &new).unwrap();
        assert_eq!((again.present, again.appended, again.tail), (tail as u64, 0, Position(tail as u64)));
    }
    let longer = beginning(&log, tail);
    longer.inject(Bytes::from_static(b"more"));
    let imported = put(&file, &longer).unwrap();
    assert_eq!((imported.appended, imported.tail), (0, Position(tail as u64 + 1)));
    assert!(text(|out| imported.render(out)).contains("0 appended"));
}

#[test]
fn a_history_that_differs_is_refused_at_the_position_and_left_alone() {
    let log = log();
    let tail = log.entries().len();
    let (_folder, file) = file(&log, 1, None);
    for at in 0..tail {
        for last in [at + 1, tail, tail + 3] {
            let other = beginning(&log, at);
            for _ in at..last {
                other.inject(Bytes::from_static(b"of another history"));
            }
            let before = other.entries();
            assert_eq!(put(&file, &other), Err(ImportError::Diverged(Position(at as u64 + 1))));
            assert_eq!(other.entries(), before);
        }
    }
}

#[test]
fn a_later_file_is_put_behind_the_record_that_it_builds_on_and_nowhere_else() {
    let log = log();
    let tail = log.entries().len() as u64;
    for split in 1..tail {
        let (_a, early) = file(&log, 1, Some(split));
        let (_b, late) = file(&log, split + 1, None);
        let new = MemoryLog::new();
        let gap = ImportError::Gap { first: Position(split + 1), tail: Position(0) };
        assert_eq!(put(&late, &new), Err(gap));
        put(&early, &new).unwrap();
        put(&late, &new).unwrap();
        assert_eq!(new.entries(), log.entries(), "split behind {split}");
        let mut other = Cell::with_pools();
        while other.tail() < Position(split) {
            other.create(u128::from(other.tail().0), 1);
        }
        // The first records of the two cells are the same.
        if other.tail() == Position(split) && other.log.entries() != log.entries()[..split as usize] {
            assert!(matches!(put(&late, &other.log), Err(ImportError::Diverged(_))), "split behind {split}");
        }
    }
}

#[test]
fn lost_answers_are_gone_on_from_and_another_writer_ends_it() {
    let log = log();
    let (_folder, file) = file(&log, 1, None);
    for fault in [AppendFault::LostAnswer, AppendFault::LostRequest, AppendFault::LateRequest] {
        let new = MemoryLog::new();
        let mut once = Some(fault.clone());
        new.set_faults(move |attempt| match attempt.expected {
            Position(6) => once.take().unwrap_or(AppendFault::None),
            _ => AppendFault::None,
        });
        let cut = put(&file, &new).unwrap_err();
        assert!(matches!(cut, ImportError::CutShort { position: Position(7), .. }), "{fault:?}: {cut}");
        assert!(cut.to_string().contains("came to position 6"), "{cut}");
        new.deliver_late();
        put(&file, &new).unwrap();
        assert_eq!(new.entries(), log.entries(), "{fault:?}");
    }
    // A server with much to do may refuse what came too early, and with it all that is behind.
    let new = MemoryLog::new();
    let mut early = Some(AppendFault::Refused("the log ends at 4, before 6: it has lost records".to_owned()));
    new.set_faults(move |attempt| match attempt.expected {
        Position(6) => early.take().unwrap_or(AppendFault::None),
        _ => AppendFault::None,
    });
    put(&file, &new).unwrap();
    assert_eq!(new.entries(), log.entries());
    let new = MemoryLog::new();
    new.set_faults(|attempt| match attempt.expected {
        Position(6) => AppendFault::Foreign(Bytes::from_static(b"a control's")),
        Position(8) => AppendFault::Refused("full".to_owned()),
        _ => AppendFault::None,
    });
    assert_eq!(put(&file, &new), Err(ImportError::Taken(Position(7))));
    assert_eq!(put(&file, &new), Err(ImportError::Diverged(Position(7))));
    new.lose_behind(Position(6));
    run(new.append(log.entries()[6].payload.clone(), Position(6))).unwrap_err();
    new.lose_behind(Position(6));
    new.set_faults(|attempt| match attempt.expected {
        Position(8) => AppendFault::Refused("full".to_owned()),
        _ => AppendFault::None,
    });
    let full = ImportError::Refused { position: Position(9), why: "full".to_owned() };
    assert_eq!(put(&file, &new), Err(full));
    assert_eq!(new.entries(), log.entries()[..8]);
}
