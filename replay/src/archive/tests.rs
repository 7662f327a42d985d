use std::fs;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use stele_core::port::memory::MemoryLog;
use stele_core::port::{AppendError, Log, LogEntry, LogReader as _, Unavailable};
use stele_core::unit::Position;
use tempfile::TempDir;

use super::*;
use crate::export::{ExportOptions, FileError, export};
use crate::progress::Silent;
use crate::source::SourceError;
use crate::testing::{Cell, run};
use crate::verify::{VerifyOptions, verify};

const NAMED: Named<'static> = Named { stream: "STELE_LOG", shard: 0 };

/// How far a run gets before it is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    Verified,
    Written,
    Covered,
    Purged,
    End,
}

/// A day's log with strays in it.
fn log() -> MemoryLog {
    let mut cell = Cell::busy_day();
    cell.stray(b"noise");
    cell.stray(b"");
    cell.create(9, 1);
    cell.log
}

fn open(folder: &TempDir, live: &MemoryLog) -> Archived<MemoryLog> {
    Archived::new(Some(Archive::open(folder.path()).unwrap()), live.clone())
}

/// One run, as the command makes it; gives the plan that it had.
fn archive(folder: &TempDir, live: &MemoryLog, wish: Wish, until: Until) -> Result<Option<Plan>, ArchiveError> {
    let writing = Writing::begin(folder.path())?;
    let log = Archived::new(Some(Archive::open(folder.path())?), live.clone());
    run(log.join())?;
    let Some(plan) = plan(log.archive().unwrap(), run(live.tail()).unwrap(), wish)? else { return Ok(None) };
    if plan.new_from.is_none() && run(is_purged(live, plan.through))? {
        return Ok(Some(plan));
    }
    let verified = run(verify_through(&log, &plan, &mut Silent))?;
    if until >= Until::Written {
        run(write(&log, &plan, &verified, &writing, NAMED, &mut Silent))?;
    }
    if until >= Until::Covered {
        let covered = run(cover(&log, &plan, &verified, &mut Silent))?;
        if until >= Until::Purged {
            live.purge_through(covered.through());
        }
        if until == Until::End {
            run(purged(&log, &covered))?;
        }
    }
    Ok(Some(plan))
}

fn through(position: u64) -> Wish {
    Wish { until: Some(Position(position)), keep: 1 }
}

/// All that a log holds, in batches of `max`.
fn entries<L: Log>(log: &L, from: u64, max: usize) -> Vec<LogEntry> {
    let tail = run(log.tail()).unwrap();
    let mut all: Vec<LogEntry> = Vec::new();
    let mut reader = run(log.read_from(Position(from))).unwrap();
    while all.last().map_or(Position(from - 1), |last| last.position) < tail {
        let batch = run(reader.next_batch(max)).unwrap();
        assert!(batch.len() <= max);
        all.extend(batch);
    }
    all
}

/// Files and stream say what the whole log said.
fn says_the_same(folder: &TempDir, live: &MemoryLog, whole: &[LogEntry]) {
    let log = open(folder, live);
    run(log.join()).unwrap();
    for (from, max) in [(1, 1), (1, 7), (3, 1000), (whole.len() as u64, 5)] {
        assert_eq!(entries(&log, from, max), whole[from as usize - 1..]);
    }
    for entry in whole {
        assert_eq!(run(log.get(entry.position)).unwrap().as_ref(), Some(entry));
    }
    assert_eq!(run(log.get(Position(whole.len() as u64 + 1))), Ok(None));
    assert_eq!(run(log.get(Position(0))), Ok(None));
    let before = MemoryLog::new();
    for entry in whole {
        before.inject(entry.payload.clone());
    }
    let found = |found: Result<_, _>| serde_json::to_value::<crate::verify::Verification>(found.unwrap()).unwrap();
    let now = found(run(verify(&log, VerifyOptions::default(), &mut Silent)));
    assert_eq!(now, found(run(verify(&before, VerifyOptions::default(), &mut Silent))));
    assert_eq!(now["ok"], true);
}

#[test]
fn archived_at_any_two_places_it_is_the_log_that_it_was() {
    let whole = log().entries();
    let tail = whole.len() as u64;
    for first in 1..tail - 1 {
        let second = first + 1 + (first * 7) % (tail - first - 1).max(1);
        let (folder, live) = (tempfile::tempdir().unwrap(), log());
        for position in [first, second.min(tail - 1)] {
            archive(&folder, &live, through(position), Until::End).unwrap();
            assert_eq!(live.entries().first().map(|entry| entry.position), Some(Position(position + 1)));
            says_the_same(&folder, &live, &whole);
        }
    }
}

#[test]
fn cut_short_behind_any_step_it_goes_on_and_nothing_is_lost() {
    let whole = log().entries();
    let tail = whole.len() as u64;
    for step in [Until::Verified, Until::Written, Until::Covered, Until::Purged] {
        // The same end again, a later one, and an earlier one than was written.
        for (first, second) in [(9, 9), (9, 14), (9, 4)] {
            let (folder, live) = (tempfile::tempdir().unwrap(), log());
            archive(&folder, &live, through(first), step).unwrap();
            says_the_same(&folder, &live, &whole);
            archive(&folder, &live, through(second), Until::End).unwrap();
            says_the_same(&folder, &live, &whole);
            let purged = if step >= Until::Purged { first.max(second) } else { second };
            assert_eq!(live.entries()[0].position, Position(purged + 1), "{step:?} {first} {second}");
            // Once more: there is nothing left to do.
            let files = fs::read_dir(folder.path()).unwrap().count();
            archive(&folder, &live, through(second), Until::End).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), files);
            archive(&folder, &live, Wish { until: None, keep: 1 }, Until::End).unwrap();
            assert_eq!(live.entries(), whole[tail as usize - 1..]);
            says_the_same(&folder, &live, &whole);
        }
    }
}

#[test]
fn a_file_that_was_cut_short_is_gone_on_with_though_the_end_is_another() {
    let whole = log().entries();
    let (folder, live) = (tempfile::tempdir().unwrap(), log());
    // An export of the range that an earlier run aimed at, without its end.
    let path = folder.path().join(log_file(Position(1), Position(12)));
    let options = ExportOptions {
        path: path.clone(),
        from: Position(1),
        to: Some(Position(12)),
        force: false,
        stream: "STELE_LOG".to_owned(),
        shard: 0,
        frame_bytes: 2048,
    };
    run(export(&live, &options, &mut Silent)).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(path.with_extension("stele.part"), &bytes[..bytes.len() / 2]).unwrap();
    let plan =
        plan(&Archive::open(folder.path()).unwrap(), Position(whole.len() as u64), through(15)).unwrap().unwrap();
    let log = open(&folder, &live);
    let verified = run(verify_through(&log, &plan, &mut Silent)).unwrap();
    let writing = Writing::begin(folder.path()).unwrap();
    let written = run(write(&log, &plan, &verified, &writing, NAMED, &mut Silent)).unwrap().unwrap();
    assert!(written.added > 0 && written.added < 15, "half of it was there: {}", written.added);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the file and the lock");
    assert_eq!(Writing::begin(folder.path()).unwrap_err(), ArchiveError::Busy(folder.path().to_owned()));
    drop(writing);
    archive(&folder, &live, through(15), Until::End).unwrap();
    says_the_same(&folder, &live, &whole);
}

#[test]
fn how_far_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Archive::open(folder.path()).unwrap();
    let wish = |until: Option<u64>, keep| Wish { until: until.map(Position), keep };
    let got = |wish, tail| plan(&empty, Position(tail), wish).map(|plan| plan.map(|plan| plan.through.0));
    assert_eq!(got(wish(None, 100), 250), Ok(Some(150)));
    assert_eq!(got(wish(None, 100), 100), Ok(None));
    assert_eq!(got(wish(None, 100), 0), Ok(None));
    assert_eq!(got(wish(None, 0), 5), Ok(Some(4)), "one always stays");
    assert_eq!(got(wish(Some(150), 100), 250), Ok(Some(150)));
    assert_eq!(got(wish(Some(0), 100), 250), Ok(None));
    let few = ArchiveError::TooFewStay { through: Position(151), left: 99, keep: 100 };
    assert_eq!(got(wish(Some(151), 100), 250), Err(few));
    let beyond = SourceError::BeyondTail { asked: Position(251), tail: Position(250) };
    assert_eq!(got(wish(Some(251), 1), 250), Err(beyond.into()));
}

#[test]
fn files_and_stream_that_are_not_one_history_are_refused_by_name() {
    let whole = log().entries();
    let at = folder_of(&log(), &[9, 14]);
    let path = || at.path().to_owned();
    let stream = |entries: &[LogEntry], purged: u64| {
        let live = MemoryLog::new();
        for entry in entries {
            live.inject(entry.payload.clone());
        }
        live.purge_through(Position(purged));
        live
    };
    let join = |live: &MemoryLog| run(open(&at, live).join());
    for purged in [0, 5, 9, 13, 14] {
        assert_eq!(join(&stream(&whole, purged)), Ok(()), "purged through {purged}");
    }
    let missing = ArchiveError::Gap { folder: path(), from: Position(15), to: Position(16) };
    assert_eq!(join(&stream(&whole, 16)), Err(missing.clone()));
    assert!(missing.to_string().contains("positions 15 to 16 are missing"));
    let shorter = ArchiveError::StreamShorter { folder: path(), tail: Position(8), last: Position(14) };
    assert_eq!(join(&stream(&whole[..8], 0)), Err(shorter));
    // The last message that both hold, the first, and one between; and one behind a purge.
    let changed = |position: usize, purged| {
        let mut entries = whole.clone();
        let mut bytes = entries[position - 1].payload.to_vec();
        bytes.push(b' ');
        entries[position - 1].payload = Bytes::from(bytes);
        stream(&entries, purged)
    };
    for position in [1, 14] {
        let differs = ArchiveError::Differs { folder: path(), position: Position(position as u64) };
        assert_eq!(join(&changed(position, 0)), Err(differs));
    }
    assert_eq!(join(&changed(7, 0)), Ok(()), "the ends are the same");
    let compare = |live: &MemoryLog| run(open(&at, live).compare(&mut Silent));
    let differs = ArchiveError::Differs { folder: path(), position: Position(7) };
    assert_eq!(compare(&changed(7, 0)), Err(differs));
    assert_eq!((compare(&stream(&whole, 0)), compare(&stream(&whole, 10))), (Ok(14), Ok(4)));
    assert_eq!(compare(&stream(&whole, 14)), Ok(0));
    // Another cell's stream goes on where this one was purged.
    let mut other = Cell::with_pools();
    while other.tail() < Position(20) {
        other.create(u128::from(other.tail().0), 1);
    }
    let other = stream(&other.log.entries(), 14);
    assert!(matches!(join(&other), Err(ArchiveError::Differs { position: Position(14), .. })), "{:?}", join(&other));
}

/// An archive that was made up to each of these positions, of a log that nothing was purged from.
fn folder_of(live: &MemoryLog, ends: &[u64]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for end in ends {
        archive(&folder, live, through(*end), Until::Written).unwrap();
    }
    folder
}

#[test]
fn files_that_do_not_join_are_refused_by_name() {
    let name = |first, last| log_file(Position(first), Position(last));
    let opened = |folder: &Path| Archive::open(folder).map(|archive| archive.last());
    let at = folder_of(&log(), &[5, 9, 14]);
    assert_eq!(opened(at.path()), Ok(Position(14)));
    fs::write(at.path().join("notes.txt"), "of no concern").unwrap();
    fs::rename(at.path().join(name(6, 9)), at.path().join("away")).unwrap();
    let gap = ArchiveError::Gap { folder: at.path().to_owned(), from: Position(6), to: Position(9) };
    assert_eq!(opened(at.path()), Err(gap));
    fs::copy(at.path().join("away"), at.path().join(name(7, 9))).unwrap();
    let path = at.path().join(name(7, 9));
    assert_eq!(
        opened(at.path()),
        Err(ArchiveError::Misnamed { path: path.clone(), first: Position(6), last: Position(9) })
    );
    fs::remove_file(path).unwrap();
    // The same positions of another log.
    let mut other = Cell::with_pools();
    while other.tail() < Position(20) {
        other.create(u128::from(other.tail().0), 1);
    }
    let others = folder_of(&other.log, &[5, 9]);
    fs::copy(others.path().join(name(6, 9)), at.path().join(name(6, 9))).unwrap();
    assert!(matches!(opened(at.path()), Err(ArchiveError::Parted { .. })), "{:?}", opened(at.path()));
    fs::rename(at.path().join("away"), at.path().join(name(6, 9))).unwrap();
    let once = folder_of(&log(), &[9]);
    fs::copy(once.path().join(name(1, 9)), at.path().join(name(1, 9))).unwrap();
    assert!(matches!(opened(at.path()), Err(ArchiveError::Overlap { .. })), "{:?}", opened(at.path()));
    let nowhere = at.path().join("nowhere");
    assert!(matches!(opened(&nowhere), Err(ArchiveError::Io { path, .. }) if path == nowhere));
}

#[test]
fn what_is_damaged_or_unsound_is_never_purged() {
    // A file of an earlier run, damaged before the stream was purged.
    let (folder, live) = (tempfile::tempdir().unwrap(), log());
    archive(&folder, &live, through(9), Until::Covered).unwrap();
    let path = folder.path().join(log_file(Position(1), Position(9)));
    let good = fs::read(&path).unwrap();
    let mut bytes = good.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let archived = Archive::open(folder.path()).unwrap();
    assert!(matches!(archived.check(&mut Silent), Err(FileError::Damaged { .. })));
    let failed = archive(&folder, &live, through(9), Until::End).unwrap_err();
    assert!(failed.to_string().contains("damaged"), "{failed}");
    assert_eq!(live.entries(), log().entries());
    fs::write(&path, good).unwrap();
    archive(&folder, &live, through(9), Until::End).unwrap();

    // A log whose records are not whole: nothing is written that may be purged for.
    let live = MemoryLog::new();
    for entry in log().entries() {
        let changed = entry.position == Position(6);
        live.inject(if changed { Bytes::from_static(b"{\"changed\":1}") } else { entry.payload });
    }
    let folder = tempfile::tempdir().unwrap();
    let failed = archive(&folder, &live, through(12), Until::End).unwrap_err();
    assert!(matches!(failed, ArchiveError::NotSound { .. }), "{failed}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the lock");
    assert_eq!(live.entries().len(), log().entries().len());
}

#[test]
fn whoever_reads_while_the_stream_is_purged_goes_on_in_the_files() {
    let whole = log().entries();
    let (folder, live) = (tempfile::tempdir().unwrap(), log());
    let log = open(&folder, &live);
    let mut reader = run(log.read_from(Position(1))).unwrap();
    let mut all = run(reader.next_batch(3)).unwrap();
    archive(&folder, &live, through(9), Until::End).unwrap();
    assert_eq!(run(log.get(Position(2))).unwrap().as_ref(), Some(&whole[1]), "files that came since are found");
    let bare = Archived::new(None, live);
    assert!(run(bare.read_from(Position(2))).is_err());
    assert_eq!(
        run(crate::source::missing(&bare, Position(4))).unwrap(),
        Some(SourceError::Hole { from: Position(4), to: Position(9) })
    );
    while all.len() < whole.len() {
        all.extend(run(reader.next_batch(2)).unwrap());
    }
    assert_eq!(all, whole);
    assert_eq!(
        run(log.append(Bytes::from_static(b"x"), Position(whole.len() as u64))),
        Ok(Position(whole.len() as u64 + 1))
    );
    // By itself it is a log without an end that grows.
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(entries(&archive, 1, 4), whole[..9]);
    assert!(run(archive.append(Bytes::new(), Position(9))).is_err());
    assert!(run(archive.read_from(Position(10))).is_err());
}

/// A stream that takes its time to be opened: whoever waits for it is asked to come again once.
#[derive(Debug, Clone)]
struct Slow(MemoryLog);

impl Log for Slow {
    type Reader = <MemoryLog as Log>::Reader;

    async fn append(&self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        self.0.append(payload, expected).await
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        self.0.tail().await
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        self.0.get(position).await
    }

    async fn read_from(&self, from: Position) -> Result<Self::Reader, Unavailable> {
        let mut again = true;
        std::future::poll_fn(|_| if std::mem::take(&mut again) { Poll::Pending } else { Poll::Ready(()) }).await;
        self.0.read_from(from).await
    }
}

#[test]
fn whoever_gives_up_after_a_moment_gets_over_the_end_of_the_files_all_the_same() {
    let whole = log().entries();
    let at = folder_of(&log(), &[9]);
    let log = Archived::new(Some(Archive::open(at.path()).unwrap()), Slow(log()));
    let mut reader = run(log.read_from(Position(9))).unwrap();
    assert_eq!(run(reader.next_batch(10)).unwrap(), whole[8..9]);
    let mut once = || match pin!(reader.next_batch(10)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(batch) => Some(batch.unwrap()),
        Poll::Pending => None,
    };
    assert_eq!(once(), None, "the stream is being opened");
    assert_eq!(once().as_deref(), whole.get(9..whole.len().min(19)));
}

#[test]
fn the_state_is_described_and_read_back() {
    let (folder, live) = (tempfile::tempdir().unwrap(), log());
    let log = open(&folder, &live);
    let plan = plan(log.archive().unwrap(), run(live.tail()).unwrap(), through(9)).unwrap().unwrap();
    let verified = run(verify_through(&log, &plan, &mut Silent)).unwrap();
    let described = Described::of(&verified, Position(9)).unwrap();
    assert_eq!(Described::read(folder.path(), Position(9)), Ok(None));
    described.write(folder.path()).unwrap();
    assert_eq!(Described::read(folder.path(), Position(9)), Ok(Some(described)));
    fs::copy(Described::file(folder.path(), Position(9)), Described::file(folder.path(), Position(8))).unwrap();
    assert!(matches!(Described::read(folder.path(), Position(8)), Err(ArchiveError::Io { .. })));
    for name in [snapshot_file(Position(9)), snapshot_file(Position(120)), "projection-x.redb".to_owned()] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(log.archive().unwrap().snapshots(), Ok(vec![Position(120), Position(9)]));
    // A whole one makes all but the newest of those before it needless, and none behind it.
    let archive = log.archive().unwrap();
    let writing = Writing::begin(folder.path()).unwrap();
    for position in [20, 60, 121] {
        fs::write(folder.path().join(snapshot_file(Position(position))), "").unwrap();
    }
    let left = folder.path().join(format!("{}.rebuilding", snapshot_file(Position(60))));
    fs::write(&left, "").unwrap();
    assert_eq!(archive.drop_old_snapshots(Position(120), &writing), Ok(vec![Position(20), Position(9)]));
    assert_eq!(archive.snapshots(), Ok(vec![Position(121), Position(120), Position(60)]));
    assert!(!left.exists() && folder.path().join("projection-x.redb").exists());
    assert_eq!(archive.drop_old_snapshots(Position(120), &writing), Ok(vec![]));
    let mut unsound = verified;
    unsound.ok = false;
    assert_eq!(Described::of(&unsound, Position(9)), None);
}
