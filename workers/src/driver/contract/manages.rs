//! What is taken over from somebody else, and given up.

use stele_core::id::{SnapshotId, SourceName, VolumeId};
use stele_core::task::{FailureKind, Operation, Task};

use super::copies::snapshot_id;
use super::{Subject, id, size};
use crate::driver::Driver;
use crate::object::Object;
use crate::plan::{Observed, Owner};

/// A volume that is given up keeps its data and its name and is nobody's; somebody who takes it over has them.
pub(super) async fn a_volume_comes_and_goes_with_its_data<D: Driver>(subject: &Subject<D>) {
    let (first, second) = (id(50), id(51));
    let (own, other) = (Object::Volume(first).name(), Object::Volume(second).name());
    subject.done(&subject.create(first, 1)).await;
    subject.write(first, b"theirs").await;
    let give_up = subject.unmanage(first, None);
    for expected in [vec!["release"], vec![]] {
        assert_eq!(subject.done(&give_up).await, expected, "a_volume_comes_and_goes_with_its_data: given up");
    }
    subject.expect_foreign(first).await;
    subject.expect_data(first, b"theirs").await;
    // By another name, and the inventory knows it.
    let take = subject.manage(second, &own);
    assert_eq!(subject.done(&take).await, ["adopt"], "a_volume_comes_and_goes_with_its_data");
    assert_eq!(subject.done(&take).await, [""; 0], "a_volume_comes_and_goes_with_its_data: twice");
    assert_eq!(subject.observe(first).await, Observed::Absent, "a_volume_comes_and_goes_with_its_data");
    subject.expect_size(second, 1).await;
    subject.expect_data(second, b"theirs").await;
    assert_eq!(subject.inventory_of(&[first, second]).await, [other], "a_volume_comes_and_goes_with_its_data");
    // And back, with its old name.
    let give_back = subject.unmanage(second, Some(&own));
    for expected in [vec!["release"], vec![]] {
        assert_eq!(subject.done(&give_back).await, expected, "a_volume_comes_and_goes_with_its_data: given back");
    }
    assert_eq!(subject.observe(second).await, Observed::Absent, "a_volume_comes_and_goes_with_its_data");
    subject.expect_foreign(first).await;
    // Under its own name.
    assert_eq!(subject.done(&subject.manage(first, &own)).await, ["adopt"], "a_volume_comes_and_goes_with_its_data");
    subject.expect_data(first, b"theirs").await;
    // Like any other from here on.
    subject.done(&subject.extend(first, 2)).await;
    subject.expect_size(first, 2).await;
    subject.done(&subject.delete(first)).await;
    subject.expect_nothing_of(&[first, second], "a_volume_comes_and_goes_with_its_data").await;
}

/// What is not there, what is ours already, and what would take a name that is taken.
pub(super) async fn what_cannot_be_taken_over_is_left_alone<D: Driver>(subject: &Subject<D>) {
    let (ours, new, given_up) = (id(52), id(53), id(54));
    subject.done(&subject.create(ours, 1)).await;
    subject.done(&subject.create(given_up, 1)).await;
    subject.done(&subject.unmanage(given_up, None)).await;
    let (own, name) = (Object::Volume(ours).name(), Object::Volume(given_up).name());
    for (task, kind) in [
        (subject.manage(new, "nothing-of-this-name"), FailureKind::NotFound),
        (subject.manage(new, &own), FailureKind::Conflict),
        (subject.take_over(snapshot_id(53), new, &own), FailureKind::Conflict),
    ] {
        let failure = subject.run(&task).await.expect_err("what_cannot_be_taken_over_is_left_alone");
        assert_eq!(failure.kind, kind, "what_cannot_be_taken_over_is_left_alone: {failure}");
    }
    assert_eq!(subject.done(&subject.unmanage(new, Some(&own))).await, [""; 0], "it is another's");
    subject.expect_size(ours, 1).await;
    // Its name is taken meanwhile: it keeps the one that it has, and is nobody's all the same.
    subject.done(&subject.manage(new, &name)).await;
    subject.done(&subject.unmanage(new, Some(&own))).await;
    subject.expect_foreign(new).await;
    subject.expect_size(ours, 1).await;
    for volume in [ours, new] {
        if volume == new {
            subject.done(&subject.manage(new, &Object::Volume(new).name())).await;
        }
        subject.done(&subject.delete(volume)).await;
    }
    subject.expect_nothing_of(&[ours, new, given_up], "what_cannot_be_taken_over_is_left_alone").await;
}

/// A snapshot that stands for itself can be given up and taken over, as its volume's or as another's.
pub(super) async fn a_snapshot_comes_and_goes<D: Driver>(subject: &Subject<D>) {
    let (volume, snapshot) = (id(55), snapshot_id(55));
    subject.done(&subject.create(volume, 1)).await;
    subject.done(&subject.take(snapshot, volume)).await;
    let give_up = subject.task(Operation::UnmanageSnapshot { snapshot, volume, source_name: None });
    match subject.run(&give_up).await {
        // It hangs on its volume.
        Err(failure) => assert_eq!(failure.kind, FailureKind::Unsupported, "a_snapshot_comes_and_goes: {failure}"),
        Ok(steps) => {
            assert_eq!(steps, ["release"], "a_snapshot_comes_and_goes");
            assert_eq!(subject.inventory_of(&[volume]).await.len(), 1, "a_snapshot_comes_and_goes");
            let again = subject.take_over(snapshot_id(56), volume, &format!("_snapshot-{snapshot}"));
            assert_eq!(subject.done(&again).await, ["adopt"], "a_snapshot_comes_and_goes");
            assert_eq!(subject.done(&again).await, [""; 0], "a_snapshot_comes_and_goes: twice");
            assert_eq!(subject.inventory_of(&[volume]).await.len(), 2, "a_snapshot_comes_and_goes");
            subject.done(&subject.drop(snapshot_id(56), volume)).await;
        }
    }
    subject.done(&subject.drop(snapshot, volume)).await;
    subject.done(&subject.delete(volume)).await;
    subject.expect_nothing_of(&[volume], "a_snapshot_comes_and_goes").await;
}

impl<D: Driver> Subject<D> {
    fn manage(&self, volume: VolumeId, source: &str) -> Task {
        self.task(Operation::ManageVolume { volume, source_name: name(source) })
    }

    fn unmanage(&self, volume: VolumeId, source: Option<&str>) -> Task {
        self.task(Operation::UnmanageVolume { volume, source_name: source.map(name) })
    }

    fn take_over(&self, snapshot: SnapshotId, volume: VolumeId, source: &str) -> Task {
        self.task(Operation::ManageSnapshot { snapshot, volume, size_gib: size(1), source_name: name(source) })
    }

    /// It is there under its name, and nobody's.
    async fn expect_foreign(&self, volume: VolumeId) {
        match self.observe(volume).await {
            Observed::Present(found) => assert_eq!(found.owner, Owner::Foreign, "{found:?}"),
            other => panic!("{volume}: {other:?}"),
        }
        assert_eq!(self.inventory_of(&[volume]).await, [""; 0]);
        let foreign = self.driver.inventory(&self.pool).await.expect("inventory").foreign;
        let name = Object::Volume(volume).name();
        let listed = foreign.items.iter().find(|item| item.name.as_str() == name);
        let listed = listed.unwrap_or_else(|| panic!("{name} is not listed: {foreign:?}"));
        assert!(listed.size_bytes >= 1 << 30 && listed.origin.is_none() && !listed.open, "{listed:?}");
    }
}

fn name(text: &str) -> SourceName {
    SourceName::new(text).expect("a name")
}
