//! A cell for tests: real processes on loopback in a scratch folder. Everything ends with the value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use stele::cli::Api;
use stele::nats::{Connection, ConnectionSettings, JetStreamLog, ServerProcess, ServerProcessSettings, connect};
use stele_core::fold::Folded;
use stele_core::port::{Log as _, LogReader as _};
use stele_core::unit::Position;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub(crate) const BIN: &str = env!("CARGO_BIN_EXE_stele");

/// A cell of separate processes, each of which can be killed and started again.
pub(crate) struct Cell {
    pub(crate) folder: TempDir,
    pub(crate) server: ServerProcess,
    pub(crate) url: String,
    roles: BTreeMap<&'static str, Role>,
}

struct Role {
    args: Vec<String>,
    child: Option<Child>,
}

impl Cell {
    /// Starts nats-server and the named roles: `control-a`, `control-b`, `worker-a`, `worker-b`, `api`.
    pub(crate) async fn start(names: &[&'static str]) -> Self {
        let folder = tempfile::Builder::new().prefix("stele-it").tempdir().unwrap();
        let server = start_server(&folder.path().join("nats"), None).await;
        let port = free_port();
        let mut cell = Self { folder, server, url: format!("http://127.0.0.1:{port}"), roles: BTreeMap::new() };
        for name in names {
            let args = cell.args(name, port);
            cell.roles.insert(name, Role { args, child: None });
            cell.spawn(name);
        }
        cell
    }

    fn args(&self, name: &str, port: u16) -> Vec<String> {
        let data = |part: &str| self.folder.path().join(part).display().to_string();
        let args: Vec<String> = match name.split('-').next().unwrap() {
            "control" => {
                ["control", "--claim-after-ms", "800", "--server-syncs", "--task-deadline-ms", "15000", "--data"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([data(name)])
                    .collect()
            }
            "worker" => ["worker", "--backend", "it@file", "--driver", "file", "--ack-wait-ms", "1500", "--dir"]
                .map(str::to_owned)
                .into_iter()
                .chain([data("volumes")])
                .collect(),
            _ => ["api".to_owned(), "--http".to_owned(), format!("127.0.0.1:{port}"), "--data".to_owned(), data("api")]
                .to_vec(),
        };
        args
    }

    /// Adds a role to a running cell.
    pub(crate) fn start_another(&mut self, name: &'static str) {
        let args = self.args(name, 0);
        self.roles.insert(name, Role { args, child: None });
        self.spawn(name);
    }

    /// Starts a role that is not running.
    pub(crate) fn spawn(&mut self, name: &'static str) {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join(format!("{name}.log")));
        let nats = self.server.url();
        let role = self.roles.get_mut(name).unwrap();
        let child = Command::new(BIN)
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
        connect_to(&self.server.url()).await
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// The folder in which the file driver keeps its volumes.
    pub(crate) fn volumes(&self) -> PathBuf {
        self.folder.path().join("volumes")
    }

    /// What the roles wrote, for a test that fails.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for name in self.roles.keys() {
            let path = self.folder.path().join(format!("{name}.log"));
            let log = std::fs::read_to_string(path).unwrap_or_default();
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

/// A `stele dev` process.
pub(crate) struct Dev {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) nats: String,
}

impl Dev {
    /// Starts it and waits for its one line.
    pub(crate) async fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(BIN)
            .args(["dev", "--http", "127.0.0.1:0", "--nats-port", "0", "--data"])
            .arg(data)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .env("RUST_LOG", "warn")
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.unwrap().unwrap().unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let [ready, url, nats] = words.as_slice() else { panic!("{line}") };
        assert_eq!(*ready, "ready");
        Self { url: (*url).to_owned(), nats: (*nats).to_owned(), child }
    }

    /// Runs the command line against it.
    pub(crate) async fn stele(&self, args: &[&str]) -> std::process::Output {
        Command::new(BIN)
            .args(args)
            .env("STELE_NATS", &self.nats)
            .env("STELE_URL", &self.url)
            .env("STELE_PROJECT", "demo")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap()
    }

    /// Runs the command line, expects success, and reads its JSON.
    pub(crate) async fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let output = self.stele(&args).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
    }

    pub(crate) async fn connection(&self) -> Connection {
        connect_to(&self.nats).await
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// SIGINT, and waits for the end.
    pub(crate) async fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let status = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

pub(crate) async fn start_server(directory: &Path, version: Option<&str>) -> ServerProcess {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools");
    let binary = version.map(|version| tools.join(format!("nats-server-{version}")).join("nats-server"));
    let settings = ServerProcessSettings { directory: directory.to_owned(), port: 0, binary };
    ServerProcess::start(&settings).await.unwrap()
}

pub(crate) async fn connect_to(url: &str) -> Connection {
    connect(&ConnectionSettings::new(vec![url.to_owned()], "stele test")).await.unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Everything that the log holds, folded from its first message.
pub(crate) async fn fold(connection: &Connection) -> (Folded, Vec<stele_core::record::Record>) {
    let log = JetStreamLog::new(connection, 0);
    let tail = log.tail().await.unwrap();
    let mut reader = log.read_from(Position(1)).await.unwrap();
    let mut folded = Folded::default();
    let mut records = Vec::new();
    let mut seen = Position(0);
    while seen < tail {
        for entry in reader.next_batch(1000).await.unwrap() {
            if entry.position > tail {
                break;
            }
            seen = entry.position;
            if let stele_core::fold::Folding::Applied(record, _) = folded.fold(&entry).unwrap() {
                records.push(*record);
            }
        }
    }
    (folded, records)
}
