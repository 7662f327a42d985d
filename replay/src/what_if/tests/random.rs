//! Histories by chance, which a seed repeats: users who ask for everything, workers that fail, are late or silent, and
//! pools that fill up.

use serde_json::{Value, json};
use stele_core::id::PoolName;
use stele_core::schedule::{Amount, PoolStats};
use stele_core::state::State;
use stele_core::task::{
    BackendReport, Connection, Failure, FailureKind, Operation, PoolReport, Report, ReportBody, TASK_VERSION, Task,
    Transition,
};
use uuid::Uuid;

use crate::testing::{Cell, worker};

/// The pools with their totals; the third is thin.
pub(super) const POOLS: [(&str, f64); 4] =
    [("n1@lvm#vg", 120.0), ("n2@lvm#vg", 90.0), ("n3@lvm#thin", 60.0), ("n4@lvm#vg", 40.0)];

/// Numbers that a seed repeats (xorshift64*).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        let index = self.below(values.len() as u64);
        values[usize::try_from(index).unwrap()]
    }
}

/// A cell in which so many things happened.
pub(super) fn history(seed: u64, happenings: u64) -> Cell {
    let mut chance = Chance::new(seed);
    let mut cell = Cell::new();
    heartbeats(&mut cell);
    cell.ask("type.create", &json!({ "name": "gold" }));
    cell.ask("type.create", &json!({ "name": "many", "extra_specs": { "multiattach": "<is> True" } }));
    cell.ask("group_type.create", &json!({ "id": id(9, 0), "name": "set" }));
    cell.ask("quota.set", &json!({ "project": "demo", "volumes": 30, "gigabytes": 250, "snapshots": 20 }));
    for number in 0..happenings {
        cell.wait(chance.below(3_000));
        match chance.below(20) {
            0..=10 => ask(&mut cell, &mut chance),
            11..=16 => work(&mut cell, &mut chance),
            17 => cell.publish("volume.create", chance.one_of(&["this is no JSON", r#"{"volume":{"size_gib":2}}"#])),
            18 if chance.below(8) == 0 => cell.wait(130_000),
            _ => cell.wait(1_000),
        }
        cell.pass_deadlines();
        if number % 7 == 0 {
            heartbeats(&mut cell);
        }
    }
    cell
}

fn id(kind: u128, number: u64) -> Uuid {
    Uuid::from_u128((kind << 64) | (u128::from(number) + 1))
}

const KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";

fn ask(cell: &mut Cell, chance: &mut Chance) {
    let volume = json!(id(1, chance.below(45)));
    let (snapshot, group) = (json!(id(2, chance.below(12))), json!(id(3, chance.below(3))));
    let (attachment, transfer) = (json!(id(4, chance.below(10))), json!(id(5, chance.below(4))));
    let (group_snapshot, size) = (json!(id(6, chance.below(3))), chance.below(9) + 1);
    let kind = chance.one_of(&["__DEFAULT__", "gold", "many"]);
    let backend = chance.one_of(&["n2@lvm", "n4@lvm"]);
    let (command, content): (&str, Value) = match chance.below(40) {
        0..=8 => ("volume.create", json!({ "id": volume, "size_gib": size, "name": "db" })),
        9 => ("volume.create", json!({ "id": volume, "size_gib": size, "type": kind })),
        10 => ("volume.create", json!({ "id": volume, "snapshot": snapshot })),
        11 => ("volume.create", json!({ "id": volume, "source_volume": id(1, chance.below(45)) })),
        12 => ("volume.create", json!({ "id": volume, "size_gib": size, "type": "gold", "group": group })),
        13 => (
            "volume.create",
            json!({ "id": volume, "size_gib": size,
            "hints": { "different_host": [id(1, chance.below(45))] } }),
        ),
        14..=18 => ("volume.delete", json!({ "id": volume })),
        19 => ("volume.delete", json!({ "id": volume, "cascade": true })),
        20..=22 => ("volume.extend", json!({ "id": volume, "size_gib": size + 6 })),
        23 => ("volume.retype", json!({ "id": volume, "type": kind })),
        24 => {
            let some = cell.folded().state.snapshots.values().next();
            let (volume, snapshot) = some.map_or((volume, snapshot), |some| (json!(some.volume), json!(some.id)));
            ("volume.revert", json!({ "id": volume, "snapshot": snapshot }))
        }
        25..=26 => ("snapshot.create", json!({ "id": snapshot, "volume": volume, "force": true })),
        27 => ("snapshot.delete", json!({ "id": snapshot })),
        28 => ("attachment.create", json!({ "id": attachment, "volume": volume, "connector": { "host": "h1" } })),
        29 => ("attachment.complete", json!({ "id": attachment })),
        30 => ("attachment.delete", json!({ "id": attachment })),
        31 => (
            "transfer.create",
            json!({ "id": transfer, "volume": volume, "salt": "0011223344556677", "key_hash": KEY }),
        ),
        32 => ("transfer.accept", json!({ "id": transfer, "key_hash": KEY })),
        33 => ("group.create", json!({ "id": group, "group_type": "set", "volume_types": ["gold", "__DEFAULT__"] })),
        34 => ("group.update", json!({ "id": group, "add_volumes": [volume] })),
        35 => ("group.delete", json!({ "id": group, "delete_volumes": true })),
        36 => ("group_snapshot.create", json!({ "id": group_snapshot, "group": group })),
        37 => ("quota.set", json!({ "project": "demo", "volumes": 20 + size, "gigabytes": 150 + 20 * size })),
        38 => ("service.disable", json!({ "backend": backend, "reason": "disks" })),
        _ => ("service.enable", json!({ "backend": backend })),
    };
    let project = match command {
        "transfer.accept" => "other",
        command if command.starts_with("quota") || command.starts_with("service") => "admin",
        _ => "demo",
    };
    cell.ask_in(project, command, &content);
}

/// A worker says something: mostly about what is open, sometimes about what was given up long ago.
fn work(cell: &mut Cell, chance: &mut Chance) {
    let open: Vec<Task> = cell
        .folded()
        .state
        .flows
        .values()
        .filter_map(|flow| flow.task.as_ref())
        .map(|open| open.task.clone())
        .collect();
    let task = match (open.is_empty(), chance.below(12)) {
        (true, _) | (_, 0) if !cell.tasks.is_empty() => {
            let newest = cell.tasks.len() as u64;
            let back = chance.below(newest.min(20));
            cell.tasks[usize::try_from(newest - 1 - back).unwrap()].clone()
        }
        (true, _) => return,
        _ => open[usize::try_from(chance.below(open.len() as u64)).unwrap()].clone(),
    };
    let started_at = cell.now;
    cell.wait(200 + chance.below(800));
    let kinds = [FailureKind::NoSpace, FailureKind::Busy, FailureKind::Other, FailureKind::Unsupported];
    let transition = match chance.below(10) {
        0 => Transition::Started { at: started_at },
        1 => Transition::Failed {
            started_at,
            finished_at: cell.now,
            steps: Vec::new(),
            failure: Failure {
                kind: chance.one_of(&kinds),
                step: "lvcreate".to_owned(),
                message: "the tool failed".to_owned(),
                exit_status: Some(5),
                stderr: String::new(),
            },
        },
        _ => Transition::Succeeded {
            started_at,
            finished_at: cell.now,
            steps: Vec::new(),
            connection: matches!(task.operation, Operation::ConnectVolume { .. })
                .then(|| Connection { driver_volume_type: "iscsi".to_owned(), data: Default::default() }),
            size_bytes: None,
        },
    };
    cell.transition(&task, transition);
}

/// Every backend says what its pool holds: whole volumes where it is thick, a quarter of them where it is thin.
pub(super) fn heartbeats(cell: &mut Cell) {
    for (name, total) in POOLS {
        let pool = PoolName::new(name).unwrap();
        let held = held_gib(&cell.folded().state, &pool);
        let thin = name.contains("thin");
        let free = if thin { total - held / 4.0 } else { total - held };
        let mut stats = PoolStats::new(Amount::Number(total), Some(Amount::Number(free.max(0.0))));
        stats.provisioned_capacity_gb = held;
        stats.thin_provisioning_support = thin;
        let report = BackendReport {
            backend: pool.backend(),
            at: cell.now,
            availability_zone: "nova".to_owned(),
            driver: "lvm".to_owned(),
            as_of: cell.tail(),
            pools: vec![PoolReport { pool, stats }],
        };
        let worker = worker(&report.backend);
        cell.send_report(&Report { v: TASK_VERSION, worker, body: ReportBody::Backend(report) });
    }
}

/// What really lies on a pool, in GiB.
pub(super) fn held_gib(state: &State, pool: &PoolName) -> f64 {
    let volumes = state.volumes.values().filter(|volume| volume.pool.as_ref() == Some(pool));
    let volumes = volumes.filter(|volume| volume.launched_at.is_some()).map(|volume| volume.size_gib.gib());
    let snapshots = state.snapshots.values().filter(|snapshot| snapshot.pool == *pool && snapshot.progress == 100);
    f64::from(volumes.sum::<u32>() + snapshots.map(|snapshot| snapshot.size_gib.gib()).sum::<u32>())
}
