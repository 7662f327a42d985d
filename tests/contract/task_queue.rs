//! The contract of [`Dispatcher`], [`TaskSource`] and [`Claimed`].

use std::collections::BTreeSet;
use std::time::Duration;

use stele_core::id::{BackendName, FlowId, TaskId, VolumeId};
use stele_core::port::{Claimed, Dispatcher, TaskSource};
use stele_core::task::{Operation, Phase, Task};
use stele_core::unit::{Position, SizeGib, Timestamp};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Nudge, nudged};

/// Runs every test of the contract, one after the other, on empty queues. Where the queue's patience is some seconds or
/// less, also those tests that wait for it.
pub(crate) async fn all<D: Dispatcher, S: TaskSource>(dispatcher: D, source: impl Fn(BackendName) -> S, nudge: Nudge) {
    each_task_arrives_until_it_is_done(&dispatcher, &source, &nudge).await;
    a_task_that_is_dispatched_twice_arrives(&dispatcher, &source, &nudge).await;
    backends_have_their_own_queues(&dispatcher, &source, &nudge).await;
    a_dropped_task_goes_to_another_worker(&dispatcher, &source, &nudge).await;
    a_task_in_progress_stays(&dispatcher, &source, &nudge).await;
    a_dropped_claim_loses_nothing(&dispatcher, &source, &nudge).await;
}

fn backend(name: &str) -> BackendName {
    BackendName::new(name).unwrap()
}

fn task(backend: &BackendName, number: u128) -> Task {
    Task {
        id: TaskId(Uuid::from_u128(number)),
        flow: FlowId(Uuid::from_u128(number)),
        pool: backend.pool("vg").unwrap(),
        operation: Operation::CreateVolume {
            volume: VolumeId(Uuid::from_u128(number)),
            size_gib: SizeGib::new(3).unwrap(),
            source: None,
        },
        phase: Phase::Execute,
        dispatch: 1,
        deadline: Timestamp::from_micros(1_795_000_000_000_000),
        asked_at: Position(7),
    }
}

/// Claims and finishes tasks until none comes any more.
async fn finish_all<S: TaskSource>(source: &mut S, nudge: &Nudge) -> Vec<Task> {
    let mut finished = Vec::new();
    loop {
        let claimed = nudged(nudge, source.claim(6)).await.unwrap();
        assert!(claimed.len() <= 6);
        if claimed.is_empty() {
            return finished;
        }
        for claimed in claimed {
            finished.push(claimed.task().clone().unwrap());
            claimed.done().await.unwrap();
        }
    }
}

async fn claim_one<S: TaskSource>(source: &mut S, nudge: &Nudge, within: Duration) -> Option<S::Claimed> {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if let Some(claimed) = nudged(nudge, source.claim(1)).await.unwrap().pop() {
            return Some(claimed);
        }
    }
    None
}

async fn each_task_arrives_until_it_is_done<D: Dispatcher, S: TaskSource>(
    dispatcher: &D,
    source: &impl Fn(BackendName) -> S,
    nudge: &Nudge,
) {
    let backend = backend("one@lvm");
    let tasks: Vec<Task> = (1000..1700).map(|n| task(&backend, n)).collect();
    dispatcher.dispatch(Vec::new()).await.unwrap();
    dispatcher.dispatch(tasks.clone()).await.unwrap();
    let finished = finish_all(&mut source(backend.clone()), nudge).await;
    assert!(finished.iter().all(|task| tasks.contains(task)), "tasks come as they were given");
    let distinct: BTreeSet<TaskId> = finished.iter().map(|task| task.id).collect();
    assert_eq!(distinct.len(), tasks.len(), "each of them comes");
    assert!(
        finished.iter().map(|task| task.id).eq(tasks.iter().map(|task| task.id)),
        "in order, once, when nothing fails"
    );
    assert_eq!(finish_all(&mut source(backend), nudge).await, [], "what is done is gone");
}

async fn a_task_that_is_dispatched_twice_arrives<D: Dispatcher, S: TaskSource>(
    dispatcher: &D,
    source: &impl Fn(BackendName) -> S,
    nudge: &Nudge,
) {
    let backend = backend("twice@lvm");
    for _ in 0..2 {
        dispatcher.dispatch(vec![task(&backend, 2000)]).await.unwrap();
    }
    let finished: BTreeSet<TaskId> =
        finish_all(&mut source(backend.clone()), nudge).await.iter().map(|t| t.id).collect();
    assert_eq!(finished.len(), 1);
    // Another dispatch of the same task is another message.
    let again = Task { dispatch: 2, ..task(&backend, 2000) };
    dispatcher.dispatch(vec![again.clone()]).await.unwrap();
    assert_eq!(finish_all(&mut source(backend.clone()), nudge).await, [again]);
    let reverted = Task { phase: Phase::Revert, dispatch: 2, ..task(&backend, 2000) };
    dispatcher.dispatch(vec![reverted.clone()]).await.unwrap();
    assert_eq!(finish_all(&mut source(backend), nudge).await, [reverted]);
}

async fn backends_have_their_own_queues<D: Dispatcher, S: TaskSource>(
    dispatcher: &D,
    source: &impl Fn(BackendName) -> S,
    nudge: &Nudge,
) {
    let backends = ["node-1.rack.example@lvm", "node-1@lvm", "node-1@lvm.fast"].map(backend);
    let long = format!("{}@{}", "a.".repeat(50), "b.".repeat(13));
    let backends: Vec<BackendName> = backends.into_iter().chain([backend(&long)]).collect();
    let tasks: Vec<Task> = backends.iter().zip(3000..).map(|(backend, n)| task(backend, n)).collect();
    dispatcher.dispatch(tasks.clone()).await.unwrap();
    for (backend, task) in backends.into_iter().zip(tasks) {
        assert_eq!(finish_all(&mut source(backend), nudge).await, [task]);
    }
}

async fn a_dropped_task_goes_to_another_worker<D: Dispatcher, S: TaskSource>(
    dispatcher: &D,
    source: &impl Fn(BackendName) -> S,
    nudge: &Nudge,
) {
    let backend = backend("dropped@lvm");
    dispatcher.dispatch(vec![task(&backend, 4000)]).await.unwrap();
    let (mut one, mut other) = (source(backend.clone()), source(backend.clone()));
    let taken = claim_one(&mut one, nudge, Duration::from_secs(5)).await.unwrap();
    let patience = Duration::from_millis(taken.patience_ms());
    assert!(patience >= Duration::from_millis(100));
    drop(taken);
    let again = claim_one(&mut other, nudge, patience * 3 + Duration::from_secs(2)).await.unwrap();
    assert_eq!(again.task().as_ref().unwrap(), &task(&backend, 4000));
    again.done().await.unwrap();
    assert_eq!(finish_all(&mut one, nudge).await, []);
}

async fn a_task_in_progress_stays<D: Dispatcher, S: TaskSource>(
    dispatcher: &D,
    source: &impl Fn(BackendName) -> S,
    nudge: &Nudge,
) {
    let backend = backend("busy@lvm");
    dispatcher.dispatch(vec![task(&backend, 5000)]).await.unwrap();
    let (mut one, mut other) = (source(backend.clone()), source(backend));
    let taken = claim_one(&mut one, nudge, Duration::from_secs(5)).await.unwrap();
    let patience = Duration::from_millis(taken.patience_ms());
    let work = if patience <= Duration::from_secs(3) { patience * 3 } else { Duration::from_millis(100) };
    let end = Instant::now() + work;
    let watching = async {
        while Instant::now() < end {
            assert_eq!(nudged(nudge, other.claim(1)).await.unwrap().len(), 0, "another worker got it");
        }
    };
    let working = async {
        while Instant::now() < end {
            taken.in_progress().await.unwrap();
            sleep((patience / 4).min(Duration::from_millis(300))).await;
        }
    };
    tokio::join!(watching, working);
    taken.done().await.unwrap();
    drop(taken);
    assert_eq!(finish_all(&mut other, nudge).await, []);
}

async fn a_dropped_claim_loses_nothing<D: Dispatcher, S: TaskSource>(
    dispatcher: &D,
    source: &impl Fn(BackendName) -> S,
    nudge: &Nudge,
) {
    let backend = backend("hasty@lvm");
    let mut source = source(backend.clone());
    assert_eq!(nudged(nudge, source.claim(1)).await.unwrap().len(), 0);
    let mut finished = Vec::new();
    for n in 6000..6050 {
        dispatcher.dispatch(vec![task(&backend, n)]).await.unwrap();
        // Many of these are dropped while they wait.
        if let Ok(claimed) = tokio::time::timeout(Duration::from_micros(400), source.claim(2)).await {
            for claimed in claimed.unwrap() {
                finished.push(claimed.task().clone().unwrap().id);
                claimed.done().await.unwrap();
            }
        }
    }
    finished.extend(finish_all(&mut source, nudge).await.into_iter().map(|task| task.id));
    let distinct: BTreeSet<TaskId> = finished.iter().copied().collect();
    assert_eq!(distinct.len(), 50, "each of them arrived without waiting for the queue's patience");
}
