//! `stele api`: follows the log and answers over HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use stele_core::id::BackendName;
use stele_projections::follow::{Progress, follow};
use stele_projections::http::{ApiOptions, ApiState, router, serve};
use stele_projections::projection::Projection;
use stele_projections::view::{Readiness, ServiceList};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::connect::{checked, connected};
use super::stop;
use crate::args;
use crate::cli::Api;
use crate::clock::now;
use crate::failure::Failure;
use crate::nats::{Connection, JetStreamLog};
use crate::settings::Settings;

/// The projection's file in the API's folder.
pub const PROJECTION_FILE: &str = "projection.redb";

/// Runs an API until the process is asked to end.
///
/// # Errors
/// A [`Failure`] that says what to do.
pub async fn main(settings: &Settings, args: &args::Api) -> Result<(), Failure> {
    let connection = connected(settings, "stele api").await?;
    checked(&connection, 1, None, true)?;
    let served = start(connection, &args.data, args.http, stop::on_signals()).await?;
    info!(url = served.url(), "the API listens");
    served.run().await
}

/// An API that listens and does not answer yet.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    listener: TcpListener,
    projection: Projection,
    log: JetStreamLog,
    stop: CancellationToken,
}

/// Opens the projection and listens.
///
/// # Errors
/// A [`Failure`] when the address is taken or not on loopback, or when the projection cannot be opened.
pub async fn start(
    connection: Connection,
    data: &Path,
    http: SocketAddr,
    stop: CancellationToken,
) -> Result<Serving, Failure> {
    if !http.ip().is_loopback() {
        let what = format!("the API was told to listen on {http}, and it asks nobody who they are");
        return Err(Failure::new("NotLoopback", what, "listen on loopback, and put a proxy that asks before it"));
    }
    std::fs::create_dir_all(data)?;
    let projection = Projection::open(&data.join(PROJECTION_FILE))?;
    let listener = TcpListener::bind(http).await.map_err(|e| {
        Failure::new("AddressTaken", format!("{http}: {e}"), "end what listens there, or choose another with --http")
    })?;
    let address = listener.local_addr()?;
    Ok(Serving { address, listener, projection, log: JetStreamLog::new(&connection, 0), stop })
}

impl Serving {
    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Follows and answers until it is asked to stop.
    ///
    /// # Errors
    /// A [`Failure`] when the log is not the one that was applied: nothing is served from such a log.
    pub async fn run(self) -> Result<(), Failure> {
        let (stop_in, stop_out) = watch::channel(false);
        let (progress_in, progress_out) = watch::channel(Progress::of(&self.projection));
        let reader = self.projection.reader();
        let state = ApiState::new(
            reader,
            progress_out,
            self.log.clone(),
            Arc::new(now),
            stop_out.clone(),
            ApiOptions::default(),
        );
        let following = follow(self.projection, self.log, stop_out.clone(), progress_in);
        let serving = serve(self.listener, router(state), stop_out);
        let token = self.stop;
        let stopping = async {
            token.cancelled().await;
            stop_in.send_replace(true);
        };
        let (followed, served, ()) = tokio::join!(
            async {
                let followed = following.await;
                // A projection that cannot go on serves nothing: the server ends with it.
                token.cancel();
                followed
            },
            serving,
            stopping
        );
        followed?;
        Ok(served?)
    }
}

/// The backends that the API at `url` knows, once it has caught up with the log.
///
/// # Errors
/// A [`Failure`] while it does not answer or is behind.
pub async fn services(url: &str) -> Result<Vec<BackendName>, Failure> {
    let api = Api::new(url);
    let readiness: Readiness = api.get("/readyz", &[], None).await?;
    if !readiness.ready {
        let message = format!("the API is at position {}, the log at {:?}", readiness.position, readiness.target);
        return Err(Failure::new("NotReady", message, ""));
    }
    let list: ServiceList = api.get("/v1/services", &[], None).await?;
    Ok(list.services.into_iter().map(|service| service.host).collect())
}
