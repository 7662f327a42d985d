//! What LVM itself says, asked behind Stele's back.

use std::process::Command;

use serde_json::Value;

use crate::node::run;

/// The volume group with a thin pool, and the one without.
pub(crate) fn volume_groups() -> (String, String) {
    let name = |variable| std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run `make lab`"));
    (name("STELE_LAB_VG"), name("STELE_LAB_THICK_VG"))
}

/// Gives the room that nobody uses back to the lab: its disks lie in memory, and all tests share it.
pub(crate) async fn give_back(volume_group: &str) {
    let name = format!("{volume_group}/unused");
    // A group that is full has nothing to give back.
    if run("lvcreate", &["-q", "-y", "-Wn", "-Zn", "-l", "100%FREE", "-n", "unused", volume_group]).await.is_ok() {
        run("blkdiscard", &[&format!("/dev/{name}")]).await.unwrap();
        run("lvremove", &["-q", "-f", &name]).await.unwrap();
    }
}

/// Removes every volume with one command, behind the back of a cell that is not needed any more: one by one it would take as
/// long as all the rest.
pub(crate) async fn remove_all(volume_group: &str) {
    let left: Vec<String> = volumes(volume_group).iter().map(|lv| format!("{volume_group}/{}", lv.name)).collect();
    let args: Vec<&str> = ["-q", "-f"].into_iter().chain(left.iter().map(String::as_str)).collect();
    run("lvremove", &args).await.unwrap();
    give_back(volume_group).await;
}

/// One LV as `lvs` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lv {
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
    pub(crate) tags: String,
}

/// The volumes of a volume group: every LV whose name is one of ours.
pub(crate) fn volumes(volume_group: &str) -> Vec<Lv> {
    let args = ["--reportformat", "json", "--units", "b", "--nosuffix", "-o", "lv_name,lv_size,lv_tags", volume_group];
    let output = Command::new("lvs").args(args).env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["report"][0]["lv"].as_array().unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let lv = |row: &Value| Lv {
        name: text(row, "lv_name"),
        size_bytes: text(row, "lv_size").parse().unwrap(),
        tags: text(row, "lv_tags"),
    };
    let prefixes = ["volume-", "_snapshot-", "revert-", "clone-snap-"];
    rows.iter().map(lv).filter(|lv| prefixes.iter().any(|prefix| lv.name.starts_with(prefix))).collect()
}
