use std::collections::{BTreeMap, VecDeque};
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
use crate::view::VolumeList;

const FOR_EVER: u64 = 1_000_000;

/// What is asked, and the answer.
type Answers = BTreeMap<String, String>;

/// Who asks: says what is to be asked.
type Wanted<'a> = &'a mut dyn FnMut(&str) -> bool;

/// Asks every question that there is, of those that are wanted.
fn answers(snapshot: &Snapshot, wanted: Wanted<'_>) -> Answers {
    let mut all = Answers::new();
    let mut say = |what: String, answer: &dyn Fn() -> Box<dyn fmt::Debug>| {
        if wanted(&what) {
            let answer = format!("{:?}", answer());
            all.insert(what, answer);
        }
    };
    let (now, before) = (snapshot.moved_at(), Position(snapshot.position().0.saturating_sub(1)));
    say("cursor".to_owned(), &|| Box::new(*snapshot.cursor()));
    say("digest".to_owned(), &|| Box::new(snapshot.digest().unwrap()));
    say("leader".to_owned(), &|| Box::new(snapshot.leader().unwrap()));
    for sort in ["created_at:asc", "created_at:desc", "updated_at:desc", "name:asc"] {
        for project in [None, Some("demo"), Some("lab")] {
            say(format!("volumes {sort} {project:?}"), &|| Box::new(pages(snapshot, sort, project)));
        }
    }
    let mut volumes: Vec<uuid::Uuid> = ids().collect();
    volumes.extend(snapshot.entities::<Volume>().unwrap().iter().unwrap().map(|volume| volume.unwrap().id.0));
    for id in volumes {
        let volume = VolumeId(id);
        say(format!("flows {id}"), &|| {
            let flows = query::flows_of_volume(snapshot, volume).unwrap();
            let each: Vec<_> = flows.flows.iter().map(|flow| query::flow(snapshot, flow.id).unwrap()).collect();
            Box::new((flows, each))
        });
        say(format!("volume {id}"), &|| Box::new(query::volume(snapshot, volume).unwrap()));
        say(format!("decisions {id}"), &|| Box::new(query::decisions_of_volume(snapshot, volume).unwrap()));
        say(format!("decision {id}"), &|| Box::new(query::decision_of_volume(snapshot, volume).unwrap()));
        say(format!("snapshot {id}"), &|| Box::new(query::snapshot(snapshot, SnapshotId(id)).unwrap()));
        let of_volume = HangingPageRequest { volume: Some(volume), ..Default::default() };
        say(format!("snapshots {id}"), &|| Box::new(query::snapshots(snapshot, &of_volume).unwrap()));
    }
    say("snapshots".to_owned(), &|| Box::new(query::snapshots(snapshot, &HangingPageRequest::default()).unwrap()));
    say("attachments".to_owned(), &|| Box::new(query::attachments(snapshot, &HangingPageRequest::default()).unwrap()));
    say("pools".to_owned(), &|| {
        let pools = query::pools(snapshot, now).unwrap();
        let each: Vec<_> = pools.pools.iter().map(|pool| query::pool(snapshot, &pool.name, now).unwrap()).collect();
        Box::new((pools, each))
    });
    say("services".to_owned(), &|| Box::new(query::services(snapshot, now).unwrap()));
    say("drifts".to_owned(), &|| Box::new(query::drifts(snapshot).unwrap()));
    say("types".to_owned(), &|| Box::new(query::volume_types(snapshot).unwrap()));
    say("type gold".to_owned(), &|| Box::new(query::volume_type(snapshot, "gold").unwrap()));
    for project in ["demo", "lab", "small", "nobody"] {
        let project = project.parse().unwrap();
        say(format!("quotas {project}"), &|| Box::new(query::quotas_of_project(snapshot, &project).unwrap()));
        for scope in [Scope::All, Scope::Project(&project)] {
            say(format!("lists {scope:?}"), &|| Box::new(lists(snapshot, scope)));
        }
    }
    say("default types".to_owned(), &|| Box::new(snapshot.default_types().unwrap()));
    say("log levels".to_owned(), &|| Box::new(snapshot.log_levels().unwrap()));
    say("configuration".to_owned(), &|| Box::new(snapshot.configuration().unwrap()));
    say("mark".to_owned(), &|| Box::new(snapshot.chain_at_or_before(before).unwrap()));
    all
}

fn pages(snapshot: &Snapshot, sort: &str, project: Option<&str>) -> Vec<VolumeList> {
    let mut request = VolumePageRequest { sort: sort.parse().unwrap(), limit: 2, ..Default::default() };
    request.filter.project = project.map(|project| project.parse().unwrap());
    let mut pages = Vec::new();
    while pages.len() < 4 {
        let found = query::volumes(snapshot, &request).unwrap();
        request.marker = found.next_marker;
        pages.push(found);
        if request.marker.is_none() {
            break;
        }
    }
    pages
}

fn lists(snapshot: &Snapshot, scope: Scope<'_>) -> (u64, Vec<Attachment>, Vec<VolumeSnapshot>, Vec<Message>) {
    let attachments = snapshot.list::<Attachment>(scope, Order::OldestFirst, None).unwrap();
    let snapshots = snapshot.list::<VolumeSnapshot>(scope, Order::OldestFirst, None).unwrap();
    let messages = snapshot.list::<Message>(scope, Order::NewestFirst, None).unwrap();
    (
        snapshot.count::<Volume>(scope).unwrap(),
        attachments.map(Result::unwrap).collect(),
        snapshots.map(Result::unwrap).collect(),
        messages.map(Result::unwrap).collect(),
    )
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
///
/// All rows are compared at each position. Questions read rows and nothing else, and asking takes most of the time: of
/// them each is asked at some positions, by chance; at all of them with STELE_PAST=all.
struct Expected {
    answers: Vec<Answers>,
    rows: Vec<Vec<Vec<KeyValue>>>,
}

/// One question in so many is asked at a position.
const ONE_IN: u64 = 4;

fn expected(entries: &[LogEntry], chance: &mut Chance) -> Expected {
    let one_in = if std::env::var("STELE_PAST").is_ok_and(|value| value == "all") { 1 } else { ONE_IN };
    let (_directory, path) = place();
    let mut projection = Projection::open_keeping(&path, 0).unwrap();
    let mut expected = Expected { answers: Vec::new(), rows: Vec::new() };
    for position in 0..=entries.len() {
        if position > 0 {
            projection.apply(&entries[position - 1..position]).unwrap();
        }
        let snapshot = projection.reader().snapshot().unwrap();
        expected.answers.push(answers(&snapshot, &mut |_| chance.below(one_in) == 0));
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
        let wanted = &expected.answers[index];
        let found = answers(&snapshot, &mut |question| wanted.contains_key(question));
        for (question, answer) in wanted {
            assert_eq!(found.get(question), Some(answer), "{question} at {position}");
        }
        assert_eq!(found.len(), wanted.len());
        for (table, expected) in versioned().zip(&expected.rows[index]) {
            let name = table.name();
            assert_eq!(&rows_of(&snapshot, table), expected, "{name} at {position}");
            if name != meta::TABLE.name() {
                single(&snapshot, table, expected, chance);
                if chance.below(2) == 0 {
                    ranges(&snapshot, table, expected, chance);
                }
            }
        }
    }
    assert!(matches!(at(reader, expected.answers.len() as u64), Err(PastError::NotApplied { .. })));
}

/// Single rows: some that are there, and some that are there now and were not then, or the other way round.
fn single(snapshot: &Snapshot, table: Rows, all: &[KeyValue], chance: &mut Chance) {
    let open = snapshot.open(table).unwrap();
    let get = |key: &[u8]| open.get(key).unwrap().map(|value| value.value().to_vec());
    for (key, value) in all.iter().filter(|_| chance.below(4) == 0) {
        assert_eq!(get(key).as_ref(), Some(value), "{} {key:?}", table.name());
    }
    let now = snapshot.now(table).unwrap();
    for row in now.range::<&[u8]>(..).unwrap().map(Result::unwrap).filter(|_| chance.below(4) == 0) {
        let key = row.0.value();
        let then = all.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok().map(|index| &all[index].1);
        assert_eq!(get(key).as_ref(), then, "{} {key:?}", table.name());
    }
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
    let mut expected: VecDeque<&KeyValue> =
        all.iter().filter(|(key, _)| std::ops::RangeBounds::<[u8]>::contains(&bounds, key.as_slice())).collect();
    let mut rows = snapshot.range(table, bounds.0, bounds.1).unwrap();
    loop {
        let back = chance.below(2) == 0;
        let row = if back { rows.next_back() } else { rows.next() };
        let found = collected(row.into_iter()).pop();
        let wanted = if back { expected.pop_back() } else { expected.pop_front() };
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
        let expected = expected(&entries, &mut chance);
        let (_directory, path) = place();
        let mut projection = Projection::open_keeping(&path, FOR_EVER).unwrap();
        feed(&mut projection, &entries, &mut chance);
        same_from(&projection.reader(), 0, &expected, &mut chance);
        projection.close().unwrap();
        let projection = Projection::open_keeping(&path, FOR_EVER).unwrap();
        same_from(&projection.reader(), entries.len() as u64 * 3 / 4, &expected, &mut chance);
    }
}

/// A file that was made from nothing cannot be told from one that grew, at no position.
#[tokio::test]
async fn a_rebuilt_past_is_the_past() {
    for seed in 20..24 {
        let mut chance = Chance::new(seed);
        let cell = if seed == 20 { story().cell } else { history(seed, 100) };
        let expected = expected(&cell.entries, &mut chance);
        let (_directory, path) = place();
        rebuild(&cell.log(), &path, FOR_EVER, |_| ()).await.unwrap();
        let projection = Projection::open_keeping(&path, FOR_EVER).unwrap();
        same_from(&projection.reader(), 0, &expected, &mut chance);
    }
}

/// Only a step's progress is written over in a story, so that is all that has to be kept of it beside itself.
#[tokio::test]
async fn a_story_tells_its_own_past() {
    let cell = story().cell;
    let (_directory, path) = place();
    let mut grown = Projection::open_keeping(&path, FOR_EVER).unwrap();
    grown.apply(&cell.entries).unwrap();
    let rebuilt = path.with_file_name("rebuilt.redb");
    rebuild(&cell.log(), &rebuilt, FOR_EVER, |_| ()).await.unwrap();
    for projection in [grown, Projection::open_keeping(&rebuilt, FOR_EVER).unwrap()] {
        let snapshot = projection.reader().snapshot().unwrap();
        let images = snapshot.transaction.open_table(past::TABLE).unwrap();
        let all = images.range::<(u8, &[u8], u64)>(..).unwrap();
        let of_stories = all.filter(|image| {
            let number = image.as_ref().unwrap().0.value().0;
            table::numbered(number).unwrap().past() != table::PastIn::Images
        });
        assert_eq!(of_stories.count(), 1);
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
    let (entries, expected) = (&cell.entries, expected(&cell.entries, &mut chance));
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
    let mut chance = Chance::new(1);
    let expected = expected(&entries, &mut chance);
    same_from(&projection.reader(), first, &expected, &mut chance);
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
