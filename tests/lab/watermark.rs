//! A thin pool that is nearly full takes nothing new, until it is less full.

use std::time::Duration;

use serde_json::{Value, json};
use stele::client::command;

use crate::harness::dev::Dev;
use crate::harness::log::connect_to;
use crate::lvm::{volume_groups, volumes};
use crate::node::run;

const POOL: &str = "small";

/// The pool as `stele pool list` tells of it, once it is so full.
async fn pool_when(dev: &Dev, full: impl Fn(f64) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let list = dev.json(&["pool", "list"]).await;
        let pool = list["pools"][0].clone();
        if pool["stats"]["data_percent"].as_f64().is_some_and(&full) {
            return pool;
        }
        assert!(tokio::time::Instant::now() < deadline, "{list}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// What `stele` says when it fails.
async fn refused(dev: &Dev, args: &[&str]) -> String {
    let output = dev.stele(args).await;
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_pool_above_its_mark_takes_nothing_new() {
    let (group, _) = volume_groups();
    run("lvcreate", &["-y", "-L", "160m", "--thinpool", POOL, &group]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("stele.toml");
    let text = format!(
        "[[backend]]\nname = \"lab@small\"\nreport_interval_ms = 500\nmax_over_subscription_ratio = 100\n[backend.driver.lvm]\nvolume_group = \"{group}\"\n\
         lvm_type = \"thin\"\npool = \"{POOL}\"\nthin_data_percent_max = 60\n"
    );
    std::fs::write(&settings, text).unwrap();
    let dev = Dev::start(&folder.path().join("data"), &["--config", settings.to_str().unwrap()]).await;
    let connection = connect_to(&dev.nats).await;
    pool_when(&dev, |percent| percent < 1.0).await;
    let web = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    let id = web["id"].as_str().unwrap();

    // By the books there is room: 1 of 16 GiB is promised. In truth three quarters are used.
    let device = format!("of=/dev/{group}/volume-{id}");
    run("dd", &["if=/dev/zero", &device, "bs=1M", "count=120", "oflag=direct"]).await.unwrap();
    let full = pool_when(&dev, |percent| percent > 60.0).await;
    assert_eq!(full["stats"]["data_percent_max"], 60, "{full}");
    assert!(full["stats"]["metadata_percent"].as_f64().is_some(), "{full}");
    let why = "rejected by watermark: data 75.00 % used, metadata";
    let create = refused(&dev, &["volume", "create", "--size", "1", "--name", "more", "--wait"]).await;
    assert!(create.contains(why) && create.contains("needs data at most 60 %, metadata at most 90 %"), "{create}");
    let extend = refused(&dev, &["volume", "extend", "web", "2"]).await;
    assert!(extend.contains(why), "{extend}");
    let taken = command(&connection, "demo", "snapshot", "create", json!({"volume": id})).await.unwrap();
    let told = crate::harness::log::fold(&connection).await.0.state;
    let snapshot = &told.snapshots[&taken.subjects.snapshot.unwrap()];
    assert!(snapshot.reason.as_deref().is_some_and(|reason| reason.contains(why)), "{snapshot:?}");
    let shown = dev.stele(&["pool", "list"]).await;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("75.00"), "{shown:?}");

    // What was written is given back, and the next heartbeat tells.
    command(&connection, "demo", "snapshot", "delete", json!({"id": snapshot.id})).await.unwrap();
    run("blkdiscard", &[&format!("/dev/{group}/volume-{id}")]).await.unwrap();
    pool_when(&dev, |percent| percent < 60.0).await;
    dev.json(&["volume", "create", "--size", "1", "--name", "then", "--wait"]).await;
    dev.json(&["volume", "extend", "web", "2", "--wait"]).await;
    for name in ["then", "web", "more"] {
        dev.json(&["volume", "delete", name, "--wait"]).await;
    }
    dev.stop().await;
    assert_eq!(volumes(&group), vec![]);
    run("lvremove", &["-f", &format!("{group}/{POOL}")]).await.unwrap();
}
