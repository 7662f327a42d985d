//! The task queue on JetStream: a work queue in memory, one subject and one consumer per backend.
//!
//! Losing it is allowed: control knows from the log which tasks are open and gives them out again. It notices by
//! [`JetStreamDispatcher::stream_created`], which changes when the stream was made anew.

use std::fmt;
use std::future::{Future, IntoFuture as _};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::{Acker, PublishMessage};
use async_nats::jetstream::{AckKind, Context, Message};
use async_nats::{StatusCode, Subject, Subscriber};
use futures_util::future::join_all;
use futures_util::{FutureExt as _, StreamExt as _};
use stele_core::id::BackendName;
use stele_core::port::{Claimed, Dispatcher, TaskSource, Unavailable};
use stele_core::task::{Phase, Task};
use stele_core::unit::Timestamp;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::connect::Connection;
use super::patience::{Backoff, patiently, unavailable};
use super::stream_info::stream_info;
use super::streams::{StreamSettings, TASKS_STREAM, ensure_task_stream};
use super::subject::task_subject;

/// For how long a dispatch waits for all of its acks.
const DISPATCH_WITHIN: Duration = Duration::from_secs(5);

/// Tasks in flight at once. The library stops sending at 5000 unacknowledged messages, and these are sent before any of
/// them is awaited.
const DISPATCH_CHUNK: usize = 500;

/// For how long questions to the leader are repeated.
const ASK_WITHIN: Duration = Duration::from_secs(5);

/// How long a call of `claim` waits for the first task.
const WAIT: Duration = Duration::from_secs(1);

/// How long the answer to "what is there now?" may take before the question counts as lost.
const NO_WAIT_ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The shortest life of a pull request; servers refuse very short ones.
const EXPIRES_MIN: Duration = Duration::from_millis(100);

/// Control's side of the task queue.
#[derive(Clone)]
pub struct JetStreamDispatcher {
    context: Context,
    settings: StreamSettings,
}

impl fmt::Debug for JetStreamDispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JetStreamDispatcher")
    }
}

impl JetStreamDispatcher {
    /// A dispatcher that makes the queue anew, with these settings, when its server has lost it.
    #[must_use]
    pub fn new(connection: &Connection, settings: StreamSettings) -> Self {
        Self { context: connection.context().clone(), settings }
    }

    /// When the queue was created, made anew if it was lost. Another value than before means that every task that
    /// was waiting is gone and every open task has to be dispatched again.
    ///
    /// # Errors
    /// [`Unavailable`] when the server does not answer or does not make the stream.
    pub async fn stream_created(&self) -> Result<Timestamp, Unavailable> {
        if let Some(info) = patiently(ASK_WITHIN, || stream_info(&self.context, TASKS_STREAM)).await? {
            return info.created();
        }
        warn!("the task queue is gone, as after a restart of its server; making it anew");
        self.ensure().await?;
        let info = patiently(ASK_WITHIN, || stream_info(&self.context, TASKS_STREAM)).await?;
        info.ok_or_else(|| unavailable(queue(), "just made, not found"))?.created()
    }

    async fn ensure(&self) -> Result<(), Unavailable> {
        ensure_task_stream(&self.context, &self.settings).await.map_err(|e| unavailable(queue(), e))
    }

    /// Sends in the given order, then waits for all acks together; one deadline spans everything.
    async fn publish_all(&self, tasks: &[Task], deadline: Instant) -> Result<(), PublishTrouble> {
        for chunk in tasks.chunks(DISPATCH_CHUNK) {
            let mut acks = Vec::with_capacity(chunk.len());
            for task in chunk {
                let payload = serde_json::to_vec(task).map_err(|e| PublishTrouble::Other(e.to_string()))?;
                let message = PublishMessage::build().payload(payload.into()).message_id(message_id(task));
                let sent = self.context.send_publish(task_subject(&task.pool.backend()), message);
                acks.push(in_time(deadline, sent).await?.into_future());
            }
            // A duplicate is fine: it is queued already, or was taken and is done.
            let acks = join_all(acks.into_iter().map(|ack| in_time(deadline, ack))).await;
            acks.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok(())
    }
}

async fn in_time<T>(
    deadline: Instant,
    step: impl Future<Output = Result<T, PublishError>>,
) -> Result<T, PublishTrouble> {
    match timeout_at(deadline, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) => Err(PublishTrouble::from(&e)),
        Err(_) => Err(PublishTrouble::Other("no ack in time".to_owned())),
    }
}

enum PublishTrouble {
    NobodyThere,
    Other(String),
}

impl From<&PublishError> for PublishTrouble {
    fn from(error: &PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::NobodyThere,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl Dispatcher for JetStreamDispatcher {
    async fn dispatch(&self, tasks: Vec<Task>) -> Result<(), Unavailable> {
        let deadline = Instant::now() + DISPATCH_WITHIN;
        let mut backoff = Backoff::new();
        loop {
            match self.publish_all(&tasks, deadline).await {
                Ok(()) => return Ok(()),
                Err(PublishTrouble::Other(why)) => return Err(unavailable(queue(), why)),
                Err(PublishTrouble::NobodyThere) if Instant::now() >= deadline => {
                    return Err(unavailable(queue(), "no server answers for it"));
                }
                // No leader at the moment, or the stream is gone with its server's memory.
                Err(PublishTrouble::NobodyThere) => {
                    backoff.pause(deadline).await;
                    timeout_at(deadline, self.stream_created())
                        .await
                        .map_err(|_| unavailable(queue(), "no server answers for it"))??;
                }
            }
        }
    }
}

/// The server drops a second message of the same id, so a dispatch that is repeated after a lost ack is queued once.
fn message_id(task: &Task) -> String {
    let phase = match task.phase {
        Phase::Execute => "execute",
        Phase::Revert => "revert",
    };
    format!("{}.{phase}.{}", task.id, task.dispatch)
}

fn queue() -> String {
    format!("stream {TASKS_STREAM}")
}

/// How a worker takes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSourceSettings {
    /// How long the queue waits for a sign of a worker before it gives the task to another one.
    pub ack_wait: Duration,
    /// The most tasks of the backend that all of its workers hold at the same time.
    pub max_ack_pending: u32,
}

impl Default for TaskSourceSettings {
    fn default() -> Self {
        Self { ack_wait: Duration::from_secs(30), max_ack_pending: 1000 }
    }
}

/// A worker's side of the task queue of one backend.
///
/// Tasks are pulled when they are wanted and not ahead of it: a task that waits in the buffer of a busy worker would be
/// kept from an idle one.
pub struct JetStreamTaskSource {
    connection: Connection,
    backend: BackendName,
    settings: TaskSourceSettings,
    open: Option<Open>,
}

/// The consumer and the one subscription on which its messages arrive, for as long as both work.
struct Open {
    consumer: PullConsumer,
    inbox: Subject,
    arrivals: Subscriber,
    patience: Duration,
}

impl fmt::Debug for JetStreamTaskSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamTaskSource").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl JetStreamTaskSource {
    /// The queue of one backend.
    #[must_use]
    pub fn new(connection: &Connection, backend: BackendName, settings: TaskSourceSettings) -> Self {
        Self { connection: connection.clone(), backend, settings, open: None }
    }

    /// Makes the backend's consumer, or finds it: all workers of a backend share one.
    async fn open(&self) -> Result<Open, Unavailable> {
        let what = || format!("task queue of {}", self.backend);
        let config = pull::Config {
            durable_name: Some(consumer_name(&self.backend)),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.settings.ack_wait,
            // Giving up is control's decision: it sees the deadline pass.
            max_deliver: -1,
            max_ack_pending: i64::from(self.settings.max_ack_pending),
            filter_subject: task_subject(&self.backend),
            memory_storage: true,
            ..pull::Config::default()
        };
        let consumer = self.connection.context().create_consumer_on_stream(config, TASKS_STREAM).await;
        let consumer = consumer.map_err(|e| unavailable(what(), e))?;
        let patience = consumer.cached_info().config.ack_wait;
        let client = self.connection.client();
        let inbox = Subject::from(client.new_inbox());
        let arrivals = client.subscribe(inbox.clone()).await.map_err(|e| unavailable(what(), e))?;
        Ok(Open { consumer, inbox, arrivals, patience })
    }
}

/// A consumer's name may hold no '.', and no '%' either: a 2.9 server uses it as a format string and garbles the reply
/// subjects of everything that the consumer delivers. '=' stands in no backend's name.
fn consumer_name(backend: &BackendName) -> String {
    backend.as_str().replace('.', "=")
}

impl TaskSource for JetStreamTaskSource {
    type Claimed = JetStreamClaimed;

    async fn claim(&mut self, max: usize) -> Result<Vec<Self::Claimed>, Unavailable> {
        if self.open.is_none() {
            self.open = Some(self.open().await?);
        }
        let context = self.connection.context().clone();
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        let claimed = open.claim(&context, max.max(1)).await;
        if let Err(trouble) = &claimed {
            debug!(backend = %self.backend, %trouble, "looking for the task queue again");
            self.open = None;
        }
        claimed
    }
}

/// What arrived on the inbox of pull requests.
enum Arrival {
    Task(Box<JetStreamClaimed>),
    /// The request is over without a task.
    End,
    Trouble(String),
}

impl Open {
    /// First asks for what is there now; only when that is nothing, waits for one task.
    ///
    /// Safe to drop at any point: whatever arrives meanwhile stays on the subscription for the next call.
    async fn claim(&mut self, context: &Context, max: usize) -> Result<Vec<JetStreamClaimed>, Unavailable> {
        let deadline = Instant::now() + WAIT;
        let mut claimed = self.drain(context, max)?;
        if !claimed.is_empty() {
            return Ok(claimed);
        }
        self.request(pull::BatchConfig { batch: max, no_wait: true, ..pull::BatchConfig::default() }).await?;
        match self.wait(context, Instant::now() + NO_WAIT_ANSWER_WITHIN).await? {
            Some(Arrival::Task(task)) => claimed.push(*task),
            Some(_) => {}
            // Old servers do not say that a consumer is gone, they say nothing.
            None => self.assure().await?,
        }
        if claimed.is_empty() {
            let expires = Some(deadline.saturating_duration_since(Instant::now()).max(EXPIRES_MIN));
            self.request(pull::BatchConfig { batch: 1, expires, ..pull::BatchConfig::default() }).await?;
        }
        // A request that ends early, such as when too many tasks are held already, must not turn into a busy loop.
        while claimed.is_empty() && Instant::now() < deadline {
            if let Some(Arrival::Task(task)) = self.wait(context, deadline).await? {
                claimed.push(*task);
            }
        }
        let room = max.saturating_sub(claimed.len());
        claimed.extend(self.drain(context, room)?);
        Ok(claimed)
    }

    async fn request(&self, request: pull::BatchConfig) -> Result<(), Unavailable> {
        let requested = self.consumer.request_batch(request, self.inbox.clone()).await;
        requested.map_err(|e| unavailable(queue(), e))
    }

    /// Asks for the consumer itself.
    async fn assure(&self) -> Result<(), Unavailable> {
        self.consumer.get_info().await.map(|_| ()).map_err(|e| unavailable(queue(), e))
    }

    /// Waits for the next arrival, but not past `until`; `None` when nothing at all came.
    async fn wait(&mut self, context: &Context, until: Instant) -> Result<Option<Arrival>, Unavailable> {
        match timeout_at(until, self.arrivals.next()).await {
            Err(_) => Ok(None),
            Ok(None) => Err(unavailable(queue(), "the subscription ended")),
            Ok(Some(message)) => match self.arrival(context, message) {
                Arrival::Trouble(why) => Err(unavailable(queue(), why)),
                arrival => Ok(Some(arrival)),
            },
        }
    }

    /// Takes what has arrived already.
    fn drain(&mut self, context: &Context, max: usize) -> Result<Vec<JetStreamClaimed>, Unavailable> {
        let mut claimed = Vec::new();
        while claimed.len() < max {
            match self.arrivals.next().now_or_never() {
                Some(Some(message)) => match self.arrival(context, message) {
                    Arrival::Task(task) => claimed.push(*task),
                    Arrival::End => {}
                    Arrival::Trouble(why) if claimed.is_empty() => return Err(unavailable(queue(), why)),
                    Arrival::Trouble(_) => break,
                },
                _ => break,
            }
        }
        Ok(claimed)
    }

    fn arrival(&self, context: &Context, message: async_nats::Message) -> Arrival {
        match message.status {
            None | Some(StatusCode::OK) => {
                let task = serde_json::from_slice(&message.payload).map_err(|e| format!("not a task: {e}"));
                let (_, acker) = Message { message, context: context.clone() }.split();
                Arrival::Task(Box::new(JetStreamClaimed { task, acker, patience: self.patience }))
            }
            Some(StatusCode::NO_RESPONDERS) => Arrival::Trouble("its consumer is gone".to_owned()),
            Some(status) => match message.description.as_deref() {
                Some(why @ ("Consumer Deleted" | "Consumer is push based")) => Arrival::Trouble(why.to_owned()),
                why => {
                    debug!(%status, why, "a pull request ended");
                    Arrival::End
                }
            },
        }
    }
}

/// A task in this worker's hands.
pub struct JetStreamClaimed {
    task: Result<Task, String>,
    acker: Acker,
    patience: Duration,
}

impl fmt::Debug for JetStreamClaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamClaimed").field("task", &self.task).finish_non_exhaustive()
    }
}

impl Claimed for JetStreamClaimed {
    fn task(&self) -> &Result<Task, String> {
        &self.task
    }

    async fn in_progress(&self) -> Result<(), Unavailable> {
        self.acker.ack_with(AckKind::Progress).await.map_err(|e| unavailable(queue(), e))
    }

    // Not confirmed by the server: a lost ack only means that the task comes again, and is found to be done.
    async fn done(&self) -> Result<(), Unavailable> {
        self.acker.ack().await.map_err(|e| unavailable(queue(), e))
    }

    fn patience_ms(&self) -> u64 {
        u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX)
    }
}
