//! The streams of a cell: made when they are missing, refused when they would lose data.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use stele_core::port::Unavailable;
use tracing::{info, warn};

use super::connect::Connection;
use super::patience::{patiently, unavailable};
use super::stream_info::{api, stream_info};
use super::stream_rules::{Purpose, UnsafeSetting, check_stream};
use super::subject::{COMMAND_SUBJECTS, TASK_SUBJECTS, log_subject};

/// The log.
pub const LOG_STREAM: &str = "STELE_LOG";

/// The durable inbox.
pub const COMMANDS_STREAM: &str = "STELE_COMMANDS";

/// The task queue.
pub const TASKS_STREAM: &str = "STELE_TASKS";

/// The largest message of any stream: the default `max_payload` of a NATS server.
const MESSAGE_BYTES_MAX: i32 = 1 << 20;

/// The smallest window that servers accept. Nothing carries a message id where it could hurt: an id that another
/// sender has used would make a command vanish.
const DUPLICATE_WINDOW_MIN: Duration = Duration::from_millis(100);

/// A task that was dispatched twice within this window is queued once.
const TASK_DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// No task waits longer: its deadline has passed long before, and control has decided otherwise.
const TASK_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A disk that has less room than this for a stream is not fit to hold it.
const STREAM_BYTES_MIN: u64 = 16 << 20;

/// How long a cluster may take to elect leaders before its streams are made.
const ENSURE_WITHIN: Duration = Duration::from_secs(20);

/// "Storage resources exceeded", "insufficient resources", "account resources exceeded" and "no suitable peers": the
/// server cannot promise so many bytes, but perhaps fewer.
const TOO_LARGE: [u64; 4] = [10047, 10023, 10002, 10005];

/// The server makes a stream of this name already.
const NAME_IN_USE: u64 = 10058;

/// What the streams shall be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    /// Copies of every message; 1 without a cluster, 3 with one.
    pub replicas: usize,
    /// The shard whose log it is.
    pub shard: u32,
    /// The most bytes of the log. Made smaller when the server has less room; never a reason to drop records.
    pub log_bytes_max: u64,
    /// The most bytes of undecided commands.
    pub commands_bytes_max: u64,
    /// The most bytes of waiting tasks, in memory.
    pub tasks_bytes_max: u64,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { replicas: 1, shard: 0, log_bytes_max: 8 << 30, commands_bytes_max: 1 << 30, tasks_bytes_max: 64 << 20 }
    }
}

/// Why the streams cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StreamsFailed {
    /// Settings on the server would lose data.
    #[error("refusing streams that would lose data: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unsafe(Vec<UnsafeSetting>),
    /// The server does not make the stream.
    #[error("the server refused to make stream {stream}: {why}")]
    Refused {
        /// The stream.
        stream: &'static str,
        /// The server's words.
        why: String,
    },
    /// The server does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Makes the streams that are missing and checks those that exist against what they are for.
///
/// # Errors
/// [`StreamsFailed::Unsafe`] lists every setting that would lose data, with its remedy.
pub async fn ensure_streams(connection: &Connection, settings: &StreamSettings) -> Result<(), StreamsFailed> {
    let mut found = Vec::new();
    // The log comes last: it takes what room is left.
    for wanted in [commands(settings), tasks(settings), log(settings)] {
        found.extend(ensure(connection.context(), &wanted).await?);
    }
    if found.is_empty() { Ok(()) } else { Err(StreamsFailed::Unsafe(found)) }
}

/// Makes the task queue anew after a server has lost it; it lives in memory.
pub(super) async fn ensure_task_stream(context: &Context, settings: &StreamSettings) -> Result<(), StreamsFailed> {
    let found = ensure(context, &tasks(settings)).await?;
    if found.is_empty() { Ok(()) } else { Err(StreamsFailed::Unsafe(found)) }
}

struct Wanted {
    name: &'static str,
    purpose: Purpose,
    subjects: String,
    config: Config,
}

fn log(settings: &StreamSettings) -> Wanted {
    let config = Config {
        max_bytes: bytes(settings.log_bytes_max),
        deny_delete: true,
        allow_direct: true,
        duplicate_window: DUPLICATE_WINDOW_MIN,
        description: Some("Stele's log: the only truth of this cell".to_owned()),
        ..kept(settings)
    };
    wanted(LOG_STREAM, Purpose::Log, log_subject(settings.shard), config)
}

fn commands(settings: &StreamSettings) -> Wanted {
    let config = Config {
        max_bytes: bytes(settings.commands_bytes_max),
        duplicate_window: DUPLICATE_WINDOW_MIN,
        description: Some("Stele's inbox: commands without an outcome yet".to_owned()),
        ..kept(settings)
    };
    wanted(COMMANDS_STREAM, Purpose::Inbox, COMMAND_SUBJECTS.to_owned(), config)
}

fn tasks(settings: &StreamSettings) -> Wanted {
    let config = Config {
        max_bytes: bytes(settings.tasks_bytes_max),
        storage: StorageType::Memory,
        retention: RetentionPolicy::WorkQueue,
        max_age: TASK_AGE_MAX,
        duplicate_window: TASK_DUPLICATE_WINDOW,
        description: Some("Stele's task queue: given out again from the log when lost".to_owned()),
        ..kept(settings)
    };
    wanted(TASKS_STREAM, Purpose::TaskQueue, TASK_SUBJECTS.to_owned(), config)
}

fn wanted(name: &'static str, purpose: Purpose, subjects: String, config: Config) -> Wanted {
    let config = Config { name: name.to_owned(), subjects: vec![subjects.clone()], ..config };
    Wanted { name, purpose, subjects, config }
}

fn kept(settings: &StreamSettings) -> Config {
    Config {
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_age: Duration::ZERO,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: MESSAGE_BYTES_MAX,
        max_consumers: -1,
        num_replicas: settings.replicas,
        ..Config::default()
    }
}

fn bytes(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

async fn ensure(context: &Context, wanted: &Wanted) -> Result<Vec<UnsafeSetting>, StreamsFailed> {
    let info = match patiently(ENSURE_WITHIN, || stream_info(context, wanted.name)).await? {
        Some(info) => info,
        None => {
            create(context, wanted).await?;
            // Read back, not taken from the answer: a server echoes only what it understood.
            let missing = || unavailable(format!("stream {}", wanted.name), "just made, not found");
            patiently(ENSURE_WITHIN, || async { stream_info(context, wanted.name).await?.ok_or_else(missing) }).await?
        }
    };
    Ok(check_stream(wanted.name, wanted.purpose, &info.config, &wanted.subjects, wanted.config.num_replicas))
}

/// Makes the stream, as large as the server allows: the server's limit is not shown to clients, so it is tried out.
async fn create(context: &Context, wanted: &Wanted) -> Result<(), StreamsFailed> {
    let mut config = wanted.config.clone();
    loop {
        let request = format!("STREAM.CREATE.{}", wanted.name);
        match patiently(ENSURE_WITHIN, || api(context, &request, &config)).await? {
            Ok(_) => {
                if config.max_bytes < wanted.config.max_bytes {
                    warn!(
                        stream = wanted.name,
                        wanted_bytes = wanted.config.max_bytes,
                        given_bytes = config.max_bytes,
                        "the server has less room than configured; the stream was made smaller"
                    );
                }
                info!(stream = wanted.name, bytes = config.max_bytes, replicas = config.num_replicas, "stream made");
                return Ok(());
            }
            Err(error) if error.err_code == NAME_IN_USE => return Ok(()),
            Err(error) if TOO_LARGE.contains(&error.err_code) && config.max_bytes / 2 >= bytes(STREAM_BYTES_MIN) => {
                config.max_bytes /= 2;
            }
            Err(error) => return Err(StreamsFailed::Refused { stream: wanted.name, why: error.to_string() }),
        }
    }
}
