//! Histories by chance: every kind of row comes, changes often, goes and comes again.

use stele_core::command::Source;
use stele_core::id::VolumeId;
use stele_core::inventory::Foreign;
use stele_core::task::{FailureKind, Transition};
use uuid::Uuid;

use super::Cell;

/// A small generator of numbers; the same for the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

const PROJECTS: [&str; 3] = ["demo", "lab", "small"];

/// The ids that things get: few, so that they come to be, go and come again.
pub(crate) fn ids() -> impl Iterator<Item = Uuid> {
    (1..=12).map(|number| Uuid::from_u128(0xdead_0000 + number))
}

/// A cell in which `steps` things have happened.
pub(crate) fn history(seed: u64, steps: u64) -> Cell {
    let mut cell = Cell::new();
    let mut chance = Chance::new(seed);
    cell.heartbeat("n1@lvm", &[("a", 40.0, 40.0), ("b", 20.0, 20.0)]);
    for _ in 0..steps {
        something(&mut cell, &mut chance);
    }
    cell
}

fn something(cell: &mut Cell, chance: &mut Chance) {
    let id = Uuid::from_u128(0xdead_0000 + 1 + u128::from(chance.below(12)));
    let project = chance.of(&PROJECTS);
    match chance.below(20) {
        0..=3 => {
            let body = create(id, chance);
            cell.ask(&format!("{project}.volume.create"), &body);
        }
        4..=9 => work(cell, chance),
        10 => drop(cell.ask(&format!("{project}.volume.delete"), &format!(r#"{{"volume":{{"id":"{id}"}}}}"#))),
        11 => {
            let body = format!(r#"{{"volume":{{"id":"{id}","size_gib":{}}}}}"#, 2 + chance.below(9));
            cell.ask(&format!("{project}.volume.extend"), &body);
        }
        12 => snapshot(cell, chance, project, id),
        13 => attachment(cell, chance, project, id),
        14 => {
            let free = chance.below(40) as f64;
            cell.heartbeat(chance.of(&["n1@lvm", "n2@lvm"]), &[("a", 40.0, free), ("b", 20.0, 20.0)]);
        }
        15 => {
            let body = format!(r#"{{"quota":{{"project":"{project}","volumes":{}}}}}"#, 2 + chance.below(9));
            cell.ask("admin.quota.set", &body);
        }
        16 => catalogue(cell, chance),
        17 => several(cell, chance, project),
        18 => match chance.below(4) {
            0 => cell.stray(b"noise"),
            1 => cell.late(200_000),
            _ => cell.late(1000),
        },
        _ => {
            let name = format!("lv-{}", chance.below(3)).parse().unwrap();
            cell.inventory("n1@lvm#a", vec![Foreign { name, size_bytes: 1 << 30, open: false, origin: None }]);
        }
    }
}

fn create(id: Uuid, chance: &mut Chance) -> String {
    let (size, name) = (1 + chance.below(4), chance.of(&["", "web", "db"]));
    let kind = if chance.below(3) == 0 { r#","type":"gold""# } else { "" };
    format!(r#"{{"volume":{{"id":"{id}","size_gib":{size},"name":"{name}"{kind}}}}}"#)
}

/// A worker does something of what it was given.
fn work(cell: &mut Cell, chance: &mut Chance) {
    let Some(task) = cell.tasks.first().cloned() else { return };
    let at = cell.now;
    match chance.below(6) {
        0 => cell.transition(&task, Transition::Started { at }),
        1 => {
            let percent = u8::try_from(chance.below(100)).unwrap();
            cell.transition(&task, Transition::Progressed { at, step: "wipe".to_owned(), percent });
        }
        2 => cell.fail(chance.of(&[FailureKind::NoSpace, FailureKind::Busy, FailureKind::Timeout])),
        _ => cell.succeed(),
    }
}

fn snapshot(cell: &mut Cell, chance: &mut Chance, project: &str, id: Uuid) {
    let volume = Uuid::from_u128(0xdead_0000 + 1 + u128::from(chance.below(12)));
    if chance.below(3) == 0 {
        cell.ask(&format!("{project}.snapshot.delete"), &format!(r#"{{"snapshot":{{"id":"{id}"}}}}"#));
    } else {
        let body = format!(r#"{{"snapshot":{{"id":"{id}","volume":"{volume}","name":"s"}}}}"#);
        cell.ask(&format!("{project}.snapshot.create"), &body);
    }
}

fn attachment(cell: &mut Cell, chance: &mut Chance, project: &str, id: Uuid) {
    let volume = Uuid::from_u128(0xdead_0000 + 1 + u128::from(chance.below(12)));
    if chance.below(3) == 0 {
        cell.ask(&format!("{project}.attachment.delete"), &format!(r#"{{"attachment":{{"id":"{id}"}}}}"#));
    } else {
        let body = format!(
            r#"{{"attachment":{{"id":"{id}","volume":"{volume}","instance":"vm","connector":{{"host":"h"}}}}}}"#
        );
        cell.ask(&format!("{project}.attachment.create"), &body);
    }
}

fn catalogue(cell: &mut Cell, chance: &mut Chance) {
    let (what, body) = chance.of(&[
        ("type.create", r#"{"type":{"name":"gold"}}"#),
        ("type.update", r#"{"type":{"type":"gold","description":"bright"}}"#),
        ("type.delete", r#"{"type":{"type":"gold"}}"#),
        ("service.disable", r#"{"service":{"backend":"n2@lvm","reason":"new disks"}}"#),
        ("service.enable", r#"{"service":{"backend":"n2@lvm"}}"#),
        ("type.set_default", r#"{"type":{"project":"lab","type":"gold"}}"#),
        ("log.set_level", r#"{"log":{"binary":"stele-api","prefix":"stele_core","level":"DEBUG"}}"#),
        ("quota_class.set", r#"{"quota_class":{"class":"default","volumes":8}}"#),
    ]);
    cell.ask(&format!("admin.{what}"), body);
}

/// Several commands in one record.
fn several(cell: &mut Cell, chance: &mut Chance, project: &str) {
    for _ in 0..1 + chance.below(5) {
        let id = VolumeId(Uuid::from_u128(0xdead_0000 + 1 + u128::from(chance.below(12))));
        if chance.below(2) == 0 {
            let body = create(id.0, chance);
            cell.offer(&format!("stele.ask.{project}.volume.create"), &body, Source::Ask);
        } else {
            let body = format!(r#"{{"volume":{{"id":"{id}"}}}}"#);
            cell.offer(&format!("stele.ask.{project}.volume.delete"), &body, Source::Ask);
        }
    }
    cell.append();
}
