//! Snapshots, volumes that begin with the data of others, and hosts that reach a volume. Where a driver gives a host a
//! path on this machine, real bytes are written and read.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use stele_core::id::{AttachmentId, SnapshotId, VolumeId};
use stele_core::task::{AttachMode, ConnectionValue, Connector, CopySource, FailureKind, Operation, Task};
use stele_core::unit::Position;
use uuid::Uuid;

use super::{ASKED_AT, Subject, id, reverted, size};
use crate::driver::{Driver, Meter};
use crate::object::Object;
use crate::plan::{Observed, plan};

/// Where the checks write: the first and the last block of the first GiB, and one in between.
const PLACES: [u64; 3] = [0, 300 << 20, (1 << 30) - 4096];

/// A snapshot can be taken and removed, again and again, and the inventory knows it as what it is.
pub(super) async fn a_snapshot_lives<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot) = (id(20), snapshot_id(20));
    let (take, drop) = (subject.take(snapshot, volume), subject.drop(snapshot, volume));
    subject.done(&subject.create(volume, 1)).await;
    assert_eq!(subject.done(&drop).await, [""; 0], "a_snapshot_lives: it is absent");
    assert!(!subject.done(&take).await.is_empty(), "a_snapshot_lives");
    assert_eq!(subject.done(&take).await, [""; 0], "a_snapshot_lives: twice");
    let inventory = subject.inventory().await;
    let object = Object::Snapshot { snapshot, volume };
    let item = inventory.iter().find(|item| item.object == object).expect("a_snapshot_lives: not in the inventory");
    assert_eq!((&item.name, item.asked_at), (&format!("_snapshot-{snapshot}"), Some(ASKED_AT)), "a_snapshot_lives");
    assert!(inventory.iter().any(|item| item.object == Object::Volume(volume)), "a_snapshot_lives: {inventory:?}");
    assert!(!subject.done(&drop).await.is_empty(), "a_snapshot_lives");
    assert_eq!(subject.done(&drop).await, [""; 0], "a_snapshot_lives: removed twice");
    subject.expect_size(volume, 1).await;
    // A revert removes it too, and once more nothing is left.
    subject.done(&take).await;
    assert!(!subject.done(&reverted(take.clone())).await.is_empty(), "a_snapshot_lives: revert");
    assert_eq!(subject.done(&reverted(take)).await, [""; 0], "a_snapshot_lives: revert");
    subject.done(&subject.delete(volume)).await;
    subject.expect_nothing_of(&[volume], "a_snapshot_lives").await;
}

/// What is written into a volume after its snapshot was taken is not in the snapshot, nor in what is made of it.
pub(super) async fn a_snapshot_keeps_what_was_there<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot, out_of_it) = (id(21), snapshot_id(21), id(22));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"before").await;
    subject.done(&subject.take(snapshot, volume)).await;
    subject.write(volume, b"behind").await;
    let of = CopySource::Snapshot { snapshot, volume };
    let make = subject.copy_of(out_of_it, 2, of);
    assert!(!subject.done(&make).await.is_empty(), "a_snapshot_keeps_what_was_there");
    assert_eq!(subject.done(&make).await, [""; 0], "a_snapshot_keeps_what_was_there: twice");
    subject.expect_size(out_of_it, 2).await;
    subject.expect_data(out_of_it, b"before").await;
    subject.expect_data(volume, b"behind").await;
    // Each stands for itself now.
    subject.done(&subject.drop(snapshot, volume)).await;
    subject.done(&subject.delete(volume)).await;
    subject.expect_data(out_of_it, b"before").await;
    subject.done(&subject.delete(out_of_it)).await;
    subject.expect_nothing_of(&[volume, out_of_it], "a_snapshot_keeps_what_was_there").await;
}

/// A copy of a volume has its data, and from then on neither learns of the other.
pub(super) async fn a_volume_begins_with_the_data_of_another<D: Driver>(subject: &Subject<D>) {
    let (volume, copy) = (id(23), id(24));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"shared").await;
    let make = subject.copy_of(copy, 1, CopySource::Volume(volume));
    assert!(!subject.done(&make).await.is_empty(), "a_volume_begins_with_the_data_of_another");
    assert_eq!(subject.done(&make).await, [""; 0], "a_volume_begins_with_the_data_of_another: twice");
    let still = subject.inventory().await.into_iter().find(|item| matches!(item.object, Object::Still(_)));
    assert_eq!(still, None, "a_volume_begins_with_the_data_of_another");
    subject.expect_size(copy, 1).await;
    subject.write(volume, b"origin").await;
    subject.expect_data(copy, b"shared").await;
    subject.write(copy, b"copied").await;
    subject.expect_data(volume, b"origin").await;
    // The source first: a copy does not hang on it.
    subject.done(&subject.delete(volume)).await;
    subject.expect_data(copy, b"copied").await;
    assert_eq!(subject.done(&make).await, [""; 0], "a_volume_begins_with_the_data_of_another: its source is gone");
    subject.done(&subject.delete(copy)).await;
    subject.expect_nothing_of(&[volume, copy], "a_volume_begins_with_the_data_of_another").await;
}

/// A worker that dies between any two steps: the next one finishes, and the data are right.
pub(super) async fn what_was_cut_short_is_finished<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot, copy) = (id(25), snapshot_id(25), id(26));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"source").await;
    subject.done(&subject.take(snapshot, volume)).await;
    for of in [CopySource::Snapshot { snapshot, volume }, CopySource::Volume(volume)] {
        let make = subject.copy_of(copy, 1, of);
        let remove = subject.delete(copy);
        for dies_after in 1.. {
            let before = subject.run_some(&make, dies_after).await.expect("what_was_cut_short_is_finished");
            let rest = subject.done(&make).await;
            let context = format!("what_was_cut_short_is_finished: {before:?}, then {rest:?}");
            subject.expect_size(copy, 1).await;
            subject.expect_data(copy, b"source").await;
            let still = subject.inventory().await.into_iter().find(|item| matches!(item.object, Object::Still(_)));
            assert_eq!(still, None, "{context}");
            let removal = subject.run_some(&remove, dies_after).await.expect("what_was_cut_short_is_finished");
            subject.done(&remove).await;
            subject.expect_nothing_of(&[copy], &format!("{context}, then {removal:?}")).await;
            if rest.is_empty() && removal.len() < dies_after {
                break;
            }
        }
    }
    let drop = subject.drop(snapshot, volume);
    for dies_after in 1.. {
        let removal = subject.run_some(&drop, dies_after).await.expect("what_was_cut_short_is_finished");
        subject.done(&drop).await;
        if removal.len() < dies_after {
            break;
        }
        subject.done(&subject.take(snapshot, volume)).await;
    }
    subject.expect_data(volume, b"source").await;
    subject.done(&subject.delete(volume)).await;
    subject.expect_nothing_of(&[volume, copy], "what_was_cut_short_is_finished").await;
}

/// A worker that dies in the middle of a copy or a wipe: the next one goes on from what it finds, and the data are right.
/// A mark of another event is not believed.
pub(super) async fn what_stops_midway_goes_on<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot, copy) = (id(33), snapshot_id(33), id(34));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"source").await;
    subject.done(&subject.take(snapshot, volume)).await;
    subject.write(volume, b"behind").await;
    for (of, data) in [(CopySource::Snapshot { snapshot, volume }, b"source"), (CopySource::Volume(volume), b"behind")]
    {
        let make = subject.copy_of(copy, 1, of);
        subject.die_midway(&make).await;
        subject.die_midway(&make).await;
        subject.done(&make).await;
        subject.expect_data(copy, data).await;
        // It is written after its deletion was begun, as when that could not be done and it stayed in use.
        let remove = subject.delete(copy);
        subject.die_midway(&remove).await;
        subject.done(&Task { asked_at: Position(ASKED_AT.0 + 1), ..remove }).await;
        subject.expect_nothing_of(&[copy], "what_stops_midway_goes_on").await;
    }
    subject.done(&subject.drop(snapshot, volume)).await;
    subject.done(&subject.delete(volume)).await;
    subject.expect_nothing_of(&[volume, copy], "what_stops_midway_goes_on").await;
}

/// A copy that was given up anywhere on its way: a revert and a delete both remove all of it, and nothing of its source.
pub(super) async fn what_was_given_up_is_removed<D: Driver>(subject: &Subject<D>) {
    let (volume, copy) = (id(27), id(28));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"source").await;
    let make = subject.copy_of(copy, 1, CopySource::Volume(volume));
    'all: for dies_after in 1.. {
        for remove in [reverted(make.clone()), subject.delete(copy)] {
            let before = subject.run_some(&make, dies_after).await.expect("what_was_given_up_is_removed");
            subject.done(&remove).await;
            assert_eq!(subject.done(&remove).await, [""; 0], "what_was_given_up_is_removed: {before:?}");
            subject.expect_nothing_of(&[copy], &format!("what_was_given_up_is_removed: {before:?}")).await;
            if before.len() < dies_after {
                break 'all;
            }
        }
    }
    subject.expect_data(volume, b"source").await;
    subject.done(&subject.delete(volume)).await;
}

/// A source that is not there, and one of somebody else, is refused, and nothing is left of the attempt.
pub(super) async fn nothing_is_made_of_nothing<D: Driver>(subject: &Subject<D>) {
    let (copy, snapshot) = (id(29), snapshot_id(29));
    let mut sources = vec![(id(30), FailureKind::NotFound)];
    sources.extend(subject.foreign.map(|foreign| (foreign, FailureKind::Conflict)));
    for (volume, kind) in sources {
        for task in [subject.copy_of(copy, 1, CopySource::Volume(volume)), subject.take(snapshot, volume)] {
            let failure = subject.run(&task).await.expect_err("nothing_is_made_of_nothing");
            assert_eq!(failure.kind, kind, "nothing_is_made_of_nothing: {failure}");
        }
    }
    let of = CopySource::Snapshot { snapshot, volume: id(30) };
    let failure = subject.run(&subject.copy_of(copy, 1, of)).await.expect_err("nothing_is_made_of_nothing");
    assert_eq!(failure.kind, FailureKind::NotFound, "nothing_is_made_of_nothing: {failure}");
    subject.expect_nothing_of(&[copy, id(30)], "nothing_is_made_of_nothing").await;
}

/// A volume with snapshots can grow; it is not removed before them, and they not with it.
pub(super) async fn a_volume_with_snapshots_grows_and_stays<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot) = (id(31), snapshot_id(31));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"before").await;
    subject.done(&subject.take(snapshot, volume)).await;
    let extend = subject.extend(volume, 2);
    for dies_after in 1..4 {
        subject.run_some(&extend, dies_after).await.expect("a_volume_with_snapshots_grows_and_stays");
    }
    subject.done(&extend).await;
    subject.expect_size(volume, 2).await;
    subject.expect_data(volume, b"before").await;
    let failure = subject.run(&subject.delete(volume)).await.expect_err("a_volume_with_snapshots_grows_and_stays");
    assert_eq!(failure.kind, FailureKind::Busy, "a_volume_with_snapshots_grows_and_stays: {failure}");
    subject.expect_size(volume, 2).await;
    assert_eq!(subject.inventory_of(&[volume]).await.len(), 2, "a_volume_with_snapshots_grows_and_stays");
    subject.done(&subject.drop(snapshot, volume)).await;
    subject.done(&subject.delete(volume)).await;
    subject.expect_nothing_of(&[volume], "a_volume_with_snapshots_grows_and_stays").await;
}

/// A host is told the same way each time; once it has let go the volume can be removed.
pub(super) async fn a_host_reaches_a_volume<D: Driver>(subject: &Subject<D>) {
    let volume = id(32);
    let connect = subject.connect(volume);
    let failure = subject.run(&connect).await.expect_err("a_host_reaches_a_volume: it is absent");
    assert_eq!(failure.kind, FailureKind::NotFound, "a_host_reaches_a_volume: {failure}");
    subject.done(&subject.create(volume, 1)).await;
    subject.done(&connect).await;
    let first = subject.driver.connection(&connect).await.expect("a_host_reaches_a_volume");
    assert_eq!(subject.done(&connect).await, [""; 0], "a_host_reaches_a_volume: twice");
    assert_eq!(subject.driver.connection(&connect).await.as_ref(), Ok(&first), "a_host_reaches_a_volume");
    for (name, value) in [
        ("volume_id", ConnectionValue::Text(volume.to_string())),
        ("access_mode", ConnectionValue::Text("ro".to_owned())),
        ("encrypted", ConnectionValue::Flag(false)),
    ] {
        assert_eq!(first.data.get(name), Some(&value), "a_host_reaches_a_volume: {first:?}");
    }
    let disconnect = subject.disconnect(volume);
    for _ in 0..2 {
        subject.done(&disconnect).await;
    }
    subject.done(&subject.delete(volume)).await;
    subject.done(&disconnect).await;
}

fn host() -> Connector {
    Connector { initiator: Some("iqn.1993-08.org.debian:01:host".to_owned()), ..Connector::default() }
}

pub(super) fn snapshot_id(n: u128) -> SnapshotId {
    SnapshotId(id(n).0)
}

/// A block whose first bytes are these, for what is written without the page cache comes in blocks.
fn block(text: &[u8]) -> Vec<u8> {
    let mut block = text.to_vec();
    block.resize(4096, b'.');
    block
}

impl<D: Driver> Subject<D> {
    pub(super) fn take(&self, snapshot: SnapshotId, volume: VolumeId) -> Task {
        self.task(Operation::CreateSnapshot { snapshot, volume, size_gib: size(1) })
    }

    pub(super) fn drop(&self, snapshot: SnapshotId, volume: VolumeId) -> Task {
        self.task(Operation::DeleteSnapshot { snapshot, volume })
    }

    pub(super) fn copy_of(&self, volume: VolumeId, gib: u32, source: CopySource) -> Task {
        self.task(Operation::CreateVolume { volume, size_gib: size(gib), source: Some(source) })
    }

    fn connect(&self, volume: VolumeId) -> Task {
        let (attachment, connector) = (AttachmentId(Uuid::from_u128(3)), host());
        self.task(Operation::ConnectVolume { attachment, volume, connector, mode: AttachMode::Ro, chap_of: None })
    }

    fn disconnect(&self, volume: VolumeId) -> Task {
        let (attachment, connector) = (AttachmentId(Uuid::from_u128(3)), host());
        self.task(Operation::DisconnectVolume { attachment, volume, connector, chap_of: None, shared: false })
    }

    /// The names of what is there for these volumes, in whatever role.
    pub(super) async fn inventory_of(&self, volumes: &[VolumeId]) -> Vec<String> {
        let of = |object: Object| match object {
            Object::Volume(volume)
            | Object::Snapshot { volume, .. }
            | Object::Still(volume)
            | Object::Successor(volume) => volume,
        };
        let items = self.inventory().await.into_iter();
        items.filter(|item| volumes.contains(&of(item.object))).map(|item| item.name).collect()
    }

    pub(super) async fn expect_nothing_of(&self, volumes: &[VolumeId], context: &str) {
        assert_eq!(self.inventory_of(volumes).await, [""; 0], "{context}");
        for volume in volumes {
            assert_eq!(self.observe(*volume).await, Observed::Absent, "{context}");
        }
    }

    /// The volume's path on this machine; `None` when the driver has none. The volumes of the checks are active.
    async fn path(&self, volume: VolumeId) -> Option<PathBuf> {
        let connection = self.driver.connection(&self.connect(volume)).await;
        match connection.expect("a connection").data.remove("device_path") {
            Some(ConnectionValue::Text(path)) => Some(PathBuf::from(path)),
            _ => None,
        }
    }

    /// Does a task up to the middle of its first slow step, as far as there is one, and gives it up there.
    async fn die_midway(&self, task: &Task) {
        let look = self.driver.observe(task).await.expect("observe");
        for step in plan(task, &look).expect("a plan") {
            if !step.act.is_slow() {
                self.apply(task, &step).await.expect("a quick step");
                continue;
            }
            let meter = Meter::default();
            let moved = async {
                while meter.read().signs == 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                // One that is done at once has no middle.
                done = self.driver.apply(task, &step, &meter) => done.map(|_| ()).expect("a slow step"),
                () = moved => return,
            }
        }
    }

    pub(super) async fn write(&self, volume: VolumeId, text: &[u8]) {
        let Some(path) = self.path(volume).await else { return };
        let file = OpenOptions::new().write(true).open(&path).expect("the path of a volume");
        for place in PLACES {
            file.write_all_at(&block(text), place).expect("a volume can be written");
        }
        file.sync_all().expect("a volume can be written");
    }

    pub(super) async fn expect_data(&self, volume: VolumeId, text: &[u8]) {
        let Some(path) = self.path(volume).await else { return };
        let file = File::open(&path).expect("the path of a volume");
        for place in PLACES {
            let mut found = block(b"");
            file.read_exact_at(&mut found, place).expect("a volume can be read");
            let found = String::from_utf8_lossy(&found[..text.len()]).into_owned();
            assert_eq!(found, String::from_utf8_lossy(text), "{volume} at {place}");
        }
    }
}
