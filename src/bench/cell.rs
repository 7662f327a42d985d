//! A cell to measure: every role a process of its own, so that the processor time of each is known.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::failure::Failure;
use crate::nats::{ServerProcess, ServerProcessSettings};
use crate::role::api::services;

/// How long the API may take until it answers.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A cell on loopback that lives as long as this value.
#[derive(Debug)]
pub(super) struct Cell {
    server: ServerProcess,
    roles: Vec<(&'static str, Child)>,
    http: SocketAddr,
    _folder: TempDir,
}

impl Cell {
    /// Starts nats-server, a control, an API and a worker of the null driver.
    pub(super) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("stele-bench").tempdir()?;
        let server = ServerProcess::start(&ServerProcessSettings {
            directory: folder.path().join("nats"),
            port: 0,
            binary: None,
        })
        .await?;
        let mut cell = Self { server, roles: Vec::new(), http: free_address()?, _folder: folder };
        let control = path(cell._folder.path(), "control");
        let mut args = vec!["control", "--data", &control, "--claim-after-ms", "0"];
        if cell.server.syncs_always() {
            args.push("--server-syncs");
        }
        cell.spawn("control", &args)?;
        cell.spawn("worker", &["worker", "--driver", "null", "--backend", "bench@null"])?;
        let api = path(cell._folder.path(), "api");
        let http = cell.http.to_string();
        cell.spawn("api", &["api", "--http", &http, "--data", &api, "--auth", "noauth"])?;
        Ok(cell)
    }

    /// The address of its API, once that answers with everything that is in the log.
    pub(super) async fn url(&self) -> Result<String, Failure> {
        let url = format!("http://{}", self.http);
        let deadline = Instant::now() + START_WITHIN;
        loop {
            match services(&url, None).await {
                Ok(backends) if !backends.is_empty() => return Ok(url),
                Err(failure) if Instant::now() >= deadline => return Err(failure),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The address of its NATS server.
    pub(super) fn nats(&self) -> String {
        self.server.url()
    }

    /// The version of its NATS server, and whether it syncs each write.
    pub(super) fn server(&self) -> (String, bool) {
        (self.server.version().to_string(), self.server.syncs_always())
    }

    /// Every process with its name.
    pub(super) fn processes(&self) -> Vec<(&'static str, u32)> {
        let server = self.server.pid().map(|pid| ("nats-server", pid));
        server.into_iter().chain(self.roles.iter().filter_map(|(name, child)| Some((*name, child.id()?)))).collect()
    }

    /// Ends everything.
    pub(super) async fn stop(mut self) {
        for (_, child) in &mut self.roles {
            child.kill().await.ok();
        }
        tokio::time::timeout(Duration::from_secs(10), self.server.stop()).await.ok();
    }

    fn spawn(&mut self, name: &'static str, args: &[&str]) -> Result<(), Failure> {
        let child = Command::new(std::env::current_exe()?)
            .args(args)
            .env("STELE_NATS", self.nats())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .env("RUST_LOG", "warn")
            .kill_on_drop(true)
            .spawn()?;
        self.roles.push((name, child));
        Ok(())
    }
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// An address that nobody listens on now; the API takes it at once.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
