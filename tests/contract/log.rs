//! The contract of [`Log`].

use std::time::Duration;

use bytes::Bytes;
use stele_core::port::{AppendError, Log, LogEntry, LogReader};
use stele_core::unit::Position;

use super::{Nudge, nudged, soon};

/// Runs every test of the contract, one after the other, on one log that may hold records already.
pub(crate) async fn all<L: Log>(log: L, nudge: Nudge) {
    appends_at_the_expected_place_only(&log).await;
    the_same_bytes_again_are_the_same_record(&log).await;
    an_expectation_beyond_the_end_stores_nothing(&log).await;
    a_race_has_one_winner(&log).await;
    bytes_come_back_as_they_were(&log).await;
    too_large_records_are_refused(&log).await;
    readers_see_everything_in_order(&log, &nudge).await;
    a_waiting_reader_wakes(&log).await;
    a_reader_that_waits_in_vain_returns(&log, &nudge).await;
    a_dropped_read_loses_nothing(&log, &nudge).await;
}

fn record(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

async fn appends_at_the_expected_place_only<L: Log>(log: &L) {
    let base = log.tail().await.unwrap();
    assert_eq!(log.get(base.next()).await.unwrap(), None, "nothing stands behind the end");
    assert_eq!(log.get(Position(0)).await.unwrap(), None, "nothing stands before the first record");
    assert_eq!(log.append(record("a"), base).await, Ok(base.next()));
    assert_eq!(log.tail().await.unwrap(), base.next());
    let entry = LogEntry { position: base.next(), payload: record("a") };
    assert_eq!(log.get(base.next()).await.unwrap(), Some(entry));
    assert_eq!(log.append(record("b"), base).await, Err(AppendError::Conflict(base.next())));
    assert_eq!(log.tail().await.unwrap(), base.next(), "a conflict stores nothing");
}

async fn the_same_bytes_again_are_the_same_record<L: Log>(log: &L) {
    let base = log.tail().await.unwrap();
    for _ in 0..3 {
        assert_eq!(log.append(record(format!("again at {base}")), base).await, Ok(base.next()));
    }
    assert_eq!(log.tail().await.unwrap(), base.next());
    let next = base.next();
    assert_eq!(log.append(record("behind it"), next).await, Ok(next.next()));
    let again = log.append(record(format!("again at {base}")), base).await;
    assert_eq!(again, Ok(base.next()), "also when the log went on since");
}

async fn an_expectation_beyond_the_end_stores_nothing<L: Log>(log: &L) {
    let base = log.tail().await.unwrap();
    let refused = log.append(record("too far"), Position(base.0 + 5)).await;
    assert!(matches!(&refused, Err(AppendError::Refused(why)) if why.contains("lost records")), "{refused:?}");
    assert_eq!(log.tail().await.unwrap(), base);
}

async fn a_race_has_one_winner<L: Log>(log: &L) {
    for round in 0..10 {
        let base = log.tail().await.unwrap();
        let racers: Vec<_> = (0..8)
            .map(|racer| {
                let log = log.clone();
                tokio::spawn(async move { (racer, log.append(record(format!("{round}.{racer}")), base).await) })
            })
            .collect();
        let mut winners = Vec::new();
        for racer in racers {
            match racer.await.unwrap() {
                (winner, Ok(position)) => {
                    assert_eq!(position, base.next());
                    winners.push(winner);
                }
                (_, Err(error)) => assert_eq!(error, AppendError::Conflict(base.next())),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let stored = log.get(base.next()).await.unwrap().unwrap();
        assert_eq!(stored.payload, record(format!("{round}.{}", winners[0])));
        assert_eq!(log.tail().await.unwrap(), base.next());
    }
}

async fn bytes_come_back_as_they_were<L: Log>(log: &L) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = (0..900_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let base = log.tail().await.unwrap();
    let payloads = [Bytes::new(), Bytes::from(every_byte), Bytes::from("NATS/1.0\r\n\r\n"), Bytes::from(large)];
    let mut tail = base;
    for payload in &payloads {
        tail = log.append(payload.clone(), tail).await.unwrap();
        assert_eq!(log.get(tail).await.unwrap().unwrap().payload, payload);
    }
    let mut reader = log.read_from(base.next()).await.unwrap();
    let read = read_until(&mut reader, tail, 100).await;
    assert!(read.iter().map(|entry| &entry.payload).eq(&payloads));
}

async fn too_large_records_are_refused<L: Log>(log: &L) {
    let base = log.tail().await.unwrap();
    let refused = log.append(Bytes::from(vec![0; 2 << 20]), base).await;
    assert!(matches!(refused, Err(AppendError::Refused(_))), "{refused:?}");
    assert_eq!(log.tail().await.unwrap(), base);
}

async fn readers_see_everything_in_order<L: Log>(log: &L, nudge: &Nudge) {
    let base = log.tail().await.unwrap();
    let mut tail = base;
    for n in 0..700 {
        tail = log.append(record(format!("ordered {n}")), tail).await.unwrap();
    }
    for max in [1, 7, 10_000] {
        let mut reader = log.read_from(base.next()).await.unwrap();
        let read = read_until(&mut reader, tail, max).await;
        for (n, entry) in read.iter().enumerate() {
            assert_eq!(entry.position.0, base.0 + 1 + n as u64);
            assert_eq!(entry.payload, record(format!("ordered {n}")));
        }
        assert_eq!(nudged(nudge, reader.next_batch(max)).await, Ok(Vec::new()), "nothing comes twice");
    }
    let mut first = log.read_from(Position(0)).await.unwrap();
    assert_eq!(soon(first.next_batch(1)).await.unwrap()[0].position, Position(1));
}

async fn a_waiting_reader_wakes<L: Log>(log: &L) {
    let base = log.tail().await.unwrap();
    let mut reader = log.read_from(base.next()).await.unwrap();
    let waiting = tokio::spawn(async move { read_until(&mut reader, base.next(), 10).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    log.append(record("wake up"), base).await.unwrap();
    let appended = tokio::time::Instant::now();
    assert_eq!(soon(waiting).await.unwrap()[0].payload, record("wake up"));
    assert!(
        appended.elapsed() < Duration::from_millis(900),
        "it woke by the record, not by its time: {:?}",
        appended.elapsed()
    );
}

async fn a_reader_that_waits_in_vain_returns<L: Log>(log: &L, nudge: &Nudge) {
    let tail = log.tail().await.unwrap();
    let mut reader = log.read_from(tail.next()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(nudged(nudge, reader.next_batch(10)).await, Ok(Vec::new()));
    }
    log.append(record("afterwards"), tail).await.unwrap();
    assert_eq!(read_until(&mut reader, tail.next(), 10).await.len(), 1);
}

async fn a_dropped_read_loses_nothing<L: Log>(log: &L, nudge: &Nudge) {
    let base = log.tail().await.unwrap();
    let mut reader = log.read_from(base.next()).await.unwrap();
    let (writer, mut tail) = (log.clone(), base);
    let writing = tokio::spawn(async move {
        for n in 0..200 {
            tail = writer.append(record(format!("drop {n}")), tail).await.unwrap();
        }
        tail
    });
    let mut read = Vec::new();
    while read.len() < 200 {
        // Most of these are dropped while they wait.
        if let Ok(batch) = tokio::time::timeout(Duration::from_micros(300), reader.next_batch(5)).await {
            read.extend(batch.unwrap());
        }
        nudge();
        tokio::task::yield_now().await;
    }
    assert_eq!(writing.await.unwrap(), read[199].position);
    assert!(read.iter().zip(1..).all(|(entry, n)| entry.position.0 == base.0 + n));
}

/// Reads up to and including `last`; asserts that nothing is skipped or repeated.
pub(crate) async fn read_until<R: LogReader>(reader: &mut R, last: Position, max: usize) -> Vec<LogEntry> {
    let mut read: Vec<LogEntry> = Vec::new();
    while read.last().is_none_or(|entry| entry.position < last) {
        let batch = soon(reader.next_batch(max)).await.unwrap();
        assert!(batch.len() <= max);
        for entry in batch {
            if let Some(before) = read.last() {
                assert_eq!(entry.position, before.position.next(), "no gap, no repetition");
            }
            read.push(entry);
        }
    }
    read
}
