use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use stele_core::chain::Chain;
use stele_core::fold::Folded;
use stele_core::id::VolumeId;
use stele_core::moment::Moment;
use stele_core::port::Log as _;
use stele_core::port::LogReader as _;
use stele_core::port::memory::MemoryLog;
use stele_core::unit::{Hash, Position};
use tempfile::TempDir;

use super::layout::{FORMAT, encode_header};
use super::*;
use crate::at::{Which, at};
use crate::diff::diff;
use crate::progress::Silent;
use crate::show::{Subject, render_entry, show};
use crate::source::SourceError;
use crate::testing::{Cell, FixedLog, run, text, volume};
use crate::verify::{Beginning, VerifyOptions, verify, verify_behind};

/// Small enough for the small logs here to have several frames.
const SMALL_FRAME: usize = 2048;

fn options(path: &Path) -> ExportOptions {
    ExportOptions {
        path: path.to_owned(),
        from: Position(1),
        to: None,
        force: false,
        stream: "STELE_LOG".to_owned(),
        shard: 0,
        frame_bytes: SMALL_FRAME,
    }
}

fn folder() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (path, part) = (folder.path().join("log.stele"), folder.path().join("log.stele.part"));
    (folder, path, part)
}

/// A day's log with strays in it.
fn log() -> MemoryLog {
    let mut cell = Cell::busy_day();
    cell.stray(b"noise");
    cell.stray(b"");
    cell.create(9, 1);
    cell.log
}

/// One whose export is short enough for every byte of it to be tried.
fn short_log() -> MemoryLog {
    let mut cell = Cell::new();
    cell.stray(b"noise");
    cell.backend("n1@lvm#vg", 30.0);
    cell.create(1, 1);
    cell.log
}

fn make<L: stele_core::port::Log>(log: &L, options: &ExportOptions) -> Result<Exported, ExportError> {
    run(export(log, options, &mut Silent))
}

/// Opens and checks.
fn open(path: &Path) -> Result<ExportedLog, FileError> {
    let file = ExportedLog::open(path)?;
    file.check(&mut Silent)?;
    Ok(file)
}

fn entries(file: &ExportedLog) -> Vec<stele_core::port::LogEntry> {
    let mut reader = file.reader(Position(1));
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

/// The chain behind the first messages of a log.
fn chain_behind(log: &MemoryLog, position: u64) -> Chain {
    let mut folded = Folded::default();
    for entry in log.entries().iter().take(usize::try_from(position).unwrap()) {
        folded.fold(entry).unwrap();
    }
    folded.chain
}

#[test]
fn a_file_holds_the_log_message_by_message() {
    let (_folder, path, part) = folder();
    let log = log();
    let exported = make(&log, &options(&path)).unwrap();
    let file = open(&path).unwrap();
    assert_eq!(entries(&file), log.entries());
    assert!(file.footer().frames > 3, "several frames, or the tests here show nothing: {}", file.footer().frames);
    assert_eq!(file.header().before, Chain::default());
    let tail = log.entries().len() as u64;
    assert_eq!(file.footer().head, chain_behind(&log, tail));
    assert_eq!((file.footer().messages, file.footer().strays), (tail, 2));
    assert_eq!(file.footer().records, tail - 2);
    assert_eq!(file.footer().bytes, log.entries().iter().map(|entry| entry.payload.len() as u64).sum::<u64>());
    assert_eq!((exported.file_bytes, exported.sha256), (fs::metadata(&path).unwrap().len(), file.sum()));
    assert_eq!(exported.added, tail);
    assert!(!part.exists());
    // As a log: any place, whatever the batches.
    for from in 1..=tail + 1 {
        let mut reader = run(file.read_from(Position(from))).unwrap();
        let batch = run(reader.next_batch(5)).unwrap();
        assert_eq!(batch, log.entries().into_iter().skip(from as usize - 1).take(5).collect::<Vec<_>>());
        let one = run(file.get(Position(from))).unwrap();
        assert_eq!(one, log.entries().into_iter().nth(from as usize - 1));
    }
    assert_eq!(run(file.get(Position(0))), Ok(None));
    assert!(run(file.append(Bytes::new(), Position(tail))).is_err());
}

#[test]
fn an_empty_log_is_an_empty_file() {
    let (_folder, path, _) = folder();
    let exported = make(&MemoryLog::new(), &options(&path)).unwrap();
    assert!(text(|out| exported.render(out)).starts_with("exported  nothing"));
    let file = open(&path).unwrap();
    assert_eq!((entries(&file), file.footer().last), (vec![], Position(0)));
    assert!(run(verify(&file, VerifyOptions::default(), &mut Silent)).unwrap().ok);
}

#[test]
fn every_range_begins_with_the_hash_that_it_builds_on() {
    let (_folder, path, _) = folder();
    let log = log();
    let tail = log.entries().len() as u64;
    for from in 1..=tail {
        for to in from..=tail {
            let wanted = ExportOptions { from: Position(from), to: Some(Position(to)), force: true, ..options(&path) };
            make(&log, &wanted).unwrap();
            let file = open(&path).unwrap();
            let range: Vec<_> = (from..=to).map(|position| log.entries()[position as usize - 1].clone()).collect();
            assert_eq!(entries(&file), range);
            assert_eq!(file.header().before, chain_behind(&log, from - 1));
            assert_eq!(file.footer().head, chain_behind(&log, to));
            let beginning = Beginning { first: file.header().first, before: file.header().before };
            let found = run(verify_behind(&file, beginning, VerifyOptions::default(), &mut Silent)).unwrap();
            assert!(found.ok, "{from} to {to}: {:?}", found.first_bad);
            assert_eq!((found.head.hash, found.digest), (file.footer().head.hash, None));
        }
    }
    for (from, to) in [(0, 3), (4, 3)] {
        let wanted = ExportOptions { from: Position(from), to: Some(Position(to)), force: true, ..options(&path) };
        assert!(matches!(make(&log, &wanted), Err(ExportError::Range { .. })), "{from} to {to}");
    }
    let (asked, tail) = (Position(tail + 1), Position(tail));
    let beyond = Err(ExportError::Source(SourceError::BeyondTail { asked, tail }));
    assert_eq!(make(&log, &ExportOptions { to: Some(asked), force: true, ..options(&path) }), beyond);
    assert_eq!(make(&log, &ExportOptions { from: asked, force: true, ..options(&path) }), beyond);
}

#[test]
fn a_range_whose_chain_is_broken_is_found() {
    let (_folder, path, _) = folder();
    let log = log();
    let wanted = ExportOptions { from: Position(6), ..options(&path) };
    make(&log, &wanted).unwrap();
    let file = open(&path).unwrap();
    let before = Chain { hash: Hash::of(b"other"), ..file.header().before };
    let beginning = Beginning { first: Position(6), before };
    let found = run(verify_behind(&file, beginning, VerifyOptions::default(), &mut Silent)).unwrap();
    assert!(!found.ok);
    // Folding from nothing is refused by name, by every reader alike.
    let folded = run(at(&file, Moment::Head, &mut Silent)).unwrap_err().to_string();
    assert!(folded.contains("the log begins at position 6"), "{folded}");
}

/// A file that ends anywhere is no export, and as an unfinished one it becomes the very same file again.
#[test]
fn a_cut_at_every_byte_is_noticed_and_goes_on() {
    let (_folder, path, part) = folder();
    let log = short_log();
    let tail = log.entries().len() as u64;
    make(&log, &options(&path)).unwrap();
    let whole = fs::read(&path).unwrap();
    assert!(open(&path).unwrap().footer().frames > 1);
    let mut added_least = tail;
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = open(&path).unwrap_err();
        assert_eq!(error, FileError::Cut(path.clone()), "cut to {length} bytes");
        assert!(matches!(make(&log, &options(&path)), Err(ExportError::Exists { .. })));
        fs::rename(&path, &part).unwrap();
        let exported = make(&log, &options(&path)).unwrap();
        added_least = added_least.min(exported.added);
        assert_eq!(fs::read(&path).unwrap(), whole, "cut to {length} bytes");
    }
    assert_eq!(added_least, 0, "with all frames there nothing is read again");
    let mut longer = whole;
    longer.push(0);
    fs::write(&path, &longer).unwrap();
    assert_eq!(open(&path).unwrap_err(), FileError::Cut(path.clone()));
}

/// Whatever byte changes is found before anything is told from the file.
#[test]
fn each_changed_byte_is_found() {
    let (_folder, path, part) = folder();
    let log = short_log();
    make(&log, &options(&path)).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        for flip in [1 << (at % 8), 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            fs::write(&path, &damaged).unwrap();
            assert!(open(&path).is_err(), "byte {at} ^ {flip:#x}");
        }
        if at >= 64 && at % 4 != 0 {
            continue;
        }
        // An unfinished file with the same damage goes on before it, or is refused; it never becomes another file.
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&part, &damaged).unwrap();
        fs::remove_file(&path).unwrap();
        match make(&log, &options(&path)) {
            Ok(_) => assert_eq!(fs::read(&path).unwrap(), whole, "byte {at}"),
            Err(error) => {
                assert_eq!(error, FileError::NotAnExport(part.clone()).into(), "byte {at}");
                assert!(at < 8, "only the first bytes say that it is somebody else's");
            }
        }
    }
}

#[test]
fn an_export_that_a_hole_stopped_goes_on_once_it_is_mended() {
    let (_folder, path, part) = folder();
    let log = log();
    let mut holed = FixedLog { entries: log.entries() };
    holed.entries.remove(10);
    let hole = SourceError::Hole { from: Position(11), to: Position(11) };
    assert_eq!(make(&holed, &options(&path)), Err(hole.into()));
    assert!(part.exists() && !path.exists());
    let exported = make(&log, &options(&path)).unwrap();
    assert!(exported.added < exported.footer.messages, "{}", exported.added);
    assert_eq!(entries(&open(&path).unwrap()), log.entries());
}

#[test]
fn a_whole_file_is_extended_by_what_came_since_and_by_nothing_else() {
    let (_folder, path, part) = folder();
    let log = log();
    let tail = log.entries().len() as u64;
    make(&log, &ExportOptions { to: Some(Position(7)), ..options(&path) }).unwrap();
    let again = make(&log, &ExportOptions { to: Some(Position(7)), ..options(&path) }).unwrap();
    assert_eq!((again.added, again.footer.last), (0, Position(7)));
    let exported = make(&log, &options(&path)).unwrap();
    assert_eq!((exported.added, exported.footer.messages), (tail - 7, tail));
    assert_eq!(entries(&open(&path).unwrap()), log.entries());

    let refused = |options: &ExportOptions, log: &MemoryLog| {
        let before = fs::read(&path).unwrap();
        let error = make(log, options).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), before, "{error}");
        assert!(!part.exists(), "{error}");
        error.to_string()
    };
    let shorter = refused(&ExportOptions { to: Some(Position(7)), ..options(&path) }, &log);
    assert!(shorter.ends_with("more than is asked for"), "{shorter}");
    let later = refused(&ExportOptions { from: Position(2), ..options(&path) }, &log);
    assert!(later.ends_with("it begins with position 1, not 2"), "{later}");
    let shard = refused(&ExportOptions { shard: 1, ..options(&path) }, &log);
    assert!(shard.ends_with("it is of shard 0 in stream STELE_LOG"), "{shard}");
    let mut other = Cell::with_pools();
    while other.tail() <= Position(tail) {
        other.create(u128::from(other.tail().0), 1);
    }
    let other = refused(&options(&path), &other.log);
    assert!(other.contains(&format!("differ at position {tail}")), "{other}");

    fs::write(&path, b"a letter").unwrap();
    let letter = refused(&options(&path), &log);
    assert!(letter.contains("is no export of a log"), "{letter}");
    make(&log, &ExportOptions { force: true, ..options(&path) }).unwrap();
    assert_eq!(entries(&open(&path).unwrap()), log.entries());
}

#[test]
fn an_unfinished_file_is_gone_on_with_only_where_it_fits() {
    let (_folder, path, part) = folder();
    let log = log();
    let whole = |log: &MemoryLog| {
        make(log, &ExportOptions { force: true, ..options(&path) }).unwrap();
        fs::read(&path).unwrap()
    };
    let bytes = whole(&log);
    let mut other = Cell::with_pools();
    other.create(77, 1);
    let others = whole(&other.log);
    fs::remove_file(&path).unwrap();

    // Of another log: it is kept.
    fs::write(&part, &others).unwrap();
    assert!(matches!(make(&log, &options(&path)), Err(ExportError::Differs { .. })));
    assert!(part.exists());
    // Of another beginning.
    fs::write(&part, &bytes).unwrap();
    let wanted = ExportOptions { from: Position(3), ..options(&path) };
    assert!(matches!(make(&log, &wanted), Err(ExportError::Exists { .. })));
    // Longer than what is asked for: the frames behind are dropped.
    fs::write(&part, &bytes).unwrap();
    make(&log, &ExportOptions { to: Some(Position(9)), ..options(&path) }).unwrap();
    assert_eq!(entries(&open(&path).unwrap()), log.entries()[..9]);
    // In the hands of another process.
    let held = fs::File::create(&part).unwrap();
    held.try_lock().unwrap();
    assert_eq!(make(&log, &options(&path)), Err(ExportError::Busy(part)));
}

#[test]
fn a_later_format_is_refused_by_name() {
    let (_folder, path, _) = folder();
    let header = |format, codec: &str| Header {
        format,
        codec: codec.to_owned(),
        stream: "S".to_owned(),
        shard: 0,
        first: Position(1),
        before: Chain::default(),
    };
    for (header, what) in [(header(2, "zstd"), "format version 2"), (header(FORMAT, "lzma"), "compression \"lzma\"")] {
        fs::write(&path, encode_header(&header).unwrap().0).unwrap();
        let newer = FileError::Newer { path: path.clone(), what: what.to_owned() };
        assert_eq!(ExportedLog::open(&path).unwrap_err(), newer);
    }
}

#[test]
fn a_file_tells_what_the_log_tells() {
    let (_folder, path, _) = folder();
    let log = log();
    make(&log, &options(&path)).unwrap();
    let file = open(&path).unwrap();
    let verified = |found: crate::verify::Verification| text(|out| found.render(out));
    assert_eq!(
        verified(run(verify(&file, VerifyOptions::default(), &mut Silent)).unwrap()),
        verified(run(verify(&log, VerifyOptions::default(), &mut Silent)).unwrap())
    );
    for moment in [Moment::Position(Position(8)), Moment::Head] {
        let (a, b) = (run(at(&file, moment, &mut Silent)).unwrap(), run(at(&log, moment, &mut Silent)).unwrap());
        assert_eq!(text(|out| a.render(Which::Volumes, out)), text(|out| b.render(Which::Volumes, out)));
    }
    let (from, to) = (Moment::Position(Position(5)), Moment::Head);
    assert_eq!(run(diff(&file, from, to, &mut Silent)), run(diff(&log, from, to, &mut Silent)));
    assert_eq!(story(&file, volume(1)), story(&log, volume(1)));
}

fn story<L: stele_core::port::Log>(log: &L, volume: VolumeId) -> String {
    let mut told = Vec::new();
    let subject = Subject::volume(&volume.to_string()).unwrap();
    run(show(log, subject, None, &mut Silent, &mut |entry| render_entry(&entry, &mut told))).unwrap();
    assert!(!told.is_empty());
    String::from_utf8(told).unwrap()
}
