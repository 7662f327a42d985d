use proptest::prelude::*;

use crate::command::{DeadlinePassed, Source};
use crate::id::{BackendName, PoolName, SourceName, TaskId, WorkerName};
use crate::inventory::{Foreign, ForeignList, INVENTORY_ITEMS_MAX, InventoryReport, Stored, StoredItem};
use crate::scenario::Cell;
use crate::scenario::render::volume_id;
use crate::scenario::script::{backend_report, task_report, transition};
use crate::schedule::{Amount, Capability, PoolStats, Ratio};
use crate::task::{PoolReport, Report, ReportBody, TASK_VERSION, Task};
use crate::unit::Position;
use crate::writer::Answer;

use super::line::any_line;

/// Something that happens to a cell.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// A line of the script language; by the inbox when true.
    Line(String, bool),
    /// Transitions of tasks in one message: whose task, the n-th of them, and what became of it.
    Report(Vec<(Whose, usize, &'static str)>),
    Heartbeat(Heartbeat),
    /// An inventory of a pool, in which some things are missing, too small or too many, by chance.
    Inventory {
        backend: u8,
        chance: u64,
        behind: u64,
    },
    /// The deadline of the n-th last dispatch passes, due or not.
    Deadline(usize),
    Late,
    /// Time passes, in seconds; it may go back.
    Clock(i64),
    /// The oldest message is deleted.
    ForgetMessage,
    /// Bytes of no form; by the inbox, as a command or as a report.
    Noise(Vec<u8>, u8),
    /// An inbox message that was read before.
    Replay,
    Append,
    Land,
    /// Both, until nothing is left.
    Commit,
    /// The control dies, and what was in flight is in the log, or not.
    Crash(bool),
    /// A foreign message comes into the stream, so that the next append loses.
    Stray,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    /// One that is open.
    Open,
    /// One that was dispatched once, from the last one back.
    Dispatched,
    /// One that nobody knows.
    Unknown,
}

#[derive(Debug, Clone)]
pub(super) struct Heartbeat {
    backend: u8,
    pools: u8,
    total: f64,
    free: Option<f64>,
    provisioned: f64,
    thin: bool,
    odd: u8,
    behind: u64,
    zone: bool,
}

const KINDS: &[&str] = &["ok", "ok", "ok", "started", "progressed", "fail:no_space", "fail:busy", "fail:other"];

pub(super) fn any_op() -> impl Strategy<Value = Op> {
    let whose = prop_oneof![8 => Just(Whose::Open), 2 => Just(Whose::Dispatched), 1 => Just(Whose::Unknown)];
    let report = (whose, 0_usize..6, proptest::sample::select(KINDS));
    prop_oneof![
        18 => (any_line(), proptest::bool::weighted(0.2)).prop_map(|(line, inbox)| Op::Line(line, inbox)),
        12 => proptest::collection::vec(report, 1..4).prop_map(Op::Report),
        5 => heartbeat().prop_map(Op::Heartbeat),
        3 => (0_u8..3, prop_oneof![1 => Just(0), 3 => any::<u64>()], 0_u64..3)
            .prop_map(|(backend, chance, behind)| Op::Inventory { backend, chance, behind }),
        1 => (0_usize..6).prop_map(Op::Deadline),
        3 => Just(Op::Late),
        3 => prop_oneof![3 => 0_i64..50, 1 => 50_i64..200, 1 => Just(-100_i64)].prop_map(Op::Clock),
        1 => (proptest::collection::vec(any::<u8>(), 0..40), 0_u8..3).prop_map(|(bytes, way)| Op::Noise(bytes, way)),
        1 => Just(Op::ForgetMessage),
        1 => Just(Op::Replay),
        4 => Just(Op::Append),
        4 => Just(Op::Land),
        12 => Just(Op::Commit),
        1 => any::<bool>().prop_map(Op::Crash),
        1 => Just(Op::Stray),
    ]
}

prop_compose! {
    fn heartbeat()(
        backend in 0_u8..3,
        pools in 1_u8..3,
        total in prop_oneof![Just(20.0), 0.0_f64..40.0],
        free in proptest::option::weighted(0.9, prop_oneof![Just(15.0), 0.0_f64..40.0]),
        provisioned in 0.0_f64..30.0,
        thin in any::<bool>(),
        odd in 0_u8..8,
        behind in 0_u64..4,
        zone in proptest::bool::weighted(0.1),
    ) -> Heartbeat {
        Heartbeat { backend, pools, total, free, provisioned, thin, odd, behind, zone }
    }
}

pub(super) fn run(cell: &mut Cell, op: &Op) {
    match op {
        Op::Line(line, false) => cell.say(line),
        Op::Line(line, true) => cell.say(&format!("inbox {line}")),
        Op::Report(reports) => {
            let reports = reports.iter().filter_map(|(whose, nth, word)| {
                let open = crate::writer::open_tasks(cell.writer.acknowledged());
                let task = match whose {
                    Whose::Open => open.get(nth % open.len().max(1)).cloned(),
                    Whose::Dispatched => nth_last(cell, *nth),
                    Whose::Unknown => {
                        nth_last(cell, *nth).map(|task| Task { id: TaskId(uuid::Uuid::from_u128(1)), ..task })
                    }
                };
                Some(task_report(&task?, transition(word, cell.now)))
            });
            let body = ReportBody::Tasks(reports.collect());
            cell.send_report(&Report { v: TASK_VERSION, worker: worker(), body });
        }
        Op::Heartbeat(heartbeat) => cell.send_report(&heartbeat.report(cell)),
        Op::Inventory { backend, chance, behind } => {
            let report = inventory(cell, &pool(*backend, 0), *chance, *behind);
            cell.send_report(&Report { v: TASK_VERSION, worker: worker(), body: ReportBody::Inventory(report) });
        }
        Op::Deadline(back) => {
            if let Some(task) = nth_last(cell, *back) {
                cell.pass_deadline(&DeadlinePassed { flow: task.flow, dispatch: task.dispatch });
            }
        }
        Op::Late => cell.offer_late(),
        Op::Clock(seconds) => {
            cell.now = crate::unit::Timestamp::from_micros(cell.now.micros() + seconds * 1_000_000);
        }
        Op::ForgetMessage => {
            let oldest = cell.state().message_ages.get_min().map(|(_, id)| *id);
            if let Some(id) = oldest {
                cell.say(&format!(r#"do@admin message.delete {{"id":"{id}"}}"#));
            }
        }
        Op::Noise(bytes, way) => noise(cell, bytes, *way),
        Op::Replay => {
            let sequence = cell.writer.speculative().inbox.sequence;
            cell.offer("stele.cmd.demo.volume.create", "{}", Source::Inbox(sequence));
        }
        Op::Append => {
            cell.append();
        }
        Op::Land => {
            cell.land();
        }
        Op::Commit => {
            cell.flush();
        }
        Op::Crash(landed) => cell.crash(*landed),
        Op::Stray => {
            cell.land();
            cell.stray(b"hello");
            cell.lead();
        }
    }
}

/// What the state promises on a pool, changed where a bit of `chance` says so.
fn inventory(cell: &Cell, pool: &PoolName, chance: u64, behind: u64) -> InventoryReport {
    let (state, mut bits) = (cell.state(), chance);
    let mut strikes = || {
        bits = bits.rotate_right(3);
        bits & 7 == 7
    };
    let item =
        |what| StoredItem { what, size_bytes: None, whole: true, asked_at: None, initiator: None, logged_in: None };
    let mut items = Vec::new();
    for volume in state.volumes.values().filter(|volume| volume.pool.as_ref() == Some(pool)) {
        let bytes = volume.size_gib.bytes() >> u32::from(strikes());
        let (what, whole) = (Stored::Volume { volume: volume.id }, !strikes());
        items.push(StoredItem { size_bytes: Some(bytes), whole, ..item(what) });
        for attachment in state.attachments_of(volume).filter(|found| found.connection.is_some()) {
            items.push(item(Stored::Host { volume: volume.id, attachment: attachment.chap_owner() }));
        }
        let snapshots = state.snapshots_of(volume.id);
        items.extend(snapshots.map(|of_it| item(Stored::Snapshot { volume: volume.id, snapshot: of_it.id })));
    }
    items.retain(|_| !strikes());
    for name in ["a", "z"] {
        let volume = volume_id(name);
        let more = [Stored::Volume { volume }, Stored::Still { volume }, Stored::Target { volume }];
        items.extend(more.into_iter().filter(|_| strikes()).map(item));
    }
    items.sort_by(|a, b| a.what.cmp(&b.what));
    items.dedup_by(|a, b| a.what == b.what);
    items.truncate(INVENTORY_ITEMS_MAX);
    let as_of = Position(cell.tail().0.saturating_sub(behind));
    let names: Vec<SourceName> = ["lv-a", "lv-b"].iter().filter_map(|name| SourceName::new(name).ok()).collect();
    let foreign = names.into_iter().filter(|_| strikes());
    let foreign = foreign.map(|name| Foreign { name, size_bytes: 1 << 30, origin: None, open: false }).collect();
    InventoryReport {
        pool: pool.clone(),
        at: cell.now,
        as_of,
        after: None,
        through: None,
        exports: true,
        items,
        foreign: Some(ForeignList::of(foreign)),
    }
}

fn noise(cell: &mut Cell, bytes: &[u8], way: u8) {
    match way {
        0 => cell.offer_inbox("stele.cmd.demo.volume.create", bytes.to_vec()),
        1 => cell.offer("stele.ask.demo.nothing.at.all", bytes.to_vec(), Source::Ask),
        _ => cell.offer("stele.report.x", bytes.to_vec(), Source::Report),
    };
}

fn nth_last(cell: &Cell, back: usize) -> Option<Task> {
    cell.dispatched.iter().rev().nth(back).cloned()
}

fn worker() -> WorkerName {
    WorkerName::new("w1").unwrap()
}

impl Heartbeat {
    fn report(&self, cell: &Cell) -> Report {
        let backend = BackendName::new(&format!("n{}@lvm", self.backend)).unwrap();
        let pools = (0..self.pools).map(|n| PoolReport { pool: pool(self.backend, n), stats: self.stats() }).collect();
        let as_of = Position(cell.tail().0.saturating_sub(self.behind));
        let zone = if self.zone { "moon" } else { "nova" };
        let body = ReportBody::Backend(backend_report(backend, zone, as_of, cell.now, pools));
        Report { v: TASK_VERSION, worker: worker(), body }
    }

    fn stats(&self) -> PoolStats {
        let free = match self.odd {
            0 => Some(Amount::Infinite),
            1 => Some(Amount::Unknown),
            _ => self.free.map(Amount::Number),
        };
        let mut stats = PoolStats::new(Amount::Number(self.total), free);
        stats.provisioned_capacity_gb = self.provisioned;
        stats.thin_provisioning_support = self.thin;
        stats.reserved_percentage = u32::from(self.odd) * 2;
        stats.max_over_subscription_ratio = (self.odd == 2).then_some(Ratio::Auto);
        if self.odd == 3 {
            let values =
                vec![Capability::Float(0.1 + self.total), Capability::Null, Capability::Text("ä\"".to_owned())];
            stats.capabilities.insert("odd".to_owned(), Capability::List(values));
        }
        stats
    }
}

fn pool(backend: u8, number: u8) -> PoolName {
    PoolName::new(&format!("n{backend}@lvm#p{number}")).unwrap()
}

/// One round of a world in which everything works: who is asked answers, and time passes.
pub(super) fn be_fair(cell: &mut Cell) {
    for open in crate::writer::open_tasks(cell.writer.acknowledged()) {
        let report = task_report(&open, transition("ok", cell.now));
        let body = ReportBody::Tasks(vec![report]);
        cell.send_report(&Report { v: TASK_VERSION, worker: worker(), body });
    }
    cell.offer_late();
    cell.flush();
    cell.now = cell.now.plus_ms(30_000);
}

pub(super) fn reply(answer: &Answer<u32>) -> u32 {
    match answer {
        Answer::Outcome(reply, _)
        | Answer::Before(reply, _, _)
        | Answer::Recorded(reply, _)
        | Answer::Refused(reply, _) => *reply,
    }
}
