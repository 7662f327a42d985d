//! A cell to measure: every role a process of its own, so that the processor time of each is known.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::failure::Failure;
use crate::nats::{ServerProcess, ServerProcessSettings};

/// A cell on loopback that lives as long as this value.
#[derive(Debug)]
pub(super) struct Cell {
    server: ServerProcess,
    roles: Vec<(&'static str, Child)>,
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
        let mut cell = Self { server, roles: Vec::new(), _folder: folder };
        let control = path(cell._folder.path(), "control");
        let mut args = vec!["control", "--data", &control, "--claim-after-ms", "0"];
        if cell.server.syncs_always() {
            args.push("--server-syncs");
        }
        cell.spawn("control", &args)?;
        cell.spawn("worker", &["worker", "--driver", "null", "--backend", "bench@null"])?;
        let api = path(cell._folder.path(), "api");
        cell.spawn("api", &["api", "--http", "127.0.0.1:0", "--data", &api])?;
        Ok(cell)
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
