//! Several writers fight for one log while its servers are killed; afterwards every promise is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use stele_core::port::{AppendError, Log, LogEntry, LogReader};
use stele_core::unit::Position;
use tokio::time::{Instant, sleep};

use super::log::read_until;

/// What happened in a duel. All but the counts of the first block must be zero.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Records whose append answered `Ok`.
    pub(crate) acknowledged: usize,
    /// Appends that answered `Conflict`.
    pub(crate) conflicts: usize,
    /// Appends that answered `Unavailable`; each was repeated until it was decided.
    pub(crate) unavailable: usize,
    /// Appends that answered `Refused`.
    pub(crate) refused: usize,
    /// Times that the reader that followed the duel was told `Unavailable`.
    pub(crate) reader_unavailable: usize,
    /// The longest time that an append took, in milliseconds.
    pub(crate) slowest_append_ms: u128,

    /// Acknowledged records that do not stand where they were acknowledged.
    pub(crate) lost: usize,
    /// Records that stand in the log more than once.
    pub(crate) duplicates: usize,
    /// Records that stand in the log though their append answered `Conflict` or `Refused`.
    pub(crate) denied_but_stored: usize,
    /// Records of the same writer that stand in the wrong order.
    pub(crate) out_of_order: usize,
    /// Records that the reader that followed the duel saw otherwise than the log holds them.
    pub(crate) reader_differs: usize,
}

impl Outcome {
    /// Asserts that every promise was kept.
    pub(crate) fn assert_sound(&self) {
        let Self { lost, duplicates, denied_but_stored, out_of_order, reader_differs, .. } = self;
        assert_eq!([lost, duplicates, denied_but_stored, out_of_order, reader_differs], [&0; 5], "{self:?}");
        assert!(self.acknowledged > 0, "{self:?}");
    }
}

/// What one writer was told.
#[derive(Default)]
struct Told {
    acknowledged: Vec<(Position, Bytes)>,
    denied: Vec<Bytes>,
    conflicts: usize,
    unavailable: usize,
    refused: usize,
    slowest: Duration,
}

/// Lets one writer per log append for as long as `disturb` lasts, then checks the log record by record.
pub(crate) async fn duel<L: Log>(logs: Vec<L>, disturb: impl Future<Output = ()>) -> Outcome {
    let over = Arc::new(AtomicBool::new(false));
    let first = logs[0].clone();
    let follower = tokio::spawn(follow(first.clone(), Arc::clone(&over)));
    let writers: Vec<_> =
        logs.into_iter().enumerate().map(|(writer, log)| tokio::spawn(write(log, writer, Arc::clone(&over)))).collect();
    disturb.await;
    over.store(true, Ordering::SeqCst);
    let mut told = Vec::new();
    for writer in writers {
        told.push(writer.await.unwrap());
    }
    let (followed, reader_unavailable) = follower.await.unwrap();
    let tail = patiently(|| first.tail()).await;
    let mut reader = patiently(|| first.read_from(Position(1))).await;
    let log = read_until(&mut reader, tail, 1000).await;
    judge(&log, &told, &followed, reader_unavailable)
}

/// Appends numbered records at the end of the log as it is known; every unanswered append is repeated until decided.
async fn write<L: Log>(log: L, writer: usize, over: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    let mut expected = patiently(|| log.tail()).await;
    for number in 0_u64.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let record = Bytes::from(format!("{{\"writer\":{writer},\"number\":{number}}}"));
        let started = Instant::now();
        let outcome = loop {
            match log.append(record.clone(), expected).await {
                Err(AppendError::Unavailable(_)) => told.unavailable += 1,
                decided => break decided,
            }
        };
        told.slowest = told.slowest.max(started.elapsed());
        match outcome {
            Ok(position) => {
                assert_eq!(position, expected.next());
                told.acknowledged.push((position, record));
                expected = position;
                continue;
            }
            Err(AppendError::Conflict(position)) => {
                assert_eq!(position, expected.next());
                told.conflicts += 1;
            }
            Err(_) => told.refused += 1,
        }
        told.denied.push(record);
        expected = patiently(|| log.tail()).await;
    }
    told
}

/// Reads along, through every failure, until the duel is over and nothing comes any more.
async fn follow<L: Log>(log: L, over: Arc<AtomicBool>) -> (Vec<LogEntry>, usize) {
    let mut reader = patiently(|| log.read_from(Position(1))).await;
    let (mut read, mut unavailable) = (Vec::new(), 0);
    loop {
        let ending = over.load(Ordering::SeqCst);
        match reader.next_batch(500).await {
            Ok(batch) if batch.is_empty() && ending => return (read, unavailable),
            Ok(batch) => read.extend(batch),
            Err(_) => {
                unavailable += 1;
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn judge(log: &[LogEntry], told: &[Told], followed: &[LogEntry], reader_unavailable: usize) -> Outcome {
    let by_position: BTreeMap<Position, &Bytes> = log.iter().map(|entry| (entry.position, &entry.payload)).collect();
    let stored: BTreeSet<&Bytes> = by_position.values().copied().collect();
    let mut outcome = Outcome { reader_unavailable, duplicates: log.len() - stored.len(), ..Outcome::default() };
    for told in told {
        outcome.acknowledged += told.acknowledged.len();
        outcome.conflicts += told.conflicts;
        outcome.unavailable += told.unavailable;
        outcome.refused += told.refused;
        outcome.slowest_append_ms = outcome.slowest_append_ms.max(told.slowest.as_millis());
        let lost = |(position, record): &&(Position, Bytes)| by_position.get(position) != Some(&record);
        outcome.lost += told.acknowledged.iter().filter(lost).count();
        outcome.denied_but_stored += told.denied.iter().filter(|record| stored.contains(record)).count();
        outcome.out_of_order += told.acknowledged.windows(2).filter(|pair| pair[0].0 >= pair[1].0).count();
    }
    let differs = |entry: &&LogEntry| by_position.get(&entry.position) != Some(&&entry.payload);
    outcome.reader_differs = followed.iter().filter(differs).count() + log.len().abs_diff(followed.len());
    outcome
}

/// Asks until there is an answer; a cluster of which most servers are up gives one.
async fn patiently<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < deadline, "no answer for a minute: {error:?}"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}
