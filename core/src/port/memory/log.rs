use std::fmt;

use bytes::Bytes;

use super::shared::Shared;
use crate::port::{AppendError, Log, LogEntry, LogReader, Unavailable};
use crate::unit::Position;

/// The largest record; a NATS server's default limit for messages.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// The log in memory.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    shared: Shared<Stream>,
}

struct Stream {
    /// The position of the first entry that was not purged.
    first: u64,
    entries: Vec<Bytes>,
    /// Requests whose sender was told "unavailable" and that arrive later.
    late: Vec<(Bytes, Position)>,
    failing_reads: u32,
    plan: Box<dyn FnMut(&AppendAttempt<'_>) -> AppendFault + Send>,
}

/// One append, as the fault plan sees it.
#[derive(Debug, Clone, Copy)]
pub struct AppendAttempt<'a> {
    /// What is to be appended.
    pub payload: &'a Bytes,
    /// Behind which position.
    pub expected: Position,
    /// The last position of the stream.
    pub tail: Position,
}

/// What happens to one append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendFault {
    /// It is decided as the contract says.
    None,
    /// Another record gets in first; then it is decided as the contract says.
    Foreign(Bytes),
    /// It is decided, and the answer is lost: the caller gets `Unavailable`.
    LostAnswer,
    /// It never arrives: nothing is stored and the caller gets `Unavailable`.
    LostRequest,
    /// It arrives after the caller has got `Unavailable`, before the next append is decided. It is stored then if its
    /// expectation still holds.
    LateRequest,
    /// The log does not take it.
    Refused(String),
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::with_faults(|_| AppendFault::None)
    }

    /// An empty log whose plan is asked about every append.
    #[must_use]
    pub fn with_faults(plan: impl FnMut(&AppendAttempt<'_>) -> AppendFault + Send + 'static) -> Self {
        let stream = Stream { first: 1, entries: Vec::new(), late: Vec::new(), failing_reads: 0, plan: Box::new(plan) };
        Self { shared: Shared::new(stream) }
    }

    /// Changes the plan.
    pub fn set_faults(&self, plan: impl FnMut(&AppendAttempt<'_>) -> AppendFault + Send + 'static) {
        self.shared.change(|stream| stream.plan = Box::new(plan));
    }

    /// Appends without any expectation, as a stray publisher does.
    pub fn inject(&self, payload: Bytes) -> Position {
        self.shared.change(|stream| stream.store(payload))
    }

    /// Lets requests that are late arrive now.
    pub fn deliver_late(&self) {
        self.shared.change(Stream::deliver_late);
    }

    /// The next `count` calls that read answer `Unavailable`.
    pub fn fail_reads(&self, count: u32) {
        self.shared.change(|stream| stream.failing_reads = count);
    }

    /// Loses everything behind `keep`, as a server does that lost power before it wrote to disk. Positions are reused.
    pub fn lose_behind(&self, keep: Position) {
        self.shared.change(|stream| {
            let count = keep.next().0.saturating_sub(stream.first);
            stream.entries.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        });
    }

    /// Drops every entry up to and including `position`.
    pub fn purge_through(&self, position: Position) {
        self.shared.change(|stream| {
            let count = position.next().0.saturating_sub(stream.first).min(stream.entries.len() as u64);
            stream.entries.drain(..usize::try_from(count).unwrap_or(usize::MAX));
            stream.first += count;
        });
    }

    /// Every entry that is there.
    #[must_use]
    pub fn entries(&self) -> Vec<LogEntry> {
        self.shared.look(|stream| stream.from(stream.first, usize::MAX))
    }

    /// Lets every waiting reader return empty-handed, as if about a second had passed.
    pub fn tick(&self) {
        self.shared.tick();
    }
}

impl Stream {
    fn tail(&self) -> Position {
        Position(self.first - 1 + self.entries.len() as u64)
    }

    fn store(&mut self, payload: Bytes) -> Position {
        self.entries.push(payload);
        self.tail()
    }

    fn at(&self, position: Position) -> Option<&Bytes> {
        let index = position.0.checked_sub(self.first)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    fn from(&self, from: u64, max: usize) -> Vec<LogEntry> {
        let skipped = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let entry =
            |(position, payload): (u64, &Bytes)| LogEntry { position: Position(position), payload: payload.clone() };
        (self.first..).zip(&self.entries).skip(skipped).take(max).map(entry).collect()
    }

    fn deliver_late(&mut self) {
        for (payload, expected) in std::mem::take(&mut self.late) {
            if expected == self.tail() {
                self.store(payload);
            }
        }
    }

    fn append(&mut self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        self.deliver_late();
        let tail = self.tail();
        let fault = (self.plan)(&AppendAttempt { payload: &payload, expected, tail });
        match fault {
            AppendFault::None => self.decide(payload, expected),
            AppendFault::Foreign(foreign) => {
                self.store(foreign);
                self.decide(payload, expected)
            }
            AppendFault::LostAnswer => {
                self.decide(payload, expected).ok();
                Err(lost("the answer was lost").into())
            }
            AppendFault::LostRequest => Err(lost("the request was lost").into()),
            AppendFault::LateRequest => {
                self.late.push((payload, expected));
                Err(lost("no answer yet").into())
            }
            AppendFault::Refused(why) => Err(AppendError::Refused(why)),
        }
    }

    fn decide(&mut self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        let (tail, place) = (self.tail(), expected.next());
        if payload.len() > RECORD_BYTES_MAX {
            return Err(AppendError::Refused(format!("{} bytes are more than {RECORD_BYTES_MAX}", payload.len())));
        }
        if expected == tail {
            return Ok(self.store(payload));
        }
        if expected > tail {
            return Err(AppendError::Refused(format!(
                "the log ends at {tail}, before {expected}: it has lost records"
            )));
        }
        if self.at(place) == Some(&payload) { Ok(place) } else { Err(AppendError::Conflict(place)) }
    }

    fn read<R>(&mut self, read: impl FnOnce(&Self) -> R) -> Result<R, Unavailable> {
        if self.failing_reads > 0 {
            self.failing_reads -= 1;
            return Err(lost("the request was lost"));
        }
        Ok(read(self))
    }

    /// What a reader at `next` gets; `None` when there is nothing yet.
    fn batch(&self, next: u64, max: usize) -> Option<Result<Vec<LogEntry>, Unavailable>> {
        let tail = self.tail().0;
        if next < self.first {
            let (last, first) = (self.first - 1, self.first);
            let why =
                format!("positions {next} to {last} are missing (purged or deleted); the first one there is {first}");
            return Some(Err(lost(&why)));
        }
        if next > tail + 1 {
            let why = format!("it ends at {tail} but was read up to {}: it has lost messages", next - 1);
            return Some(Err(lost(&why)));
        }
        (next <= tail).then(|| Ok(self.from(next, max)))
    }
}

fn lost(why: &str) -> Unavailable {
    Unavailable { what: "the log in memory".to_owned(), why: why.to_owned() }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("first", &self.first)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Log for MemoryLog {
    type Reader = MemoryLogReader;

    async fn append(&self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        self.shared.change(|stream| stream.append(payload, expected))
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        self.shared.change(|stream| stream.read(Stream::tail))
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        let entry = |payload: &Bytes| LogEntry { position, payload: payload.clone() };
        self.shared.change(|stream| stream.read(|stream| stream.at(position).map(entry)))
    }

    async fn read_from(&self, from: Position) -> Result<Self::Reader, Unavailable> {
        let next = from.0.max(1);
        self.shared
            .change(|stream| stream.read(|stream| stream.batch(next, 0).unwrap_or_else(|| Ok(Vec::new()))))??;
        Ok(MemoryLogReader { shared: self.shared.clone(), next })
    }
}

/// A place in the log in memory.
#[derive(Debug)]
pub struct MemoryLogReader {
    shared: Shared<Stream>,
    next: u64,
}

impl LogReader for MemoryLogReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        let next = self.next;
        let arrived = self.shared.wait(move |stream: &mut Stream| {
            if stream.failing_reads > 0 {
                stream.failing_reads -= 1;
                return Some(Err(lost("the request was lost")));
            }
            stream.batch(next, max.max(1))
        });
        let batch = arrived.await.unwrap_or_else(|| Ok(Vec::new()))?;
        self.next += batch.len() as u64;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// For futures that need no waiting.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn faulty(faults: impl IntoIterator<Item = AppendFault>) -> MemoryLog {
        let mut faults: VecDeque<AppendFault> = faults.into_iter().collect();
        MemoryLog::with_faults(move |_| faults.pop_front().unwrap_or(AppendFault::None))
    }

    #[test]
    fn an_unanswered_append_is_decided_by_repeating_it() {
        let (ours, start) = (Bytes::from("ours"), Position(0));
        for (fault, stored) in
            [(AppendFault::LostAnswer, 1), (AppendFault::LostRequest, 0), (AppendFault::LateRequest, 0)]
        {
            let log = faulty([fault.clone()]);
            assert!(matches!(now(log.append(ours.clone(), start)), Err(AppendError::Unavailable(_))));
            assert_eq!(log.entries().len(), stored, "{fault:?}");
            assert_eq!(now(log.append(ours.clone(), start)), Ok(Position(1)), "{fault:?}");
            assert_eq!(log.entries().len(), 1, "{fault:?}");
        }
    }

    #[test]
    fn a_late_request_beats_the_next_writer() {
        let log = faulty([AppendFault::LateRequest]);
        now(log.append(Bytes::from("old"), Position(0))).unwrap_err();
        assert_eq!(now(log.append(Bytes::from("new"), Position(0))), Err(AppendError::Conflict(Position(1))));
        assert_eq!(log.entries()[0].payload, "old");
    }

    #[test]
    fn a_foreign_record_takes_the_place() {
        let log = faulty([AppendFault::Foreign(Bytes::from("theirs"))]);
        assert_eq!(now(log.append(Bytes::from("ours"), Position(0))), Err(AppendError::Conflict(Position(1))));
    }

    #[test]
    fn lost_and_purged_records_are_noticed_by_readers() {
        let log = MemoryLog::new();
        for n in 0..5 {
            now(log.append(Bytes::from(format!("{n}")), Position(n))).unwrap();
        }
        let mut reader = now(log.read_from(Position(1))).unwrap();
        assert_eq!(now(reader.next_batch(10)).unwrap().len(), 5);
        log.lose_behind(Position(3));
        assert!(now(reader.next_batch(10)).unwrap_err().why.contains("lost messages"));
        log.purge_through(Position(2));
        assert!(now(log.read_from(Position(1))).unwrap_err().why.contains("positions 1 to 2 are missing"));
        assert_eq!(log.entries()[0].position, Position(3));
        assert_eq!(now(log.append(Bytes::from("again"), Position(3))), Ok(Position(4)));
    }
}
