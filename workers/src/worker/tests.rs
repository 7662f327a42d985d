//! The whole loop against a queue and a control that live in the test. Time stands still unless all wait.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stele_core::id::{PoolName, TaskId};
use stele_core::schedule::Amount;
use stele_core::task::{
    BackendReport, Connection, Failure, FailureKind, PoolReport, ReportReply, Task, TaskReport, Transition,
};
use tokio::sync::Notify;

mod inventories;
mod kept_out;
mod no_runtime;
mod slow_steps;

use super::*;
use crate::config::{DriverConfig, NullConfig};
use crate::driver::memory::{Fault, Memory, MemoryHost};
use crate::driver::null::Null;
use crate::driver::{Applied, Inventory, Meter};
use crate::object::Object;
use crate::plan::{Look, Step};
use crate::target::ExportItem;
use crate::testing::{GIB, TestClock, config, create_task, delete_task, extend_task, pool, volume};

/// A queue and a control in one.
#[derive(Clone, Default)]
struct Cell(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    arrived: Notify,
    moved: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Result<Task, String>>,
    /// How often each task was kept alive.
    signs: BTreeMap<TaskId, u64>,
    done: Vec<Option<TaskId>>,
    /// What control has in its log, in order.
    log: Vec<Report>,
    /// How the next reports of tasks are answered; all others are recorded.
    answers: VecDeque<Answer>,
    in_flight: usize,
    in_flight_max: usize,
    claim_max: usize,
    /// The queue does not take this one back.
    stubborn: Option<TaskId>,
    report_ms: u64,
    /// How often control finds more in an inventory than it can note.
    more: u32,
}

#[derive(Clone, Copy)]
enum Answer {
    /// It comes into the log, and the reply is lost.
    LostReply,
    Unreachable,
    Refused,
}

impl Cell {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn send(&self, tasks: impl IntoIterator<Item = Task>) {
        self.lock().queue.extend(tasks.into_iter().map(Ok));
        self.0.arrived.notify_one();
    }

    async fn until(&self, reached: impl Fn(&State) -> bool) {
        loop {
            let moved = self.0.moved.notified();
            if reached(&self.lock()) {
                return;
            }
            moved.await;
        }
    }

    fn task_reports(&self) -> Vec<TaskReport> {
        let tasks = |report: &Report| match &report.body {
            ReportBody::Tasks(tasks) => tasks.clone(),
            ReportBody::Backend(_) | ReportBody::Inventory(_) => Vec::new(),
        };
        self.lock().log.iter().flat_map(tasks).collect()
    }

    fn heartbeats(&self) -> Vec<BackendReport> {
        let backend = |report: &Report| match &report.body {
            ReportBody::Tasks(_) | ReportBody::Inventory(_) => None,
            ReportBody::Backend(backend) => Some(backend.clone()),
        };
        self.lock().log.iter().filter_map(backend).collect()
    }
}

fn gone() -> Unavailable {
    Unavailable { what: "the cell".to_owned(), why: "the test says so".to_owned() }
}

impl TaskSource for Cell {
    type Claimed = Held;

    async fn claim(&mut self, max: usize) -> Result<Vec<Held>, Unavailable> {
        let second = tokio::time::sleep(Duration::from_secs(1));
        tokio::pin!(second);
        loop {
            {
                let mut state = self.lock();
                state.claim_max = state.claim_max.max(max);
                let count = max.min(state.queue.len());
                if count > 0 {
                    let taken = state.queue.drain(..count);
                    return Ok(taken.map(|task| Held { cell: self.clone(), task }).collect());
                }
            }
            tokio::select! {
                () = self.0.arrived.notified() => {}
                () = &mut second => return Ok(Vec::new()),
            }
        }
    }
}

struct Held {
    cell: Cell,
    task: Result<Task, String>,
}

impl Claimed for Held {
    fn task(&self) -> &Result<Task, String> {
        &self.task
    }

    async fn in_progress(&self) -> Result<(), Unavailable> {
        if let Ok(task) = &self.task {
            *self.cell.lock().signs.entry(task.id).or_default() += 1;
        }
        Ok(())
    }

    async fn done(&self) -> Result<(), Unavailable> {
        let mut state = self.cell.lock();
        let id = self.task.as_ref().ok().map(|task| task.id);
        if id.is_some() && id == state.stubborn {
            return Err(gone());
        }
        state.done.push(id);
        self.cell.0.moved.notify_waiters();
        Ok(())
    }

    fn patience_ms(&self) -> u64 {
        3000
    }
}

impl Reporter for Cell {
    async fn report(&self, report: &Report) -> Result<ReportReply, Unavailable> {
        let is_tasks = matches!(report.body, ReportBody::Tasks(_));
        let (answer, report_ms) = {
            let mut state = self.lock();
            if is_tasks {
                state.in_flight += 1;
                state.in_flight_max = state.in_flight_max.max(state.in_flight);
            }
            (if is_tasks { state.answers.pop_front() } else { None }, state.report_ms)
        };
        tokio::time::sleep(Duration::from_millis(report_ms)).await;
        let mut state = self.lock();
        if is_tasks {
            state.in_flight -= 1;
        }
        if let None | Some(Answer::LostReply) = answer {
            state.log.push(report.clone());
        }
        self.0.moved.notify_waiters();
        match answer {
            None => {
                let position = Position(1000 + state.log.len() as u64);
                let is_inventory = matches!(report.body, ReportBody::Inventory(_));
                if is_inventory && state.more > 0 {
                    state.more -= 1;
                    let inventories = vec![(pool(), position)];
                    return Ok(ReportReply::Recorded { position, log_levels: Vec::new(), inventories });
                }
                Ok(ReportReply::recorded(position))
            }
            Some(Answer::Refused) => Ok(ReportReply::Refused("not like this".to_owned())),
            Some(Answer::LostReply | Answer::Unreachable) => Err(gone()),
        }
    }
}

fn host() -> MemoryHost {
    MemoryHost::new(config(), None, [(pool(), 8 * GIB)])
}

fn worker<D: Driver>(cell: &Cell, driver: D) -> Worker<Cell, Cell, D, TestClock> {
    Worker {
        name: WorkerName::new("n1:test").unwrap(),
        config: config(),
        source: cell.clone(),
        reporter: cell.clone(),
        driver,
        clock: TestClock::new(),
    }
}

/// Runs a worker until so many tasks are done, then lets it end.
async fn run<D: Driver>(cell: &Cell, driver: D, done: usize) -> Ended {
    let until = cell.clone();
    let shutdown = async move { until.until(|state| state.done.len() >= done).await };
    // A worker has to be able to live on a runtime with several threads.
    tokio::spawn(worker(cell, driver).run(shutdown)).await.unwrap()
}

fn outcomes(cell: &Cell) -> Vec<String> {
    cell.task_reports()
        .into_iter()
        .map(|report| match report.transition {
            Transition::Succeeded { steps, .. } => format!("{} ok {}", report.operation.name(), steps.len()),
            Transition::Failed { failure, .. } => format!("{} {}", report.operation.name(), failure.kind),
            Transition::Started { .. } => "started".to_owned(),
            Transition::Progressed { percent, .. } => format!("{percent} %"),
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn tasks_are_executed_reported_and_then_let_go() {
    let (cell, host) = (Cell::default(), host());
    cell.send([create_task(1, 1), create_task(2, 2), extend_task(1, 3), delete_task(2), create_task(3, 9)]);
    assert_eq!(run(&cell, host.driver(), 5).await, Ended { abandoned: 0 });
    let mut outcomes = outcomes(&cell);
    outcomes.sort();
    let expected = [
        "create_volume no_space",
        "create_volume ok 1",
        "create_volume ok 1",
        "delete_volume ok 1",
        "extend_volume ok 1",
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(host.objects(&pool()).into_values().map(|volume| volume.size_bytes).collect::<Vec<_>>(), [3 * GIB]);
    assert_eq!(cell.lock().done.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_only_repeats_the_report() {
    let (cell, host) = (Cell::default(), host());
    cell.lock().answers = [Answer::LostReply, Answer::LostReply].into();
    cell.send([create_task(1, 1)]);
    run(&cell, host.driver(), 1).await;
    let reports = cell.task_reports();
    assert_eq!(reports.len(), 3);
    assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
    assert_eq!((host.applies(), cell.lock().done.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn while_control_is_away_tasks_are_kept_and_nothing_is_let_go() {
    let (cell, host) = (Cell::default(), host());
    let clock = TestClock::new();
    let began = clock.now();
    cell.lock().answers = [Answer::Unreachable; 20].into();
    cell.send([create_task(1, 1)]);
    run(&cell, host.driver(), 1).await;
    let away_ms = clock.now().ms_since(began);
    // 50, 100, 200, ... 1600 and then 2000 each; and at the end less than a second for the last claim.
    let expected_ms = 50 + 100 + 200 + 400 + 800 + 1600 + 14 * 2000;
    assert!((expected_ms..expected_ms + 1000).contains(&away_ms), "{away_ms}");
    assert_eq!(cell.lock().signs[&create_task(1, 1).id], expected_ms / 1000, "one sign every third of the patience");
    assert_eq!((outcomes(&cell), host.applies()), (vec!["create_volume ok 1".to_owned()], 1));
    assert!(cell.heartbeats().len() > 2, "heartbeats do not wait for reports");
}

#[tokio::test(start_paused = true)]
async fn a_task_delivered_twice_is_executed_by_one_at_a_time() {
    let (cell, host) = (Cell::default(), host());
    cell.send([create_task(1, 1), create_task(1, 1), create_task(1, 1)]);
    run(&cell, host.driver(), 3).await;
    assert_eq!(outcomes(&cell), ["create_volume ok 1", "create_volume ok 0", "create_volume ok 0"]);
    assert_eq!(host.objects(&pool()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_crashed_worker_left_is_found_by_the_next() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let (cell, host) = (Cell::default(), host());
        host.plan_fault(1, fault);
        cell.send([create_task(1, 1)]);
        tokio::select! {
            ended = worker(&cell, host.driver()).run(std::future::pending()) => panic!("{ended:?}"),
            () = async { while host.crashes() == 0 { tokio::time::sleep(Duration::from_millis(1)).await } } => {}
        }
        assert_eq!(outcomes(&cell), [""; 0]);
        cell.send([create_task(1, 1)]);
        run(&cell, host.driver(), 1).await;
        assert_eq!(outcomes(&cell).len(), 1);
        assert_eq!(host.objects(&pool())[&Object::Volume(volume(1)).name()].size_bytes, GIB, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reports_gather_while_one_is_in_flight() {
    let cell = Cell::default();
    cell.lock().report_ms = 20;
    let tasks = 1000;
    cell.send((0..tasks).map(|n| create_task(n, 1)));
    let null = Null::new(&config(), &NullConfig { delay_ms: 1, ..NullConfig::default() }).unwrap();
    let config =
        BackendConfig { driver: DriverConfig::Null(NullConfig::default()), report_interval_ms: 30_000, ..config() };
    let until = cell.clone();
    let worker = Worker { config, ..worker(&cell, null) };
    worker.run(async move { until.until(|state| state.done.len() >= 1000).await }).await;
    let state = cell.lock();
    assert_eq!((state.in_flight_max, state.claim_max), (1, 64));
    let sizes: Vec<_> = state
        .log
        .iter()
        .filter_map(|report| if let ReportBody::Tasks(tasks) = &report.body { Some(tasks.len()) } else { None })
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 1000);
    let fewest = 1000_usize.div_ceil(REPORTS_PER_MESSAGE_MAX);
    assert!(sizes.len() < fewest + 4 && sizes.iter().all(|size| *size <= REPORTS_PER_MESSAGE_MAX), "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_taken_than_can_be_held() {
    let cell = Cell::default();
    cell.lock().answers = [Answer::Unreachable; 30].into();
    cell.send((0..2000).map(|n| create_task(n, 1)));
    let null = Null::new(&config(), &NullConfig::default()).unwrap();
    let look = cell.clone();
    let held = async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        2000 - look.lock().queue.len()
    };
    tokio::select! {
        ended = worker(&cell, null).run(std::future::pending()) => panic!("{ended:?}"),
        held = held => assert_eq!(held, 64 + WAITING_MAX),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_task_and_what_is_too_late_is_dropped_without_a_report() {
    let (cell, host) = (Cell::default(), host());
    cell.lock().queue.push_back(Err("expected value at line 1".to_owned()));
    let late = Task { deadline: TestClock::new().now(), ..create_task(1, 1) };
    cell.send([late.clone()]);
    assert_eq!(run(&cell, host.driver(), 2).await, Ended { abandoned: 0 });
    assert_eq!((cell.task_reports(), host.applies()), (Vec::new(), 0));
    assert_eq!(cell.lock().done, [None, Some(late.id)]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_report_is_not_sent_again() {
    let (cell, host) = (Cell::default(), host());
    cell.lock().answers = [Answer::Refused].into();
    cell.send([create_task(1, 1)]);
    run(&cell, host.driver(), 1).await;
    assert_eq!((cell.task_reports(), cell.lock().done.len()), (Vec::new(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_take_a_task_back_is_left_alone_in_the_end() {
    let (cell, host) = (Cell::default(), host());
    cell.lock().stubborn = Some(create_task(1, 1).id);
    cell.send([create_task(1, 1), create_task(2, 1)]);
    assert_eq!(run(&cell, host.driver(), 1).await, Ended { abandoned: 0 });
    assert_eq!((cell.task_reports().len(), cell.lock().done.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_running_tasks_and_their_reports_but_not_for_ever() {
    for (delay_ms, abandoned, reports) in [(5_000, 0, 3), (60_000, 2, 2)] {
        let cell = Cell::default();
        cell.send([create_task(1, 1), create_task(2, 1)]);
        let null = Null::new(&config(), &NullConfig { delay_ms, ..NullConfig::default() }).unwrap();
        let clock = TestClock::new();
        let began = clock.now();
        let soon = async { tokio::time::sleep(Duration::from_secs(1)).await };
        assert_eq!(worker(&cell, null).run(soon).await, Ended { abandoned });
        assert_eq!(clock.now().ms_since(began), if abandoned == 0 { 5_000 } else { 31_000 });
        let ends = outcomes(&cell).iter().filter(|outcome| *outcome != "started").count();
        assert_eq!((ends, cell.lock().done.len()), (2 - abandoned, 2 - abandoned), "{reports}");
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_say_what_their_figures_contain() {
    let (cell, host) = (Cell::default(), host());
    let clock = TestClock::new();
    let worker = worker(&cell, host.driver());
    let script = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cell.send([create_task(1, 2)]);
        tokio::time::sleep(Duration::from_secs(12)).await;
        cell.send([delete_task(1)]);
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    let began = clock.now();
    worker.run(script).await;
    let found: Vec<_> = cell
        .heartbeats()
        .into_iter()
        .map(|beat| {
            assert_eq!((beat.driver.as_str(), beat.availability_zone.as_str()), ("memory", "nova"));
            let stats = &beat.pools[0].stats;
            let free = match stats.free_capacity_gb {
                Some(Amount::Number(free)) => free,
                other => panic!("{other:?}"),
            };
            (beat.at.ms_since(began), beat.as_of.0, free)
        })
        .collect();
    // At the start two, because only the second knows a position: that of the inventory between them. The log's fourth entry is
    // the create's report. Then by the interval, and soon after the delete has made room.
    assert_eq!(found, [(0, 0, 8.0), (0, 1002, 8.0), (10_000, 1004, 6.0), (13_500, 1006, 8.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_cannot_see_its_pools_sends_no_heartbeat() {
    #[derive(Debug, Clone)]
    struct Blind(Memory);
    impl Driver for Blind {
        fn name(&self) -> &'static str {
            "blind"
        }
        async fn observe(&self, task: &Task) -> Result<Look, Failure> {
            self.0.observe(task).await
        }

        async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
            self.0.connection(task).await
        }
        async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
            self.0.apply(task, step, meter).await
        }
        async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
            let (step, message) = ("lvs".to_owned(), "no idea".to_owned());
            Err(Failure { kind: FailureKind::Unparsable, step, message, exit_status: Some(0), stderr: String::new() })
        }
        fn keeps_data(&self) -> bool {
            true
        }
        async fn exports(&self, pool: &PoolName) -> Result<Option<Vec<ExportItem>>, Failure> {
            self.0.exports(pool).await
        }
        async fn keeps_hosts_out(&self) -> Result<bool, Failure> {
            self.0.keeps_hosts_out().await
        }
        async fn let_hosts_in(&self) -> Result<(), Failure> {
            self.0.let_hosts_in().await
        }
        async fn inventory(&self, pool: &PoolName) -> Result<Inventory, Failure> {
            self.0.inventory(pool).await
        }
    }
    let cell = Cell::default();
    cell.send([create_task(1, 1)]);
    run(&cell, Blind(host().driver()), 1).await;
    assert_eq!((cell.heartbeats().len(), cell.task_reports().len()), (0, 1));
}
