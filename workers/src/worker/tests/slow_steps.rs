//! Copies and wipes take hours, and nobody else waits for them.

use stele_core::unit::Timestamp;

use super::*;
use crate::driver::memory::MemoryObject;
use crate::plan::{Act, Observed, Wipe};

/// A driver whose quick steps take a moment, whose removals take a second, and whose wipes take `parts` times ten seconds,
/// each a sign of progress.
#[derive(Debug, Clone)]
struct Wiping {
    host: MemoryHost,
    parts: u64,
    /// The wipes hang from the start.
    hangs: bool,
    /// Volumes up to this one have nothing to wipe.
    clean_up_to: u128,
}

impl Driver for Wiping {
    fn name(&self) -> &'static str {
        "wiping"
    }
    async fn observe(&self, task: &Task) -> Result<Look, Failure> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut look = self.host.driver().observe(task).await?;
        if let Observed::Present(found) = &mut look.object
            && task.operation.volume() <= volume(self.clean_up_to)
        {
            found.wipe = None;
        }
        Ok(look)
    }
    async fn connection(&self, task: &Task) -> Result<Connection, Failure> {
        self.host.driver().connection(task).await
    }
    async fn apply(&self, task: &Task, step: &Step, meter: &Meter) -> Result<Applied, Failure> {
        if matches!(step.act, Act::Wipe { .. }) {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            for part in 1..=self.parts {
                tokio::time::sleep(Duration::from_secs(10)).await;
                meter.advance(part, self.parts);
            }
        }
        let took_ms = if step.act == Act::Remove { 1000 } else { 100 };
        tokio::time::sleep(Duration::from_millis(took_ms)).await;
        self.host.driver().apply(task, step, &Meter::default()).await
    }
    async fn pools(&self) -> Result<Vec<PoolReport>, Failure> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.host.driver().pools().await
    }
    fn keeps_data(&self) -> bool {
        true
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

/// A node that wipes, with so many volumes.
fn host(volumes: u128) -> MemoryHost {
    let host = MemoryHost::new(config(), Some(Wipe::Zero), [(pool(), 1000 * GIB)]);
    for n in 1..=volumes {
        let object = Object::Volume(volume(n));
        host.put(&pool(), object, MemoryObject::ours(object, GIB, Position(42)));
    }
    host
}

/// As control does: two minutes from the dispatch.
fn with_deadline(task: Task, clock: TestClock) -> Task {
    Task { deadline: clock.now().plus_ms(120_000), ..task }
}

fn four(cell: &Cell, driver: Wiping) -> Worker<Cell, Cell, Wiping, TestClock> {
    Worker { config: BackendConfig { concurrency: Some(4), ..config() }, ..worker(cell, driver) }
}

/// The moment that a report tells of.
fn moment(transition: &Transition) -> Timestamp {
    match transition {
        Transition::Started { at } | Transition::Progressed { at, .. } => *at,
        Transition::Succeeded { finished_at, .. } | Transition::Failed { finished_at, .. } => *finished_at,
    }
}

fn ended(cell: &Cell, task: &Task) -> Option<Timestamp> {
    let end = |report: &TaskReport| matches!(report.transition, Transition::Succeeded { .. }) && report.task == task.id;
    cell.task_reports().iter().find(|report| end(report)).map(|report| moment(&report.transition))
}

#[tokio::test(start_paused = true)]
async fn a_create_behind_a_hundred_wipes_ends_promptly() {
    let (cell, clock, host) = (Cell::default(), TestClock::new(), host(100));
    let began = clock.now();
    let deletes: Vec<Task> = (1..=100).map(|n| with_deadline(delete_task(n), clock)).collect();
    let create = with_deadline(create_task(101, 1), clock);
    cell.send(deletes.iter().cloned().chain([create.clone()]));
    let driver = Wiping { host: host.clone(), parts: 6, hangs: false, clean_up_to: 0 };
    let until = cell.clone();
    four(&cell, driver).run(async move { until.until(|state| state.done.len() == 101).await }).await;

    // As long as one that comes alone: nobody has looked before it, nor works beside it.
    assert_eq!(ended(&cell, &create).unwrap().ms_since(began), 100);
    // Two wipes at a time, of a minute each.
    let all_ms = deletes.iter().map(|task| ended(&cell, task).unwrap().ms_since(began)).max().unwrap();
    assert!((3_000_000..3_100_000).contains(&all_ms), "{all_ms} ms");
    assert_eq!(host.objects(&pool()).into_keys().collect::<Vec<_>>(), [Object::Volume(volume(101)).name()]);
    // Whoever waited showed that it goes on, for longer than any deadline and long before the next one.
    for task in &deletes {
        let mut last = began;
        for report in cell.task_reports().iter().filter(|report| report.task == task.id) {
            let gap_ms = moment(&report.transition).ms_since(last);
            assert!(gap_ms < 60_000, "{gap_ms} ms of silence: {report:?}");
            last = moment(&report.transition);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_behind_a_hundred_removals_ends_promptly_and_removals_do_not_wait_for_wipes() {
    let (cell, clock) = (Cell::default(), TestClock::new());
    let host = host(102);
    let began = clock.now();
    let wipes = [101, 102].map(|n| with_deadline(delete_task(n), clock));
    let deletes: Vec<Task> = (1..=100).map(|n| with_deadline(delete_task(n), clock)).collect();
    let create = with_deadline(create_task(103, 1), clock);
    cell.send(wipes.iter().cloned().chain(deletes.iter().cloned()).chain([create.clone()]));
    let driver = Wiping { host, parts: 60, hangs: false, clean_up_to: 100 };
    let until = cell.clone();
    four(&cell, driver).run(async move { until.until(|state| state.done.len() == 103).await }).await;
    assert_eq!(ended(&cell, &create).unwrap().ms_since(began), 100);
    let removed_ms = deletes.iter().map(|task| ended(&cell, task).unwrap().ms_since(began)).max().unwrap();
    // Two at a time, each looked at once more; the wipes took all the places for slow steps meanwhile, for ten minutes.
    assert!((50_000..70_000).contains(&removed_ms), "{removed_ms} ms");
    assert!(ended(&cell, &wipes[0]).unwrap().ms_since(began) >= 600_000);
    // Room became free each second, and the pools were looked at eight times as long as a look takes behind the one before.
    let beats = cell.heartbeats().iter().filter(|beat| beat.at.ms_since(began) < 50_000).count();
    assert!((10..=13).contains(&beats), "{beats}");
}

#[tokio::test(start_paused = true)]
async fn behind_wipes_that_hang_nothing_quick_waits_and_nothing_seems_to_move() {
    let (cell, clock, host) = (Cell::default(), TestClock::new(), host(100));
    // Control gives those up, and out again, that showed nothing.
    let deletes = (1..=10).map(|n| with_deadline(delete_task(n), clock)).collect::<Vec<_>>();
    let again = |task: &Task| Task { dispatch: 2, deadline: task.deadline.plus_ms(120_000), ..task.clone() };
    cell.send(deletes.iter().cloned().chain(deletes.iter().map(again)));
    let create = Task { deadline: clock.now().plus_ms(600_000), ..create_task(101, 1) };
    let late = async {
        tokio::time::sleep(Duration::from_secs(300)).await;
        cell.send([create.clone()]);
        tokio::time::sleep(Duration::from_secs(5)).await;
    };
    let driver = Wiping { host, parts: 1, hangs: true, clean_up_to: 0 };
    four(&cell, driver).run(late).await;
    assert!(ended(&cell, &create).is_some(), "all places for quick steps are free");
    let reports = cell.task_reports();
    let of = |task: &Task| reports.iter().filter(|report| report.task == task.id).count();
    // Those that hang say that they began; those behind them that they wait, and then nothing.
    assert!(deletes.iter().all(|task| of(task) <= 4), "{:?}", deletes.iter().map(of).collect::<Vec<_>>());
    // Eight of the first dispatch are dropped; the second ones are too late by then, or wait for theirs.
    assert!(cell.lock().done.len() >= 8, "{}", cell.lock().done.len());
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_for_their_turn_than_can_be_held() {
    let (cell, clock) = (Cell::default(), TestClock::new());
    cell.send((1..=600).map(|n| with_deadline(delete_task(n), clock)));
    let look = cell.clone();
    let held = async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        600 - look.lock().queue.len()
    };
    let driver = Wiping { host: host(600), parts: 1, hangs: true, clean_up_to: 0 };
    tokio::select! {
        ended = four(&cell, driver).run(std::future::pending()) => panic!("{ended:?}"),
        // Two wipe, four keep the places for quick steps.
        held = held => assert_eq!(held, 2 + crate::turn::WAITING_TURNS_MAX + 4),
    }
}
