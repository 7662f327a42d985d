//! The log on JetStream: compare-and-swap appends whose answer is always found out.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use stele_core::port::{AppendError, Log, LogEntry, LogReader, Unavailable};
use stele_core::unit::{Position, Timestamp};
use stele_replay::archive::Covered;
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::Connection;
use super::patience::{Backoff, patiently, unavailable};
use super::reader::{Gaps, OrderedReader};
use super::stream_info::existing_stream_info;
use super::streams::LOG_STREAM;
use super::subject::log_subject;

/// For how long one append tries to find out its own outcome. A leader election takes 2 to 5 seconds.
const APPEND_WITHIN: Duration = Duration::from_secs(10);

/// How long the first offer waits for its ack; doubled with each further one. Offering again is harmless, so the first
/// wait is short, but a server that syncs to a slow disk must be able to answer.
const ACK_WITHIN_FIRST: Duration = Duration::from_secs(1);

/// The longest wait for one ack.
const ACK_WITHIN_MAX: Duration = Duration::from_secs(4);

/// For how long questions to the leader are repeated.
const ASK_WITHIN: Duration = Duration::from_secs(5);

/// A leader that was just elected may not have applied everything yet. A log that is still shorter than expected after
/// this long has lost records.
const SHORT_LOG_AFTER: Duration = Duration::from_secs(3);

/// Error codes of the server that say that it will not take this message: out of resources (10002, 10023, 10028,
/// 10047, 10122), too large (10054), not stored, such as full (10077), another stream (10060), sealed (10109).
const REFUSALS: [u64; 9] = [10002, 10023, 10028, 10047, 10122, 10054, 10077, 10060, 10109];

/// The log's stream on NATS.
#[derive(Clone)]
pub struct JetStreamLog {
    context: Context,
    subject: String,
}

/// The log's stream as its leader describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// When the stream was created; another value than before means another log.
    pub created: Timestamp,
    /// The first position that is still there; one more than `last` when nothing is.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// Bytes stored.
    pub bytes: u64,
    /// Messages stored.
    pub messages: u64,
}

impl fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamLog").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl JetStreamLog {
    /// The log of a shard. Its stream must exist ([`ensure_streams`](super::ensure_streams)).
    #[must_use]
    pub fn new(connection: &Connection, shard: u32) -> Self {
        Self { context: connection.context().clone(), subject: log_subject(shard) }
    }

    /// What the stream's leader says about the stream.
    ///
    /// # Errors
    /// [`Unavailable`] when no leader answers within some seconds.
    pub async fn state(&self) -> Result<LogState, Unavailable> {
        let info = patiently(ASK_WITHIN, || existing_stream_info(&self.context, LOG_STREAM)).await?;
        Ok(LogState {
            created: info.created()?,
            first: Position(info.state.first_seq),
            last: Position(info.state.last_seq),
            bytes: info.state.bytes,
            messages: info.state.messages,
        })
    }

    /// Drops every message up to and including the last one that the proof is about. Safe to repeat.
    ///
    /// Nothing else purges the log, and nobody can without such a proof. Who does needs the permission to publish on
    /// `$JS.API.STREAM.PURGE.STELE_LOG`.
    ///
    /// # Errors
    /// [`Unavailable`] when the leader did not confirm it.
    pub async fn purge_archived(&self, covered: &Covered) -> Result<(), Unavailable> {
        super::inbox::purge(&self.context, LOG_STREAM, covered.through().0).await
    }
}

impl Log for JetStreamLog {
    type Reader = JetStreamLogReader;

    async fn append(&self, payload: Bytes, expected: Position) -> Result<Position, AppendError> {
        let deadline = Instant::now() + APPEND_WITHIN;
        let attempt = Attempt { log: self, payload, expected, deadline, ambiguous: false, short_since: None };
        attempt.run().await
    }

    async fn tail(&self) -> Result<Position, Unavailable> {
        let info = patiently(ASK_WITHIN, || existing_stream_info(&self.context, LOG_STREAM)).await?;
        Ok(Position(info.state.last_seq))
    }

    async fn get(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        patiently(ASK_WITHIN, || self.get_once(position)).await
    }

    async fn read_from(&self, from: Position) -> Result<Self::Reader, Unavailable> {
        let reader = OrderedReader::open(self.context.clone(), LOG_STREAM, from.0.max(1), Gaps::AreErrors).await?;
        Ok(JetStreamLogReader(reader))
    }
}

impl JetStreamLog {
    /// Asks the leader (`STREAM.MSG.GET`); a direct get could be answered by a replica that is behind.
    async fn get_once(&self, position: Position) -> Result<Option<LogEntry>, Unavailable> {
        if position.0 == 0 {
            return Ok(None);
        }
        let what = || format!("position {position} of stream {LOG_STREAM}");
        let stream = self.context.get_stream_no_info(LOG_STREAM).await.map_err(|e| unavailable(what(), e))?;
        match stream.get_raw_message(position.0).await {
            Ok(message) => Ok(Some(LogEntry { position: Position(message.sequence), payload: message.payload })),
            Err(e) if e.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(e) => Err(unavailable(what(), e)),
        }
    }
}

/// What the server said to one offer.
enum Answer {
    Acked(PublishAck),
    Moved,
    Refused(String),
    Unknown(String),
}

/// What stands at the place that the record is meant for.
enum Standing {
    Ours,
    Foreign,
    Nothing { last: Position },
}

/// One append until its outcome is known.
struct Attempt<'a> {
    log: &'a JetStreamLog,
    payload: Bytes,
    expected: Position,
    deadline: Instant,
    /// An offer went unanswered: it may be stored already, or be stored later.
    ambiguous: bool,
    short_since: Option<Instant>,
}

impl Attempt<'_> {
    /// Offers the same bytes with the same expectation until the compare-and-swap decides, then looks what stands there.
    async fn run(mut self) -> Result<Position, AppendError> {
        let place = self.expected.next();
        let mut backoff = Backoff::new();
        let mut patience = ACK_WITHIN_FIRST;
        loop {
            let answer = self.offer(patience).await;
            if matches!(&answer, Answer::Acked(ack) if ack.sequence == place.0 && !ack.duplicate && ack.stream == LOG_STREAM)
            {
                return Ok(place);
            }
            let why = match answer {
                Answer::Unknown(why) => {
                    self.ambiguous = true;
                    patience = (patience * 2).min(ACK_WITHIN_MAX);
                    why
                }
                answer => match timeout_at(self.deadline, self.standing_at(place)).await {
                    Ok(Ok(standing)) => match self.conclude(answer, &standing) {
                        Some(outcome) => return outcome,
                        None => "the log moves, but nothing stands there yet".to_owned(),
                    },
                    Ok(Err(e)) => e.to_string(),
                    Err(_) => "the leader does not tell what stands there".to_owned(),
                },
            };
            if Instant::now() >= self.deadline {
                let what = format!("stream {LOG_STREAM}");
                let within = APPEND_WITHIN.as_secs();
                return Err(
                    unavailable(what, format!("position {place} is not decided after {within} s: {why}")).into()
                );
            }
            backoff.pause(self.deadline).await;
        }
    }

    /// One publish with the expectation as its only precondition, and one bounded wait for the ack.
    async fn offer(&self, patience: Duration) -> Answer {
        let message = PublishMessage::build()
            .payload(self.payload.clone())
            .expected_last_sequence(self.expected.0)
            .expected_stream(LOG_STREAM);
        // The library's own clock for acks starts when the future is polled, so one clock of ours spans both steps.
        let published =
            timeout(patience, async { self.log.context.send_publish(self.log.subject.clone(), message).await?.await });
        match published.await {
            Ok(Ok(ack)) => Answer::Acked(ack),
            Ok(Err(error)) => classify(&error),
            Err(_) => Answer::Unknown(format!("no ack within {} ms", patience.as_millis())),
        }
    }

    async fn standing_at(&self, place: Position) -> Result<Standing, Unavailable> {
        if let Some(entry) = self.log.get_once(place).await? {
            return Ok(if entry.payload == self.payload { Standing::Ours } else { Standing::Foreign });
        }
        let state = existing_stream_info(&self.log.context, LOG_STREAM).await?.state;
        // A prefix that was purged held some record at this place; it cannot be compared any more.
        if state.first_seq > place.0 {
            Ok(Standing::Foreign)
        } else {
            Ok(Standing::Nothing { last: Position(state.last_seq) })
        }
    }

    /// The outcome, or `None` when the record has to be offered again.
    fn conclude(&mut self, answer: Answer, standing: &Standing) -> Option<Result<Position, AppendError>> {
        let place = self.expected.next();
        let last = match standing {
            Standing::Ours => return Some(Ok(place)),
            Standing::Foreign => None,
            Standing::Nothing { last } => Some(*last),
        };
        match (answer, last) {
            (Answer::Acked(ack), _) => Some(Err(AppendError::Refused(format!(
                "the server acknowledged position {} of stream {} (duplicate: {}) where only {place} was allowed: it does \
                 not honour Nats-Expected-Last-Sequence",
                ack.sequence, ack.stream, ack.duplicate
            )))),
            (_, None) => Some(Err(AppendError::Conflict(place))),
            (Answer::Refused(why), Some(_)) if !self.ambiguous => Some(Err(AppendError::Refused(why))),
            (Answer::Moved, Some(last)) if last < self.expected => {
                let since = *self.short_since.get_or_insert_with(Instant::now);
                (since.elapsed() >= SHORT_LOG_AFTER).then(|| {
                    let expected = self.expected;
                    Err(AppendError::Refused(format!("the log ends at {last}, before {expected}: it has lost records")))
                })
            }
            // Our own earlier offer, or another writer's, is still on its way through the cluster.
            _ => None,
        }
    }
}

fn classify(error: &PublishError) -> Answer {
    match error.kind() {
        PublishErrorKind::WrongLastSequence => Answer::Moved,
        PublishErrorKind::MaxPayloadExceeded => Answer::Refused(error.to_string()),
        // No responders: no leader at the moment, or no stream. Both can pass.
        PublishErrorKind::StreamNotFound => Answer::Unknown("no server answers for the stream".to_owned()),
        _ => match refusal(error) {
            Some(why) => Answer::Refused(why),
            None => Answer::Unknown(error.to_string()),
        },
    }
}

fn refusal(error: &PublishError) -> Option<String> {
    let source = std::error::Error::source(error)?;
    let error = source.downcast_ref::<async_nats::jetstream::Error>()?;
    REFUSALS.contains(&error.error_code().0).then(|| error.to_string())
}

/// A place in the log that moves forward.
#[derive(Debug)]
pub struct JetStreamLogReader(OrderedReader);

impl LogReader for JetStreamLogReader {
    async fn next_batch(&mut self, max: usize) -> Result<Vec<LogEntry>, Unavailable> {
        let batch = self.0.next_batch(max).await?;
        let entry = |(sequence, message): (u64, async_nats::Message)| LogEntry {
            position: Position(sequence),
            payload: message.payload,
        };
        Ok(batch.into_iter().map(entry).collect())
    }
}
