//! The contract of every driver, as a suite that runs on each of them: on the fakes wherever tests run, and on LVM
//! where there is device-mapper (feature `contract`).
//!
//! The checks drive a driver as the worker does: observe, plan, apply. They use volume ids of their own and leave
//! nothing behind when they pass.

mod copies;
mod faults;
mod hosts;
mod manages;
mod reverts;

pub use faults::run_faults;
use stele_core::id::{FlowId, PoolName, TaskId, VolumeId};
use stele_core::schedule::Amount;
use stele_core::task::{Failure, FailureKind, Operation, Phase, Task};
use stele_core::unit::{Position, SizeGib, Timestamp};
use uuid::Uuid;

use super::{Driver, Meter};
use crate::object::{Item, Object};
use crate::plan::{Act, Observed, Owner, Step, plan};

/// A driver to be examined. Its pool needs room for 5 GiB; where deleting overwrites the data, the storage below it
/// must really be able to hold 2 GiB.
#[derive(Debug, Clone)]
pub struct Subject<D> {
    /// The driver.
    pub driver: D,
    /// A pool of it.
    pub pool: PoolName,
    /// A volume id under whose name the caller has put an object without our tags, if it could.
    pub foreign: Option<VolumeId>,
    /// A size that surely does not fit into the pool, if there is one (thin pools promise what they do not have).
    pub too_large: Option<SizeGib>,
    /// Checks that are left out, by their paths here: on slow storage some take minutes.
    pub left_out: &'static [&'static str],
}

/// Runs checks one after the other, and tells how long each took: on real storage it is minutes in all.
macro_rules! each {
    ($subject:ident: $($check:path),+ $(,)?) => {$(
        if !$subject.left_out.contains(&stringify!($check)) {
            let began = std::time::Instant::now();
            $check($subject).await;
            eprintln!("{} ms: {}", began.elapsed().as_millis(), stringify!($check));
        }
    )+};
}

/// Runs the whole suite.
///
/// # Panics
/// With the name of the check when the driver breaks the contract.
pub async fn run<D: Driver>(subject: &Subject<D>) {
    each!(
        subject:
        absence_is_an_answer,
        a_volume_lives,
        every_task_may_come_twice,
        a_leftover_is_removed,
        what_is_not_ours_is_left_alone,
        what_does_not_fit_is_refused,
        the_figures_add_up,
        copies::a_snapshot_lives,
        copies::a_snapshot_keeps_what_was_there,
        copies::a_volume_begins_with_the_data_of_another,
        copies::what_was_cut_short_is_finished,
        copies::what_stops_midway_goes_on,
        copies::what_was_given_up_is_removed,
        copies::nothing_is_made_of_nothing,
        copies::a_volume_with_snapshots_grows_and_stays,
        copies::a_host_reaches_a_volume,
        manages::a_volume_comes_and_goes_with_its_data,
        manages::what_cannot_be_taken_over_is_left_alone,
        manages::a_snapshot_comes_and_goes,
        reverts::a_volume_goes_back_to_its_snapshot,
        reverts::a_revert_that_was_cut_short_is_finished,
        reverts::a_late_revert_takes_nothing_away,
        reverts::a_revert_that_was_given_up_leaves_nothing,
    );
    if hosts::exports(subject).await {
        run_hosts(subject).await;
    }
    an_unknown_pool_is_an_error(subject).await;
}

/// The part of the suite that is about hosts, for a driver that exports volumes and keeps the rest of the contract.
///
/// # Panics
/// With the name of the check when the driver breaks the contract.
pub async fn run_hosts<D: Driver>(subject: &Subject<D>) {
    assert!(hosts::exports(subject).await, "it exports nothing");
    each!(
        subject:
        hosts::hosts_come_and_go,
        hosts::a_host_shares_its_login,
        hosts::a_late_task_leaves_hosts_alone,
        hosts::a_target_follows_its_volume,
        hosts::a_host_has_a_name,
    );
}

/// Nothing there is an observation, not an error; deleting it and reverting its creation are done already.
pub async fn absence_is_an_answer<D: Driver>(subject: &Subject<D>) {
    let volume = id(1);
    assert_eq!(subject.observe(volume).await, Observed::Absent, "absence_is_an_answer");
    for task in [subject.delete(volume), reverted(subject.create(volume, 1)), reverted(subject.extend(volume, 1))] {
        assert_eq!(subject.done(&task).await, [""; 0], "absence_is_an_answer: {task:?}");
    }
    let failure = subject.run(&subject.extend(volume, 1)).await.expect_err("absence_is_an_answer");
    assert_eq!(failure.kind, FailureKind::NotFound, "absence_is_an_answer: {failure}");
}

/// Create, extend and delete do what they say, and the inventory tells of it, with the position that asked for it.
pub async fn a_volume_lives<D: Driver>(subject: &Subject<D>) {
    let volume = id(2);
    assert!(!subject.done(&subject.create(volume, 1)).await.is_empty(), "a_volume_lives: create");
    subject.expect_size(volume, 1).await;
    let inventory = subject.inventory().await;
    let item = inventory.iter().find(|item| item.object == Object::Volume(volume));
    let item = item.expect("a_volume_lives: not in the inventory");
    assert_eq!(item.name, format!("volume-{volume}"), "a_volume_lives");
    assert_eq!(item.asked_at, Some(ASKED_AT), "a_volume_lives: {item:?}");
    assert!(item.size_bytes >= 1 << 30, "a_volume_lives: {item:?}");
    assert!(inventory.windows(2).all(|pair| pair[0].name < pair[1].name), "a_volume_lives: {inventory:?}");
    subject.done(&subject.extend(volume, 2)).await;
    subject.expect_size(volume, 2).await;
    subject.done(&subject.delete(volume)).await;
    assert_eq!(subject.observe(volume).await, Observed::Absent, "a_volume_lives: delete");
}

/// A task that comes again finds its words true and runs nothing; a smaller size never shrinks.
pub async fn every_task_may_come_twice<D: Driver>(subject: &Subject<D>) {
    let volume = id(3);
    let tasks = [subject.create(volume, 1), subject.extend(volume, 2), subject.delete(volume)];
    for task in &tasks {
        subject.done(task).await;
        assert_eq!(subject.done(task).await, [""; 0], "every_task_may_come_twice: {task:?}");
    }
    subject.done(&tasks[0]).await;
    subject.done(&tasks[1]).await;
    for late in [subject.extend(volume, 1), subject.create(volume, 1), reverted(subject.extend(volume, 2))] {
        assert_eq!(subject.done(&late).await, [""; 0], "every_task_may_come_twice: {late:?}");
        subject.expect_size(volume, 2).await;
    }
    // A create that finds its own, smaller: it is brought to its size.
    subject.done(&subject.delete(volume)).await;
    subject.done(&subject.create(volume, 1)).await;
    subject.done(&subject.create(volume, 2)).await;
    subject.expect_size(volume, 2).await;
    subject.done(&subject.delete(volume)).await;
}

/// Reverting a create removes what it left; once more, and nothing is left to remove.
pub async fn a_leftover_is_removed<D: Driver>(subject: &Subject<D>) {
    let create = subject.create(id(4), 1);
    subject.done(&create).await;
    let revert = reverted(create);
    assert!(!subject.done(&revert).await.is_empty(), "a_leftover_is_removed");
    assert_eq!(subject.done(&revert).await, [""; 0], "a_leftover_is_removed");
    assert_eq!(subject.observe(id(4)).await, Observed::Absent, "a_leftover_is_removed");
}

/// An object without our tag is neither taken over, nor grown, nor removed, and is not in the inventory.
pub async fn what_is_not_ours_is_left_alone<D: Driver>(subject: &Subject<D>) {
    let Some(volume) = subject.foreign else { return };
    let before = subject.observe(volume).await;
    let Observed::Present(found) = &before else { panic!("what_is_not_ours_is_left_alone: {before:?}") };
    assert_eq!(found.owner, Owner::Foreign, "what_is_not_ours_is_left_alone");
    for task in [subject.create(volume, 1), subject.extend(volume, 3), subject.delete(volume)] {
        let failure = subject.run(&task).await.expect_err("what_is_not_ours_is_left_alone");
        assert_eq!(failure.kind, FailureKind::Conflict, "what_is_not_ours_is_left_alone: {failure}");
    }
    subject.done(&reverted(subject.create(volume, 1))).await;
    // Also when the step is forced upon it, as when it appeared after the observation.
    let create = Step { on: Object::Volume(volume), act: Act::Create { size_bytes: 1 << 30, unfinished: false } };
    let failure = subject.apply(&subject.create(volume, 1), &create).await.expect_err("created over something");
    assert_eq!(failure.kind, FailureKind::Conflict, "what_is_not_ours_is_left_alone: {failure}");
    assert_eq!(subject.observe(volume).await, before, "what_is_not_ours_is_left_alone");
    let inventory = subject.inventory().await;
    let foreign = |item: &Item| item.object == Object::Volume(volume);
    assert!(!inventory.iter().any(foreign), "what_is_not_ours_is_left_alone: {inventory:?}");
}

/// A volume larger than the pool is refused as such, new or grown, and nothing of it is left.
pub async fn what_does_not_fit_is_refused<D: Driver>(subject: &Subject<D>) {
    let Some(size) = subject.too_large else { return };
    let volume = id(5);
    let failure = subject.run(&subject.create(volume, size.gib())).await.expect_err("what_does_not_fit_is_refused");
    assert_eq!(failure.kind, FailureKind::NoSpace, "what_does_not_fit_is_refused: {failure}");
    assert_eq!(subject.observe(volume).await, Observed::Absent, "what_does_not_fit_is_refused");
    subject.done(&subject.create(volume, 1)).await;
    let failure = subject.run(&subject.extend(volume, size.gib())).await.expect_err("what_does_not_fit_is_refused");
    assert_eq!(failure.kind, FailureKind::NoSpace, "what_does_not_fit_is_refused: {failure}");
    subject.expect_size(volume, 1).await;
    subject.done(&subject.delete(volume)).await;
}

/// Two volumes of 1 GiB raise what is provisioned by 2 GiB, and their removal lowers it again.
pub async fn the_figures_add_up<D: Driver>(subject: &Subject<D>) {
    let before = subject.figures().await;
    for n in [6, 7] {
        subject.done(&subject.create(id(n), 1)).await;
    }
    let with = subject.figures().await;
    assert!((with.0 - before.0 - 2.0).abs() < 0.01, "the_figures_add_up: {before:?} {with:?}");
    assert!(with.1 <= before.1, "the_figures_add_up: {before:?} {with:?}");
    for n in [6, 7] {
        subject.done(&subject.delete(id(n))).await;
    }
    let after = subject.figures().await;
    assert!((after.0 - before.0).abs() < 0.01, "the_figures_add_up: {before:?} {after:?}");
}

/// A pool that the backend does not have is an error everywhere, never an empty pool.
pub async fn an_unknown_pool_is_an_error<D: Driver>(subject: &Subject<D>) {
    let pool = subject.pool.backend().pool("no-such-pool").expect("a pool's name");
    let task = Task { pool: pool.clone(), ..subject.create(id(8), 1) };
    let step = Step { on: Object::Volume(id(8)), act: Act::Create { size_bytes: 1 << 30, unfinished: false } };
    let kinds = [
        subject.driver.observe(&task).await.map(|_| ()),
        subject.driver.inventory(&pool).await.map(|_| ()),
        subject.apply(&task, &step).await,
    ]
    .map(|result| result.map_err(|failure| failure.kind));
    assert_eq!(kinds, [Err(FailureKind::NotFound); 3], "an_unknown_pool_is_an_error");
}

const ASKED_AT: Position = Position(4711);

fn id(n: u128) -> VolumeId {
    VolumeId(Uuid::from_u128(0xc047_ac70_0000_4000_8000_0000_0000_0000 + n))
}

fn reverted(task: Task) -> Task {
    Task { phase: Phase::Revert, ..task }
}

impl<D: Driver> Subject<D> {
    fn create(&self, volume: VolumeId, gib: u32) -> Task {
        self.task(Operation::CreateVolume { volume, size_gib: size(gib), source: None })
    }

    fn extend(&self, volume: VolumeId, gib: u32) -> Task {
        self.task(Operation::ExtendVolume { volume, size_gib: size(gib) })
    }

    fn delete(&self, volume: VolumeId) -> Task {
        self.task(Operation::DeleteVolume { volume })
    }

    fn task(&self, operation: Operation) -> Task {
        Task {
            id: TaskId(Uuid::from_u128(1)),
            flow: FlowId(Uuid::from_u128(2)),
            pool: self.pool.clone(),
            operation,
            phase: Phase::Execute,
            dispatch: 1,
            deadline: Timestamp::from_micros(i64::MAX),
            asked_at: ASKED_AT,
        }
    }

    async fn observe(&self, volume: VolumeId) -> Observed {
        self.driver.observe(&self.extend(volume, 1)).await.expect("observe").object
    }

    async fn inventory(&self) -> Vec<Item> {
        self.driver.inventory(&self.pool).await.expect("inventory").items
    }

    async fn expect_size(&self, volume: VolumeId, gib: u64) {
        match self.observe(volume).await {
            // Drivers may round up, but nobody gets a quarter of a GiB for nothing.
            Observed::Present(found) => {
                assert!((gib << 30..(gib << 30) + (1 << 28)).contains(&found.size_bytes), "{gib} GiB: {found:?}");
                assert_eq!(found.owner, Owner::Ours, "{found:?}");
            }
            other => panic!("{volume} should have {gib} GiB: {other:?}"),
        }
    }

    /// Observe, plan, apply; the names of the steps that were run.
    async fn run(&self, task: &Task) -> Result<Vec<&'static str>, Failure> {
        self.run_some(task, usize::MAX).await
    }

    /// As [`Subject::run`], but dies after so many steps.
    async fn run_some(&self, task: &Task, steps_max: usize) -> Result<Vec<&'static str>, Failure> {
        let mut steps = plan(task, &self.driver.observe(task).await?)?;
        steps.truncate(steps_max);
        for step in &steps {
            self.apply(task, step).await?;
        }
        Ok(steps.iter().map(Step::name).collect())
    }

    async fn done(&self, task: &Task) -> Vec<&'static str> {
        match self.run(task).await {
            Ok(steps) => steps,
            Err(failure) => panic!("{task:?}: {failure}: {}", failure.stderr),
        }
    }

    async fn apply(&self, task: &Task, step: &Step) -> Result<(), Failure> {
        self.driver.apply(task, step, &Meter::default()).await.map(|_| ())
    }

    /// What is provisioned and what is free, in GiB.
    async fn figures(&self) -> (f64, f64) {
        let pools = self.driver.pools().await.expect("pools");
        let report = pools.iter().find(|report| report.pool == self.pool).expect("the pool is in the report");
        match report.stats.free_capacity_gb {
            Some(Amount::Number(free)) => (report.stats.provisioned_capacity_gb, free),
            other => panic!("free_capacity_gb is {other:?}"),
        }
    }
}

fn size(gib: u32) -> SizeGib {
    SizeGib::new(i128::from(gib)).expect("a size")
}
