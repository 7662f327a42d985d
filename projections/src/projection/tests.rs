use std::path::PathBuf;

use bytes::Bytes;
use stele_core::audit::audit;
use stele_core::digest::StateDigest;
use stele_core::fold::Folded;
use stele_core::port::LogEntry;
use stele_core::unit::Position;

use super::*;
use crate::testing::story;

fn folded(entries: &[LogEntry]) -> Folded {
    let mut folded = Folded::default();
    for entry in entries {
        folded.fold(entry).unwrap();
    }
    folded
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("projection.redb");
    (directory, path)
}

/// What every query could see, as bytes: the rows of all tables.
fn everything(projection: &Projection) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let snapshot = projection.reader().snapshot().unwrap();
    let mut all = Vec::new();
    for table in table::STATE.into_iter().chain(table::DERIVED) {
        for row in snapshot.rows(table).unwrap() {
            let (key, value) = row.unwrap();
            all.push((table.name().to_owned(), key.value().to_vec(), value.value().to_vec()));
        }
    }
    all
}

#[test]
fn an_empty_projection_is_the_state_before_the_first_record() {
    let (_directory, path) = place();
    let projection = Projection::open(&path).unwrap();
    assert_eq!(projection.digest().unwrap(), (Position(0), StateDigest::of(&State::default())));
}

#[test]
fn the_digest_of_the_rows_is_that_of_the_state_however_the_log_was_cut() {
    let story = story();
    let expected = folded(&story.cell.entries);
    assert_eq!(audit(&expected.state), Vec::new());
    let mut first: Option<Vec<_>> = None;
    for batch in [1, 2, 7, 1000] {
        let (_directory, path) = place();
        let mut projection = Projection::open(&path).unwrap();
        for entries in story.cell.entries.chunks(batch) {
            projection.apply(entries).unwrap();
        }
        let (position, digest) = projection.digest().unwrap();
        assert_eq!(position, expected.chain.position);
        assert_eq!(digest.differences(&StateDigest::of(&expected.state)), Vec::<String>::new(), "batches of {batch}");
        assert_eq!(digest, StateDigest::of(projection.state()));
        assert_eq!(projection.cursor().chain, expected.chain);
        // The histories and indexes too do not depend on how the log was cut.
        let rows = everything(&projection);
        assert_eq!(first.get_or_insert_with(|| rows.clone()), &rows, "batches of {batch}");
    }
}

#[test]
fn it_opens_again_where_it_was_closed() {
    let story = story();
    let (_directory, path) = place();
    let (begin, rest) = story.cell.entries.split_at(20);
    let mut projection = Projection::open(&path).unwrap();
    projection.apply(begin).unwrap();
    projection.close().unwrap();
    let mut projection = Projection::open(&path).unwrap();
    assert_eq!(projection.cursor().seen, Position(20));
    let loaded = projection.state().clone();
    assert_eq!(StateDigest::of(&loaded), StateDigest::of(&folded(begin).state));
    assert_eq!(audit(&loaded), Vec::new(), "the indexes over the state are loaded as well");
    projection.apply(rest).unwrap();
    assert_eq!(projection.digest().unwrap().1, StateDigest::of(&folded(&story.cell.entries).state));
    assert!(matches!(Projection::open(&path), Err(OpenError::Busy { .. })));
}

#[test]
fn a_crash_between_batches_leaves_an_older_state_that_catches_up() {
    let story = story();
    let (directory, path) = place();
    let mut projection = Projection::open(&path).unwrap();
    projection.apply(&story.cell.entries[..10]).unwrap();
    projection.flush().unwrap();
    for entry in &story.cell.entries[10..30] {
        projection.apply(std::slice::from_ref(entry)).unwrap();
    }
    // The file as a killed process leaves it: nothing of what closing would write.
    let crashed = directory.path().join("crashed.redb");
    std::fs::copy(&path, &crashed).unwrap();
    let mut survivor = Projection::open(&crashed).unwrap();
    let seen = survivor.cursor().seen.0;
    assert!((10..=30).contains(&seen), "{seen}");
    let position = usize::try_from(seen).unwrap();
    assert_eq!(survivor.digest().unwrap().1, StateDigest::of(&folded(&story.cell.entries[..position]).state));
    survivor.apply(&story.cell.entries[position..]).unwrap();
    projection.apply(&story.cell.entries[30..]).unwrap();
    assert_eq!(everything(&survivor), everything(&projection));
}

#[test]
fn strays_are_skipped_and_counted() {
    let mut entries = story().cell.entries;
    let (_directory, path) = place();
    let mut projection = Projection::open(&path).unwrap();
    let behind = Position(entries.len() as u64 + 1);
    entries.push(LogEntry { position: behind, payload: Bytes::from_static(b"{\"v\":1}") });
    let applied = projection.apply(&entries).unwrap();
    assert_eq!((applied.position, applied.strays), (behind, 2));
    assert_eq!(applied.records, entries.len() as u64 - 2);
    assert_eq!(projection.cursor().strays, 2);
    let snapshot = projection.reader().snapshot().unwrap();
    assert_eq!((snapshot.position(), snapshot.cursor().chain.position.next()), (behind, behind));
}

#[test]
fn a_batch_that_does_not_follow_changes_nothing() {
    let story = story();
    let (_directory, path) = place();
    let mut projection = Projection::open(&path).unwrap();
    projection.apply(&story.cell.entries[..5]).unwrap();
    let before = everything(&projection);
    let gap = projection.apply(&story.cell.entries[6..8]).unwrap_err();
    assert_eq!(gap.to_string(), "position 7 was given where 6 is next");
    // The first message is good, the second continues the chain and cannot be read.
    let (head, mut bad) = (story.cell.entries[5].clone(), story.cell.entries[6].clone());
    let text = String::from_utf8(bad.payload.to_vec()).unwrap().replace("\"events\":[{\"", "\"events\":[{\"un");
    bad.payload = Bytes::from(text);
    let error = projection.apply(&[head, bad]).unwrap_err();
    assert!(matches!(error, ApplyError::Fold(FoldError::Unreadable(_))), "{error:?}");
    assert_eq!(everything(&projection), before);
    projection.apply(&story.cell.entries[5..]).unwrap();
}

#[test]
fn what_is_no_projection_of_this_format_is_refused_by_name() {
    let (_directory, path) = place();
    std::fs::write(&path, b"something else entirely").unwrap();
    assert!(matches!(Projection::open(&path), Err(OpenError::Damaged { .. })));
    std::fs::remove_file(&path).unwrap();

    drop(Projection::open(&path).unwrap());
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(meta::TABLE.definition()).unwrap().insert(b"format".as_slice(), [9; 8].as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Projection::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::OtherFormat { found: (0x0909_0909, _), .. }), "{error:?}");
    assert!(error.to_string().contains("stele replay rebuild"));

    let nowhere = path.with_file_name("no such directory").join("projection.redb");
    assert!(matches!(Projection::open(&nowhere), Err(OpenError::Unusable { .. })));
}

#[test]
fn a_row_that_cannot_be_read_is_damage() {
    let (_directory, path) = place();
    drop(Projection::open(&path).unwrap());
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(table::volumes::TABLE.definition())
        .unwrap()
        .insert([1; 16].as_slice(), [7].as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(Projection::open(&path), Err(OpenError::Damaged { .. })));
}

#[test]
fn a_snapshot_stays_where_it_was_taken() {
    let story = story();
    let (_directory, path) = place();
    let mut projection = Projection::open(&path).unwrap();
    projection.apply(&story.cell.entries[..12]).unwrap();
    let snapshot = projection.reader().snapshot().unwrap();
    projection.apply(&story.cell.entries[12..]).unwrap();
    assert_eq!(snapshot.position(), Position(12));
    let (position, digest) = snapshot.digest().unwrap();
    assert_eq!((position, digest), (Position(12), StateDigest::of(&folded(&story.cell.entries[..12]).state)));
}
