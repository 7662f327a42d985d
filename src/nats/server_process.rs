//! A nats-server of our own on loopback, for `stele dev` and for tests.
//!
//! A second server on the same folder would ruin it, so a server that a killed process left behind is ended first. It
//! is recognised by the configuration file on its command line, never by its process id alone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::server_check::ServerVersion;

/// The environment variable that names the binary.
const BINARY_VARIABLE: &str = "STELE_NATS_SERVER";

/// The line of releases that Stele is tested with first.
const PREFERRED_LINE: (u32, u32) = (2, 12);

/// How long a server may take to recover its streams and to answer.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long a server may take to end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The server's memory for task queues and consumers.
const MEMORY_STORE_BYTES: u64 = 256 << 20;

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerProcessSettings {
    /// Where configuration, log file and streams are kept.
    pub directory: PathBuf,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The binary; without one it is searched for.
    pub binary: Option<PathBuf>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerProcessFailed {
    /// No binary was found.
    #[error("no nats-server was found ({looked}); run `make tools`, install one, or set {BINARY_VARIABLE}")]
    NotFound {
        /// The places that were searched.
        looked: String,
    },
    /// The binary cannot be used.
    #[error("{} cannot be used as nats-server: {why}", binary.display())]
    Unusable {
        /// The binary.
        binary: PathBuf,
        /// Why.
        why: String,
    },
    /// The folder cannot be used.
    #[error("{} cannot be used: {why}", path.display())]
    Directory {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Something else listens where the server should.
    #[error("port {port} on 127.0.0.1 cannot be used ({why}); end what listens there, or choose another port")]
    PortTaken {
        /// The port.
        port: u16,
        /// Why.
        why: String,
    },
    /// The server ended or did not answer; the end of its log file says why.
    #[error("nats-server did not become ready: {why}; its log ends with: {log}")]
    NotReady {
        /// What happened.
        why: String,
        /// The last lines of its log file.
        log: String,
    },
}

/// A running server. It is killed when this is dropped; [`ServerProcess::stop`] lets it end in order.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    binary: PathBuf,
    version: ServerVersion,
    port: u16,
    pid_file: PathBuf,
}

/// What is remembered about a server, so that the next start recognises it.
#[derive(Debug, Serialize, Deserialize)]
struct PidFile {
    pid: u32,
    port: u16,
}

impl ServerProcess {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// [`ServerProcessFailed`] says where was looked or what the server wrote.
    pub async fn start(settings: &ServerProcessSettings) -> Result<Self, ServerProcessFailed> {
        let (binary, version) = match &settings.binary {
            Some(binary) => (binary.clone(), version_of(binary).await?),
            None => find_binary().await?,
        };
        let directory = prepare(&settings.directory).await?;
        let config_file = directory.join("nats-server.conf");
        let pid_file = directory.join("nats-server.pid");
        end_left_behind(&pid_file, &config_file, &binary).await;
        let port = if settings.port == 0 { free_port().await? } else { settings.port };
        refuse_taken(port).await?;
        write(&config_file, &config_text(&directory, port, version)).await?;
        let mut child = spawn(&binary, &config_file).await?;
        let remembered = PidFile { pid: child.id().unwrap_or_default(), port };
        write(&pid_file, &serde_json::to_string(&remembered).unwrap_or_default()).await?;
        if let Err(why) = wait_until_ready(&mut child, port).await {
            let log = log_tail(&directory.join("nats-server.log")).await;
            return Err(ServerProcessFailed::NotReady { why, log });
        }
        if !version.can_sync_always() {
            warn!(%version, "this nats-server cannot write each record to disk at once: a power failure may lose up to 60 s");
        }
        info!(%version, port, "nats-server is ready");
        Ok(Self { child, binary, version, port, pid_file })
    }

    /// The address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The program that runs.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The version that runs.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.version
    }

    /// Whether each write is on disk before it is acknowledged.
    #[must_use]
    pub fn syncs_always(&self) -> bool {
        self.version.can_sync_always()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns when the server has ended by itself, with its status.
    pub async fn ended(&mut self) -> String {
        self.child.wait().await.map_or_else(|e| e.to_string(), |status| status.to_string())
    }

    /// Ends the server without a chance to say goodbye, as a crash would.
    pub async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            debug!(%error, "nats-server was gone already");
        }
    }

    /// Asks the server to end and waits for it; kills it when it does not.
    pub async fn stop(mut self) {
        if let Some(pid) = self.child.id() {
            signal(&self.binary, "term", pid).await;
        }
        if timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            warn!("nats-server did not end within {} s and is killed", STOP_WITHIN.as_secs());
            self.child.kill().await.ok();
        }
        tokio::fs::remove_file(&self.pid_file).await.ok();
    }
}

/// Finds the binary: named by the environment, in a `.tools` folder of the project, or in PATH.
async fn find_binary() -> Result<(PathBuf, ServerVersion), ServerProcessFailed> {
    if let Some(named) = std::env::var_os(BINARY_VARIABLE).filter(|value| !value.is_empty()) {
        let binary = PathBuf::from(named);
        let version = version_of(&binary).await?;
        return Ok((binary, version));
    }
    let candidates = candidates().await;
    let mut usable = Vec::new();
    for binary in candidates {
        match version_of(&binary).await {
            Ok(version) => usable.push((rank(version), version, binary)),
            Err(error) => debug!(%error, "skipped"),
        }
    }
    let best = usable.into_iter().max();
    best.map(|(_, version, binary)| (binary, version)).ok_or_else(|| ServerProcessFailed::NotFound {
        looked: format!("{BINARY_VARIABLE}, .tools/nats-server-*/ here and above the program, PATH"),
    })
}

/// Releases of the tested line come first, then other ones that can sync each write.
fn rank(version: ServerVersion) -> u8 {
    if (version.major, version.minor) == PREFERRED_LINE { 2 } else { u8::from(version.can_sync_always()) }
}

async fn candidates() -> BTreeSet<PathBuf> {
    let mut roots: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
    if let Ok(program) = std::env::current_exe() {
        roots.extend(program.ancestors().skip(1).map(Path::to_path_buf));
    }
    let mut found = BTreeSet::new();
    for root in roots {
        let Ok(mut tools) = tokio::fs::read_dir(root.join(".tools")).await else { continue };
        while let Ok(Some(tool)) = tools.next_entry().await {
            if tool.file_name().to_string_lossy().starts_with("nats-server-") {
                found.insert(tool.path().join("nats-server"));
            }
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&path).map(|folder| folder.join("nats-server")));
    found.retain(|binary| binary.is_file());
    found
}

/// Asks the binary for its version: `nats-server: v2.12.8`.
async fn version_of(binary: &Path) -> Result<ServerVersion, ServerProcessFailed> {
    let unusable = |why: String| ServerProcessFailed::Unusable { binary: binary.to_owned(), why };
    let asked =
        timeout(Duration::from_secs(10), Command::new(binary).arg("--version").kill_on_drop(true).output()).await;
    let output =
        asked.map_err(|_| unusable("no answer to --version".to_owned()))?.map_err(|e| unusable(e.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().last().unwrap_or_default();
    version.parse().map_err(|e| unusable(format!("--version: {e}")))
}

async fn prepare(directory: &Path) -> Result<PathBuf, ServerProcessFailed> {
    let failed = |e: std::io::Error| ServerProcessFailed::Directory { path: directory.to_owned(), why: e.to_string() };
    tokio::fs::create_dir_all(directory).await.map_err(failed)?;
    // Absolute, so that the command line names this folder whatever the working folder is.
    tokio::fs::canonicalize(directory).await.map_err(failed)
}

async fn write(path: &Path, text: &str) -> Result<(), ServerProcessFailed> {
    let written = tokio::fs::write(path, text).await;
    written.map_err(|e| ServerProcessFailed::Directory { path: path.to_owned(), why: e.to_string() })
}

/// Another server on the port would answer in place of ours.
async fn refuse_taken(port: u16) -> Result<(), ServerProcessFailed> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(_) => Ok(()),
        Err(why) => Err(ServerProcessFailed::PortTaken { port, why: why.to_string() }),
    }
}

async fn free_port() -> Result<u16, ServerProcessFailed> {
    let failed =
        |e: std::io::Error| ServerProcessFailed::NotReady { why: format!("no free port: {e}"), log: String::new() };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    Ok(listener.local_addr().map_err(failed)?.port())
}

fn config_text(directory: &Path, port: u16, version: ServerVersion) -> String {
    let quoted = |path: PathBuf| serde_json::Value::from(path.to_string_lossy()).to_string();
    let store = quoted(directory.join("jetstream"));
    let log = quoted(directory.join("nats-server.log"));
    let sync = if version.can_sync_always() { "  sync_interval: always\n" } else { "" };
    format!(
        "# Written by stele at every start.\n\
         listen: \"127.0.0.1:{port}\"\n\
         server_name: \"stele-{port}\"\n\
         max_payload: 1048576\n\
         log_file: {log}\n\
         logfile_size_limit: 16777216\n\
         jetstream {{\n  store_dir: {store}\n  max_memory_store: {MEMORY_STORE_BYTES}\n{sync}}}\n"
    )
}

/// Where the system can do it, the server ends with the process that started it, whatever ends that.
async fn spawn(binary: &Path, config_file: &Path) -> Result<Child, ServerProcessFailed> {
    let mut command = if can_tie_to_parent().await {
        let mut command = Command::new("setpriv");
        command.args([OsStr::new("--pdeathsig"), OsStr::new("TERM"), OsStr::new("--"), binary.as_os_str()]);
        command
    } else {
        Command::new(binary)
    };
    command.arg("--config").arg(config_file);
    // Its own process group: Ctrl-C reaches us first, and we stop what uses the server before the server.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
    command.spawn().map_err(|e| ServerProcessFailed::Unusable { binary: binary.to_owned(), why: e.to_string() })
}

async fn can_tie_to_parent() -> bool {
    let help = Command::new("setpriv").arg("--help").stdin(Stdio::null()).kill_on_drop(true).output();
    matches!(timeout(Duration::from_secs(5), help).await,
             Ok(Ok(output)) if String::from_utf8_lossy(&output.stdout).contains("--pdeathsig"))
}

/// The server greets each client with its INFO line once its streams are recovered.
async fn wait_until_ready(child: &mut Child, port: u16) -> Result<(), String> {
    let deadline = Instant::now() + READY_WITHIN;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended with {status}"));
        }
        if let Ok(Ok(stream)) = timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
            let mut greeting = String::new();
            let mut lines = BufReader::new(stream);
            if let Ok(Ok(_)) = timeout(Duration::from_secs(2), lines.read_line(&mut greeting)).await
                && greeting.starts_with("INFO ")
                && greeting.contains("\"jetstream\":true")
            {
                return Ok(());
            }
        }
        if Instant::now() >= deadline {
            return Err(format!("no answer on {address} within {} s", READY_WITHIN.as_secs()));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Ends the server that an earlier process left running on this folder.
async fn end_left_behind(pid_file: &Path, config_file: &Path, binary: &Path) {
    let Ok(text) = tokio::fs::read_to_string(pid_file).await else { return };
    let Ok(PidFile { pid, port }) = serde_json::from_str(&text) else { return };
    if !is_ours(pid, config_file).await {
        return;
    }
    warn!(pid, port, "a nats-server of an earlier run is still there; ending it");
    signal(binary, "term", pid).await;
    let deadline = Instant::now() + STOP_WITHIN;
    while is_ours(pid, config_file).await {
        if Instant::now() >= deadline {
            // In this program's words "stop" is the signal that cannot be ignored.
            signal(binary, "stop", pid).await;
            sleep(Duration::from_millis(200)).await;
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// True when the process runs with our configuration file; a reused process id does not.
async fn is_ours(pid: u32, config_file: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let Ok(command_line) = tokio::fs::read(format!("/proc/{pid}/cmdline")).await else { return false };
    command_line.split(|byte| *byte == 0).any(|argument| argument == config_file.as_os_str().as_bytes())
}

/// nats-server can signal another one; that needs neither unsafe code nor a `kill` program.
async fn signal(binary: &Path, name: &str, pid: u32) {
    let mut command = Command::new(binary);
    command
        .arg("--signal")
        .arg(format!("{name}={pid}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Err(error) = command.kill_on_drop(true).status().await {
        warn!(%error, pid, "nats-server could not be signalled");
    }
}

async fn log_tail(path: &Path) -> String {
    let text = tokio::fs::read(path).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_that_know_it_are_told_to_sync() {
        let old = config_text(Path::new("/data"), 4222, ServerVersion::new(2, 9, 10));
        let new = config_text(Path::new("/data/a \"b\""), 4222, ServerVersion::new(2, 12, 8));
        assert!(!old.contains("sync_interval"));
        assert!(new.contains("sync_interval: always"));
        assert!(new.contains(r#"store_dir: "/data/a \"b\"/jetstream""#), "{new}");
    }

    #[test]
    fn the_tested_line_is_preferred() {
        let version = |text: &str| text.parse::<ServerVersion>().unwrap();
        let mut versions = ["2.15.1", "2.9.10", "2.12.8", "2.12.3", "2.11.11"].map(version);
        versions.sort_by_key(|v| (rank(*v), *v));
        assert_eq!(versions.map(|v| v.to_string()), ["2.9.10", "2.11.11", "2.15.1", "2.12.3", "2.12.8"]);
    }
}
