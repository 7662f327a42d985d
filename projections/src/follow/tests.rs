use bytes::Bytes;
use stele_core::digest::StateDigest;
use stele_core::port::memory::MemoryLog;
use stele_core::state::State;
use tokio::task::JoinHandle;

use super::*;
use crate::projection::HISTORY_DEFAULT;
use crate::rebuild::{RebuildError, rebuild};
use crate::testing::{Story, story};

struct Following {
    task: JoinHandle<Result<(), FollowError>>,
    stop: watch::Sender<bool>,
    progress: watch::Receiver<Progress>,
}

impl Following {
    fn start(projection: Projection, log: &MemoryLog) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (sender, progress) = watch::channel(Progress::of(&projection));
        let task = tokio::spawn(follow(projection, log.clone(), stopped, sender));
        Self { task, stop, progress }
    }

    async fn reach(&mut self, position: Position) {
        self.progress.wait_for(|progress| progress.position >= position).await.unwrap();
    }

    async fn end(self) -> Result<(), FollowError> {
        self.stop.send(true).ok();
        self.task.await.unwrap()
    }
}

struct Place {
    _directory: tempfile::TempDir,
    path: std::path::PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("projection.redb");
    Place { _directory: directory, path }
}

fn applied(place: &Place, story: &Story, count: usize) -> Projection {
    let mut projection = Projection::open(&place.path).unwrap();
    projection.apply(&story.cell.entries[..count]).unwrap();
    projection
}

#[tokio::test]
async fn it_catches_up_becomes_ready_and_follows() {
    let (place, mut story) = (place(), story());
    let log = story.cell.log();
    let projection = applied(&place, &story, 10);
    assert!(!Progress::of(&projection).is_ready());
    let mut following = Following::start(projection, &log);
    following.reach(story.cell.tail()).await;
    assert!(following.progress.borrow().is_ready());
    assert!(following.progress.borrow().current_at.is_some());
    let before = story.cell.tail();
    story.cell.volume("demo", r#"{"volume":{"size_gib":1}}"#);
    for entry in &story.cell.entries[usize::try_from(before.0).unwrap()..] {
        log.inject(entry.payload.clone());
    }
    following.reach(story.cell.tail()).await;
    following.end().await.unwrap();
    let projection = Projection::open(&place.path).unwrap();
    assert_eq!(projection.cursor().seen, story.cell.tail());
    projection.check_against(&log).await.unwrap();
}

#[tokio::test]
async fn a_log_that_does_not_answer_is_tried_again() {
    let (place, story) = (place(), story());
    let log = story.cell.log();
    log.fail_reads(3);
    let mut following = Following::start(applied(&place, &story, 0), &log);
    following.reach(story.cell.tail()).await;
    // While it is read as well.
    log.fail_reads(2);
    let stray = log.inject(Bytes::from_static(b"stray"));
    following.reach(stray).await;
    following.end().await.unwrap();
}

#[tokio::test]
async fn a_log_that_lost_records_is_refused_at_the_start_and_later() {
    let (place, story) = (place(), story());
    let log = story.cell.log();
    let tail = story.cell.tail();
    let mut following = Following::start(applied(&place, &story, 5), &log);
    following.reach(tail).await;
    let log_tail = Position(tail.0 - 2);
    log.lose_behind(log_tail);
    log.tick();
    // The reader notices only when it reads again: a lost connection does that.
    log.fail_reads(1);
    log.tick();
    let expected = LogError::Shorter { have: tail, log_tail };
    let mut progress = following.progress.clone();
    let error = following.task.await.unwrap().unwrap_err();
    assert!(matches!(&error, FollowError::Log(found) if *found == expected), "{error:?}");
    assert!(error.to_string().contains("stele replay verify"));
    assert!(!progress.borrow_and_update().is_ready());
    assert!(progress.borrow().failure.as_ref().unwrap().contains("has lost records"));

    let projection = Projection::open(&place.path).unwrap();
    assert_eq!(projection.check_against(&log).await, Err(CheckError::Log(expected)));
}

#[tokio::test]
async fn a_log_with_something_else_at_the_place_is_refused() {
    let (place, story) = (place(), story());
    let projection = applied(&place, &story, 8);
    let (expected, position) = (projection.cursor().chain.hash, Position(8));
    let other = MemoryLog::new();
    for entry in &story.cell.entries[..7] {
        other.inject(entry.payload.clone());
    }
    let payload = Bytes::from_static(b"something else");
    other.inject(payload.clone());
    let found = stele_core::unit::Hash::of(&payload);
    let differs = LogError::Differs { position, expected, found };
    assert_eq!(projection.check_against(&other).await, Err(CheckError::Log(differs.clone())));
    assert!(differs.to_string().contains("position 8") && differs.to_string().contains("Nothing is served"));

    let purged = story.cell.log();
    purged.purge_through(position);
    let missing = LogError::Gone { position };
    assert_eq!(projection.check_against(&purged).await, Err(CheckError::Log(missing.clone())));
    assert!(missing.to_string().contains("--archive"));
    // Behind what was purged by more than one.
    purged.purge_through(Position(10));
    let missing = LogError::Gone { position: Position(9) };
    assert_eq!(projection.check_against(&purged).await, Err(CheckError::Log(missing)));

    let unavailable = story.cell.log();
    unavailable.fail_reads(1);
    assert!(matches!(projection.check_against(&unavailable).await, Err(CheckError::Unavailable(_))));
    projection.check_against(&unavailable).await.unwrap();
}

#[tokio::test]
async fn a_stray_at_the_end_that_got_lost_is_loss_too() {
    let (place, mut story) = (place(), story());
    story.cell.stray(b"x");
    let upto = story.cell.entries.len() - 1;
    let projection = applied(&place, &story, upto);
    let log = story.cell.log();
    log.lose_behind(Position(upto as u64 - 1));
    assert!(matches!(projection.check_against(&log).await, Err(CheckError::Log(LogError::Shorter { .. }))));
}

#[tokio::test]
async fn a_record_that_cannot_be_applied_stops_it() {
    let (place, story) = (place(), story());
    let log = MemoryLog::new();
    log.inject(story.cell.entries[0].payload.clone());
    let text = String::from_utf8(story.cell.entries[1].payload.to_vec()).unwrap();
    log.inject(Bytes::from(text.replace("backend_reported", "backend_revolted")));
    let following = Following::start(applied(&place, &story, 0), &log);
    let error = following.task.await.unwrap().unwrap_err();
    assert!(matches!(error, FollowError::Apply(ApplyError::Fold(_))), "{error:?}");
}

#[tokio::test]
async fn a_rebuild_takes_the_place_of_what_was_there() {
    let (place, story) = (place(), story());
    std::fs::write(&place.path, b"damaged").unwrap();
    let log = story.cell.log();
    let mut positions = Vec::new();
    let done = rebuild(&log, &place.path, HISTORY_DEFAULT, |progress| positions.push(progress.position)).await.unwrap();
    assert_eq!((done.position, done.tail, done.strays), (story.cell.tail(), story.cell.tail(), 1));
    assert_eq!(positions.last(), Some(&done.tail));
    let rebuilt = Projection::open(&place.path).unwrap();
    assert_eq!(rebuilt.digest().unwrap().1, StateDigest::of(rebuilt.state()));
    assert_eq!(rebuilt.cursor().seen, story.cell.tail());
    let names: Vec<_> = std::fs::read_dir(place.path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_what_was_there() {
    let (place, story) = (place(), story());
    std::fs::write(&place.path, b"as it was").unwrap();
    let log = story.cell.log();
    log.fail_reads(1);
    assert!(matches!(rebuild(&log, &place.path, HISTORY_DEFAULT, |_| ()).await, Err(RebuildError::Unavailable(_))));
    let unreadable = MemoryLog::new();
    let text = String::from_utf8(story.cell.entries[0].payload.to_vec()).unwrap();
    unreadable.inject(Bytes::from(text.replacen("\"v\":1", "\"v\":2", 1)));
    assert!(matches!(rebuild(&unreadable, &place.path, HISTORY_DEFAULT, |_| ()).await, Err(RebuildError::Apply(_))));
    assert_eq!(std::fs::read(&place.path).unwrap(), b"as it was");
    let names: Vec<_> = std::fs::read_dir(place.path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn an_empty_log_is_rebuilt_too() {
    let place = place();
    let done = rebuild(&MemoryLog::new(), &place.path, HISTORY_DEFAULT, |_| ()).await.unwrap();
    assert_eq!(done.position, Position(0));
    let rebuilt = Projection::open(&place.path).unwrap();
    assert_eq!(rebuilt.digest().unwrap(), (Position(0), StateDigest::of(&State::default())));
}
