//! The lights go out while a host writes: the two halves of one test, each in a kernel of its own. `.ci/lab` runs the one
//! after the other, on the same disks; that is why they are ignored otherwise.

use std::path::PathBuf;

use crate::cell::wait;
use crate::harness::dev::Dev;
use crate::lvm::{volume_groups, volumes};
use crate::node::{PORTAL, exports, run};

const CONTENT: &str = "what was written before the lights went out\n";

/// What outlives the kernel.
fn kept() -> PathBuf {
    PathBuf::from(
        std::env::var("STELE_LAB_KEPT").unwrap_or_else(|_| panic!("STELE_LAB_KEPT is not set: run `make lab`")),
    )
}

async fn start() -> Dev {
    let (group, kept) = (volume_groups().0, kept());
    let (settings, key) = (kept.join("stele.toml"), kept.join("chap.key"));
    if !settings.exists() {
        stele::key_file::make(&key).unwrap();
        let key = key.display();
        let text = format!(
            "chap_key_file = \"{key}\"\n[[backend]]\nname = \"lab@lio\"\n[backend.driver.lvm]\nvolume_group = \"{group}\"\n\
             lvm_type = \"thin\"\n[backend.driver.lvm.target]\nkind = \"lio\"\nportals = [\"{PORTAL}\"]\n\
             chap_key_file = \"{key}\"\n"
        );
        std::fs::write(&settings, text).unwrap();
    }
    Dev::start(&kept.join("data"), &["--config", settings.to_str().unwrap()]).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the first half of a test of two kernels; .ci/lab runs both"]
async fn before_the_lights_go_out() {
    let dev = start().await;
    dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    let attached = dev.json(&["attach", "web"]).await;
    let device = attached["device"].as_str().unwrap();
    run("mkfs.ext4", &["-q", device]).await.unwrap();
    let at = std::env::temp_dir().join("mnt");
    std::fs::create_dir_all(&at).unwrap();
    run("mount", &[device, at.to_str().unwrap()]).await.unwrap();
    std::fs::write(at.join("file"), CONTENT).unwrap();
    run("sync", &["-f", at.to_str().unwrap()]).await.unwrap();
    std::fs::write(kept().join("ready"), "").unwrap();
    // At once: nothing is unmounted, nobody is asked, no cache is written.
    std::fs::write("/proc/sysrq-trigger", "o").unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the second half of a test of two kernels; .ci/lab runs both"]
async fn after_the_lights_went_out() {
    assert_eq!(exports().await, Vec::<String>::new(), "a new kernel");
    let dev = start().await;
    // Nobody asks for anything: the worker looks, and control has made again what it misses.
    wait(async || !exports().await.is_empty()).await;
    wait(async || dev.json(&["drift", "list"]).await["drifts"].as_array().unwrap().is_empty()).await;
    let shown = dev.json(&["volume", "show", "web"]).await;
    assert_eq!(shown["volume"]["status"], "in-use", "{shown}");

    // The host of before was rebooted as well; it attaches once more and finds its data.
    let attached = dev.json(&["attach", "web"]).await;
    let at = std::env::temp_dir().join("mnt");
    std::fs::create_dir_all(&at).unwrap();
    run("mount", &[attached["device"].as_str().unwrap(), at.to_str().unwrap()]).await.unwrap();
    assert_eq!(std::fs::read_to_string(at.join("file")).unwrap(), CONTENT);
    run("umount", &[at.to_str().unwrap()]).await.unwrap();
    dev.json(&["detach", "web"]).await;
    dev.json(&["volume", "delete", "web", "--wait"]).await;
    assert_eq!(exports().await, Vec::<String>::new());
    assert_eq!(volumes(&volume_groups().0), vec![]);
    let verified = dev.json(&["replay", "verify"]).await;
    assert_eq!(verified["ok"], true, "{verified}");
    dev.stop().await;
}
