//! A `stele dev` process for tests, and the command line against it.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A `stele dev` process; it logs what `STELE_TEST_LOG` says, warnings without it.
pub(crate) struct Dev {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) nats: String,
}

impl Dev {
    /// Starts it and waits for its one line.
    pub(crate) async fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(["dev", "--http", "127.0.0.1:0", "--nats-port", "0", "--data"])
            .arg(data)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .env("RUST_LOG", std::env::var_os("STELE_TEST_LOG").unwrap_or_else(|| "warn".into()))
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
        stele(&self.nats, &self.url, args).await
    }

    /// Runs the command line, expects success, and reads its JSON.
    pub(crate) async fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let output = self.stele(&args).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
    }

    /// SIGINT, and waits for the end.
    pub(crate) async fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let status = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// The program: the one that was built with the tests, unless another one is to be measured.
fn binary() -> OsString {
    std::env::var_os("STELE_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_stele").into())
}

/// Runs the command line against the cell at these addresses.
pub(crate) async fn stele(nats: &str, url: &str, args: &[&str]) -> std::process::Output {
    Command::new(binary())
        .args(args)
        .env("STELE_NATS", nats)
        .env("STELE_URL", url)
        .env("STELE_PROJECT", "demo")
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}
