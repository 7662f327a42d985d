use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use stele::client::command;
use stele_core::id::VolumeId;
use stele_core::state::{SnapshotStatus, VolumeStatus};

use crate::harness::cell::Cell;
use crate::harness::dev::Dev;
use crate::harness::log::fold;
use crate::lvm::{volume_groups, volumes};

const GIB: u64 = 1 << 30;

async fn main_job(volume_group: &str) {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(folder.path(), &["--driver", "lvm", "--volume-group", volume_group]).await;
    let volume = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    let id = volume["id"].as_str().unwrap();
    let made = volumes(volume_group);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!((made[0].name.as_str(), made[0].size_bytes), (format!("volume-{id}").as_str(), GIB));
    assert!(made[0].tags.contains(&format!("stele.volume.{id}")), "{made:?}");
    let asked_at = format!("stele.at.{}", volume["created_position"]);
    assert!(made[0].tags.contains(&asked_at), "{asked_at} is not in {made:?}");

    dev.json(&["volume", "extend", "web", "2", "--wait"]).await;
    assert_eq!(volumes(volume_group)[0].size_bytes, 2 * GIB);
    dev.json(&["volume", "delete", "web", "--wait"]).await;
    assert_eq!(volumes(volume_group), vec![]);
    taken_over_and_given_up(&dev, volume_group, volume["pool"].as_str().unwrap()).await;

    // Too large for the group: refused by the scheduler with the numbers, or failed with LVM's words.
    let refused = dev.stele(&["volume", "create", "--size", "900", "--wait"]).await;
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("capacity") && why.contains("GiB"), "{why}");
    let verified = dev.json(&["replay", "verify"]).await;
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(volumes(volume_group), vec![]);
    dev.stop().await;
}

/// What somebody else made keeps its data on the way in and out; it is grown to whole GiB, and in use it is refused.
async fn taken_over_and_given_up(dev: &Dev, volume_group: &str, pool: &str) {
    let thin_pool = format!("{volume_group}/{volume_group}-pool");
    lvm("lvcreate", &["-y", "-T", "-V", "1100m", "-n", "old", &thin_pool]);
    write(volume_group, "old", b"theirs");
    let held = std::fs::File::open(format!("/dev/{volume_group}/old")).unwrap();
    let refused = dev.stele(&["volume", "manage", pool, "old", "--name", "held", "--wait", "--timeout", "60"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use"), "{refused:?}");
    drop(held);
    dev.json(&["volume", "delete", "held", "--wait"]).await;
    let taken = dev.json(&["volume", "manage", pool, "old", "--name", "taken", "--wait"]).await;
    assert_eq!((&taken["status"], &taken["size_gib"]), (&json!("available"), &json!(2)));
    let name = format!("volume-{}", taken["id"].as_str().unwrap());
    let found = volumes(volume_group);
    assert_eq!((found.len(), found[0].name.as_str(), found[0].size_bytes), (1, name.as_str(), 2 * GIB), "{found:?}");
    assert_eq!(begins(volume_group, &name), b"theirs");
    dev.json(&["volume", "unmanage", "taken", "--wait"]).await;
    assert_eq!(
        (volumes(volume_group)[0].tags.as_str(), begins(volume_group, &name).as_slice()),
        ("", b"theirs".as_slice())
    );
    let over = dev.stele(&["quota", "set", "demo", "gigabytes=1"]).await;
    assert!(over.status.success(), "{over:?}");
    let refused = dev.stele(&["volume", "manage", pool, &name, "--name", "over", "--wait"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gigabytes quota"), "{refused:?}");
    // It is given back by a flow of its own.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while volumes(volume_group).iter().any(|lv| lv.name != name || !lv.tags.is_empty()) {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", volumes(volume_group));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    dev.stele(&["quota", "set", "demo", "gigabytes=1000"]).await;
    dev.json(&["volume", "delete", "over", "--wait"]).await;
    lvm("lvremove", &["-f", &format!("{volume_group}/{name}")]);
}

/// Runs one of LVM's tools behind Stele's back.
fn lvm(tool: &str, args: &[&str]) {
    let output = std::process::Command::new(tool).args(args).output().unwrap();
    assert!(output.status.success(), "{tool} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn write(volume_group: &str, name: &str, text: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(format!("/dev/{volume_group}/{name}")).unwrap();
    file.write_all(text).unwrap();
    file.sync_all().unwrap();
}

fn begins(volume_group: &str, name: &str) -> Vec<u8> {
    let mut found = vec![0; 6];
    std::fs::File::open(format!("/dev/{volume_group}/{name}")).unwrap().read_exact(&mut found).unwrap();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_on_a_thin_pool() {
    main_job(&volume_groups().0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_on_a_thick_group() {
    // `auto` makes a thin pool in an empty group: thick is asked for by name.
    let (_, group) = volume_groups();
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("stele.toml");
    let text = format!(
        "[[backend]]\nname = \"lab@thick\"\ndriver.lvm = {{ volume_group = \"{group}\", lvm_type = \"thick\" }}\n"
    );
    std::fs::write(&settings, text).unwrap();
    let dev = Dev::start(&folder.path().join("data"), &["--config", settings.to_str().unwrap()]).await;
    let volume = dev.json(&["volume", "create", "--size", "1", "--name", "solid", "--wait"]).await;
    let made = volumes(&group);
    assert_eq!((made.len(), made[0].size_bytes), (1, GIB), "{volume}");
    // Zeroed before it is given back.
    dev.json(&["volume", "delete", "solid", "--wait"]).await;
    assert_eq!(volumes(&group), vec![]);
    dev.stop().await;
}

/// Where a worker looks for its tools first.
const FIRST_IN_PATH: &str = "/usr/local/sbin";

/// Tools in front of the real ones, each of which kills its worker right after (or right before) the real one has run,
/// once. They are gone with the value.
struct DeadlyTools {
    marks: PathBuf,
}

impl DeadlyTools {
    const NAMES: [&'static str; 4] = ["lvcreate", "lvextend", "lvremove", "lvrename"];

    fn lay(marks: &Path, after: bool) -> Self {
        for tool in Self::NAMES {
            let real = ["/usr/sbin", "/sbin"].map(|folder| format!("{folder}/{tool}"));
            let real = real.iter().find(|path| Path::new(path).exists()).unwrap();
            let mark = marks.join(tool);
            let (mark, first) = (mark.display(), if after { format!("{real} \"$@\"") } else { ":".to_owned() });
            let text = format!(
                "#!/bin/sh\nif [ ! -e {mark} ]; then\n  touch {mark}\n  {first}\n  kill -9 $PPID\n  exit 1\nfi\nexec {real} \"$@\"\n"
            );
            let path = Path::new(FIRST_IN_PATH).join(tool);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { marks: marks.to_owned() }
    }

    /// The file that shows that a tool has killed its worker.
    fn mark(&self, tool: &str) -> PathBuf {
        self.marks.join(tool)
    }
}

impl Drop for DeadlyTools {
    fn drop(&mut self) {
        for tool in Self::NAMES {
            std::fs::remove_file(Path::new(FIRST_IN_PATH).join(tool)).ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_beside_its_tool_leaves_nothing_behind_and_nothing_twice() {
    let (group, _) = volume_groups();
    for after in [false, true] {
        let mut cell = Cell::start().await;
        let tools = DeadlyTools::lay(cell.folder.path(), after);
        let control = ["control", "--claim-after-ms", "0", "--server-syncs", "--data", &cell.path("control")];
        cell.add("control", control.map(str::to_owned).to_vec());
        let worker =
            ["worker", "--backend", "lab@lvm", "--driver", "lvm", "--volume-group", &group, "--ack-wait-ms", "1500"];
        cell.add("worker", worker.map(str::to_owned).to_vec());
        let connection = cell.connection().await;
        wait_for_pool(&connection, &cell).await;

        let accepted = command(&connection, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
        let id = accepted.subjects.volume.unwrap();
        come_back(&mut cell, &tools.mark("lvcreate")).await;
        assert_eq!(at_rest(&connection, id, &cell).await, Some(VolumeStatus::Available));
        assert_eq!(volumes(&group).len(), 1);

        command(&connection, "demo", "volume", "extend", json!({"id": id, "size_gib": 2})).await.unwrap();
        come_back(&mut cell, &tools.mark("lvextend")).await;
        assert_eq!(at_rest(&connection, id, &cell).await, Some(VolumeStatus::Available));
        assert_eq!(volumes(&group)[0].size_bytes, 2 * GIB);

        command(&connection, "demo", "volume", "delete", json!({"id": id})).await.unwrap();
        come_back(&mut cell, &tools.mark("lvremove")).await;
        assert_eq!(at_rest(&connection, id, &cell).await, None);
        assert_eq!(volumes(&group), vec![]);
        let (folded, _) = fold(&connection).await;
        assert_eq!(stele_core::audit::audit(&folded.state), vec![]);
    }
}

/// The old data are there, the snapshot is there, and nothing else, wherever the worker died on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_a_revert_loses_neither_the_volume_nor_the_snapshot() {
    let (group, _) = volume_groups();
    for after in [false, true] {
        let mut cell = Cell::start().await;
        let control = ["control", "--claim-after-ms", "0", "--server-syncs", "--data", &cell.path("control")];
        cell.add("control", control.map(str::to_owned).to_vec());
        let worker =
            ["worker", "--backend", "lab@lvm", "--driver", "lvm", "--volume-group", &group, "--ack-wait-ms", "1500"];
        cell.add("worker", worker.map(str::to_owned).to_vec());
        let connection = cell.connection().await;
        wait_for_pool(&connection, &cell).await;
        let accepted = command(&connection, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
        let id = accepted.subjects.volume.unwrap();
        assert_eq!(at_rest(&connection, id, &cell).await, Some(VolumeStatus::Available));
        let name = format!("volume-{id}");
        write(&group, &name, b"before");
        let taken = command(&connection, "demo", "snapshot", "create", json!({"volume": id})).await.unwrap();
        let snapshot = taken.subjects.snapshot.unwrap();
        while fold(&connection).await.0.state.snapshots[&snapshot].status != SnapshotStatus::Available {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        write(&group, &name, b"behind");
        let tools = DeadlyTools::lay(cell.folder.path(), after);
        command(&connection, "demo", "volume", "revert", json!({"id": id, "snapshot": snapshot})).await.unwrap();
        for tool in ["lvcreate", "lvremove", "lvrename"] {
            come_back(&mut cell, &tools.mark(tool)).await;
        }
        assert_eq!(at_rest(&connection, id, &cell).await, Some(VolumeStatus::Available), "{}", cell.logs());
        assert_eq!(begins(&group, &name), b"before");
        let names: Vec<String> = volumes(&group).into_iter().map(|lv| lv.name).collect();
        assert_eq!(names, [format!("_snapshot-{snapshot}"), name]);
        drop(tools);
        command(&connection, "demo", "volume", "delete", json!({"id": id, "cascade": true})).await.unwrap();
        assert_eq!(at_rest(&connection, id, &cell).await, None);
        assert_eq!(volumes(&group), vec![]);
        let (folded, _) = fold(&connection).await;
        assert_eq!(stele_core::audit::audit(&folded.state), vec![]);
    }
}

/// Waits until the tool has killed the worker, and starts it again.
async fn come_back(cell: &mut Cell, mark: &Path) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !mark.exists() {
        assert!(tokio::time::Instant::now() < deadline, "the tool was not run\n{}", cell.logs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cell.kill("worker").await;
    cell.spawn("worker");
}

pub(crate) async fn wait_for_pool(connection: &stele::nats::Connection, cell: &Cell) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while fold(connection).await.0.state.pools.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "no pool was reported\n{}", cell.logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The status in which the volume comes to rest; `None` when it is gone.
pub(crate) async fn at_rest(connection: &stele::nats::Connection, id: VolumeId, cell: &Cell) -> Option<VolumeStatus> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let (folded, _) = fold(connection).await;
        let status = folded.state.volumes.get(&id).map(|volume| volume.status);
        if status.is_none_or(|status| status.flow().is_none()) {
            return status;
        }
        assert!(tokio::time::Instant::now() < deadline, "{status:?}\n{}", cell.logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
