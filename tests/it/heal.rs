//! nats-server loses what it has acknowledged, and gets it back from the journal of the control that led.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use stele::client::command;
use stele_core::fold::Folded;

use crate::harness::cell::Cell;
use crate::harness::log::fold;
use crate::roles;

pub(crate) async fn replay(cell: &Cell, args: &[&str]) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_stele"))
        .arg("replay")
        .args(args)
        .env("STELE_NATS", cell.server.as_ref().unwrap().url())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

async fn create(cell: &Cell, name: &str) {
    let wish = json!({"size_gib": 1, "name": name});
    command(&cell.connection().await, "demo", "volume", "create", wish).await.unwrap_or_else(|e| {
        panic!("{e}\n{}", cell.logs());
    });
}

async fn folded(cell: &Cell) -> Folded {
    fold(&cell.connection().await).await.0
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_tail_comes_back_from_the_journal() {
    let mut cell = Cell::start().await;
    let data = cell.path("control");
    // Without --server-syncs: the journal is what can be relied on.
    let args = ["control", "--claim-after-ms", "800", "--data", &data].map(str::to_owned).to_vec();
    cell.add("control", args);
    create(&cell, "kept").await;
    cell.kill("control").await;
    cell.server.take().unwrap().stop().await;
    let (nats, older) = (cell.folder.path().join("nats"), cell.folder.path().join("older"));
    copy(&nats, &older);

    cell.start_server().await;
    cell.spawn("control");
    for name in ["lost", "lost as well"] {
        create(&cell, name).await;
    }
    let before = folded(&cell).await;
    cell.kill("control").await;
    cell.server.take().unwrap().stop().await;
    std::fs::remove_dir_all(&nats).unwrap();
    copy(&older, &nats);
    cell.start_server().await;
    let short = folded(&cell).await;
    assert!(short.chain.position < before.chain.position);

    // Nobody is asked in a script, and nothing happens without being told.
    let refused = replay(&cell, &["heal", "--journal", &data, "--json"]).await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("NotConfirmed"), "{refused:?}");
    assert_eq!(folded(&cell).await.chain, short.chain);

    let healed = replay(&cell, &["heal", "--journal", &data, "--yes", "--json"]).await;
    assert!(healed.status.success(), "{healed:?}");
    let healed = json_of(&healed);
    assert_eq!(healed["position"], before.chain.position.0, "{healed}");
    let after = folded(&cell).await;
    assert_eq!((after.chain, after.state.volumes.len()), (before.chain, 3));
    let verified = replay(&cell, &["verify", "--log-only", "--json"]).await;
    assert_eq!(json_of(&verified)["ok"], true, "{verified:?}");

    // The control that refused such a log leads again.
    cell.spawn("control");
    create(&cell, "later").await;
    assert_eq!(folded(&cell).await.state.volumes.len(), 4);

    // Two histories: the older log went on by itself, without what the journal has.
    cell.kill("control").await;
    cell.server.take().unwrap().stop().await;
    std::fs::remove_dir_all(&nats).unwrap();
    copy(&older, &nats);
    cell.start_server().await;
    roles::add(&mut cell, "control-b");
    create(&cell, "another history").await;
    cell.kill("control-b").await;
    let parted = replay(&cell, &["heal", "--journal", &data, "--yes"]).await;
    let (out, err) = (String::from_utf8_lossy(&parted.stdout), String::from_utf8_lossy(&parted.stderr));
    assert!(!parted.status.success() && err.contains("LogDiverged"), "{err}");
    assert!(out.contains("the log has") && out.contains("the journal has"), "{out}");
}
