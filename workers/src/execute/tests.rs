use std::sync::{Arc, Mutex};
use std::time::Duration;

use stele_core::id::{PoolName, VolumeId};
use stele_core::task::{FailureKind, Phase, PoolReport};

use super::*;
use crate::driver::memory::{Fault, MemoryHost, MemoryVolume};
use crate::driver::{Applied, Item};
use crate::plan::{Observed, Wipe};
use crate::testing::{GIB, TestClock, config, create_task, delete_task, extend_task, pool, volume};

/// A node on which volume 1 has 1 GiB and volume 2, of 1 GiB, is not active; removed volumes are wiped.
fn host() -> MemoryHost {
    let host = MemoryHost::new(config(), Some(Wipe::Zero), [(pool(), 8 * GIB)]);
    for (n, active) in [(1, true), (2, false)] {
        // As an earlier execution of the same task left it: tasks of the tests are of position 42.
        let made = MemoryVolume::ours(volume(n), GIB, stele_core::unit::Position(42));
        host.put(&pool(), volume(n), MemoryVolume { active, ..made });
    }
    host
}

async fn run<D: Driver>(driver: &D, task: &Task) -> Option<TaskReport> {
    execute(driver, &TestClock::new(), task, |_| ()).await
}

/// The steps of a success, or the failure.
fn outcome(report: Option<TaskReport>) -> Result<Vec<String>, Failure> {
    match report.expect("not too late").transition {
        Transition::Succeeded { steps, .. } => Ok(steps.into_iter().map(|step| step.step).collect()),
        Transition::Failed { failure, .. } => Err(failure),
        other => panic!("{other:?}"),
    }
}

fn tasks() -> Vec<Task> {
    let revert = |task: Task| Task { phase: Phase::Revert, ..task };
    vec![
        create_task(3, 2),
        create_task(1, 2),
        extend_task(1, 3),
        delete_task(1),
        delete_task(2),
        revert(create_task(1, 1)),
        revert(extend_task(1, 3)),
        revert(delete_task(1)),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_task_done_twice_leaves_what_it_left_once() {
    for task in tasks() {
        let host = host();
        let first = outcome(run(&host.driver(), &task).await).unwrap();
        let once = host.volumes(&pool());
        assert_eq!(outcome(run(&host.driver(), &task).await).unwrap(), [""; 0], "{task:?}");
        assert_eq!(host.volumes(&pool()), once, "{task:?} {first:?}");
    }
}

/// Every step of every task meets every fault once; then the task comes again, to a worker that knows nothing.
#[tokio::test(start_paused = true)]
async fn every_step_may_fail_or_crash_before_and_after_its_effect() {
    let mut cases = 0;
    for task in tasks() {
        let clean = host();
        let steps = outcome(run(&clean.driver(), &task).await).unwrap();
        for nth in 1..=steps.len() as u64 {
            for fault in Fault::ALL {
                cases += 1;
                let host = host();
                host.plan_fault(nth, fault);
                let driver = host.driver();
                let crashed = async {
                    while host.crashes() == 0 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                let first = tokio::select! {
                    report = run(&driver, &task) => Some(outcome(report)),
                    () = crashed => None,
                };
                let context = format!("{task:?} step {nth} of {steps:?} {fault:?}: {first:?}");
                match fault {
                    Fault::FailBefore => assert!(matches!(first, Some(Err(_))), "{context}"),
                    // The last step did have its effect, and the second look finds that.
                    Fault::FailAfter => {
                        assert_eq!(matches!(first, Some(Ok(_))), nth as usize == steps.len(), "{context}")
                    }
                    Fault::CrashBefore | Fault::CrashAfter => assert_eq!(first, None, "{context}"),
                }
                outcome(run(&host.driver(), &task).await).unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(host.volumes(&pool()), clean.volumes(&pool()), "{context}");
            }
        }
    }
    assert_eq!(cases, 4 * (1 + 1 + 1 + 2 + 3 + 1));
}

#[tokio::test(start_paused = true)]
async fn a_success_tells_its_steps_and_a_failure_those_before_it() {
    let host = host();
    host.plan_fault(2, Fault::FailBefore);
    let report = run(&host.driver(), &delete_task(1)).await.unwrap();
    let Transition::Failed { steps, failure, .. } = &report.transition else { panic!("{report:?}") };
    assert_eq!(steps.iter().map(|step| step.step.as_str()).collect::<Vec<_>>(), ["wipe"]);
    assert_eq!((failure.kind, failure.step.as_str()), (FailureKind::Other, "remove"));
    assert_eq!((report.task, report.dispatch, report.phase), (delete_task(1).id, 1, Phase::Execute));
    // A wipe that was done is done again: nothing remembers it.
    assert_eq!(outcome(run(&host.driver(), &delete_task(1)).await).unwrap(), ["wipe", "remove"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_plan_is_a_report() {
    let host = host();
    let failure = outcome(run(&host.driver(), &extend_task(5, 1)).await).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    let failure = outcome(run(&host.driver(), &create_task(5, 100)).await).unwrap_err();
    assert_eq!((failure.kind, failure.step.as_str()), (FailureKind::NoSpace, "create"));
    assert_eq!(host.applies(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_deadline_has_passed_has_no_effect() {
    let host = host();
    let clock = TestClock::new();
    let task = Task { deadline: clock.now(), ..create_task(3, 1) };
    assert_eq!(execute(&host.driver(), &clock, &task, |_| ()).await, None);
    // It passes while the storage is looked at.
    let task = Task { deadline: clock.now().plus_ms(500), ..create_task(3, 1) };
    let slow = Slow { host: host.clone(), observe_ms: 600, chunk_ms: 0 };
    assert_eq!(execute(&slow, &clock, &task, |_| ()).await, None);
    assert_eq!(host.applies(), 0);
}

/// A driver that takes its time: to look, and for each of ten parts of a step.
#[derive(Debug, Clone)]
struct Slow {
    host: MemoryHost,
    observe_ms: u64,
    chunk_ms: u64,
}

impl Driver for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    async fn observe(&self, volume: VolumeId, pool: &PoolName) -> Result<Observed, Failure> {
        tokio::time::sleep(Duration::from_millis(self.observe_ms)).await;
        self.host.driver().observe(volume, pool).await
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        for part in 1..=10 {
            tokio::time::sleep(Duration::from_millis(self.chunk_ms)).await;
            meter.advance(part, 10);
        }
        self.host.driver().apply(task, step, &Meter::default()).await
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        self.host.driver().pools().await
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Vec<Item>, Failure> {
        self.host.driver().inventory(pool).await
    }
}

async fn interim(observe_ms: u64, chunk_ms: u64) -> Vec<String> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = told.clone();
    let slow = Slow { host: host(), observe_ms, chunk_ms };
    let tell = move |report: TaskReport| into.lock().unwrap().push(report.transition);
    outcome(execute(&slow, &TestClock::new(), &extend_task(1, 2), tell).await).unwrap();
    let told = std::mem::take(&mut *told.lock().unwrap());
    told.into_iter()
        .map(|transition| match transition {
            Transition::Started { .. } => "started".to_owned(),
            Transition::Progressed { step, percent, .. } => format!("{step} {percent}"),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn quick_work_is_not_announced_and_long_work_tells_of_its_progress() {
    assert_eq!(interim(0, 10).await, [""; 0]);
    assert_eq!(interim(0, 100).await, ["started"]);
    assert_eq!(interim(0, 500).await, ["started", "extend 20", "extend 40", "extend 60", "extend 80"]);
}

#[tokio::test(start_paused = true)]
async fn what_shows_no_sign_of_progress_does_not_move_its_deadline() {
    assert_eq!(interim(5000, 0).await, ["started"]);
    // One for each sign but the last, which is the end, though a second passes more often.
    assert_eq!(interim(0, 2500).await.len(), 1 + 9);
}
