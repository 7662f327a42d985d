//! The command line as a client: NATS for writes, HTTP for reads.

mod attach;
mod config;
mod drift;
mod http;
mod output;
mod pool;
mod quota;
mod replay;
mod replay_file;
mod service;
mod snapshot;
mod volume;
mod volume_type;
mod wait;

use serde_json::Value;
use stele_core::id::{ADMIN_PROJECT, ProjectId};

pub use http::Api;

use crate::args::{At, Command, Pool};
use crate::client::{self, Accepted};
use crate::failure::Failure;
use crate::nats::Connection;
use crate::role::connect::connected;
use crate::settings::Settings;

/// What every client command has at hand.
#[derive(Debug, Clone)]
struct Session {
    settings: Settings,
    api: Api,
    json: bool,
}

/// Runs a client command.
///
/// # Errors
/// A [`Failure`] with a stable code.
pub async fn run(settings: Settings, command: &Command, json: bool) -> Result<(), Failure> {
    let api = Api::new(&settings.url.value).with_token(settings.token.clone());
    let session = Session { settings, api, json };
    match command {
        Command::Volume(volume) => volume::run(&session, volume).await,
        Command::Snapshot(snapshot) => snapshot::run(&session, snapshot).await,
        Command::Attach(args) => attach::attach(&session, args).await,
        Command::Detach(args) => attach::detach(&session, args).await,
        Command::Service(service) => service::run(&session, service).await,
        Command::Pool(Pool::List { at }) => pool::list(&session.as_of(at)).await,
        Command::Pool(Pool::Foreign { pool }) => pool::foreign(&session, pool).await,
        Command::Drift(drift) => drift::run(&session, drift).await,
        Command::Quota(quota) => quota::run(&session, quota).await,
        Command::Type(volume_type) => volume_type::run(&session, volume_type).await,
        Command::Replay(replay) => replay::run(&session, replay).await,
        Command::Config(_) => config::check(&session).await,
        Command::Dev(_) | Command::Control(_) | Command::Api(_) | Command::Worker(_) | Command::Bench(_) => Ok(()),
    }
}

impl Session {
    /// The same, that asks the API how things were at a moment.
    fn as_of(&self, at: &At) -> Self {
        let session = self.clone();
        Self { api: session.api.as_of(at.moment.clone()), ..session }
    }

    fn project(&self) -> &ProjectId {
        &self.settings.project.value
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        connected(&self.settings, "stele cli").await
    }

    /// Sends a command for the session's project.
    async fn command(
        &self,
        connection: &Connection,
        resource: &str,
        verb: &str,
        content: Value,
    ) -> Result<Accepted, Failure> {
        client::command(connection, self.project().as_str(), resource, verb, content).await
    }

    /// Sends a command that concerns the whole cell.
    async fn admin(&self, resource: &str, verb: &str, content: Value) -> Result<Accepted, Failure> {
        let connection = self.connection().await?;
        client::command(&connection, ADMIN_PROJECT, resource, verb, content).await
    }
}
