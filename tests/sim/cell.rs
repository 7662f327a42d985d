//! A whole cell in one thread: who has a turn, what goes wrong around everybody, and how it ends.

use bytes::Bytes;
use stele_core::id::BackendName;
use stele_core::state::Config;
use stele_core::unit::Hash;

use crate::client::Client;
use crate::control::Control;
use crate::fault::{Chance, Fault};
use crate::node::{Node, WorkerProcess};
use crate::oracle::Oracle;
use crate::time::SimClock;
use crate::trace::Trace;
use crate::wires::{Wires, stray_bytes};

/// Turns after which a cell without faults must have come to rest.
const REST_TURNS_MAX: u64 = 60_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) bytes: Hash,
    pub(crate) trace: Hash,
    pub(crate) faults: Vec<u64>,
    pub(crate) records: u64,
    pub(crate) told: u64,
    pub(crate) steps: u64,
    pub(crate) events: std::collections::BTreeMap<&'static str, u64>,
    pub(crate) refusals: std::collections::BTreeMap<&'static str, u64>,
}

pub(crate) struct Cell {
    pub(crate) wires: Wires,
    pub(crate) oracle: Oracle,
    pub(crate) controls: Vec<Control>,
    pub(crate) nodes: Vec<Node>,
    workers: Vec<WorkerProcess>,
    pub(crate) clients: Vec<Client>,
    /// The last question's number.
    pub(crate) asked: u64,
    patience_at: i64,
    both_lead: bool,
}

/// Runs one seed from the first step to rest; panics when something is not as it must be.
pub(crate) fn run(trace: &Trace, clock: &SimClock, seed: u64) -> Summary {
    let mut cell = Cell::new(trace, clock, seed);
    let turns = cell.wires.chance.between(1500, 6000);
    for _ in 0..turns {
        cell.turn();
    }
    cell.calm_down();
    cell.rest();
    cell.tidy_up();
    cell.take_stock();
    cell.check_end();
    if cell.wires.chance.percent(50) {
        cell.remove_everything();
    }
    cell.decide_again();
    Summary {
        bytes: cell.oracle.bytes,
        trace: trace.hash(),
        faults: cell.wires.chance.counts(),
        records: cell.oracle.folded.chain.index,
        told: cell.oracle.told_count(),
        steps: trace.step(),
        events: cell.oracle.events,
        refusals: cell.oracle.refusals,
    }
}

impl Cell {
    fn new(trace: &Trace, clock: &SimClock, seed: u64) -> Self {
        let chance = Chance::new(seed);
        let wires = Wires::new(&chance, clock, trace, 2);
        let mut config = Config {
            task_deadline_ms: [4000, 10_000, 30_000][chance.below(3)],
            heartbeat_record_ms: 3000,
            idempotency_ms: 86_400_000,
            ..Config::default()
        };
        config.scheduler.service_down_ms = [7000, 20_000][chance.below(2)];
        let controls = (0..2).map(|index| Control::new(index, &config, &wires)).collect();
        let nodes =
            vec![Node::new("n1@mem", &[("a", 30), ("b", 12)], &wires), Node::new("n2@mem", &[("a", 20)], &wires)];
        let workers = [0, 0, 1].into_iter().enumerate();
        let workers = workers.map(|(index, node)| WorkerProcess::new(index, node, &wires)).collect();
        let budget = chance.below(100) + 15;
        let clients = vec![Client::new("red", budget), Client::new("green", budget), Client::new("admin", budget / 4)];
        let oracle = Oracle::new(&wires.log, &chance, trace);
        Self { wires, oracle, controls, nodes, workers, clients, asked: 0, patience_at: 0, both_lead: false }
    }

    /// One turn of somebody.
    fn turn(&mut self) {
        let wires = &self.wires;
        wires.trace.next_step();
        wires.clock.advance_us(wires.chance.between(100, 8000));
        match wires.chance.below(16) {
            0..8 => {
                let control = wires.chance.below(self.controls.len());
                for _ in 0..=wires.chance.below(6) {
                    self.controls[control].turn(wires, &mut self.oracle);
                }
            }
            8..13 => {
                let worker = wires.chance.below(self.workers.len());
                self.workers[worker].turn(&mut self.nodes, &self.oracle.folded.state, wires);
            }
            13 | 14 => {
                let client = wires.chance.below(self.clients.len());
                self.clients[client].turn(&mut self.asked, wires);
                self.deliver_answers();
            }
            _ => self.surroundings(),
        }
        self.wires.poll_orphans();
        if self.wires.log_touched.swap(false, std::sync::atomic::Ordering::Relaxed) {
            self.oracle.observe();
        }
        let both_lead = self.controls.iter().all(Control::leads);
        if !std::mem::replace(&mut self.both_lead, both_lead) && both_lead {
            self.wires.chance.count(Fault::TwoLeaders);
        }
    }

    fn deliver_answers(&mut self) {
        let answers = std::mem::take(&mut *self.wires.answers.borrow_mut());
        for (number, outcome) in answers {
            // Whoever has its answer already does not listen any more.
            let _ = self.clients.iter_mut().any(|client| client.answered(number, &outcome, &self.wires));
        }
    }

    /// What happens to the servers and to all at once.
    fn surroundings(&mut self) {
        let (wires, chance) = (&self.wires, &self.wires.chance);
        let now = wires.clock.since_start();
        if now >= self.patience_at {
            // Requests have a time limit and so have claims: nobody waits for ever for what was lost.
            self.patience_at = now + 2_000_000;
            wires.reporter.tick();
            wires.tasks.tick();
        }
        let kinds = [
            Fault::Stray,
            Fault::FailedRead,
            Fault::QueueLost,
            Fault::Redelivery,
            Fault::FailedClaim,
            Fault::NoTask,
            Fault::ReportTimeout,
            Fault::FailedInbox,
            Fault::TimeLeap,
        ];
        // They have one turn of sixteen, so each gets several chances in it.
        let Some(fault) = (0..4).find_map(|_| chance.one_of(&kinds)) else { return };
        wires.trace.note("world", format_args!("{fault:?}"));
        match fault {
            Fault::Stray => {
                let like = wires.log.entries().last().map(|entry| entry.payload.clone()).unwrap_or_default();
                // Now and then the last record once more, as a publisher that repeats itself.
                let bytes = if chance.percent(30) { like } else { stray_bytes(chance, &like) };
                wires.log.inject(bytes);
                wires.touch_log();
            }
            Fault::FailedRead => wires.log.fail_reads(u32::try_from(chance.between(1, 3)).unwrap_or(1)),
            Fault::QueueLost => {
                wires.tasks.lose_all();
                wires.queue_lives.set(wires.queue_lives.get() + 1);
            }
            Fault::Redelivery => wires.tasks.lose_patience(),
            Fault::FailedClaim => wires.tasks.fail_claims(2),
            Fault::NoTask => {
                let backend = BackendName::new("n1@mem").expect("a backend's name");
                wires.tasks.inject(&backend, Bytes::from("{\"v\":9}"));
            }
            Fault::ReportTimeout => wires.reporter.tick(),
            Fault::FailedInbox => wires.inbox.fail(2),
            _ => wires.clock.advance_us(chance.between(500_000, 15_000_000)),
        }
    }

    /// From here on nothing goes wrong any more, and what was late arrives.
    fn calm_down(&mut self) {
        self.wires.trace.note("world", format_args!("calms down"));
        self.wires.chance.calm_down();
        self.wires.log.fail_reads(0);
        self.wires.inbox.fail(0);
        self.wires.tasks.fail_claims(0);
        self.wires.log.deliver_late();
        self.wires.touch_log();
        // What a worker held and did not tell comes again, as it does when a queue's patience ends.
        self.wires.tasks.lose_patience();
        for node in &mut self.nodes {
            node.calm_down();
        }
        self.controls.iter().for_each(|control| control.clock.set_wrong_by_ms(0));
        self.workers.iter().for_each(WorkerProcess::set_clock_right);
    }

    /// So many turns, whether there is anything to do or not.
    pub(crate) fn turns(&mut self, turns: usize) {
        (0..turns).for_each(|_| self.turn());
    }

    /// Lets everybody work until nothing is left to do.
    pub(crate) fn rest(&mut self) {
        for turn in 0..REST_TURNS_MAX {
            self.turn();
            if turn % 50 == 0 && self.is_at_rest() {
                return;
            }
            if turn % 100 == 99 && self.wires.tasks.is_empty() && self.controls.iter().all(Control::is_idle) {
                // All that is left to wait for are deadlines.
                self.wires.clock.advance_us(4_000_000);
            }
        }
        panic!("no rest after {REST_TURNS_MAX} turns: {}", self.unrest());
    }

    fn is_at_rest(&mut self) -> bool {
        self.oracle.observe();
        let waits = self.clients.iter().any(Client::waits);
        let flows = self.oracle.folded.state.flows.len();
        !waits
            && flows == 0
            && self.wires.tasks.is_empty()
            && self.wires.inbox.is_empty()
            && self.controls.iter().any(Control::leads)
            && self.controls.iter().all(Control::is_idle)
            && self.controls.iter().all(|control| self.is_complete(control))
    }

    /// It knows everything that is in the log.
    fn is_complete(&self, control: &Control) -> bool {
        control.folded().is_some_and(|folded| folded.chain.position == self.oracle.folded.chain.position)
    }

    fn unrest(&self) -> String {
        let flows: Vec<String> = self
            .oracle
            .folded
            .state
            .flows
            .values()
            .map(|flow| format!("{} of {} waits for {:?}", flow.kind.name(), flow.volume, flow.task))
            .collect();
        let open: Vec<u64> = self.clients.iter().flat_map(Client::open_numbers).collect();
        let complete: Vec<bool> = self.controls.iter().map(|control| self.is_complete(control)).collect();
        let idle: Vec<bool> = self.controls.iter().map(Control::is_idle).collect();
        format!(
            "unanswered {open:?}; flows {flows:?}; {} tasks; {} inbox messages; controls complete {complete:?}, idle {idle:?}",
            self.wires.tasks.len(),
            self.wires.inbox.len()
        )
    }
}
