//! Volumes that get the data of a snapshot back.

use stele_core::id::{SnapshotId, VolumeId};
use stele_core::task::{CopySource, FailureKind, Operation, Task};
use stele_core::unit::Position;

use super::copies::snapshot_id;
use super::{ASKED_AT, Subject, id, reverted, size};
use crate::driver::Driver;
use crate::object::Object;
use crate::plan::{Act, Observed, Step, plan};

/// The old data are back, again and again, and the snapshot stays: it can be used, and so can what was made of it.
pub(super) async fn a_volume_goes_back_to_its_snapshot<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot, out_of_it) = (id(40), snapshot_id(40), id(41));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"before").await;
    subject.done(&subject.take(snapshot, volume)).await;
    for round in 1..3 {
        subject.write(volume, b"behind").await;
        let revert = subject.revert(volume, snapshot, round);
        assert!(!subject.done(&revert).await.is_empty(), "a_volume_goes_back_to_its_snapshot");
        subject.expect_data(volume, b"before").await;
        subject.expect_size(volume, 1).await;
        subject.expect_pair(volume, snapshot, later(round)).await;
        // What a host writes from here on is not lost to a task that comes once more.
        subject.write(volume, b"beyond").await;
        assert_eq!(subject.done(&revert).await, [""; 0], "a_volume_goes_back_to_its_snapshot: twice");
        assert_eq!(subject.done(&reverted(revert)).await, [""; 0], "a_volume_goes_back_to_its_snapshot: taken back");
        subject.expect_data(volume, b"beyond").await;
    }
    let of = CopySource::Snapshot { snapshot, volume };
    let make =
        subject.at(subject.task(Operation::CreateVolume { volume: out_of_it, size_gib: size(1), source: Some(of) }), 3);
    subject.done(&make).await;
    subject.expect_data(out_of_it, b"before").await;
    subject.done(&subject.at(subject.drop(snapshot, volume), 3)).await;
    subject.expect_data(volume, b"beyond").await;
    subject.remove(&[volume, out_of_it], "a_volume_goes_back_to_its_snapshot").await;
}

/// A worker that dies between any two steps: the next one finishes, and the data are right.
pub(super) async fn a_revert_that_was_cut_short_is_finished<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot) = (id(42), snapshot_id(42));
    subject.done(&subject.create(volume, 1)).await;
    subject.write(volume, b"before").await;
    subject.done(&subject.take(snapshot, volume)).await;
    let mut round = 0;
    for dies_after in 1.. {
        round += 1;
        subject.write(volume, b"behind").await;
        let revert = subject.revert(volume, snapshot, round);
        subject.run_some(&revert, dies_after).await.expect("a_revert_that_was_cut_short_is_finished");
        let rest = subject.done(&revert).await;
        subject.expect_data(volume, b"before").await;
        subject.expect_pair(volume, snapshot, later(round)).await;
        // It died behind its last step; each round may write a whole volume.
        if rest.is_empty() {
            break;
        }
    }
    // One that died between the two halves of a replacement, where that has two: the volume is not there under its name.
    for given_up in [false, true] {
        round += 1;
        let revert = subject.revert(volume, snapshot, round);
        let steps = plan(&revert, &subject.driver.observe(&revert).await.expect("observe")).expect("a plan");
        if !steps.iter().any(|step| matches!(step.act, Act::Replace { .. })) {
            break;
        }
        subject.write(volume, b"behind").await;
        subject.run_some(&revert, 1).await.expect("a_revert_that_was_cut_short_is_finished");
        let removal = Step { on: Object::Volume(volume), act: Act::Remove };
        subject.apply(&revert, &removal).await.expect("a volume beside its successor can be removed");
        assert_eq!(subject.observe(volume).await, Observed::Absent, "a_revert_that_was_cut_short_is_finished");
        subject.done(&if given_up { reverted(revert) } else { revert }).await;
        subject.expect_data(volume, b"before").await;
        subject.expect_pair(volume, snapshot, later(round)).await;
    }
    subject.done(&subject.at(subject.drop(snapshot, volume), round + 1)).await;
    subject.remove(&[volume], "a_revert_that_was_cut_short_is_finished").await;
}

/// An old task, and the steps of a worker that is late, do nothing to what was reverted or written after them.
pub(super) async fn a_late_revert_takes_nothing_away<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot) = (id(43), snapshot_id(43));
    subject.done(&subject.create(volume, 1)).await;
    subject.done(&subject.take(snapshot, volume)).await;
    let (first, second) = (subject.revert(volume, snapshot, 1), subject.revert(volume, snapshot, 2));
    let steps = plan(&first, &subject.driver.observe(&first).await.expect("observe")).expect("a plan");
    subject.done(&second).await;
    subject.write(volume, b"beyond").await;
    // The worker had looked before the other one had done it all, and is only now about to act.
    for step in &steps {
        let _ = subject.apply(&first, step).await;
        subject.expect_data(volume, b"beyond").await;
    }
    for late in [&first, &subject.delete(volume), &subject.create(volume, 1)] {
        let _ = subject.run(late).await;
        subject.expect_data(volume, b"beyond").await;
    }
    let failure = subject.run(&first).await.expect_err("a_late_revert_takes_nothing_away");
    assert_eq!(failure.kind, FailureKind::Conflict, "a_late_revert_takes_nothing_away: {failure}");
    subject.done(&subject.at(subject.drop(snapshot, volume), 3)).await;
    subject.remove(&[volume], "a_late_revert_takes_nothing_away").await;
}

/// A revert that was given up anywhere on its way leaves the volume, its snapshot, and nothing else.
pub(super) async fn a_revert_that_was_given_up_leaves_nothing<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot) = (id(44), snapshot_id(44));
    subject.done(&subject.create(volume, 1)).await;
    subject.done(&subject.take(snapshot, volume)).await;
    for dies_after in 1.. {
        let revert = subject.revert(volume, snapshot, dies_after);
        let steps = usize::try_from(dies_after).unwrap_or(usize::MAX);
        let whole = plan(&revert, &subject.driver.observe(&revert).await.expect("observe")).expect("a plan").len();
        let before = subject.run_some(&revert, steps).await.expect("a_revert_that_was_given_up_leaves_nothing");
        let back = reverted(revert);
        subject.done(&back).await;
        assert_eq!(subject.done(&back).await, [""; 0], "a_revert_that_was_given_up_leaves_nothing: {before:?}");
        subject.expect_size(volume, 1).await;
        assert_eq!(subject.inventory_of(&[volume]).await.len(), 2, "a_revert_that_was_given_up_leaves_nothing");
        if steps >= whole {
            break;
        }
    }
    // Of a snapshot that is not there, and of a volume that has none of ours.
    let failure = subject.run(&subject.revert(volume, snapshot_id(45), 9)).await.expect_err("no such snapshot");
    assert_eq!(failure.kind, FailureKind::NotFound, "a_revert_that_was_given_up_leaves_nothing: {failure}");
    let failure = subject.run(&subject.revert(id(46), snapshot_id(46), 9)).await.expect_err("no such volume");
    assert_eq!(failure.kind, FailureKind::NotFound, "a_revert_that_was_given_up_leaves_nothing: {failure}");
    subject.done(&subject.at(subject.drop(snapshot, volume), 9)).await;
    subject.remove(&[volume], "a_revert_that_was_given_up_leaves_nothing").await;
}

/// The position of the event that asks for a revert.
fn later(round: u64) -> Position {
    Position(ASKED_AT.0 + round)
}

impl<D: Driver> Subject<D> {
    fn revert(&self, volume: VolumeId, snapshot: SnapshotId, round: u64) -> Task {
        self.at(self.task(Operation::RevertVolume { volume, snapshot, size_gib: size(1) }), round)
    }

    fn at(&self, task: Task, round: u64) -> Task {
        Task { asked_at: later(round), ..task }
    }

    /// The volume and its snapshot are there, and nothing else of them; the volume has its data for that event.
    async fn expect_pair(&self, volume: VolumeId, snapshot: SnapshotId, at: Position) {
        let names = self.inventory_of(&[volume]).await;
        assert_eq!(names, [format!("_snapshot-{snapshot}"), format!("volume-{volume}")]);
        match self.observe(volume).await {
            Observed::Present(found) => assert!(found.active && found.asked_at == Some(at), "{found:?}"),
            other => panic!("{volume}: {other:?}"),
        }
    }

    async fn remove(&self, volumes: &[VolumeId], context: &str) {
        for volume in volumes {
            self.done(&self.at(self.delete(*volume), 99)).await;
        }
        self.expect_nothing_of(volumes, context).await;
    }
}
