//! Steps that take long: they go on where they were cut short, and wait for their turn.

use super::*;
use crate::turn::Lane;

/// Runs a task to the middle of its slow step, which is the `nth`, and lets its worker die there.
async fn die_midway(host: &MemoryHost, nth: u64, task: &Task) {
    host.plan_fault(nth, Fault::CrashMidway);
    let crashes = host.crashes();
    let driver = host.driver();
    tokio::select! {
        report = run(&driver, task) => panic!("{report:?}"),
        () = async { while host.crashes() == crashes { tokio::time::sleep(Duration::from_millis(1)).await } } => {}
    }
}

fn change(host: &MemoryHost, object: Object, change: impl FnOnce(&mut MemoryObject)) {
    let mut found = host.objects(&pool())[&object.name()].clone();
    change(&mut found);
    host.put(&pool(), object, found);
}

/// The halves of what is copied: 7 and 5.
const DATA: u64 = 7 << 32 | 5;

#[tokio::test(start_paused = true)]
async fn a_copy_goes_on_where_it_was_cut_short() {
    let (source, copy) = (Object::Volume(volume(5)), Object::Volume(volume(3)));
    let data = |host: &MemoryHost, object: Object| host.objects(&pool())[&object.name()].data;
    let host = joined();
    change(&host, source, |found| found.data = DATA);
    die_midway(&host, 3, &clone_task(3, 1, 5)).await;
    assert_eq!(data(&host, copy), 5);
    // So that it can be seen who wrote the first half.
    change(&host, copy, |found| found.data = 1);
    outcome(run(&host.driver(), &clone_task(3, 1, 5)).await).unwrap();
    assert_eq!(data(&host, copy), 7 << 32 | 1, "the first half was not copied again");
    let tags = &host.objects(&pool())[&copy.name()].tags;
    assert_eq!(*tags, copy.tags(stele_core::unit::Position(42)), "no mark is left");
}

#[tokio::test(start_paused = true)]
async fn a_copy_out_of_another_still_begins_anew() {
    let (source, copy) = (Object::Volume(volume(5)), Object::Volume(volume(3)));
    let host = joined();
    change(&host, source, |found| found.data = DATA);
    die_midway(&host, 3, &clone_task(3, 1, 5)).await;
    // The still is lost, and the volume is written before there is another one.
    host.take(&pool(), &Object::Still(volume(3)).name()).unwrap();
    change(&host, source, |found| found.data = 9 << 32 | 8);
    outcome(run(&host.driver(), &clone_task(3, 1, 5)).await).unwrap();
    assert_eq!(host.objects(&pool())[&copy.name()].data, 9 << 32 | 8, "nothing of the first still");
}

/// The data of a volume whose wipe goes through as if only its second half were left.
async fn wiped_twice(between: impl FnOnce(&MemoryHost), again: Task) -> u64 {
    let host = host();
    let object = Object::Volume(volume(1));
    change(&host, object, |found| found.data = DATA);
    die_midway(&host, 1, &delete_task(1)).await;
    assert_eq!(host.objects(&pool())[&object.name()].data, 7 << 32);
    change(&host, object, |found| found.data |= 6);
    between(&host);
    host.plan_fault(2, Fault::FailBefore);
    assert_eq!(outcome(run(&host.driver(), &again).await).unwrap_err().step, "remove");
    host.objects(&pool())[&object.name()].data
}

#[tokio::test(start_paused = true)]
async fn a_wipe_goes_on_where_it_was_cut_short_and_only_for_the_same_deletion() {
    assert_eq!(wiped_twice(|_| (), delete_task(1)).await, 6, "the first half was not wiped again");
    // Its deletion failed and it was written: the mark is of another event.
    let later = Task { asked_at: stele_core::unit::Position(43), ..delete_task(1) };
    assert_eq!(wiped_twice(|_| (), later).await, 0, "what was written since is wiped");
    // A copy has been there meanwhile, late.
    let copied = |host: &MemoryHost| {
        let tag = crate::object::Mark::copied(stele_core::unit::Position(42), "1").tag(1 << 20);
        change(host, Object::Volume(volume(1)), |found| found.tags.retain(|tag| !tag.starts_with("stele.wiped")));
        change(host, Object::Volume(volume(1)), |found| found.tags.push(tag));
    };
    assert_eq!(wiped_twice(copied, delete_task(1)).await, 0);
}

/// A revert wipes what a copy has begun; the copy that comes late does not believe in what it had copied before.
#[tokio::test(start_paused = true)]
async fn a_copy_behind_a_wipe_begins_anew() {
    let copy = Object::Volume(volume(3));
    let host = joined();
    change(&host, Object::Snapshot { snapshot: snapshot(6), volume: volume(5) }, |found| found.data = DATA);
    let make = restore_task(3, 1, (6, 5));
    die_midway(&host, 2, &make).await;
    die_midway(&host, 1, &Task { phase: Phase::Revert, ..make.clone() }).await;
    assert_eq!(host.objects(&pool())[&copy.name()].data, 0);
    outcome(run(&host.driver(), &make).await).unwrap();
    assert_eq!(host.objects(&pool())[&copy.name()].data, DATA);
}

/// A slow step that waits for its turn looks again before it begins: what it saw may be long ago.
#[tokio::test(start_paused = true)]
async fn what_waited_for_its_turn_looks_again() {
    let (host, room, clock) = (host(), Room::new(2, 1, 9), TestClock::new());
    let (mut before, meter) = (room.enter().await, Meter::default());
    let deadline = clock.now().plus_ms(6000);
    before.aside(Lane::Slow, &clock, deadline, &meter).await;
    let object = Object::Volume(volume(1));
    let meanwhile = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            meter.sign();
        }
        change(&host, object, |found| found.open = true);
        drop(before);
    };
    let driver = host.driver();
    let mut told = Vec::new();
    let (task, mut turn) = (Task { deadline, ..delete_task(1) }, room.enter().await);
    let work = execute(&driver, &clock, &task, &mut turn, |report| told.push(report.transition));
    let (report, ()) = futures_util::join!(work, meanwhile);
    let failure = outcome(report).unwrap_err();
    assert_eq!((failure.kind, failure.step.as_str(), host.applies()), (FailureKind::Busy, "plan", 0));
    let waits = |transition: &Transition| matches!(transition, Transition::Progressed { step, .. } if step == "wait");
    assert!(told.len() == 3 && told[1..].iter().all(waits), "{told:?}");
}

/// Behind something that hangs a task does not move its deadline, and is dropped when that has passed.
#[tokio::test(start_paused = true)]
async fn what_never_came_to_its_turn_is_dropped() {
    let (host, room, clock) = (host(), Room::new(2, 1, 9), TestClock::new());
    let mut before = room.enter().await;
    before.aside(Lane::Slow, &clock, clock.now().plus_ms(60_000), &Meter::default()).await;
    let began = clock.now();
    let (task, mut turn) = (Task { deadline: began.plus_ms(30_000), ..delete_task(1) }, room.enter().await);
    assert_eq!(execute(&host.driver(), &clock, &task, &mut turn, |_| ()).await, None);
    assert_eq!((clock.now().ms_since(began), host.applies()), (30_000, 0));
}
