//! Copies and wipes on thick LVM: they go on where their worker was killed, at the pace that is set, and longer than any
//! deadline.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use stele::client::command;
use stele::nats::Connection;
use stele_core::event::Event;
use stele_core::id::VolumeId;
use stele_core::state::VolumeStatus;

use crate::harness::cell::Cell;
use crate::harness::log::fold;
use crate::lvm::{give_back, volume_groups, volumes};
use crate::node::run;
use crate::tests::{at_rest, wait_for_pool};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Where the volumes are written: both ends, and much in between.
const PLACES: [u64; 7] = [0, 5 * MIB, 300 * MIB, 511 * MIB, 700 * MIB, 1000 * MIB, GIB - MIB];

/// Shorter than the copies and the wipes.
const DEADLINE_MS: u64 = 20_000;

/// A cell of processes with thick volumes on one backend.
struct Thick {
    cell: Cell,
    connection: Connection,
    group: String,
}

impl Thick {
    async fn start(wipe: &str, copy_rate_mib_s: u32) -> Self {
        let (_, group) = volume_groups();
        let mut cell = Cell::start().await;
        let settings = cell.path("stele.toml");
        let text = format!(
            "[control]\ntask_deadline_ms = {DEADLINE_MS}\n[[backend]]\nname = \"lab@thick\"\n[backend.driver.lvm]\n\
             volume_group = \"{group}\"\nlvm_type = \"thick\"\nwipe = \"{wipe}\"\ncopy_rate_mib_s = {copy_rate_mib_s}\n"
        );
        std::fs::write(&settings, text).unwrap();
        let data = cell.path("control");
        let control = ["control", "--config", &settings, "--claim-after-ms", "0", "--server-syncs", "--data", &data];
        cell.add("control", control.map(str::to_owned).to_vec());
        let worker = ["worker", "--config", &settings, "--ack-wait-ms", "1500"];
        cell.add("worker", worker.map(str::to_owned).to_vec());
        let connection = cell.connection().await;
        wait_for_pool(&connection, &cell).await;
        Self { cell, connection, group }
    }

    async fn create(&self, source: Option<VolumeId>) -> VolumeId {
        let content = match source {
            None => json!({"size_gib": 1}),
            Some(source) => json!({"size_gib": 1, "source_volume": source}),
        };
        command(&self.connection, "demo", "volume", "create", content).await.unwrap().subjects.volume.unwrap()
    }

    async fn delete(&self, id: VolumeId) {
        command(&self.connection, "demo", "volume", "delete", json!({"id": id})).await.unwrap();
    }

    async fn at_rest(&self, id: VolumeId) -> Option<VolumeStatus> {
        at_rest(&self.connection, id, &self.cell).await
    }

    fn device(&self, id: VolumeId) -> PathBuf {
        PathBuf::from(format!("/dev/{}/volume-{id}", self.group))
    }

    /// Waits for a mark of this kind, kills the worker, and starts it again; how far it was, in MiB.
    async fn kill_at_a_mark(&mut self, kind: &str) -> u64 {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        let mark = |tags: &str| tags.split(',').find(|tag| tag.starts_with(kind)).map(str::to_owned);
        while !volumes(&self.group).iter().any(|lv| mark(&lv.tags).is_some()) {
            assert!(tokio::time::Instant::now() < deadline, "no mark was laid\n{}", self.cell.logs());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.cell.kill("worker").await;
        let marks: Vec<String> = volumes(&self.group).iter().filter_map(|lv| mark(&lv.tags)).collect();
        self.cell.spawn("worker");
        marks[0].rsplit_once('.').unwrap().1.parse().unwrap()
    }

    /// How far the log says that the steps of this name were, in per cent, sign by sign.
    async fn progress(&self, name: &str) -> Vec<u8> {
        let (_, records) = fold(&self.connection).await;
        let events = records.into_iter().flat_map(|record| record.commits).flat_map(|commit| commit.events);
        events
            .filter_map(|event| match event {
                Event::TaskProgressed { step, percent, .. } if step == name => Some(percent),
                Event::TaskRetried { task } => panic!("dispatched again: {task:?}"),
                _ => None,
            })
            .collect()
    }
}

/// The second life begins where the first was marked, and not before.
fn went_on(progress: &[u8], marked_mib: u64, log: &str) {
    assert!(log.contains("goes on where it was cut short"), "{log}");
    let marked_percent = u8::try_from(marked_mib * 100 / 1024).unwrap();
    assert!(marked_percent > 0 && progress.len() > 3, "{marked_mib} MiB: {progress:?}");
    // A life begins with 0, before it has looked how far the one before it came; then it is never below the mark.
    let after = progress.iter().skip_while(|percent| **percent < marked_percent);
    assert!(
        after.clone().all(|percent| *percent == 0 || *percent >= marked_percent),
        "{marked_percent} %: {progress:?}"
    );
}

/// A pattern of its own at each place.
fn write(device: &Path) {
    let file = OpenOptions::new().write(true).open(device).unwrap();
    for (number, place) in (1..).zip(PLACES) {
        file.write_all_at(&vec![number; 1 << 20], place).unwrap();
    }
    file.sync_all().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_on_where_its_worker_was_killed() {
    let mut thick = Thick::start("discard", 40).await;
    let source = thick.create(None).await;
    assert_eq!(thick.at_rest(source).await, Some(VolumeStatus::Available));
    write(&thick.device(source));
    let began = tokio::time::Instant::now();
    let copy = thick.create(Some(source)).await;
    let marked_mib = thick.kill_at_a_mark("stele.copied.").await;
    assert_eq!(thick.at_rest(copy).await, Some(VolumeStatus::Available), "{}", thick.cell.logs());
    let took = began.elapsed();
    went_on(&thick.progress("copy").await, marked_mib, &thick.cell.log("worker"));
    // 1 GiB at 40 MiB/s.
    assert!((20..80).contains(&took.as_secs()), "{took:?}");
    let devices = [source, copy].map(|id| thick.device(id).display().to_string());
    run("cmp", &[&devices[0], &devices[1]]).await.unwrap();
    let made = volumes(&thick.group);
    assert!(made.len() == 2 && made.iter().all(|lv| !lv.tags.contains("stele.cop")), "{made:?}");
    for id in [copy, source] {
        thick.delete(id).await;
        assert_eq!(thick.at_rest(id).await, None);
    }
    assert_eq!(volumes(&thick.group), vec![]);
    give_back(&thick.group).await;
}

/// Whether the extents of the volume that was first in the group read as it was written, or all as zeros.
async fn left_behind(group: &str) -> bool {
    run("lvcreate", &["-y", "-Wn", "-Zn", "-L", "1g", "-n", "raw", group]).await.unwrap();
    let device = format!("/dev/{group}/raw");
    let mut found = vec![0; 1 << 20];
    File::open(&device).unwrap().read_exact_at(&mut found, PLACES[2]).unwrap();
    let as_written = found == vec![3; 1 << 20];
    if !as_written {
        run("cmp", &["-n", &GIB.to_string(), &device, "/dev/zero"]).await.unwrap();
    }
    run("lvremove", &["-f", &format!("{group}/raw")]).await.unwrap();
    as_written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wipe_goes_on_where_its_worker_was_killed_and_leaves_zeros() {
    // Without a wipe whoever comes next reads what was there.
    let thick = Thick::start("none", 0).await;
    let volume = thick.create(None).await;
    assert_eq!(thick.at_rest(volume).await, Some(VolumeStatus::Available));
    write(&thick.device(volume));
    thick.delete(volume).await;
    assert_eq!(thick.at_rest(volume).await, None);
    assert!(left_behind(&thick.group).await);
    drop(thick);

    let mut thick = Thick::start("zero", 48).await;
    let volume = thick.create(None).await;
    assert_eq!(thick.at_rest(volume).await, Some(VolumeStatus::Available));
    write(&thick.device(volume));
    let began = tokio::time::Instant::now();
    thick.delete(volume).await;
    let marked_mib = thick.kill_at_a_mark("stele.wiped.").await;
    assert_eq!(thick.at_rest(volume).await, None, "{}", thick.cell.logs());
    let took = began.elapsed();
    went_on(&thick.progress("wipe").await, marked_mib, &thick.cell.log("worker"));
    // 1 GiB at 48 MiB/s.
    assert!((17..80).contains(&took.as_secs()), "{took:?}");
    assert_eq!(volumes(&thick.group), vec![]);
    assert!(!left_behind(&thick.group).await);
    give_back(&thick.group).await;
}
