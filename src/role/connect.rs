//! Connecting to NATS as a role, with a look at what the server is fit for.

use tracing::warn;

use crate::failure::Failure;
use crate::nats::{Connection, ServerFacts, Severity, StreamSettings, check_server, connect, ensure_streams};
use crate::settings::Settings;

/// Connects as `name`.
///
/// # Errors
/// A [`Failure`] that names where was looked.
pub async fn connected(settings: &Settings, name: &str) -> Result<Connection, Failure> {
    Ok(connect(&settings.connection(name)?).await?)
}

/// Refuses servers that are known to lose data, and makes the streams: the part of those who write.
///
/// # Errors
/// A [`Failure`] that lists what is unsafe, each with its remedy.
pub async fn prepared(
    connection: &Connection,
    streams: &StreamSettings,
    sync_always: Option<bool>,
    forced: bool,
) -> Result<(), Failure> {
    checked(connection, streams.replicas, sync_always, forced)?;
    Ok(ensure_streams(connection, streams).await?)
}

/// Refuses servers that are known to lose data.
///
/// # Errors
/// A [`Failure`] with the remedy.
pub fn checked(
    connection: &Connection,
    replicas: usize,
    sync_always: Option<bool>,
    forced: bool,
) -> Result<(), Failure> {
    let facts = ServerFacts { version: connection.server_version(), replicas, sync_always };
    for finding in check_server(facts, forced) {
        if finding.severity != Severity::Warning {
            let may_force = finding.severity == Severity::RefusedUnlessForced;
            let remedy = if may_force { format!("{}, or insist with --force", finding.remedy) } else { finding.remedy };
            return Err(Failure::new("UnsafeServer", finding.what, remedy));
        }
        warn!(remedy = %finding.remedy, "{}", finding.what);
    }
    Ok(())
}
