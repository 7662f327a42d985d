//! What operators choose with `log.set_level` reaches every process, without a restart.

use std::time::{Duration, Instant};

use serde_json::json;
use stele::client::command;

use crate::harness::cell::Cell;
use crate::roles;

/// How long a process may take: the slowest is an API, which looks once a second.
const WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn every_process_follows() {
    let cell = roles::cell(&["control-a", "control-b", "worker-a", "api"]).await;
    let connection = cell.connection().await;
    command(&connection, "admin", "log", "set_level", json!({"level": "DEBUG"})).await.unwrap();
    let only_workers = json!({"binary": "stele-worker", "prefix": "stele_workers::driver", "level": "ERROR"});
    command(&connection, "admin", "log", "set_level", only_workers).await.unwrap();
    // A worker learns it from the answer to its next report.
    command(&connection, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
    for role in ["control-a", "control-b", "api"] {
        let line = told(&cell, role, "stele_workers=debug").await;
        assert!(!line.contains("stele_workers::driver"), "{role}: {line}");
    }
    told(&cell, "worker-a", "stele_workers=debug,stele_workers::driver=error").await;
}

/// The line in which a role says that it logs so from here on. Only the process itself knows, so its log is read.
async fn told(cell: &Cell, role: &str, levels: &str) -> String {
    let until = Instant::now() + WITHIN;
    loop {
        let log = cell.log(role);
        let told = |line: &&str| line.contains("the log levels were changed") && line.contains(levels);
        if let Some(line) = log.lines().find(told) {
            return line.to_owned();
        }
        assert!(Instant::now() < until, "{role} does not follow\n{}", cell.logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
