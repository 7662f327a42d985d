use std::collections::BTreeMap;
use std::path::PathBuf;

use redb::ReadableTableMetadata as _;
use stele_core::chain::Link;
use stele_core::id::{SnapshotId, VolumeId};
use stele_core::port::LogEntry;
use stele_core::state::{Attachment, Message, Snapshot as VolumeSnapshot, Volume};

use super::*;
use crate::projection::Projection;
use crate::query::{self, HangingPageRequest, Order, Scope, VolumePageRequest};
use crate::rebuild::rebuild;
use crate::testing::random::{Chance, history, ids};
use crate::testing::story;

const FOR_EVER: u64 = 1_000_000;

/// What can be asked, and the answer.
type Answers = BTreeMap<String, String>;

/// Every question that there is.
fn answers(snapshot: &Snapshot) -> Answers {
    let mut all = Answers::new();
    let mut say = |what: String, answer: &dyn fmt::Debug| {
        all.insert(what, format!("{answer:?}"));
    };
    let now = snapshot.moved_at();
    say("cursor".to_owned(), snapshot.cursor());
    say("digest".to_owned(), &snapshot.digest().unwrap());
    say("leader".to_owned(), &snapshot.leader().unwrap());
    for sort in ["created_at:asc", "created_at:desc", "updated_at:desc", "name:asc"] {
        for project in [None, Some("demo"), Some("lab")] {
            let mut request = VolumePageRequest { sort: sort.parse().unwrap(), limit: 2, ..Default::default() };
            request.filter.project = project.map(|project| project.parse().unwrap());
            for page in 0..4 {
                let found = query::volumes(snapshot, &request).unwrap();
                say(format!("volumes {sort} {project:?} {page}"), &found);
                request.marker = found.next_marker;
                if request.marker.is_none() {
                    break;
                }
            }
        }
    }
    let mut volumes: Vec<uuid::Uuid> = ids().collect();
    volumes.extend(snapshot.entities::<Volume>().unwrap().iter().unwrap().map(|volume| volume.unwrap().id.0));
    for id in volumes {
        let flows = query::flows_of_volume(snapshot, VolumeId(id)).unwrap();
        for flow in &flows.flows {
            say(format!("flow {}", flow.id), &query::flow(snapshot, flow.id).unwrap());
        }
        say(format!("flows {id}"), &flows);
        say(format!("volume {id}"), &query::volume(snapshot, VolumeId(id)).unwrap());
        say(format!("decisions {id}"), &query::decisions_of_volume(snapshot, VolumeId(id)).unwrap());
        say(format!("decision {id}"), &query::decision_of_volume(snapshot, VolumeId(id)).unwrap());
        say(format!("snapshot {id}"), &query::snapshot(snapshot, SnapshotId(id)).unwrap());
        let of_volume = HangingPageRequest { volume: Some(VolumeId(id)), ..Default::default() };
        say(format!("snapshots {id}"), &query::snapshots(snapshot, &of_volume).unwrap());
    }
    say("snapshots".to_owned(), &query::snapshots(snapshot, &HangingPageRequest::default()).unwrap());
    say("attachments".to_owned(), &query::attachments(snapshot, &HangingPageRequest::default()).unwrap());
    let pools = query::pools(snapshot, now).unwrap();
    for pool in &pools.pools {
        say(format!("pool {}", pool.name), &query::pool(snapshot, &pool.name, now).unwrap());
    }
    say("pools".to_owned(), &pools);
    say("services".to_owned(), &query::services(snapshot, now).unwrap());
    say("drifts".to_owned(), &query::drifts(snapshot).unwrap());
    say("types".to_owned(), &query::volume_types(snapshot).unwrap());
    say("type gold".to_owned(), &query::volume_type(snapshot, "gold").unwrap());
    for project in ["demo", "lab", "small", "nobody"] {
        let project = project.parse().unwrap();
        say(format!("quotas {project}"), &query::quotas_of_project(snapshot, &project).unwrap());
        for scope in [Scope::All, Scope::Project(&project)] {
            say(format!("count {scope:?}"), &snapshot.count::<Volume>(scope).unwrap());
            let list = snapshot.list::<Attachment>(scope, Order::OldestFirst, None).unwrap();
            say(format!("attachments {scope:?}"), &list.map(Result::unwrap).collect::<Vec<_>>());
            let list = snapshot.list::<VolumeSnapshot>(scope, Order::OldestFirst, None).unwrap();
            say(format!("snapshots {scope:?}"), &list.map(Result::unwrap).collect::<Vec<_>>());
            let list = snapshot.list::<Message>(scope, Order::NewestFirst, None).unwrap();
            say(format!("messages {scope:?}"), &list.map(Result::unwrap).collect::<Vec<_>>());
        }
    }
    say("default types".to_owned(), &snapshot.default_types().unwrap());
    say("log levels".to_owned(), &snapshot.log_levels().unwrap());
    say("configuration".to_owned(), &snapshot.configuration().unwrap());
    say("mark".to_owned(), &snapshot.chain_at_or_before(Position(u64::MAX)).unwrap());
    all
}

type KeyValue = (Vec<u8>, Vec<u8>);

fn collected(rows: impl Iterator<Item = Result<(rows::Bytes, rows::Bytes), StoreError>>) -> Vec<KeyValue> {
    let owned = |row: Result<(rows::Bytes, rows::Bytes), StoreError>| {
        let (key, value) = row.unwrap();
        (key.value().to_vec(), value.value().to_vec())
    };
    rows.map(owned).collect()
}

/// The tables whose rows have a past.
fn versioned() -> impl Iterator<Item = Rows> {
    table::STATE.into_iter().chain(table::DERIVED).filter(|table| table.name() != chain_marks::TABLE.name())
}

/// All rows, but that which tells what is kept.
fn rows_of(snapshot: &Snapshot, table: Rows) -> Vec<KeyValue> {
    let mut rows = collected(snapshot.rows(table).unwrap());
    rows.retain(|(key, _)| table.name() != meta::TABLE.name() || key != meta::PAST);
    rows
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("projection.redb");
    (directory, path)
}

/// What is known at every position, of a projection that knows no past.
struct Expected {
    answers: Vec<Answers>,
    rows: Vec<Vec<Vec<KeyValue>>>,
}

fn expected(entries: &[LogEntry]) -> Expected {
    let (_directory, path) = place();
    let mut projection = Projection::open_keeping(&path, 0).unwrap();
    let mut expected = Expected { answers: Vec::new(), rows: Vec::new() };
    for position in 0..=entries.len() {
        if position > 0 {
            projection.apply(&entries[position - 1..position]).unwrap();
        }
        let snapshot = projection.reader().snapshot().unwrap();
        expected.answers.push(answers(&snapshot));
        expected.rows.push(versioned().map(|table| rows_of(&snapshot, table)).collect());
    }
    expected
}

/// Applies messages in batches of any size.
fn feed(projection: &mut Projection, mut entries: &[LogEntry], chance: &mut Chance) {
    while !entries.is_empty() {
        let count = usize::try_from(1 + chance.below(40)).unwrap().min(entries.len());
        projection.apply(&entries[..count]).unwrap();
        entries = &entries[count..];
    }
}

fn at(reader: &Reader, position: u64) -> Result<Snapshot, PastError> {
    reader.snapshot_at(Moment::Position(Position(position)))
}

/// Compares every answer and every row at every position from `first` on.
fn same_from(reader: &Reader, first: u64, expected: &Expected, chance: &mut Chance) {
    for position in first..expected.answers.len() as u64 {
        let snapshot = at(reader, position).unwrap();
        let index = usize::try_from(position).unwrap();
        let found = answers(&snapshot);
        for (question, answer) in &expected.answers[index] {
            assert_eq!(found.get(question), Some(answer), "{question} at {position}");
        }
        assert_eq!(found.len(), expected.answers[index].len());
        for (table, expected) in versioned().zip(&expected.rows[index]) {
            let name = table.name();
            assert_eq!(&rows_of(&snapshot, table), expected, "{name} at {position}");
            if name != meta::TABLE.name() {
                ranges(&snapshot, table, expected, chance);
            }
        }
    }
    assert!(matches!(at(reader, expected.answers.len() as u64), Err(PastError::NotApplied { .. })));
}

/// Any range, from both ends at once.
fn ranges(snapshot: &Snapshot, table: Rows, all: &[KeyValue], chance: &mut Chance) {
    let key = |chance: &mut Chance| {
        let mut key =
            all.get(usize::try_from(chance.below(all.len() as u64 + 1)).unwrap()).cloned().unwrap_or_default().0;
        if chance.below(3) == 0 {
            key.pop();
        }
        key
    };
    let (a, b) = (key(chance), key(chance));
    let (from, to) = if a <= b { (a, b) } else { (b, a) };
    let bounds = match chance.below(4) {
        0 => (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice())),
        1 => (Bound::Excluded(from.as_slice()), Bound::Included(to.as_slice())),
        2 => (Bound::Unbounded, Bound::Included(to.as_slice())),
        _ => (Bound::Included(from.as_slice()), Bound::Unbounded),
    };
    let mut expected: Vec<&KeyValue> =
        all.iter().filter(|(key, _)| std::ops::RangeBounds::<[u8]>::contains(&bounds, key.as_slice())).collect();
    let mut rows = snapshot.range(table, bounds.0, bounds.1).unwrap();
    loop {
        let back = chance.below(2) == 0;
        let row = if back { rows.next_back() } else { rows.next() };
        let found = collected(row.into_iter()).pop();
        let wanted = if expected.is_empty() {
            None
        } else if back {
            expected.pop()
        } else {
            Some(expected.remove(0))
        };
        assert_eq!(found.as_ref(), wanted, "{} {bounds:?}", table.name());
        if wanted.is_none() {
            break;
        }
    }
}

/// Every position is as exact as if nothing had happened since, however the log came.
#[test]
fn the_past_is_what_was_answered_then() {
    for seed in 0..3 {
        let mut chance = Chance::new(seed + 100);
        let entries = if seed == 0 { story().cell.entries } else { history(seed, 80).entries };
        let expected = expected(&entries);
        let (_directory, path) = place();
        let mut projection = Projection::open_keeping(&path, FOR_EVER).unwrap();
        feed(&mut projection, &entries, &mut chance);
        same_from(&projection.reader(), 0, &expected, &mut chance);
        projection.close().unwrap();
        let projection = Projection::open_keeping(&path, FOR_EVER).unwrap();
        same_from(&projection.reader(), entries.len() as u64 / 2, &expected, &mut chance);
    }
}

/// How many images there are, and how many of them are not needed any more.
fn images(projection: &Projection) -> (u64, u64) {
    let snapshot = projection.reader().snapshot().unwrap();
    let table = snapshot.transaction.open_table(past::TABLE).unwrap();
    let first = projection.first_kept().0;
    let all = table.range::<(u8, &[u8], u64)>(..).unwrap();
    let old = all.filter(|entry| entry.as_ref().unwrap().0.value().2 <= first).count();
    (table.len().unwrap(), old as u64)
}

#[tokio::test]
async fn what_is_not_kept_is_refused_and_what_is_kept_stays_exact() {
    const KEPT: u64 = 30;
    let cell = history(9, 160);
    let mut chance = Chance::new(9);
    let (entries, expected) = (&cell.entries, expected(&cell.entries));
    let first = entries.len() as u64 - KEPT;
    let check = |projection: &Projection, chance: &mut Chance| {
        assert_eq!(projection.first_kept(), Position(first));
        let reader = projection.reader();
        same_from(&reader, first, &expected, chance);
        for too_old in [0, 1, first - 1] {
            let refused = at(&reader, too_old).unwrap_err();
            assert!(matches!(refused, PastError::NotKept { first: named } if named.0 == first), "{refused:?}");
        }
    };
    let (directory, path) = place();
    let mut projection = Projection::open_keeping(&path, KEPT).unwrap();
    feed(&mut projection, entries, &mut chance);
    check(&projection, &mut chance);
    projection.close().unwrap();
    check(&Projection::open_keeping(&path, KEPT).unwrap(), &mut chance);

    // The sweep goes round: what is not needed goes, without anything new being written.
    let mut projection = Projection::open_keeping(&path, KEPT).unwrap();
    let (before, old) = images(&projection);
    for _ in 0..=2 * before / 256 {
        projection.apply(&[]).unwrap();
    }
    assert_eq!(images(&projection), (before - old, 0), "{before} images, {old} of them old");
    check(&projection, &mut chance);

    // Made anew, old messages come in one piece, and the file answers the same.
    let again = directory.path().join("again.redb");
    rebuild(&cell.log(), &again, KEPT, |_| ()).await.unwrap();
    check(&Projection::open_keeping(&again, KEPT).unwrap(), &mut chance);
    let less = directory.path().join("less.redb");
    rebuild(&cell.log(), &less, 0, |_| ()).await.unwrap();
    let less = Projection::open_keeping(&less, 0).unwrap();
    assert_eq!((less.first_kept(), images(&less)), (Position(entries.len() as u64), (0, 0)));
    same_from(&less.reader(), entries.len() as u64, &expected, &mut chance);
}

/// A file that was away for longer than is kept forgets what it had: there is a hole behind it.
#[test]
fn a_hole_in_what_is_kept_is_never_answered_from() {
    let entries = history(5, 120).entries;
    let (begin, rest) = entries.split_at(60);
    let (_directory, path) = place();
    let mut projection = Projection::open_keeping(&path, 30).unwrap();
    projection.apply(begin).unwrap();
    projection.expect_tail(Position(entries.len() as u64));
    projection.apply(rest).unwrap();
    let first = entries.len() as u64 - 30;
    assert_eq!(projection.first_kept(), Position(first));
    let expected = expected(&entries);
    same_from(&projection.reader(), first, &expected, &mut Chance::new(1));
}

#[test]
fn a_time_is_the_last_record_that_was_written_until_then() {
    let entries = history(3, 150).entries;
    let mut chain = Chain::default();
    let mut records = vec![(Timestamp::default(), Position(0))];
    for entry in &entries {
        if let Link::Record(record, hash) = chain.link(entry).unwrap() {
            chain.advance(&record.head, entry.position, hash);
            records.push((record.head.at, entry.position));
        }
    }
    let (_directory, path) = place();
    for kept in [FOR_EVER, 40] {
        let mut projection = Projection::open_keeping(&path, kept).unwrap();
        if projection.cursor().seen == Position(0) {
            feed(&mut projection, &entries, &mut Chance::new(3));
        } else {
            projection.apply(&[]).unwrap();
        }
        let (reader, first) = (projection.reader(), projection.first_kept());
        let first_at = at(&reader, first.0).unwrap().moved_at();
        for (written, _) in &records {
            for micros in [-1, 0, 1] {
                let time = Timestamp::from_micros(written.micros() + micros);
                let position =
                    records.iter().rev().find(|(at, _)| *at <= time).map_or(Position(0), |(_, found)| *found);
                match reader.snapshot_at(Moment::Time(time)) {
                    Ok(snapshot) => assert_eq!(snapshot.position(), position.max(first), "{time}"),
                    Err(PastError::NotKept { .. }) => assert!(time < first_at, "{time}"),
                    Err(error) => panic!("{time}: {error}"),
                }
            }
        }
        assert_eq!(reader.snapshot_at(Moment::Head).unwrap().position(), Position(entries.len() as u64));
    }
}
