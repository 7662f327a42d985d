use std::collections::BTreeMap;

use bytes::Bytes;

use super::shared::Shared;
use crate::port::{Inbox, InboxMessage, InboxReader, Unavailable};
use crate::unit::Timestamp;

/// The inbox in memory.
#[derive(Debug, Clone)]
pub struct MemoryInbox {
    shared: Shared<Stream>,
}

#[derive(Debug)]
struct Stream {
    created: Timestamp,
    last: u64,
    messages: BTreeMap<u64, InboxMessage>,
    failing: u32,
}

impl MemoryInbox {
    /// An empty inbox that says that it was created then.
    #[must_use]
    pub fn new(created: Timestamp) -> Self {
        Self { shared: Shared::new(Stream { created, last: 0, messages: BTreeMap::new(), failing: 0 }) }
    }

    /// Publishes a command; gives its sequence.
    pub fn publish(&self, subject: &str, payload: Bytes) -> u64 {
        self.shared.change(|stream| {
            stream.last += 1;
            let message = InboxMessage { sequence: stream.last, subject: subject.to_owned(), payload };
            stream.messages.insert(stream.last, message);
            stream.last
        })
    }

    /// Replaces the stream by a new, empty one: sequences start again.
    pub fn recreate(&self, created: Timestamp) {
        self.shared.change(|stream| *stream = Stream { created, last: 0, messages: BTreeMap::new(), failing: 0 });
    }

    /// The next `count` calls answer `Unavailable`.
    pub fn fail(&self, count: u32) {
        self.shared.change(|stream| stream.failing = count);
    }

    /// How many messages are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.look(|stream| stream.messages.len())
    }

    /// True when everything was purged, or nothing was ever published.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets every waiting reader return empty-handed, as if about a second had passed.
    pub fn tick(&self) {
        self.shared.tick();
    }
}

impl Stream {
    fn check(&mut self) -> Result<(), Unavailable> {
        if self.failing > 0 {
            self.failing -= 1;
            return Err(trouble("the request was lost".to_owned()));
        }
        Ok(())
    }

    /// What a reader behind `after` gets; `None` when there is nothing yet.
    fn batch(&mut self, after: u64, max: usize) -> Option<Result<Vec<InboxMessage>, Unavailable>> {
        if let Err(lost) = self.check() {
            return Some(Err(lost));
        }
        if after > self.last {
            return Some(Err(trouble(format!(
                "it ends at {} but was read up to {after}: it has lost messages",
                self.last
            ))));
        }
        let batch: Vec<_> = self.messages.range(after + 1..).take(max).map(|(_, message)| message.clone()).collect();
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

fn trouble(why: String) -> Unavailable {
    Unavailable { what: "the inbox in memory".to_owned(), why }
}

impl Inbox for MemoryInbox {
    type Reader = MemoryInboxReader;

    async fn created(&self) -> Result<Timestamp, Unavailable> {
        self.shared.change(|stream| stream.check().map(|()| stream.created))
    }

    async fn read_after(&self, sequence: u64) -> Result<Self::Reader, Unavailable> {
        self.shared.change(|stream| stream.batch(sequence, 0).unwrap_or_else(|| Ok(Vec::new())))?;
        Ok(MemoryInboxReader { shared: self.shared.clone(), after: sequence })
    }

    async fn purge_through(&self, sequence: u64) -> Result<(), Unavailable> {
        self.shared.change(|stream| {
            stream.check()?;
            stream.messages = stream.messages.split_off(&sequence.saturating_add(1));
            Ok(())
        })
    }
}

/// A place in the inbox in memory.
#[derive(Debug)]
pub struct MemoryInboxReader {
    shared: Shared<Stream>,
    after: u64,
}

impl InboxReader for MemoryInboxReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<InboxMessage>, Unavailable> {
        let after = self.after;
        let arrived = self.shared.wait(move |stream: &mut Stream| stream.batch(after, max.max(1)));
        let batch = arrived.await.unwrap_or_else(|| Ok(Vec::new()))?;
        if let Some(last) = batch.last() {
            self.after = last.sequence;
        }
        Ok(batch)
    }
}
