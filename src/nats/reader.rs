//! Reading a stream in order, without acknowledgements and without trusting silence.
//!
//! The consumer is ephemeral, in memory and not replicated: it may vanish with its server at any time. What makes
//! reading reliable is that this side knows which sequence comes next. Anything odd - an error, a missed heartbeat, a
//! jump - drops the consumer and makes a new one there. A message that a broken connection swallowed is thereby read
//! again, and only a jump that the stream itself confirms counts as a gap.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull};
use async_nats::jetstream::stream::RawMessageErrorKind;
use futures_util::{FutureExt as _, StreamExt as _};
use stele_core::port::Unavailable;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::patience::{Backoff, unavailable};
use super::stream_info::existing_stream_info;

/// How long a call waits for the first message.
const WAIT: Duration = Duration::from_secs(1);

/// A consumer whose heartbeat is missing twice in a row is given up: after 2 seconds.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the server keeps one pull request.
const EXPIRES: Duration = Duration::from_secs(5);

/// Messages that one pull request asks for. The library keeps up to half as many again on their way; with records of
/// 256 KiB that is 96 MiB, and more did not read faster.
const BATCH: usize = 256;

/// The server forgets a consumer that nobody asked for this long.
const INACTIVE: Duration = Duration::from_secs(30);

/// What it means when the stream lacks a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps {
    /// Records are missing: reading stops with an error that names them.
    AreErrors,
    /// Messages were purged or removed by hand: reading goes on behind them.
    AreSkipped,
}

/// A place in a stream that moves forward.
pub(super) struct OrderedReader {
    context: Context,
    stream: &'static str,
    next: u64,
    gaps: Gaps,
    messages: Option<pull::Stream>,
}

impl fmt::Debug for OrderedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderedReader").field("stream", &self.stream).field("next", &self.next).finish_non_exhaustive()
    }
}

impl OrderedReader {
    pub(super) async fn open(
        context: Context,
        stream: &'static str,
        next: u64,
        gaps: Gaps,
    ) -> Result<Self, Unavailable> {
        let mut reader = Self { context, stream, next, gaps, messages: None };
        reader.messages = Some(reader.consume().await?);
        Ok(reader)
    }

    /// Waits about a second for the first message and takes along what is there already.
    ///
    /// Safe to drop at any point: between taking a message and returning it nothing is awaited.
    pub(super) async fn next_batch(&mut self, max: usize) -> Result<Vec<(u64, async_nats::Message)>, Unavailable> {
        let deadline = Instant::now() + WAIT;
        let mut backoff = Backoff::new();
        loop {
            let waited = match &mut self.messages {
                None => match self.consume().await {
                    Ok(messages) => {
                        self.messages = Some(messages);
                        continue;
                    }
                    Err(e) => Some(Err(e)),
                },
                Some(messages) => match timeout_at(deadline, messages.next()).await {
                    Err(_) => return Ok(Vec::new()),
                    Ok(Some(Ok(message))) => Some(Ok(message)),
                    Ok(Some(Err(e))) => Some(Err(unavailable(self.what(), e))),
                    Ok(None) => None,
                },
            };
            let trouble = match waited {
                Some(Ok(first)) => {
                    let batch = self.take(first, max);
                    if !batch.is_empty() {
                        return Ok(batch);
                    }
                    self.examine_gap().await?;
                    backoff.pause(deadline).await;
                    continue;
                }
                Some(Err(e)) => e,
                None => unavailable(self.what(), "the consumer ended"),
            };
            debug!(stream = self.stream, next = self.next, %trouble, "reading again from the last place");
            self.messages = None;
            if Instant::now() >= deadline {
                return Err(trouble);
            }
            backoff.pause(deadline).await;
        }
    }

    /// Takes the first message and what else has arrived, as far as it is in order.
    fn take(&mut self, first: async_nats::jetstream::Message, max: usize) -> Vec<(u64, async_nats::Message)> {
        let mut batch = Vec::new();
        let mut arrived = Some(first);
        while let Some(message) = arrived.take() {
            if message.info().map(|info| info.stream_sequence).ok() != Some(self.next) {
                self.messages = None;
                break;
            }
            batch.push((self.next, message.message));
            self.next += 1;
            if batch.len() >= max {
                break;
            }
            match self.messages.as_mut().and_then(|messages| messages.next().now_or_never()) {
                Some(Some(Ok(message))) => arrived = Some(message),
                Some(_) => self.messages = None,
                None => {}
            }
        }
        batch
    }

    /// A message arrived that was not the next one. Asks the stream's leader whether the next one exists: then it was
    /// only lost on its way, and reading starts again there.
    async fn examine_gap(&mut self) -> Result<(), Unavailable> {
        let stream = self.context.get_stream_no_info(self.stream).await.map_err(|e| unavailable(self.what(), e))?;
        let found = match stream.raw_message_builder().sequence(self.next).next_by_subject(">").send().await {
            Ok(message) => message.sequence,
            // Nothing from there on: whether the stream ends there or is shorter is found out when it is opened again.
            Err(e) if e.kind() == RawMessageErrorKind::NoMessageFound => return Ok(()),
            Err(e) => return Err(unavailable(self.what(), e)),
        };
        if found <= self.next {
            return Ok(());
        }
        match self.gaps {
            Gaps::AreErrors => Err(self.missing(found - 1)),
            Gaps::AreSkipped => {
                warn!(
                    stream = self.stream,
                    first = self.next,
                    last = found - 1,
                    "messages were removed; reading goes on"
                );
                self.next = found;
                Ok(())
            }
        }
    }

    /// Makes a consumer that starts at the next sequence, and checks that the stream still reaches there.
    async fn consume(&self) -> Result<pull::Stream, Unavailable> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.next },
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            inactive_threshold: INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = self.context.create_consumer_on_stream(config, self.stream).await;
        let consumer = consumer.map_err(|e| unavailable(self.what(), e))?;
        // Asked after the consumer was made: what is purged from now on shows up as a jump.
        let state = existing_stream_info(&self.context, self.stream).await?.state;
        if state.first_seq > self.next && self.gaps == Gaps::AreErrors {
            return Err(self.missing(state.first_seq - 1));
        }
        if state.last_seq + 1 < self.next {
            let why =
                format!("it ends at {} but was read up to {}: it has lost messages", state.last_seq, self.next - 1);
            return Err(unavailable(self.what(), why));
        }
        let messages = consumer.stream().max_messages_per_batch(BATCH).expires(EXPIRES).heartbeat(HEARTBEAT).messages();
        messages.await.map_err(|e| unavailable(self.what(), e))
    }

    fn missing(&self, last: u64) -> Unavailable {
        let first = self.next;
        let why =
            format!("positions {first} to {last} are missing (purged or deleted); the first one there is {}", last + 1);
        unavailable(self.what(), why)
    }

    fn what(&self) -> String {
        format!("stream {}", self.stream)
    }
}
