//! A cell of separate processes for tests, on loopback in a scratch folder. Everything ends with the value.

use std::collections::BTreeMap;
use std::process::Stdio;

use stele::nats::{Connection, ServerProcess, ServerProcessSettings};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::log::connect_to;

/// A cell of separate processes, each of which can be killed and started again.
pub(crate) struct Cell {
    pub(crate) folder: TempDir,
    pub(crate) server: Option<ServerProcess>,
    nats: String,
    port: u16,
    roles: BTreeMap<&'static str, Role>,
}

struct Role {
    args: Vec<String>,
    child: Option<Child>,
}

impl Cell {
    /// Starts nats-server, and nothing else yet.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("stele-cell").tempdir().unwrap();
        let mut cell = Self { folder, server: None, nats: String::new(), port: 0, roles: BTreeMap::new() };
        cell.start_server().await;
        cell
    }

    /// Starts nats-server, on the port that it had before.
    pub(crate) async fn start_server(&mut self) {
        let directory = self.folder.path().join("nats");
        let settings = ServerProcessSettings { directory, port: self.port, binary: None };
        let server = ServerProcess::start(&settings).await.unwrap();
        (self.nats, self.port) = (server.url(), server.port());
        self.server = Some(server);
    }

    /// Adds a role, with its arguments, and starts it.
    pub(crate) fn add(&mut self, name: &'static str, args: Vec<String>) {
        self.roles.insert(name, Role { args, child: None });
        self.spawn(name);
    }

    /// A place in the cell's folder, as an argument.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Starts a role that is not running.
    pub(crate) fn spawn(&mut self, name: &'static str) {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join(format!("{name}.log")));
        let nats = self.nats.clone();
        let role = self.roles.get_mut(name).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_stele"))
            .args(&role.args)
            .env("STELE_NATS", nats)
            .env("RUST_LOG", "warn,stele=info,stele_workers=info,stele_projections=info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log.unwrap()))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        role.child = Some(child);
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self, name: &'static str) {
        if let Some(mut child) = self.roles.get_mut(name).unwrap().child.take() {
            child.kill().await.unwrap();
        }
    }

    pub(crate) async fn connection(&self) -> Connection {
        connect_to(&self.nats).await
    }

    /// All that a role wrote.
    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    /// What the roles wrote, for a test that fails.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for name in self.roles.keys() {
            let log = self.log(name);
            let lines: Vec<&str> = log.lines().rev().take(25).collect();
            text.push_str(&format!("--- {name}\n"));
            for line in lines.iter().rev() {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}
