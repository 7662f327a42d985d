//! `stele api`: follows the log and answers over HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stele_core::chap::ChapKey;
use stele_core::id::BackendName;
use stele_core::unit::Position;
use stele_projections::follow::{Progress, Stop, follow};
use stele_projections::http::{ApiOptions, ApiState, router, serve};
use stele_projections::projection::Projection;
use stele_projections::query::services as services_in;
use stele_projections::reader::Reader;
use stele_projections::v3::Asker;
use stele_projections::v3::auth::Authenticator;
use stele_projections::view::{Readiness, ServiceList};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::connect::{checked, connected};
use super::control::host_name;
use super::stop;
use crate::archive::{CellLog, archive, cell_log, take_snapshot, until_joined};
use crate::args::{self, Token};
use crate::chap_key;
use crate::cli::Api;
use crate::clock::now;
use crate::failure::Failure;
use crate::logging;
use crate::nats::{Commands, Connection};
use crate::settings::Settings;

/// How often it is looked whether operators changed the log levels; only while the log moves.
const LEVELS_EVERY: Duration = Duration::from_secs(1);

/// The projection's file in the API's folder.
pub const PROJECTION_FILE: &str = "projection.redb";

/// Runs an API until the process is asked to end.
///
/// # Errors
/// A [`Failure`] that says what to do.
pub async fn main(settings: &Settings, args: &args::Api) -> Result<(), Failure> {
    let connection = connected(settings, "stele api").await?;
    checked(&connection, 1, None, true)?;
    let authenticator = settings.from_file.auth.with(&args.auth).authenticator(args.http).await?;
    let key_file = args.chap_key_file.as_ref().or(settings.from_file.chap_key_file.as_ref());
    let key = key_file.map(|file| chap_key::read(file)).transpose()?;
    let log = cell_log(&connection, archive(settings)?);
    let data = (args.data.as_path(), settings.from_file.api.history(args.history));
    let served = start((connection, log), data, args.http, (authenticator, key), stop::on_signals()).await?;
    info!(url = served.url(), "the API listens");
    served.run().await
}

/// An API that listens and does not answer yet.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    listener: TcpListener,
    projection: Projection,
    progress: (watch::Sender<Progress>, watch::Receiver<Progress>),
    authenticator: Authenticator,
    chap_key: Option<ChapKey>,
    log: CellLog,
    commands: Commands,
    stop: CancellationToken,
}

/// Looks at what an API of this process knows, without asking it over HTTP.
#[derive(Debug, Clone)]
pub struct Probe {
    reader: Reader,
    progress: watch::Receiver<Progress>,
}

/// Opens the projection in a folder, with so many positions of the past, and listens; who is answered and with which secrets is given.
///
/// # Errors
/// A [`Failure`] when the address is taken, or when the projection cannot be opened.
pub async fn start(
    (connection, log): (Connection, CellLog),
    (data, history): (&Path, u64),
    http: SocketAddr,
    (authenticator, chap_key): (Authenticator, Option<ChapKey>),
    stop: CancellationToken,
) -> Result<Serving, Failure> {
    std::fs::create_dir_all(data)?;
    let place = data.join(PROJECTION_FILE);
    if let Some(archive) = log.archive() {
        take_snapshot(archive, &place).await?;
    }
    let projection = Projection::open_keeping(&place, history)?;
    let listener = TcpListener::bind(http).await.map_err(|e| {
        Failure::new("AddressTaken", format!("{http}: {e}"), "end what listens there, or choose another with --http")
    })?;
    let address = listener.local_addr()?;
    let progress = watch::channel(Progress::of(&projection));
    let commands = Commands::new(connection);
    Ok(Serving { address, listener, projection, progress, authenticator, chap_key, log, commands, stop })
}

impl Serving {
    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A way to see what it knows.
    #[must_use]
    pub fn probe(&self) -> Probe {
        Probe { reader: self.projection.reader(), progress: self.progress.1.clone() }
    }

    /// Follows and answers until it is asked to stop.
    ///
    /// # Errors
    /// A [`Failure`] when the log is not the one that was applied: nothing is served from such a log.
    pub async fn run(self) -> Result<(), Failure> {
        let (stop_in, stop_out) = watch::channel(false);
        let (progress_in, progress_out) = self.progress;
        let reader = self.projection.reader();
        let (levels_in, levels_progress) = (reader.clone(), progress_out.clone());
        let state = ApiState::new(
            reader,
            progress_out,
            self.log.clone(),
            Arc::new(now),
            stop_out.clone(),
            ApiOptions::default(),
            self.authenticator,
        )
        .with_chap_key(self.chap_key);
        let following = followed(self.projection, self.log, stop_out.clone(), progress_in);
        let serving = serve(self.listener, router(state, Asker::new(self.commands)), stop_out.clone());
        let token = self.stop;
        let stopping = async {
            token.cancelled().await;
            stop_in.send_replace(true);
        };
        let logging = follow_levels(levels_in, levels_progress, stop_out);
        let (followed, served, (), ()) = tokio::join!(
            async {
                let followed = following.await;
                // A projection that cannot go on serves nothing: the server ends with it.
                token.cancel();
                followed
            },
            serving,
            stopping,
            logging
        );
        followed?;
        Ok(served?)
    }
}

/// Follows the log once it is known that files and stream are one history.
async fn followed(
    projection: Projection,
    log: CellLog,
    mut stop: Stop,
    progress: watch::Sender<Progress>,
) -> Result<(), Failure> {
    let joined = tokio::select! {
        joined = until_joined(&log) => joined,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    if let Err(error) = joined {
        progress.send_modify(|progress| progress.failure = Some(error.to_string()));
        return Err(error.into());
    }
    Ok(follow(projection, log, stop, progress).await?)
}

impl Probe {
    /// The backends that it knows, once it has caught up with the log.
    ///
    /// # Errors
    /// A [`Failure`] while it is behind.
    pub async fn services(&self) -> Result<Vec<BackendName>, Failure> {
        let progress = self.progress.borrow().clone();
        if !progress.is_ready() {
            return Err(behind(progress.position, progress.target));
        }
        let reader = self.reader.clone();
        let asked = tokio::task::spawn_blocking(move || services_in(&reader.snapshot()?, now()));
        let list = asked.await.map_err(|e| Failure::new("Interrupted", e.to_string(), "try again"))?;
        let list = list.map_err(|e| Failure::new("StoreUnreadable", e.to_string(), "run `stele replay rebuild`"))?;
        Ok(list.services.into_iter().map(|service| service.host).collect())
    }
}

/// Makes the process log as operators chose, a second after they did so at the latest.
async fn follow_levels(reader: Reader, mut progress: watch::Receiver<Progress>, mut stop: Stop) {
    let host = host_name();
    loop {
        let reader = reader.clone();
        let read = tokio::task::spawn_blocking(move || reader.snapshot()?.log_levels()).await;
        match read {
            Ok(Ok(levels)) => {
                logging::follow(levels.iter().map(|(target, level)| (target, level)), logging::API, &host);
            }
            Ok(Err(error)) => warn!(%error, "the log levels could not be read"),
            Err(error) => warn!(%error, "the log levels could not be read"),
        }
        let moved = async {
            tokio::time::sleep(LEVELS_EVERY).await;
            progress.changed().await
        };
        tokio::select! {
            moved = moved => if moved.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// The backends that the API at `url` knows, once it has caught up with the log; `token` where it asks for one.
///
/// # Errors
/// A [`Failure`] while it does not answer or is behind.
pub async fn services(url: &str, token: Option<Token>) -> Result<Vec<BackendName>, Failure> {
    let api = Api::new(url).with_token(token);
    let readiness: Readiness = api.get("/readyz", &[], None).await?;
    if !readiness.ready {
        return Err(behind(readiness.position, readiness.target));
    }
    let list: ServiceList = api.get("/v1/services", &[], None).await?;
    Ok(list.services.into_iter().map(|service| service.host).collect())
}

fn behind(position: Position, target: Option<Position>) -> Failure {
    Failure::new("NotReady", format!("the API is at position {position}, the log at {target:?}"), "")
}
