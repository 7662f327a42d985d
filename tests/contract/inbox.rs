//! The contract of [`Inbox`].

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use stele_core::port::{Inbox, InboxMessage, InboxReader};

use super::{Nudge, nudged, soon};

/// Publishes a command to a subject, as a client does.
pub(crate) type Publish = Box<dyn Fn(String, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Runs every test of the contract, one after the other, on one inbox that must be empty.
pub(crate) async fn all<I: Inbox>(inbox: I, publish: Publish, nudge: Nudge) {
    messages_come_in_order_with_subject_and_sequence(&inbox, &publish, &nudge).await;
    purged_messages_are_gone_and_sequences_go_on(&inbox, &publish, &nudge).await;
    a_waiting_reader_wakes(&inbox, &publish).await;
}

async fn publish_numbered(publish: &Publish, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        publish(format!("stele.cmd.demo.volume.verb{n}"), Bytes::from(format!("command {n}"))).await;
    }
}

fn assert_numbered(messages: &[InboxMessage], numbers: std::ops::RangeInclusive<u64>) {
    let expected: Vec<_> = numbers
        .map(|n| InboxMessage {
            sequence: n,
            subject: format!("stele.cmd.demo.volume.verb{n}"),
            payload: Bytes::from(format!("command {n}")),
        })
        .collect();
    assert_eq!(messages, expected);
}

async fn read<R: InboxReader>(reader: &mut R, count: usize) -> Vec<InboxMessage> {
    let mut read = Vec::new();
    while read.len() < count {
        let batch = soon(reader.next_batch(7)).await.unwrap();
        assert!(batch.len() <= 7);
        read.extend(batch);
    }
    read
}

async fn messages_come_in_order_with_subject_and_sequence<I: Inbox>(inbox: &I, publish: &Publish, nudge: &Nudge) {
    let mut early = inbox.read_after(0).await.unwrap();
    assert_eq!(nudged(nudge, early.next_batch(10)).await, Ok(Vec::new()));
    publish_numbered(publish, 1..=50).await;
    assert_numbered(&read(&mut early, 50).await, 1..=50);
    let mut late = inbox.read_after(40).await.unwrap();
    assert_numbered(&read(&mut late, 10).await, 41..=50);
    assert_eq!(nudged(nudge, late.next_batch(10)).await, Ok(Vec::new()), "nothing comes twice");
}

async fn purged_messages_are_gone_and_sequences_go_on<I: Inbox>(inbox: &I, publish: &Publish, nudge: &Nudge) {
    let created = inbox.created().await.unwrap();
    inbox.purge_through(0).await.unwrap();
    for _ in 0..2 {
        inbox.purge_through(30).await.unwrap();
    }
    let mut behind = inbox.read_after(30).await.unwrap();
    assert_numbered(&read(&mut behind, 20).await, 31..=50);
    let mut from_start = inbox.read_after(0).await.unwrap();
    assert_numbered(&read(&mut from_start, 20).await, 31..=50);
    inbox.purge_through(50).await.unwrap();
    let mut empty = inbox.read_after(50).await.unwrap();
    assert_eq!(nudged(nudge, empty.next_batch(10)).await, Ok(Vec::new()));
    publish_numbered(publish, 51..=55).await;
    assert_numbered(&read(&mut empty, 5).await, 51..=55);
    assert_eq!(inbox.created().await.unwrap(), created, "it is the same inbox");
}

async fn a_waiting_reader_wakes<I: Inbox>(inbox: &I, publish: &Publish) {
    let mut reader = inbox.read_after(55).await.unwrap();
    let waiting = tokio::spawn(async move { read(&mut reader, 1).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    publish_numbered(publish, 56..=56).await;
    assert_numbered(&soon(waiting).await.unwrap(), 56..=56);
}
