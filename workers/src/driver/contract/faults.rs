//! The part of the contract that is about workers that die and steps that fail: a whole life of a volume, in which every
//! task meets a fault at one of its steps. Whatever step and whatever fault it was, the task that comes again makes its
//! words true, one that comes once more finds nothing to do, and at the end nothing is left.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use stele_core::id::{PoolName, VolumeId};
use stele_core::task::{Connection, CopySource, Failure, FailureKind, PoolReport, Task, Transition};
use tokio::sync::Notify;

use super::{Subject, id};
use crate::clock::SystemClock;
use crate::driver::memory::Fault;
use crate::driver::{Applied, Driver, Inventory, Meter, failure};
use crate::execute::execute;
use crate::plan::{Look, Step, plan};
use crate::target::ExportItem;
use crate::turn::Room;

/// No task has more steps than this.
const STEPS_MAX: u64 = 16;

/// A driver whose n-th step meets a fault, once.
#[derive(Debug, Clone)]
struct Faulty<D> {
    driver: D,
    plan: Arc<Mutex<Plan>>,
    died: Arc<Notify>,
}

#[derive(Debug)]
struct Plan {
    /// How many steps are left before the fault.
    left: u64,
    fault: Option<Fault>,
}

impl<D> Faulty<D> {
    fn new(driver: D, nth: u64, fault: Fault) -> Self {
        Self { driver, plan: Arc::new(Mutex::new(Plan { left: nth, fault: Some(fault) })), died: Arc::default() }
    }

    fn struck(&self) -> bool {
        self.lock().fault.is_none()
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.lock();
        plan.left = plan.left.saturating_sub(1);
        if plan.left == 0 { plan.fault.take() } else { None }
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> Driver for Faulty<D> {
    fn name(&self) -> &'static str {
        self.driver.name()
    }

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        self.driver.observe(task).await
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        let Some(fault) = self.next() else { return self.driver.apply(task, step, meter).await };
        if matches!(fault, Fault::FailAfter | Fault::CrashAfter) {
            self.driver.apply(task, step, meter).await?;
        }
        if matches!(fault, Fault::CrashBefore | Fault::CrashAfter) {
            self.died.notify_one();
            return std::future::pending().await;
        }
        Err(failure(FailureKind::Other, step.name(), format!("injected: {fault:?}")))
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        self.driver.connection(task).await
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        self.driver.pools().await
    }

    fn keeps_data(&self) -> bool {
        self.driver.keeps_data()
    }

    fn removal_takes_along(&self) -> bool {
        self.driver.removal_takes_along()
    }

    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        self.driver.exports(pool).await
    }

    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        self.driver.keeps_hosts_out().await
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        self.driver.let_hosts_in().await
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        self.driver.inventory(pool).await
    }
}

/// Every step of every kind of task meets each of the faults once.
///
/// # Panics
/// With the task and the fault when something is lost or left over.
pub async fn run_faults<D: Driver>(subject: &Subject<D>, faults: &[Fault]) {
    for fault in faults {
        for nth in 1.. {
            assert!(nth <= STEPS_MAX, "{fault:?}: a task has more than {STEPS_MAX} steps");
            let began = std::time::Instant::now();
            let more = life(subject, nth, *fault).await;
            eprintln!("{} ms: {fault:?} at each task's step {nth}", began.elapsed().as_millis());
            if !more {
                break;
            }
        }
    }
}

/// One life in which each task meets the fault at its `nth` step; whether a task has more steps than that.
async fn life<D: Driver>(subject: &Subject<D>, nth: u64, fault: Fault) -> bool {
    let (volume, of_snapshot, of_volume) = (id(60), id(61), id(62));
    let (snapshot, host) = (super::copies::snapshot_id(60), subject.host(volume, 1));
    let from_snapshot = subject.copy_of(of_snapshot, 1, CopySource::Snapshot { snapshot, volume });
    let mut steps = meets(subject, &subject.create(volume, 1), nth, fault).await;
    subject.write(volume, b"first").await;
    for task in [
        subject.take(snapshot, volume),
        from_snapshot,
        subject.copy_of(of_volume, 1, CopySource::Volume(volume)),
        subject.drop(snapshot, volume),
        host.connect(),
        subject.extend(volume, 2),
        host.disconnect(),
    ] {
        steps = steps.max(meets(subject, &task, nth, fault).await);
    }
    for copy in [of_snapshot, of_volume] {
        subject.expect_data(copy, b"first").await;
    }
    for gone in [of_snapshot, of_volume, volume] {
        steps = steps.max(meets(subject, &subject.delete(gone), nth, fault).await);
    }
    nothing_is_left(subject, &[volume, of_snapshot, of_volume], nth, fault).await;
    steps > nth
}

/// The task is executed until it succeeds, as the queue and control have it; how many steps it has.
async fn meets<D: Driver>(subject: &Subject<D>, task: &Task, nth: u64, fault: Fault) -> u64 {
    let look = subject.driver.observe(task).await.expect("observe");
    let steps = plan(task, &look).expect("a plan").len() as u64;
    let faulty = Faulty::new(subject.driver.clone(), nth, fault);
    let context = format!("{fault:?} at step {nth} of {:?}", task.operation);
    let first = {
        let mut turn = Room::new(2, 1, 2).enter().await;
        let attempt = pin!(execute(&faulty, &SystemClock, task, &mut turn, |_| {}));
        let died = pin!(faulty.died.notified());
        match select(attempt, died).await {
            Either::Left((report, _)) => report,
            Either::Right(((), _)) => None,
        }
    };
    if let Some(Transition::Failed { failure, .. }) = first.map(|report| report.transition) {
        assert!(failure.message.starts_with("injected"), "{context}: {failure}: {}", failure.stderr);
        // That data were wiped cannot be seen.
        let seen = fault != Fault::FailAfter || failure.step == "wipe";
        assert!(seen, "{context}: what was done at {} was not seen", failure.step);
    }
    subject.done(task).await;
    assert_eq!(subject.done(task).await, [""; 0], "{context}: once more");
    assert_eq!(faulty.struck(), nth <= steps, "{context}: a task of {steps} steps");
    steps
}

async fn nothing_is_left<D: Driver>(subject: &Subject<D>, volumes: &[VolumeId], nth: u64, fault: Fault) {
    let context = format!("{fault:?} at step {nth}");
    subject.expect_nothing_of(volumes, &context).await;
    let exports = subject.driver.exports(&subject.pool).await.expect("exports");
    let left = exports.into_iter().flatten().filter(|export| volumes.contains(&export.volume));
    assert_eq!(left.collect::<Vec<_>>(), vec![], "{context}");
}
