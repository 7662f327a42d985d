//! The connection: where the servers are, who we are, and what the servers complain about.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::patience::Backoff;
use super::server_check::ServerVersion;

/// How long one request to JetStream may take. Every caller repeats, so this is short; a server that syncs each write
/// to a slow disk still answers well within it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest pause between two attempts to reconnect; the library's own grows to 4 seconds.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How to reach NATS.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// The servers, each `nats://host:port`, `tls://host:port` or `host:port`.
    pub servers: Vec<String>,
    /// Who we are.
    pub identity: Identity,
    /// The name that the server shows for this connection, such as `stele control`.
    pub name: String,
    /// Replies arrive below this subject instead of `_INBOX`; needed where permissions are per client.
    pub inbox_prefix: Option<String>,
    /// For how long the first connection is tried.
    pub connect_within: Duration,
}

impl ConnectionSettings {
    /// Settings without identity for some servers, tried for 10 seconds.
    #[must_use]
    pub fn new(servers: Vec<String>, name: &str) -> Self {
        Self {
            servers,
            identity: Identity::Anonymous,
            name: name.to_owned(),
            inbox_prefix: None,
            connect_within: Duration::from_secs(10),
        }
    }
}

/// Who connects.
#[derive(Clone)]
pub enum Identity {
    /// Nobody in particular: the server asks for nothing.
    Anonymous,
    /// A user with a password.
    Password {
        /// The user.
        user: String,
        /// The password; never shown.
        password: String,
    },
    /// A credentials file (JWT and seed).
    CredentialsFile(PathBuf),
    /// A file with an nkey seed, `SU...`.
    NkeySeedFile(PathBuf),
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Password { user, .. } => write!(f, "Password {{ user: {user:?}, password: <hidden> }}"),
            Self::CredentialsFile(path) => f.debug_tuple("CredentialsFile").field(path).finish(),
            Self::NkeySeedFile(path) => f.debug_tuple("NkeySeedFile").field(path).finish(),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailed {
    /// The list of servers is empty.
    #[error("no NATS server is configured: set --nats or STELE_NATS, such as nats://127.0.0.1:4222")]
    NoServers,
    /// An address is none.
    #[error("{address:?} is not the address of a NATS server: {why}")]
    BadAddress {
        /// The address, without a password that may stand in it.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The credentials or the seed cannot be used.
    #[error("the identity in {} cannot be used: {why}", path.display())]
    BadIdentity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The server does not let this identity in.
    #[error("{servers} refused the connection: {why}; check user, password, credentials or nkey")]
    Refused {
        /// The servers that were asked.
        servers: String,
        /// What was answered.
        why: String,
    },
    /// No server answered in time.
    #[error("{servers} did not answer within {} s: {why}; is nats-server running there?", within.as_secs_f32())]
    Unreachable {
        /// The servers that were asked.
        servers: String,
        /// For how long.
        within: Duration,
        /// The last error.
        why: String,
    },
}

/// A connection that finds back by itself; cheap to clone.
#[derive(Debug, Clone)]
pub struct Connection {
    client: Client,
    context: jetstream::Context,
}

impl Connection {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn context(&self) -> &jetstream::Context {
        &self.context
    }

    /// The version of the server that we are connected to, as it names it.
    #[must_use]
    pub fn server_version_text(&self) -> String {
        self.client.server_info().version
    }

    /// The version of the server that we are connected to, when it can be read.
    #[must_use]
    pub fn server_version(&self) -> Option<ServerVersion> {
        self.server_version_text().parse().ok()
    }

    /// True while a server is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Publishes a message that nobody needs to acknowledge, such as an outcome.
    ///
    /// # Errors
    /// [`Unavailable`](stele_core::port::Unavailable) when the client is closed.
    pub async fn publish(&self, subject: String, payload: bytes::Bytes) -> Result<(), stele_core::port::Unavailable> {
        let what = subject.clone();
        self.client.publish(subject, payload).await.map_err(|e| super::patience::unavailable(what, e))
    }

    /// Sends what is still buffered; call it before the process ends.
    ///
    /// # Errors
    /// [`Unavailable`](stele_core::port::Unavailable) when no server takes it.
    pub async fn flush(&self) -> Result<(), stele_core::port::Unavailable> {
        match tokio::time::timeout(REQUEST_TIMEOUT, self.client.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(super::patience::unavailable("NATS", e)),
            Err(_) => Err(super::patience::unavailable("NATS", "not connected")),
        }
    }
}

/// Connects, trying again until `settings.connect_within` has passed; later reconnects are tried for ever.
///
/// # Errors
/// [`ConnectFailed`] says which setting to look at. Refused identities are not tried again.
pub async fn connect(settings: &ConnectionSettings) -> Result<Connection, ConnectFailed> {
    let addresses = addresses(&settings.servers)?;
    let shown = settings.servers.iter().map(|s| without_password(s)).collect::<Vec<_>>().join(", ");
    let deadline = Instant::now() + settings.connect_within;
    let mut backoff = Backoff::new();
    loop {
        match options(settings).await?.connect(addresses.clone()).await {
            Ok(client) => {
                let context = ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone());
                debug!(servers = %shown, version = %client.server_info().version, "connected to NATS");
                return Ok(Connection { client, context });
            }
            Err(e) if is_refusal(e.kind()) => {
                return Err(ConnectFailed::Refused { servers: shown, why: e.to_string() });
            }
            Err(e) if Instant::now() >= deadline => {
                let within = settings.connect_within;
                return Err(ConnectFailed::Unreachable { servers: shown, within, why: e.to_string() });
            }
            Err(_) => backoff.pause(deadline).await,
        }
    }
}

fn is_refusal(kind: ConnectErrorKind) -> bool {
    matches!(kind, ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation)
}

fn addresses(servers: &[String]) -> Result<Vec<ServerAddr>, ConnectFailed> {
    if servers.is_empty() {
        return Err(ConnectFailed::NoServers);
    }
    let parse = |server: &String| {
        server
            .trim()
            .parse::<ServerAddr>()
            .map_err(|e| ConnectFailed::BadAddress { address: without_password(server), why: e.to_string() })
    };
    servers.iter().map(parse).collect()
}

async fn options(settings: &ConnectionSettings) -> Result<ConnectOptions, ConnectFailed> {
    let mut options = ConnectOptions::new()
        .name(&settings.name)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .reconnect_delay_callback(|attempt| {
            let shift = u32::try_from(attempt).unwrap_or(u32::MAX).min(10);
            (Duration::from_millis(10) * 2_u32.pow(shift)).min(RECONNECT_PAUSE_MAX)
        })
        .event_callback(|event| async move { log_event(&event) });
    if let Some(prefix) = &settings.inbox_prefix {
        options = options.custom_inbox_prefix(prefix);
    }
    match &settings.identity {
        Identity::Anonymous => Ok(options),
        Identity::Password { user, password } => Ok(options.user_and_password(user.clone(), password.clone())),
        Identity::CredentialsFile(path) => {
            let text = read_identity(path).await?;
            options
                .credentials(&text)
                .map_err(|e| ConnectFailed::BadIdentity { path: path.clone(), why: e.to_string() })
        }
        Identity::NkeySeedFile(path) => {
            let text = read_identity(path).await?;
            match text.lines().map(str::trim).find(|line| line.starts_with('S')) {
                Some(seed) => Ok(options.nkey(seed.to_owned())),
                None => {
                    Err(ConnectFailed::BadIdentity { path: path.clone(), why: "no line is an nkey seed".to_owned() })
                }
            }
        }
    }
}

async fn read_identity(path: &PathBuf) -> Result<String, ConnectFailed> {
    let read = tokio::fs::read_to_string(path).await;
    read.map_err(|e| ConnectFailed::BadIdentity { path: path.clone(), why: e.to_string() })
}

/// Some troubles come only as events: a refused publish otherwise just times out.
fn log_event(event: &Event) {
    match event {
        Event::Connected => info!("connected to NATS"),
        Event::Disconnected => warn!("lost the connection to NATS; connecting again"),
        Event::SlowConsumer(subscription) => {
            warn!(subscription, "messages arrive faster than they are handled; some were dropped");
        }
        Event::ServerError(error) => warn!(%error, "NATS refused something; check this client's permissions"),
        Event::ClientError(error) => warn!(%error, "the NATS client has a problem"),
        Event::LameDuckMode => warn!("the NATS server is about to stop; moving to another one"),
        Event::Draining | Event::Closed => debug!(%event, "NATS connection"),
    }
}

/// An address as it may be shown: a user and password in it are cut out.
#[must_use]
pub fn without_password(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{separator}***@{host}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        assert_eq!(without_password("nats://me:secret@host:4222"), "nats://***@host:4222");
        assert_eq!(without_password("me:secret@host"), "***@host");
        assert_eq!(without_password("nats://host:4222"), "nats://host:4222");
        let identity = Identity::Password { user: "me".to_owned(), password: "secret".to_owned() };
        assert!(!format!("{identity:?}").contains("secret"));
    }

    #[test]
    fn bad_addresses_are_named() {
        assert!(matches!(addresses(&[]), Err(ConnectFailed::NoServers)));
        let error = addresses(&["http://u:secret@x".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("http://***@x") && !error.contains("secret"), "{error}");
    }
}
