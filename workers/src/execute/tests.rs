use std::sync::{Arc, Mutex};
use std::time::Duration;

use stele_core::id::PoolName;
use stele_core::task::{ConnectionValue, FailureKind, Phase, PoolReport};

mod slow;

use super::*;
use crate::driver::memory::{Fault, MemoryHost, MemoryObject};
use crate::driver::{Applied, Inventory};
use crate::object::Object;
use crate::plan::{Look, Wipe};
use crate::target::ExportItem;
use crate::testing::{
    GIB, TestClock, clone_task, config, connect_task, create_task, delete_snapshot_task, delete_task, disconnect_task,
    extend_task, manage_task, pool, restore_task, revert_task, snapshot, snapshot_task, unmanage_task, volume,
};
use crate::turn::{Came, Lane, Room};

/// A node on which volume 1 has 1 GiB and volume 2, of 1 GiB, is not active; volume 5 has snapshot 6, and somebody else
/// has put something there under the name of volume 8. What is removed
/// is wiped.
fn host() -> MemoryHost {
    filled(MemoryHost::new(config(), Some(Wipe::Zero), [(pool(), 12 * GIB)]), None)
}

/// The same, where snapshots hang on their volumes.
fn joined() -> MemoryHost {
    let host = MemoryHost::new(config(), Some(Wipe::Zero), [(pool(), 12 * GIB)]).with_joined_snapshots();
    filled(host, Some(Object::Volume(volume(5)).name()))
}

fn filled(host: MemoryHost, joined_to: Option<String>) -> MemoryHost {
    // As an earlier execution of the same task left it: tasks of the tests are of position 42.
    let ours = |object| MemoryObject::ours(object, GIB, stele_core::unit::Position(42));
    for (n, active) in [(1, true), (2, false), (5, true)] {
        let object = Object::Volume(volume(n));
        let data = u64::try_from(n).unwrap();
        host.put(&pool(), object, MemoryObject { active, data, ..ours(object) });
    }
    host.put(&pool(), Object::Volume(volume(8)), MemoryObject::foreign(GIB));
    let object = Object::Snapshot { snapshot: snapshot(6), volume: volume(5) };
    host.put(&pool(), object, MemoryObject { joined_to, data: 55, ..ours(object) });
    host
}

async fn run<D: Driver>(driver: &D, task: &Task) -> Option<TaskReport> {
    execute(driver, &TestClock::new(), task, &mut turn().await, |_| ()).await
}

/// A turn in room that nobody else uses.
async fn turn() -> Turn {
    Room::new(4, 2, 9).enter().await
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
        // Its volume is there, from an earlier dispatch.
        Task { dispatch: 2, ..create_task(1, 2) },
        extend_task(1, 3),
        delete_task(1),
        delete_task(2),
        snapshot_task(7, 1),
        delete_snapshot_task(6, 5),
        restore_task(3, 2, (6, 5)),
        clone_task(3, 2, 1),
        clone_task(3, 1, 5),
        extend_task(5, 2),
        revert_task(5, 6),
        manage_task(9, &Object::Volume(volume(8)).name()),
        unmanage_task(1, None),
        unmanage_task(1, Some("old")),
        connect_task(2),
        disconnect_task(1),
        revert(create_task(1, 1)),
        revert(snapshot_task(6, 5)),
        revert(clone_task(1, 1, 5)),
        revert(extend_task(1, 3)),
        revert(delete_task(1)),
    ]
}

/// Each task on each kind of node.
fn cases() -> Vec<(Task, fn() -> MemoryHost)> {
    let kinds: [fn() -> MemoryHost; 2] = [host, joined];
    tasks().into_iter().flat_map(|task| kinds.map(|kind| (task.clone(), kind))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_task_done_twice_leaves_what_it_left_once() {
    for (task, host) in cases() {
        let host = host();
        let first = outcome(run(&host.driver(), &task).await).unwrap();
        let once = host.objects(&pool());
        assert_eq!(outcome(run(&host.driver(), &task).await).unwrap(), [""; 0], "{task:?}");
        assert_eq!(host.objects(&pool()), once, "{task:?} {first:?}");
    }
}

/// Every step of every task meets every fault once; then the task comes again, to a worker that knows nothing.
#[tokio::test(start_paused = true)]
async fn every_step_may_fail_or_crash_before_and_after_its_effect() {
    let mut met = [0, 0];
    for (index, (task, kind)) in cases().into_iter().enumerate() {
        let clean = kind();
        let steps = outcome(run(&clean.driver(), &task).await).unwrap();
        for nth in 1..=steps.len() as u64 {
            for fault in Fault::ALL {
                met[index % 2] += 1;
                let host = kind();
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
                    // After a split it is activated to be sure, and the second look finds that it was active.
                    Fault::FailBefore => {
                        let needed = steps[nth as usize - 1] != "activate" || !steps.contains(&"split".to_owned());
                        assert_eq!(matches!(first, Some(Err(_))), needed, "{context}")
                    }
                    // It did have its effect, and the second look finds that; only of a wipe nothing can be seen.
                    Fault::FailAfter => {
                        let seen = steps[nth as usize - 1] != "wipe";
                        assert_eq!(matches!(first, Some(Ok(_))), seen, "{context}")
                    }
                    Fault::CrashBefore | Fault::CrashMidway | Fault::CrashAfter => {
                        assert_eq!(first, None, "{context}");
                    }
                }
                outcome(run(&host.driver(), &task).await).unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(host.objects(&pool()), clean.objects(&pool()), "{context}");
            }
        }
    }
    // Steps of each task, in the order of `tasks`: nodes where each object stands for itself, and where they hang
    // together.
    let alone = [1, 1, 1, 2, 3, 1, 2, 2, 2, 1, 1, 2, 1, 1, 1, 1, 0, 1, 2, 2, 0, 0];
    let joined = [1, 1, 1, 2, 3, 1, 4, 2, 7, 7, 3, 1, 1, 1, 1, 1, 0, 1, 4, 2, 0, 0];
    assert_eq!(met, [alone, joined].map(|steps: [i32; 22]| 5 * steps.iter().sum::<i32>()));
}

/// What is copied is what was there, also when the copy was cut short and the source was written meanwhile.
#[tokio::test(start_paused = true)]
async fn a_copy_has_the_data_of_its_source() {
    let data = |host: &MemoryHost, object: Object| host.objects(&pool())[&object.name()].data;
    for (task, expected) in [(restore_task(3, 2, (6, 5)), 55), (clone_task(3, 1, 5), 5), (snapshot_task(3, 1), 1)] {
        for host in [host(), joined()] {
            outcome(run(&host.driver(), &task).await).unwrap();
            assert_eq!(data(&host, crate::object::Objects::of(&task).object), expected, "{task:?}");
        }
    }
    let host = joined();
    host.plan_fault(3, Fault::FailBefore);
    assert_eq!(outcome(run(&host.driver(), &clone_task(3, 1, 5)).await).unwrap_err().step, "copy");
    let source = Object::Volume(volume(5));
    host.put(&pool(), source, MemoryObject { data: 6, ..host.objects(&pool())[&source.name()].clone() });
    outcome(run(&host.driver(), &clone_task(3, 1, 5)).await).unwrap();
    assert_eq!(data(&host, Object::Volume(volume(3))), 5, "out of the same still");
}

/// A volume has the data of its snapshot, wherever the work was cut short, and what is written then stays.
#[tokio::test(start_paused = true)]
async fn a_revert_gives_the_old_data_back_once() {
    let (object, task) = (Object::Volume(volume(5)), revert_task(5, 6));
    let kinds: [fn() -> MemoryHost; 2] = [host, joined];
    for kind in kinds {
        for nth in 0..4 {
            let host = kind();
            host.plan_fault(nth, Fault::FailBefore);
            let _ = run(&host.driver(), &task).await;
            outcome(run(&host.driver(), &task).await).unwrap();
            let of = |name: &str| host.objects(&pool())[name].clone();
            let (reverted, snapshot) = (of(&object.name()), of(&format!("_snapshot-{}", snapshot(6))));
            assert_eq!((reverted.data, snapshot.data), (55, 55));
            host.put(&pool(), object, MemoryObject { data: 7, ..reverted });
            assert_eq!(outcome(run(&host.driver(), &task).await).unwrap(), [""; 0]);
            assert_eq!(of(&object.name()).data, 7, "what was written since");
            outcome(run(&host.driver(), &Task { phase: Phase::Revert, ..task.clone() }).await).unwrap();
            assert_eq!(of(&object.name()).data, 7, "also when the task is taken back");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_told_when_it_is_there_and_only_then() {
    let connection = |report: Option<TaskReport>| match report.unwrap().transition {
        Transition::Succeeded { connection, .. } => connection,
        other => panic!("{other:?}"),
    };
    let host = host();
    for fault in [None, Some(Fault::FailAfter)] {
        fault.inspect(|fault| host.plan_fault(1, *fault));
        let told = connection(run(&host.driver(), &connect_task(2)).await).unwrap();
        assert_eq!(told.data.get("volume_id"), Some(&ConnectionValue::Text(volume(2).to_string())));
        let object = Object::Volume(volume(2));
        let slept = MemoryObject { active: false, ..host.objects(&pool())[&object.name()].clone() };
        host.put(&pool(), object, slept);
    }
    for task in [disconnect_task(2), Task { phase: Phase::Revert, ..connect_task(2) }, extend_task(1, 2)] {
        assert_eq!(connection(run(&host.driver(), &task).await), None, "{task:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn how_large_something_is_is_told_when_it_was_taken_over() {
    let size = |report: Option<TaskReport>| match report.unwrap().transition {
        Transition::Succeeded { size_bytes, .. } => size_bytes,
        other => panic!("{other:?}"),
    };
    let host = host();
    let task = manage_task(9, &Object::Volume(volume(8)).name());
    for _ in 0..2 {
        assert_eq!(size(run(&host.driver(), &task).await), Some(GIB));
    }
    assert_eq!(size(run(&host.driver(), &unmanage_task(9, None)).await), None);
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
    // Whether a wipe was done to its end cannot be seen: it goes on at its last mark.
    assert_eq!(outcome(run(&host.driver(), &delete_task(1)).await).unwrap(), ["wipe", "remove"]);
}

/// The queue gave the task to two workers: whoever is behind finds what the other has done, and goes on from there.
#[tokio::test(start_paused = true)]
async fn two_workers_with_the_same_task_do_not_disturb_each_other() {
    for (task, kind) in cases() {
        let clean = kind();
        outcome(run(&clean.driver(), &task).await).unwrap();
        let host = kind();
        let (one, two) = (host.driver(), host.driver());
        let (first, second) = futures_util::join!(run(&one, &task), run(&two, &task));
        for done in [first, second] {
            outcome(done).unwrap_or_else(|failure| panic!("{task:?}: {failure}"));
        }
        assert_eq!(host.objects(&pool()), clean.objects(&pool()), "{task:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_plan_is_a_report() {
    let host = host();
    let failure = outcome(run(&host.driver(), &extend_task(4, 1)).await).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    let failure = outcome(run(&host.driver(), &create_task(4, 100)).await).unwrap_err();
    assert_eq!((failure.kind, failure.step.as_str()), (FailureKind::NoSpace, "create"));
    assert_eq!(host.applies(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_deadline_has_passed_has_no_effect() {
    let host = host();
    let clock = TestClock::new();
    let task = Task { deadline: clock.now(), ..create_task(3, 1) };
    assert_eq!(execute(&host.driver(), &clock, &task, &mut turn().await, |_| ()).await, None);
    // It passes while the storage is looked at.
    let task = Task { dispatch: 2, deadline: clock.now().plus_ms(500), ..create_task(3, 1) };
    let slow = Slow { host: host.clone(), observe_ms: 600, chunk_ms: 0 };
    assert_eq!(execute(&slow, &clock, &task, &mut turn().await, |_| ()).await, None);
    assert_eq!(host.applies(), 0);
    // It passes while the snapshot is copied: the volume is not touched any more.
    let task = Task { deadline: clock.now().plus_ms(500), ..revert_task(5, 6) };
    let slow = Slow { host: host.clone(), observe_ms: 0, chunk_ms: 100 };
    let before = host.objects(&pool())[&Object::Volume(volume(5)).name()].clone();
    assert_eq!(execute(&slow, &clock, &task, &mut turn().await, |_| ()).await, None);
    assert_eq!((host.applies(), &host.objects(&pool())[&Object::Volume(volume(5)).name()]), (1, &before));
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

    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        tokio::time::sleep(Duration::from_millis(self.observe_ms)).await;
        self.host.driver().observe(task).await
    }

    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        for part in 1..=10 {
            tokio::time::sleep(Duration::from_millis(self.chunk_ms)).await;
            meter.advance(part, 10);
        }
        self.host.driver().apply(task, step, &Meter::default()).await
    }

    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        self.host.driver().connection(task).await
    }

    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        self.host.driver().pools().await
    }

    fn keeps_data(&self) -> bool {
        true
    }
    fn removal_takes_along(&self) -> bool {
        self.host.driver().removal_takes_along()
    }
    async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
        self.host.driver().exports(pool).await
    }
    async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
        self.host.driver().keeps_hosts_out().await
    }

    async fn let_hosts_in(&self) -> Result<(), Failure> {
        self.host.driver().let_hosts_in().await
    }

    async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
        self.host.driver().inventory(pool).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_volume_is_made_without_a_look_and_a_wrong_guess_harms_nobody() {
    let began = tokio::time::Instant::now();
    let slow = Slow { host: host(), observe_ms: 1000, chunk_ms: 0 };
    let done = async |task: Task| match outcome(run(&slow, &task).await) {
        Ok(steps) => steps.join(" "),
        Err(failure) => failure.kind.to_string(),
    };
    let looks = || began.elapsed().as_millis() / 1000;
    assert_eq!((done(create_task(11, 1)).await, looks()), ("create".to_owned(), 0));
    // Delivered once more: it is there, so nothing is missing.
    assert_eq!((done(create_task(11, 1)).await, looks()), (String::new(), 1));
    // A later dispatch looks first.
    assert_eq!((done(Task { dispatch: 2, ..create_task(11, 1) }).await, looks()), (String::new(), 2));
    // Somebody else's.
    slow.host.put(&pool(), Object::Volume(volume(12)), MemoryObject::foreign(GIB));
    assert_eq!((done(create_task(12, 1)).await, looks()), ("conflict".to_owned(), 3));
    assert_eq!((done(create_task(13, 100)).await, looks()), ("no_space".to_owned(), 4));
}

/// A delete in a room whose places for removals are taken for a second; how many looks it took, of half a second each.
async fn late_delete(host: MemoryHost, task: &Task, meanwhile: impl FnOnce(&MemoryHost)) -> u128 {
    let (clock, room) = (TestClock::new(), Room::new(4, 1, 9));
    let mut other = room.enter().await;
    let deadline = clock.now().plus_ms(60_000);
    assert_eq!(other.aside(Lane::Removal, &clock, deadline, &Meter::default()).await, Came::AtOnce);
    let slow = Slow { host: host.clone(), observe_ms: 500, chunk_ms: 0 };
    let began = tokio::time::Instant::now();
    let mut turn = room.enter().await;
    let (done, ()) = futures_util::join!(execute(&slow, &clock, task, &mut turn, |_| ()), async {
        tokio::time::sleep(Duration::from_millis(1000)).await;
        meanwhile(&host);
        drop(other);
    });
    outcome(done).unwrap();
    1 + (began.elapsed().as_millis() - 1000) / 500
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_waited_looks_again_only_where_something_may_hang_on_the_volume() {
    let thin = || MemoryHost::new(config(), None, [(pool(), 12 * GIB)]);
    let deletes = delete_task(1);
    assert_eq!(late_delete(filled(thin(), None), &deletes, |_| ()).await, 1);
    assert_eq!(late_delete(filled(thin().with_joined_snapshots(), None), &deletes, |_| ()).await, 2);
    // What a failed attempt left may meanwhile be that of a later one.
    let reverts = Task { phase: Phase::Revert, ..create_task(1, 1) };
    assert_eq!(late_delete(filled(thin(), None), &reverts, |_| ()).await, 2);
    // It was removed meanwhile: that fails, and then there is a look.
    let gone = |host: &MemoryHost| drop(host.take(&pool(), &Object::Volume(volume(1)).name()));
    assert_eq!(late_delete(filled(thin(), None), &deletes, gone).await, 2);
}

async fn interim(observe_ms: u64, chunk_ms: u64) -> Vec<String> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = told.clone();
    let slow = Slow { host: host(), observe_ms, chunk_ms };
    let tell = move |report: TaskReport| into.lock().unwrap().push(report.transition);
    outcome(execute(&slow, &TestClock::new(), &extend_task(1, 2), &mut turn().await, tell).await).unwrap();
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
